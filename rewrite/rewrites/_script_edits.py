"""Edits of a RUN's script, carried into the file: no comment is ever deleted, whatever stands around it.

Deleting works on tokens (words, commands, operators) and then on the lines that held them: a line of
which nothing is left goes too, and the line that ends the command from then on loses its continuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..build.build import Build
from ..build.runs import Run
from ..source.edits import Edit, Span

_BLANKS = " \t"


def insert(build: Build, run: Run, at: int, text: str) -> Edit:
    """Return the edit that inserts `text` before the character at `at` of the script."""
    offset = run.text.offset(at)
    return Edit(build.path, Span(offset, offset), text)


def insert_behind(build: Build, run: Run, at: int, text: str) -> Edit:
    """Return the edit that inserts `text` behind the character before `at`, on that character's line."""
    offset = run.text.offset(at - 1) + 1
    return Edit(build.path, Span(offset, offset), text)


def command_spans(build: Build, run: Run, positions: Sequence[int]) -> list[Span]:
    """Return the script's spans of the commands at `positions` (ascending) and of an operator for each.

    Some command must stay. What is left means the same if the deleted ones cannot fail and any other
    failure ends the script (`Run.aborts`).
    """
    assert run.script is not None
    items, found = run.script.items, [run.script.items[at].span for at in positions]
    for first, last in _series(positions):
        operators = [(item.operator, item.operator_span) for item in items[first : last + 2]]
        if last + 1 == len(items):
            operators.append((run.script.terminator, run.script.terminator_span))
        before, *inner, after = operators
        chosen = before
        if first == 0 or (after[0] and before[0] not in ("&&", after[0])):
            chosen = after
        elif before[0] == after[0] and not _on_one_line(build, run, before[1], items[first].span):
            chosen = after
        # A newline goes with its line.
        found += [span for operator, span in (*inner, chosen) if span and operator != "\n"]
    return found


def _series(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last number of each unbroken series."""
    first = positions[0] if positions else 0
    for at, following in zip(positions, [*positions[1:], None], strict=True):
        if following != at + 1:
            yield first, at
            first = following or 0


def _on_one_line(build: Build, run: Run, operator: Span | None, item: Span) -> bool:
    start = run.text.offset(operator.start) if operator else 0
    return "\n" not in build.dockerfile.text[start : run.text.offset(item.start)]


@dataclass(frozen=True, slots=True)
class _Line:
    """A physical line of a script: `tail` is where its text ends, `stop` its line with the continuation, `end` the newline.

    `continued` tells whether the next line belongs to the same command; `head` whether the keyword stands on it.
    """

    start: int
    tail: int
    stop: int
    end: int
    continued: bool
    head: bool


def delete(build: Build, run: Run, spans: Sequence[Span]) -> tuple[Edit, ...]:
    """Return the edits that delete `spans` of the script, and the lines and continuations that they leave empty."""
    text = build.dockerfile.text
    tokens = [token for span in spans for token in _pieces(run, span)]
    gone: list[Span] = []
    last: tuple[int, _Line] | None = None
    for line in _lines(build, run):
        mine = _joined(text, [part for token in tokens if (part := _clip(token, line))])
        left = _left(text, line, mine)
        comment = left and text[left[0]] == "#"
        if mine and not left and not line.head:
            gone.append(_whole(text, line))
        else:
            gone += [_trimmed(text, line, token) for token in mine]
        if mine and (not left or comment) and not line.continued and last and last[1].continued:
            gone.append(Span(last[0], last[1].stop))
        if left and not comment:
            last = left[-1] + 1, line
    return tuple(Edit(build.path, span, "") for span in _joined(text, gone, ""))


def _pieces(run: Run, span: Span) -> Iterator[Span]:
    """Yield the file spans of a span of the script, without the continuations inside it."""
    for _, file, length in run.text.slice(span.start, span.end).pieces:
        yield Span(file, file + length)


def _lines(build: Build, run: Run) -> list[_Line]:
    """Return the lines of the script; comment lines and blank lines inside a continuation are none."""
    text, instruction = build.dockerfile.text, run.instruction
    start, end = run.text.offset(0), run.text.offset(len(run.text.text) - 1) + 1
    comments = {comment.start for comment in instruction.comments}
    escape = "\\" if instruction.heredocs else instruction.escape
    found: list[_Line] = []
    while start < end:
        newline = text.find("\n", start)
        following = len(text) if newline < 0 else newline + 1
        content = text[start:following].rstrip("\r\n")
        if instruction.heredocs or (content.strip() and start not in comments):
            continued = following < end and bool(re.search(rf"{re.escape(escape)}[ \t]*\Z", content))
            bare = content.rstrip(_BLANKS).removesuffix(escape) if continued else content
            head = not found and not instruction.heredocs
            tail = start + len(bare.rstrip(_BLANKS))
            found.append(_Line(start, tail, start + len(content), following, continued, head))
        start = following
    return found


def _clip(token: Span, line: _Line) -> Span | None:
    start, end = max(token.start, line.start), min(token.end, line.tail)
    return Span(start, end) if start < end else None


def _joined(text: str, spans: Sequence[Span], between: str = _BLANKS) -> list[Span]:
    """Join spans that touch, overlap, or have only characters of `between` between them."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and not text[found[-1].end : span.start].strip(between or "\0"):
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _left(text: str, line: _Line, gone: Sequence[Span]) -> list[int]:
    """Return where the characters of a line stand that are neither blank nor in `gone`."""
    return [
        at
        for at in range(line.start, line.tail)
        if text[at] not in _BLANKS and not any(span.start <= at < span.end for span in gone)
    ]


def _whole(text: str, line: _Line) -> Span:
    """Return the span of a line with its newline; the one before it where the file ends without."""
    if line.end > line.stop:
        return Span(line.start, line.end)
    return Span(len(text[: line.start].rstrip("\r\n")), line.end)


def _trimmed(text: str, line: _Line, token: Span) -> Span:
    """Widen the span of a token over the blanks on one of its sides."""
    start, end = token.start, token.end
    if end < line.tail or start == line.start:
        if start == line.start or text[start - 1] in _BLANKS:
            while end < line.stop and text[end] in _BLANKS:
                end += 1
        return Span(start, end)
    while start > line.start and text[start - 1] in _BLANKS:
        start -= 1
    return Span(start, end)
