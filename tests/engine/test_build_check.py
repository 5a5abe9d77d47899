"""The builder's own linter (``docker build --check``): it warns of nothing new in what dockerfix writes.

The built-in frontend checks all Dockerfiles of golden/. What names an image to be pulled is replaced first: a
``# syntax`` line is left out, and every image that is built on or copied from by one that is there, for its platform.
What needs a newer frontend than the engine's is asked of a builder of its own, which has no image.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rewrite.build.stages import stages
from rewrite.source import edits
from rewrite.source.dockerfile import parse
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

GOLDEN = Path(__file__).parent.parent.parent / "golden"
CHANGED = sorted(
    path
    for path in GOLDEN.glob("*/*/out/**/*")
    if path.is_file() and "dockerfile" in path.name.lower() and path.suffix != ".dockerignore"
)
BASE = "debian:bookworm-slim"
PLATFORM = "linux/amd64"


def name_of(changed: Path) -> str:
    """Return REWRITE/CASE."""
    return "/".join(changed.relative_to(GOLDEN).parts[:2])


def without_pulls(text: str, base: str) -> str:
    """Return a Dockerfile that names no image but `base`, and no platform but `PLATFORM`."""
    tree = parse(text)
    spans = {directive.span: "" for directive in tree.directives if directive.name == "syntax"}
    found = stages(tree)
    for stage in found:
        image = stage.from_.words[0]
        if stage.parent is None and image.text != "scratch":
            spans[image.span] = base
        for flag in (flag for flag in stage.from_.flags if flag.name == "platform" and "$" not in (flag.value or "")):
            spans[flag.span] = f"--platform={PLATFORM}"
        for flag in (flag for line in stage.instructions for flag in line.flags if flag.name == "from"):
            if not any(other.called(flag.value or "") for other in found):
                spans[flag.span] = f"--from={base}"
    return edits.apply(text, [edits.Edit("", span, replacement) for span, replacement in spans.items()])


def check(engine: Docker, project: Path, dockerfile: Path) -> set[str]:
    """Return the rules of which the builder warns."""
    text = dockerfile.read_bytes().decode("utf-8", "surrogateescape")
    base = "scratch" if engine.builder else BASE
    dockerfile.write_bytes(without_pulls(text, base).encode("utf-8", "surrogateescape"))
    command = [engine.client, "buildx", "build", "--call=check,format=json", f"--file={dockerfile}", str(project)]
    command += [f"--builder={engine.builder}"] if engine.builder else []
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith("{"), done.stderr
    report = json.loads(done.stdout)
    assert "buildError" not in report, report["buildError"]
    return {warning["ruleName"] for warning in report["warnings"] or ()}


@pytest.mark.parametrize("changed", CHANGED, ids=name_of)
def test_the_builder_warns_of_nothing_new(
    engine: Docker, need_images: Callable[..., None], request: pytest.FixtureRequest, tmp_path: Path, changed: Path
) -> None:
    need_images(BASE)
    if b" --parents" in changed.read_bytes():
        engine = request.getfixturevalue("merging")
    case = GOLDEN / name_of(changed)
    project = tmp_path / "project"
    shutil.copytree(case / "in", project, symlinks=True)
    dockerfile = project / changed.relative_to(case / "out")
    before = check(engine, project, dockerfile)
    shutil.copytree(case / "out", project, symlinks=True, dirs_exist_ok=True)
    assert check(engine, project, dockerfile) <= before
