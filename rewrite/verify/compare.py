"""Are two images the same? Every difference is listed, and those that two builds of one file show anyway are named.

Times are not compared, nor those that byte code and uv's notes of its builds hold. What is explained is what a second
build of an unchanged Dockerfile was seen to change, and the caches of package managers, which nobody asks an image for.
The files of a package database and the installed files themselves have to be equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from .. import ecosystems
from ..build.secrets import is_secret_name
from .image import Image
from .layers import FileEntry

BYTE_CODE = "byte-code cache"
TIME = "the time of the sources, which uv notes"
DATABASE = "package database"
LOG = "log"
CACHE = "package manager cache"
TEMPORARY = "temporary file of a package manager"
NOISE = "differs between two builds of the original"
ALLOWED = "allowed by the configuration"
IGNORED = "left out by .dockerignore"
REWRITTEN = "the rewritten file itself"
MOUNTED = "an empty directory that this engine leaves above a mount"

# Where HOME is, nobody can tell from an image; the names below it have one meaning everywhere.
HOME = r"(?:/[^/]+)+"


def _caches() -> Iterator[str]:
    """Yield what matches the paths in the caches that package managers only fill again, or share among themselves."""
    for path in _cache_paths():
        yield HOME + re.escape(path[1:]) + "(?:/|$)" if path.startswith("~/") else re.escape(path) + "/"


def _holders() -> Iterator[str]:
    """Yield what matches the directories between HOME and a cache, and those of a cache that hides elsewhere."""
    for path in _cache_paths():
        parts = path.split("/")
        if path.startswith("~/"):
            for depth in range(2, len(parts)):
                yield HOME + re.escape("/" + "/".join(parts[1:depth])) + "$"
        else:
            for depth in range(1, len(parts) + 1):
                if any(part.startswith(".") for part in parts[:depth]):  # yarn's, for root
                    yield re.escape("/".join(parts[:depth])) + "$"


def _cache_paths() -> set[str]:
    return {place.path for tool in ecosystems.tools() for place in tool.caches if place.kind != "C"}


def _leftovers() -> Iterator[str]:
    """Yield what matches the paths that tools leave behind under names that are never the same."""
    yield from (f"(?:{one})(?:/|$)" for tool in ecosystems.tools() for one in tool.leftovers)


# Contents of these differ from build to build; a trailing "/" means everything below, and never the directory itself.
EXPLAINED = (
    (LOG, re.compile(rf"/var/log/|{HOME}/\.npm/_logs(?:/|$)")),
    (DATABASE, re.compile(r"/var/lib/dpkg/[^/]+-old$|/var/cache/debconf/[^/]+-old$|/var/cache/ldconfig/aux-cache$")),
    (CACHE, re.compile("|".join(_caches()))),
    (TEMPORARY, re.compile("|".join(_leftovers()))),
)
# Directories that only exist to hold such a cache: theirs is the cause of what is in them, if nothing else is.
HOLDER = re.compile("|".join(_holders()))
# Only whether a file is there, and with what in it, is explained; a wrong mode or owner in a log directory is wrong.
EXPLICABLE = frozenset({"missing", "extra", "content", "link"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs at `path` (a setting is at ``config.env`` and the like); `cause` is None if unexplained.

    `what` is missing (only in the image before), extra, type, mode, owner, content, link, xattrs or value. `edit` names
    the edit (a scenario) behind which it shows, empty for the project as it is.
    """

    path: str
    what: str
    before: str
    after: str
    cause: str | None = None
    edit: str = ""

    def __str__(self) -> str:
        shown = f"{self.path}: {self.what}: {self.before or '-'} -> {self.after or '-'}"
        notes = [f"after {self.edit}"] if self.edit else []
        notes += [self.cause] if self.cause else []
        return f"{shown} ({', '.join(notes)})" if notes else shown


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences between two images, in the order of their paths."""

    differences: tuple[Difference, ...]

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """The differences that make the images not the same."""
        return tuple(difference for difference in self.differences if difference.cause is None)

    @property
    def equivalent(self) -> bool:
        """Tell whether the images are the same but for explained differences."""
        return not self.unexplained


def compare(
    before: Image,
    after: Image,
    *,
    allowed_missing: frozenset[str] = frozenset(),
    rewritten: frozenset[str] = frozenset(),
) -> Comparison:
    """Compare two images.

    `allowed_missing` are the image paths that a new .dockerignore line was said to take out, `rewritten`
    those where a COPY brings a rewritten file (the Dockerfile, the ignore file) along.
    """
    found = (
        replace(item, cause=REWRITTEN)
        if item.cause is None and item.what == "content" and item.path in rewritten
        else item
        for item in _file_differences(before, after, allowed_missing)
    )
    return Comparison((*_config_differences(before, after), *found))


def _config_differences(before: Image, after: Image) -> Iterator[Difference]:
    """Yield the settings that differ; of a mapping, each entry for itself."""
    for item in fields(before.config):
        old, new = getattr(before.config, item.name), getattr(after.config, item.name)
        if item.name in ("env", "labels"):
            for key in sorted(old.keys() | new.keys()):
                if old.get(key) != new.get(key):
                    values = old.get(key, ""), new.get(key, "")
                    shown = ["a secret" if is_secret_name(key) and value else value for value in values]
                    yield Difference(f"config.{item.name}.{key}", "value", *shown)
        elif old != new:
            yield Difference(f"config.{item.name}", "value", _shown(old), _shown(new))


def _shown(value: object) -> str:
    """Return a setting as text; sets in a stable order, an absent one as nothing."""
    if value is None:
        return ""
    return ", ".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _file_differences(before: Image, after: Image, allowed: frozenset[str]) -> Iterator[Difference]:
    """Yield the files that differ, in the order of their paths."""
    holders = _cache_holders(before) | _cache_holders(after)
    for path in sorted(before.files.keys() | after.files.keys()):
        old, new = before.files.get(path), after.files.get(path)
        if old == new:
            continue
        if old is None or new is None:
            what = "missing" if new is None else "extra"
            cause = IGNORED if new is None and path in allowed else _cause(path, what, holders)
            yield Difference(path, what, _described(old), _described(new), cause)
        else:
            yield from _entry_differences(path, old, new, holders)


def _described(entry: FileEntry | None) -> str:
    """Return a short description of a file for the reader of a report."""
    if entry is None:
        return ""
    return f"{entry.type} {entry.mode:04o} {entry.uid}:{entry.gid}" + (f" -> {entry.link}" if entry.link else "")


def _entry_differences(path: str, old: FileEntry, new: FileEntry, holders: frozenset[str]) -> Iterator[Difference]:
    """Yield what differs between two files of the same path."""
    if old.type != new.type:
        yield Difference(path, "type", _described(old), _described(new))
        return
    if old.mode != new.mode:
        # The directories above a mount are made 0755; some tools make ~/.cache 0700.
        is_holder = old.type == "directory" and HOLDER.match(path) is not None
        cause = CACHE if is_holder and {old.mode, new.mode} == {0o700, 0o755} else None
        yield Difference(path, "mode", f"{old.mode:04o}", f"{new.mode:04o}", cause)
    if (old.uid, old.gid) != (new.uid, new.gid):
        yield Difference(path, "owner", f"{old.uid}:{old.gid}", f"{new.uid}:{new.gid}")
    if old.link != new.link:
        yield Difference(path, "link", old.link, new.link, _cause(path, "link", holders))
    if old.xattrs != new.xattrs:
        yield Difference(path, "xattrs", str(dict(old.xattrs)), str(dict(new.xattrs)))
    if old.sha256 != new.sha256:
        only_time = bool(old.timeless) and old.timeless == new.timeless
        noted = BYTE_CODE if path.endswith(".pyc") else TIME
        cause = noted if only_time else _cause(path, "content", holders)
        yield Difference(path, "content", f"{old.size} bytes", f"{new.size} bytes", cause)


def _cause(path: str, what: str, holders: frozenset[str]) -> str | None:
    """Return why a difference is to be expected at `path`, None if it is not."""
    if what not in EXPLICABLE:
        return None
    return CACHE if path in holders else _named(path)


def _named(path: str) -> str | None:
    """Return the cause that the path alone names."""
    return next((cause for cause, pattern in EXPLAINED if pattern.match(path)), None)


def _cache_holders(image: Image) -> frozenset[str]:
    """Return the directories of an image in which there is a package manager's cache and nothing else."""
    holders = {path for path, entry in image.files.items() if entry.type == "directory" and HOLDER.match(path)}
    if not holders:
        return frozenset()
    inside = re.compile("|".join(re.escape(path) + "/" for path in sorted(holders)))
    held: set[str] = set()
    other: set[str] = set()
    for path in image.files:
        if path in holders or not inside.match(path):
            continue
        parents = {holder for holder in holders if path.startswith(holder + "/")}
        (held if _named(path) else other).update(parents)
    return frozenset(held - other)
