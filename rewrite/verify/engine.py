"""What verification needs of an engine that builds images, and what a build reports.

`docker.py` and `podman.py` are the engines; `engines.py` finds the user's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from ..errors import DockerfixError


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
    """What became of one build.

    `log` holds the steps' output and, after a failure, the builder's message; `sent` is how many bytes of the context
    the builder asked for, None where the engine does not tell.
    """

    ok: bool
    seconds: float
    steps: tuple[Step, ...]
    log: str
    sent: int | None = None

    @property
    def ran(self) -> tuple[str, ...]:
        """The names of the steps that were executed, in the order in which they began."""
        return tuple(step.name for step in self.steps if step.ran)


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build: buildx's own options, by their names, with their values as the user writes them.

    `build_contexts` are ``name=where``; `cache_mounts` names the cache mounts to use (BUILDKIT_CACHE_MOUNT_NS), so
    that two names never share one; `mark` is a name that no instruction sees and that makes every RUN another than
    under any other mark.
    """

    target: str = ""
    platform: str = ""
    network: str = ""
    cgroup_parent: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    ssh: Sequence[str] = ()
    build_contexts: Sequence[str] = ()
    cache_from: Sequence[str] = ()
    cache_to: Sequence[str] = ()
    cache_mounts: str = ""
    mark: str = ""
    no_cache: bool = False


Watch = Callable[[Sequence[Step]], None]
"""Told the steps known so far, while a build runs."""


class Engine(Protocol):
    """An engine that builds images and exports them."""

    @property
    def name(self) -> str:
        """What builds, for people: ``Docker 28.5 (buildx)``."""

    @property
    def leaves_mount_parents(self) -> bool:
        """Whether the directories that a build makes above a mount stay in the image, empty."""

    def sees_images(self) -> bool:
        """Tell whether a build finds the images that earlier builds have made, by their names."""

    def build(
        self,
        context: Path,
        dockerfile: str | Path,
        options: BuildOptions = ...,
        *,
        tag: str = "",
        output: str = "",
        watch: Watch | None = None,
    ) -> BuildRun:
        """Build `context` with a Dockerfile given as text, or as a path whose ``<path>.dockerignore`` then counts.

        A failing build is a `BuildRun` that is not `ok`, never an exception. The image is loaded into the engine when
        `tag` is given; `output` is buildx's own option, for anything else. Without either, only the cache is filled.
        """

    def has_image(self, reference: str) -> bool:
        """Tell whether the engine holds an image of that name."""

    def image_bytes(self, reference: str) -> int:
        """Return the size of an image as the engine counts it; raise `EngineError` if there is none."""

    def remove_image(self, reference: str) -> None:
        """Remove the name, and the image if nothing else needs it; not an error if there is none."""

    def save(self, references: Sequence[str]) -> AbstractContextManager[IO[bytes]]:
        """Yield an archive of images in which layers that they share come once."""


@contextmanager
def dockerfile_path(dockerfile: str | Path) -> Iterator[Path]:
    """Yield a path for a Dockerfile; text is written to a temporary directory, where no ignore file lies beside it."""
    if isinstance(dockerfile, Path):
        yield dockerfile
        return
    with tempfile.TemporaryDirectory(prefix="dockerfix-") as directory:
        path = Path(directory, "Dockerfile")
        path.write_bytes(dockerfile.encode("utf-8", "surrogateescape"))
        yield path
