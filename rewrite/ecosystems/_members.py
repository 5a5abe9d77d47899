"""Where the members of a workspace lie in the image, and whether a pattern of a manifest names them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ..build.build import View
from ..build.copies import Copy
from ..build.paths import BASE, inside, join
from ..build.runs import Step
from ..model import Declined


def files_below(directory: str, view: View) -> Iterator[tuple[str, bool]]:
    """Yield the image paths of the files of the context below `directory`, and whether each is a symbolic link."""
    for copy in view.copies:
        for source in copy.below(directory):
            for entry in view.context.files(source):
                for path in _image_paths(copy, entry.path):
                    if path != directory and inside(path, directory):
                        yield path, entry.link is not None


def _image_paths(copy: Copy, source: str) -> Iterator[str]:
    for mapping in copy.mappings:
        if mapping.source == source:
            yield mapping.destination
        elif mapping.is_dir and (mapping.source == "." or source.startswith(f"{mapping.source}/")):
            yield posixpath.normpath(posixpath.join(mapping.destination, posixpath.relpath(source, mapping.source)))


def matches(names: list[str], pattern: list[str], partly: bool = False) -> bool:
    """Tell whether a path matches a pattern of ``*``, ``?`` and ``**``; `partly`: whether something below it may."""
    if not names:
        return partly or all(part == "**" for part in pattern)
    if not pattern:
        return False
    if pattern[0] == "**":
        return matches(names, pattern[1:], partly) or matches(names[1:], pattern, partly)
    return fnmatchcase(names[0], pattern[0]) and matches(names[1:], pattern[1:], partly)


def image_path(step: Step, value: str) -> str:
    """Return the image path that a word of a command names; raises Declined where its directory is not known."""
    path = join(step.cwd, value)
    if path is None:
        raise Declined(f"where {value} lies is not known")
    return path


def above(directory: str) -> Iterator[str]:
    """Yield the directories above an image path, the nearest first."""
    while directory not in ("", "/", BASE):
        directory = posixpath.dirname(directory)
        yield directory
