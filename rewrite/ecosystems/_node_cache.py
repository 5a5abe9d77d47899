"""What the package managers of Node share where they use a cache mount: whose it is, and who may miss what it hides."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence

from ..build.changes import Change
from ..build.images import ROOT
from ..build.runs import Run, Step
from ..model import Declined, Obligation, assumed, proved
from . import CleanPlan, MountSpec, ScriptEdit, Site
from ._cleaning import emptied
from ._node_package import Package
from ._private_cache import directory, owner


def home_of(site: Site, tool: str) -> str:
    """Return HOME; raises Declined if who runs the command is not known."""
    if site.account is None or site.run.home is None:
        raise Declined(f"the user that this RUN runs as is not known, and with it where {tool}'s cache lies")
    return site.run.home


def is_root(site: Site) -> bool:
    """Tell whether root runs the command."""
    return site.account is not None and site.account.name == ROOT.name


def mount_at(site: Site, target: str, sharing: str = "", name: str = "") -> MountSpec:
    """Return the mount at `target` with the id `name`; raises Declined where the user could not write there."""
    account = site.account
    if account is None or is_root(site):
        return MountSpec(target, sharing, name)
    if account.uid is None:
        raise Declined(f"the uid of {account.name} is not known, and a mount that it cannot write is of no use")
    if not account.home_exists or posixpath.dirname(target) != account.home:
        premise = f"{posixpath.dirname(target)} may not exist or not belong to {account.name}"
        raise Declined(f"{premise}, and a mount would make it root's")
    return MountSpec(target, sharing, name, account.uid, account.gid)


def mount_elsewhere(site: Site, variable: str, name: str, sharing: str = "") -> tuple[MountSpec, ScriptEdit]:
    """Return a mount at ``/tmp/.cache/NAME``, and the edit that makes `variable` name it for the command.

    Raises Declined.
    """
    mine, path = owner(site, f"the cache of {name}"), directory(site, name)
    if site.step.item.pipeline.timed:
        raise Declined("`time` may be a program, which takes no variables for the one that it starts")
    edit = ScriptEdit(before=site.step.simple.words[0].span.start, text=f"{variable}={path} ")
    return MountSpec(path, sharing, uid=mine.uid, gid=mine.gid), edit


def seen(site: Site, root: str, *names: str) -> None:
    """Decline if one of the files `names` in `root` may come from a RUN or another stage, so that it cannot be read."""
    for path in (posixpath.join(root, name) for name in names):
        for layer in site.view.layers:
            if isinstance(layer, Change):
                if layer.touches(path):
                    raise Declined(f"what {path} says is not known: a RUN or another stage may have made it")
            elif site.view.context.exists(layer.context_path(path) or "\0"):
                break


def runs_until(site: Site) -> Iterator[Run]:
    """Yield the RUNs of the stage and of those below it, up to the site's own."""
    for stage in site.stage.lineage:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                yield site.build.run(instruction)
            if instruction is site.run.instruction:
                break


def not_offline(site: Site, program: str) -> None:
    """Decline if a command of `program` works offline behind this one, from what the mount keeps out of the image."""
    for run in (site.run, *site.later_runs):
        for step in run.steps:
            if program in (step.program, *step.words[1:2]) and is_offline(step):
                raise Declined(f"a later {program} works offline, from the cache", site.build.step_place(run, step))


def is_offline(step: Step) -> bool:
    """Tell whether an option or npm's variable makes a command work without a network."""
    return "--offline" in step.words or any(name.lower().endswith("_config_offline") for name in step.env)


def configured(site: Site, program: str, key: str) -> None:
    """Decline if a RUN up to this one sets a setting of `program` whose name begins with `key`."""
    for run in runs_until(site):
        for step in run.steps:
            words = ((word or key).removeprefix("--") for word in step.words)
            if step.program == program and "set" in step.words and any(word.startswith(key) for word in words):
                raise Declined(f"{program} config moves {program}'s cache", site.build.step_place(run, step))


def no_npx(site: Site) -> Iterator[Obligation]:
    """Yield a doubt for each npx of the RUN that may fetch a program itself, which the mount keeps out of the image."""
    package = Package.parse(site.step.cwd or "", site.view)
    known = package.dependencies() if package else set()
    for step in site.run.steps:
        operands = [word for word in step.words[1:] if word and not word.startswith("-")]
        if step.program == "npx" and operands and operands[0] not in known:
            where = site.build.step_place(site.run, step)
            doubt = "what npx fetches itself would be kept out of the image"
            yield assumed(f"npx finds {operands[0]} in node_modules", doubt, where)


def refilled(tool: str) -> Obligation:
    """Return the proof of a cache of class A."""
    return proved(f"no step and no program reads {tool}'s cache", f"{tool} only ever fills it again (FACTS: class A)")


def clean_plan(
    site: Site, tool: str, last: Step, target: str, cleaned: Callable[[Step], Sequence[str]], command: str
) -> CleanPlan | None:
    """Return how `command` behind the command `last` empties the cache of `tool` at `target`; None if that is done.

    Raises Declined where something works from the cache later.
    """
    behind = site.run.steps[site.run.steps.index(site.step) + 1 :]
    # Where HOME is not known, nor is what the command cleans.
    if emptied(site, target, cleaned) or any(list(step.words[:3]) == command.split()[:3] for step in behind):
        return None
    if any("cache" in assignment.name.lower() for step in site.run.steps for assignment in step.simple.assignments):
        raise Declined(f"{tool}'s cache may be moved for one command")
    not_offline(site, tool.lower())
    proof = [refilled(tool)]
    for line in site.stage.instructions:
        if line.keyword in ("CMD", "ENTRYPOINT") and "npx" in line.body.text:
            doubt = "npx may ask for what the cache held when the container starts"
            proof.append(assumed("the program of the image starts without the cache", doubt, site.build.place(line)))
    return CleanPlan(f"clean {tool}'s cache in the RUN that fills it", (), command, last, (target,), tuple(proof))
