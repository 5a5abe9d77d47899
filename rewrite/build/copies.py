"""COPY and ADD: which path of the build context ends where in the image."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..source.dockerfile import Instruction
from ..source.words import LexError, unquote
from .context import Context
from .paths import inside, join, relative
from .stages import State


@dataclass(frozen=True, slots=True)
class Mapping:
    """One source of a COPY: the context path and the image path it becomes; directories as trees.

    A file has two where its destination may be a directory of the image.
    """

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

    def word(self, path: str) -> str | None:
        """Return how a COPY with --parents into the same directory names the context path `path`, None if it cannot.

        What stands before a ``/./`` is not made in the image.
        """
        for mapping in reversed(self.mappings):
            if not inside(path, mapping.source) and not (mapping.is_dir and mapping.source == "."):
                continue
            image = posixpath.normpath(posixpath.join(mapping.destination, posixpath.relpath(path, mapping.source)))
            tail = relative(image, self.destination or "/")
            if tail and (path == tail or path.endswith(f"/{tail}")):
                return path if path == tail else f"{path.removesuffix(tail)}./{tail}"
            return None
        return None

    def writes(self, context: Context) -> tuple[str, ...]:
        """Return the image paths this COPY writes: its files, and the entries of the directories it merges.

        With --parents, these are the entries of the destination.
        """
        found = []
        for mapping in self.mappings:
            if keeps_parents(self.instruction):
                # It makes the directories on the way, too, and sets their modes.
                base = self.destination or "/"
                found.append(posixpath.join(base, posixpath.relpath(mapping.destination, base).split("/", 1)[0]))
                continue
            if not mapping.is_dir:
                found.append(mapping.destination)
                continue
            prefix = "" if mapping.source == "." else mapping.source + "/"
            names = {entry.path[len(prefix) :].split("/", 1)[0] for entry in context.files(mapping.source)}
            found.extend(posixpath.join(mapping.destination, name) for name in sorted(names))
        return tuple(dict.fromkeys(found))


def from_context(instruction: Instruction) -> bool:
    """Tell whether `instruction` is a COPY or ADD that reads the build context."""
    return instruction.keyword in ("COPY", "ADD") and instruction.flag("from") is None and bool(instruction.words)


def keeps_parents(instruction: Instruction) -> bool:
    """Tell whether a COPY makes the directories above its sources, too, below its destination."""
    flag = instruction.flag("parents")
    return flag is not None and flag.value != "false"


def read_copy(instruction: Instruction, state: State, context: Context) -> Copy:
    """Return what a COPY or ADD from the context (see `from_context`) writes where."""
    words = [_value(word.text, instruction, state) for word in instruction.words]
    *sources, raw = words
    destination = None if raw is None else join(state.workdir, raw or ".")
    opaque = _opaque(instruction, sources, destination)
    if opaque or raw is None or destination is None:
        return Copy(instruction, destination, (), False, opaque)
    if keeps_parents(instruction):
        return _read_parents(instruction, [str(source) for source in sources], destination, context)
    names = [posixpath.normpath("/" + str(source)).lstrip("/") or "." for source in sources]
    wildcard = any(_is_pattern(name) for name in names)
    try:
        paths = [path for name in names for path in (context.glob(name) if _is_pattern(name) else (name,))]
    except ValueError as error:
        return Copy(instruction, destination, (), True, str(error))
    if instruction.keyword == "ADD" and any(_is_archive(path, context) for path in paths):
        return Copy(instruction, destination, (), wildcard, "ADD unpacks an archive")
    into = len(paths) > 1 or len(names) > 1 or raw.endswith(("/", "/.")) or raw in ("", ".", "..")
    into = into or (state.workdir is not None and inside(state.workdir, destination))
    mappings = [mapping for path in paths for mapping in _mappings(path, destination, into, context)]
    return Copy(instruction, destination, tuple(mappings), wildcard, "")


def _read_parents(instruction: Instruction, sources: Sequence[str], destination: str, context: Context) -> Copy:
    """Return the Copy of a COPY --parents: below the destination each path is as it is in the context, links too."""
    mappings: list[Mapping] = []
    names = []
    for source in sources:
        above, pivot, below = source.partition("/./")
        names.append(posixpath.normpath("/" + source).lstrip("/"))
        if posixpath.normpath(f"/{below if pivot else source}") == "/":
            return Copy(instruction, destination, (), False, "--parents names no path below a directory")
        roots = [above.lstrip("/") or "."] if pivot else ["."]
        try:
            if _is_pattern(roots[0]):
                roots = [root for root in context.glob(roots[0]) if context.is_dir(root)]
            found = [(root, path) for root in roots for path in _matches(below if pivot else source, root, context)]
        except ValueError as error:
            return Copy(instruction, destination, (), True, str(error))
        for root, path in found:
            if any(not inside(entry.path, path) for entry in context.files(path)):
                return Copy(instruction, destination, (), False, f"{path} lies behind a link")
            image = posixpath.join(destination, posixpath.relpath(path, root))
            mappings.append(Mapping(path, image, context.is_dir(path)))
    return Copy(instruction, destination, tuple(mappings), any(_is_pattern(name) for name in names), "")


def _matches(pattern: str, root: str, context: Context) -> tuple[str, ...]:
    """Return the context paths below `root` that a pattern of --parents names."""
    path = posixpath.normpath(posixpath.join(root, posixpath.normpath("/" + pattern).lstrip("/")))
    return context.glob(path) if _is_pattern(path) else (path,)


def _opaque(instruction: Instruction, sources: list[str | None], destination: str | None) -> str:
    for name in ("exclude", "unpack"):
        if instruction.flag(name):
            return f"--{name} is in use"
    if keeps_parents(instruction) and instruction.flag("from"):
        return "--parents is in use"
    if instruction.heredocs:
        return "it copies a heredoc"
    if destination is None:
        return "its destination depends on what is not known"
    if not sources or not all(sources):
        return "a source depends on a variable"
    if any(_is_remote(str(source)) for source in sources):
        return "a source is not in the context"
    return ""


def _mappings(path: str, destination: str, into: bool, context: Context) -> Iterator[Mapping]:
    if context.is_dir(path):
        yield Mapping(path, destination, True)
        return
    name = posixpath.basename(path)
    given = posixpath.basename(destination)
    if not into:
        yield Mapping(path, destination, False)
    extension = posixpath.splitext(name)[1]
    if into or not (given == name or (extension and posixpath.splitext(given)[1] == extension)):
        # Without a slash the destination is a directory, too, if the image has one of that name.
        yield Mapping(path, posixpath.join(destination, name), False)


def _is_pattern(name: str) -> bool:
    return bool(set(name) & set("*?[\\"))


def _is_archive(path: str, context: Context) -> bool:
    """Tell whether ADD would unpack the file at `path`, by what its name or its first bytes say."""
    text = context.read(path) or ""
    starts = text.startswith(("\x1f\udc8b", "BZh", "\udcfd7zXZ", "(\udcb5/\udcfd"))
    return starts or text[257:262] == "ustar" or path.endswith(".tar")


def _value(text: str, instruction: Instruction, state: State) -> str | None:
    # The builder expands the strings of the JSON form, too, and takes their quotes away.
    try:
        return unquote(text, instruction.escape, state.lookup)
    except LexError:
        return None


def _is_remote(source: str) -> bool:
    return source.startswith(("http://", "https://", "git://", "git@", "ssh://")) or source.endswith(".git")
