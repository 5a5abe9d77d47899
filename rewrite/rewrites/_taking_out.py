"""Take whole commands out of a RUN's list, where the RUN then still ends as it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..build.build import Build
from ..build.runs import Run, Step
from ..model import Declined
from ..source.edits import Span
from ..source.shell import Word
from ._script_edits import command_spans


def commands(build: Build, run: Run, steps: Sequence[Step], what: str) -> list[Span]:
    """Return the spans of whole commands of the RUN's list, each with an operator; `what` names one of them."""
    if not steps:
        return []
    items = run.script.items if run.script else ()
    gone = [step.top for step in steps]
    # Without them the status of the RUN, and what a failure ends, has to be what it was.
    if (
        None in gone
        or len(gone) >= len(items)
        or not run.aborts
        or any(item and item.pipeline.negated for item in gone)
    ):
        raise Declined(f"{what} cannot be taken out of its list", build.step_place(run, steps[0]))
    return command_spans(build, run, [at for at, item in enumerate(items) if item in gone])


def operands_only(step: Step, *words: Word) -> Step:
    """Return `step` with its program and some of its operands."""
    indexes = [0, *(step.simple.words.index(word) for word in words)]
    simple = replace(step.simple, words=tuple(step.simple.words[index] for index in indexes))
    return replace(step, simple=simple, words=tuple(step.words[index] for index in indexes))
