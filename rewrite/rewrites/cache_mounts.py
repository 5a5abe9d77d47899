"""Keep what package managers download in cache mounts of the RUN that installs.

When an install has to run again, it downloads everything again. A cache mount keeps the downloads on
the builder, out of the image; options and commands that kept them out of the layer go with it.

Declines where the user and so the cache's place are not known, where another command reads or
removes it, where a later step needs what the mount hides, where a mount is there already, and with
builders that have no cache mounts. With `--no-mounts` it does nothing: see `package-clean`.

```diff
-RUN pip install --no-cache-dir -r requirements.txt
+RUN --mount=type=tmpfs,target=/root/.cache/pip \\
+    --mount=type=cache,target=/root/.cache/pip/http \\
+    --mount=type=cache,target=/root/.cache/pip/http-v2 \\
+    pip install -r requirements.txt
```
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .. import ecosystems
from ..build import effects
from ..build.build import Build, View
from ..build.paths import inside, join, overlap
from ..build.programs import BINARIES
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..ecosystems import CachePlan, Ecosystem, ScriptEdit, Site, parents_stand
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..source.edits import Edit, Span
from ..source.shell import Word
from ._script_edits import delete, insert, insert_behind, mount_flags
from ._taking_out import commands, operands_only
from ._unread import asks, unread

NAME = "cache-mounts"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each RUN and ecosystem whose installs can use a mount; those that share a cache as one."""
    found: list[Proposal | Refusal] = []
    for ecosystem in ecosystems.discover() if build.mounts else ():
        # Stages that stand on each other find what a cache held, and so are looked at together.
        families: dict[int, list[tuple[Stage, Run]]] = {}
        for stage, run in build.runs():
            families.setdefault(id(stage.lineage[-1]), []).append((stage, run))
        for family in families.values():
            plans: list[CachePlan] = []
            outcomes = [one for stage, run in family for one in _consider(build, stage, run, ecosystem, plans)]
            found += _together(outcomes) if any(plan.shared for plan in plans) else outcomes
    yield from sorted(found, key=lambda outcome: outcome.where)


def _together(outcomes: Sequence[Proposal | Refusal]) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for RUNs that share a cache, or only the refusals, if there is one."""
    proposals = [outcome for outcome in outcomes if isinstance(outcome, Proposal)]
    if len(proposals) < len(outcomes):
        yield from (outcome for outcome in outcomes if isinstance(outcome, Refusal))
    else:
        yield replace(
            proposals[0],
            edits=tuple(edit for proposal in proposals for edit in proposal.edits),
            proof=tuple(dict.fromkeys(item for proposal in proposals for item in proposal.proof)),
        )


def _consider(
    build: Build, stage: Stage, run: Run, ecosystem: Ecosystem, plans: list[CachePlan]
) -> Iterator[Proposal | Refusal]:
    """Yield what becomes of one RUN; its plans are added to `plans`."""
    mine: list[CachePlan] = []
    for step in run.steps:
        place = build.step_place(run, step)
        try:
            plan = ecosystem.cache(Site(build, stage, run, step))
            if plan and not _mounted(run, plan):
                _builder(build, run)
                parents_stand(Site(build, stage, run, step), plan)
                mine.append(plan)
        except Declined as declined:
            if not any(mount.kind == "cache" for mount in run.mounts):
                yield Refusal(NAME, place, declined.premise, declined.because)
            return
    if not mine:
        return
    plans += mine
    try:
        yield _proposal(build, stage, run, ecosystem, mine)
    except Declined as declined:
        yield Refusal(NAME, build.place(run.instruction), declined.premise, declined.because)


def _builder(build: Build, run: Run) -> None:
    if "none" in run.instruction.flag_values("network"):
        raise Declined("the RUN has no network, and so needs the cache that is in the image")
    if premise := build.no_cache_mounts:
        raise Declined(premise)


def _mounted(run: Run, plan: CachePlan) -> bool:
    """Tell whether a mount of the RUN covers one of the plan's directories: it is left alone."""
    targets = [posixpath.join(run.state.workdir or "/", mount.target) for mount in run.mounts if mount.target]
    if any("$" in target for target in targets) or plan.mounts[0].target == "":
        return True
    return any(overlap(target, mount.target) for target in targets for mount in plan.mounts)


def _proposal(build: Build, stage: Stage, run: Run, ecosystem: Ecosystem, plans: Sequence[CachePlan]) -> Proposal:
    directories = tuple(dict.fromkeys(path for plan in plans for path in plan.directories))
    changes = [edit for plan in plans for edit in plan.edits]
    edits = [_insertion(build, run, edit) for edit in changes if edit.text]
    gone, proof = _cleaning(build, run, ecosystem, directories)
    gone += [edit.delete for edit in changes if edit.delete and not edit.text]
    specs = list(dict.fromkeys(mount for plan in plans for mount in plan.mounts))
    proof = [
        *dict.fromkeys(item for plan in plans for item in plan.proof),
        *proof,
        *_strangers(build, stage, run),
        unread(build, stage, run, directories),
    ]
    _not_filled(build, stage, run, directories)
    mount_text = [str(spec) for spec in specs]
    return Proposal(
        NAME,
        plans[0].title,
        plans[0].reason,
        build.place(run.instruction),
        (mount_flags(build, run, mount_text), *edits, *delete(build, run, gone)),
        tuple(proof),
    )


