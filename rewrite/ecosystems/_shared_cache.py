"""A cache that later commands of its tool read (class B of FACTS.md, section 3): when it may live in a mount at all.

Every RUN of the tool in the stage gets the mount, or none does. So each of them has to be seen: a RUN that cannot be
read, a script that may start the tool, and an image whose own program is the tool, all rule it out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..build import effects
from ..build.build import View
from ..build.images import ROOT, Account
from ..build.paths import join, overlap
from ..build.programs import BINARIES
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation, proved
from . import MountSpec, Site

_SHELLS = frozenset("sh bash dash ash . source sudo su env xargs eval time nice".split())
_MAY_START = re.compile(r"\.sh\b|(?:\A|[\s\"'])\.{0,2}/(?!bin/|usr/)|\b(?:make|source|just|task)\b")
_COMPOSE = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml")


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool by its `name`, what a text that starts it matches, and which steps are its commands.

    `bases` are the official images whose own program is the tool.
    """

    name: str
    word: re.Pattern[str]
    is_command: Callable[[Step], bool]
    bases: tuple[str, ...] = ()


def family(site: Site) -> Iterator[tuple[Stage, Run]]:
    """Yield the RUNs of all stages that may find each other's files, the site's own too."""
    for stage, run in site.build.runs():
        if _is_kin(stage, site.stage):
            yield stage, run


def _is_kin(stage: Stage, other: Stage) -> bool:
    return stage.lineage[-1] is other.lineage[-1]


def no_layer(site: Site, tool: Tool) -> None:
    """Decline where an earlier RUN of the tool stands before the sources: it fills a layer with dependencies.

    Such a layer reaches a CI runner that starts empty, where a mount does not.
    """
    for stage in {id(one): one for one, _ in family(site)}.values():
        first = None
        copied = False
        for line in stage.instructions:
            if line.keyword == "RUN" and any(map(tool.is_command, site.build.run(line).steps)):
                if copied and first:
                    premise = (
                        f"{tool.name} fills a layer before the sources, which reaches a CI runner where no mount does"
                    )
                    raise Declined(premise, site.build.place(first))
                first = first or line
            elif first and site.build.copy(line):
                copied = True


def no_other_mount(site: Site, tool: Tool, targets: Sequence[str]) -> None:
    """Decline where another RUN of the tool keeps the cache in a mount of its own, which is another cache."""
    for _, run in family(site):
        mine = [join(run.state.workdir, mount.target) for mount in run.mounts if mount.kind == "cache" and mount.target]
        other = run.instruction is not site.run.instruction and any(map(tool.is_command, run.steps))
        if other and any(path not in targets and overlap(path or "/", target) for path in mine for target in targets):
            raise Declined("another RUN has a mount of its own over it", site.build.place(run.instruction))


def as_it_was_copied(site: Site, script: str) -> None:
    """Decline if a command before may change the wrapper script at an image path, as ``chmod +x`` does."""
    name = posixpath.basename(script)
    runs = [site.build.run(line) for _, line in site.stage.before(site.run.instruction) if line.keyword == "RUN"]
    steps = [(run, step) for run in runs for step in run.steps]
    steps += [(site.run, step) for step in site.run.steps[: site.run.steps.index(site.step)]]
    for run, step in steps:
        if any(posixpath.basename(word or "") == name for word in step.words[1:]):
            premise = f"`{step.program or step.simple.words[0].raw}` changes {name} before it runs"
            raise Declined(premise, site.build.step_place(run, step))


def all_seen(site: Site, tool: Tool) -> Iterator[Obligation]:
    """Yield the proof that every command of `tool` that finds the cache gets the mount; raises Declined."""
    for stage, run in site.build.runs():
        kin = _is_kin(stage, site.stage)
        if not kin and not stage.may_stand_on(site.stage):
            continue
        text = run.text.text
        if run.opaque and (tool.word.search(text) or _MAY_START.search(text)):
            premise = f"a RUN that cannot be read ({run.opaque}) may run {tool.name}, and would miss the cache"
            raise Declined(premise, site.build.place(run.instruction))
        view = site.build.view(stage, run.instruction)
        for step in run.steps:
            if tool.is_command(step) and not kin:
                raise Declined(
                    f"{tool.name} runs in a stage that may stand on this one", site.build.step_place(run, step)
                )
            if not tool.is_command(step) and _may_start(step, view, tool):
                premise = f"`{step.program or step.simple.words[0].raw}` may run {tool.name}, and would miss the cache"
                raise Declined(premise, site.build.step_place(run, step))
    _not_run_by_the_image(site, tool)
    yield proved(
        f"every {tool.name} command that could find the cache has the mount",
        "the RUNs of the stage, the scripts that they start, and the image's own program were read",
    )


