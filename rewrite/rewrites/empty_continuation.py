"""Take empty lines out of an instruction that goes over several lines.

The builder skips them, and goes on with the instruction behind them, which some day will be an error
(NoEmptyContinuation). Whoever wants to set lines apart can write a line with `#`.

Declines where the last line of the instruction is empty, and leaves heredocs alone, in which an empty line is text.

```diff
 RUN apt-get update && \\
-
     apt-get install -y curl
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._checks import is_skipped

NAME = "empty-continuation"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each instruction with empty lines inside."""
    for line in build.dockerfile.instructions:
        empty = list(_empty_lines(build, line))
        if not empty or is_skipped(build, line, "NoEmptyContinuation"):
            continue
        if empty[-1].end >= line.span.end:
            yield Refusal(NAME, build.place(line), "the instruction ends with an empty line")
            continue
        yield Proposal(
            NAME,
            f"take the empty {'line' if len(empty) == 1 else 'lines'} out of the {line.keyword}",
            "it stays one instruction, and docker build --check no longer warns of it",
            build.place(line),
            tuple(Edit(build.path, span, "") for span in empty),
            (proved("the instruction is the same", "the builder skips empty lines inside one"),),
        )


def _empty_lines(build: Build, line: Instruction) -> Iterator[Span]:
    """Yield the empty lines of an instruction, those of its heredocs left out."""
    start = line.span.start
    for text in build.dockerfile.source(line.span).split("\n"):
        span = Span(start, min(start + len(text) + 1, line.span.end))
        start = span.end
        inside = any(heredoc.body.covers(span) for heredoc in line.heredocs)
        if span.start < span.end and not text.strip(" \t\r") and not inside:
            yield span
