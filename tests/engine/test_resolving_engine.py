"""What a real registry says of a base image: its digest is built on, its platforms are those that the builder finds."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from rewrite.cli import main
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine


PLATFORMS = ("linux/amd64", "linux/arm64")
CONFIG = os.environ.get("DOCKERFIX_TEST_BUILDKITD_CONFIG", "")


@pytest.fixture(scope="module")
def registry() -> str:
    """Return the address of the registry that `tests/engine/buildkit` has started."""
    if not CONFIG:
        pytest.skip("no registry is set up: see tests/engine/buildkit")
    found = re.search(r'mirrors = \["([^"]+)"\]', Path(CONFIG).read_text())
    assert found
    return found[1]


@pytest.fixture(scope="module")
def base(registry: str) -> str:
    """Return an image by its name in the registry."""
    return f"{registry}/{os.environ['DOCKERFIX_TEST_BUILDER_BASE']}"


@pytest.fixture
def published(engine: Docker, registry: str, tmp_path: Path) -> str:
    """Push images for one platform each, and `multi` for both; return the name that their tags belong to."""
    name = f"{registry}/dockerfix/platforms"
    (tmp_path / "file").write_text("")
    with tarfile.open(tmp_path / "files.tar", "w") as files:
        files.add(tmp_path / "file", "file")
    tags = [f"{name}:{platform.rpartition('/')[2]}" for platform in PLATFORMS]
    for platform, tag in zip(PLATFORMS, tags, strict=True):
        engine.call("import", f"--platform={platform}", str(tmp_path / "files.tar"), tag)
        engine.call("push", "--quiet", tag)
        engine.call("image", "rm", tag)
    engine.call("buildx", "imagetools", "create", f"--tag={name}:multi", *tags)
    return name


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


@pytest.mark.parametrize(
    ("tag", "platform", "found"),
    [
        ("multi", "linux/arm64", ""),
        ("multi", "linux/aarch64", ""),
        ("arm64", "arm64", ""),
        ("arm64", "linux/amd64", "InvalidBaseImagePlatform"),
        ("multi", "linux/s390x", "no match for platform"),
    ],
)
def test_a_platform_that_the_registry_does_not_have(
    engine: Docker,
    published: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tag: str,
    platform: str,
    found: str,
) -> None:
    """The builder warns of it where the image has one platform, and fails where it has others."""
    project = tmp_path / "project"
    project.mkdir()
    name = f"for-linux-{platform.rpartition('/')[2]}"
    (project / "Dockerfile").write_text(f"FROM --platform={platform} {published}:{tag} AS {name}\nCOPY Dockerfile /\n")
    check = [engine.client, "buildx", "build", "--call=check", str(project)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert found in done.stdout + done.stderr
    assert (done.returncode == 0) == (not found)
    monkeypatch.chdir(project)
    assert main(["--resolve", "registry", "--select", "platform-flag"]) == 0
    assert ("FROM asks for" in capsys.readouterr().out) == bool(found)
