"""Leave no package lists and no caches in the layer of the RUN that fills them, where there are no cache mounts.

What a package manager has downloaded stays in the layer, unless the same RUN removes it: a later RUN only hides it. It
is for those who want no cache mounts (`--no-mounts`), or whose builder has none; elsewhere `cache-mounts` keeps what
this removes, and saves the download as well.

apt's lists are removed, of apk and pip the option is used that keeps nothing, and dnf, zypper, npm, Yarn 1 and conda
clean their cache themselves. It is for review where somebody may ask for what is gone: for apt's lists who installs in
a running container without `apt-get update`, for conda's packages an environment with symbolic links to them.

Declines where a later step needs what is removed, where a mount is over it, where the command could not run or would
hide that another has failed, and where the RUN cannot be read.

```diff
-RUN pip install -r requirements.txt
+RUN pip install --no-cache-dir -r requirements.txt
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .. import ecosystems
from ..build.build import Build
from ..build.paths import inside, join
from ..build.runs import Run
from ..build.stages import Stage
from ..ecosystems import CleanPlan, Ecosystem, Site
from ..model import Declined, Proposal, Refusal
from ..source.edits import Edit
from ._appending import append
from ._script_edits import insert_behind
from ._unread import unread

NAME = "package-clean"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each RUN and ecosystem whose commands leave something, unless mounts are for that."""
    if build.mounts and not build.no_cache_mounts:
        return
    for stage, run in build.runs():
        for ecosystem in ecosystems.discover():
            yield from _consider(build, stage, run, ecosystem)


def _consider(build: Build, stage: Stage, run: Run, ecosystem: Ecosystem) -> Iterator[Proposal | Refusal]:
    plans: list[CleanPlan] = []
    for step in run.steps:
        try:
            plan = ecosystem.clean(Site(build, stage, run, step))
        except Declined as declined:
            yield Refusal(NAME, build.step_place(run, step), declined.premise, declined.because)
            return
        if plan and not _mounted(run, plan):
            plans.append(plan)
    if plans:
        try:
            yield _proposal(build, stage, run, plans)
        except Declined as declined:
            yield Refusal(NAME, build.place(run.instruction), declined.premise, declined.because)


def _mounted(run: Run, plan: CleanPlan) -> bool:
    """Tell whether a mount of the RUN keeps some directory of the plan out of the layer already."""
    targets = [join(run.state.workdir, mount.target) for mount in run.mounts if mount.target]
    return any(target is None or inside(path, target) for target in targets for path in plan.directories)


def _proposal(build: Build, stage: Stage, run: Run, plans: Sequence[CleanPlan]) -> Proposal:
    directories = tuple(dict.fromkeys(path for plan in plans for path in plan.directories))
    later = unread(build, stage, run, directories)
    return Proposal(
        NAME,
        plans[0].title,
        "the layer holds nothing that is only there for the next install",
        build.place(run.instruction),
        tuple(edit for plan in plans for edit in _edits(build, run, plan)),
        (*dict.fromkeys(item for plan in plans for item in plan.proof), later),
    )


def _edits(build: Build, run: Run, plan: CleanPlan) -> Iterator[Edit]:
    for edit in plan.edits:
        assert edit.after is not None
        yield insert_behind(build, run, edit.after.end, edit.text)
    if not plan.command or run.script is None:
        return
    if plan.behind is None:
        yield append(build, run, run.script.items[-1], plan.command, never_fails=True)
    elif plan.behind.top is None:
        raise Declined("the install stands in a pipe or a branch", build.step_place(run, plan.behind))
    else:
        yield append(build, run, plan.behind.top, plan.command)
