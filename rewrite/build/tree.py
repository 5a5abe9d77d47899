"""Trees of files, as a build context is read from: a directory, a revision of a git repository, or memory.

A tree tells what is there and never follows a symbolic link; `resolve` follows them, as the builder does, inside the
tree only. All paths are relative to the root, in posix form, without `.` or `..`; the root itself is `""`.
"""

from __future__ import annotations

import os
import posixpath
import stat as modes
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import UsageError
from .git import git

_MOST_LINKS = 40
_GIT_LINK, _GIT_SUBMODULE = 0o120000, 0o160000

Skip = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, link or directory; `link` is a symbolic link's target as it is written."""

    path: str
    size: int
    mode: int
    link: str | None = None
    is_dir: bool = False


ROOT = Entry("", 0, modes.S_IFDIR | 0o755, is_dir=True)


class Tree(Protocol):
    """What a build context is read from."""

    def entries(self, skip: Skip | None = None) -> Iterable[Entry]:
        """Return all entries, a directory before its content; nothing below a directory that `skip` accepts."""

    def read(self, path: str) -> bytes | None:
        """Return the content of the regular file at `path`; None for anything else."""

    def stat(self, path: str) -> Entry | None:
        """Return the entry at `path`; None if there is none, or if it lies behind a link."""


def normalise(path: str) -> str | None:
    """Return `path` relative to the root (`./a//b/../c` and `/a/c` are `a/c`); None if it leaves the root."""
    clean = posixpath.normpath(path.lstrip("/") or ".")
    if clean == ".." or clean.startswith("../"):
        return None
    return "" if clean == "." else clean


def resolve(tree: Tree, path: str, visible: Callable[[Entry], bool] = lambda entry: True) -> Entry | None:
    """Return the entry that `path` leads to, links followed within the tree.

    An absolute link starts at the tree's root and `..` never leaves it. Every link on the way must be `visible`.
    """
    rest, done, links = path.split("/")[::-1] if path else [], ROOT, 0
    while rest:
        name = rest.pop()
        if name in ("", ".", ".."):
            parent = posixpath.dirname(done.path) if name == ".." else done.path
            done = (tree.stat(parent) if parent else ROOT) or ROOT
            continue
        entry = tree.stat(posixpath.join(done.path, name))
        if entry is None or (entry.link is not None and not visible(entry)):
            return None
        if entry.link is None:
            if rest and not entry.is_dir:
                return None
            done = entry
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        done = ROOT if entry.link.startswith("/") else done
        rest.extend(entry.link.split("/")[::-1])
    return done


def _depth_first(entries: Mapping[str, Entry], skip: Skip | None) -> Iterator[Entry]:
    skipped: str | None = None
    for path in sorted(entries, key=lambda path: path.split("/")):
        if skipped is not None and path.startswith(skipped):
            continue
        yield entries[path]
        skipped = f"{path}/" if skip and entries[path].is_dir and skip(path) else None


