"""Reads what ``podman build`` prints: ``STEP 2/7: RUN make``, the step's output, ``--> 28bbcb74ff5``.

It tells no times, so a step lasts from its line to the line with its layer, as they are read. Only steps that were
begun are told of; ENV, CMD and the like are steps, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from .engine import Step

# The stages are counted only where there are several: "[1/2] STEP 2/7: RUN make".
STEP = re.compile(r"(?:\[(?P<stage>\d+)/\d+\] )?STEP (?P<place>\d+/\d+): (?P<text>.*)")
NAMED = re.compile(r"\sAS\s+(\S+)\s*$", re.IGNORECASE)
# They stand behind a command's output if that does not end its last line.
LAYER = re.compile(r"--> [0-9a-f]{11,64}$")
COMMIT = re.compile(r"(?:\[\d+/\d+\] )?COMMIT(?: |$)")
CACHED = ("--> Using cache ", "--> Cache pulled from remote ")
PULLING = "Trying to pull "
ERROR = re.compile(r'Error: (?:(?:error )?building at STEP ".*": )?(?P<message>.*)')


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where the builder is: the number it counts, and the name that stands before the place of each step."""

    number: str
    title: str


class Progress:
    """The report of one build, as far as it has been read; `bases` maps what stands for a base image to its name."""

    def __init__(self, bases: Mapping[str, str] | None = None) -> None:
        self._bases = bases or {}
        self._stage = _Stage("", "")
        self._steps: list[Step] = []
        self._log: list[str] = []

    def read(self, line: str, now: datetime) -> bool:
        """Take one line that was printed `now`; tell whether it says something of a step."""
        if begun := STEP.fullmatch(line):
            self._begin(begun, now)
        elif line.startswith(CACHED):
            self._change(cached=True)
        elif LAYER.search(line):
            self._log += [output + "\n"] if (output := LAYER.sub("", line)) else []
            self._end(now)
        elif not COMMIT.match(line):
            self._log.append(line + "\n")
            if not line.startswith(PULLING):
                return False
            self._change(cached=False)
        return True

    def fail(self, now: datetime) -> None:
        """Take it that the build has failed `now`: the step that was begun last is the one that did."""
        messages = (match["message"] for line in reversed(self._log) if (match := ERROR.match(line)))
        self._end(now)
        self._change(error=next(messages, "it failed"))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in the order in which they began."""
        return tuple(self._steps)

    @property
    def log(self) -> str:
        """What the steps and the builder have printed, without the lines that tell of the steps."""
        return "".join(self._log)

    def _begin(self, begun: re.Match[str], now: datetime) -> None:
        """Take the first line of a step, which ends the one before it if nothing else has."""
        if self._steps and self._steps[-1].completed is None:
            self._end(now)
        text = begun["text"]
        is_from = text.upper().startswith("FROM ")
        if is_from:
            number = begun["stage"] or ""
            named = NAMED.search(text)
            self._stage = _Stage(number, f"{named[1] if named else f'stage-{int(number) - 1}'} " if number else "")
            text = " ".join(self._bases.get(word, word) for word in text.split(" "))
        digest = f"{self._stage.number}:{begun['place']}"
        # What FROM names is there already, unless it has to be pulled.
        self._steps.append(Step(digest, f"[{self._stage.title}{begun['place']}] {text}", cached=is_from, started=now))

    def _end(self, now: datetime) -> None:
        """Let the step that was begun last last until `now`."""
        if self._steps and (started := self._steps[-1].started):
            self._change(completed=now, seconds=(now - started).total_seconds())

    def _change(self, **what: object) -> None:
        """Replace the step that was begun last."""
        if self._steps:
            self._steps[-1] = replace(self._steps[-1], **what)  # type: ignore[arg-type]
