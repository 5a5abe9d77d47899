"""Which RUN may read a variable from its environment, whether its text names it or not."""

from __future__ import annotations

import re
from collections.abc import Collection

from .. import ecosystems
from ..build import effects
from ..build.build import Build
from ..build.stages import Stage
from ..model import Obligation, assumed, proved
from ..source.dockerfile import Instruction


def is_named(build: Build, instruction: Instruction, names: Collection[str]) -> bool:
    """Tell whether the text of an instruction has one of the names in it."""
    text = build.dockerfile.source(instruction.span)
    return any(re.search(rf"\b{re.escape(name)}\b", text) for name in names)


def may_read(
    build: Build, stage: Stage, instruction: Instruction, names: Collection[str]
) -> tuple[str, tuple[Obligation, ...]]:
    """Return why a RUN that mentions none of `names` may read one all the same; "" and the proof if it does not."""
    run = build.run(instruction)
    if run.opaque:
        return f"whether the RUN reads it is not known: {run.opaque}", ()
    if {"BASH_ENV", "ENV"} & run.state.env.keys():
        return "a script that the shell starts with may read any variable", ()
    view = build.view(stage, instruction)
    proof = []
    for step in run.steps:
        command = ecosystems.recognise(step, view)
        known = effects.effect(step) if command is None else None
        # Without a word it only assigns, and the builder's rules know that.
        raw = step.simple.words[0].raw if step.simple.words else ""
        anything = f"`{step.program or raw}` may read any variable"
        if (command and (command.declined or command.environment)) or (known is None and command is None):
            return anything, ()
        if command and (read := set(names) & command.variables):
            return f"`{step.program}` runs a script that reads {min(read)}", ()
        if known and (known.environment or any(path.startswith("/proc") for path in known.reads)):
            return anything, ()
        if command and command.strangers:
            claim = f"no package's own build or install script reads {', '.join(sorted(names))}"
            proof.append(assumed(claim, f"{command.title} may run such scripts", build.step_place(run, step)))
    claim = f"the RUN does not read {', '.join(sorted(names))}"
    return "", (*proof, proved(claim, "every command in it is known", build.place(instruction)))
