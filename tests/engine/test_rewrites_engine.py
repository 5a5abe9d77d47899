"""Golden cases of rewrites whose image must not change at all, built before and after."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rewrite.cli import main
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

GOLDEN = Path(__file__).parent.parent.parent / "golden"


@pytest.mark.parametrize(
    "case",
    [
        "add-to-copy/file-and-directory",
        "add-to-copy/heredoc",
        "manifests-first/py-cd-split",
        "manifests-first/py-copy-along-overlap",
        "legacy-syntax/env",
        "legacy-syntax/env-crlf",
    ],
)
def test_the_image_is_the_same(
    engine: Docker, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(GOLDEN / case / "in", tmp_path / "project")
    dockerfile = tmp_path / "project" / "Dockerfile"
    # Nothing of a base image matters to these, and a small image is read in no time.
    dockerfile.write_bytes(dockerfile.read_bytes().replace(b"FROM debian:bookworm-slim", b"FROM scratch\nCOPY a /"))
    (tmp_path / "project" / "a").touch()
    monkeypatch.chdir(tmp_path / "project")
    assert main(["verify", "--select", case.partition("/")[0], "--scenario", "none"]) == 0, capsys.readouterr()
    assert ": equivalent:" in capsys.readouterr().out
