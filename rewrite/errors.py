"""Errors that a user can cause; each carries the place and ends the run with exit code 2.

DockerfixError
├── UsageError      a wrong option or path
├── ConfigError     a wrong pyproject.toml or dockerfix.toml
└── SourceError     a Dockerfile or ignore file that cannot be read or parsed
"""

from __future__ import annotations


class DockerfixError(Exception):
    """A mistake in use or input: `path` and `line` (1-based, 0 when unknown) say where, `hint` what to do."""

    def __init__(self, message: str, path: str = "", line: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}: " if self.path and self.line else f"{self.path}: " if self.path else ""
        return f"{place}{self.message}"


class UsageError(DockerfixError):
    """A wrong option or path."""


class ConfigError(DockerfixError):
    """A configuration file that cannot be read, or that says something unknown."""


class SourceError(DockerfixError):
    """A file that cannot be read, decoded or parsed."""
