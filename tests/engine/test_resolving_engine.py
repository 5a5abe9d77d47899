"""A base image is pinned to what a real registry says, and is built on."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from rewrite.cli import main
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine


CONFIG = os.environ.get("DOCKERFIX_TEST_BUILDKITD_CONFIG", "")


@pytest.fixture(scope="module")
def base() -> str:
    """Return an image by its name in the registry that `tests/engine/buildkit` has started."""
    if not CONFIG:
        pytest.skip("no registry is set up: see tests/engine/buildkit")
    found = re.search(r'mirrors = \["([^"]+)"\]', Path(CONFIG).read_text())
    assert found
    return f"{found[1]}/{os.environ['DOCKERFIX_TEST_BUILDER_BASE']}"


def test_a_registry_s_digest_is_written_and_builds(
    engine: Docker, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nFROM {base}-absent\nFROM {base}\nCOPY Dockerfile /\n")
    monkeypatch.chdir(tmp_path)
    arguments = ["--resolve", "registry", "--review", "--write", "--select", "pin-base-image"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert "-absent: " in captured.err and "nobody could tell the digest" in captured.out
    text = (tmp_path / "Dockerfile").read_text()
    assert len(re.findall(rf"^FROM {re.escape(base)}@sha256:[0-9a-f]{{64}}$", text, re.MULTILINE)) == 2
    run = engine.build(tmp_path, tmp_path / "Dockerfile")
    assert run.ok, run.log[-2000:]
    assert main(arguments) == 0
    assert (tmp_path / "Dockerfile").read_text() == text
