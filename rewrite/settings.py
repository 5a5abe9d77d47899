"""Settings: the nearest `dockerfix.toml` or `[tool.dockerfix]` above a Dockerfile, checked, with flags over it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, get_args

from .errors import ConfigError, UsageError
from .paths import shown

Builder = Literal["buildkit", "buildah", "kaniko", "legacy"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for; `root` is the directory of the configuration file, to which `exclude` is relative.

    An empty `select` means every rewrite. `context` is a path that can be opened from the current directory. `allow`
    holds shell patterns of what may differ between the images that `verify` compares. Without `mounts` no cache mount
    is added.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    review: bool = False
    context: str | None = None
    builder: Builder | None = None
    exclude: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    mounts: bool = True
    root: Path | None = None

    def enables(self, rewrite: str) -> bool:
        """Tell whether the rewrite of this name is to run."""
        return rewrite not in self.ignore and (not self.select or rewrite in self.select)

    def excludes(self, path: Path) -> bool:
        """Tell whether a file found by searching is left out; a pattern without `/` matches any part of its path."""
        absolute = Path(os.path.abspath(path))
        if self.root is None or not absolute.is_relative_to(self.root):
            return False
        relative = absolute.relative_to(self.root)
        parts = [part for part in (relative, *relative.parents) if part.name]
        return any(
            fnmatchcase(part.as_posix() if "/" in pattern.rstrip("/") else part.name, pattern.strip("/"))
            for pattern in self.exclude
            for part in parts
        )


KEYS = tuple(f.name for f in fields(Settings) if f.name != "root")


@dataclass(frozen=True, slots=True)
class _Source:
    """A configuration file; tomllib keeps no positions, so lines are searched for when an error needs one."""

    path: Path
    text: str
    table: str

    def line(self, key: str, value: str = "") -> int:
        """Return the line of `key` in the table (of `value` at or after it, where that is found), 0 if unknown."""
        at = 0
        current = ""
        for number, line in enumerate(self.text.split("\n"), 1):
            if header := re.match(r"\s*\[([^\[\]]+)\]", line):
                current = ".".join(part.strip(" \t\"'") for part in header[1].split("."))
            is_key = re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line)
            if (current == self.table and is_key) or current == f"{self.table}.{key}".lstrip("."):
                at = at or number
            if at and value and re.search(rf"[\"']{re.escape(value)}[\"']", line):
                return number
        return at

    def error(self, message: str, key: str, value: str = "", hint: str = "") -> ConfigError:
        """Return the error of `key`, with its place."""
        return ConfigError(message, shown(self.path), self.line(key, value), hint)


def load(directory: Path) -> Settings:
    """Return the settings for Dockerfiles in `directory`; raise `ConfigError` where the nearest file is wrong."""
    start = Path(os.path.abspath(directory))
    for parent in (start, *start.parents):
        for name in ("dockerfix.toml", "pyproject.toml"):
            found = _read(parent / name)
            if found is not None:
                return _settings(*found)
    return Settings()


def known_rewrites() -> tuple[str, ...]:
    """Return the names of all rewrites; imported only when a name has to be checked."""
    from .rewrites import discover

    return tuple(module.NAME for module in discover())


def check_names(option: str, names: Iterable[str]) -> None:
    """Raise `UsageError` if a name given to the command line's `option` is no rewrite's."""
    wanted = tuple(names)
    known = known_rewrites() if wanted else ()
    for name in wanted:
        if name not in known:
            raise UsageError(f"{option}: there is no rewrite named {name!r}", hint=did_you_mean(name, known))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return a hint that names what is closest to `word`, or else all that is known."""
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(sorted(known))}"


def _read(path: Path) -> tuple[_Source, dict[str, Any]] | None:
    """Return the file and its settings' table, or None if it has none."""
    in_pyproject = path.name == "pyproject.toml"
    try:
        data = path.read_bytes()
        # Somebody else's broken pyproject.toml, far above the Dockerfile, is no concern of ours.
        if in_pyproject and b"dockerfix" not in data:
            return None
        text = data.decode()
        document = tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", shown(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8", shown(path), data.count(b"\n", 0, error.start) + 1) from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\s*\(at line (\d+), column \d+\)$", str(error))
        message = str(error)[: place.start()] if place else str(error)
        raise ConfigError(f"is not TOML: {message}", shown(path), int(place[1]) if place else 0) from error
    if not in_pyproject:
        return _Source(path, text, ""), document
    tool = document.get("tool", {})
    if not isinstance(tool, dict) or "dockerfix" not in tool:
        return None
    source = _Source(path, text, "tool.dockerfix")
    if not isinstance(tool["dockerfix"], dict):
        raise ConfigError("tool.dockerfix must be a table", shown(path))
    return source, tool["dockerfix"]


def _settings(source: _Source, table: dict[str, Any]) -> Settings:
    """Check every key and value of the table."""
    for key, value in table.items():
        if key not in KEYS:
            raise source.error(f"there is no setting named {key!r}", key, hint=did_you_mean(key, KEYS))
        _CHECKS[key](source, key, value)
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    root = source.path.parent
    if "context" in values:
        values["context"] = shown(root / values["context"])
    return Settings(**values, root=root)


def _check_flag(source: _Source, key: str, value: object) -> None:
    if not isinstance(value, bool):
        raise source.error(f"{key} must be true or false", key)


def _check_strings(source: _Source, key: str, value: object) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise source.error(f"{key} must be a list of strings", key)


def _check_rewrites(source: _Source, key: str, value: object) -> None:
    _check_strings(source, key, value)
    assert isinstance(value, list)
    known = known_rewrites() if value else ()
    for name in value:
        if name not in known:
            hint = did_you_mean(name, known)
            raise source.error(f"{key}: there is no rewrite named {name!r}", key, name, hint)


def _check_context(source: _Source, key: str, value: object) -> None:
    if not isinstance(value, str):
        raise source.error(f"{key} must be a string", key)
    if not (source.path.parent / value).is_dir():
        raise source.error(f"{key}: there is no directory {value!r} beside this file", key)


def _check_builder(source: _Source, key: str, value: object) -> None:
    builders = get_args(Builder)
    if value not in builders:
        hint = did_you_mean(value, builders) if isinstance(value, str) else ""
        raise source.error(f"{key} must be one of {', '.join(builders)}", key, hint=hint)


_CHECKS: dict[str, Callable[[_Source, str, object], None]] = {
    "select": _check_rewrites,
    "ignore": _check_rewrites,
    "review": _check_flag,
    "mounts": _check_flag,
    "context": _check_context,
    "builder": _check_builder,
    "exclude": _check_strings,
    "allow": _check_strings,
}
