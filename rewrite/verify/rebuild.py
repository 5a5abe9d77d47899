"""What an edit makes the builder run again, measured by building.

Every build of a series starts from a fresh copy of the project, so that scenarios do not build on one another, and the
first one is cold. It is not made cold by ``--no-cache``, which would also empty the cache mounts whose use is to be
measured, nor by a line put into the Dockerfile. Two options that no instruction sees do it:

- ``--add-host`` with a name of its own: the names are part of every RUN's cache key, and /etc/hosts of none's result;
- ``BUILDKIT_CACHE_MOUNT_NS``: the frontend keeps the cache mounts of each namespace apart.

Both are chosen once for a series. So its first build runs every RUN with empty mounts, and the builds after it find
exactly what the first one left. COPY and WORKDIR before the first RUN may be found in the engine's cache at any time.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .engine import BuildRun, Engine

COLD, UNCHANGED = "cold", "unchanged"


@dataclass(frozen=True, slots=True)
class Scenario:
    """An edit that a developer makes, done by `edit` to a copy of the project."""

    name: str
    edit: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The build that followed a scenario's edit."""

    scenario: str
    run: BuildRun


def rebuild(
    engine: Engine, project: Path, dockerfile: str, edits: Sequence[Scenario], *, path: str = "Dockerfile"
) -> tuple[Rebuild, ...]:
    """Build a project cold, again without a change, and once after each edit; return the builds in this order.

    `dockerfile` is the text to build with; it is written to `path` in each copy. The project itself is only read. A
    cold build that fails ends the series, as nothing can be learnt from the others. The images made are removed; the
    builder's cache is the engine's to collect.
    """
    series = f"dockerfix-{uuid.uuid4().hex[:12]}"
    results: list[Rebuild] = []
    tags: list[str] = []
    try:
        for scenario in (Scenario(COLD, _no_edit), Scenario(UNCHANGED, _no_edit), *edits):
            tags.append(f"{series}:{len(tags)}")
            run = _build_copy(engine, project, dockerfile, path, scenario, tags[-1])
            results.append(Rebuild(scenario.name, run))
            if not results[0].run.ok:
                break
    finally:
        for tag in filter(engine.has_image, tags):
            engine.call("image", "rm", "--force", tag)
    return tuple(results)


def _no_edit(project: Path) -> None:
    """Leave the project as it is."""


def _build_copy(engine: Engine, project: Path, dockerfile: str, path: str, scenario: Scenario, tag: str) -> BuildRun:
    """Build a copy of the project after one edit; the series is the tag without its number."""
    series = tag.partition(":")[0]
    with tempfile.TemporaryDirectory(prefix="dockerfix-") as directory:
        copy = Path(directory, "project")
        shutil.copytree(project, copy, symlinks=True)
        (copy / path).write_bytes(dockerfile.encode("utf-8", "surrogateescape"))
        scenario.edit(copy)
        return engine.build(
            copy,
            copy / path,
            tag=tag,
            add_hosts=(f"{series}.invalid:127.0.0.1",),
            build_args={"BUILDKIT_CACHE_MOUNT_NS": series},
        )
