"""The command line of a Python tool that takes a command first: ``pdm install``, ``python -m pipenv sync``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..build.options import arguments
from ..build.runs import Step
from ..model import Declined


@dataclass(frozen=True, slots=True)
class Line:
    """A command line: the command, its operands and options."""

    verb: str
    operands: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def on(self, *names: str) -> bool:
        """Tell whether one of the options is given."""
        return bool(set(names) & self.options.keys())


@dataclass(frozen=True, slots=True)
class Syntax:
    """A tool's `program`, the options that its commands know, and the variables whose meaning is known.

    A variable that begins as `program` does in capitals, and that `variables` does not match, makes the tool do what is
    not known.
    """

    program: str
    switches: frozenset[str]
    valued: frozenset[str]
    variables: re.Pattern[str]

    def _start(self, step: Step) -> int | None:
        if step.program == self.program:
            return 1
        is_python = re.fullmatch(r"python(?:3(?:\.\d+)?)?", step.program or "") is not None
        return 3 if is_python and step.words[1:3] == ("-m", self.program) else None

    def verb_of(self, step: Step) -> str | None:
        """Return the tool's command in `step`, "" for none, None if it is not the tool's."""
        start = self._start(step)
        if start is None:
            return None
        operands = (word for word in step.words[start:] if word is not None and not word.startswith("-"))
        return next(operands, "")

    def read(self, step: Step) -> Line:
        """Return the command line of `step`; raises Declined for an option or a variable that is not known."""
        prefix = f"{self.program.upper()}_"
        for name, value in step.env.items():
            if name.startswith(prefix) and value != "" and not self.variables.fullmatch(name):
                raise Declined(f"what {name} makes {self.program} read is not known")
        found = arguments(step.words, self._start(step) or 1, self.switches, self.valued)
        operands = [item.value for item in found if not item.option]
        options = {item.option: item.value for item in found if item.option}
        return Line("".join(operands[:1]), tuple(operands[1:]), options)
