"""Which edits are measured: chosen from the project, or left out with a reason."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from building import build

from rewrite.verify import edits
from rewrite.verify.edits import Edit, choose, comment, replacing
from rewrite.verify.engine import BuildOptions

TEXT = "FROM python:3.12-slim AS base\nARG GIT_SHA\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
FILES = {
    "requirements.txt": "-r more/deps.txt\n",
    "more/deps.txt": "flask\n",
    "app/core.py": "x = 1\n" * 10,
    "app/small.py": "x = 1\n",
    "tests/test_core.py": "x = 1\n" * 99,
    "setup.py": "x = 1\n" * 99,
    "web/one.js": "1;\n" * 99,
    "web/one.min.js": "1;\n" * 999,
    "docs/README.md": "",
    "README.rst": "",
    ".git/HEAD": "ref: refs/heads/main\n",
}


def chosen(
    text: str = TEXT, files: dict[str, str] = FILES, ignore: str | None = None, **options: object
) -> dict[str, Edit]:
    return {edit.name: edit for edit in choose(build(text, files, ignore), **options)}  # type: ignore[arg-type]


def test_every_scenario_is_there_in_order() -> None:
    found = choose(build(TEXT, FILES))
    assert tuple(edit.name for edit in found) == edits.NAMES
    assert not [edit.name for edit in found if edit.skipped]


def test_the_largest_source_of_the_commonest_language() -> None:
    found = chosen()[edits.SOURCE]
    assert (found.title, found.touches) == ("a comment in app/core.py", ("app/core.py",))
    assert chosen()[edits.IMPORTED].touches == found.touches


def test_the_package_of_a_java_program_is_no_directory_of_examples() -> None:
    text = "FROM maven:3.9\nCOPY . .\nRUN mvn package\n"
    path = "src/main/java/com/example/App.java"
    files = {"pom.xml": "", path: "class App {}", "examples/Big.java": "class Big {}" * 9}
    assert chosen(text, files)[edits.SOURCE].touches == (path,)


def test_the_manifest_that_the_install_reads() -> None:
    assert chosen()[edits.MANIFEST].touches == ("requirements.txt",)
    other = TEXT.replace("requirements.txt", "more/deps.txt")
    assert chosen(other)[edits.MANIFEST].touches == ("more/deps.txt",)


def test_a_workspace_edits_the_manifest_that_npm_reads() -> None:
    text = "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
    lock = json.dumps({"lockfileVersion": 3, "packages": {"": {}}})
    found = chosen(text, {"package.json": "{}", "package-lock.json": lock, "index.js": "1"})[edits.MANIFEST]
    assert (found.title, found.touches) == ("blanks behind package.json", ("package.json",))


def test_the_readme_nearest_to_the_root() -> None:
    assert chosen()[edits.README].touches == ("README.rst",)


def test_the_volatile_argument() -> None:
    found = chosen()[edits.ARGUMENT]
    assert found.title == "another GIT_SHA"
    options = found.options(BuildOptions(build_args={"A": "1"}), "cafe")
    assert dict(options.build_args) == {"A": "1", "GIT_SHA": "cafe"}


def test_all_base_images_but_no_stages() -> None:
    text = "FROM a:1 AS one\nFROM one AS two\nFROM scratch\nFROM b:2\nFROM a:1\n"
    assert chosen(text)[edits.BASE].bases == ("a:1", "b:2")
    assert chosen("ARG V=3\nFROM a:$V\n")[edits.BASE].bases == ("a:3",)


@pytest.mark.parametrize(
    ("name", "text", "ignore", "given", "reason"),
    [
        (edits.SOURCE, TEXT, "**/*.py\nweb", (), "no source file is copied"),
        (edits.SOURCE, TEXT.replace("COPY . .", "COPY requirements.txt ."), None, (), "no source file is copied"),
        (edits.IMPORTED, TEXT, "**/*.py\nweb", (), "no source file is copied"),
        (edits.MANIFEST, TEXT.replace("RUN pip", "RUN ./setup"), None, (), "no install that dockerfix knows"),
        (edits.README, TEXT, "**/README*", (), "no README is copied"),
        (edits.COMMIT, TEXT, ".git", (), "no .git is copied"),
        (edits.ARGUMENT, TEXT.replace("ARG GIT_SHA\n", "ARG VERSION=1\n"), None, (), "no ARG takes"),
        (edits.BASE, "FROM scratch\n", None, (), "no base image"),
        (edits.BASE, "ARG V\nFROM a:$V\n", None, (), "depends on a build argument"),
        (edits.BASE, "ARG V=3\nFROM a:$V\n", None, ("V",), "depends on a build argument"),
    ],
)
def test_what_a_project_does_not_have(
    name: str, text: str, ignore: str | None, given: tuple[str, ...], reason: str
) -> None:
    assert reason in chosen(text, ignore=ignore, given=given)[name].skipped


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.py", "x = 1", "x = 1\n# mark 1f\n"),
        ("a.ts", "x;\n", "x;\n// mark 1f\n"),
        ("a.css", "", "/* mark 1f */\n"),
        ("pom.xml", "<a/>\n", "<a/>\n<!-- mark 1f -->\n"),
        ("Gemfile", "a\n", "a\n# mark 1f\n"),
    ],
)
def test_a_comment_in_the_files_own_language(tmp_path: Path, path: str, before: str, after: str) -> None:
    (tmp_path / path).write_text(before)
    comment(path, "mark")(tmp_path, "1f")
    assert (tmp_path / path).read_text() == after


def test_json_stays_the_same_document(tmp_path: Path) -> None:
    texts = []
    for word in ("1f", "20"):
        (tmp_path / "a.json").write_text('{"a": 1}')
        comment("a.json", "mark")(tmp_path, word)
        texts.append((tmp_path / "a.json").read_text())
    assert [json.loads(text) for text in texts] == [{"a": 1}] * 2
    assert len({'{"a": 1}', *texts}) == 3


def test_a_kind_of_file_without_comments() -> None:
    with pytest.raises(ValueError, match=r"logo\.png"):
        comment("logo.png", "mark")


def test_replacing_asks_for_the_text_exactly_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one two")
    edit = replacing("manifest-edit", "add two", [("a", "two", "three {n}")])
    edit.apply(tmp_path, "1f")
    assert (tmp_path / "a").read_text() == "one three 1f"
    with pytest.raises(ValueError, match="0 times"):
        edit.apply(tmp_path, "1f")


def test_a_commit_changes_git_and_nothing_else(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "--quiet")
    hook = tmp_path / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    (tmp_path / "a").write_text("1")
    chosen()[edits.COMMIT].apply(tmp_path, "first")
    chosen()[edits.COMMIT].apply(tmp_path, "second")
    assert git("log", "--format=%s %an").splitlines() == ["second dockerfix", "first dockerfix"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "a"], "a hook of the project ran"
    with pytest.raises(OSError, match="git commit: "):
        chosen()[edits.COMMIT].apply(tmp_path / ".git" / "hooks", "third")
