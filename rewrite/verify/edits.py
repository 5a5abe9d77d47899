"""The edits whose rebuilds are measured: what a developer, a CI run or a registry does to a project.

Each is chosen from the project itself. Where a project has nothing of the kind, the reason is told instead.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .. import ecosystems
from ..build.build import Build
from ..rewrites.volatile_args_last import is_volatile
from .engine import BuildOptions

UNCHANGED, SOURCE, MANIFEST, README = "unchanged", "source-edit", "manifest-edit", "readme-edit"
COMMIT, ARGUMENT, BASE, IMPORTED = "new-commit", "arg-change", "new-base", "imported-cache"
NAMES = (UNCHANGED, SOURCE, MANIFEST, README, COMMIT, ARGUMENT, BASE, IMPORTED)

MOST_BYTES = 500_000
# How a comment is written, by the ending of a file's name; a file of another kind is not edited.
_HASH = ".py .rb .ex .exs .jl .r .R .sh .pl .toml .txt .in .cfg .ini .yml .yaml .tf Gemfile Makefile Pipfile"
_SLASHES = (
    ".js .jsx .mjs .cjs .ts .tsx .mts .go .mod .rs .java .kt .kts .groovy .gradle .scala .cs .swift .dart .c .cc .cpp"
)
_TAGS = ".vue .svelte .html .md .xml .csproj .props"
_COMMENTS = {
    **dict.fromkeys(_HASH.split(), "# {}"),
    **dict.fromkeys(_SLASHES.split(), "// {}"),
    **dict.fromkeys(_TAGS.split(), "<!-- {} -->"),
    ".css": "/* {} */",
    ".hs": "-- {}",
}
_PROGRAMS = frozenset(
    ".py .rb .ex .jl .r .R .hs .js .jsx .mjs .ts .tsx .vue .svelte"
    " .go .rs .java .kt .scala .cs .swift .dart .c .cc .cpp".split()
)
# Files that configure, test or merely come along; an edit of the program is meant to be one of its own code.
# A directory of examples is none, but com/example is where Java's start.
_NO_SOURCE = re.compile(
    r"(?:^|/)(?:node_modules|vendor|third_party|dist|build|tests?|__tests__|spec|docs?|migrations|\.[^/]+)/"
    r"|(?:^|(?<!/com)(?<!/org)(?<!/net)/)examples?/"
    r"|\.(?:config|test|spec|min|d)\.[^./]+$|(?:^|/)(?:setup|conftest|noxfile|gulpfile|Gruntfile)\.[^./]+$"
)
_README = re.compile(r"readme(?:\.\w+)?", re.IGNORECASE)
# Nothing of the project's or the user's own settings may run.
_GIT = tuple(
    word
    for setting in (
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "commit.gpgSign=false",
        "maintenance.auto=false",
        "user.name=dockerfix",
        "user.email=dockerfix@example.org",
    )
    for word in ("-c", setting)
)
_GIT_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


@dataclass(frozen=True, slots=True)
class Edit:
    """One scenario: what is done to a copy of the project before it is built again.

    `apply` changes files at or below `touches` (paths relative to the context); `options` changes how it is built.
    Both are given a word that is another one in each repeat. `bases` are images to exchange for others of the same
    content. An edit with a reason in `skipped` cannot be done.
    """

    name: str
    title: str
    touches: tuple[str, ...] = ()
    apply: Callable[[Path, str], None] = lambda root, word: None
    options: Callable[[BuildOptions, str], BuildOptions] = lambda options, word: options
    bases: tuple[str, ...] = ()
    skipped: str = ""


def choose(build: Build, given: Collection[str] = ()) -> tuple[Edit, ...]:
    """Return the scenarios of a build, in the order of `NAMES`; imported-cache makes the source edit.

    `given` are the build arguments that the user sets.
    """
    source = _source(build)
    return (
        Edit(UNCHANGED, "no change"),
        source,
        _manifest(build),
        _readme(build),
        _commit(build),
        _argument(build),
        _base(build, given),
        replace(source, name=IMPORTED, title=f"empty builder, imported cache, {source.title}"),
    )


def comment(path: str, word: str) -> Callable[[Path, str], None]:
    """Return an edit that appends a comment to the file at `path`; raise ValueError for a kind it does not know.

    JSON, which has no comments, gets blanks behind its end, a number of them that depends on the word.
    """
    if path.endswith(".json"):
        return lambda root, repeat: _append(root / path, " " * (1 + int(repeat, 16) % 997) + "\n")
    form = _comment(path)
    if form is None:
        raise ValueError(path)
    return lambda root, repeat: _append(root / path, form.format(f"{word} {repeat}") + "\n")


def replacing(name: str, title: str, files: Sequence[tuple[str, str, str]]) -> Edit:
    """Return an edit that puts `new` in the place of `old` in each ``(path, old, new)``.

    ``{n}`` in `new` becomes the repeat's word. Raise ValueError if a file does not hold `old` exactly once.
    """

    def apply(root: Path, word: str) -> None:
        for path, old, new in files:
            text = (root / path).read_text("utf-8")
            if text.count(old) != 1:
                raise ValueError(f"{path} holds {old!r} {text.count(old)} times")
            (root / path).write_text(text.replace(old, new.replace("{n}", word)), "utf-8")

    return Edit(name, title, tuple(path for path, _, _ in files), apply)


def _append(path: Path, text: str) -> None:
    """Append a line to a file, whose last line may lack its end."""
    content = path.read_bytes()
    path.write_bytes(content + (b"" if content.endswith(b"\n") or not content else b"\n") + text.encode())


def _comment(path: str) -> str | None:
    """Return how a comment is written in a file of this name, None if that is not known."""
    name = posixpath.basename(path)
    return _COMMENTS.get(name) or _COMMENTS.get(posixpath.splitext(name)[1])


def _sent(build: Build) -> dict[str, int]:
    """Return the files that some COPY brings, with their sizes."""
    sources = [
        mapping.source.removeprefix(".")
        for stage in build.stages
        for line in stage.instructions
        if (copy := build.copy(line))
        for mapping in copy.mappings
    ]
    # No links: an edit must not follow one out of the copy.
    found = {entry.path: entry.size for source in sources for entry in build.context.files(source) if not entry.link}
    return dict(sorted(found.items()))


def _source(build: Build) -> Edit:
    """Edit the largest file of the language that most source files are written in."""
    known = ecosystems.manifests()
    sizes = {
        path: size
        for path, size in _sent(build).items()
        if posixpath.splitext(path)[1] in _PROGRAMS
        and posixpath.basename(path) not in known
        and not _NO_SOURCE.search(path)
        and 0 < size <= MOST_BYTES
    }
    if not sizes:
        return Edit(SOURCE, "a source edit", skipped="no source file is copied into the image")
    endings = Counter(posixpath.splitext(path)[1] for path in sizes)
    most = max(endings, key=lambda ending: (endings[ending], ending))
    path = max((path for path in sizes if path.endswith(most)), key=lambda path: (sizes[path], path))
    return Edit(SOURCE, f"a comment in {path}", (path,), comment(path, "dockerfix verify"))


def _manifest(build: Build) -> Edit:
    """Edit the first manifest that an install reads."""
    for path in _manifests(build):
        if path.endswith(".json") or _comment(path):
            what = "blanks behind" if path.endswith(".json") else "a comment in"
            return Edit(MANIFEST, f"{what} {path}", (path,), comment(path, "dockerfix verify"))
    return Edit(MANIFEST, "a manifest edit", skipped="no install that dockerfix knows reads a manifest of the context")


def _manifests(build: Build) -> Iterator[str]:
    """Yield the context's files that the installs read and that people edit, in the order of the installs."""
    known = ecosystems.manifests()
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        for step in run.steps:
            command = ecosystems.recognise(step, view)
            if command is None or not command.install:
                continue
            paths = [path for read in command.reads if (path := view.context_path(read.path))]
            files = [path for path in paths if not build.context.is_dir(path)]
            named = [path for path in files if posixpath.basename(path) in known]
            yield from named or [path for path in files if path.endswith((".txt", ".in", ".toml"))]


