"""npm projects, built before and after manifests-first: the same image, and no `npm ci` after an edit."""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rewrite.fix import Request, fix_files
from rewrite.model import Result, Tier
from rewrite.settings import Settings
from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import Image, saved_images

GOLDEN = Path(__file__).parents[2] / "golden" / "manifests-first"
pytestmark = pytest.mark.engine


@dataclass(frozen=True, slots=True)
class Project:
    """A golden case, the source file that is edited, and what makes the project nastier than git can hold it."""

    case: str
    source: str
    prepare: Callable[[Path], None]


def nothing(root: Path) -> None:
    """Leave the case as it is."""


def odd_modes(root: Path) -> None:
    """Give a member an executable, a prepare script and modes that no COPY makes by itself."""
    core = root / "packages" / "core"
    (core / "bin").mkdir()
    (core / "bin" / "core.js").write_text("#!/usr/bin/env node\n")
    (core / "bin" / "core.js").chmod(0o755)
    package = json.loads((core / "package.json").read_text())
    package |= {
        "bin": {"core": "bin/core.js", "unbuilt": "dist/x.js"},
        "scripts": {"prepare": "npm run -s hello", "hello": "echo hello"},
    }
    (core / "package.json").write_text(json.dumps(package))
    lock = json.loads((root / "package-lock.json").read_text())
    lock["packages"]["packages/core"]["bin"] = package["bin"]
    (root / "package-lock.json").write_text(json.dumps(lock))
    core.chmod(0o775)
    (root / "packages" / "util").chmod(0o700)
    (root / "packages" / "util" / "package.json").chmod(0o664)


def hooks(root: Path) -> None:
    """Set git hooks in a project whose .git stays outside."""
    lock = json.loads((root / "package-lock.json").read_text())
    husky = {"husky": "9.1.7"}
    lock["packages"][""]["devDependencies"] = husky
    lock["packages"]["node_modules/husky"] = {"version": "9.1.7", "dev": True, "bin": {"husky": "bin.js"}}
    (root / "package-lock.json").write_text(json.dumps(lock))
    package = json.loads((root / "package.json").read_text())
    (root / "package.json").write_text(
        json.dumps({**package, "devDependencies": husky, "scripts": {"prepare": "husky"}})
    )
    (root / ".git").mkdir()
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")


PROJECTS = {
    "plain": Project("node-ci", "server.js", nothing),
    "workspaces": Project("node-workspaces", "packages/core/index.js", odd_modes),
    "user": Project("node-user", "server.js", nothing),
    "local": Project("node-file-dependency", "server.js", nothing),
    "hooks": Project("node-ci", "server.js", hooks),
}


@dataclass(frozen=True, slots=True)
class Version:
    """A project before or after the rewrite: its image, its first build, and the one that followed an edit."""

    image: Image
    first: BuildRun
    edited: BuildRun


@pytest.fixture(scope="module")
def versions(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[str, str], Version]]:
    """Build every project in both versions; the images are saved together, as they share their base."""
    need_images("node:20-slim", "node:22-bookworm-slim")
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    builds: dict[tuple[str, str], tuple[str, BuildRun, BuildRun]] = {}
    try:
        for name, project in PROJECTS.items():
            for version, change in (("before", nothing), ("after", fix)):
                root = tmp_path_factory.mktemp("build") / "project"
                shutil.copytree(GOLDEN / project.case / "in", root)
                # The rewrite changes these two themselves.
                (root / ".dockerignore").write_text("Dockerfile\n.dockerignore\n.git\n")
                project.prepare(root)
                change(root)
                tag = f"{series}:{name}-{version}"
                first = build(engine, root, series, tag)
                (root / project.source).write_text("// edited\n")
                builds[name, version] = (tag, first, build(engine, root, series, ""))
        images = saved_images(engine, [tag for tag, *_ in builds.values()])
        yield {key: Version(images[tag], *runs) for key, (tag, *runs) in builds.items()}
    finally:
        for tag in [tag for tag, *_ in builds.values()]:
            engine.remove_image(tag)


def fix(root: Path) -> None:
    """Apply manifests-first, which must be sure of itself."""
    with contextlib.chdir(root):
        requests = [Request(Path("Dockerfile"), None, "Dockerfile")]
        (result,) = fix_files(requests, lambda path: Settings(select=("manifests-first",)))
    assert isinstance(result, Result)
    assert [proposal.tier for proposal in result.applied] == [Tier.SAFE], result
    for change in result.changes:
        (root / change.path).write_text(change.after)


def build(engine: Docker, root: Path, series: str, tag: str) -> BuildRun:
    """Build with cache keys that no earlier series has."""
    run = engine.build(root, root / "Dockerfile", BuildOptions(mark=series), tag=tag)
    assert run.ok, run.log
    return run


def installs(run: BuildRun) -> int:
    """Return how many `npm ci` steps were executed."""
    return sum("npm ci" in step for step in run.ran)


@pytest.mark.parametrize("name", PROJECTS)
def test_the_images_are_the_same(versions: Mapping[tuple[str, str], Version], name: str) -> None:
    comparison = compare(versions[name, "before"].image, versions[name, "after"].image)
    assert comparison.equivalent, [str(difference) for difference in comparison.unexplained]


@pytest.mark.parametrize("name", PROJECTS)
def test_an_edit_runs_no_install(versions: Mapping[tuple[str, str], Version], name: str) -> None:
    before, after = versions[name, "before"], versions[name, "after"]
    counted = [installs(run) for run in (before.first, before.edited, after.first, after.edited)]
    assert counted == [1, 1, 1, 0]


def test_members_are_installed(versions: Mapping[tuple[str, str], Version]) -> None:
    files = versions["workspaces", "after"].image.files
    assert files["/app/node_modules/@mono/core"].link == "../../packages/core"
    assert files["/app/node_modules/.bin/core"].link == "../@mono/core/bin/core.js"
    assert files["/app/packages/util"].mode == 0o700
