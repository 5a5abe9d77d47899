"""COPY --parents, by a builder whose own frontend knows it: what it brings where, and in place of a COPY for each file.

The engine's own frontend need not know the flag, and the lab cannot fetch the one that ``# syntax`` asks for.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small import built, compared

from rewrite.build.build import Build
from rewrite.build.context import Context, DirectoryTree
from rewrite.source import dockerfile
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

GOLDEN = Path(__file__).parent.parent.parent / "golden/manifests-first"
SOURCES = [
    "src/b/c.py conf",
    "src/b",
    "./src/b/ /conf",
    "src/./b/c.py",
    "./src/./a.py",
    "./././src/a.py",
    "s*/./a.py",
    "src/*.py",
    "src/*",
    "**/c.py",
    "src/*.none conf",
]


def stage(text: str) -> str:
    """Return a golden case's Dockerfile on the small system, with a list of the files in place of the install."""
    text = text.partition("FROM node:20-slim\n")[2]
    return "FROM system\n" + text.replace(
        "RUN npm ci", "RUN find . -type f | sort >/found; find . -type d | sort >/made"
    )


def golden(case: str) -> str:
    return stage((GOLDEN / case / "out/Dockerfile").read_text())


@pytest.fixture
def project(context: Path) -> Path:
    shutil.copytree(GOLDEN / "parents-workspaces/in", context, dirs_exist_ok=True)
    return context


def test_it_stands_for_a_copy_of_each_directory(merging: Docker, project: Path) -> None:
    (project / "packages").chmod(0o700)
    (project / "packages/core").chmod(0o775)
    before, after = golden("parents-not-in-the-frontend"), golden("parents-workspaces")
    assert "--parents" in after
    assert "--parents" not in before
    assert compared(merging, project, before, after).differences == ()
    # By hand, it does not name what else lies in the context.
    differences = compared(merging, project, after, golden("parents-by-hand")).differences
    assert {(one.path, one.what) for one in differences} == {
        ("/app/Dockerfile", "missing"),
        ("/app/busybox", "missing"),
    }


def test_only_a_manifest_runs_the_install_again(merging: Docker, project: Path) -> None:
    after = golden("parents-workspaces")
    built(merging, project, after)
    for path, installs in (("apps/web/server.js", False), ("packages/util/package.json", True)):
        (project / path).write_text((project / path).read_text() + "\n")
        run, _ = built(merging, project, after)
        assert any("RUN find" in step for step in run.ran) == installs


@pytest.mark.parametrize("sources", SOURCES)
def test_where_it_brings_what(merging: Docker, context: Path, sources: str) -> None:
    for path in ("src/a.py", "src/b/c.py", "conf"):
        (context / path).parent.mkdir(parents=True, exist_ok=True)
        (context / path).write_text(path)
    text = f"FROM system\nCOPY --parents {sources} /x/\n"
    found = Build("Dockerfile", dockerfile.parse(text), Context(DirectoryTree(context), None, "", ""))
    copy = found.copy(found.stages[0].instructions[0])
    assert copy
    assert not copy.opaque
    _, image = built(merging, context, text)
    files = [path for path, entry in image.files.items() if path.startswith("/x/") and entry.type == "file"]
    assert files
    entries = found.context.files()
    brought = {path for path in files if copy.context_path(path) in {entry.path for entry in entries}}
    assert brought == set(files)
    told = {entry.path for mapping in copy.mappings for entry in found.context.files(mapping.source)}
    assert {copy.context_path(path) for path in files} == told
