"""A Docker engine that builds: finding it, one build, and the steps that the builder reports.

Builds go through ``docker buildx build --progress=rawjson``, whose stderr is one JSON object per line. A step
(a "vertex" in BuildKit) comes in several pieces, which are merged by its digest.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from ..errors import DockerfixError

ANSWER_SECONDS = 20


class EngineError(DockerfixError):
    """No engine answers, or it cannot do what is asked of it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a build as the builder reported it; `started` is None for a step that was never reached.

    A step may be started several times (BuildKit looks at its cache key first), so `seconds` is the sum of the
    pieces and not the distance from `started` to `completed`.
    """

    digest: str
    name: str
    cached: bool = False
    started: datetime | None = None
    completed: datetime | None = None
    seconds: float = 0.0
    error: str = ""

    @property
    def internal(self) -> bool:
        """Tell whether the builder itself needed this step, rather than an instruction of the Dockerfile."""
        return not self.name.startswith("[") or self.name.startswith(("[internal]", "[auth]"))

    @property
    def ran(self) -> bool:
        """Tell whether an instruction's work was done in this build: reached, and not found in the cache."""
        return self.started is not None and not self.cached and not self.internal


@dataclass(frozen=True, slots=True)
class BuildRun:
    """What became of one build; `log` holds the steps' output and, after a failure, the builder's message."""

    ok: bool
    seconds: float
    steps: tuple[Step, ...]
    log: str

    @property
    def ran(self) -> tuple[str, ...]:
        """The names of the steps that were executed, in the order in which they began."""
        return tuple(step.name for step in self.steps if step.ran)