def _insertion(build: Build, run: Run, edit: ScriptEdit) -> Edit:
    if edit.delete is not None:
        return Edit(build.path, run.span(edit.delete), edit.text)
    if edit.after is not None:
        return insert_behind(build, run, edit.after.end, edit.text)
    return insert(build, run, edit.before or 0, edit.text)


def _cleaning(
    build: Build, run: Run, ecosystem: Ecosystem, directories: tuple[str, ...]
) -> tuple[list[Span], list[Obligation]]:
    """Return the spans of what does nothing but clean the cache; raise Declined if a command does more."""
    gone: list[Span] = []
    proof: list[Obligation] = []
    whole: list[Step] = []
    for step in run.steps:
        mine = list(ecosystem.cleaned(step))
        operands = _operands(build, run, step, directories)
        if not operands and not (mine and all(path in directories for path in mine)):
            _leaves_alone(build, run, step, directories)
            continue
        if operands and len(operands) < sum(not word.raw.startswith("-") for word in step.simple.words[1:]):
            gone += [word.span for word in operands]
        else:
            whole.append(step)
        proof.append(
            proved(f"`{_source(build, run, step)}` only kept the cache out of the layer", "the mount does now")
        )
    return gone + commands(build, run, whole, "a command that cleans the cache"), proof


def _operands(build: Build, run: Run, step: Step, directories: tuple[str, ...]) -> list[Word]:
    """Return the operands of an rm that lie in the cache; raise Declined if one may be above it."""
    found = []
    for word in step.simple.words[1:] if step.program == "rm" else ():
        one = operands_only(step, word)
        paths = effects.removed(one)
        if any(inside(path, directory) for path in paths for directory in directories):
            found.append(word)
        elif any(effects.may_remove(one, directory) for directory in directories):
            raise Declined(f"`rm` may remove {word.raw}, in which the mount would be busy", build.step_place(run, step))
    return found


def _leaves_alone(build: Build, run: Run, step: Step, directories: tuple[str, ...]) -> None:
    if step.program in ("find", "du", "cp", "mv", "tar", "rsync", "chown", "chmod"):
        for value in step.words[1:]:
            path = join(step.cwd, value.rstrip("*") or ".") if value and not value.startswith("-") else None
            if path and any(overlap(path, directory) for directory in directories):
                raise Declined(f"`{step.program}` goes through {path}, where the mount is", build.step_place(run, step))


def _source(build: Build, run: Run, step: Step) -> str:
    return re.sub(r"\\\s+", "", build.dockerfile.source(run.span(step.simple.span)))


def _not_filled(build: Build, stage: Stage, run: Run, directories: tuple[str, ...]) -> None:
    """Decline if a COPY has put files where the mount would hide them."""
    for level, line in stage.before(run.instruction):
        raw = line.words[-1].text if line.keyword in ("COPY", "ADD") and line.words else "$"
        target = None if "$" in raw else join(level.state(line).workdir, raw)
        copy = build.copy(line)
        # The context of a COPY to / may hold the whole path.
        brought = [path for directory in directories for path in copy.below(directory)] if copy else []
        if any(map(build.context.exists, brought)) or (target and any(asks(target, each) for each in directories)):
            raise Declined("a COPY fills the cache, and a mount would hide that", build.place(line))


def _strangers(build: Build, stage: Stage, run: Run) -> Iterator[Obligation]:
    """Judge the scripts of the project that the RUN starts: one that removes the mount's directory would fail."""
    view = build.view(stage, run.instruction)
    for step in run.steps:
        if step.program in _INTERPRETERS:
            text = _interpreted(step, view)
        elif step.words and (found := _script(step, view)) is not None:
            text = found
        elif (
            _is_script(step)
            and posixpath.dirname(step.words[0] or "") not in BINARIES
            and ecosystems.recognise(step, view) is None
        ):
            text = None
        else:
            continue
        claim = f"`{step.program}` does not remove the cache's directory"
        place = build.step_place(run, step)
        if text is None or re.search(r"\brm\b|rmtree|unlink|-delete\b", text):
            yield assumed(claim, "it may remove files", place)
        else:
            yield proved(claim, "its text removes nothing", place)


_INTERPRETERS = frozenset("sh bash dash ash eval . source sudo su env xargs".split())


def _interpreted(step: Step, view: View) -> str | None:
    """Return the text that a shell is given by ``-c`` or as a file of the project, None if it cannot be read."""
    if "-c" in step.words:
        at = step.words.index("-c") + 1
        return step.words[at] if at < len(step.words) else None
    files = [word for word in step.words[1:] if word is None or not word.startswith("-")]
    path = join(step.cwd, files[0]) if files and files[0] else None
    return view.read(path) if path else None


def _is_script(step: Step) -> bool:
    word = step.words[0] if step.words else None
    return bool(word) and ("/" in str(word) or str(word).endswith(".sh"))


def _script(step: Step, view: View) -> str | None:
    """Return the text of a program that a COPY brings, None if it comes from elsewhere."""
    word = step.words[0] or ""
    places = [join(step.cwd, word)] if "/" in word else [f"{directory}/{word}" for directory in BINARIES]
    return next((text for place in places if place and (text := view.read(place)) is not None), None)
