"""Edits of a RUN's script, carried into the file: no comment is ever deleted, whatever stands around it.

Deleting works on tokens (words, commands, operators) and then on the lines that held them: a line of
which nothing is left goes too, and the line that ends the command from then on loses its continuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
    if offset == run.instruction.span.end:
        # Where the file ends without a newline, an insertion there would be behind the instruction.
        return Edit(build.path, Span(offset - 1, offset), build.dockerfile.text[offset - 1] + text)
    return Edit(build.path, Span(offset, offset), text)


def mount_flags(build: Build, run: Run, mounts: Sequence[str]) -> Edit:
    """Return the edit that adds mounts behind the last flag, each on a line of its own."""
    instruction, dockerfile = run.instruction, build.dockerfile
    indent = _indent(dockerfile.source(instruction.span))
    newline = " " if instruction.heredocs else f" {instruction.escape}{dockerfile.newline}{indent}"
    start, body = instruction.keyword_span.end, instruction.body.offset(0)
    first = " "
    if instruction.flags:
        start, first = instruction.flags[-1].span.end, newline
    if "\n" in dockerfile.text[start:body]:
        return Edit(build.path, Span(start, start), first + newline.join(mounts))
    return Edit(build.path, Span(start, body), first + newline.join([*mounts, ""]))


def _indent(text: str) -> str:
    """Return how an instruction indents the lines behind its first, where that is a common way; else four blanks."""
    following = next((line for line in text.split("\n")[1:] if line.strip() and not line.lstrip().startswith("#")), "")
    indent = following[: len(following) - len(following.lstrip(" \t"))]
    return indent if indent in ("\t", "  ", "   ") else "    "


def command_spans(build: Build, run: Run, positions: Sequence[int]) -> list[Span]:
    """Return the script's spans of the commands at `positions` (ascending) and of an operator for each.

    Some command must stay. What is left means the same if the deleted ones cannot fail and any other
    failure ends the script (`Run.aborts`).
    """
    assert run.script is not None
    items, found = run.script.items, [run.script.items[at].span for at in positions]
    for first, last in _series(positions):
        operators = [(item.operator, item.operator_span) for item in items[first : last + 2]]
        before, *inner = operators[: last - first + 1]
        ends = last + 1 == len(items)
        after = (run.script.terminator, run.script.terminator_span) if ends else operators[-1]
        if ends:
            inner += [before, after]
        elif first == 0 or before[0] not in ("&&", after[0]):
            inner.append(after)
        else:
            near = before[0] != after[0] or _on_one_line(build, run, before[1], items[first].span)
            inner.append(before if near else after)
        # A newline goes with its line.
        found += [span for operator, span in inner if span and operator != "\n"]
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
    """A physical line of a script: its text ends at `tail`, its continuation at `stop`, its newline at `end`.

    `continued` tells whether the next line belongs to the same command; `head` whether it is the first
    of the instruction's, which cannot go.
    """

    start: int
    tail: int
    stop: int
    end: int
    continued: bool
    head: bool


def delete(build: Build, run: Run, spans: Sequence[Span]) -> tuple[Edit, ...]:
    """Return the edits that delete `spans` of the script, and the lines and continuations that they leave empty."""
    text, lines = build.dockerfile.text, _lines(build, run)
    tokens = [token for span in spans for token in _pieces(run, span)]
    clipped = [_joined(text, [part for token in tokens if (part := _clip(token, line))]) for line in lines]
    left = [_left(text, line, mine) for line, mine in zip(lines, clipped, strict=True)]
    gone = _head(lines, left)
    last: tuple[int, _Line] | None = None
    for line, mine, rest in zip(lines, clipped, left, strict=True):
        comment = rest and text[rest[0]] == "#"
        if mine and not rest and not line.head:
            gone.append(_whole(text, line))
        else:
            gone += [_trimmed(text, line, token) for token in mine]
        if mine and (not rest or comment) and not line.continued and last and last[1].continued:
            gone.append(Span(last[0], last[1].stop))
        if rest and not comment:
            last = rest[-1] + 1, line
    return tuple(Edit(build.path, span, "") for span in _joined(text, gone, ""))


def _head(lines: Sequence[_Line], left: Sequence[Sequence[int]]) -> list[Span]:
    """Return what goes if nothing is left of the first line: all up to the next text, unless a comment is between."""
    at = next(at for at, rest in enumerate(left) if rest)
    adjoining = all(line.end == following.start for line, following in pairwise(lines[: at + 1]))
    return [Span(lines[0].start, left[at][0])] if lines[0].head and at and adjoining else []


def _pieces(run: Run, span: Span) -> Iterator[Span]:
    """Yield the file spans of a span of the script, without the continuations and indentation inside it."""
    for at, file, length in run.text.slice(span.start, span.end).pieces:
        piece = run.text.text[span.start + at : span.start + at + length]
        start = file + length - len(piece.lstrip(_BLANKS))
        yield Span(start, max(start, file + len(piece.rstrip(_BLANKS))))


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
            continued = following < end and bool(
                re.search(rf"(?<!{re.escape(escape)}){re.escape(escape)}[ \t]*\Z", content)
            )
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
        if found and not text[found[-1].end : span.start].strip(between):
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
    before = text[line.start : start]
    if not before.strip(_BLANKS) or (end < line.tail and text[end] in _BLANKS and before[-1] in _BLANKS):
        return Span(start, _behind_blanks(text, end))
    if end < line.tail and text[end] in _BLANKS:
        return token
    return Span(line.start + len(before.rstrip(_BLANKS)), end)


def _behind_blanks(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in _BLANKS:
        at += 1
    return at
