"""Where the lines of an edited text come from, so that messages name lines of the file as its owner knows it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .edits import Edit


def trace(text: str, edits: Sequence[Edit], known: Sequence[int]) -> list[int]:
    """Return for each line of the edited text the number of the line it comes from.

    `known` are these numbers for `text`. A line that an edit moves keeps its own; a new one gets that
    of the line it is inserted at.
    """
    starts = [0, *(at + 1 for at, char in enumerate(text) if char == "\n")]

    def number(offset: int) -> int:
        # What is added behind the last line belongs to that line.
        return known[min(bisect_right(starts, min(offset, max(len(text) - 1, 0))), len(known)) - 1]

    moved: dict[str, int] = {}
    for edit in edits:
        offset = edit.span.start
        for line in text[edit.span.start : edit.span.end].split("\n"):
            if line.strip():
                moved.setdefault(line, number(offset))
            offset += len(line) + 1
    pieces: list[tuple[str, int, bool]] = []
    position = 0
    for edit in sorted(edits):
        pieces += [(text[position : edit.span.start], position, True), (edit.text, edit.span.start, False)]
        position = edit.span.end
    pieces.append((text[position:], position, True))
    found: list[int] = []
    at_start = True
    for piece, offset, kept in pieces:
        at = 0
        for line in _lines(piece):
            if at_start:
                found.append(number(offset + at) if kept else moved.get(line.rstrip("\n"), number(offset)))
            at_start = line.endswith("\n")
            at += len(line)
    return found or [known[0]]


def _lines(text: str) -> list[str]:
    """Split at newlines, which stay on their lines."""
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])
