"""Paths inside the image. ``%`` stands for the base image's working directory where it is not known."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

BASE = "%"

# What the system's package managers and language installers write to or read as a whole.
SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys"),
    *("/usr/bin", "/usr/games", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/local"),
    *("/usr/sbin", "/usr/share"),
    *("/var/backups", "/var/cache", "/var/lib", "/var/log", "/var/mail", "/var/spool"),
)
# Directories that are there with or without a cache below them.
ALWAYS_THERE = re.compile(r"/|/root|/home(?:/[^/]+)?|/tmp|/usr(?:/local)?|/var(?:/cache|/lib(?:/apt)?)?")


def join(workdir: str | None, path: str) -> str | None:
    """Return `path` as seen from `workdir`, normalised; None where that cannot be known."""
    if path.startswith("/"):
        return posixpath.normpath("/" + path.lstrip("/"))
    if workdir is None:
        return None
    joined = posixpath.normpath(posixpath.join(workdir, path))
    return joined if joined == BASE or joined.startswith(("/", f"{BASE}/")) else None


def inside(path: str, directory: str) -> bool:
    """Tell whether `path` is `directory` or lies below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Return `paths` without repetitions, and without those that lie below another one."""
    found = dict.fromkeys(paths)
    return tuple(path for path in found if not any(inside(path, other) for other in found if other != path))


def relative(path: str, directory: str) -> str | None:
    """Return `path` relative to `directory` ("" for itself), or None if it is not inside."""
    if path == directory:
        return ""
    prefix = directory.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def overlap(first: str, second: str) -> bool:
    """Tell whether one of two trees may contain the other.

    A path below an unknown working directory may be anywhere but in the system's own directories.
    """
    if first.startswith(BASE) != second.startswith(BASE):
        unknown, known = (first, second) if first.startswith(BASE) else (second, first)
        return unknown == BASE or not any(inside(known, directory) for directory in SYSTEM)
    return inside(first, second) or inside(second, first)
