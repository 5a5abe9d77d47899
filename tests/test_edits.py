"""Edits: applied together, or refused together."""

from __future__ import annotations

import pytest

from rewrite.source.edits import Edit, OverlapError, Span, apply, overlap


def edit(start: int, end: int, text: str = "", path: str = "f") -> Edit:
    return Edit(path, Span(start, end), text)


def test_edits_are_applied_wherever_they_stand_in_the_list() -> None:
    edits = [edit(4, 5, "FIVE"), edit(0, 1, "ONE"), edit(2, 2, "+"), edit(6, 6, "!")]
    assert apply("abcdef", edits) == "ONEb+cdFIVEf!"
    assert apply("abc", []) == "abc"


@pytest.mark.parametrize(
    ("first", "second", "collides"),
    [
        ((0, 2), (1, 3), True),
        ((0, 3), (1, 2), True),
        ((0, 2), (2, 3), False),
        ((1, 1), (1, 1), True),
        ((1, 1), (1, 3), True),
        ((0, 2), (1, 1), True),
        ((0, 2), (2, 2), False),
        ((0, 1), (0, 1), True),
    ],
)
def test_overlap(first: tuple[int, int], second: tuple[int, int], collides: bool) -> None:
    one, other = edit(*first, "x"), edit(*second, "y")
    assert overlap(one, other) is overlap(other, one) is collides
    if collides:
        with pytest.raises(OverlapError):
            apply("abcdef", [one, other])
    assert not overlap(one, edit(*second, path="g"))


def test_a_span_covers_what_lies_inside() -> None:
    assert Span(1, 4).covers(Span(1, 4))
    assert Span(1, 4).covers(Span(2, 2))
    assert not Span(1, 4).covers(Span(0, 2))
