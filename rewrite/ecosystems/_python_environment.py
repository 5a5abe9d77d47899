"""The virtual environment that an install makes or fills."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ..build.build import View
from ..build.runs import Step
from . import Write

# Where a laptop's Pythons lie, and an image's do not.
_ELSEWHERE = re.compile(r"home\s*=\s*(?P<path>/Users/|/opt/homebrew/|/home/|/nix/|[A-Za-z]:\\)[^\n]*", re.IGNORECASE)


def environment(path: str, view: View, step: Step, why: str) -> Write:
    """Return the environment at an image path as what an install writes.

    One that a COPY brings and whose Python is not in the image is broken there: uv makes it anew.
    """
    text = view.read(posixpath.join(path, "pyvenv.cfg")) or ""
    found = _ELSEWHERE.search(text)
    home = (step.env.get("HOME") or "/home/") + "/"
    is_broken = found is not None and not found[0].partition("=")[2].strip().startswith(home)
    return Write(path, why, replaced=is_broken)


def system_prefixes() -> Iterator[Write]:
    """Yield where an interpreter of the system keeps its packages."""
    for path in ("/usr/local", "/usr/lib", "/usr/bin"):
        yield Write(path, "the interpreter's prefix")


def home_writes(step: Step) -> Iterator[Write]:
    """Yield what the tools keep below HOME: caches, environments, tools, interpreters and their own settings."""
    home = step.env.get("HOME")
    for folder in (".local", ".cache", ".config") if home else ():
        yield Write(posixpath.join(home or "/", folder), "it is the user's directory", local=False)
