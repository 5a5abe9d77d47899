"""Options and profiles that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--accept`, which rewrites the golden outputs instead of comparing them."""
    parser.addoption("--accept", action="store_true", help="write golden/*/*/out from what dockerfix does now")
