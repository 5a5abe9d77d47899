"""A Dockerfile reordered and built: the same image, and what takes time stays cached after each edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from layered import Project, versions

from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine


def test_the_image_is_the_same_and_the_step_cached(
    engine: Docker, need_images: Callable[..., None], tmp_path: Path
) -> None:
    need_images("debian:bookworm-slim")
    project = Project(
        "reorder/virtual-environment",
        source=("pages/index.html", "hello", "good morning"),
        manifest=("run.sh", "hello", "good morning"),
    )
    with versions(engine, tmp_path, {"venv": project}) as found:
        before, after = found["venv"]
        for images in ((before.image, after.image), (before.edited_image, after.edited_image)):
            result = compare(*images)
            assert result.equivalent, result.unexplained
        assert before.ran("venv") == (True, True, False)
        assert after.ran("venv") == (True, False, False)
        assert after.ran("chmod") == (True, True, True)
