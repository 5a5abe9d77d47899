"""The writer: old file or new file, never half of one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rewrite import writer
from rewrite.errors import UsageError
from rewrite.model import Change


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"FROM a\r\nRUN b\r\n", b"FROM a\r\nRUN c\r\n"),
        (b"\xef\xbb\xbfFROM a", b"\xef\xbb\xbfFROM b"),
        (b"# \xff\xe9\nFROM a\n", b"# \xff\xe9\nFROM b\n"),
        ("# ü\u2028\nFROM a".encode(), "# ü\u2028\nFROM b".encode()),
    ],
)
def test_bytes_are_exact(project: Path, before: bytes, after: bytes) -> None:
    (project / "Dockerfile").write_bytes(before)
    writer.write(
        [Change("Dockerfile", before.decode("utf-8", "surrogateescape"), after.decode("utf-8", "surrogateescape"))]
    )
    assert (project / "Dockerfile").read_bytes() == after
    assert names(project) == ["Dockerfile"]


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_mode_is_kept(project: Path, mode: int) -> None:
    file = project / "Dockerfile"
    file.write_text("FROM a\n")
    file.chmod(mode)
    writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n")])
    assert stat.S_IMODE(file.stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_owner_is_kept(project: Path) -> None:
    file = project / "Dockerfile"
    file.write_text("FROM a\n")
    os.chown(file, 1234, 4321)
    writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n")])
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 4321)


def test_a_new_file_has_the_mode_that_others_have(project: Path) -> None:
    (project / "other").write_text("")
    writer.write([Change(".dockerignore", None, ".git\n")])
    assert (project / ".dockerignore").stat().st_mode == (project / "other").stat().st_mode


def test_a_crash_before_the_rename_leaves_the_old_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "Dockerfile").write_text("FROM a\n")
    seen = []

    def crash(source: Path, target: Path) -> None:
        seen.append((Path(source).read_text(), Path(source).parent, Path(target).read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n")])
    assert seen == [("FROM b\n", project, "FROM a\n")]
    assert (project / "Dockerfile").read_text() == "FROM a\n"
    assert names(project) == ["Dockerfile"]


def test_the_ignore_file_is_written_first(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "Dockerfile").write_text("FROM a\n")
    order = []
    replace = os.replace

    def note(source: Path, target: Path) -> None:
        order.append(target.name)
        replace(source, target)

    monkeypatch.setattr(os, "replace", note)
    writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n"), Change("Dockerfile.dockerignore", None, ".git\n")])
    assert order == ["Dockerfile.dockerignore", "Dockerfile"]


def test_a_link_stays_a_link(project: Path) -> None:
    (project / "real").mkdir()
    (project / "real/Dockerfile").write_text("FROM a\n")
    (project / "Dockerfile").symlink_to("real/Dockerfile")
    writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n")])
    assert (project / "Dockerfile").is_symlink()
    assert (project / "real/Dockerfile").read_text() == "FROM b\n"


def test_what_somebody_else_changed_is_not_overwritten(project: Path) -> None:
    (project / "Dockerfile").write_text("FROM other\n")
    with pytest.raises(UsageError, match=r"^Dockerfile: was changed while dockerfix ran"):
        writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n"), Change(".dockerignore", None, ".git\n")])
    assert names(project) == ["Dockerfile"]
    assert (project / "Dockerfile").read_text() == "FROM other\n"


def test_two_dockerfiles_may_write_the_same_ignore_file(project: Path) -> None:
    for _ in range(2):
        writer.write([Change(".dockerignore", None, ".git\n")])
    assert (project / ".dockerignore").read_text() == ".git\n"


def test_what_the_system_refuses_is_an_error_with_the_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "Dockerfile").write_text("FROM a\n")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", "Dockerfile.tmp")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UsageError, match=r"^Dockerfile: cannot be written: Permission denied$"):
        writer.write([Change("Dockerfile", "FROM a\n", "FROM b\n")])
    assert (project / "Dockerfile").read_text() == "FROM a\n"


def test_a_directory_in_the_way_is_an_error_with_the_path(project: Path) -> None:
    (project / ".dockerignore").mkdir()
    with pytest.raises(UsageError, match=r"^\.dockerignore: cannot be written: Is a directory$"):
        writer.write([Change(".dockerignore", None, ".git\n")])
