"""Maven projects, built before and after: with a cache mount, and with a layer where there are to be no mounts."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from layered import GOLDEN, build, fix, prepare, replace

from rewrite.settings import Settings
from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildRun
from rewrite.verify.image import Image, saved_images

pytestmark = pytest.mark.engine


@dataclass(frozen=True, slots=True)
class Case:
    """A golden case, how it is rewritten, the source file that is edited, and a file of the image made from another."""

    name: str
    settings: Settings
    source: str
    made: str


CASES = {
    "mount": Case(
        "cache-mounts/maven-one-stage-compile",
        Settings(),
        "src/main/java/com/example/App.java",
        "/app/target/classes/com/example/App.class",
    ),
    "layer": Case(
        "dependency-layer/maven-modules-compile",
        Settings(mounts=False),
        "core/src/main/java/com/example/App.java",
        "/app/com/example/Web.class",
    ),
}


@dataclass(frozen=True, slots=True)
class Built:
    """The images before and after the rewrite, and after an edit, with the builds of the last two."""

    images: tuple[Image, Image, Image]
    first: BuildRun
    edited: BuildRun


@pytest.fixture(scope="module")
def built(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Built]]:
    need_images("maven:3.9-eclipse-temurin-17", "eclipse-temurin:17-jre")
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    tags = {name: [f"{series}:{name}-{state}" for state in ("before", "after", "edited")] for name in CASES}
    every = [tag for mine in tags.values() for tag in mine]
    runs: dict[str, tuple[BuildRun, BuildRun]] = {}
    try:
        for name, case in CASES.items():
            before, after = (copied(case, tmp_path_factory.mktemp("maven") / "project") for _ in range(2))
            fix(after, case.settings)
            if case.settings.mounts:
                # The mount is this test's own, so that it starts empty.
                replace(after, ("Dockerfile", "type=cache,", f"type=cache,id={series},"))
            build(engine, before, series, tags[name][0])
            first = build(engine, after, series, tags[name][1])
            replace(after, (case.source, '"hello"', '"bye"'))
            runs[name] = first, build(engine, after, series, tags[name][2])
        images = saved_images(engine, every)
        yield {name: Built((images[a], images[b], images[c]), *runs[name]) for name, (a, b, c) in tags.items()}
    finally:
        for tag in every:
            engine.remove_image(tag)


def copied(case: Case, root: Path) -> Path:
    shutil.copytree(GOLDEN / case.name / "in", root)
    prepare(root)
    dockerfile = root / "Dockerfile"
    # Maven is to tell what it downloads.
    dockerfile.write_text(dockerfile.read_text().replace(" -ntp", ""))
    return root


@pytest.mark.parametrize("name", CASES)
def test_the_images_are_the_same(built: Mapping[str, Built], name: str) -> None:
    before, after, edited = built[name].images
    assert CASES[name].made in before.files
    comparison = compare(before, after)
    assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]
    assert not compare(after, edited).equivalent


def test_the_repository_is_in_the_mount(built: Mapping[str, Built]) -> None:
    held = [any("/.m2/repository/" in path for path in image.files) for image in built["mount"].images]
    assert held == [True, False, False]


@pytest.mark.parametrize("name", CASES)
def test_an_edit_downloads_nothing(built: Mapping[str, Built], name: str) -> None:
    assert "Downloaded from" in built[name].first.log
    assert "BUILD SUCCESS" in built[name].edited.log and "Downloaded from" not in built[name].edited.log


def test_the_layer_outlives_an_edit(built: Mapping[str, Built]) -> None:
    first, edited = built["layer"].first, built["layer"].edited
    assert [any("go-offline" in step for step in run.ran) for run in (first, edited)] == [True, False]
    assert any("compile" in step for step in edited.ran)
