"""Run `apt-get update` in the same RUN as the `apt-get install` that uses its lists.

An update in a RUN of its own stays cached while the install below it changes: the install then uses
old lists, gets old packages, or fails since the mirror has dropped them.

Declines where something in between may change apt's sources or remove the lists, where an
update that fails would not stop the RUN (a branch, a pipe, a list without `set -e`), where flags, user
or shell of the two RUNs differ, and where no step of the Dockerfile updates the lists at all.

```diff
-RUN apt-get update
-RUN apt-get install -y curl
+RUN apt-get update && apt-get install -y curl
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..build import effects
from ..build.build import Build
from ..build.options import UnknownOption
from ..build.paths import join, overlap
from ..build.runs import Mount, Run, Step
from ..build.stages import Stage
from ..ecosystems import apt
from ..ecosystems import recognise as recognise_any
from ..model import Declined, Obligation, Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ..source.shell import Item

NAME = "apt-update-install"
_NEUTRAL = ("CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "STOPSIGNAL", "USER",
            "WORKDIR", "VOLUME")  # fmt: skip
# They write below /etc and /var/lib, but nothing of apt's.
_INNOCENT = (
    "addgroup",
    "adduser",
    "groupadd",
    "groupmod",
    "ldconfig",
    "locale-gen",
    "update-locale",
    "useradd",
    "usermod",
)
_SOURCES = ("/etc/apt", "/etc/ssl", "/usr/lib/apt", "/usr/share/keyrings", apt.STATE)
_VARIABLES = ("APT_CONFIG", "HOME", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR")


@dataclass(frozen=True, slots=True)
class _Update:
    """The last ``apt-get update`` before an instruction: its stage, RUN and step, and the instructions since it.

    `cleared` tells whether its own RUN removes the lists again, or has them in a mount.
    """

    stage: Stage
    run: Run
    step: Step
    cleared: bool
    since: tuple[tuple[Stage, Instruction], ...] = ()

    @property
    def alone(self) -> bool:
        """Whether its RUN does nothing else, and holds no comment that would go with it."""
        instruction = self.run.instruction
        return len(self.run.steps) == 1 and not instruction.comments and not instruction.heredocs


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each RUN whose first install has no update before it in the same RUN."""
    ends: dict[int, _Update | None] = {}
    for stage in build.stages:
        last = ends.get(stage.parent.index) if stage.parent else None
        for instruction in stage.instructions:
            update = None
            if instruction.keyword == "RUN":
                run = build.run(instruction)
                install = _stale(run)
                if install:
                    yield _consider(build, stage, run, install, last)
                update = _update_of(stage, run)
            last = update or (last and replace(last, since=(*last.since, (stage, instruction))))
        ends[stage.index] = last


def _subcommand(step: Step) -> str:
    try:
        parsed = apt.parse(step)
    except UnknownOption:
        return "?"
    return parsed[0] if parsed else ""


def _stale(run: Run) -> Step | None:
    """Return the first install of a RUN that no update stands before."""
    for step in run.steps:
        if _subcommand(step) in ("update", "?"):
            return None
        if _subcommand(step) in apt.INSTALLS:
            return step
    return None


def _update_of(stage: Stage, run: Run) -> _Update | None:
    updates = [at for at, step in enumerate(run.steps) if _subcommand(step) == "update"]
    if not updates:
        return None
    after = run.steps[updates[-1] :]
    cleared = any(overlap(apt.LISTS, path) for step in after for path in effects.removed(step))
    cleared = cleared or any(overlap(apt.LISTS, mount.target) for mount in run.mounts if mount.target)
    return _Update(stage, run, run.steps[updates[-1]], cleared)


def _consider(build: Build, stage: Stage, run: Run, install: Step, update: _Update | None) -> Proposal | Refusal:
    where = build.step_place(run, install)
    try:
        if update is None:
            raise Declined(
                "no earlier step is known to update the package lists; the base image may hold them on purpose"
            )
        item = _item(install)
        proof = _proof(build, run, install, update)
        text = _command(update) + _separator(build, run, item)
    except Declined as declined:
        because = build.place(update.run.instruction) if update else None
        return Refusal(NAME, where, declined.premise, declined.because or because)
    start = run.text.offset(item.span.start)
    edits = [Edit(build.path, Span(start, start), text)]
    if update.alone and update.stage is stage and not _used_by_others(build, update, run):
        edits.append(Edit(build.path, update.run.instruction.span, ""))
        title, reason = "join apt-get update and install", "the install can no longer run on old package lists"
    else:
        title = "update the package lists in the RUN that installs from them"
        reason = "the install can no longer run on the old lists of a cached layer"
    return Proposal(NAME, title, reason, where, tuple(edits), proof)


def _item(install: Step) -> Item:
    """Return the install's place in the list of its RUN."""
    if install.top is None or install.top.pipeline.negated:
        raise Declined("the install stands in a pipe or a branch, which an update cannot simply precede")
    return install.top


