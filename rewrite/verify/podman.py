"""Podman, driven through its client: ``podman build`` and ``podman save``.

Its cached layers are images, which it finds again by their base image and by what made them. So what BuildKit has
options for is done here with what podman has:

- A mark is an image in the place of each base image: the same but for a line in its history, which no instruction sees.
- Cache mounts lie below TMPDIR, so that a name for them is a directory of its own.

As nothing collects podman's cache, what was cached under a mark goes with the last image that was tagged under it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from .clients import ANSWER_SECONDS, call, streamed, succeeds
from .engine import BuildOptions, BuildRun, EngineError, Watch, dockerfile_path
from .podmanbases import Base, bases, on_other_bases
from .podmanprogress import Progress

OLDEST = (4, 3)
PARENTS_REMOVED = (5, 6)
IMAGE = "docker-image://"
STOP_TRIES, STOP_SECONDS = 20, 0.1
OUTPUT = re.compile(r"type=(?:local|tar),dest=[^-].*")


class _BaseNotBuiltError(Exception):
    """A base image cannot be had: `run` is the build of it that failed."""

    def __init__(self, run: BuildRun) -> None:
        super().__init__()
        self.run = run


class Podman:
    """A podman that builds on this machine."""

    def __init__(self, client: str, version: str) -> None:
        self._client = client
        self._version = version
        self._tagged: dict[str, BuildOptions] = {}
        self._mounts: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What builds, for people."""
        return f"Podman {self._version}"

    def sees_images(self) -> bool:
        """Podman has one store."""
        return True

    @property
    def leaves_mount_parents(self) -> bool:
        """Podman removes the mount's own directory; before 5.6 those above it stay."""
        return _numbers(self._version) < PARENTS_REMOVED

    def has_image(self, reference: str) -> bool:
        """Tell whether podman holds an image of that name."""
        return succeeds(self._client, "image", "exists", reference)

    def image_bytes(self, reference: str) -> int:
        """Return the size of an image as podman counts it; raise `EngineError` if there is none."""
        return int(call(self._client, "image", "inspect", "--format={{.Size}}", reference))

    def remove_image(self, reference: str) -> None:
        """Remove the name, and the image if nothing else needs it; not an error if there is none.

        After the last image of its mark or of its cache mounts, what builds have left under those names goes as well.
        """
        if self.has_image(reference):
            call(self._client, "image", "rm", "--force", reference)
        gone = self._tagged.pop(reference, BuildOptions())
        if gone.mark and gone.mark not in (other.mark for other in self._tagged.values()):
            self._forget(gone.mark)
        if gone.cache_mounts and gone.cache_mounts not in (other.cache_mounts for other in self._tagged.values()):
            self._remove_directory(self._mounts.pop(gone.cache_mounts))

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
        """Build `context`; see `engine.Engine.build`. Raise `EngineError` for an option that podman cannot honour."""
        flags = [*_common_flags(options), *_flags(options), *_ignore_file(dockerfile), *_output(output)]
        directory = self._directory(options.cache_mounts)
        if tag:
            self._tagged[tag] = options
            flags.append(f"--tag={tag}")
        try:
            dockerfile, shown = self._on_stand_ins(context, dockerfile, options)
        except _BaseNotBuiltError as failed:
            return failed.run
        return self._run(context, dockerfile, flags, Progress(shown), directory, watch)

    def save(self, references: Sequence[str]) -> AbstractContextManager[IO[bytes]]:
        """Yield the stream of ``podman save``: an archive in which layers that images share come once."""
        return streamed(self._client, "save", "--multi-image-archive", *references)

    def _run(
        self,
        context: Path,
        dockerfile: str | Path,
        flags: Sequence[str],
        progress: Progress,
        directory: str = "",
        watch: Watch | None = None,
    ) -> BuildRun:
        """Run ``podman build``, with another directory for what is temporary if one is given."""
        environment = {**os.environ, "TMPDIR": directory} if directory else None
        with dockerfile_path(dockerfile) as path:
            # What the Docker format has and podman's own has not (HEALTHCHECK, SHELL, ONBUILD) would silently be lost.
            command = [self._client, "build", "--format=docker", "--layers", *flags, f"--file={path}", str(context)]
            begin = time.monotonic()
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                process_group=0,  # Ctrl-C is for `_stop`
            ) as process:
                assert process.stdout is not None
                try:
                    for line in process.stdout:
                        text = line.decode("utf-8", "surrogateescape").rstrip("\n")
                        if progress.read(text, datetime.now(UTC)) and watch is not None:
                            watch(progress.steps)
                except BaseException:
                    _stop(process)
                    raise
            seconds = time.monotonic() - begin
        if process.returncode:
            progress.fail(datetime.now(UTC))
        return BuildRun(process.returncode == 0, seconds, progress.steps, progress.log)

    def _on_stand_ins(
        self, context: Path, dockerfile: str | Path, options: BuildOptions
    ) -> tuple[str | Path, Mapping[str, str]]:
        """Return the Dockerfile on the images that stand in for its base images, and the names of those by theirs."""
        if not options.mark and not options.build_contexts:
            return dockerfile, {}
        text = dockerfile if isinstance(dockerfile, str) else dockerfile.read_bytes().decode("utf-8", "surrogateescape")
        others = dict(given.split("=", 1) for given in options.build_contexts if "=" in given)
        names, shown = {}, {}
        for base in bases(text, options.build_args):
            other = others.get(base.reference or "", "")
            name = other.removeprefix(IMAGE) if other.startswith(IMAGE) else base.written
            if options.mark:
                name = self._marked(context, base, name, options)
            if name != base.written:
                names[base.span] = name
                shown[name] = base.reference or base.written
        return on_other_bases(text, names), shown

    def _marked(self, context: Path, base: Base, name: str, options: BuildOptions) -> str:
        """Return the image that stands in for `base`, which is `name`, under the mark; podman finds it again.

        Raise `_BaseNotBuiltError` if the base image cannot be had.
        """
        with tempfile.TemporaryDirectory(prefix="dockerfix-") as directory:
            written = Path(directory, "image")
            text = f"{base.head}{name}\nARG {_argument(options.mark)}=\n"
            flags = [*_common_flags(options), f"--iidfile={written}"]
            run = self._run(context, text, flags, Progress())
            if len(run.steps) > len(("FROM", "ARG")):
                raise EngineError(f"podman cannot build {name} from nothing, as it has ONBUILD instructions")
            if not run.ok:
                raise _BaseNotBuiltError(run)
            return written.read_text("ascii").removeprefix("sha256:")

    def _forget(self, mark: str) -> None:
        """Remove all images that were made under a mark, and what a build that was stopped has left of containers."""
        listed = set(call(self._client, "image", "ls", "--all", "--quiet", "--no-trunc").split())
        # An image that somebody else removes meanwhile is no error.
        command = [self._client, "image", "inspect", "--format={{.Id}} {{json .History}}", *listed]
        described = subprocess.run(command, capture_output=True, text=True).stdout if listed else ""
        images = [line.split(" ", 1)[0] for line in described.splitlines() if _argument(mark) in line]
        containers = call(self._client, "ps", "--all", "--external", "--no-trunc", "--format={{.ID}} {{.ImageID}}")
        for line in containers.splitlines():
            container, _, image = line.partition(" ")
            if image in images:
                call(self._client, "rm", "--force", container)
        if images:
            call(self._client, "image", "rm", "--force", "--ignore", *images)

    def _directory(self, name: str) -> str:
        """Return the directory in which the cache mounts of that name lie; the empty name is for podman's own."""
        if name and name not in self._mounts:
            self._mounts[name] = tempfile.mkdtemp(prefix="dockerfix-", dir=os.environ.get("TMPDIR", "/var/tmp"))
        return self._mounts.get(name, "")

    def _remove_directory(self, directory: str) -> None:
        """Remove a directory with files that a container may own: users of its own, where podman runs without root."""
        inside = [self._client, "unshare"] if os.geteuid() else []
        subprocess.run([*inside, "rm", "-rf", "--", directory], check=True)


