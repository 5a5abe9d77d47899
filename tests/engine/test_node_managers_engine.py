"""Workspaces with a patched dependency, built with yarn, pnpm and bun before and after: the same image, one install.

The cases are golden ones with real lockfiles; all safe and reviewed rewrites of their Dockerfiles are applied.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from rewrite.fix import Request, fix_files
from rewrite.model import Result
from rewrite.settings import Settings
from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import Image, saved_images

GOLDEN = Path(__file__).parents[2] / "golden" / "manifests-first"
# The install command of each case, and a manifest that only its workspace or its patch makes part of the install.
CASES = {
    "yarn-patched": ("yarn install", "packages/core/package.json"),
    "berry-patched": ("yarn install", "packages/cli/package.json"),
    "pnpm-patched": ("pnpm install", "pnpm-workspace.yaml"),
    "bun-patched": ("bun install", "packages/cli/package.json"),
}
# pnpm writes down when it installed; two builds of the same project differ there.
TIMES = frozenset({"/app/node_modules/.modules.yaml", "/app/node_modules/.pnpm-workspace-state.json"})
# What bun leaves behind where its cache lies in a mount: the reason why that is for review.
LEFT_BY_BUN = re.compile(r"/tmp/\.[0-9a-f]{16}-[0-9a-f]{8}\.hm")
pytestmark = pytest.mark.engine


@dataclass(frozen=True, slots=True)
class Version:
    """A project before or after: its image, its first build, those after an edit of a source and of a manifest."""

    image: Image
    first: BuildRun
    source: BuildRun
    manifest: BuildRun


@pytest.fixture(scope="module")
def versions(
    engine: Docker, need_images: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[tuple[str, str], Version]]:
    """Build every case in both versions; the images are saved together, as they share their base."""
    need_images("node:20-slim")
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    builds: dict[tuple[str, str], tuple[str, BuildRun, BuildRun, BuildRun]] = {}
    try:
        for case in CASES:
            for version in ("before", "after"):
                tag = f"{series}:{case}-{version}"
                root = tmp_path_factory.mktemp("build") / "project"
                shutil.copytree(GOLDEN / case / "in", root)
                # The rewrites change these two themselves.
                (root / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
                if version == "after":
                    fix(root)
                builds[case, version] = (tag, *three_builds(engine, root, series, tag, CASES[case][1]))
        images = saved_images(engine, [tag for tag, *_ in builds.values()])
        yield {key: Version(images[tag], *runs) for key, (tag, *runs) in builds.items()}
    finally:
        for tag, *_ in builds.values():
            engine.remove_image(tag)


def fix(root: Path) -> None:
    """Apply what can be applied to where the install gets its files, and where it keeps its downloads."""
    settings = Settings(select=("manifests-first", "cache-mounts"), review=True)
    with contextlib.chdir(root):
        (result,) = fix_files([Request(Path("Dockerfile"), None, "Dockerfile")], lambda path: settings)
    assert isinstance(result, Result)
    assert {proposal.rewrite for proposal in result.applied} == {"manifests-first", "cache-mounts"}, result
    for change in result.changes:
        (root / change.path).write_text(change.after)


def three_builds(
    engine: Docker, root: Path, series: str, tag: str, manifest: str
) -> tuple[BuildRun, BuildRun, BuildRun]:
    """Build with cache keys that no earlier series has, then again after an edit of a source, and of a manifest."""
    options = BuildOptions(mark=series)
    runs = [engine.build(root, root / "Dockerfile", options, tag=tag)]
    for path in (root / "src" / "index.js", root / manifest):
        path.write_text(path.read_text() + "\n")
        runs.append(engine.build(root, root / "Dockerfile", options, tag=""))
    for run in runs:
        assert run.ok, run.log[-3000:]
    return runs[0], runs[1], runs[2]


@pytest.mark.parametrize("case", CASES)
def test_the_images_are_the_same(versions: Mapping[tuple[str, str], Version], case: str) -> None:
    comparison = compare(versions[case, "before"].image, versions[case, "after"].image)
    differing = [
        item
        for item in comparison.unexplained
        if (item.path not in TIMES or item.what != "content") and not LEFT_BY_BUN.fullmatch(item.path)
    ]
    assert not differing, [str(item) for item in differing]


def test_patches_are_applied_and_members_installed(versions: Mapping[tuple[str, str], Version]) -> None:
    """What a build with too few manifests leaves out in silence is there: it is the same before."""
    for case in CASES:
        files = versions[case, "after"].image.files
        assert "/app/node_modules/ms" in files
        assert "/app/packages/core/node_modules/ms" in files, case


@pytest.mark.parametrize("case", CASES)
def test_only_an_edit_of_a_manifest_installs(versions: Mapping[tuple[str, str], Version], case: str) -> None:
    command = CASES[case][0]
    counted = [
        [sum(command in step for step in run.ran) for run in (version.first, version.source, version.manifest)]
        for version in (versions[case, "before"], versions[case, "after"])
    ]
    assert counted == [[1, 1, 1], [1, 0, 1]]
