"""The build context as the builder sees it: the files that it is sent after `.dockerignore`, their text and sizes."""

from __future__ import annotations

import posixpath
import re
import stat as modes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ..source import gopattern, ignorefile
from .tree import ROOT, DirectoryTree, Entry, GitTree, MemoryTree, Tree, normalise, resolve

__all__ = ["Context", "DirectoryTree", "Entry", "GitTree", "MemoryTree", "Tree", "load", "normalise"]

Found = TypeVar("Found")
_WILD = re.compile(r"(?:[^\\*?\[]|\\.)*+[*?\[]", re.DOTALL)


@dataclass(slots=True)
class _Facts:
    """What has been found out of the files: all that is sent, once somebody has asked for it, and what `once` keeps."""

    sent: tuple[Entry, ...] | None = None
    known: dict[object, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """A tree behind an ignore file.

    `ignore_path` is where the ignore file is, or would be written; `label` names the context in messages. Paths given
    to its methods are relative to the root, need not be normal, and follow links inside the context as COPY does.
    """

    tree: Tree
    ignore: ignorefile.IgnoreFile | None
    ignore_path: str
    label: str
    _facts: _Facts = field(default_factory=_Facts, repr=False)

    def once(self, key: object, find: Callable[[], Found]) -> Found:
        """Return what `find` finds in the files, which stay as they are: it is asked once for each key."""
        if key not in self._facts.known:
            self._facts.known[key] = find()
        found: Found = self._facts.known[key]
        return found

    def read(self, path: str) -> str | None:
        """Return the text of a file that COPY may use; None if it is absent, ignored or no regular file."""
        return self._text(self._find(path))

    def read_ignored(self, path: str) -> str | None:
        """Return the text of a file of the tree, whether the builder is sent it or not."""
        normal = normalise(path)
        return None if normal is None else self._text(resolve(self.tree, normal))

    def _text(self, entry: Entry | None) -> str | None:
        if entry is None or not modes.S_ISREG(entry.mode):
            return None
        content = self.tree.read(entry.path)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def exists(self, path: str) -> bool:
        """Tell whether COPY finds something at `path`."""
        return self._find(path) is not None

    def is_dir(self, path: str) -> bool:
        """Tell whether COPY finds a directory at `path`."""
        entry = self._find(path)
        return entry is not None and entry.is_dir

    def _find(self, path: str) -> Entry | None:
        normal = normalise(path)
        if normal is None:
            return None
        entry = resolve(self.tree, normal, self._is_sent)
        return entry if entry and self._is_sent(entry) else None

    def _is_sent(self, entry: Entry) -> bool:
        """Tell whether the builder is sent an entry; an ignored directory is, if anything below it is."""
        if self.ignore is None or entry is ROOT or not self.ignore.excludes(entry.path):
            return True
        if not entry.is_dir or self.ignore.prunes(entry.path):
            return False
        return any(other.path.startswith(f"{entry.path}/") for other in self._sent())

    def _sent(self) -> tuple[Entry, ...]:
        """Return all that is sent and not itself ignored, directories too."""
        if self._facts.sent is None:
            ignore = self.ignore
            entries = self.tree.entries(ignore.prunes if ignore else None)
            self._facts.sent = tuple(e for e in entries if ignore is None or not ignore.excludes(e.path))
        return self._facts.sent

    def files(self, under: str = "") -> tuple[Entry, ...]:
        """Return the files and links that are sent and lie below the directory `under`, or are `under` itself."""
        entry = self._find(under)
        if entry is None:
            return ()
        return tuple(other for other in self._sent() if not other.is_dir and _is_below(other.path, entry.path))

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Return what a COPY source names: files, and directories where nothing above them matches.

        A wildcard is Go's `filepath.Match`; a pattern with `**` is matched as a line of `.dockerignore` is.
        """
        normal = normalise(pattern)
        if normal is None:
            return ()
        fixed, wild = _split_wildcards(normal)
        if not wild:
            return (normal,) if self.exists(normal) else ()
        base = self._find(fixed)
        if base is None:
            return ()
        regex = gopattern.ignore_regex(wild) if "**" in wild else None
        exact = None if regex else gopattern.match_regex(wild)
        names = ((e.path, e.path[len(base.path) :].lstrip("/")) for e in self.once("all", self._sent_with_parents))
        matches = (
            posixpath.join(fixed, name)
            for path, name in names
            if path != base.path
            and _is_below(path, base.path)
            and (regex.match(name) if regex else exact and exact.fullmatch(name))
        )
        return tuple(_outermost(matches))

    def _sent_with_parents(self) -> list[Entry]:
        """Return all that is sent, with ignored directories that hold some of it, a directory before its content."""
        seen: set[str] = set()
        found: list[Entry] = []
        for entry in self._sent():
            parents = []
            parent = posixpath.dirname(entry.path)
            while parent and parent not in seen:
                seen.add(parent)
                parents.append(Entry(parent, 0, ROOT.mode, is_dir=True))
                parent = posixpath.dirname(parent)
            found += reversed(parents)
            if entry.path not in seen:
                seen.add(entry.path)
                found.append(entry)
        return found

    def with_ignore(self, text: str) -> Context:
        """Return the same tree behind another ignore file."""
        return replace(self, ignore=ignorefile.parse(text, self.ignore_path), _facts=_Facts())

    def size(self, paths: Iterable[str]) -> int:
        """Return the bytes of the files that are sent from `paths`, each file counted once."""
        return sum({entry.path: entry.size for path in paths for entry in self.files(path)}.values())


def _is_below(path: str, directory: str) -> bool:
    return not directory or path == directory or path.startswith(f"{directory}/")


def _split_wildcards(pattern: str) -> tuple[str, str]:
    """Return the leading names without wildcards, and the rest."""
    names = pattern.split("/")
    wild = next((at for at, name in enumerate(names) if _WILD.match(name)), len(names))
    return "/".join(names[:wild]), "/".join(names[wild:])


def _outermost(paths: Iterable[str]) -> Iterator[str]:
    """Yield the paths of a depth-first order that do not lie below one yielded before."""
    last: str | None = None
    for path in paths:
        if last is None or not path.startswith(f"{last}/"):
            last = path
            yield path


def load(directory: Path, dockerfile: Path, *, beside: bool = True) -> Context:
    """Open a directory as the build context of a Dockerfile.

    `<Dockerfile>.dockerignore` counts instead of the context's own if the builder looks `beside` the
    Dockerfile, which the one before BuildKit does not; a new file would be the context's.
    """
    tree = DirectoryTree(directory)
    own = [(DirectoryTree(dockerfile.parent), f"{dockerfile.name}.dockerignore")] if beside else []
    for place, name in (*own, (tree, ".dockerignore")):
        entry = resolve(place, name)
        content = place.read(entry.path) if entry else None
        if content is not None:
            path = str(place.root / name)
            text = content.decode("utf-8", "surrogateescape")
            return Context(tree, ignorefile.parse(text, path), path, str(directory))
    return Context(tree, None, str(directory / ".dockerignore"), str(directory))
