"""Find a Dockerfile's build context, and who builds it, in the files of the repository around it.

Compose files, CI workflows, makefiles and scripts say with which context a Dockerfile is built; where none does, it is
the Dockerfile's own directory. Nothing is run, no variable is guessed, and mentions that disagree are reported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from ..paths import SKIPPED, dockerfiles_below, may_be_dockerfile
from .buildfiles import Mention, by_command, in_compose, in_gitlab, in_workflow
from .commandlines import BUILDERS, Places, invocations

_COMPOSE = ("compose.yaml", "compose.yml", "compose.*.y*ml", "docker-compose*.y*ml")
_MAKEFILES = ("Makefile", "makefile", "GNUmakefile", "*.mk")
_SCRIPTS = ("*.sh", "*.bash")
_SCRIPT_DIRECTORIES = ("", "scripts", "script", "bin", "hack", "ci", ".ci")
# A forge reads these in a repository's root alone; the others may lie in any directory of it.
_ROOT_SIGNS = (".gitlab-ci.yml", ".github")
_LESSER_SIGNS = (*_COMPOSE[:2], "docker-compose.yml", "docker-compose.yaml", "Makefile")
_HIGHEST = 4
_LARGEST = 1_000_000
_STRICTEST = ("legacy", "kaniko", "buildah")
_CLASSIC = re.compile(r"""^[^#\n]*\bDOCKER_BUILDKIT['"]?\s*(?:[:?]?=|:)\s*['"]?(?:0|false)\b""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Located:
    """A Dockerfile's context and the file and line that say so.

    `builder` is `legacy`, `buildah` or `kaniko` where a mention is built by that, None for BuildKit.
    `stated` tells whether a file says so at all; `others` are contexts that it is built with as well; `mentions` are
    all that is said.
    """

    context: Path
    evidence: str
    target: str | None = None
    builder: str | None = None
    stated: bool = True
    others: tuple[Path, ...] = ()
    mentions: tuple[Mention, ...] = ()


def find_dockerfiles(path: Path) -> list[Path]:
    """Return what may be a Dockerfile below a directory, sorted; templates, ignore files and vendored code are none."""
    return sorted(file for file in dockerfiles_below(path, may_be_dockerfile) if file.is_file())


def repository_root(dockerfile: Path) -> Path:
    """Return the nearest directory above that has `.git`; else, of a few, one with a forge's or a build file."""
    directories = [dockerfile.resolve().parent, *dockerfile.resolve().parent.parents]
    for directory in directories:
        if (directory / ".git").exists():
            return directory
    for signs in (_ROOT_SIGNS, _LESSER_SIGNS):
        for directory in directories[:_HIGHEST]:
            if any((directory / sign).exists() for sign in signs):
                return directory
    return directories[0]


def locate(dockerfile: Path, root: Path | None = None) -> Located:
    """Return the context of one Dockerfile, as `Locator.locate` does."""
    return Locator().locate(dockerfile, root)


class Locator:
    """Finds the contexts of Dockerfiles; what it has read of a repository is kept for the next one of it."""

    def __init__(self) -> None:
        self._named: dict[tuple[Path, tuple[str, ...]], list[Path]] = {}
        self._beside: dict[tuple[Path, tuple[str, ...]], dict[Path, list[Path]]] = {}
        self._texts: dict[Path, str | None] = {}
        self._found: dict[tuple[Path, Path], tuple[Mention, ...]] = {}

    def locate(self, dockerfile: Path, root: Path | None = None) -> Located:
        """Return the context that the repository at `root` builds a Dockerfile with.

        Where mentions disagree, compose files count before workflows, and those before makefiles and scripts.
        """
        # A link is built where it stands, not where it leads.
        dockerfile = dockerfile.parent.resolve() / dockerfile.name
        root = root.resolve() if root else repository_root(dockerfile)
        names = {dockerfile}
        if dockerfile.name == "dockerfile" and not dockerfile.with_name("Dockerfile").exists():
            names.add(dockerfile.with_name("Dockerfile"))  # Docker looks for it in lower case then
        mentions = [m for m in self._mentions(dockerfile, root) if names & {*m.dockerfiles} and m.context.is_dir()]
        builders = {mention.builder for mention in mentions}
        builder = next((name for name in _STRICTEST if name in builders), None)
        if not mentions:
            return Located(dockerfile.parent, "the Dockerfile's directory", stated=False)
        contexts: dict[Path, list[Mention]] = {}
        for mention in mentions:
            contexts.setdefault(mention.context, []).append(mention)
        (context, agreed), *others = contexts.items()
        doubts = [f"; but {_place(first, root)} builds in {_shown(other, root)}" for other, (first, *_) in others]
        targets = {mention.target for mention in agreed}
        target = targets.pop() if len(targets) == 1 else None
        place = _place(agreed[0], root) + "".join(doubts)
        elsewhere = tuple(other for other, _ in others)
        return Located(context, place, target, builder, others=elsewhere, mentions=tuple(mentions))

    def _mentions(self, dockerfile: Path, root: Path) -> Iterator[Mention]:
        """Yield what the files say, the most telling kind first; files that do not say `build` are not parsed."""
        for file in self._near(dockerfile, root, _COMPOSE):
            yield from self._said(file, root, in_compose)
        for file in self._listing(root / ".github" / "workflows", ("*.yml", "*.yaml")):
            yield from self._said(file, root, _in_workflow)
        for file in self._listing(root, (".gitlab-ci.yml",)):
            yield from self._said(file, root, _in_gitlab)
        for file in self._near(dockerfile, root, _MAKEFILES):
            yield from self._said(file, root, _in_makefile)
        for name in _SCRIPT_DIRECTORIES:
            for file in self._listing(root / name, _SCRIPTS):
                yield from self._said(file, root, _in_shell_script)

    def _said(self, file: Path, root: Path, parse: Parse) -> tuple[Mention, ...]:
        """Return what a file mentions; nothing if it is huge, unreadable or says nothing of builds."""
        if (file, root) not in self._found:
            text = self._text(file)
            # Only a compose file needs no program's name: most workflows and scripts build other things.
            if text is not None and (parse is in_compose or BUILDERS.search(text)):
                self._found[file, root] = tuple(parse(file, text, root))
            else:
                self._found[file, root] = ()
        return self._found[file, root]

    def _text(self, file: Path) -> str | None:
        if file not in self._texts:
            self._texts[file] = _read(file)
        return self._texts[file]

    def _near(self, dockerfile: Path, root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
        """Yield the files so named in the root, between it and the Dockerfile, and in directories beside these."""
        above = [d for d in (dockerfile.parent, *dockerfile.parents) if d.is_relative_to(root)] or [dockerfile.parent]
        directories = dict.fromkeys([root, *reversed(above)])
        for directory in directories:
            yield from self._listing(directory, patterns)
        for directory in directories:
            for below, files in self._below(directory, patterns).items():
                if below not in directories:
                    yield from files

    def _listing(self, directory: Path, patterns: tuple[str, ...]) -> list[Path]:
        key = directory, patterns
        if key not in self._named:
            self._named[key] = _listing(directory, patterns)
        return self._named[key]

    def _below(self, directory: Path, patterns: tuple[str, ...]) -> dict[Path, list[Path]]:
        """Return the files so named in each directory of a directory that has some."""
        key = directory, patterns
        if key not in self._beside:
            found = {below: self._listing(below, patterns) for below in _directories(directory)}
            self._beside[key] = {below: files for below, files in found.items() if files}
        return self._beside[key]


def _place(mention: Mention, root: Path) -> str:
    return f"{_shown(mention.file, root)}:{mention.line} ({mention.what})"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


Parse = Callable[[Path, str, Path], Iterable[Mention]]


def _in_workflow(file: Path, text: str, root: Path) -> Iterator[Mention]:
    yield from _legacy(in_workflow(file, text, root), text)


def _in_gitlab(file: Path, text: str, root: Path) -> Iterator[Mention]:
    yield from _legacy(in_gitlab(file, text, root), text)


def _in_makefile(file: Path, text: str, root: Path) -> Iterator[Mention]:
    yield from _legacy(_in_script(file, text, Places(root, file.parent), fresh_lines=True), text)


def _in_shell_script(file: Path, text: str, root: Path) -> Iterator[Mention]:
    """Yield what a script builds; it may be started in the root, or where it lies."""
    for start in dict.fromkeys((root, file.parent)):
        yield from _legacy(_in_script(file, text, Places(root, start), fresh_lines=False), text)


def _in_script(file: Path, text: str, places: Places, *, fresh_lines: bool) -> Iterator[Mention]:
    for found in invocations(text, places, fresh_lines=fresh_lines):
        # A person who calls these wants it so.
        yield replace(by_command(file, 1, found), no_cache=False)


def _legacy(mentions: Iterable[Mention], text: str) -> Iterator[Mention]:
    """Mark the plain `docker build` of a file that turns BuildKit off."""
    classic = _CLASSIC.search(text)
    line = text.count("\n", 0, classic.end()) + 1 if classic else 0
    for mention in mentions:
        plain = mention.what.startswith("docker ") and "buildx" not in mention.what
        yield replace(mention, builder="legacy", classic_line=line) if classic and plain else mention


def _directories(directory: Path) -> list[Path]:
    try:
        with os.scandir(directory) as listing:
            names = [item.name for item in listing if item.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [directory / name for name in sorted(names) if name not in SKIPPED]


def _listing(directory: Path, patterns: tuple[str, ...]) -> list[Path]:
    try:
        with os.scandir(directory) as listing:
            names = [item.name for item in listing if _is_named(item.name, patterns) and item.is_file()]
    except OSError:
        return []
    return [directory / name for name in sorted(names)]


def _read(file: Path) -> str | None:
    """Return the text of a file, None if it is huge, unreadable or says nothing of builds."""
    try:
        content = file.read_bytes() if file.stat().st_size <= _LARGEST else b""
    except OSError:
        return None
    if any(sign in content for sign in (b"build", b"kaniko")):
        return content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    return None


def _is_named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
