"""Is this the build context at all? The sources that the Dockerfile names tell."""

from __future__ import annotations

from pathlib import Path

from ..source.dockerfile import Dockerfile
from .locate import repository_root
from .needs import named_sources


def missing(dockerfile: Dockerfile, directory: Path) -> str | None:
    """Return a source that the Dockerfile copies by a plain name and `directory` has not; None if all are there."""
    for source in named_sources("", dockerfile):
        if not set(source.path) & set("*?[$<\\") and "://" not in source.raw and not (directory / source.path).exists():
            return source.raw
    return None


def better(dockerfile: Dockerfile, directory: Path) -> Path | None:
    """Return the nearest directory above, inside the repository, that has all sources; None if there is none."""
    root = repository_root(directory / "Dockerfile")
    for above in directory.resolve().parents:
        if not above.is_relative_to(root):
            return None
        if missing(dockerfile, above) is None:
            return above
    return None
