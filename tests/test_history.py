"""How often files change, read from a real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rewrite.build.history import History, read_history


def git(directory: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", "-C", str(directory), *settings, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "all"
    (root / "app" / "sub").mkdir(parents=True)
    git(root, "init", "--initial-branch=main")
    for number in range(3):
        (root / "app" / "sub" / "caf\u00e9 1.txt").write_text(str(number))
        (root / "elsewhere").write_text(str(number // 2))
        git(root, "add", ".")
        git(root, "commit", "-m", "x")
    (root / "app" / "new").touch()
    return root


def test_what_commits_touch_below_a_directory(repository: Path) -> None:
    history = read_history(repository / "app")
    assert history.commits == (frozenset({"sub/caf\u00e9 1.txt"}),) * 3
    assert history.tracked == {"sub/caf\u00e9 1.txt"}
    assert (history.changes(["sub"]), history.changes(["."]), history.changes(["sub/caf", "new"])) == (3, 3, 0)
    assert not history.cut
    assert not history.tells
    assert read_history(repository).changes(["elsewhere"]) == 2


def test_a_shallow_clone_does_not_tell(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--depth=1", repository.as_uri(), "shallow")
    assert read_history(tmp_path / "shallow").cut


def test_without_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_history(tmp_path / "absent") == History()
    monkeypatch.setenv("PATH", "")
    assert read_history(tmp_path) == History()


def test_no_program_of_the_repository_runs(repository: Path) -> None:
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "gpg.program", "false")
    git(repository, "config", "core.fsmonitor", "touch ran; false")
    assert len(read_history(repository).commits) == 3
    assert not (repository / "ran").exists()
