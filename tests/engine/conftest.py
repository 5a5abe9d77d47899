"""What the tests that build need: an engine that answers, and the base images that they name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rewrite.verify.builders import throwaway
from rewrite.verify.docker import Docker
from rewrite.verify.engine import EngineError
from rewrite.verify.engines import find_docker

REQUIRED = "DOCKERFIX_REQUIRE_ENGINE"


def unavailable(reason: str) -> None:
    """Skip, or fail where the run is meant to have an engine."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def engine() -> Docker:
    try:
        return find_docker()
    except EngineError as error:
        unavailable(str(error))
        raise


@pytest.fixture(scope="session")
def need_images(engine: Docker) -> Callable[..., None]:
    """Return a function that makes sure of base images, which are never pulled."""

    def need(*references: str) -> None:
        missing = [reference for reference in references if not engine.has_image(reference)]
        if missing:
            unavailable(f"the engine holds no image {', '.join(missing)}; tag or pull it first")

    return need


@pytest.fixture(scope="session")
def merging(engine: Docker) -> Iterator[Docker]:
    """A builder of its own, which merges layers and reads Dockerfiles by a frontend that is not the engine's."""
    config = os.environ.get("DOCKERFIX_TEST_BUILDKITD_CONFIG", "")
    try:
        making = throwaway(engine, config=config, driver_options=("network=host",) if config else ())
        docker = making.__enter__()
    except EngineError as error:
        unavailable(str(error))
        raise
    yield docker
    making.__exit__(None, None, None)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context with busybox in it, for the system of small.py."""
    busybox = shutil.which("busybox")
    if busybox is None:
        unavailable("busybox-static is needed")
    root = tmp_path / "context"
    root.mkdir()
    shutil.copy(str(busybox), root / "busybox")
    return root
