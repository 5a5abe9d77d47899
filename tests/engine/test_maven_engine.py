"""A Maven project, built before and after cache-mounts: the same image, and no download after an edit.

Builds of a dependency layer take minutes, for Maven downloads one file after the other: they were made by hand.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from layered import GOLDEN, build, fix, prepare, replace

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildRun
from rewrite.verify.image import Image, saved_images

pytestmark = pytest.mark.engine

CASE = "cache-mounts/maven-one-stage-compile"
EDIT = ("src/main/java/com/example/App.java", '"hello"', '"bye"')


@dataclass(frozen=True, slots=True)
class Built:
    """The images before and after the rewrite, and after an edit, with the builds of the last two."""

    images: tuple[Image, Image, Image]
    first: BuildRun
    edited: BuildRun


@pytest.fixture(scope="module")
def built(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    need_images("maven:3.9-eclipse-temurin-17")
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    tags = [f"{series}:{name}" for name in ("before", "after", "edited")]
    before, after = (copied(tmp_path_factory.mktemp("maven") / "project") for _ in range(2))
    # The mount is this test's own, so that it starts empty.
    fix(after)
    replace(after, ("Dockerfile", "type=cache,", f"type=cache,id={series},"))
    try:
        build(engine, before, series, tags[0])
        first = build(engine, after, series, tags[1])
        replace(after, EDIT)
        edited = build(engine, after, series, tags[2])
        images = saved_images(engine, tags)
        yield Built((images[tags[0]], images[tags[1]], images[tags[2]]), first, edited)
    finally:
        for tag in tags:
            engine.remove_image(tag)


def copied(root: Path) -> Path:
    shutil.copytree(GOLDEN / CASE / "in", root)
    prepare(root)
    return root


def test_the_images_are_the_same(built: Built) -> None:
    before, after, edited = built.images
    assert "/app/target/classes/com/example/App.class" in before.files
    comparison = compare(before, after)
    assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]
    assert not compare(after, edited).equivalent


def test_the_repository_is_in_the_mount(built: Built) -> None:
    held = [any("/.m2/repository/" in path for path in image.files) for image in built.images]
    assert held == [True, False, False]
    assert "Downloaded from" in built.first.log and "Downloaded from" not in built.edited.log
