"""Run `apt-get update` in the same RUN as the `apt-get install` that uses its lists.

An update in a RUN of its own stays cached while the install below it changes: the install then uses
old lists, gets old packages, or fails since the mirror has dropped them.

Declines where something in between may change apt's sources, where the install is not reached for
certain (a branch, a pipe, a list without `set -e`), where flags, user or shell of the two RUNs
differ, and where no step of the Dockerfile updates the lists at all.

```diff
-RUN apt-get update
-RUN apt-get install -y curl
+RUN apt-get update && apt-get install -y curl
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..build import effects
from ..build.build import Build
from ..build.options import UnknownOption
from ..build.paths import overlap
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..ecosystems import apt
from ..model import Declined, Obligation, Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span

NAME = "apt-update-install"
_INSTALLS = ("install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep")
_NEUTRAL = frozenset("CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL MAINTAINER ONBUILD STOPSIGNAL WORKDIR VOLUME".split())
_SOURCES = ("/etc/apt", "/var/lib/apt", "/usr/share/keyrings", "/etc/ssl", "/usr/local/share/ca-certificates")


@dataclass(frozen=True, slots=True)
class _Update:
    """An ``apt-get update`` seen before: its stage, RUN and step, and the instructions since it."""

    stage: Stage
    run: Run
    step: Step
    alone: bool
    since: tuple[Instruction, ...] = ()


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each RUN whose first install has no update before it in the same RUN."""
    ends: dict[int, _Update | None] = {}
    for stage in build.stages:
        last = ends.get(stage.parent.index) if stage.parent else None
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                run = build.run(instruction)
                install = _stale(run)
                if install:
                    yield from _consider(build, stage, run, install, last)
                update = _update_of(stage, run)
                last = update or (last and _Update(last.stage, last.run, last.step, last.alone, (*last.since, instruction)))
            elif last:
                last = _Update(last.stage, last.run, last.step, last.alone, (*last.since, instruction))
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
        if _subcommand(step) == "update":
            return None
        if _subcommand(step) in _INSTALLS:
            return step
    return None


def _update_of(stage: Stage, run: Run) -> _Update | None:
    found = [step for step in run.steps if _subcommand(step) == "update"]
    if not found:
        return None
    removes = any(overlap(apt.LISTS, path) for step in run.steps for path in effects.removed(step))
    alone = len(run.steps) == 1 and not removes and found[0].top is not None
    return None if removes else _Update(stage, run, found[-1], alone)


def _consider(build: Build, stage: Stage, run: Run, install: Step, update: _Update | None) -> Iterator[Proposal | Refusal]:
    where = build.step_place(run, install)
    if update is None:
        premise = "no step of the Dockerfile updates the package lists that it uses; the base image may hold them on purpose"
        yield Refusal(NAME, where, premise)
        return
    try:
        proof = _proof(build, stage, run, install, update)
        joined = update.alone and update.stage is stage and not _used_by_others(build, update, run)
        yield _join(build, run, install, update, proof) if joined else _add(build, run, install, update, proof)
    except Declined as declined:
        yield Refusal(NAME, where, declined.premise, declined.because or build.place(update.run.instruction))


def _proof(build: Build, stage: Stage, run: Run, install: Step, update: _Update) -> tuple[Obligation, ...]:
    if install.top is None or not run.script:
        raise Declined("the install stands in a pipe or a branch, which an update cannot simply precede")
    if not run.aborts:
        raise Declined("a failing update would not stop the RUN, as the separate RUN does")
    for flag in ("mount", "network", "security"):
        if run.instruction.flag_values(flag) != update.run.instruction.flag_values(flag):
            raise Declined(f"the two RUNs differ in their --{flag} flags")
    if (run.state.user, run.state.shell) != (update.run.state.user, update.run.state.shell):
        raise Declined("USER or SHELL differs between the update and the install")
    for instruction in update.since:
        _harmless(build, instruction)
    return (
        proved("nothing between the update and the install changes apt's sources or reads its lists", "every step is known"),
        proved("the install finds the lists of an update that has just run", "it stops the RUN if it fails, as before"),
    )


def _harmless(build: Build, instruction: Instruction) -> None:
    """Raise Declined if `instruction` may change what an update would fetch."""
    keyword, place = instruction.keyword, build.place(instruction)
    if keyword in ("ENV", "ARG"):
        for pair in instruction.pairs:
            if pair.key.upper().endswith("_PROXY") or pair.key in ("APT_CONFIG", "PATH", "HOME"):
                raise Declined(f"{keyword} {pair.key} between them may change what apt fetches", place)
    elif keyword in ("COPY", "ADD"):
        target = instruction.words[-1].text if instruction.words else ""
        copy = build.copy(instruction)
        written = copy.writes(build.context) if copy and not copy.opaque else (target,)
        if any(overlap(path, source) for path in written for source in _SOURCES if path.startswith(("/", "%"))) or "$" in target:
            raise Declined("a COPY between them may change apt's sources", place)
    elif keyword == "RUN":
        run = build.run(instruction)
        if run.opaque:
            raise Declined(f"a RUN between them cannot be read: {run.opaque}", place)
        for step in run.steps:
            if _subcommand(step) in (*_INSTALLS, "clean", "autoremove", "remove", "purge"):
                continue  # they use the lists and leave them
            known = effects.effect(step)
            if known is None or any(overlap(path, source) for path in known.writes for source in _SOURCES):
                raise Declined(f"`{step.program or '?'}` between them may change apt's sources", place)
    elif keyword not in (*_NEUTRAL, "USER"):
        raise Declined(f"{keyword} stands between them", place)


def _used_by_others(build: Build, update: _Update, run: Run) -> bool:
    """Tell whether a RUN other than `run` may need the lists that the update's own layer holds."""
    for other in build.later_runs(update.stage, update.run.instruction):
        if other.instruction is run.instruction:
            return False
        if other.opaque or any(_subcommand(step) or effects.effect(step) is None for step in other.steps):
            return True
    return False


def _command(build: Build, update: _Update) -> str:
    span = update.run.span(update.step.simple.span)
    text = build.dockerfile.source(span)
    if "\n" in text:
        raise Declined("the update is spread over lines")
    return text


def _join(build: Build, run: Run, install: Step, update: _Update, proof: tuple[Obligation, ...]) -> Proposal:
    """Move the update of its own RUN to the front of the install."""
    instruction = update.run.instruction
    script = update.run.script
    if instruction.comments or instruction.heredocs or (script and script.comments):
        raise Declined("a comment stands in the update's RUN")
    return Proposal(
        NAME,
        "join apt-get update and install",
        "the install can no longer run on old package lists",
        build.step_place(run, install),
        (Edit(build.path, instruction.span, ""), _insertion(build, run, install, update)),
        proof,
    )


def _add(build: Build, run: Run, install: Step, update: _Update, proof: tuple[Obligation, ...]) -> Proposal:
    """Put a copy of the update in front of the install; the first stays for what else uses its lists."""
    return Proposal(
        NAME,
        "update the package lists in the RUN that installs from them",
        "the install can no longer run on the old lists of a cached layer",
        build.step_place(run, install),
        (_insertion(build, run, install, update),),
        (*proof, proved("a second update in the same build finds the lists unchanged")),
    )


def _insertion(build: Build, run: Run, install: Step, update: _Update) -> Edit:
    assert install.top is not None
    start = run.text.offset(install.top.span.start)
    return Edit(build.path, Span(start, start), f"{_command(build, update)} && ")
