"""Edits: replacements of spans of a text, applied together or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range ``[start, end)`` of character offsets in one text."""

    start: int
    end: int

    def covers(self, other: Span) -> bool:
        """Tell whether `other` lies inside this span."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace ``span`` of the file ``path`` by ``text``; on a missing file, ``Span(0, 0)`` creates it.

    `path` names the file as `Build` does (the Dockerfile's or the ignore file's path).
    """

    path: str
    span: Span
    text: str


class OverlapError(ValueError):
    """Two edits touch the same characters, or insert at the same place."""


def overlap(first: Edit, second: Edit) -> bool:
    """Tell whether two edits cannot both be applied to the same text.

    Two insertions at one offset count, since their order would be arbitrary.
    """
    if first.path != second.path:
        return False
    a, b = sorted((first.span, second.span))
    return b.start < a.end or a.start == b.start


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Return `text` with all `edits` (of one path) applied; raise `OverlapError` if two collide."""
    ordered = sorted(edits)
    for first, second in pairwise(ordered):
        if overlap(first, second):
            raise OverlapError(f"{first} and {second}")
    for edit in reversed(ordered):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text
