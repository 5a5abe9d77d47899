"""A Dockerfile with its stages and its build context: what every rewrite looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..model import Place
from ..source.dockerfile import Dockerfile, Instruction
from .buildfiles import Mention
from .changes import Change, copy_change, run_change
from .context import Context, Found
from .copies import Copy, from_context, read_copy
from .frontend import older
from .history import History, Revisions
from .images import Resolved
from .runs import Run, Step, read_run
from .stages import Stage, stages


@dataclass(frozen=True)
class Build:
    """A Dockerfile at `path` with its context.

    `siblings` are the other Dockerfiles that may be built from the same context, by path; `builder` is who builds
    it; `ignore_text` is the ignore file's text, None where there is no such file; `ignore_name` is its path inside
    the context ("" if it lies outside); `doubt` says why this may not be the context at all. `resolved` is what was
    said of base images, by reference, None where nobody was asked. `mounts` tells whether cache mounts are wanted.
    `history` gives that of the context's files, and `revisions` what the Dockerfile was, both read when somebody
    asks. `name` is the Dockerfile's path inside the context ("" if it lies outside); `mentions` are the places that
    say how it is built.
    """

    path: str
    dockerfile: Dockerfile
    context: Context
    ignore_text: str | None = None
    siblings: tuple[tuple[str, Dockerfile], ...] = ()
    builder: str = "buildkit"
    ignore_name: str = ".dockerignore"
    doubt: str = ""
    resolved: Mapping[str, Resolved] | None = None
    mounts: bool = True
    history: Callable[[], History] = History
    revisions: Callable[[], Revisions] = Revisions
    name: str = ""
    mentions: tuple[Mention, ...] = ()

    @property
    def dockerfiles(self) -> tuple[tuple[str, Dockerfile], ...]:
        """All Dockerfiles that may be built from this context, by path, this one first."""
        return ((self.path, self.dockerfile), *self.siblings)

    @property
    def no_cache_mounts(self) -> str:
        """Why a RUN can have no cache mounts, "" if it can."""
        if self.builder in ("legacy", "kaniko"):
            return f"the builder ({self.builder}) has no cache mounts"
        syntax = older(self.dockerfile, 2)
        return f"# syntax={syntax} is older than cache mounts (1.2)" if syntax else ""

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in their order."""
        return stages(self.dockerfile)

    @cached_property
    def _runs(self) -> dict[int, Run]:
        return {
            id(instruction): read_run(stage, instruction, self.dockerfile)
            for stage in self.stages
            for instruction in stage.instructions
            if instruction.keyword == "RUN"
        }

    @cached_property
    def _copies(self) -> dict[int, Copy]:
        return {
            id(instruction): read_copy(instruction, stage.state(instruction), self.context)
            for stage in self.stages
            for instruction in stage.instructions
            if from_context(instruction)
        }

    def run(self, instruction: Instruction) -> Run:
        """Return the script of a RUN of any stage."""
        return self._runs[id(instruction)]

    def stage_called(self, reference: str, before: Stage) -> Stage | None:
        """Return the stage that ``--from=reference`` means in the stage `before`, None if that is an image."""
        return next((stage for stage in self.stages[: before.index] if stage.called(reference)), None)

    def runs(self) -> Iterator[tuple[Stage, Run]]:
        """Yield every RUN with its stage."""
        for stage in self.stages:
            for instruction in stage.instructions:
                if instruction.keyword == "RUN":
                    yield stage, self.run(instruction)

    def copy(self, instruction: Instruction) -> Copy | None:
        """Return what a COPY or ADD takes from the context, None if it takes nothing from there."""
        return self._copies.get(id(instruction))

    def place(self, instruction: Instruction) -> Place:
        """Return where an instruction stands."""
        return Place(self.path, instruction.first)

    def step_place(self, run: Run, step: Step) -> Place:
        """Return where a command of a RUN stands."""
        return Place(self.path, run.line(self.dockerfile, step))

    def later_runs(self, stage: Stage, instruction: Instruction) -> Iterator[Run]:
        """Yield the RUNs that find what `instruction` leaves: behind it, and in stages that may stand on its stage."""
        for other in self.stages:
            lines = other.instructions if other.may_stand_on(stage) else ()
            lines = stage.after(instruction) if other is stage else lines
            yield from (self.run(line) for line in lines if line.keyword == "RUN")

    def view(self, stage: Stage, instruction: Instruction | None) -> View:
        """Return the files of the context that `instruction` of `stage` (None: the program) finds in the image."""
        key = id(stage), id(instruction)
        if key not in self._views:
            self._views[key] = stage, instruction, self._view(stage, instruction)
        return self._views[key][2]

    @cached_property
    def _views(self) -> dict[tuple[int, int], tuple[Stage, Instruction | None, View]]:
        """The views by the identities of what they are for, which is kept alive beside them."""
        return {}

    def _view(self, stage: Stage, instruction: Instruction | None) -> View:
        found: list[Copy | Change] = []
        for level in stage.lineage:
            lines = level.instructions
            if level is stage and instruction:
                lines = lines[: lines.index(instruction)]
            found += [layer for line in reversed(lines) if (layer := self._changes.get(id(line)) or self.copy(line))]
        before = [line for _, line in stage.before(instruction) if line.keyword == "RUN"]
        mine = [instruction] if instruction and instruction.keyword == "RUN" else []
        return View(self.context, tuple(found), tuple(self.run(line) for line in (*mine, *before)))

    @cached_property
    def _changes(self) -> dict[int, Change]:
        return {
            id(line): run_change(self.run(line)) if line.keyword == "RUN" else copy_change(line, stage.state(line))
            for stage in self.stages
            for line in stage.instructions
            if line.keyword in ("RUN", "COPY", "ADD") and not ((copy := self.copy(line)) and not copy.opaque)
        }


