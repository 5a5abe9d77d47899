"""Files that look like secrets and that a COPY brings into the image."""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..build.secrets import is_secret


def secrets_in_reach(build: Build) -> Iterator[str]:
    """Yield a note for each file of the context that looks like a secret and that a COPY or ADD brings."""
    for path in (entry.path for entry in build.context.files() if is_secret(build.context, entry.path)):
        for stage in build.stages:
            for instruction in stage.instructions:
                copy = build.copy(instruction)
                sources = [mapping.source for mapping in copy.mappings] if copy else []
                if any(source in ("", ".") or path == source or path.startswith(source + "/") for source in sources):
                    reach = f"{instruction.keyword} ({build.place(instruction)})"
                    yield f"a secret by its name or form is in reach of {reach}: {path}"
                    break
            else:
                continue
            break
