"""Measures one project: its builds before and after, behind the bench's own registry, while nobody else builds."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from project import ORDER, THROTTLED, Opened
from registry import Link, Server, Upstream, serving
from results import Result, essence

from rewrite import __version__
from rewrite.report.proof.json import render
from rewrite.verify.copies import Copy
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun, EngineError, Step, Watch
from rewrite.verify.proof import ImportedCache, Plan, verify

MOST_REPEATS = 5
RATE = 100e6 / 8
# Two sides that are within this factor of each other are measured again, as long as it does not take too long.
CLOSE = 2.0
SECONDS = 15.0
SLICE = 120.0


def clear(before: Sequence[float], after: Sequence[float], seconds: float = SECONDS) -> bool:
    """Tell whether noise cannot decide which side is faster, or the scenario has taken more than `seconds`."""
    ratio = statistics.median(before) / statistics.median(after)
    return not 1 / CLOSE < ratio < CLOSE or sum(before) + sum(after) > seconds


class Lock:
    """A file that others lock as well (``flock FILE COMMAND``) before they load the machine; without a path, nothing.

    `rest` gives way to the others once it has been held for `SLICE` seconds.
    """

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666) if path else None
        self._since: float | None = None

    def rest(self) -> None:
        """Lock it, if need be anew."""
        if self._since is not None and time.monotonic() - self._since < SLICE:
            return
        self.release()
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._since = time.monotonic()

    def release(self) -> None:
        """Unlock it."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._since = None


class Watching:
    """Tells what goes on, slows the link for the scenario that wants it, and rests between scenarios."""

    def __init__(self, name: str, lock: Lock, link: Link | None) -> None:
        self._name = name
        self._lock = lock
        self._link = link
        self._scenario = ""
        self._begin = 0.0

    def expect(self, builds: int) -> None:
        """Take the number of builds."""

    def begin(self, what: str) -> None:
        """Take what is built now."""
        scenario = what.partition(": ")[2]
        if scenario != self._scenario:
            self._scenario = scenario
            self._lock.rest()
        if self._link is not None:
            self._link.rate = RATE if scenario == THROTTLED else None
        print(f"{self._name}: {what}", end="", file=sys.stderr, flush=True)
        self._begin = time.monotonic()

    def steps(self, steps: Sequence[Step]) -> None:
        """Take the steps so far."""

    def end(self) -> None:
        """Tell how long it took."""
        print(f": {time.monotonic() - self._begin:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def based(engine: Docker, references: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield build contexts that put the base images with further variables in the place of themselves.

    Neither the Dockerfile nor anybody's tag is touched. Raise `EngineError` for a base image that cannot be used.
    """
    lines = "".join(f'ENV {name}="{value}"\n' for name, value in environment.items())
    repository = f"dockerfix-bench-{secrets.token_hex(6)}"
    with ExitStack() as stack:
        contexts = []
        for number, reference in enumerate(references):
            tag = f"{repository}:{number}"
            stack.callback(engine.remove_image, tag)
            with tempfile.TemporaryDirectory(prefix="dockerfix-bench-") as nothing:
                run = engine.build(Path(nothing), f"FROM {reference}\n{lines}", tag=tag)
            if not run.ok:
                raise EngineError(f"no image can be made from {reference}: {run.log}")
            contexts.append(f"{reference}=docker-image://{tag}")
        yield tuple(contexts)


@contextmanager
def behind(
    engine: Docker, opened: Opened, options: BuildOptions, upstream: Upstream | None
) -> Iterator[tuple[BuildOptions, Server | None]]:
    """Yield how to build so that the registry is before the builds, and the registry; without an upstream neither."""
    if upstream is None:
        yield options, None
        return
    with serving(upstream) as server, based(engine, opened.bases, server.environment) as contexts:
        yield replace(options, network="host", build_args=server.proxies, build_contexts=contexts), server


class Unchanged:
    """An imported cache whose builds go to the registries themselves: its builder does not see the engine's images."""

    def __init__(self, inner: ImportedCache) -> None:
        self._inner = inner

    def __call__(self, warm: Copy, edited: Copy, options: BuildOptions, watch: Watch | None = None) -> BuildRun:
        """Return the build of `edited`; see `ImportedCache`."""
        return self._inner(warm, edited, BuildOptions(), watch)


def measure(
    engine: Docker,
    opened: Opened,
    options: BuildOptions,
    *,
    scenarios: Collection[str] = ORDER,
    repeat: int = MOST_REPEATS,
    seconds: float = SECONDS,
    upstream: Upstream | None = None,
    imported: ImportedCache | None = None,
    lock: Lock,
) -> Result:
    """Verify one project in `scenarios`; `options` go to every build but those that import a cache."""
    chosen = [edit for edit in opened.chosen if upstream or edit.name != THROTTLED]
    lock.rest()
    with behind(engine, opened, options, upstream) as (how, server):
        watching = Watching(opened.project.name, lock, server.link if server else None)
        _warm_up(engine, opened, how, watching)
        plan = Plan(how, scenarios, repeat, enough=partial(clear, seconds=seconds))
        through = Unchanged(imported) if imported else None
        found = verify(engine, opened.build, opened.result, plan, watching, through, chosen)
    return Result(
        opened.project.name,
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        f"{__version__} {_commit()}",
        engine.name,
        f"{os.cpu_count()} cores, {platform.machine()}",
        upstream is not None,
        opened.fingerprint,
        essence(json.loads(render([found]))["verifications"][0]),
    )


def _warm_up(engine: Docker, opened: Opened, options: BuildOptions, watching: Watching) -> None:
    """Build the original once, uncounted: the first build of all reads everything from the disk and the network."""
    word = f"dockerfix-{secrets.token_hex(6)}"
    watching.begin("before: warming up")
    options = replace(options, mark=word, cache_mounts=word)
    engine.build(opened.context, opened.root / opened.project.dockerfile, options)
    watching.end()


def _commit() -> str:
    """Return which commit of dockerfix this is, with a mark if files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True).stdout.strip()
