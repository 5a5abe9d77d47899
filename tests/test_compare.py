"""Two images compared: what differs, and which of it is explained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rewrite.verify.compare import Difference, compare
from rewrite.verify.image import Image, ImageConfig
from rewrite.verify.layers import FileEntry

FILE = FileEntry("file", 0o644, 0, 0, 3, sha256="1")
OTHER = replace(FILE, sha256="2")
DIRECTORY = FileEntry("directory", 0o755, 0, 0)


def image(files: dict[str, FileEntry] | None = None, **config: Any) -> Image:
    return Image(files or {}, ImageConfig(**config))


def causes(before: dict[str, FileEntry], after: dict[str, FileEntry]) -> dict[str, str | None]:
    return {difference.path: difference.cause for difference in compare(image(before), image(after)).differences}


def test_equal_images() -> None:
    files = {"/x": FILE, "/d": DIRECTORY}
    comparison = compare(image(files, env={"A": "1"}), image(dict(files), env={"A": "1"}))
    assert comparison.differences == ()
    assert comparison.equivalent


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (FILE, None, "missing"),
        (None, FILE, "extra"),
        (FILE, DIRECTORY, "type"),
        (FILE, replace(FILE, mode=0o755), "mode"),
        (FILE, replace(FILE, uid=1), "owner"),
        (FILE, replace(FILE, gid=1), "owner"),
        (FILE, OTHER, "content"),
        (replace(FILE, type="symlink", link="a"), replace(FILE, type="symlink", link="b"), "link"),
        (FILE, replace(FILE, xattrs=(("SCHILY.xattr.security.capability", "1"),)), "xattrs"),
    ],
)
def test_each_kind_of_difference(before: FileEntry | None, after: FileEntry | None, what: str) -> None:
    comparison = compare(image({"/x": before} if before else {}), image({"/x": after} if after else {}))
    assert [(difference.path, difference.what) for difference in comparison.differences] == [("/x", what)]
    assert not comparison.equivalent


def test_mode_and_owner_are_two_differences() -> None:
    comparison = compare(image({"/x": FILE}), image({"/x": replace(FILE, mode=0o600, uid=5)}))
    assert [str(difference) for difference in comparison.differences] == [
        "/x: mode: 0644 -> 0600",
        "/x: owner: 0:0 -> 5:0",
    ]


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/var/log/apt/history.log", "log"),
        ("/root/.npm/_logs/2026-01-01-debug-0.log", "log"),
        ("/var/lib/dpkg/status-old", "package database"),
        ("/var/cache/debconf/templates.dat-old", "package database"),
        ("/var/cache/ldconfig/aux-cache", "package database"),
        ("/var/lib/apt/lists/lock", "package manager cache"),
        ("/var/cache/apt/archives/lock", "package manager cache"),
        ("/root/.cache/pip/http-v2/1", "package manager cache"),
        ("/home/node/.npm/_cacache/index-v5/1", "package manager cache"),
        ("/tmp/poetry-chef-2si5ptsw/x", "temporary file of a package manager"),
        ("/app/target/.rustc_info.json", "temporary file of a package manager"),
    ],
)
def test_explained_paths(path: str, cause: str) -> None:
    assert causes({path: FILE}, {path: OTHER}) == {path: cause}
    assert causes({path: FILE}, {}) == {path: cause}
    assert causes({}, {path: FILE}) == {path: cause}
    links = [replace(FILE, type="symlink", link=target) for target in "ab"]
    assert causes({path: links[0]}, {path: links[1]}) == {path: cause}
    assert causes({path: FILE}, {path: replace(FILE, uid=9)}) == {path: None}


@pytest.mark.parametrize(
    "path",
    [
        "/var/lib/dpkg/status",
        "/var/lib/dpkg/info/tree.list",
        "/var/lib/apt/extended_states",
        "/var/cache/debconf/config.dat",
        "/var/log",
        "/app/var/log/x",
        "/app/node_modules/x",
        "/app/target/release/app",
        "/root/.cache/other/x",
        "/root/.npmrc",
        "/go/pkg/mod/x",
        "/etc/machine-id",
    ],
)
def test_unexplained_paths(path: str) -> None:
    assert causes({path: FILE}, {path: OTHER}) == {path: None}
    assert causes({path: FILE}, {}) == {path: None}


def test_byte_code_that_differs_by_time_only() -> None:
    code = replace(FILE, timeless="t")
    path = "/x/__pycache__/y.pyc"
    assert causes({path: code}, {path: replace(code, sha256="2")}) == {path: "byte-code cache"}
    assert causes({path: code}, {path: replace(code, sha256="2", timeless="u")}) == {path: None}
    assert causes({path: FILE}, {path: OTHER}) == {path: None}
    assert causes({path: code}, {}) == {path: None}


def test_uv_notes_that_differ_by_time_only() -> None:
    notes = replace(FILE, timeless="t")
    path = "/app/.venv/lib/python3.11/site-packages/shop-1.dist-info/uv_cache.json"
    assert causes({path: notes}, {path: replace(notes, sha256="2")}) == {
        path: "the time of the sources, which uv notes"
    }
    assert causes({path: notes}, {path: replace(notes, sha256="2", timeless="u")}) == {path: None}
    assert causes({path: notes}, {}) == {path: None}


def test_directory_that_only_held_a_cache() -> None:
    cache = {"/root/.cache": DIRECTORY, "/root/.cache/pip": DIRECTORY, "/root/.cache/pip/x": FILE}
    assert set(causes(cache, {}).values()) == {"package manager cache"}
    assert set(causes({}, cache).values()) == {"package manager cache"}
    shared = {**cache, "/root/.cache/tool": DIRECTORY}
    assert causes(shared, {})["/root/.cache"] is None
    assert causes({"/root/.cache": DIRECTORY}, {}) == {"/root/.cache": None}
    hidden = "/usr/local/share/.cache"
    yarn = {hidden: DIRECTORY, f"{hidden}/yarn": DIRECTORY, f"{hidden}/yarn/v6": DIRECTORY}
    assert set(causes(yarn, {}).values()) == {"package manager cache"}
    assert causes({**yarn, f"{hidden}/x": FILE}, {})[hidden] is None


def test_files_that_dockerignore_leaves_out() -> None:
    files = {"/app/.git/HEAD": FILE, "/app/x": FILE}
    comparison = compare(image(files), image(), allowed_missing=frozenset({"/app/.git/HEAD"}))
    assert {difference.path: difference.cause for difference in comparison.differences} == {
        "/app/.git/HEAD": "left out by .dockerignore",
        "/app/x": None,
    }
    changed = compare(image({"/app/x": FILE}), image({"/app/x": OTHER}), allowed_missing=frozenset({"/app/x"}))
    assert not changed.equivalent


def test_the_rewritten_file_may_have_another_content_and_nothing_else() -> None:
    before, after = image({"/app/Dockerfile": FILE}), image({"/app/Dockerfile": OTHER})
    own = frozenset({"/app/Dockerfile"})
    assert compare(before, after, rewritten=own).equivalent
    assert not compare(before, after).equivalent
    assert not compare(before, image({"/app/Dockerfile": replace(OTHER, mode=0o600)}), rewritten=own).equivalent
    assert not compare(before, image(), rewritten=own).equivalent


def test_settings() -> None:
    comparison = compare(
        image(env={"A": "1", "B": "2"}, cmd=("a",), ports=frozenset({"80/tcp"})),
        image(env={"B": "3", "A": "1"}, cmd=None, ports=frozenset({"81/tcp", "80/tcp"})),
    )
    assert comparison.differences == (
        Difference("config.env.B", "value", "2", "3"),
        Difference("config.cmd", "value", "('a',)", ""),
        Difference("config.ports", "value", "80/tcp", "80/tcp, 81/tcp"),
    )
    assert not comparison.equivalent


def test_order_of_environment_and_labels_does_not_matter() -> None:
    assert compare(image(labels={"a": "1", "b": "2"}), image(labels={"b": "2", "a": "1"})).equivalent


def test_explained_differences_are_listed_and_equivalent() -> None:
    comparison = compare(image({"/var/log/x": FILE}), image({"/var/log/x": OTHER}))
    assert [str(difference) for difference in comparison.differences] == [
        "/var/log/x: content: 3 bytes -> 3 bytes (log)"
    ]
    assert comparison.equivalent
    assert comparison.unexplained == ()


def test_a_directory_above_a_cache_may_be_open_to_readers() -> None:
    closed = replace(DIRECTORY, mode=0o700)
    assert causes({"/root/.cache": closed}, {"/root/.cache": DIRECTORY}) == {"/root/.cache": "package manager cache"}
    assert causes({"/root/.cache": closed}, {"/root/.cache": replace(DIRECTORY, mode=0o777)}) == {"/root/.cache": None}
    assert causes({"/root/.ssh": closed}, {"/root/.ssh": DIRECTORY}) == {"/root/.ssh": None}