@dataclass(frozen=True, slots=True)
class Engine:
    """A docker client with buildx, whose engine answers."""

    client: str
    version: str

    def call(self, *arguments: str) -> str:
        """Run the client and return its output; raise `EngineError` with the client's message if it fails."""
        done = subprocess.run([self.client, *arguments], capture_output=True, text=True, errors="surrogateescape")
        if done.returncode:
            raise EngineError(f"docker {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def has_image(self, reference: str) -> bool:
        """Tell whether the engine holds an image of that name."""
        return subprocess.run([self.client, "image", "inspect", reference], capture_output=True).returncode == 0

    def build(
        self,
        context: Path,
        dockerfile: str | Path,
        *,
        tag: str = "",
        output: str = "",
        target: str = "",
        build_args: Mapping[str, str] | None = None,
        add_hosts: Sequence[str] = (),
        network: str = "",
        no_cache: bool = False,
    ) -> BuildRun:
        """Build `context` with a Dockerfile given as text, or as a path whose ``<path>.dockerignore`` then counts.

        A failing build is a `BuildRun` that is not `ok`, never an exception. The image is loaded into the engine when
        `tag` is given; `output` is buildx's own option, for anything else. Without either, only the cache is filled.
        """
        options = ["--progress=rawjson", "--provenance=false", "--sbom=false"]
        options += ["--load", f"--tag={tag}"] if tag else []
        options += [f"--output={output or 'type=cacheonly'}"] if output or not tag else []
        options += [f"--target={target}"] if target else []
        options += [f"--build-arg={name}={value}" for name, value in (build_args or {}).items()]
        options += [f"--add-host={host}" for host in add_hosts]
        options += [f"--network={network}"] if network else []
        options += ["--no-cache"] if no_cache else []
        with _dockerfile_path(dockerfile) as path:
            command = [self.client, "buildx", "build", *options, f"--file={path}", str(context)]
            begin = time.monotonic()
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            seconds = time.monotonic() - begin
        lines = done.stderr.decode("utf-8", "surrogateescape").split("\n")
        return BuildRun(done.returncode == 0, seconds, *read_progress(lines))

    @contextmanager
    def save(self, references: Sequence[str]) -> Iterator[IO[bytes]]:
        """Yield the stream of ``docker save``: an archive in which images share the layers that they share."""
        with subprocess.Popen(
            [self.client, "save", *references], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            try:
                yield process.stdout
                process.stdout.read()
            except BaseException:
                process.kill()
                raise
            message = process.stderr.read().decode("utf-8", "replace").strip()
        if process.returncode:
            raise EngineError(f"docker save: {message}")


def find_engine(environment: Mapping[str, str] | None = None) -> Engine:
    """Return the engine that the user's docker client talks to (DOCKER_HOST and contexts are the client's affair).

    Raise `EngineError` that says what is missing: the client, buildx, or an engine that answers.
    """
    path = (os.environ if environment is None else environment).get("PATH")
    client = shutil.which("docker", path=path)
    if client is None:
        raise EngineError("no docker client on PATH", hint="install Docker, or leave out the verification")
    try:
        version = _answer(client, "version", "--format={{.Server.Version}}")
        _answer(client, "buildx", "version")
    except subprocess.TimeoutExpired as silent:
        raise EngineError(f"the Docker engine did not answer within {ANSWER_SECONDS} s") from silent
    return Engine(client, version.strip())


def _answer(client: str, *arguments: str) -> str:
    """Run a client command that must answer at once."""
    done = subprocess.run([client, *arguments], capture_output=True, text=True, timeout=ANSWER_SECONDS)
    if done.returncode or not done.stdout.strip():
        raise EngineError(f"docker {arguments[0]}: {done.stderr.strip() or 'no answer'}")
    return done.stdout


@contextmanager
def _dockerfile_path(dockerfile: str | Path) -> Iterator[Path]:
    """Yield a path for a Dockerfile; text is written to a temporary directory, where no ignore file lies beside it."""
    if isinstance(dockerfile, Path):
        yield dockerfile
        return
    with tempfile.TemporaryDirectory(prefix="dockerfix-") as directory:
        path = Path(directory, "Dockerfile")
        path.write_bytes(dockerfile.encode("utf-8", "surrogateescape"))
        yield path


@dataclass(slots=True)
class _Pieces:
    """What has been reported of one step so far."""

    name: str
    cached: bool
    error: str
    runs: dict[datetime, datetime | None]

    def step(self, digest: str) -> Step:
        """Return the step that the pieces make together."""
        ends = [end for end in self.runs.values() if end is not None]
        seconds = sum((end - start).total_seconds() for start, end in self.runs.items() if end is not None)
        return Step(
            digest, self.name, self.cached, min(self.runs, default=None), max(ends, default=None), seconds, self.error
        )


def read_progress(lines: Iterable[str]) -> tuple[tuple[Step, ...], str]:
    """Return the steps and the log of a ``--progress=rawjson`` report.

    Steps are in the order in which they began, those never reached last. Lines that are no JSON (the client's own
    message about a failure) go to the log as they are.
    """
    found: dict[str, _Pieces] = {}
    log: list[str] = []
    for line in lines:
        report = _report(line)
        if report is None:
            log += [line + "\n"] if line.strip() else []
            continue
        for vertex in report.get("vertexes") or ():
            _merge(found, vertex)
        for entry in report.get("logs") or ():
            log.append(base64.b64decode(entry.get("data") or "").decode("utf-8", "surrogateescape"))
    steps = [pieces.step(digest) for digest, pieces in found.items()]
    steps.sort(key=lambda step: (step.started is None, step.started.timestamp() if step.started else 0.0))
    return tuple(steps), "".join(log)


def _report(line: str) -> dict[str, Any] | None:
    """Return the object that a line holds, None for a line of plain text."""
    if not line.startswith("{"):
        return None
    try:
        report = json.loads(line)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def _merge(found: dict[str, _Pieces], vertex: Mapping[str, Any]) -> None:
    """Add one report of a step to what is known of it."""
    pieces = found.setdefault(vertex["digest"], _Pieces("", False, "", {}))
    pieces.name = vertex.get("name") or pieces.name
    pieces.cached = pieces.cached or bool(vertex.get("cached"))
    pieces.error = vertex.get("error") or pieces.error
    if vertex.get("started"):
        start = datetime.fromisoformat(vertex["started"])
        end = vertex.get("completed")
        pieces.runs[start] = datetime.fromisoformat(end) if end else pieces.runs.get(start)