def connect(client: str) -> Podman:
    """Return the podman of a client; raise `EngineError` if it is too old, or if it builds on another machine."""
    told = call(client, "info", "--format={{.Version.Version}} {{.Host.ServiceIsRemote}}", seconds=ANSWER_SECONDS)
    version, remote = told.split()
    if remote == "true":
        raise EngineError("podman builds on another machine, where its cache mounts cannot be kept apart")
    if _numbers(version) < OLDEST:
        raise EngineError(f"podman {version} is older than {'.'.join(map(str, OLDEST))}")
    return Podman(client, version)


def _argument(mark: str) -> str:
    """Return the name of an ARG that says the mark, in letters that any name may have; none is in another's name."""
    return f"dockerfix_{mark.encode().hex()}_"


def _common_flags(options: BuildOptions) -> list[str]:
    """Return the options of ``podman build`` that also concern which image a FROM names."""
    if "," in options.platform:
        raise EngineError(f"podman builds for one platform at a time, not for {options.platform}")
    flags = [f"--platform={options.platform}"] if options.platform else []
    return flags + [f"--build-arg={name}={value}" for name, value in options.build_args.items()]


def _flags(options: BuildOptions) -> list[str]:
    """Return the further options of ``podman build``."""
    flags = [f"--target={options.target}"] if options.target else []
    # For podman, "default" would be a network of that name.
    flags += [f"--network={options.network}"] if options.network not in ("", "default") else []
    flags += [f"--cgroup-parent={options.cgroup_parent}"] if options.cgroup_parent else []
    flags += [f"--secret={secret}" for secret in options.secrets]
    flags += [f"--ssh={ssh}" for ssh in options.ssh]
    for context in options.build_contexts:
        if "=oci-layout://" in context:
            raise EngineError(f"podman takes no OCI layout for a build context: {context}")
        flags.append(f"--build-context={context}")
    flags += [f"--cache-from={_repository(cache)}" for cache in options.cache_from]
    flags += [f"--cache-to={_repository(cache)}" for cache in options.cache_to]
    flags += ["--no-cache"] if options.no_cache else []
    return flags


