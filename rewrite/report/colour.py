"""Colour on the terminal, by the conventions that users know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def wanted(choice: str, stream: IO[Any], environ: Mapping[str, str]) -> bool:
    """Decide on colour: `--color` first, then NO_COLOR, FORCE_COLOR, TERM=dumb and whether `stream` is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR") or environ.get("CLICOLOR_FORCE"):
        return True
    return environ.get("TERM") != "dumb" and stream.isatty()


def paint(text: str, style: str, colour: bool) -> str:
    """Return `text` in `style` (`bold`, `green`, …) if `colour` is wanted, else as it is."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if colour else text