@dataclass(frozen=True, slots=True)
class DirectoryTree:
    """The files below a directory, each as it is when it is first asked for."""

    root: Path
    _real: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)
    _entries: dict[str, Entry | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def entries(self, skip: Skip | None = None) -> Iterator[Entry]:
        """Walk the directory; what cannot be listed counts as empty."""
        pending = self._listing("")
        while pending:
            entry = pending.pop()
            yield entry
            if entry.is_dir and not (skip and skip(entry.path)):
                pending.extend(self._listing(entry.path))

    def _listing(self, directory: str) -> list[Entry]:
        """Return the entries of one directory, last name first."""
        try:
            with os.scandir(self.root / directory) as listing:
                names = sorted((item.name for item in listing), reverse=True)
        except OSError:
            return []
        found = (self._entry(posixpath.join(directory, name)) for name in names)
        return [entry for entry in found if entry]

    def _entry(self, path: str) -> Entry | None:
        if path not in self._entries:
            self._entries[path] = self._look(path)
        return self._entries[path]

    def _look(self, path: str) -> Entry | None:
        place = os.path.join(self.root, path)
        try:
            status = os.lstat(place)
            link = os.readlink(place) if modes.S_ISLNK(status.st_mode) else None
        except (OSError, ValueError):
            return None
        is_dir = modes.S_ISDIR(status.st_mode)
        return Entry(path, 0 if is_dir else status.st_size, status.st_mode, link, is_dir)

    def stat(self, path: str) -> Entry | None:
        """Return the entry at `path`, which no link may lead to."""
        return self._entry(path) if self._is_real(posixpath.dirname(path)) else None

    def _is_real(self, directory: str) -> bool:
        """Tell whether `directory` is one, and no link on the way to it."""
        if not directory:
            return True
        if directory not in self._real:
            entry = self._entry(directory) if self._is_real(posixpath.dirname(directory)) else None
            self._real[directory] = entry is not None and entry.is_dir
        return self._real[directory]

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file that can be read."""
        entry = self.stat(path)
        if entry is None or not modes.S_ISREG(entry.mode):
            return None
        try:
            return (self.root / path).read_bytes()
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class MemoryTree:
    """Files given by path and content; text is UTF-8 with surrogateescape."""

    files: Mapping[str, bytes | str]
    _entries: dict[str, Entry] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for path in self.files:
            size = len(self.read(path) or b"")
            self._entries[path] = Entry(path, size, modes.S_IFREG | 0o644)
        _add_parents(self._entries)

    def entries(self, skip: Skip | None = None) -> Iterator[Entry]:
        """Return the files and the directories that their paths imply."""
        return _depth_first(self._entries, skip)

    def stat(self, path: str) -> Entry | None:
        """Return the entry at `path`."""
        return self._entries.get(path)

    def read(self, path: str) -> bytes | None:
        """Return a file's content."""
        content = self.files.get(path)
        return content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content


def _add_parents(entries: dict[str, Entry]) -> None:
    for path in list(entries):
        while path := posixpath.dirname(path):
            entries.setdefault(path, Entry(path, 0, modes.S_IFDIR | 0o755, is_dir=True))


@dataclass(frozen=True, slots=True)
class GitTree:
    """A directory of one revision of a git repository, read by git; submodules are empty directories."""

    repository: Path
    revision: str
    subdirectory: str = ""
    _entries: dict[str, Entry] = field(default_factory=dict, init=False, repr=False, compare=False)
    _objects: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = f"{self.revision}:{self.subdirectory.strip('/')}"
        tree = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", named).decode().strip()
        listing = os.fsdecode(self._git("ls-tree", "-r", "-t", "-l", "-z", "--full-tree", tree))
        for line in listing.split("\0")[:-1]:
            details, path = line.split("\t", 1)
            mode, _, name, size = details.split()
            self._objects[path] = name
            self._entries[path] = self._entry(path, int(mode, 8), size)
        self._read_links()

    @staticmethod
    def _entry(path: str, mode: int, size: str) -> Entry:
        is_dir = modes.S_ISDIR(mode) or mode == _GIT_SUBMODULE
        return Entry(path, int(size) if size.isdigit() else 0, modes.S_IFDIR | 0o755 if is_dir else mode, None, is_dir)

    def _read_links(self) -> None:
        links = [path for path, entry in self._entries.items() if entry.mode == _GIT_LINK]
        asked = "".join(f"{self._objects[path]}\n" for path in links).encode()
        answer, at = self._git("cat-file", "--batch", stdin=asked) if links else b"", 0
        for path in links:
            at = answer.index(b"\n", at) + 1
            size = self._entries[path].size
            self._entries[path] = Entry(path, size, _GIT_LINK, os.fsdecode(answer[at : at + size]))
            at += size + 1

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        try:
            return git(self.repository, *arguments, stdin=stdin)
        except (OSError, subprocess.SubprocessError) as error:
            place = f"{self.revision}:{self.subdirectory}"
            raise UsageError(f"git cannot read {place}", str(self.repository)) from error

    def entries(self, skip: Skip | None = None) -> Iterator[Entry]:
        """Return what the revision holds."""
        return _depth_first(self._entries, skip)

    def stat(self, path: str) -> Entry | None:
        """Return the entry at `path`."""
        return self._entries.get(path)

    def read(self, path: str) -> bytes | None:
        """Return a file's content as it is committed."""
        entry = self._entries.get(path)
        if entry is None or not modes.S_ISREG(entry.mode):
            return None
        return self._git("cat-file", "blob", self._objects[path])
