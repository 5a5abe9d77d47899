"""Tells what a rewrite did from what any second build does: the causes that a comparison of two images cannot know."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from ..build.context import Context
from ..model import Change
from .compare import ALLOWED, MOUNTED, NOISE, Comparison, Difference, compare
from .image import Image
from .layers import FileEntry

# Tokens that programs draw at random or by time; two names that differ in them alone are of one kind.
_RANDOM = re.compile(r"[0-9a-fA-F]{8,}|\d+")


class Explainer:
    """Compares images of one project before and after its `changes`.

    `old` is the build context as it was; `ignore` the text of the ignore file that the changes write, None if they
    write none; `noise` what differs between two builds of the original; `allow` holds shell patterns of image paths;
    `mounts` are the targets of mounts above which the engine leaves empty directories.
    """

    def __init__(
        self,
        old: Context,
        changes: Sequence[Change],
        ignore: str | None,
        noise: Comparison,
        allow: Collection[str],
        mounts: Collection[str] = (),
    ) -> None:
        self._changes = changes
        self._left_out = {} if ignore is None else _left_out(old, old.with_ignore(ignore))
        self._noise = {(item.path, item.what) for item in noise.differences}
        self._kinds = {_kind(item) for item in noise.differences if item.what in ("missing", "extra")}
        self._allow = tuple(allow)
        self._above_mounts = frozenset(parent for target in mounts for parent in _parents(target))

    def __call__(self, before: Image, after: Image, edit: str = "") -> tuple[Difference, ...]:
        """Return all differences with their causes; `edit` names what was edited in both projects before."""
        comparison = compare(
            before,
            after,
            allowed_missing=self._missing(before, after),
            rewritten=_rewritten(before.files, after.files, self._changes),
        )
        left = self._left(after)
        return tuple(
            replace(item, cause=item.cause or self._cause(item) or self._mounted(item, left), edit=edit)
            for item in comparison.differences
        )

    def _left(self, after: Image) -> frozenset[str]:
        """Return the directories above a mount that hold nothing else, and lie in one that is root's as they are."""
        files = after.files
        found = {
            path
            for path in self._above_mounts & files.keys()
            if _is_root_directory(files[path]) and _is_root_directory(files.get(posixpath.dirname(path)))
        }
        full = {parent for path in files.keys() - found for parent in _parents(path)}
        return frozenset(found - full)

    def _mounted(self, item: Difference, left: frozenset[str]) -> str | None:
        return MOUNTED if item.what == "extra" and item.path in left else None

    def _cause(self, item: Difference) -> str | None:
        """Return the cause that lies outside of the two images, None if there is none."""
        if (item.path, item.what) in self._noise:
            return NOISE
        if item.what in ("missing", "extra") and _kind(item) in self._kinds:
            return NOISE
        return ALLOWED if any(fnmatchcase(item.path, pattern) for pattern in self._allow) else None

    def _missing(self, before: Image, after: Image) -> frozenset[str]:
        """Return the paths that are gone because the ignore file leaves them out now.

        A file is known by its name and its content, so that no list of copies has to be believed; a directory goes
        with all that was in it.
        """
        gone = [path for path in before.files if path not in after.files] if self._left_out else []
        explained: set[str] = set()
        kept = {parent for path in before.files.keys() - gone for parent in _parents(path)}
        for path in sorted(gone, reverse=True):
            entry = before.files[path]
            known = self._left_out.get(posixpath.basename(path), frozenset())
            if entry.type == "directory":
                below = [other for other in gone if other.startswith(f"{path}/")]
                if path not in kept and DIRECTORY in known and explained.issuperset(below):
                    explained.add(path)
            elif _identity(entry) in known:
                explained.add(path)
        return frozenset(explained)


DIRECTORY = "directory"


def _identity(entry: FileEntry) -> str:
    """Return what a file is known by: its content, or the target of a link."""
    return f"-> {entry.link}" if entry.type == "symlink" else entry.sha256


def _left_out(old: Context, new: Context) -> Mapping[str, frozenset[str]]:
    """Return the identities of what only the old context sends, by the last name of the path."""
    found: dict[str, set[str]] = {}
    for entry in old.files():
        if new.exists(entry.path):
            continue
        content = old.tree.read(entry.path)
        link = f"-> {entry.link}" if entry.link is not None else ""
        identity = link or hashlib.sha256(content or b"").hexdigest()
        found.setdefault(posixpath.basename(entry.path), set()).add(identity)
        for parent in _parents("/" + entry.path):
            if not new.exists(parent.lstrip("/")):
                found.setdefault(posixpath.basename(parent), set()).add(DIRECTORY)
    for entry in old.tree.entries(old.ignore.prunes if old.ignore else None):
        if entry.is_dir and old.exists(entry.path) and not new.exists(entry.path):
            found.setdefault(posixpath.basename(entry.path), set()).add(DIRECTORY)
    return {name: frozenset(identities) for name, identities in found.items()}


def _parents(path: str) -> Iterable[str]:
    """Yield the directories above an absolute path, the nearest first, without the root."""
    while (path := posixpath.dirname(path)) not in ("/", ""):
        yield path


def _is_root_directory(entry: FileEntry | None) -> bool:
    """Tell whether an entry is a directory of root's; the root of the image may have no entry."""
    return entry is None or (entry.type == "directory" and entry.uid == entry.gid == 0)


def _rewritten(
    before: Mapping[str, FileEntry], after: Mapping[str, FileEntry], changes: Iterable[Change]
) -> frozenset[str]:
    """Return the paths where the old text of a changed file became its new text."""
    pairs = {
        (_digest(change.before), _digest(change.after)): posixpath.basename(change.path)
        for change in changes
        if change.before is not None
    }
    return frozenset(
        path
        for path, entry in before.items()
        if (now := after.get(path)) and pairs.get((entry.sha256, now.sha256)) == posixpath.basename(path)
    )


def _digest(text: str) -> str:
    """Return the hash of a text's bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _kind(item: Difference) -> tuple[str, str]:
    """Return what two files with drawn names have in common."""
    return item.what, _RANDOM.sub("*", item.path)
