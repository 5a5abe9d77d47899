"""How often files change, read from a real repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rewrite.build.history import History, Revisions, read_history, read_revisions


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


def test_what_a_dockerfile_has_set(tmp_path: Path) -> None:
    """Values alone count; a revision in which the line or the file is missing tells nothing."""
    git(tmp_path, "init", "--initial-branch=main")
    path = tmp_path / "pro ducts" / ":(icase)Dockerfile"
    path.parent.mkdir()
    for text in (
        "FROM a\nENV A=1 B=1\nARG A\n",
        "FROM a\nENV A=2\nARG A\n",
        None,
        "FROM a\nENV A 3\nENV B=2\nARG A\n",
        "FROM a\nRUN b\nENV A=3\nENV B=2\nARG A=1\n",
        "FROM a\nRUN b\n",
    ):
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        git(tmp_path, "add", "--all")
        git(tmp_path, "commit", "-m", "x")
    found = read_revisions(path)
    assert len(found.values) == 5
    asked = (("ENV", "A"), ("ENV", "B"), ("ARG", "A"), ("ARG", "B"))
    assert [found.changes(*one) for one in asked] == [2, 0, 1, 0]


def test_a_branch_counts_once(tmp_path: Path) -> None:
    git(tmp_path, "init", "--initial-branch=main")
    path = tmp_path / "Dockerfile"

    def commit(version: str) -> None:
        path.write_text(f"FROM a\nENV V={version}\n")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-m", "x")

    commit("1")
    git(tmp_path, "switch", "-c", "next")
    commit("2")
    commit("3")
    git(tmp_path, "switch", "main")
    git(tmp_path, "merge", "--no-ff", "-m", "x", "next")
    assert read_revisions(path).changes("ENV", "V") == 1


@pytest.mark.parametrize("name", ["Dockerfile", "absent/Dockerfile", "a\nb"])
def test_a_dockerfile_that_git_does_not_know(tmp_path: Path, name: str) -> None:
    assert read_revisions(tmp_path / name) == Revisions()
    git(tmp_path, "init", "--initial-branch=main")
    assert read_revisions(tmp_path / name) == Revisions()
