"""Paths inside the image. ``%`` stands for the base image's working directory where it is not known."""

from __future__ import annotations

import posixpath

BASE = "%"

# What the system's package managers and language installers write to or read as a whole.
SYSTEM = tuple(
    "/bin /boot /dev /etc /lib /lib32 /lib64 /libx32 /proc /run /sbin /sys /usr/bin /usr/games /usr/include /usr/lib"
    " /usr/lib32 /usr/lib64 /usr/libexec /usr/local /usr/sbin /usr/share /var/backups /var/cache /var/lib /var/log"
    " /var/mail /var/spool".split()
)


def join(workdir: str | None, path: str) -> str | None:
    """Return `path` as seen from `workdir`, normalised; None where that cannot be known."""
    if path.startswith("/"):
        return posixpath.normpath("/" + path.lstrip("/"))
    if workdir is None:
        return None
    joined = posixpath.normpath(posixpath.join(workdir, path))
    return None if joined.startswith("..") or joined == "." else joined


def inside(path: str, directory: str) -> bool:
    """Tell whether `path` is `directory` or lies below it."""
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def relative(path: str, directory: str) -> str | None:
    """Return `path` relative to `directory` ("" for itself), or None if it is not inside."""
    if path == directory:
        return ""
    prefix = directory.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) else None


def overlap(first: str, second: str) -> bool:
    """Tell whether one of two trees contains the other; an unknown working directory is taken for ``/``."""
    a, b = _plain(first), _plain(second)
    return inside(a, b) or inside(b, a)


def _plain(path: str) -> str:
    return posixpath.normpath("/" + path[len(BASE) :].lstrip("/")) if path.startswith(BASE) else path
