"""Dockerfiles reordered by what changes, and built: the same image, and what takes time stays cached after an edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from layered import Project, Version, versions

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine
PROJECTS = {
    "reorder": Project(
        "reorder/virtual-environment",
        source=("pages/index.html", "hello", "good morning"),
        manifest=("run.sh", "hello", "good morning"),
    ),
    "split-copy": Project(
        "split-copy/node-server",
        source=("server.js", "hello", "good morning"),
        manifest=("package.json", '"version": "1.0.0"', '"version": "1.0.0", "private": true'),
    ),
    "volatile-args-last": Project(
        "volatile-args-last/version-raised",
        source=("Dockerfile", "APP_VERSION=1.4.0", "APP_VERSION=1.5.0"),
        manifest=("app.py", "hello", "good morning"),
    ),
}


@pytest.fixture(scope="module")
def built(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, list[Version]]]:
    need_images("debian:bookworm-slim", "node:20-slim", "python:3.12-slim")
    with versions(engine, tmp_path_factory.mktemp("reordered"), PROJECTS) as found:
        yield found


@pytest.mark.parametrize("name", PROJECTS)
def test_the_image_is_the_same(built: dict[str, list[Version]], name: str) -> None:
    before, after = built[name]
    for images in ((before.image, after.image), (before.edited_image, after.edited_image)):
        result = compare(*images)
        assert result.equivalent, result.unexplained


@pytest.mark.parametrize(
    ("name", "step", "ran"),
    [
        ("reorder", "venv", (True, False, False)),
        ("reorder", "chmod", (True, True, True)),
        ("split-copy", "npm ci", (True, False, True)),
        ("volatile-args-last", "useradd", (True, False, False)),
    ],
)
def test_the_step_is_cached(
    built: dict[str, list[Version]], name: str, step: str, ran: tuple[bool, bool, bool]
) -> None:
    """It ran again after the source's edit as the file was written before."""
    before, after = built[name]
    assert before.ran(step) == (True, True, False)
    assert after.ran(step) == ran
