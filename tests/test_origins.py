"""Lines of an edited text know the line they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewrite.source.edits import Edit, Span
from rewrite.source.origins import trace

TEXT = "a\nb\nc\nd\n"


def edit(start: int, end: int, text: str) -> Edit:
    return Edit("Dockerfile", Span(start, end), text)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], [1, 2, 3, 4]),
        ([edit(2, 4, "")], [1, 3, 4]),
        ([edit(2, 2, "new\n")], [1, 2, 2, 3, 4]),
        ([edit(0, 2, ""), edit(6, 6, "a\n")], [2, 3, 1, 4]),
        ([edit(2, 3, "B")], [1, 2, 3, 4]),
        ([edit(8, 8, "e")], [1, 2, 3, 4, 4]),
        ([edit(0, 8, "")], [1]),
    ],
)
def test_trace(edits: list[Edit], expected: list[int]) -> None:
    assert trace(TEXT, edits, [1, 2, 3, 4, 5]) == expected


def test_trace_composes() -> None:
    first = trace(TEXT, [edit(0, 2, "")], [1, 2, 3, 4, 5])
    assert trace("b\nc\nd\n", [edit(2, 2, "x\n")], [*first, 5]) == [2, 3, 3, 4]


@given(st.text(alphabet="ab\n", max_size=30), st.data())
def test_one_number_for_each_line(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new = data.draw(st.text(alphabet="xy\n", max_size=10))
    after = text[:start] + new + text[end:]
    lines = after.count("\n") + (not after.endswith("\n")) if after else 1
    known = list(range(1, text.count("\n") + 2))
    found = trace(text, [edit(start, end, new)], known)
    assert len(found) == lines
    assert set(found) <= set(known)
