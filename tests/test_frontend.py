"""Which frontends are older than a feature."""

from __future__ import annotations

import pytest

from rewrite.build.frontend import older
from rewrite.source.dockerfile import parse


@pytest.mark.parametrize(
    ("value", "old"),
    [
        ("docker/dockerfile:1.18", True),
        ("docker.io/docker/dockerfile:1.4.3", True),
        ("docker/dockerfile:1.7-labs@sha256:1234", True),
        ("docker/dockerfile:experimental", True),
        ("docker/dockerfile:0.9", True),
        ("docker/dockerfile:1.19", False),
        ("docker/dockerfile:1.20-labs", False),
        ("docker/dockerfile:1", False),
        ("docker/dockerfile:1-labs", False),
        ("docker/dockerfile:latest", False),
        ("docker/dockerfile", False),
        ("docker/dockerfile:2", False),
        ("example.org/frontend:1.0", False),
    ],
)
def test_versions(value: str, old: bool) -> None:
    assert older(parse(f"# syntax={value}\nFROM a\n"), 19) == (value if old else "")


def test_without_a_line_nothing_is_too_old() -> None:
    assert not older(parse("FROM a\n"), 19)
