"""Writes changed files in place: each atomically, byte for byte, and only over the text that was read."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import UsageError
from .model import Change


def write(changes: Iterable[Change]) -> None:
    """Write the files of one result, ignore files first; raise `UsageError` with the path where one cannot be.

    The order matters if the run dies in between: a new ignore file under the old Dockerfile takes nothing out that
    the old Dockerfile needs, whereas a new Dockerfile may count on the new ignore file. That no file was changed by
    somebody else is asked for all of them before the first is touched.
    """
    ordered = sorted(changes, key=lambda change: (not change.path.endswith("ignore"), change.path))
    needed = [change for change in ordered if _is_needed(change)]
    for change in needed:
        with _told(change.path):
            _replace(Path(change.path), encode(change.after))


def encode(text: str) -> bytes:
    """Return the bytes that `text` was decoded from, valid UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the system refuses into an error that names the user's file, not a temporary one."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", path) from error


def _is_needed(change: Change) -> bool:
    """Tell whether the file still holds the old text; raise `UsageError` if it holds neither the old nor the new one.

    It may hold the new one already: two Dockerfiles with one ignore file can bring it to the same text.
    """
    path = Path(change.path)
    with _told(change.path):
        current = path.read_bytes() if path.exists() else None
    if current == encode(change.after):
        return False
    if current != (None if change.before is None else encode(change.before)):
        raise UsageError("was changed while dockerfix ran; nothing written", change.path, hint="run dockerfix again")
    return True


def _replace(path: Path, data: bytes) -> None:
    """Put `data` into a new file beside `path` (or beside what it links to) and rename that over it."""
    target = Path(os.path.realpath(path))
    old = target.stat() if target.exists() else None
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    mode = stat.S_IMODE(old.st_mode) if old else 0o666
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if old:
            _keep_owner(temporary, old)
            temporary.chmod(mode)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _keep_owner(path: Path, old: os.stat_result) -> None:
    """Give `path` the owner of the file that it replaces, where this user may."""
    if sys.platform != "win32" and (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):
            os.chown(path, old.st_uid, old.st_gid)