def _proof(build: Build, run: Run, install: Step, update: _Update) -> tuple[Obligation, ...]:
    if update.cleared:
        raise Declined("the package lists are gone before it runs, so what it needs must be installed already")
    if update.step.top is None or not update.run.aborts:
        raise Declined("the update may fail without stopping the build, and must not stop it elsewhere")
    if not run.aborts:
        raise Declined("a failing update would not stop the RUN, as the separate RUN does")
    for flag in ("network", "security"):
        if run.instruction.flag_values(flag) != update.run.instruction.flag_values(flag):
            raise Declined(f"the two RUNs differ in their --{flag} flags")
    theirs = _mounts(update.run)
    if [mount for mount in _mounts(run) if mount in theirs or not _handed_over(mount)] != theirs:
        raise Declined("the two RUNs differ in their mounts")
    if (run.state.user, run.state.shell) != (update.run.state.user, update.run.state.shell):
        raise Declined("USER or SHELL differs between the update and the install")
    for stage, instruction in update.since:
        _unchanging(build, stage, instruction)
    for step in run.steps[: run.steps.index(install)]:
        _keeps_sources(build, run, step)
    for step in update.run.steps[update.run.steps.index(update.step) + 1 :]:
        _keeps_sources(build, update.run, step)
    return (
        proved("nothing between the update and the install changes apt's sources or its lists", "every step is known"),
        proved("the install finds the lists of an update that has just run", "it stops the RUN if it fails, as before"),
    )


def _mounts(run: Run) -> list[Mount]:
    """Return the mounts that an update may notice."""
    return [mount for mount in run.mounts if mount.kind != "cache" or overlap(mount.target, apt.STATE)]


def _handed_over(mount: Mount) -> bool:
    """Tell whether a mount is a secret or a key for another command, which apt does not look at."""
    if mount.kind not in ("secret", "ssh") or _is_read(mount.options.get("env", "")):
        return False
    target = mount.target or "/run/secrets"
    return target.startswith("/") and "$" not in target and not any(overlap(target, source) for source in _SOURCES)


def _is_read(variable: str) -> bool:
    """Tell whether apt reads a variable of the environment, or may reach its servers in another way."""
    return variable.upper().endswith("_PROXY") or variable in _VARIABLES


def _unchanging(build: Build, stage: Stage, instruction: Instruction) -> None:
    """Raise Declined if `instruction` may change what an update would fetch."""
    keyword, place = instruction.keyword, build.place(instruction)
    if keyword in ("ENV", "ARG"):
        for pair in instruction.pairs:
            if _is_read(pair.key):
                raise Declined(f"{keyword} {pair.key} between them may change what apt fetches", place)
    elif keyword in ("COPY", "ADD"):
        if any(
            path is None or overlap(path, source) for path in _copied(build, stage, instruction) for source in _SOURCES
        ):
            raise Declined(f"a {keyword} between them may change apt's sources", place)
    elif keyword == "RUN":
        run = build.run(instruction)
        if run.opaque:
            raise Declined(f"a RUN between them cannot be read: {run.opaque}", place)
        for step in run.steps:
            _keeps_sources(build, run, step)
    elif keyword not in _NEUTRAL:
        raise Declined(f"{keyword} stands between them", place)


def _copied(build: Build, stage: Stage, instruction: Instruction) -> tuple[str | None, ...]:
    """Return the image paths that a COPY or ADD writes, None for one that is not known."""
    copy = build.copy(instruction)
    if copy and not copy.opaque:
        return copy.writes(build.context)
    target = instruction.words[-1].text if instruction.words else "$"
    return (None if "$" in target else join(stage.state(instruction).workdir, target),)


def _keeps_sources(build: Build, run: Run, step: Step) -> None:
    """Raise Declined if a command may change apt's sources, or remove the lists."""
    place = build.step_place(run, step)
    if step.program in ("apt", "apt-get"):
        local = [word for word in step.words[2:] if word is None or word.endswith(".deb") or "/" in word]
        if _subcommand(step) == "?" or (local and _subcommand(step) in apt.INSTALLS):
            raise Declined("a package that is installed from a file between them may change apt's sources", place)
        return
    if step.program in _INNOCENT:
        return
    known = effects.effect(step)
    if known is None:
        command = recognise_any(step, build.view(_stage(build, run), run.instruction))
        harmless = command is not None and command.declined is None
    else:
        harmless = not any(overlap(path, source) for path in known.writes for source in _SOURCES)
    if not harmless:
        raise Declined(f"`{step.program or '?'}` between them may change apt's sources", place)


def _stage(build: Build, run: Run) -> Stage:
    return next(stage for stage, other in build.runs() if other is run)


def _used_by_others(build: Build, update: _Update, run: Run) -> bool:
    """Tell whether a RUN before `run` may need the lists that the update's own layer holds."""
    for other in build.later_runs(update.stage, update.run.instruction):
        if other is run:
            return False
        if other.opaque or any(_subcommand(step) or effects.effect(step) is None for step in other.steps):
            return True
    return True


def _command(update: _Update) -> str:
    simple = update.step.simple
    text = update.run.text.text[simple.span.start : simple.span.end]
    if "\n" in text:
        raise Declined("the update is spread over lines")
    if any(word.variables for word in simple.words):
        raise Declined("the update's command depends on a variable")
    return re.sub(r"[ \t]{2,}", " ", text)


def _separator(build: Build, run: Run, install: Item) -> str:
    """Return what joins the update to the install so that a failing update stops the RUN."""
    assert run.script is not None
    items = run.script.items
    following = items[items.index(install) + 1 :]
    if all(item.operator == "&&" for item in following):
        return " && "
    # Under `set -e` a failure inside of a list that others follow is ignored, so it stands for itself.
    if install.operator == "&&":
        raise Declined("a failure of the update in the middle of the script would be ignored")
    text, start = build.dockerfile.text, run.text.offset(install.span.start)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if indent.strip():
        return "; "
    if run.instruction.heredocs:
        return f"\n{indent}"
    return f"; {run.instruction.escape}{build.dockerfile.newline}{indent}"
