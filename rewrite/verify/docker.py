"""A Docker engine, driven through the user's own client: ``docker buildx build`` and ``docker save``."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import clients
from .clients import ANSWER_SECONDS
from .engine import BuildOptions, BuildRun, EngineError, Watch, dockerfile_path
from .progress import Progress


@dataclass(frozen=True, slots=True)
class Docker:
    """A docker client with buildx, whose engine answers; `builder` is buildx's name, empty for the current one."""

    client: str
    version: str
    builder: str = ""

    @property
    def name(self) -> str:
        """What builds, for people."""
        return f"Docker {self.version} (buildx{', builder ' + self.builder if self.builder else ''})"

    @property
    def leaves_mount_parents(self) -> bool:
        """BuildKit removes what it made for a mount, parents too (since v0.11)."""
        return False

    def sees_images(self) -> bool:
        """Tell it of the engine's own builder; others have a store of their own."""
        told = self.call("buildx", "inspect", *([self.builder] if self.builder else []))
        return any(line.split() == ["Driver:", "docker"] for line in told.splitlines())

    def call(self, *arguments: str) -> str:
        """Run the client and return its output; raise `EngineError` with the client's message if it fails."""
        return clients.call(self.client, *arguments)

    def has_image(self, reference: str) -> bool:
        """Tell whether the engine holds an image of that name."""
        return clients.succeeds(self.client, "image", "inspect", reference)

    def image_bytes(self, reference: str) -> int:
        """Return the size of an image as the engine counts it; raise `EngineError` if there is none."""
        return int(self.call("image", "inspect", "--format={{.Size}}", reference))

    def remove_image(self, reference: str) -> None:
        """Remove the name, and the image if nothing else needs it; not an error if there is none."""
        if self.has_image(reference):
            self.call("image", "rm", "--force", reference)

    def build(
        self,
        context: Path,
        dockerfile: str | Path,
        options: BuildOptions = BuildOptions(),  # noqa: B008  # frozen
        *,
        tag: str = "",
        output: str = "",
        watch: Watch | None = None,
    ) -> BuildRun:
        """Build `context`; see `engine.Engine.build`."""
        to = [f"--builder={self.builder}"] if self.builder else []
        to += ["--load", f"--tag={tag}"] if tag else []
        to += [f"--output={output or 'type=cacheonly'}"] if output or not tag else []
        progress = Progress()
        with dockerfile_path(dockerfile) as path:
            command = [self.client, "buildx", "build", *to, *_flags(options), f"--file={path}", str(context)]
            begin = time.monotonic()
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                assert process.stderr is not None
                try:
                    for line in process.stderr:
                        told = progress.read(line.decode("utf-8", "surrogateescape").rstrip("\n"))
                        if told and watch is not None:
                            watch(progress.steps)
                except BaseException:
                    # The client cancels its build at the engine when it is interrupted; killed, it would not.
                    process.terminate()
                    raise
            seconds = time.monotonic() - begin
        return BuildRun(process.returncode == 0, seconds, progress.steps, progress.log, progress.sent)

    def save(self, references: Sequence[str]) -> AbstractContextManager[IO[bytes]]:
        """Yield the stream of ``docker save``: an archive in which images share the layers that they share."""
        return clients.streamed(self.client, "save", *references)


def connect(client: str, builder: str = "") -> Docker:
    """Return the engine that a docker client talks to (DOCKER_HOST and contexts are the client's affair).

    Raise `EngineError` that says what is missing: an engine that answers, buildx, or the builder.
    """
    version = _answer(client, "version", "--format={{.Server.Version}}")
    _answer(client, "buildx", "version")
    if builder:
        _answer(client, "buildx", "inspect", builder)
    return Docker(client, version.strip(), builder)


def _answer(client: str, *arguments: str) -> str:
    """Run a client command that must answer at once, and not with nothing."""
    answer = clients.call(client, *arguments, seconds=ANSWER_SECONDS)
    if not answer.strip():
        raise EngineError(f"docker {arguments[0]}: no answer")
    return answer


def _flags(options: BuildOptions) -> list[str]:
    """Return the options of ``docker buildx build``."""
    arguments = {**options.build_args}
    if options.cache_mounts:
        arguments["BUILDKIT_CACHE_MOUNT_NS"] = options.cache_mounts
    flags = ["--progress=rawjson", "--provenance=false", "--sbom=false"]
    flags += [f"--target={options.target}"] if options.target else []
    flags += [f"--platform={options.platform}"] if options.platform else []
    flags += [f"--network={options.network}"] if options.network else []
    flags += [f"--cgroup-parent={options.cgroup_parent}"] if options.cgroup_parent else []
    flags += [f"--build-arg={name}={value}" for name, value in arguments.items()]
    flags += [f"--secret={secret}" for secret in options.secrets]
    flags += [f"--ssh={ssh}" for ssh in options.ssh]
    flags += [f"--build-context={context}" for context in options.build_contexts]
    flags += [f"--cache-from={cache}" for cache in options.cache_from]
    flags += [f"--cache-to={cache}" for cache in options.cache_to]
    # The names of added hosts are part of every RUN's cache key, and /etc/hosts is part of none's result.
    flags += [f"--add-host={options.mark}.invalid:127.0.0.1"] if options.mark else []
    flags += ["--no-cache"] if options.no_cache else []
    return flags
