"""Copy only what an install reads before it, and the rest of the project after it.

A broad COPY before an install makes every edit of a source file run the install again. The COPY
is moved below the installs that do not need it; what they do read is copied just before each: by a COPY for each
directory, or by one `COPY --parents` for three or more, where the `# syntax` in force is 1.20 or newer.

Declines where the list of files that an install reads cannot be made (a script of the project, a
build back end that asks git, a variable), where an instruction in between reads or writes what the
COPY brings, and where the context holds files at the place of the install's output.

```diff
-COPY . .
+COPY requirements.txt ./
 RUN pip install -r requirements.txt
+COPY . .
```
"""

from __future__ import annotations

from collections.abc import Iterator

from .. import ecosystems
from ..build.build import Build, View
from ..build.copies import Copy
from ..build.stages import Stage
from ..ecosystems import Command
from ..model import Declined, Proposal, Refusal
from ..source.dockerfile import Instruction
from ._following import followers
from ._moving import Move
from ._passing import Needs, Passage

NAME = "manifests-first"
_Passed = tuple[Instruction, Needs]
_Installed = tuple[Command, str | None, View]


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each broad COPY that can be moved below an install, or why it cannot."""
    for stage in build.stages:
        for instruction in stage.instructions:
            copy = build.copy(instruction)
            if copy and build.doubt and any(mapping.is_dir for mapping in copy.mappings):
                yield Refusal(NAME, build.place(instruction), build.doubt)
            elif copy and (copy.opaque or any(mapping.is_dir for mapping in copy.mappings)):
                yield from _consider(build, stage, copy)


def _consider(build: Build, stage: Stage, copy: Copy) -> Iterator[Proposal | Refusal]:
    after = stage.after(copy.instruction)
    passage = Passage(build, stage, copy)
    passed: list[_Passed] = []
    obstacle: tuple[Instruction, Declined] | None = None
    for instruction in after:
        try:
            if instruction.keyword == "RUN" and _is_done(build, stage, copy, instruction):
                raise Declined("an earlier RUN has installed the same from the same files")
            passed.append((instruction, passage.past(instruction)))
            if passed[-1][1].split:
                break
        except Declined as declined:
            obstacle = instruction, declined
            break
    passed, along, stopped = _together(build, stage, copy, passed)
    obstacle = stopped or obstacle
    if passed:
        try:
            proposal = _proposal(Move(build, stage, copy, passed, along))
        except Declined as declined:
            yield Refusal(NAME, build.place(copy.instruction), declined.premise, declined.because)
            return
        if proposal:
            yield proposal
    elif obstacle and any(passage.installs(line) for line in after[after.index(obstacle[0]) :]):
        yield Refusal(
            NAME, build.place(copy.instruction), obstacle[1].premise, obstacle[1].because or build.place(obstacle[0])
        )


def _is_done(build: Build, stage: Stage, copy: Copy, instruction: Instruction) -> bool:
    """Tell whether RUNs above the COPY have installed all that a RUN installs, each by the same files.

    Behind the COPY it finds everything in place, and only adds the project: nothing is gained by passing it.
    """
    here = [found for found in _installs(build, stage, instruction) if found[0].install]
    above = [
        found
        for level, line in stage.before(copy.instruction)
        if len(steps := tuple(_installs(build, level, line))) == 1
        for found in steps
    ]
    return bool(here) and all(any(_covers(other, mine, copy) for other in above) for mine in here)


def _installs(build: Build, stage: Stage, line: Instruction) -> Iterator[_Installed]:
    """Yield what a RUN's commands install, each with the directory where it does and the files that it finds."""
    if line.keyword == "RUN":
        view = build.view(stage, line)
        for step in build.run(line).steps:
            command = ecosystems.recognise(step, view) or Command("", "", False, (), ())
            yield command, step.cwd, view


def _covers(other: _Installed, mine: _Installed, copy: Copy) -> bool:
    """Tell whether a command above the COPY was the same, in the same place, and read what the COPY brings, too."""
    (before, there, then), (command, here, _) = other, mine
    reads = {read.path for read in command.reads}
    if not reads or (before.title, there) != (command.title, here) or not reads <= {read.path for read in before.reads}:
        return False
    paths = [(path, found) for path in reads if (found := copy.context_path(path)) and then.context.exists(found)]
    return all(then.read(path) == then.context.read(found) for path, found in paths)


def _together(
    build: Build, stage: Stage, copy: Copy, passed: list[_Passed]
) -> tuple[list[_Passed], tuple[Instruction, ...], tuple[Instruction, Declined] | None]:
    """Return `passed` up to the last install that the COPY can go below, what goes along, and what stopped it."""
    obstacle: tuple[Instruction, Declined] | None = None
    while passed:
        last = max((at for at, (_, needs) in enumerate(passed) if needs.install), default=-1)
        try:
            return passed[: last + 1], followers(build, stage, copy, passed[: last + 1]), obstacle
        except Declined as declined:
            at = next(at for at, (_, needs) in enumerate(passed) if needs.along)
            obstacle, passed = (passed[at][0], declined), passed[:at]
    return [], (), obstacle


def _proposal(move: Move) -> Proposal | None:
    """Return the proposal; None if the COPY brings nothing but what the installs read."""
    if move.only_manifests():
        return None
    edits, proof = move.edits()
    names = ", ".join(dict.fromkeys(needs.title for _, needs in move.passed if needs.install))
    return Proposal(
        NAME,
        f"copy the manifests first, the project after {names}",
        "an edit of a source file no longer runs the install again",
        move.build.place(move.copy.instruction),
        edits,
        proof,
    )
