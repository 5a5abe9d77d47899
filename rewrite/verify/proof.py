"""Builds a project before and after, compares the images, and measures what each edit rebuilds.

Nothing that a build leaves may serve another one, but for what is measured. Two things keep them apart, and neither
``--no-cache``, which would also empty the cache mounts whose use is to be measured, nor a line in the Dockerfile:

- a mark (`BuildOptions.mark`) that no instruction sees and that is part of every RUN's cache key;
- a namespace for the cache mounts.

Both are chosen once for each series of builds. So its first build runs every RUN with empty mounts, and the builds
after it find exactly what the first one left. COPY and WORKDIR before the first RUN may be found in the cache at any
time.

The two sides take turns, so that neither gains by what gets faster or slower meanwhile: before, after, after, before,
and so on.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from ..build.build import Build
from ..build.context import DirectoryTree
from ..build.runs import mounts as mounts_of
from ..errors import DockerfixError
from ..model import Change, Result
from ..source.dockerfile import parse
from . import edits
from .compare import NOISE, Difference, compare
from .copies import Copy, Project, copied, restored
from .edits import Edit
from .engine import BuildOptions, BuildRun, Engine, Step, Watch
from .explain import Explainer
from .image import saved_images
from .layers import Layer
from .outcome import COLD, Scenario, Side, StepTime, Timing, Verdict, Verification

LOG_LINES = 40
# Behind these edits the images are compared as well: a rewrite must not leave anything stale.
COMPARED = (edits.SOURCE, edits.MANIFEST, edits.README)
SIDES = ("before", "after")


def as_planned(before: Sequence[float], after: Sequence[float]) -> bool:
    """Tell that the seconds measured so far are not enough, whatever they are."""
    return False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: how to build, which scenarios to measure (names) and how often, and which differences are allowed.

    A scenario is measured `repeat` times, or less where `enough` says so of the seconds that each side has taken.
    `allow` holds shell patterns of image paths, and of settings such as ``config.labels.date``.
    """

    options: BuildOptions = field(default_factory=BuildOptions)
    scenarios: Collection[str] = edits.NAMES
    repeat: int = 1
    allow: Sequence[str] = ()
    enough: Callable[[Sequence[float], Sequence[float]], bool] = as_planned


class Observer(Protocol):
    """Told what is going on while builds run."""

    def expect(self, builds: int) -> None:
        """Take the number of builds that will be made at most."""

    def begin(self, what: str) -> None:
        """Take what is built now."""

    def steps(self, steps: Sequence[Step]) -> None:
        """Take the steps of that build that are known so far."""

    def end(self) -> None:
        """Take it that the build has ended."""


class ImportedCache(Protocol):
    """Builds with an empty builder that imports what an earlier build has exported."""

    def __call__(self, warm: Copy, edited: Copy, options: BuildOptions, watch: Watch | None = None) -> BuildRun:
        """Return the second build: that of `edited`, with the cache that building `warm` has exported."""


class NotBuiltError(DockerfixError):
    """A build of a side that had to succeed did not; `log` is the end of what it printed."""

    def __init__(self, side: str, log: str) -> None:
        super().__init__(f"{side}: a build failed")
        self.side = side
        self.log = log


@dataclass
class _Version:
    """One side: a copy to build from, its series of builds, and its first build."""

    name: str
    copy: Copy
    series: str
    first: BuildRun
    tag: str


def project_of(build: Build, dockerfile: Path) -> Project:
    """Return what is copied to build from; raise TypeError for a build that was not opened from a directory."""
    tree = build.context.tree
    if not isinstance(tree, DirectoryTree):
        raise TypeError("only a directory can be built")
    ignore = build.context.ignore
    return Project(tree.root.absolute(), dockerfile.absolute(), ignore.prunes if ignore else None)


def verify(
    engine: Engine,
    build: Build,
    result: Result,
    plan: Plan,
    observer: Observer,
    imported: ImportedCache | None = None,
    chosen: Sequence[Edit] | None = None,
) -> Verification:
    """Build the original of `build` and what `result` makes of it; compare the images, measure the scenarios.

    `imported` is asked for the scenario of that name, which is skipped without it; `chosen` replaces the edits that
    are chosen from the project. The images made are removed, also when it is interrupted; the builder's cache is the
    engine's to collect. Raise a `DockerfixError` where the engine or the project cannot be used.
    """
    said = Verification(result.path, Verdict.UNCHANGED, engine.name, result.context)
    if not result.changes:
        return said
    with ExitStack() as stack:
        proof = _Proof(engine, build, result.changes, plan, observer, stack)
        try:
            return proof(said, edits.choose(build, plan.options.build_args) if chosen is None else chosen, imported)
        except NotBuiltError as failed:
            side = Side(log=failed.log)
            if failed.side == "before":
                return replace(said, verdict=Verdict.NOT_BUILT, before=side)
            return replace(said, verdict=Verdict.BROKEN, after=side)


