"""Copies of a project: complete, apart from what the builder is never sent, and put back after an edit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rewrite.errors import UsageError
from rewrite.model import Change
from rewrite.source import ignorefile
from rewrite.verify.copies import Project, copied, restored


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "run").write_text("#!/bin/sh\n")
    (root / "bin" / "run").chmod(0o751)
    os.utime(root / "bin" / "run", (1, 2))
    (root / "bin").chmod(0o555)
    (root / "link").symlink_to("bin/run")
    (root / "gone").symlink_to("nowhere")
    (root / "node_modules").mkdir()
    (root / "node_modules" / "a.js").write_text("1")
    (root / "Dockerfile").write_text("FROM a\n")
    os.mkfifo(root / "pipe")
    return root


def test_a_copy_keeps_modes_times_and_links(root: Path) -> None:
    with copied(Project(root, root / "Dockerfile")) as copy:
        assert copy.context.name == "shop"
        assert copy.dockerfile == copy.context / "Dockerfile"
        status = (copy.context / "bin" / "run").stat()
        assert (status.st_mode & 0o777, status.st_mtime) == (0o751, 2)
        assert (copy.context / "bin").stat().st_mode & 0o777 == 0o555
        assert (os.readlink(copy.context / "link"), os.readlink(copy.context / "gone")) == ("bin/run", "nowhere")
        assert not (copy.context / "pipe").exists()
        assert (copy.context / "node_modules" / "a.js").exists()
    assert not copy.context.exists()


def test_what_the_builder_is_never_sent_is_not_copied_but_for_its_own_files(root: Path) -> None:
    ignore = ignorefile.parse("node_modules\ndocker\nDockerfile\n", ".dockerignore")
    (root / "docker").mkdir()
    (root / "docker" / "web.Dockerfile").write_text("FROM b\n")
    (root / "docker" / "web.Dockerfile.dockerignore").write_text("x\n")
    (root / "docker" / "more").write_text("")
    with copied(Project(root, root / "docker" / "web.Dockerfile", ignore.prunes)) as copy:
        assert not (copy.context / "node_modules" / "a.js").exists()
        assert sorted(path.name for path in (copy.context / "docker").iterdir()) == [
            "web.Dockerfile",
            "web.Dockerfile.dockerignore",
        ]


def test_a_dockerfile_outside_of_its_context_and_the_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "bin")
    changes = [Change("../Dockerfile", "FROM a\n", "FROM b\n# \udcff\n"), Change("new/.dockerignore", None, "x\n")]
    with copied(Project(root / "bin", root / "Dockerfile"), changes) as copy:
        assert copy.context not in copy.dockerfile.parents
        assert copy.dockerfile.read_bytes() == b"FROM b\n# \xff\n"
        assert (copy.context / "new" / ".dockerignore").read_text() == "x\n"
    assert (root / "Dockerfile").read_text() == "FROM a\n"
    assert not (root / "bin" / "new").exists()


def test_a_file_that_cannot_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(source))

    monkeypatch.setattr("shutil.copy2", refuse)
    with (
        pytest.raises(UsageError, match=r"Dockerfile: cannot be copied: Permission denied"),
        copied(Project(root, root / "Dockerfile")),
    ):
        pass


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_an_edit_is_put_back(root: Path, error: type[BaseException] | None) -> None:
    os.utime(root / "Dockerfile", (1, 2))
    try:
        with restored(root, ("Dockerfile", "node_modules", "new")):
            (root / "Dockerfile").write_text("changed")
            (root / "node_modules" / "b.js").write_text("2")
            (root / "new").write_text("3")
            if error:
                raise error
    except KeyboardInterrupt:
        assert error is KeyboardInterrupt
    assert (root / "Dockerfile").read_text() == "FROM a\n"
    assert (root / "Dockerfile").stat().st_mtime == 2
    assert [path.name for path in (root / "node_modules").iterdir()] == ["a.js"]
    assert not (root / "new").exists()
