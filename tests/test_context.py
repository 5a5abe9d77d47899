"""The build context: what is sent, links, wildcards, ignore files, and the three kinds of tree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rewrite.build.context import Context, DirectoryTree, GitTree, MemoryTree, Tree, load
from rewrite.build.tree import normalise
from rewrite.errors import SourceError, UsageError
from rewrite.source.ignorefile import parse

FILES = {
    "Dockerfile": "FROM scratch\n",
    "src/app.py": "print()\n",
    "src/lib/util.py": "é\n",
    "src-extra/a.txt": "12345",
    "docs/README.md": "hello",
    "docs/guide/x.md": "",
    "node_modules/left/index.js": "1",
}


def write(root: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())
    return root


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True)


def in_directory(root: Path) -> Tree:
    return DirectoryTree(write(root, FILES))


def in_git(root: Path) -> Tree:
    write(root / "app", FILES)
    git(root, "init", "-q")
    git(root, "add", "-f", ".")
    git(root, "commit", "-q", "-m", "all")
    for path in FILES:
        (root / "app" / path).unlink()
    return GitTree(root, "HEAD", "app")


def in_memory(root: Path) -> Tree:
    return MemoryTree({path: text if path.endswith("y") else text.encode() for path, text in FILES.items()})


@pytest.fixture(params=[in_directory, in_git, in_memory])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    make: Callable[[Path], Tree] = request.param
    return make(tmp_path)


def behind(tree: Tree, ignore: str | None) -> Context:
    return Context(tree, None if ignore is None else parse(ignore), ".dockerignore", "here")


def paths(context: Context, under: str = "") -> list[str]:
    return [entry.path for entry in context.files(under)]


def test_every_tree_lists_depth_first_with_sizes(tree: Tree) -> None:
    entries = list(tree.entries())
    assert [e.path for e in entries[:5]] == ["Dockerfile", "docs", "docs/README.md", "docs/guide", "docs/guide/x.md"]
    names = [e.path for e in entries]
    assert names == sorted(names, key=lambda path: path.split("/"))
    assert {e.path: e.size for e in entries if not e.is_dir} == {
        path: len(text.encode()) for path, text in FILES.items()
    }
    assert {e.path for e in entries if e.is_dir} == {
        "docs",
        "docs/guide",
        "node_modules",
        "node_modules/left",
        "src",
        "src/lib",
        "src-extra",
    }


def test_every_tree_skips_and_reads(tree: Tree) -> None:
    listed = [entry.path for entry in tree.entries(lambda directory: directory == "src")]
    assert "src" in listed and "src-extra/a.txt" in listed
    assert not [path for path in listed if path.startswith("src/")]
    assert tree.read("src/lib/util.py") == "é\n".encode()
    assert (tree.read("src"), tree.read("none"), tree.stat("none"), tree.stat("src/app.py/x")) == (None,) * 4
    entry = tree.stat("docs/guide")
    assert entry is not None and entry.is_dir


def test_without_an_ignore_file_all_is_sent(tree: Tree) -> None:
    context = behind(tree, None)
    assert set(paths(context)) == set(FILES)
    assert paths(context, "src") == ["src/app.py", "src/lib/util.py"]
    assert paths(context, "./docs/../src/app.py") == ["src/app.py"]
    assert context.read("/src//lib/./util.py") == "é\n"


def test_ignored_files_are_not_there(tree: Tree) -> None:
    context = behind(tree, "node_modules\ndocs\n!docs/guide\n*.none\nDockerfile")
    assert paths(context) == ["docs/guide/x.md", "src/app.py", "src/lib/util.py", "src-extra/a.txt"]
    assert context.read("docs/README.md") is None
    assert context.read_ignored("docs/README.md") == "hello"
    assert context.read("Dockerfile") is None
    assert not context.exists("docs/README.md")
    assert not context.is_dir("node_modules")
    assert context.is_dir("docs"), "a directory that holds something sent is sent"
    assert not behind(tree, "docs\n!docs/nothing*").exists("docs")
    assert context.is_dir("") and context.is_dir(".")


def test_outside_is_nothing(tree: Tree) -> None:
    context = behind(tree, None)
    assert (
        context.read("../Dockerfile"),
        context.read_ignored("../x"),
        context.exists(".."),
        context.is_dir("../"),
    ) == (
        None,
        None,
        False,
        False,
    )
    assert (context.files(".."), context.glob("../*")) == ((), ())


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", ["Dockerfile", "docs", "src", "src-extra"]),
        ("src*", ["src", "src-extra"]),
        ("src/*.py", ["src/app.py"]),
        ("./src/*", ["src/app.py", "src/lib"]),
        ("*/*.py", ["src/app.py"]),
        ("[ds]*/[!a-z]*.md", []),
        ("[ds]*/[A-Z]*.md", []),
        ("s?c/app.py", ["src/app.py"]),
        ("**/*.py", ["src/app.py", "src/lib/util.py"]),
        ("src/**", ["src/app.py", "src/lib"]),
        ("src", ["src"]),
        ("nothing", []),
        ("nothing/*", []),
        ("node_modules/*", []),
        ("docs/g*", ["docs/guide"]),
    ],
)
def test_glob_is_what_copy_finds(pattern: str, found: list[str]) -> None:
    context = behind(MemoryTree(FILES), "node_modules\ndocs/*\n!docs/guide/x.md\n")
    assert list(context.glob(pattern)) == found


def test_with_ignore_looks_at_the_same_tree_anew(tree: Tree) -> None:
    context = behind(tree, "src")
    assert "src/app.py" not in paths(context)
    other = context.with_ignore("docs\n")
    assert "src/app.py" in paths(other) and "docs/README.md" not in paths(other)
    assert "src/app.py" not in paths(context)
    with pytest.raises(SourceError, match=r"\.dockerignore:2"):
        context.with_ignore("a\n!\n")


def test_what_is_found_out_once_belongs_to_the_ignore_file() -> None:
    context, asked = behind(MemoryTree(FILES), "src"), []

    def count(found: Context) -> int:
        return found.once("files", lambda: asked.append(found) or len(found.files()))

    assert count(context) == count(context) == count(replace(context, label="elsewhere"))
    assert asked == [context]
    other = context.with_ignore("")
    assert count(other) > count(context)
    assert asked == [context, other]


def test_size_counts_each_sent_file_once(tree: Tree) -> None:
    context = behind(tree, "node_modules")
    assert context.size(["src-extra", "src-extra/a.txt", "docs", "node_modules", "none"]) == 10


@pytest.mark.parametrize(
    ("path", "normal"),
    [("./a//b/../c", "a/c"), ("/a", "a"), ("", ""), (".", ""), ("a/..", ""), ("..", None), ("a/../../b", None)],
)
def test_normalise(path: str, normal: str | None) -> None:
    assert normalise(path) == normal


def links(root: Path) -> Path:
    """Make a directory with links in and out of it, beside a secret."""
    inside = write(root / "in", {"real/file": "text", "top": "t", "out/x": "x"})
    (root / "secret").write_text("secret")
    made = {
        "link": "real/file",
        "dirlink": "real",
        "real/up": "../top",
        "absolute": "/real/file",
        "escape": "../secret",
        "escape-absolute": str(root / "secret"),
        "dir-escape": "..",
        "loop": "loop",
        "broken": "nowhere",
        "clamped": "../../../top",
    }
    for name, target in made.items():
        os.symlink(target, inside / name)
    return inside


def from_git(root: Path) -> Tree:
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "all")
    return GitTree(root, "HEAD")


@pytest.mark.parametrize("kind", [DirectoryTree, from_git])
def test_links_are_followed_inside_only(tmp_path: Path, kind: Callable[[Path], Tree]) -> None:
    tree = kind(links(tmp_path))
    context = behind(tree, "out\nreal/none")
    for path in ("link", "dirlink/file", "absolute", "dirlink/../real/file"):
        assert context.read(path) == "text", path
    for path in ("real/up", "clamped", "dirlink/up", "dir-escape/top"):
        assert context.read(path) == "t", path
    for path in ("escape", "escape-absolute", "dir-escape/secret", "loop", "broken", "link/x"):
        assert context.read(path) is None and context.read_ignored(path) is None, path
    assert tree.read("escape") is None and tree.read("dirlink/file") is None and tree.stat("dirlink/file") is None
    assert context.is_dir("dirlink") and paths(context, "dirlink") == ["real/file", "real/up"]
    listed = {entry.path: entry.link for entry in tree.entries()}
    assert listed["dirlink"] == "real" and "dirlink/file" not in listed


def test_a_link_and_its_target_must_both_be_sent(tmp_path: Path) -> None:
    tree = DirectoryTree(links(tmp_path))
    assert behind(tree, "link").read("link") is None
    assert behind(tree, "real").read("link") is None
    assert behind(tree, "dirlink").read("dirlink/file") is None
    assert behind(tree, "real").read_ignored("link") == "text"


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    context = behind(DirectoryTree(tmp_path), None)
    assert context.read("pipe") is None
    assert context.exists("pipe")


def test_bytes_that_are_no_utf8_survive() -> None:
    context = behind(MemoryTree({"a": b"\xff\n"}), None)
    text = context.read("a")
    assert text is not None and text.encode("utf-8", "surrogateescape") == b"\xff\n"


def test_ignored_directories_are_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, FILES)
    listed: list[str] = []
    scandir = os.scandir

    def spy(path: str) -> object:
        listed.append(os.path.relpath(path, tmp_path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", spy)
    context = behind(DirectoryTree(tmp_path), "node_modules\n!src/app.py")
    assert context.exists("src/app.py") and not context.exists("node_modules") and listed == []
    context.files()
    context.files("src")
    assert sorted(listed) == [".", "docs", "docs/guide", "src", "src-extra", "src/lib"]


def test_load_prefers_the_ignore_file_beside_the_dockerfile(tmp_path: Path) -> None:
    write(tmp_path, {"build/web.Dockerfile": "", "build/.dockerignore": "wrong", "a": "", "b": "", "wrong": ""})
    dockerfile = tmp_path / "build" / "web.Dockerfile"
    context = load(tmp_path, dockerfile)
    assert context.ignore is None and context.ignore_path == str(tmp_path / ".dockerignore")
    write(tmp_path, {".dockerignore": "a\n"})
    context = load(tmp_path, dockerfile)
    assert (context.exists("a"), context.exists("b"), context.exists("wrong")) == (False, True, True)
    assert context.ignore_path == str(tmp_path / ".dockerignore")
    write(tmp_path, {"build/web.Dockerfile.dockerignore": "b\n"})
    context = load(tmp_path, dockerfile)
    assert (context.exists("a"), context.exists("b")) == (True, False)
    assert context.ignore_path == str(dockerfile) + ".dockerignore"
    write(tmp_path, {"build/web.Dockerfile.dockerignore": ""})
    assert load(tmp_path, dockerfile).exists("a"), "an empty file counts instead of the other, too"


def test_load_names_the_ignore_file_that_is_wrong(tmp_path: Path) -> None:
    write(tmp_path, {".dockerignore": "a\n[\n"})
    with pytest.raises(SourceError) as caught:
        load(tmp_path, tmp_path / "Dockerfile")
    assert (caught.value.path, caught.value.line) == (str(tmp_path / ".dockerignore"), 2)


def test_a_git_tree_ignores_the_environment_of_a_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "one", {"a": "1"})
    from_git(tmp_path / "one")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert GitTree(tmp_path / "one", "HEAD").read("a") == b"1"


@pytest.mark.parametrize("revision", ["no-such-branch", "--output=x"])
def test_a_git_tree_that_cannot_be_read(tmp_path: Path, revision: str) -> None:
    write(tmp_path, {"a": "1"})
    from_git(tmp_path)
    with pytest.raises(UsageError, match="git cannot read"):
        GitTree(tmp_path, revision)
