"""Golden cases built for real, before and after all rewrites, and after edits: what both images hold, and what ran."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from test_golden import copied

from rewrite.fix import Request, fix_files
from rewrite.model import Result
from rewrite.settings import Settings
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import Image, saved_images

GOLDEN = Path(__file__).parents[2] / "golden"


@dataclass(frozen=True, slots=True)
class Project:
    """A golden case (REWRITE/CASE), and texts of two files to replace: ``(path, old, new)``."""

    case: str
    source: tuple[str, str, str]
    manifest: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Version:
    """A project before or after the rewrite: its image, the image after the source's edit, and all builds.

    The manifest is edited only after the rewrite.
    """

    image: Image
    edited_image: Image
    first: BuildRun
    edited: BuildRun
    manifest: BuildRun | None

    def ran(self, text: str) -> tuple[bool, bool, bool]:
        """Tell of the first build, that after the source's edit and that after the manifest's whether a step ran."""
        runs = (self.first, self.edited, self.manifest)
        found = [run is not None and any(text in step for step in run.ran) for run in runs]
        return found[0], found[1], found[2]


@contextlib.contextmanager
def versions(engine: Docker, directory: Path, projects: Mapping[str, Project]) -> Iterator[dict[str, list[Version]]]:
    """Build all projects, before and after; the images are saved together, as they share their bases."""
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    builds: dict[tuple[str, int], list[BuildRun]] = {}
    tags: dict[tuple[str, int, int], str] = {}
    try:
        for name, project in projects.items():
            for after in (0, 1):
                root = directory / f"{name}-{after}"
                prepare(copied(GOLDEN / project.case, root))
                if after:
                    fix(root)
                runs = []
                for at, edit in enumerate((None, project.source, project.manifest)[: 2 + after]):
                    replace(root, edit)
                    tags[name, after, at] = f"{series}:{name}-{after}-{at}" if at < 2 else ""
                    runs.append(build(engine, root, series, tags[name, after, at]))
                builds[name, after] = runs
        images = saved_images(engine, [tag for tag in tags.values() if tag])
        yield {
            name: [
                Version(images[tags[name, after, 0]], images[tags[name, after, 1]], *[*builds[name, after], None][:3])
                for after in (0, 1)
            ]
            for name in projects
        }
    finally:
        for tag in filter(None, tags.values()):
            engine.remove_image(tag)


def prepare(root: Path) -> None:
    """Take out what the lab cannot pull, and keep the files that the rewrites change out of the images."""
    dockerfile = root / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().removeprefix("# syntax=docker/dockerfile:1\n"))
    (root / ".dockerignore").write_text(".git\nDockerfile\n.dockerignore\n")


def fix(root: Path, settings: Settings | None = None) -> None:
    """Apply what is safe."""
    with contextlib.chdir(root):
        (result,) = fix_files([Request(Path("Dockerfile"), None, "Dockerfile")], lambda path: settings or Settings())
    assert isinstance(result, Result)
    assert result.applied and not result.defects, result
    for change in result.changes:
        (root / change.path).write_text(change.after)


def replace(root: Path, edit: tuple[str, str, str] | None) -> None:
    """Make an edit, which must find its text."""
    if edit:
        path = root / edit[0]
        text = path.read_text()
        assert edit[1] in text
        path.write_text(text.replace(edit[1], edit[2]))


def build(engine: Docker, root: Path, series: str, tag: str) -> BuildRun:
    """Build with cache keys that no earlier series has."""
    run = engine.build(root, root / "Dockerfile", BuildOptions(mark=series), tag=tag)
    assert run.ok, run.log
    return run
