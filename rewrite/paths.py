"""Paths: how they are shown to the user, and which files below a directory are Dockerfiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from .errors import UsageError

NAMES = ("Dockerfile", "Dockerfile.*", "*.Dockerfile", "*.dockerfile", "Containerfile", "Containerfile.*", "dockerfile")
NOT_NAMES = tuple(
    f"*.{ending}"
    for ending in "dockerignore containerignore j2 jinja jinja2 tmpl tpl template in erb md txt rst".split()
)
SKIPPED = frozenset({".git", ".hg", ".svn", ".venv", "venv", "vendor", "__pycache__", "node_modules"})


def shown(path: Path) -> str:
    """Return `path` relative to the current directory, with `/`; as given where it lies outside."""
    inside = Path(os.path.abspath(path))
    try:
        return inside.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def is_dockerfile(name: str) -> bool:
    """Tell whether a file of this name is taken for a Dockerfile when a directory is searched."""
    return any(fnmatchcase(name, n) for n in NAMES) and not any(fnmatchcase(name, n) for n in NOT_NAMES)


def may_be_dockerfile(name: str) -> bool:
    """Tell whether a file of this name may be built from, though a search would not take it (`Dockerfile-prod`)."""
    named = "dockerfile" in name.lower() or "containerfile" in name.lower()
    return named and not any(fnmatchcase(name, n) for n in NOT_NAMES)


def dockerfiles_below(directory: Path, takes: Callable[[str], bool] = is_dockerfile) -> Iterator[Path]:
    """Yield the Dockerfiles below `directory` in a stable order, without those of version control and dependencies."""

    def fail(error: OSError) -> None:
        raise UsageError(f"cannot be searched: {error.strerror}", shown(Path(error.filename)))

    for where, directories, files in os.walk(directory, onerror=fail):
        directories[:] = sorted(d for d in directories if d not in SKIPPED)
        for name in sorted(files):
            if takes(name):
                yield Path(where, name)
