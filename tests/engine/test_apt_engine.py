"""Real builds of RUNs that install with apt: the same image before and after, and packages that outlive an edit.

The rewritten text names an official image. What is built names one made from it without packages and lists left over,
as official images come.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rewrite.fix import Request, fix_files
from rewrite.model import Result
from rewrite.settings import Settings
from rewrite.verify.compare import CACHE, DATABASE, LOG, compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import saved_images

pytestmark = pytest.mark.engine

OFFICIAL = "debian:bookworm-slim"
CLEAN = f"FROM {OFFICIAL}\nRUN rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*\n"
# What apt and dpkg write to, in an image of its own, as saving all of the base takes long.
WRITTEN = "FROM scratch\nCOPY --from=0 /etc /etc\nCOPY --from=0 /var /var\nCOPY --from=0 /usr/bin /usr/bin\n"

SEPARATE = f"""FROM {OFFICIAL}
RUN apt-get update
RUN apt-get install -y --no-install-recommends \\
        # shows the tree of a directory
        tree \\
    # the lists are of no use later
    && rm -rf /var/lib/apt/lists/* /tmp/*
"""
LISTS_STAY = f"""FROM {OFFICIAL}
RUN set -eux; \\
    apt-get update; \\
    apt-get install -y --no-install-recommends tree; \\
    tree --version
RUN apt-get install -y --no-install-recommends tree
RUN sh -c 'apt-get install -y --no-install-recommends hello'
"""
NOT_ABORTING = f"""FROM {OFFICIAL}
RUN apt-get update; apt-get install -y tree; rm -rf /var/lib/apt/lists/*
"""
WITH_APT = f"""FROM {OFFICIAL}
RUN apt update && apt install -y --no-install-recommends tree && rm -rf /var/lib/apt/lists/*
"""
FETCHED = re.compile(r"Need to get ([\d.,]+ k?B)(/[\d.,]+ k?B)? of archives")


@pytest.fixture
def series(engine: Docker, need_images: Callable[..., None], tmp_path: Path) -> Iterator[str]:
    """A name for images of one test, with the clean base at ``:base``; all of them are removed in the end."""
    need_images(OFFICIAL)
    name = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    assert engine.build(tmp_path, CLEAN, tag=f"{name}:base").ok
    yield name
    for tag in ("base", "before", "after"):
        if engine.has_image(f"{name}:{tag}"):
            engine.call("image", "rm", "--force", f"{name}:{tag}")


def rewritten(text: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what all rewrites together make of a Dockerfile."""
    monkeypatch.chdir(project)
    (result,) = fix_files([Request(Path("Dockerfile"), text, "Dockerfile")], lambda path: Settings())
    assert isinstance(result, Result)
    assert not result.defects
    return next(change.after for change in result.changes if change.path == "Dockerfile")


def built(engine: Docker, project: Path, text: str, series: str, tag: str = "") -> BuildRun:
    """Build on the clean base, with cache mounts and RUN steps of the series' own."""
    run = engine.build(
        project,
        text.replace(OFFICIAL, f"{series}:base"),
        BuildOptions(cache_mounts=series, mark=series),
        tag=tag,
    )
    assert run.ok, run.log
    return run


@pytest.mark.parametrize("text", [SEPARATE, LISTS_STAY, NOT_ABORTING, WITH_APT])
def test_same_image(engine: Docker, series: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    after = rewritten(text, tmp_path, monkeypatch)
    assert "--mount=type=cache" in after
    tags = f"{series}:before", f"{series}:after"
    for tag, source in zip(tags, (text, after), strict=True):
        built(engine, tmp_path, source + WRITTEN, series, tag)
    before, other = saved_images(engine, tags).values()
    comparison = compare(before, other)
    assert comparison.equivalent, comparison.unexplained
    assert {difference.cause for difference in comparison.differences} <= {LOG, DATABASE, CACHE}
    assert "/usr/bin/tree" in other.files
    assert not [path for path in other.files if path.startswith("/var/cache/apt-debs")]
    lists = [[path for path in image.files if path.startswith("/var/lib/apt/lists/")] for image in (before, other)]
    assert bool(lists[0]) == bool(lists[1])


@pytest.mark.parametrize("text", [SEPARATE, WITH_APT])
def test_packages_outlive_an_edit(
    engine: Docker, series: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def downloads(source: str) -> list[str]:
        first, second = source, source.replace("tree", "tree hello").replace("the tree hello of", "the tree of")
        logs = [built(engine, tmp_path, one, series).log for one in (first, second)]
        return ["cached" if match and match[2] else "new" for match in map(FETCHED.search, logs)]

    assert downloads(text) == ["new", "new"]
    assert downloads(rewritten(text, tmp_path, monkeypatch)) == ["new", "cached"]
