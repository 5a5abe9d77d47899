"""Which COPYs from another stage go below an install together with the broad COPY above them."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence

from ..build.build import Build
from ..build.copies import Copy, read_copy
from ..build.paths import inside, overlap
from ..build.stages import Stage
from ..model import Declined
from ..source.dockerfile import Instruction
from ..source.words import variables
from ._passing import STANDING, Needs

Passed = Sequence[tuple[Instruction, Needs]]


def followers(build: Build, stage: Stage, copy: Copy, passed: Passed) -> tuple[Instruction, ...]:
    """Return the COPYs among `passed` that are moved along with `copy`, in their order.

    What they bring changes with the sources of another stage, and reruns the install as the broad COPY did.
    Raises Declined where one has to be moved along and cannot be.
    """
    found: list[Instruction] = []
    for at in range(len(passed) - 1, -1, -1):
        instruction, needs = passed[at]
        if not _is_from_stage(build, instruction):
            if needs.along:
                raise needs.along
            continue
        try:
            follower = Follower(build, stage, copy.destination or "/", instruction)
            for other, its in passed[at + 1 :]:
                if other not in found:
                    follower.past(other, its)
        except Declined:
            if needs.along:
                raise needs.along from None
            continue
        found.insert(0, instruction)
    return tuple(found)


def _is_from_stage(build: Build, instruction: Instruction) -> bool:
    source = instruction.flag("from") if instruction.keyword == "COPY" else None
    return source is not None and any(stage.called(source.value or "") for stage in build.stages)


class Follower:
    """One COPY from another stage, into the directory `base`, on its way down; the directories `there` exist before."""

    def __init__(
        self, build: Build, stage: Stage, base: str, instruction: Instruction, there: Collection[str] = ()
    ) -> None:
        self.build, self.stage, self.instruction, self.base, self.there = build, stage, instruction, base, there
        found = read_copy(instruction, stage.state(instruction), build.context)
        path = found.destination
        if path is None or found.opaque or path == self.base or not inside(path, self.base) or STANDING.fullmatch(path):
            raise Declined("what it copies does not go into the project")
        self.path = path
        words = [word.text for word in instruction.words] + [flag.value or "" for flag in instruction.flags]
        self.names = {name for word in words for name in variables(word, instruction.escape)}

    def past(self, other: Instruction, needs: Needs) -> None:
        """Check that this COPY may stand below `other`; raises Declined."""
        if other.keyword in ("ENV", "ARG") and self.names & {pair.key for pair in other.pairs}:
            raise Declined("its variables are set in between")
        if other.keyword == "WORKDIR":
            self._past_workdir(other)
        if other.keyword in ("COPY", "ADD"):
            self._past_copy(other)
        for path in needs.touched:
            if overlap(path, self.path) or self._share(path):
                raise Declined(f"{path} is read or written in between")
        for path in needs.named:
            is_file = path == self.path and "." in posixpath.basename(path)
            if is_file or (path != self.path and inside(path, self.path)):
                raise Declined(f"{path} is named in between")

    def _share(self, path: str) -> bool:
        """Tell whether a directory that both make, with owners of their own, would now be made by the other."""
        if path[0] != self.path[0]:
            return True
        shared = posixpath.commonpath([path, self.path])
        exists = STANDING.fullmatch(shared) or any(inside(place, shared) for place in self.there)
        return shared != self.base and inside(shared, self.base) and not exists

    def _past_workdir(self, other: Instruction) -> None:
        workdir = self.stage.states[self.stage.instructions.index(other) + 1].workdir
        if not self.instruction.words[-1].text.startswith("/") or workdir is None or self._share(workdir):
            raise Declined("WORKDIR changes in between")

    def _past_copy(self, other: Instruction) -> None:
        copy = read_copy(other, self.stage.state(other), self.build.context)
        if copy.destination is None or copy.opaque:
            raise Declined("what is copied in between is not known")
        written = (copy.destination,) if other.flag("from") else copy.writes(self.build.context)
        if any(overlap(path, self.path) or self._share(path) for path in written):
            raise Declined("what is copied in between goes to the same place")
