"""Find a Dockerfile's build context, and who builds it, in the files of the repository around it.

Compose files, CI workflows, makefiles and scripts say with which context a Dockerfile is built; where none does, it is
the Dockerfile's own directory. Nothing is run, no variable is guessed, and mentions that disagree are reported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from ..paths import SKIPPED, dockerfiles_below, may_be_dockerfile
from .buildfiles import Mention, by_command, in_compose, in_gitlab, in_workflow
from .commandlines import Places, invocations

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
_CLASSIC = re.compile(r"""\bDOCKER_BUILDKIT['"]?\s*(?:[:?]?=|:)\s*['"]?(?:0|false)\b""")


@dataclass(frozen=True, slots=True)
class Located:
    """A Dockerfile's context and the file and line that say so.

    `builder` is `legacy`, `buildah` or `kaniko` where a mention is built by that, None for BuildKit.
    `stated` tells whether a file says so at all; `others` are contexts that it is built with as well.
    """

    context: Path
    evidence: str
    target: str | None = None
    builder: str | None = None
    stated: bool = True
    others: tuple[Path, ...] = ()


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
    """Return the context that the repository at `root` builds a Dockerfile with.

    Where mentions disagree, compose files count before workflows, and those before makefiles and scripts.
    """
    # A link is built where it stands, not where it leads.
    dockerfile = dockerfile.parent.resolve() / dockerfile.name
    root = root.resolve() if root else repository_root(dockerfile)
    mentions = [m for m in _mentions(dockerfile, root) if dockerfile in m.dockerfiles and m.context.is_dir()]
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
    return Located(context, place, target, builder, others=tuple(other for other, _ in others))


def _place(mention: Mention, root: Path) -> str:
    return f"{_shown(mention.file, root)}:{mention.line} ({mention.what})"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _mentions(dockerfile: Path, root: Path) -> Iterator[Mention]:
    """Yield what the files say, the most telling kind first; files that do not say `build` are not parsed."""
    for file, text in _read(_near(dockerfile, root, _COMPOSE)):
        yield from in_compose(file, text, root)
    workflows = _listing(root / ".github" / "workflows", ("*.yml", "*.yaml"))
    for file, text in _read(workflows):
        yield from _legacy(in_workflow(file, text, root), text)
    for file, text in _read(_listing(root, (".gitlab-ci.yml",))):
        yield from _legacy(in_gitlab(file, text, root), text)
    for file, text in _read(_near(dockerfile, root, _MAKEFILES)):
        yield from _legacy(_in_script(file, text, Places(root, file.parent), fresh_lines=True), text)
    scripts = (f for name in _SCRIPT_DIRECTORIES for f in _listing(root / name, _SCRIPTS))
    for file, text in _read(scripts):
        for start in dict.fromkeys((root, file.parent)):
            yield from _legacy(_in_script(file, text, Places(root, start), fresh_lines=False), text)


def _in_script(file: Path, text: str, places: Places, *, fresh_lines: bool) -> Iterator[Mention]:
    for found in invocations(text, places, fresh_lines=fresh_lines):
        yield by_command(file, 1, found)


def _legacy(mentions: Iterable[Mention], text: str) -> Iterator[Mention]:
    """Mark the plain `docker build` of a file that turns BuildKit off."""
    classic = _CLASSIC.search(text) is not None
    for mention in mentions:
        plain = mention.what.startswith("docker ") and "buildx" not in mention.what
        yield replace(mention, builder="legacy") if classic and plain else mention


def _near(dockerfile: Path, root: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files so named in the root, between it and the Dockerfile, and in directories beside these."""
    above = [d for d in (dockerfile.parent, *dockerfile.parents) if d.is_relative_to(root)] or [dockerfile.parent]
    for directory in dict.fromkeys([root, *reversed(above)]):
        yield from _listing(directory, patterns)
    for directory in dict.fromkeys([root, *reversed(above)]):
        for below in _directories(directory):
            if below not in above:
                yield from _listing(below, patterns)


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


def _read(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each file once with its text, unless it is huge, unreadable or says nothing of builds."""
    for file in dict.fromkeys(files):
        try:
            content = file.read_bytes() if file.stat().st_size <= _LARGEST else b""
        except OSError:
            continue
        if any(sign in content for sign in (b"build", b"kaniko")):
            yield file, content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _is_named(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
