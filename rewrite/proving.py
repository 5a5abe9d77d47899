"""Proves results with the user's engine: finds it once, shows the builds as they run, and cleans up."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .fix import Request, fix
from .model import Result
from .project import Session
from .settings import Settings
from .verify.builders import ImportedCache, importing, throwaway
from .verify.copies import Copy
from .verify.docker import Docker
from .verify.engine import BuildOptions, BuildRun, Engine, EngineError, Step, Watch
from .verify.engines import find_engine
from .verify.outcome import Verdict, Verification
from .verify.proof import Plan, verify

if TYPE_CHECKING:
    from rich.progress import Progress


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """How to prove; `engine` is ``docker``, ``podman`` or empty for what is found, `builder` a name of buildx's.

    `scenarios` are those to measure, `repeat` how often each. `isolated` builds everything in a throw-away builder;
    `driver_options` and `buildkitd_config`, both as for ``docker buildx create``, are for every builder that is made.
    """

    build: BuildOptions = field(default_factory=BuildOptions)
    engine: str = ""
    builder: str = ""
    scenarios: tuple[str, ...] = ()
    repeat: int = 1
    isolated: bool = False
    driver_options: tuple[str, ...] = ()
    buildkitd_config: str = ""
    progress: bool = False


class Prover:
    """Proves one Dockerfile after the other with one engine; a context manager, which removes what it made."""

    def __init__(self, options: ProofOptions) -> None:
        self.options = options
        self._stack = ExitStack()
        self._engine: Engine | None = None
        self._docker: Docker | None = None
        self._importing: ImportedCache | None = None

    def __enter__(self) -> Prover:
        self._stack.enter_context(_terminable())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def engine(self) -> Engine:
        """The engine, found when it is first asked for; raise `EngineError` if there is none."""
        if self._engine is None:
            self._engine = self._find()
        return self._engine

    def prove(self, request: Request, settings: Settings, result: Result | None = None) -> Verification:
        """Verify what dockerfix makes of a Dockerfile (`result`, if it is known already); raise a `DockerfixError`."""
        if request.path is None:
            raise UsageError("standard input cannot be verified, as there is no build context", request.name)
        build = Session().open(request, settings)
        result = fix(build, settings) if result is None else result
        if not result.changes:
            return Verification(result.path, Verdict.UNCHANGED, context=result.context)
        if build.doubt:
            raise UsageError(build.doubt, request.name)
        options = self.options
        plan = Plan(options.build, options.scenarios, options.repeat, settings.allow)
        with _shown(request.name, options.progress) as observer:
            return verify(self.engine, build, result, plan, observer, self._imported)

    def _find(self) -> Engine:
        """Return the user's engine, with a builder of its own if that is wanted."""
        options = self.options
        engine = find_engine(builder=options.builder, prefer=options.engine)
        if not isinstance(engine, Docker):
            asked = options.builder or options.isolated or options.driver_options or options.buildkitd_config
            if asked:
                raise UsageError(f"{engine.name} makes no builders; --builder, --isolated and the like need buildx")
            return engine
        self._docker = engine
        return self._stack.enter_context(throwaway(engine, **self._created)) if options.isolated else engine

    @property
    def _created(self) -> dict[str, Any]:
        """How builders are made."""
        return {"config": self.options.buildkitd_config, "driver_options": self.options.driver_options}

    def _imported(self, warm: Copy, edited: Copy, options: BuildOptions, watch: Watch | None = None) -> BuildRun:
        """Build with an imported cache; the builder for it is made when it is first needed."""
        if self._docker is None:
            raise EngineError(f"{self.engine.name} makes no builders that import a cache")
        if self._importing is None:
            self._importing = self._stack.enter_context(importing(self._docker, **self._created))
        return self._importing(warm, edited, options, watch)


class _Silent:
    """Tells nobody what is going on."""

    def expect(self, builds: int) -> None:
        """Take the number of builds."""

    def begin(self, what: str) -> None:
        """Take what begins."""

    def steps(self, steps: Sequence[Step]) -> None:
        """Take the steps so far."""

    def end(self) -> None:
        """Take that it has ended."""


class _Bar:
    """A bar on the terminal: the builds done, and the instruction that runs now."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._name = name
        self._task = progress.add_task(name, total=None, now="")

    def expect(self, builds: int) -> None:
        """Take the number of builds."""
        self._progress.update(self._task, total=builds + 1)

    def begin(self, what: str) -> None:
        """Take what begins."""
        self._progress.update(self._task, description=f"{self._name}: {what}", now="")

    def steps(self, steps: Sequence[Step]) -> None:
        """Show the step that began last and goes on."""
        running = [step.name for step in steps if step.started and not step.completed and not step.internal]
        self._progress.update(self._task, now=running[-1] if running else "")

    def end(self) -> None:
        """Take that it has ended."""
        self._progress.advance(self._task)


@contextmanager
def _shown(name: str, wanted: bool) -> Iterator[_Silent | _Bar]:
    """Yield an observer that draws on standard error, if that is wanted."""
    if not wanted:
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    plain = TextColumn("{task.description}", markup=False)
    now = TextColumn("{task.fields[now]}", style="dim", markup=False)
    columns = (SpinnerColumn(), plain, BarColumn(bar_width=20), MofNCompleteColumn(), TimeElapsedColumn(), now)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, name)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let a SIGTERM end the builds as Ctrl-C does, so that what they made is removed."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    old = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)
