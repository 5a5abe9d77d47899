"""One layer of an image, read from its tar stream, and the file system that layers make together."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import IO

CHUNK = 1 << 20
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
TYPES = {
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "fifo",
}
XATTR = "SCHILY.xattr."
# A .pyc of Python 3.7 and later: magic number, flags, source time, source size. Flags of 0 mean "checked by time".
PYC_HEADER = 16
PYC_FLAGS, PYC_TIME = slice(4, 8), slice(8, 12)
# What uv notes beside a package that it built: when its sources last changed there. RECORD has the hash of that file.
UV_TIMES = {
    ".dist-info/uv_cache.json": re.compile(rb'("(?:secs|nanos)_since_epoch":)[0-9]+'),
    ".dist-info/RECORD": re.compile(rb"^([^\n]*\.dist-info/uv_cache\.json,)[^\n]*", re.MULTILINE),
}


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of an image, without its times.

    `link` is a symlink's target or a device's numbers. `timeless` is the hash of a file that notes when its sources
    changed (``.pyc``, uv's) with that time left out, empty for every other file.
    """

    type: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    link: str = ""
    sha256: str = ""
    timeless: str = ""
    xattrs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer adds, what it removes with all that is below, and the directories that it empties first."""

    entries: tuple[tuple[str, FileEntry], ...]
    removed: frozenset[str]
    emptied: frozenset[str]


def read_layer(stream: IO[bytes]) -> Layer:
    """Read a layer from a tar stream, plain or compressed by gzip, bzip2 or xz; file contents are hashed, not kept."""
    entries: dict[str, FileEntry] = {}
    removed: set[str] = set()
    emptied: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r|*", bufsize=CHUNK, encoding="utf-8", errors="surrogateescape") as tar:
        for member in tar:
            tar.members = []  # type: ignore[attr-defined]  # tarfile remembers each member otherwise
            path = absolute(member.name)
            directory, _, name = path.rpartition("/")
            if name == OPAQUE:
                emptied.add(directory or "/")
            elif name.startswith(WHITEOUT + WHITEOUT):
                continue  # aufs's own bookkeeping
            elif name.startswith(WHITEOUT):
                removed.add(f"{directory}/{name.removeprefix(WHITEOUT)}")
            else:
                entries[path] = _entry(tar, member, path, entries)
    return Layer(tuple(entries.items()), frozenset(removed), frozenset(emptied))


def absolute(name: str) -> str:
    """Return the path that an archive member's name stands for: ``./usr/bin/`` is ``/usr/bin``."""
    return "/" + name.removeprefix("./").strip("/") if name not in (".", "./") else "/"


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, seen: dict[str, FileEntry]) -> FileEntry:
    """Return what is kept of a member; a hard link to a file of the same layer is that file once more."""
    kind = TYPES.get(member.type, "file")
    if kind == "hard link" and (same := seen.get(absolute(member.linkname))) is not None:
        return same
    xattrs = tuple(sorted((key, value) for key, value in member.pax_headers.items() if key.startswith(XATTR)))
    entry = FileEntry(kind, member.mode & 0o7777, member.uid, member.gid, xattrs=xattrs)
    if kind in ("symlink", "hard link"):
        return replace(entry, link=member.linkname)
    if kind.endswith("device"):
        return replace(entry, link=f"{member.devmajor}:{member.devminor}")
    if kind != "file":
        return entry
    content = tar.extractfile(member)
    assert content is not None
    times = next((pattern for ending, pattern in UV_TIMES.items() if path.endswith(ending)), None)
    sha256, timeless = _uv_hashes(content.read(), times) if times else _hashes(content, path.endswith(".pyc"))
    return replace(entry, size=member.size, sha256=sha256, timeless=timeless)


def _hashes(content: IO[bytes], is_pyc: bool) -> tuple[str, str]:
    """Return the hash of `content`, and for byte code that is checked by time the hash without that time."""
    whole = hashlib.sha256()
    head = content.read(PYC_HEADER) if is_pyc else b""
    whole.update(head)
    timed = len(head) == PYC_HEADER and not any(head[PYC_FLAGS])
    timeless = hashlib.sha256(head[: PYC_TIME.start] + head[PYC_TIME.stop :])
    while chunk := content.read(CHUNK):
        whole.update(chunk)
        if timed:
            timeless.update(chunk)
    return whole.hexdigest(), timeless.hexdigest() if timed else ""


def _uv_hashes(content: bytes, times: re.Pattern[bytes]) -> tuple[str, str]:
    """Return the hash of `content`, and where it notes a time the hash without that."""
    timeless, found = times.subn(rb"\1", content)
    return hashlib.sha256(content).hexdigest(), hashlib.sha256(timeless).hexdigest() if found else ""


def flatten(layers: Iterable[Layer]) -> dict[str, FileEntry]:
    """Return the files that layers make, the lowest first; a layer's whiteouts concern the layers below it only."""
    files: dict[str, FileEntry] = {}
    for layer in layers:
        replaced = {
            path
            for path, entry in layer.entries
            if path in files and files[path].type == "directory" and entry.type != "directory"
        }
        gone = layer.removed | replaced
        if gone or layer.emptied:
            files = {path: entry for path, entry in files.items() if not _is_gone(path, gone, layer.emptied)}
        for path, entry in layer.entries:
            files[path] = files.get(absolute(entry.link), entry) if entry.type == "hard link" else entry
    return files


def _is_gone(path: str, removed: frozenset[str], emptied: frozenset[str]) -> bool:
    """Tell whether a whiteout hides `path`: its own or one of its parents'."""
    if path in removed:
        return True
    parent = path
    while parent != "/":
        parent = parent.rpartition("/")[0] or "/"
        if parent in removed or parent in emptied:
            return True
    return False