def _repository(cache: str) -> str:
    """Return the repository in ``type=registry,ref=...``; podman's caches are nowhere else, and hold every stage."""
    given = dict(part.partition("=")[::2] for part in cache.split(",")) if "=" in cache else {"ref": cache}
    known = given.pop("type", "registry") == "registry" and given.pop("mode", "max") == "max"
    repository = given.pop("ref", "")
    if not known or not repository or given:
        raise EngineError(f"podman's cache is a repository in a registry, with every stage, not {cache}")
    if ":" in repository.rpartition("/")[2] or "@" in repository:
        raise EngineError(f"podman's cache is a repository without a tag, not {repository}")
    return repository


def _ignore_file(dockerfile: str | Path) -> list[str]:
    """Return the option for the ignore file beside a Dockerfile, which not every podman looks for."""
    beside = Path(f"{dockerfile}.dockerignore") if isinstance(dockerfile, Path) else None
    return [f"--ignorefile={beside}"] if beside and beside.is_file() else []


def _output(output: str) -> list[str]:
    """Return the option for where files go; the cache is filled in any case."""
    if output in ("", "type=cacheonly"):
        return []
    if not OUTPUT.fullmatch(output):
        raise EngineError(f"podman has no output {output}")
    return [f"--output={output}"]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a build. The command of a RUN would outlive podman; killed itself, it lets podman fail and clear away."""
    for _ in range(STOP_TRIES):
        commands = list(_commands(process.pid))
        for command in commands:
            with suppress(ProcessLookupError):
                os.kill(command, signal.SIGKILL)
        if commands:
            break
        # One may be about to begin.
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=STOP_SECONDS)
    else:
        process.terminate()
    # Podman must be able to say that it failed, or that ends it before it has cleared away.
    process.communicate()


def _commands(pid: int) -> Iterator[int]:
    """Yield the processes below `pid` that are the first ones of their containers."""
    with suppress(OSError):  # Processes come and go.
        for listing in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in map(int, listing.read_text("ascii").split()):
                if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                    yield child
                else:
                    yield from _commands(child)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))
