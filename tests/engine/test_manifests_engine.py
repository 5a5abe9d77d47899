"""Golden cases of manifests-first for pip, built before and after: the same image, and no install after an edit."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import Image, saved_images

GOLDEN = Path(__file__).parents[2] / "golden" / "manifests-first"
# Each case with a source file that a developer edits.
CASES = {
    "flask": "app.py",
    "py-nested-requirements": "backend/shop/wsgi.py",
    "py-local-libraries": "app.py",
    "py-user-and-chown": "app.py",
}
pytestmark = pytest.mark.engine


@dataclass(frozen=True, slots=True)
class Version:
    """A project before or after the rewrite: its image, its first build, and the one that followed an edit."""

    image: Image
    first: BuildRun
    edited: BuildRun


@pytest.fixture(scope="module")
def versions(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[str, str], Version]]:
    """Build every case twice in both versions; the images are saved together, as they share their base."""
    need_images("python:3.12-slim")
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    builds: dict[tuple[str, str], tuple[str, BuildRun, BuildRun]] = {}
    try:
        for case, edited in CASES.items():
            for name, folders in (("before", ["in"]), ("after", ["in", "out"])):
                project, dockerfile = copy(case, folders, tmp_path_factory.mktemp(f"{case}-{name}"))
                tag = f"{series}:{case}-{name}"
                first = build(engine, project, dockerfile, series, tag)
                source = project / edited
                source.write_text(source.read_text() + "# edited\n")
                builds[case, name] = (tag, first, build(engine, project, dockerfile, series, ""))
        images = saved_images(engine, [tag for tag, first, _ in builds.values() if first.ok])
        yield {key: Version(images[tag], *runs) for key, (tag, *runs) in builds.items() if tag in images}
    finally:
        for tag in [tag for tag, *_ in builds.values()]:
            engine.remove_image(tag)


def copy(case: str, folders: Sequence[str], project: Path) -> tuple[Path, str]:
    """Lay a case's folders over one another; the Dockerfile that is built is kept out of what ``COPY . .`` brings."""
    for folder in folders:
        shutil.copytree(GOLDEN / case / folder, project, dirs_exist_ok=True, symlinks=True)
    dockerfile = (project / "Dockerfile").read_text()
    shutil.copy(GOLDEN / case / "in" / "Dockerfile", project)
    return project, dockerfile


def build(engine: Docker, project: Path, dockerfile: str, series: str, tag: str) -> BuildRun:
    """Build with cache keys that no earlier series has."""
    run = engine.build(project, dockerfile, BuildOptions(mark=series), tag=tag)
    assert run.ok, run.log
    return run


def installs(run: BuildRun) -> list[str]:
    """Return the pip steps that were executed."""
    return [step for step in run.ran if "pip install" in step]


@pytest.mark.parametrize("case", CASES)
def test_the_images_are_the_same(versions: Mapping[tuple[str, str], Version], case: str) -> None:
    comparison = compare(versions[case, "before"].image, versions[case, "after"].image)
    assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]


@pytest.mark.parametrize("case", CASES)
def test_an_edit_runs_no_install(versions: Mapping[tuple[str, str], Version], case: str) -> None:
    before, after = versions[case, "before"], versions[case, "after"]
    assert len(installs(before.first)) == len(installs(after.first)) == 1
    assert len(installs(before.edited)) == 1
    assert installs(after.edited) == []
