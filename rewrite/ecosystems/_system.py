"""What the system's package managers share: packages as words, files that a command names, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from ..build.paths import SYSTEM, join
from ..build.runs import Step
from ..model import Declined
from ..source.shell import Word
from . import Read, Site, Write

# What images of docker-library set for their own build tools: php's Dockerfiles, `ENV PHPIZE_DEPS`.
_PACKAGE_LISTS = frozenset({"PHPIZE_DEPS"})
Line = TypeVar("Line", bound="_Installing")


def package_words(step: Step) -> list[str | None]:
    """Return the words of a command, with packages as written whose version is a pattern or a variable.

    So are ``curl=8.*`` and ``node=$VERSION``, and lists of packages that only a base image sets.
    """
    return [
        value or _package(step, word) if value != "" else value
        for value, word in zip(step.words, step.simple.words, strict=True)
    ]


def _package(step: Step, word: Word) -> str | None:
    first = word.parts[0] if word.parts else None
    if first and first.kind == "literal" and not first.text.startswith("-"):
        return word.raw
    name = word.raw.strip('"').removeprefix("$").strip("{}")
    return word.raw if name in _PACKAGE_LISTS and name not in step.env else None


class _Installing(Protocol):
    """A command line that may install."""

    @property
    def installs(self) -> bool:
        """Whether it may fetch packages."""


class _WithOptions(Protocol):
    """A command line with its options."""

    @property
    def options(self) -> Mapping[str, object]:
        """The options that it has, by name."""


def lines_of(site: Site, read: Callable[[Step], Line | None]) -> list[tuple[Step, Line]]:
    """Return the package manager's commands of a RUN for its first install, which speaks for all; else nothing."""
    own = read(site.step)
    if own is None or not own.installs:
        return []
    lines = [(step, line) for step in site.run.steps if (line := read(step))]
    return lines if site.step is next(step for step, line in lines if line.installs) else []


def none_moved(site: Site, lines: Iterable[tuple[Step, _WithOptions]], moved: Mapping[str, str]) -> None:
    """Raise Declined where a command has one of the options that move or change the cache, each with what it does."""
    for step, line in lines:
        for option in sorted(line.options.keys() & moved.keys()):
            raise Declined(f"{option}: {moved[option]}", site.build.step_place(site.run, step))


def file_named(step: Step, value: str, why: str) -> Read:
    """Return the read of a file or directory that a command names; raises Declined where its place is not known."""
    path = join(step.cwd, value.removeprefix("file://"))
    if path is None or set(path) & set("*?[$"):
        raise Declined(f"where {value} lies is not known")
    return Read(path, why, required=True)


def is_remote(value: str) -> bool:
    """Tell whether a repository or a package is not on this machine."""
    return "://" in value and not value.startswith("file:")


def system_writes(root: str | None = None, step: Step | None = None) -> Iterator[Write]:
    """Yield what packages and their scripts write: the system's directories, and another root that an option names.

    Raises Declined where that root is not known.
    """
    yield from (Write(path, "packages and their scripts") for path in SYSTEM)
    if root is not None and step is not None:
        path = join(step.cwd, root)
        if path is None or path == "/":
            raise Declined(f"where {root} lies is not known")
        yield Write(path, "the system that is installed there", local=False)
