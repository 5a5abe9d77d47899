"""Makes text from images and builds harmless to show: no control characters, and always encodable."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from click import unstyle

from ...verify.outcome import Side

Value = TypeVar("Value")


def printable(text: str) -> str:
    r"""Return `text` with all that has no glyph escaped: ``\n``, ``\u202e``, a byte that is no UTF-8 as ``\xff``."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def cleaned(value: Value) -> Value:
    """Return a finding with all text in it printable, at any depth; only logs keep their line ends."""
    return _cleaned(value)  # type: ignore[no-any-return]


def _cleaned(value: Any) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    if isinstance(value, Side):
        return replace(value, log=_log(value.log))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: _cleaned(getattr(value, item.name)) for item in fields(value)})
    return value


def _escaped(character: str) -> str:
    """Return a character's escape; surrogateescape has decoded the byte 0xff as U+DCFF."""
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _log(log: str) -> str:
    """Return a log without colours, and of a line that was written over only what a terminal would show last."""
    lines = (line.rstrip("\r").rpartition("\r")[2].expandtabs() for line in unstyle(log).rstrip().split("\n"))
    return "\n".join(map(printable, lines))