class _Proof:
    """The builds of one verification."""

    def __init__(
        self,
        engine: Engine,
        build: Build,
        changes: Sequence[Change],
        plan: Plan,
        observer: Observer,
        stack: ExitStack,
    ) -> None:
        self.engine = engine
        self.build = build
        self.changes = changes
        self.plan = plan
        self.observer = observer
        self.stack = stack
        self.layers: dict[str, Layer] = {}
        self._repository = f"dockerfix-{secrets.token_hex(6)}"
        self._tags = 0
        self._compared: list[tuple[str, str, str]] = []

    def __call__(self, said: Verification, chosen: Sequence[Edit], imported: ImportedCache | None) -> Verification:
        unable = "" if imported else "this engine makes no builders"
        wanted = [
            replace(edit, skipped=edit.skipped or unable) if edit.name == edits.IMPORTED else edit
            for edit in chosen
            if edit.name in self.plan.scenarios
        ]
        doable = sum(not edit.skipped for edit in wanted)
        self.observer.expect(max(3, 2 * self.plan.repeat) + 2 * doable * self.plan.repeat)
        firsts = self._firsts()
        (before, again, *_), (after, *_) = firsts
        scenarios = [_cold(*firsts)] if wanted else []
        scenarios += [self._measure(edit, (before, after), imported) for edit in wanted]
        self.observer.begin("comparing the images")
        differences = self._differences(before, again, after)
        self.observer.end()
        return replace(
            said,
            verdict=Verdict.DIFFERENT if any(item.cause is None for item in differences) else Verdict.EQUIVALENT,
            differences=differences,
            before=Side(self.engine.image_bytes(before.tag)),
            after=Side(self.engine.image_bytes(after.tag)),
            scenarios=tuple(scenarios),
        )

    def _tag(self) -> str:
        """Return a name for an image, which is removed in the end."""
        self._tags += 1
        tag = f"{self._repository}:{self._tags}"
        self.stack.callback(self.engine.remove_image, tag)
        return tag

    def _run(self, side: str, what: str, copy: Copy, options: BuildOptions, tag: str) -> BuildRun:
        """Build; raise `NotBuiltError` if that fails."""
        self.observer.begin(f"{side}: {what}")
        run = self.engine.build(copy.context, copy.dockerfile, options, tag=tag, watch=self.observer.steps)
        self.observer.end()
        if not run.ok:
            raise NotBuiltError(side, "\n".join(run.log.rstrip().split("\n")[-LOG_LINES:]))
        return run

    def _firsts(self) -> tuple[list[_Version], list[_Version]]:
        """Build each side from nothing as often as planned, the original at least twice: what these two do not share
        is noise.
        """
        project = project_of(self.build, Path(self.build.path))
        original = self.stack.enter_context(copied(project))
        copies = (original, self.stack.enter_context(copied(project, self.changes)))
        built: tuple[list[_Version], list[_Version]] = ([], [])
        for turn in range(self.plan.repeat):
            for side in _turns(turn):
                built[side].append(self._first(SIDES[side], copies[side]))
            # Whatever comes, the original is built once more.
            if self.plan.enough(*([one.first.seconds for one in versions] for versions in built)):
                break
        if len(built[0]) == 1:
            built[0].append(self._first(SIDES[0], original))
        return built

    def _first(self, name: str, copy: Copy) -> _Version:
        """Make the first build of a series, from nothing."""
        series, tag = f"dockerfix-{secrets.token_hex(6)}", self._tag()
        options = replace(self.plan.options, mark=series, cache_mounts=series)
        return _Version(name, copy, series, self._run(name, "from nothing", copy, options, tag), tag)

    def _measure(self, edit: Edit, sides: Sequence[_Version], imported: ImportedCache | None) -> Scenario:
        """Build each side behind an edit, as often as planned."""
        if edit.skipped:
            return Scenario(edit.name, edit.title, skipped=edit.skipped)
        runs: tuple[list[BuildRun], list[BuildRun]] = ([], [])
        for turn in range(self.plan.repeat):
            word = secrets.token_hex(4)
            for side in _turns(turn):
                try:
                    run = self._edited(edit, sides[side], word, imported, first=not turn)
                except NotBuiltError as failed:
                    if failed.side == "after":
                        raise
                    return Scenario(edit.name, edit.title, skipped=f"the original does not build: {_last(failed.log)}")
                except (DockerfixError, OSError, ValueError) as error:
                    return Scenario(edit.name, edit.title, skipped=str(error))
                runs[side].append(run)
            if self.plan.enough(*([run.seconds for run in done] for done in runs)):
                break
        return Scenario(edit.name, edit.title, _timing(runs[0]), _timing(runs[1]))

    def _edited(
        self, edit: Edit, side: _Version, word: str, imported: ImportedCache | None, *, first: bool
    ) -> BuildRun:
        """Build one side behind an edit of its copy, which is undone."""
        options = replace(self.plan.options, mark=side.series, cache_mounts=side.series)
        options = edit.options(options, word)
        options = replace(options, build_contexts=self._based(edit.bases))
        if edit.name == edits.IMPORTED and imported is not None:
            return self._imported(imported, edit, side, word)
        tag = self._tag()
        if first and edit.name in COMPARED:
            self._compared.append((edit.name, side.name, tag))
        with restored(side.copy.context, edit.touches):
            edit.apply(side.copy.context, word)
            return self._run(side.name, edit.title, side.copy, options, tag)

    def _imported(self, imported: ImportedCache, edit: Edit, side: _Version, word: str) -> BuildRun:
        """Build with an empty builder and the cache that a build before the edit has exported."""
        self.observer.begin(f"{side.name}: {edit.title}")
        with copied(Project(side.copy.context, side.copy.dockerfile)) as copy:
            edit.apply(copy.context, word)
            run = imported(side.copy, copy, self.plan.options, self.observer.steps)
        self.observer.end()
        if not run.ok:
            raise NotBuiltError(side.name, run.log)
        return run

    def _based(self, references: Sequence[str]) -> tuple[str, ...]:
        """Return the build contexts of the plan, with new images in the place of `references`."""
        others = {reference: self._other_base(reference) for reference in references}
        planned = dict(context.split("=", 1) for context in self.plan.options.build_contexts)
        return tuple(f"{name}={where}" for name, where in (planned | others).items())

    def _other_base(self, reference: str) -> str:
        """Make an image that is what `reference` stands for with one file more; return where a build finds it."""
        if not self.engine.sees_images():
            raise DockerfixError(
                "the builder has a store of its own, and does not see the other base image made for it"
            )
        tag = self._tag()
        text = f"FROM {reference}\nCOPY dockerfix-verify /usr/share/\n"
        plan = self.plan.options
        options = BuildOptions(platform=plan.platform, build_contexts=plan.build_contexts)
        with tempfile.TemporaryDirectory(prefix="dockerfix-") as context:
            Path(context, "dockerfix-verify").write_text(tag, "ascii")
            run = self.engine.build(Path(context), text, options, tag=tag)
        if not run.ok:
            raise DockerfixError(f"no image can be made from {reference}: {_last(run.log)}")
        return f"docker-image://{tag}"

    def _mounts(self) -> tuple[str, ...]:
        """Return the absolute targets of the mounts of the rewritten Dockerfile."""
        text = next((change.after for change in self.changes if change.path == self.build.path), "")
        runs = (line for line in parse(text).instructions if line.keyword == "RUN")
        return tuple(mount.target for line in runs for mount in mounts_of(line) if mount.target.startswith("/"))

    def _differences(self, before: _Version, again: _Version, after: _Version) -> tuple[Difference, ...]:
        """Compare the first images and those behind edits; a difference that the first ones show is told once."""
        pairs = {edit: {side: tag for name, side, tag in self._compared if name == edit} for edit, *_ in self._compared}
        whole = [edit for edit, tags in pairs.items() if len(tags) == len(("before", "after"))]
        tags = [before.tag, again.tag, after.tag, *(tag for edit in whole for tag in pairs[edit].values())]
        images = saved_images(self.engine, tags, self.layers)
        noise = compare(images[before.tag], images[again.tag])
        ignore = next((c.after for c in self.changes if c.path == self.build.context.ignore_path), None)
        mounts = self._mounts() if self.engine.leaves_mount_parents else ()
        explain = Explainer(self.build.context, self.changes, ignore, noise, self.plan.allow, mounts)
        found = {(item.path, item.what): item for item in explain(images[before.tag], images[after.tag])}
        for item in noise.differences:
            found.setdefault((item.path, item.what), replace(item, cause=NOISE))
        for edit in whole:
            for item in explain(images[pairs[edit]["before"]], images[pairs[edit]["after"]], edit):
                found.setdefault((item.path, item.what), item)
        return tuple(found.values())


def _turns(turn: int) -> tuple[int, int]:
    """Return the indexes of the sides in the order in which they are built this time."""
    return (1, 0) if turn % 2 else (0, 1)


def _cold(before: Sequence[_Version], after: Sequence[_Version]) -> Scenario:
    """Return what the first builds took."""
    first, second = (_timing([version.first for version in versions]) for versions in (before, after))
    return Scenario(COLD, "nothing cached", first, second)


def _timing(runs: Sequence[BuildRun]) -> Timing:
    """Return the times of the repeats, with the steps of the one in the middle."""
    middle = sorted(runs, key=lambda run: run.seconds)[(len(runs) - 1) // 2]
    steps = tuple(
        StepTime(step.name, round(step.seconds, 3), step.cached, step.internal)
        for step in middle.steps
        if step.started is not None
    )
    return Timing(tuple(round(run.seconds, 3) for run in runs), steps, middle.sent)


def _last(log: str) -> str:
    """Return the last line of a log."""
    return next((line for line in reversed(log.split("\n")) if line.strip()), "")
