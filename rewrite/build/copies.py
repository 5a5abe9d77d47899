"""COPY and ADD: which path of the build context ends where in the image."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from ..source.dockerfile import Instruction
from ..source.words import LexError, unquote, variables
from .context import Context
from .paths import inside, join, relative
from .stages import State


@dataclass(frozen=True, slots=True)
class Mapping:
    """One source of a COPY: the context path and the image path it becomes; directories as trees."""

    source: str
    destination: str
    is_dir: bool


@dataclass(frozen=True)
class Copy:
    """A COPY or ADD from the build context; `opaque` says why its effect is not known ("" if it is).

    `destination` is the image path it copies into; `wildcard` tells whether a source is a pattern.
    """

    instruction: Instruction
    destination: str | None
    mappings: tuple[Mapping, ...]
    wildcard: bool
    opaque: str

    def context_path(self, image_path: str) -> str | None:
        """Return where `image_path` comes from in the context if this COPY writes it; the last source wins."""
        for mapping in reversed(self.mappings):
            if mapping.is_dir:
                tail = relative(image_path, mapping.destination)
                if tail is not None:
                    return posixpath.normpath(posixpath.join(mapping.source, tail))
            elif image_path == mapping.destination:
                return mapping.source
        return None

    def below(self, image_path: str) -> tuple[str, ...]:
        """Return the context paths that this COPY puts at or below `image_path`."""
        found = []
        for mapping in self.mappings:
            tail = relative(image_path, mapping.destination) if mapping.is_dir else None
            if tail is not None:
                found.append(posixpath.normpath(posixpath.join(mapping.source, tail)))
            elif inside(mapping.destination, image_path):
                found.append(mapping.source)
        return tuple(found)

    def writes(self, context: Context) -> tuple[str, ...]:
        """Return the image paths this COPY writes: its files, and the entries of the directories it merges."""
        found = []
        for mapping in self.mappings:
            if not mapping.is_dir:
                found.append(mapping.destination)
                continue
            prefix = "" if mapping.source == "." else mapping.source + "/"
            names = {entry.path[len(prefix) :].split("/", 1)[0] for entry in context.files(mapping.source)}
            found.extend(posixpath.join(mapping.destination, name) for name in sorted(names))
        return tuple(found)


def from_context(instruction: Instruction) -> bool:
    """Tell whether `instruction` is a COPY or ADD that reads the build context."""
    return instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None and bool(instruction.words)


def read_copy(instruction: Instruction, state: State, context: Context) -> Copy:
    """Return what a COPY or ADD from the context (see `from_context`) writes where."""
    words = [_plain(word.text, instruction, state) for word in instruction.words]
    raw_destination = words[-1]
    destination = join(state.workdir, raw_destination) if raw_destination else None
    for name in ("parents", "exclude"):
        if instruction.flag(name):
            return Copy(instruction, destination, (), False, f"--{name} is in use")
    if instruction.heredocs:
        return Copy(instruction, destination, (), False, "it copies a heredoc")
    if destination is None or raw_destination is None:
        return Copy(instruction, None, (), False, "its destination depends on what is not known")
    sources = words[:-1]
    if not sources or None in sources:
        return Copy(instruction, destination, (), False, "a source depends on a variable")
    return _mapped(instruction, [source for source in sources if source], raw_destination, destination, context)


def _mapped(
    instruction: Instruction, sources: list[str], raw_destination: str, destination: str, context: Context
) -> Copy:
    if any(_is_remote(source) for source in sources):
        return Copy(instruction, destination, (), False, "a source is not in the context")
    wildcard = any(set(source) & set("*?[\\") for source in sources)
    into = raw_destination.endswith("/") or raw_destination in (".", "..") or raw_destination.endswith("/.")
    mappings = []
    for source in sources:
        clean = posixpath.normpath(source.lstrip("/") or ".")
        paths = context.glob(clean) if set(clean) & set("*?[\\") else (clean,)
        into = into or len(paths) > 1 or len(sources) > 1
        for path in paths:
            if context.is_dir(path):
                mappings.append(Mapping(path, destination, True))
            else:
                target = posixpath.join(destination, posixpath.basename(path)) if into else destination
                mappings.append(Mapping(path, target, False))
    return Copy(instruction, destination, tuple(mappings), wildcard, "")


def _plain(text: str, instruction: Instruction, state: State) -> str | None:
    if instruction.json is not None and not variables(text, instruction.escape):
        return text
    try:
        return unquote(text, instruction.escape, state.lookup)
    except LexError:
        return None


def _is_remote(source: str) -> bool:
    return source.startswith(("http://", "https://", "git://", "git@", "ssh://")) or source.endswith(".git")
