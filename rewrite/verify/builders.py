"""Throw-away buildx builders, and what a build costs on one that is empty but for base images and an imported cache.

A builder is a container of its own (buildx's driver docker-container) with a cache of its own in a volume. It can
import and export caches, which the engine's built-in builder cannot; it does not see the engine's images.
"""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from .copies import Copy
from .docker import Docker
from .engine import BuildOptions, BuildRun, EngineError, Watch

PREFIX = "dockerfix-"
HINT = "a builder of its own needs an engine that may run privileged containers and can pull the image moby/buildkit"

# BuildKit's identifiers, each at the beginning of its line; a star behind one marks a mutable record.
_RECORD = re.compile(r"^([0-9a-z]{25})\*?\s", re.MULTILINE)
# How BuildKit describes the layers of an image from a registry; what a cache brought is "imported".
_BASES = '--filter=description~="^pulled from "'
_ATTEMPTS = 3


@contextmanager
def throwaway(docker: Docker, *, config: str = "", driver_options: Sequence[str] = ()) -> Iterator[Docker]:
    """Yield an engine that builds with a new builder, which is removed afterwards with its container and its volume.

    `config` is the path of a buildkitd.toml, `driver_options` are ``name=value`` as ``docker buildx create
    --driver-opt`` takes them. The user's current builder stays the current one. Raise `EngineError` if there can be no
    builder, or if it cannot be removed.
    """
    name = PREFIX + secrets.token_hex(6)
    options = [f"--buildkitd-config={config}"] if config else []
    options += [f"--driver-opt={option}" for option in driver_options]
    try:
        try:
            docker.call("buildx", "create", "--driver=docker-container", f"--name={name}", *options, "--bootstrap")
        except EngineError as failed:
            # Before its message the client tells what it has done so far.
            reason = failed.message.rpartition("ERROR: ")[2]
            raise EngineError(f"no builder can be made: {reason}", hint=HINT) from failed
        yield replace(docker, builder=name)
    finally:
        _remove(docker, name)


def _remove(docker: Docker, name: str) -> None:
    """Remove a builder, or what there is of it."""
    container = f"buildx_buildkit_{name}0"
    with suppress(EngineError):  # It has not come into being.
        docker.call("buildx", "rm", "--force", name)
    # Without the container buildx leaves the volume; forced, neither has to be there.
    docker.call("container", "rm", "--force", "--volumes", container)
    docker.call("volume", "rm", "--force", f"{container}_state")


def empty(docker: Docker) -> None:
    """Make a throw-away builder forget all but the images that it pulled.

    It is then a fresh CI runner that has its base images: pulling them costs the same before and after a rewrite.
    Raise `EngineError` for any builder that `throwaway` did not make, and if something cannot be forgotten.
    """
    if not docker.builder.startswith(PREFIX):
        raise EngineError(f"only a throw-away builder may be emptied, not {docker.builder or 'the current one'}")
    for attempt in count():
        forgotten = sorted(_records(docker) - _records(docker, _BASES))
        if not forgotten:
            return
        if attempt == _ATTEMPTS:
            raise EngineError(f"the builder {docker.builder} does not forget {', '.join(forgotten)}")
        if attempt:
            _restart(docker)
        which = f"--filter=id=^({'|'.join(forgotten)})$"
        docker.call("buildx", "prune", f"--builder={docker.builder}", "--all", "--force", which)


def _restart(docker: Docker) -> None:
    """Restart a builder, which for as long as it runs may hold what a cancelled step has used, and not prune it."""
    docker.call("buildx", "stop", docker.builder)
    docker.call("buildx", "inspect", "--bootstrap", docker.builder)


def _records(docker: Docker, *filters: str) -> set[str]:
    """Return the identifiers of what a builder's cache holds."""
    return set(_RECORD.findall(docker.call("buildx", "du", f"--builder={docker.builder}", *filters)))


class ImportedCache:
    """Builds on a throw-away builder that is empty but for a cache which an earlier build has exported.

    The caches lie in `directory`: each layer once, those of the base images as well.
    """

    def __init__(self, docker: Docker, directory: Path) -> None:
        self._docker = docker
        self._directory = directory
        self._exported: list[tuple[Copy, BuildOptions]] = []

    def __call__(self, warm: Copy, edited: Copy, options: BuildOptions, watch: Watch | None = None) -> BuildRun:
        """Return the build of `edited` with the cache that building `warm` has exported, or that of `warm` if it fails.

        `warm` is built once, however often this is called with it. Raise `EngineError` as `empty` does.
        """
        source = (warm, options)
        if source not in self._exported:
            cache = f"type=local,dest={self._directory},tag={len(self._exported)},mode=max"
            run = self._build(warm, replace(options, cache_from=(), cache_to=(cache,)), watch)
            if not run.ok:
                return run
            self._exported.append(source)
        cache = f"type=local,src={self._directory},tag={self._exported.index(source)}"
        return self._build(edited, replace(options, cache_from=(cache,), cache_to=()), watch)

    def _build(self, copy: Copy, options: BuildOptions, watch: Watch | None) -> BuildRun:
        """Empty the builder and build."""
        empty(self._docker)
        os.sync()  # what an export has written would be on its way to the disk for as long as the build is measured
        return self._docker.build(copy.context, copy.dockerfile, options, output="type=cacheonly", watch=watch)


@contextmanager
def importing(docker: Docker, *, config: str = "", driver_options: Sequence[str] = ()) -> Iterator[ImportedCache]:
    """Yield an `ImportedCache` with a builder of its own; see `throwaway` for the arguments and the errors."""
    with (
        throwaway(docker, config=config, driver_options=driver_options) as builder,
        tempfile.TemporaryDirectory(prefix=PREFIX) as directory,
    ):
        yield ImportedCache(builder, Path(directory))
