"""Install with apt only what is asked for and what that needs.

By default apt-get also installs the packages that the wanted ones recommend: documentation, fonts, mail servers, often
more than the program itself (hadolint DL3015). `--no-install-recommends` leaves them out. It is for review: now and
then a recommended package is what makes a program work, `ca-certificates` behind `curl` for one.

Declines where the image's settings or the command have decided already, and where the words of the command are not
known.

```diff
-RUN apt-get update && apt-get install -y curl
+RUN apt-get update && apt-get install -y --no-install-recommends curl
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..build.options import UnknownOption
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..ecosystems import apt
from ..model import Declined, Proposal, Refusal, assumed
from ._script_edits import insert_behind

NAME = "recommends"

_SETTING = "Install-Recommends"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each RUN that installs recommended packages, or why it is left."""
    for stage, run in build.runs():
        steps = [step for step in run.steps if _installs(step)]
        if not steps:
            continue
        try:
            _undecided(build, stage, run)
            yield _proposal(build, run, steps)
        except Declined as declined:
            yield Refusal(NAME, build.place(run.instruction), declined.premise, declined.because)


def _installs(step: Step) -> bool:
    """Tell whether a step installs packages by name and says nothing of recommended ones."""
    try:
        parsed = apt.parse(step)
    except UnknownOption:
        return False
    if parsed is None or parsed[0] != "install":
        return False
    told = ("--no-install-recommends", "--install-recommends")
    return not any(argument.option in told or _SETTING in argument.value for argument in parsed[1])


def _undecided(build: Build, stage: Stage, run: Run) -> None:
    """Decline if something in the stage sets apt's default."""
    lines = [line for _, line in stage.before(run.instruction) if line.keyword in ("RUN", "COPY", "ADD")]
    for line in (run.instruction, *lines):
        text = build.dockerfile.source(line.span)
        if _SETTING in text or "apt.conf" in text:
            raise Declined("the settings of apt may have decided it already", build.place(line))


def _proposal(build: Build, run: Run, steps: list[Step]) -> Proposal:
    edits = []
    for step in steps:
        index = next(at for at, word in enumerate(step.words) if word == "install")
        # Behind `-y` and its like, where people write it.
        while index + 1 < len(step.words) and (step.words[index + 1] or "") in ("-y", "-q", "-qq", "--yes"):
            index += 1
        edits.append(insert_behind(build, run, step.simple.words[index].span.end, " --no-install-recommends"))
    doubt = "which packages recommend which is known to the package lists alone"
    return Proposal(
        NAME,
        "leave out recommended packages",
        "the image holds only what is asked for and what that depends on",
        build.step_place(run, steps[0]),
        tuple(edits),
        (assumed("nothing in the image uses a package that is only recommended", doubt),),
    )