def _may_start(step: Step, view: View, tool: Tool) -> bool:
    """Tell whether a command that is not the tool's own may start it."""
    program, word = step.program, step.words[0] if step.words else None
    if program is None or word is None:
        return bool(step.simple.words)
    if program in _SHELLS:
        texts = [operand or "" for operand in step.words[1:]]
        scripts = [text for name in texts if name and (text := _text(step, name, view)) is not None]
        return any(tool.word.search(text) for text in (*texts, *scripts)) or (
            not scripts and "-c" not in texts and program in ("sh", "bash", "dash", "ash", ".", "source", "eval")
        )
    if program in ("make", "just", "task"):
        found = [
            _text(step, name, view) for name in ("Makefile", "makefile", "GNUmakefile", "justfile", "Taskfile.yml")
        ]
        return all(text is None for text in found) or any(text and tool.word.search(text) for text in found)
    if program in ("npm", "yarn", "pnpm", "npx", "bun"):
        return bool(tool.word.search(_text(step, "package.json", view) or ""))
    if "/" in word and posixpath.dirname(word) not in BINARIES:
        text = _text(step, word, view)
        return text is None or bool(tool.word.search(text))
    if effects.effect(step) is not None:
        return False
    if tool.word.search(program):
        return True
    text = next((text for place in BINARIES if (text := view.read(f"{place}/{word}")) is not None), None)
    return text is not None and bool(tool.word.search(text))


def _text(step: Step, name: str, view: View) -> str | None:
    path = join(step.cwd, name)
    return view.read(path) if path else None


def _not_run_by_the_image(site: Site, tool: Tool) -> None:
    """Decline if what a container starts is the tool, which would find its cache empty."""
    build = site.build
    for stage in build.stages:
        if not stage.may_stand_on(site.stage):
            continue
        starts = [
            line for line in stage.instructions if line.keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD")
        ]
        for line in starts:
            view = build.view(stage, line)
            scripts = [
                view.read(path)
                for word in line.json or line.body.text.split()
                if (path := join(stage.end.workdir, word))
            ]
            if any(tool.word.search(text or "") for text in (line.body.text, *scripts)):
                raise Declined(f"{line.keyword} runs {tool.name}, which would find its cache empty", build.place(line))
        given = any(line.keyword in ("CMD", "ENTRYPOINT") for level in stage.lineage for line in level.instructions)
        name = stage.base.reference.partition(":")[0].rpartition("/")[2]
        if stage is build.stages[-1] and not given and name in tool.bases:
            premise = f"the image's own program is {tool.name}, which would find its cache empty"
            raise Declined(premise, build.place(stage.from_))
    for entry in build.context.tree.entries(lambda path: True):
        if _COMPOSE.fullmatch(entry.path) and (text := build.context.read_ignored(entry.path)):
            number = next((at for at, line in enumerate(text.split("\n"), 1) if tool.word.search(line)), 0)
            if number:
                raise Declined(
                    f"a compose file runs {tool.name}, which would find its cache empty",
                    site.view.place(entry.path, number),
                )


def mounts_in_home(
    site: Site, directory: str, parts: tuple[str, ...], home: str, id: str = ""
) -> tuple[MountSpec, ...]:
    """Return mounts over the `parts` of HOME's `directory` for root, over all of it for others; raises Declined.

    A mount's parents belong to root, so that another account could make nothing else there; and what the mount hides
    must not have been put there before.
    """
    account = site.account
    if account is None:
        raise Declined("the user that this RUN runs as is not known, and with it where the cache lies")
    place = posixpath.normpath(f"{home}/{directory}")
    if account.name == ROOT.name:
        return tuple(MountSpec(f"{place}/{part}", "locked", _id(id, part, parts)) for part in parts)
    if account.uid is None:
        raise Declined(f"the uid of {account.name} is not known, and a mount that it cannot write is of no use")
    if not account.home_exists or account.home != home:
        raise Declined(f"{home} may not exist or not belong to {account.name}, and a mount would make it root's")
    if _made_by_the_base(site, account, directory):
        return tuple(
            MountSpec(f"{place}/{part}", "locked", _id(id, part, parts), account.uid, account.gid) for part in parts
        )
    _not_there_before(site, directory)
    return (MountSpec(place, "locked", id, account.uid, account.gid),)


def _id(id: str, part: str, parts: tuple[str, ...]) -> str:
    return f"{id}-{part}" if id and len(parts) > 1 else id


def _made_by_the_base(site: Site, account: Account, directory: str) -> bool:
    """Tell whether the base image has the directory, and it is the account's own: the gradle image alone does."""
    name = site.stage.base.reference.partition(":")[0].rpartition("/")[2]
    return site.stage.base.official and (name, account.name, directory) == ("gradle", "gradle", ".gradle")


def _not_there_before(site: Site, directory: str) -> None:
    lines = [line for _, line in site.stage.before(site.run.instruction)]
    for line in (*lines, site.run.instruction):
        if line.keyword in ("RUN", "COPY", "ADD") and directory in site.build.dockerfile.source(line.span):
            premise = f"{directory} is used before, and a mount over all of it would hide that"
            raise Declined(premise, site.build.place(line))
