"""The tree of a Dockerfile: instructions and what stands between them, each a span of the text.

Spans are offsets into `Dockerfile.text`; nothing here is printed, so what no edit touches cannot change.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .edits import Span
from .words import BLANK, SPACE, quoted_words

KEYWORDS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
_MAY_BE_EMPTY = frozenset({"CMD", "ENTRYPOINT", "RUN"})
_WITH_JSON = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_NO_TRIGGERS = frozenset({"FROM", "MAINTAINER", "ONBUILD"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the builder refuses; `line` is 1-based."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Joined:
    """An instruction's text as the builder joins it from its lines, with the way back to the file.

    `pieces` are ``(offset here, offset in the file, length)``, ascending in both.
    """

    text: str
    pieces: tuple[tuple[int, int, int], ...]

    def offset(self, position: int) -> int:
        """Return the file offset of the character at `position` (the end of the text included)."""
        index = max(bisect_right(self.pieces, position, key=lambda piece: piece[0]) - 1, 0)
        at, file, _ = self.pieces[index]
        return file + position - at

    def span(self, start: int, end: int) -> Span:
        """Return the span in the file of ``text[start:end]``, without what follows its last character."""
        if start >= end:
            return Span(self.offset(start), self.offset(start))
        return Span(self.offset(start), self.offset(end - 1) + 1)

    def slice(self, start: int, end: int) -> Joined:
        """Return ``text[start:end]`` as a text of its own."""
        pieces = []
        for at, file, length in self.pieces:
            first, last = max(start, at), min(end, at + length)
            if first < last:
                pieces.append((first - start, file + first - at, last - first))
        return Joined(self.text[start:end], tuple(pieces) or ((0, self.offset(start), 0),))

    def strip(self) -> Joined:
        """Return the text without blanks around it."""
        start = len(self.text) - len(self.text.lstrip(SPACE))
        return self.slice(start, max(start, len(self.text.rstrip(SPACE))))


@dataclass(frozen=True, slots=True)
class Word:
    """A blank-separated argument, quotes and variables as written; `span` is in the file."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Flag:
    """``--name=value`` before an instruction's arguments; `value` is None without ``=``."""

    name: str
    value: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A heredoc of an instruction; `body` and `terminator` are spans of whole lines."""

    name: str
    expand: bool
    chomp: bool
    body: Span
    terminator: Span


@dataclass(frozen=True, slots=True)
class Pair:
    """A ``key=value`` of ENV, LABEL or ARG (`value` None: ARG without default), quotes as written."""

    key: str
    value: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Trivia:
    """A line between instructions: blank, a comment, or a directive."""

    kind: Literal["blank", "comment", "directive"]
    span: Span
    line: int


@dataclass(frozen=True, slots=True)
class Directive:
    """A parser directive at the very top: `name` is lower-case."""

    name: str
    value: str
    span: Span
    line: int


@dataclass(frozen=True)
class Instruction:
    """One instruction: all its lines, heredoc bodies included.

    `span` covers whole lines with the last newline; `first` and `last` are 1-based lines; `body` is
    what follows the keyword and the flags; `comments` are the comment lines inside a continuation;
    `inner` is the instruction that ONBUILD holds.
    """

    keyword: str
    written: str
    span: Span
    first: int
    last: int
    flags: tuple[Flag, ...]
    body: Joined
    escape: str
    keyword_span: Span
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[Span, ...] = ()
    inner: Instruction | None = None

    @cached_property
    def json(self) -> tuple[str, ...] | None:
        """The strings of the JSON form, or None in the shell form."""
        value = self._array
        return tuple(map(str, value)) if value is not None and all(isinstance(item, str) for item in value) else None

    @cached_property
    def _array(self) -> list[object] | None:
        if self.keyword not in _WITH_JSON or not self.body.text.startswith("["):
            return None
        try:
            value: list[object] = json.loads(self.body.text, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return None
        return value

    @property
    def problem(self) -> str:
        """What the builder says against the arguments, "" if nothing; not all that it may say."""
        if self.keyword not in KEYWORDS:
            return f"unknown instruction: {self.written}"
        if self._array is not None and self.json is None:
            return "when using JSON array syntax, arrays must be comprised of strings only"
        if not self.body.text and self.keyword not in _MAY_BE_EMPTY:
            return f"{self.keyword} requires at least one argument"
        if self.keyword in ("ENV", "LABEL") and any(pair.value is None for pair in self.pairs):
            return f"{self.keyword} needs name=value"
        if self.keyword == "ONBUILD" and self.inner:
            if self.inner.keyword in _NO_TRIGGERS:
                return f"{self.inner.keyword} isn't allowed as an ONBUILD trigger"
            return self.inner.problem
        return ""

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The arguments at blanks (COPY, FROM, EXPOSE …); in the JSON form one word for each string."""
        if self.json is not None:
            return tuple(Word(item, self.body.span(0, len(self.body.text))) for item in self.json)
        found, position = [], 0
        for blank in [*BLANK.finditer(self.body.text), None]:
            end = blank.start() if blank else len(self.body.text)
            if end > position:
                found.append(Word(self.body.text[position:end], self.body.span(position, end)))
            position = blank.end() if blank else end
        return tuple(found)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of ENV and LABEL (also in the form ``ENV key value``) and the names of ARG."""
        text = self.body.text
        bounds = list(quoted_words(text, self.escape))
        if not bounds:
            return ()
        if self.keyword != "ARG" and "=" not in text[slice(*bounds[0])]:
            key, *rest = BLANK.split(text, maxsplit=1)
            return (Pair(key, rest[0] if rest else None, self.body.span(0, len(text))),)
        found = []
        for start, end in bounds:
            key, equals, value = text[start:end].partition("=")
            found.append(Pair(key, value if equals else None, self.body.span(start, end)))
        return tuple(found)

    def flag(self, name: str) -> Flag | None:
        """Return the first flag of that name."""
        return next((flag for flag in self.flags if flag.name == name), None)

    def flag_values(self, name: str) -> tuple[str, ...]:
        """Return the values of all flags of that name."""
        return tuple(flag.value or "" for flag in self.flags if flag.name == name)


Node = Trivia | Instruction


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile: `nodes` tile `text` behind the byte-order mark, if there is one."""

    text: str
    nodes: tuple[Node, ...]
    directives: tuple[Directive, ...]
    escape: str
    problems: tuple[Problem, ...]
    bom: str = ""

    def __str__(self) -> str:
        return self.bom + "".join(self.text[node.span.start : node.span.end] for node in self.nodes)

    @cached_property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions in their order."""
        return tuple(node for node in self.nodes if isinstance(node, Instruction))

    @cached_property
    def newline(self) -> str:
        """The line end that the file uses, by its first line."""
        first = self.text.find("\n")
        return "\r\n" if first > 0 and self.text[first - 1] == "\r" else "\n"

    def directive(self, name: str) -> str | None:
        """Return the value of a parser directive."""
        return next((directive.value for directive in self.directives if directive.name == name), None)

    def source(self, span: Span) -> str:
        """Return the text of `span`."""
        return self.text[span.start : span.end]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
