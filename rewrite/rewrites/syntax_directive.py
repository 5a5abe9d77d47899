"""Ask for a frontend that knows what the Dockerfile uses.

A builder reads a Dockerfile by the frontend that came with it. One of before September 2024 refuses `ADD --unpack`,
`COPY --exclude` or a secret in the environment; with `# syntax=docker/dockerfile:1` it fetches the newest one and reads
them. It is for review, as each build then asks Docker Hub, also where the builder's own frontend is new enough: what
builds without a network, or from a mirror, is better off with a newer builder.

Declines where nothing in the file is as new as that; where a `# syntax` line is there already, and tells if it is too
old; and for builders other than BuildKit, which do not heed it.

```diff
+# syntax=docker/dockerfile:1
 FROM python:3.12-slim
 COPY --exclude=*.md . /app
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.frontend import older
from ..build.runs import mounts
from ..model import Proposal, Refusal, assumed, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span

NAME = "syntax-directive"
# Flags, and the version 1.N of the stable frontend that first knows them.
_FLAGS = {("ADD", "unpack"): 17, ("ADD", "exclude"): 19, ("COPY", "exclude"): 19, ("COPY", "parents"): 20}
_OCTAL = re.compile(r"[0-7]+|.*\$.*")


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for the instruction that needs the newest frontend, or why there is none."""
    needed = [(since, what, line) for line in build.dockerfile.instructions for since, what in _features(line)]
    if not needed:
        return
    since, what, line = max(needed, key=lambda entry: entry[0])
    where = build.place(line)
    present = build.dockerfile.directive("syntax")
    if build.builder != "buildkit":
        yield Refusal(NAME, where, f"the builder ({build.builder}) does not heed # syntax, and may not know {what}")
    elif present:
        old = older(build.dockerfile, since)
        if old:
            yield Refusal(NAME, where, f"# syntax={old} is older than {what} (1.{since})")
    elif build.dockerfile.text.startswith("#!"):
        yield Refusal(NAME, where, "a # syntax line must be the first one, which is for another program here")
    else:
        start = int(build.dockerfile.text.startswith("\ufeff"))
        text = f"# syntax=docker/dockerfile:1{build.dockerfile.newline}"
        yield Proposal(
            NAME,
            f"ask for a frontend that knows {what}",
            "an older builder can build it, too",
            where,
            (Edit(build.path, Span(start, start), text),),
            (
                proved(f"docker/dockerfile:1 knows {what}", f"since 1.{since}", where),
                assumed("the builder can pull docker/dockerfile:1", "each build asks Docker Hub for it"),
            ),
        )


def _features(line: Instruction) -> Iterator[tuple[int, str]]:
    """Yield what an instruction uses that builders of some years ago do not know, each with its version 1.N."""
    inner = line.inner if line.keyword == "ONBUILD" else None
    if inner:
        yield from _features(inner)
        if inner.flag("from") or any("from" in mount.options for mount in mounts(inner) if inner.keyword == "RUN"):
            yield 11, f"ONBUILD {inner.keyword} with from="
        return
    if line.keyword == "RUN" and any(mount.kind == "secret" and "env" in mount.options for mount in mounts(line)):
        yield 10, "secrets in the environment"
    mode = line.flag("chmod") if line.keyword in ("ADD", "COPY") else None
    if mode and not _OCTAL.fullmatch(mode.value or "0"):
        yield 14, f"--chmod={mode.value}"
    for (keyword, flag), since in _FLAGS.items():
        if line.keyword == keyword and line.flag(flag):
            yield since, f"{keyword} --{flag}"
