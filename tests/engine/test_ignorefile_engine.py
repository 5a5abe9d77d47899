"""Our `.dockerignore` against a real builder: the files that `COPY . /` brings into an empty image."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rewrite.build.context import load

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    """Skip where no engine answers, unless one is required."""
    answered = shutil.which("docker") and subprocess.run(["docker", "version"], capture_output=True).returncode == 0
    if not answered and os.environ.get("DOCKERFIX_REQUIRE_ENGINE") != "1":
        pytest.skip("no Docker engine answers")


def sent(root: Path, out: Path) -> list[str]:
    """Return the files of the image that the builder makes of the context `root`."""
    command = ["docker", "buildx", "build", "--no-cache", "--output", f"type=local,dest={out}", str(root)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_symlink() or path.is_file())


@pytest.mark.parametrize(
    ("ignore", "files"),
    [
        (
            "\ufeff# comment\r\n*\r\n! /src/ \r\n**/*.pyc\r\n!src/keep/*.pyc\r\n /src/tmp/ \r\n #no comment\r\n",
            "a src/a.py src/a.pyc src/keep/b.pyc src/deep/keep/b.pyc src/tmp/x src/tmp2/x",
        ),
        ("node_modules\ndocs/\n!docs/README.md\n", "node_modules/a packages/a/node_modules/b docs/README.md docs/x"),
        ("**/node_modules\n**/.env*\n", "node_modules/a packages/a/node_modules/b .env app/.env.local app/env"),
        ("*\n./!keep\n/!keep2\n! keep3 \n", "keep keep2 keep3/a other"),
        ("a\n!a/f\na\n", "a/f a/g b"),
        ("*/f\n!a\n", "a/f a/g b/f"),
        ("a|b*\n", "a/x ax zb c bq"),
        ("bin\\Debug\n**\\bin\n", "binXebug bin1ebug bin/Debug/x in obj/in obin"),
        ("*.{js,ts}\nx{2}*\n", "a.js a.{js,ts} xx1 x{2}1 x1"),
        ("[*]\nq[?]z\na[^b]c\n", "* [ ] q?z q[]z a/c axc abc"),
        ("dir/**\nabc**/x\n!dir/a/b\n", "dir/a/b dir/a/c dirx abc/x abcd/e/x abc/y"),
        ("../a\n/../b\n.\n", "a b c"),
    ],
)
def test_the_builder_sends_what_we_say(tmp_path: Path, ignore: str, files: str) -> None:
    root = tmp_path / "context"
    for name in [*files.split(), "Dockerfile"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_bytes(ignore.encode())
    os.symlink("Dockerfile", root / "link")
    ours = sorted(entry.path for entry in load(root, root / "Dockerfile").files())
    assert sent(root, tmp_path / "out") == ours


def test_an_empty_ignore_file_beside_the_dockerfile_counts(tmp_path: Path) -> None:
    root = tmp_path / "context"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / ".dockerignore").write_text("a\n")
    (root / "Dockerfile.dockerignore").write_text("")
    (root / "a").write_text("")
    ours = sorted(entry.path for entry in load(root, root / "Dockerfile").files())
    assert "a" in ours
    assert sent(root, tmp_path / "out") == ours
