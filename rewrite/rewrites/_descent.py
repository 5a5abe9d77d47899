"""How far down its stage a COPY can go, with the RUNs that only set the modes and owners of its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..build import effects
from ..build.build import Build
from ..build.copies import Copy, read_copy
from ..build.history import History
from ..build.paths import overlap
from ..build.runs import Run, mounts
from ..build.stages import Stage
from ..model import Declined, Refusal
from ..source.dockerfile import Instruction
from ._following import Follower
from ._passing import STANDING, Needs, Passage

# A RUN of nothing but these takes no time worth saving.
_QUICK = frozenset(
    "addgroup adduser cat cd chgrp chmod chown cp echo export git groupadd groupmod id install ln ls mkdir mv printf rm"
    " rmdir set test touch true umask useradd [ :".split()
)
_OWNERS = frozenset({"chgrp", "chmod", "chown"})
# With other values of these `chmod` may be another program.
_SHELLS = frozenset({"BASH_ENV", "ENV", "IFS", "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH"})


@dataclass
class Descent:
    """The way of one COPY: what it passes, up to the last RUN that takes time, and the RUNs that go along.

    `obstacle` is what ended the way, and why; None where the last one reads what the COPY brings.
    """

    build: Build
    stage: Stage
    copy: Copy
    passed: list[tuple[Instruction, Needs]] = field(default_factory=list)
    along: list[Instruction] = field(default_factory=list)
    obstacle: tuple[Instruction, Declined] | None = None

    def __post_init__(self) -> None:
        self._passage = Passage(self.build, self.stage, self.copy)
        self._follower: Follower | None = None
        self._owned: list[str] = []

    def go(self, reads: bool = False) -> Descent:
        """Go down as far as it is proved; with `reads` also past what reads files of the COPY."""
        reached, line = (0, 0), self.copy.instruction
        try:
            if self.copy.instruction.flag("from"):
                there = frozenset(self._passage.there)
                self._follower = Follower(self.build, self.stage, "/", self.copy.instruction, there)
            for line in self.stage.after(self.copy.instruction):
                if not reads and self._is_own(line):
                    self.along.append(line)
                    continue
                needs = self._passage.past(line)
                if needs.along:
                    raise needs.along
                if needs.split or needs.outputs or (needs.manifests and not reads):
                    break
                self._apart(line, needs)
                self.passed.append((line, needs))
                if self.takes_time(line):
                    reached = len(self.passed), len(self.along)
        except Declined as declined:
            self.obstacle = line, declined
        del self.passed[reached[0] :], self.along[reached[1] :]
        return self

    def takes_time(self, line: Instruction) -> bool:
        """Tell whether an instruction is a RUN that is worth keeping cached."""
        return line.keyword == "RUN" and any(step.program not in (None, *_QUICK) for step in self.build.run(line).steps)

    def installs(self, line: Instruction) -> bool:
        """Tell whether an instruction is a RUN that installs something."""
        return self._passage.installs(line)

    @property
    def title(self) -> str:
        """What is passed, as a person would name it."""
        names = [needs.title or self._programs(line) for line, needs in self.passed if self.takes_time(line)]
        return ", ".join(dict.fromkeys(", ".join(names).split(", ")))

    def refusal(self, name: str) -> Refusal | None:
        """Return why the rewrite `name` cannot go past the obstacle, if there is one."""
        if self.obstacle is None:
            return None
        line, declined = self.obstacle
        where = self.build.place(self.copy.instruction)
        return Refusal(name, where, declined.premise, declined.because or self.build.place(line))

    def _programs(self, line: Instruction) -> str:
        programs = (step.program for step in self.build.run(line).steps)
        return ", ".join(dict.fromkeys(name for name in programs if name and name not in _QUICK))

    def _is_own(self, line: Instruction) -> bool:
        """Tell whether a RUN only sets modes and owners of what the COPY brings, whatever stands before it."""
        if line.keyword != "RUN" or self._follower:
            return False
        run = self.build.run(line)
        if run.opaque or run.mounts or "$" in run.text.text or effects.compounds(run):
            return False
        paths = list(self._owner_paths(run))
        if not paths or None in paths:
            return False
        self._owned += [path for path in paths if path]
        return True

    def _owner_paths(self, run: Run) -> Iterator[str | None]:
        """Yield what the commands of a RUN change, None for anything but modes and owners of the COPY's own files."""
        there = self._passage.there
        for step in run.steps:
            known = effects.effect(step)
            if step.program not in _OWNERS or known is None or step.simple.redirects:
                yield None
                continue
            for path in known.writes:
                found = self.copy.context_path(path)
                mine = found is not None and self.build.context.exists(found)
                yield path if mine and not STANDING.fullmatch(path) and path not in there else None

    def _apart(self, line: Instruction, needs: Needs) -> None:
        """Check that `line` and what goes along do not depend on each other; raises Declined."""
        if self._follower:
            self._follower.past(line, needs)
        if line.keyword == "RUN":
            self._unnamed(line)
        if not self.along:
            return
        if line.keyword in ("SHELL", "USER", "WORKDIR"):
            raise Declined(f"{line.keyword} changes in between")
        if line.keyword in ("ARG", "ENV") and _SHELLS & {pair.key for pair in line.pairs}:
            raise Declined(f"{line.keyword} changes what `chmod` finds")
        touched = list(needs.touched)
        if line.keyword in ("COPY", "ADD"):
            other = read_copy(line, self.stage.state(line), self.build.context)
            touched += [other.destination or "/"] if line.flag("from") else other.writes(self.build.context)
        if any(overlap(path, mine) for path in touched for mine in self._owned):
            raise Declined("both touch the same files")
        if line.keyword == "RUN" and any(step.program == "groupmod" for step in self.build.run(line).steps):
            raise Declined("`groupmod` may change what an owner's name means")

    def _unnamed(self, line: Instruction) -> None:
        """Decline if a variable holds the name of a copied file inside of other text, as JAVA_TOOL_OPTIONS may."""
        for name, value in self.build.run(line).state.env.items():
            if name != "PATH" and value and any(path in value for path in self._passage.written):
                raise Declined(f"{name} names a file that the COPY brings", self.build.place(line))


def inputs(build: Build, stage: Stage, line: Instruction) -> set[str]:
    """Return the context paths that decide what an instruction brings; ``.`` where they are not known."""
    source = line.flag("from") if line.keyword in ("COPY", "ADD") else None
    if source:
        return _of_stage(build, source.value or "", stage)
    if line.keyword in ("COPY", "ADD"):
        copy = build.copy(line)
        return {mapping.source for mapping in copy.mappings} if copy and copy.mappings else {"."}
    found: set[str] = set()
    for mount in mounts(line) if line.keyword == "RUN" else ():
        if mount.kind == "bind":
            given = mount.options.get("from")
            found |= _of_stage(build, given, stage) if given else {mount.source or "."}
    return found


def _of_stage(build: Build, reference: str, before: Stage) -> set[str]:
    """Return what decides on the files of a stage that stands before the stage `before`; nothing for an image."""
    if "$" in reference:
        return {"."}
    found = build.stage_called(reference, before)
    levels = found.lineage if found else ()
    return {path for level in levels for line in level.instructions for path in inputs(build, level, line)}


def still(build: Build, history: History, paths: set[str]) -> bool:
    """Tell whether the history shows that no commit changes `paths` once they are there."""
    if not history.tells or not paths:
        return not paths
    files = {entry.path for path in paths for entry in build.context.files(path)}
    return bool(files) and files <= history.tracked and history.changes(paths) < 2
