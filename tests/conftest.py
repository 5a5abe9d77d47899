"""Options and profiles that all tests share."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# A shell has what it starts in the background ignore Ctrl-C, and that is inherited: tests interrupt what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("default", deadline=None, derandomize=True)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--accept`, which rewrites the golden outputs instead of comparing them."""
    parser.addoption("--accept", action="store_true", help="write golden/*/*/out from what dockerfix does now")
