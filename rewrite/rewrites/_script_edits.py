"""Edits of a RUN's script, carried into the file: comments between the lines of a RUN are never deleted."""

from __future__ import annotations

from collections.abc import Sequence

from ..build.build import Build
from ..build.runs import Run
from ..model import Declined
from ..source.edits import Edit, Span
from ..source.shell import Item


def insert(build: Build, run: Run, at: int, text: str) -> Edit:
    """Return the edit that inserts `text` before the character at `at` of the script."""
    offset = run.text.offset(at)
    return Edit(build.path, Span(offset, offset), text)


def insert_behind(build: Build, run: Run, at: int, text: str) -> Edit:
    """Return the edit that inserts `text` behind the character before `at`, on that character's line."""
    offset = run.text.offset(at - 1) + 1
    return Edit(build.path, Span(offset, offset), text)


def delete_word(build: Build, run: Run, before: Span, word: Span) -> Edit:
    """Return the edit that deletes a word with the blanks behind the word `before`."""
    span = Span(run.span(before).end, run.span(word).end)
    if _comment_in(run, span):
        raise Declined("a comment stands before a word that would be taken out", build.place(run.instruction))
    return Edit(build.path, span, "")


def delete_items(build: Build, run: Run, items: Sequence[Item], first: int, last: int) -> tuple[Edit, ...]:
    """Return the edits that take the commands `items[first]` to `items[last]` and one operator out of a longer list."""
    gone = Span(run.span(items[first].span).start, run.span(items[last].span).end)
    before = run.span(items[first - 1].span) if first else None
    if before:
        span = Span(before.end, gone.end)
        if not _comment_in(run, span):
            return (Edit(build.path, span, ""),)
    if last + 1 < len(items):
        span = Span(gone.start, run.span(items[last + 1].span).start)
        if not _comment_in(run, span):
            return (Edit(build.path, span, ""),)
    elif before and not _comment_in(run, gone):
        return _cut_tail(build, run, before.end, gone)
    raise Declined("a comment stands where a command would be taken out", build.place(run.instruction))


def _cut_tail(build: Build, run: Run, start: int, item: Span) -> tuple[Edit, ...]:
    """Delete the last command but not the comment lines above it, which then follow the instruction."""
    text = build.dockerfile.text
    line_end = text.index("\n", start)
    if text[line_end - 1] == "\r":
        line_end -= 1
    line_start = text.rindex("\n", 0, item.start) + 1
    following = text.find("\n", item.end)
    end = len(text) if following < 0 else following + 1
    if text[item.end : end].strip() or text[line_start : item.start].strip(" \t&;") or run.instruction.heredocs:
        raise Declined("a comment stands where a command would be taken out", build.place(run.instruction))
    return (Edit(build.path, Span(start, line_end), ""), Edit(build.path, Span(line_start, end), ""))


def _comment_in(run: Run, span: Span) -> bool:
    return any(span.start <= comment.start < span.end for comment in run.instruction.comments)
