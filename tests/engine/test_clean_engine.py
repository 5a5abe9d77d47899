"""What the layers and the image hold after `package-clean` and `secret-mounts`, built for real."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from rewrite.cli import main
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

INSTALLS = """FROM node:20-slim
RUN apt-get update && apt-get install -y --no-install-recommends tree
WORKDIR /app
COPY package.json package-lock.json requirements.txt ./
RUN npm install
RUN pip install --break-system-packages -r requirements.txt
"""
LOCK = {"": {"name": "a", "dependencies": {"ms": "2.1.3"}}, "node_modules/ms": {"version": "2.1.3"}}
NETRC = """FROM node:20-slim
COPY .netrc /root/.netrc
RUN chmod 600 /root/.netrc && sh -c 'grep -q machine ~/.netrc'
RUN ["true"]
"""


def test_the_image_is_smaller_and_the_same(
    engine: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text(INSTALLS, "utf-8")
    Path("requirements.txt").write_text("click==8.1.7\n", "utf-8")
    Path("package.json").write_text('{"name": "a", "dependencies": {"ms": "2.1.3"}}', "utf-8")
    Path("package-lock.json").write_text(json.dumps({"lockfileVersion": 3, "packages": LOCK}), "utf-8")
    options = ["--no-mounts", "--review", "--select", "package-clean"]
    assert main(["verify", *options, "--scenario", "none"]) == 0, capsys.readouterr()
    printed = capsys.readouterr().out
    assert ": equivalent:" in printed
    assert re.search(r"\d+\.\d MB smaller", printed), printed


def test_a_build_with_the_secret_leaves_no_file(
    engine: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("Dockerfile").write_text(NETRC, "utf-8")
    Path(".netrc").write_text("machine example.org login a password b\n", "utf-8")
    assert main(["--write", "--review", "--select", "secret-mounts"]) == 0
    text = Path("Dockerfile").read_text("utf-8")
    assert text.count("--mount=type=secret,id=netrc,target=/root/.netrc,required=true") == 2
    assert "chmod" not in text
    assert "COPY" not in text
    Path("Dockerfile").write_text(text + 'RUN ["sh", "-c", "! test -e /root/.netrc"]\n', "utf-8")
    command = ["docker", "build", "--quiet", "--secret", "id=netrc,src=.netrc", "."]
    image = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run(["docker", "rmi", image], check=True, capture_output=True)