@dataclass(frozen=True)
class View:
    """The image's files as far as they come from the context: what brings and changes them, the latest first.

    `runs` are the RUNs of the stage and of those that it is built on: the instruction's own, if it is one, and those
    that came before it.
    """

    context: Context
    layers: tuple[Copy | Change, ...]
    runs: tuple[Run, ...] = ()
    _known: dict[tuple[int, object], tuple[Step, Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, step: Step, find: Callable[[Step, View], Found]) -> Found:
        """Return what `find` says of a command that finds this in the image; it is asked once for each command."""
        key = id(step), find
        if key not in self._known:
            self._known[key] = step, find(step, self)
        found: Found = self._known[key][1]
        return found

    def before(self, step: Step) -> Iterator[Step]:
        """Yield the commands of all RUNs that come before `step`, those behind it in its own RUN left out."""
        for run in self.runs:
            at = next((index for index, one in enumerate(run.steps) if one is step), len(run.steps))
            yield from run.steps[:at]

    @property
    def copies(self) -> tuple[Copy, ...]:
        """The instructions that bring files, the latest first."""
        return tuple(layer for layer in self.layers if isinstance(layer, Copy))

    def context_path(self, path: str) -> str | None:
        """Return the context path behind the image path `path`, if a COPY brings it."""
        for copy in self.copies:
            found = copy.context_path(path)
            if found is not None and (self.context.exists(found) or self.context.is_dir(found)):
                return found
        return None

    def read(self, path: str) -> str | None:
        """Return the text of the file at the image path `path`, None if no COPY brings it or it may have changed."""
        for layer in self.layers:
            if isinstance(layer, Change):
                if layer.touches(path):
                    return None
                continue
            found = layer.context_path(path)
            if found is not None and (self.context.exists(found) or self.context.is_dir(found)):
                return self.context.read(found)
        return None

    def exists(self, path: str) -> bool:
        """Tell whether a COPY brings a file or directory at `path`."""
        return self.context_path(path) is not None

    def is_dir(self, path: str) -> bool:
        """Tell whether a COPY brings a directory at `path`."""
        found = self.context_path(path)
        return found is not None and self.context.is_dir(found)

    def place(self, path: str, line: int = 0) -> Place:
        """Return the place of the context file behind an image path."""
        return Place(self.context_path(path) or path, line)