def _readme(build: Build) -> Edit:
    """Append a line to the README nearest to the context's root."""
    found = [path for path in _sent(build) if _README.fullmatch(posixpath.basename(path))]
    if not found:
        return Edit(README, "a README edit", skipped="no README is copied into the image")
    path = min(found, key=lambda path: (path.count("/"), path))
    return Edit(README, f"a line in {path}", (path,), lambda root, word: _append(root / path, f"{word}\n"))


def _commit(build: Build) -> Edit:
    """Commit nothing: the objects, the branch and its log change, the tree does not."""
    title = "a new commit"
    if not any(path.startswith(".git/") for path in _sent(build)):
        return Edit(COMMIT, title, skipped="no .git is copied into the image")
    git = shutil.which("git")
    if git is None:
        return Edit(COMMIT, title, skipped="git is not on PATH")

    def apply(root: Path, word: str) -> None:
        command = [git, *_GIT, "commit", "--quiet", "--allow-empty", "--no-verify", f"--message={word}"]
        place = {"GIT_DIR": str(root / ".git"), "GIT_WORK_TREE": str(root)}
        done = subprocess.run(command, env={**_GIT_ENVIRONMENT, **place}, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"git commit: {done.stderr.strip()}")

    return Edit(COMMIT, title, (".git",), apply)


def _argument(build: Build) -> Edit:
    """Give the first ARG whose name says that each build has its own value another value."""
    for stage in build.stages:
        for line in stage.instructions:
            for pair in line.pairs if line.keyword == "ARG" else ():
                if is_volatile(pair.key):
                    return Edit(ARGUMENT, f"another {pair.key}", options=partial(_given, pair.key))
    return Edit(ARGUMENT, "an ARG change", skipped="no ARG takes a commit, a date or a build number")


def _given(name: str, options: BuildOptions, value: str) -> BuildOptions:
    """Return the options with a build argument."""
    return replace(options, build_args={**options.build_args, name: value})


def _base(build: Build, given: Collection[str]) -> Edit:
    """Exchange every base image for one with a file more."""
    title = "a new base image"
    own = [stage for stage in build.stages if stage.parent is None and not stage.candidates]
    references = tuple(dict.fromkeys(stage.base.reference for stage in own if stage.base.reference != "scratch"))
    if not references:
        return Edit(BASE, title, skipped="it has no base image")
    if any("$" in name for name in references) or (given and not all(stage.base_certain for stage in own)):
        return Edit(BASE, title, skipped="which base image it has depends on a build argument")
    return Edit(BASE, title, bases=references)
