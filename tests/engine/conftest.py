"""What the tests that build need: an engine that answers, and the base images that they name."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

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
