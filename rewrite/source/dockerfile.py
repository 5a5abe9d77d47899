"""Dockerfiles as a lossless tree of spans: ``str(parse(text)) == text`` for every text.

The rules are those of BuildKit's ``frontend/dockerfile/parser/parser.go``. Nothing here is printed:
nodes are spans of the text, what no edit touches cannot change. Lines end at ``\\n`` only. `parse`
never fails; what the builder would refuse is in `Dockerfile.problems`.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from .edits import Span
from .words import BLANK, SPACE, LexError, heredoc_words, quoted_words

KEYWORDS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER"
    " VOLUME WORKDIR".split()
)
HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
MAY_BE_EMPTY = frozenset({"CMD", "ENTRYPOINT", "RUN"})
JSON_KEYWORDS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
ASCII_SPACE = "\t\n\v\f\r "
LONGEST_LINE = 65_535  # bytes; Go's bufio.MaxScanTokenSize less one
DIRECTIVE = re.compile(rf"#[{SPACE}]*([A-Za-z][A-Za-z0-9]*)[\t\f\r ]*=[\t\f\r ]*(.+?)[\t\f\r ]*\Z")


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

    kind: str
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
        if self.keyword not in JSON_KEYWORDS or not self.body.text.startswith("["):
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
        if not self.body.text and self.keyword not in MAY_BE_EMPTY:
            return f"{self.keyword} requires at least one argument"
        if self.keyword in ("ENV", "LABEL") and any(pair.value is None for pair in self.pairs):
            return f"{self.keyword} needs name=value"
        if self.keyword == "ONBUILD" and self.inner:
            if self.inner.keyword in ("FROM", "MAINTAINER", "ONBUILD"):
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


@dataclass(frozen=True, slots=True)
class _Line:
    """A physical line: its offsets with the line end, and its text without."""

    number: int
    start: int
    end: int
    content: str


@dataclass
class _Parser:
    """The state of one parse; each method consumes lines from `index` on."""

    text: str
    lines: list[_Line]
    index: int = 0
    escape: str = "\\"
    directives_open: bool = True
    nodes: list[Node] = field(default_factory=list)
    directives: list[Directive] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> None:
        """Parse all lines."""
        while self.index < len(self.lines):
            line = self.lines[self.index]
            stripped = line.content.lstrip(SPACE)
            if self.directives_open and self._directive(line, stripped):
                continue
            if not stripped or stripped.startswith("#"):
                self._trivia(line, "comment" if stripped else "blank")
            else:
                self._instruction()

    def _trivia(self, line: _Line, kind: str) -> None:
        self.nodes.append(Trivia(kind, Span(line.start, line.end), line.number))
        self.index += 1

    def _directive(self, line: _Line, stripped: str) -> bool:
        match = DIRECTIVE.match(stripped)
        if not match or match[1].lower() not in ("syntax", "escape", "check"):
            self.directives_open = False
            return False
        name, value = match[1].lower(), match[2]
        if any(directive.name == name for directive in self.directives):
            self.problems.append(Problem(line.number, f"only one {name} parser directive can be used"))
        if name == "escape" and value not in ("\\", "`"):
            self.problems.append(Problem(line.number, f"invalid escape token {value!r}, must be ` or \\"))
        elif name == "escape":
            self.escape = value
        self.directives.append(Directive(name, value, Span(line.start, line.end), line.number))
        self._trivia(line, "directive")
        return True

    def _instruction(self) -> None:
        first = self.lines[self.index]
        joined, comments = self._join()
        heredocs: tuple[Heredoc, ...] = ()
        instruction = self._build(joined, Span(first.start, first.start), first.number, comments)
        carrier = instruction.inner if instruction.keyword == "ONBUILD" and instruction.inner else instruction
        if carrier.keyword in HEREDOC_KEYWORDS and carrier.json is None and "<<" in joined.text:
            heredocs = self._heredocs(joined.text, first.number)
        last = self.lines[self.index - 1]
        span = Span(first.start, last.end)
        inner = instruction.inner and replace(instruction.inner, span=span, last=last.number, heredocs=heredocs)
        self.nodes.append(replace(instruction, span=span, last=last.number, heredocs=heredocs, inner=inner))
        self._check(instruction, first.number)

    def _join(self) -> tuple[Joined, tuple[Span, ...]]:
        """Join a line with its continuations as the builder does; comments and blanks are dropped."""
        continued = re.compile(r"(?:(?<=[^%s])|(?<=\A))%s[ \t]*\Z" % (re.escape(self.escape), re.escape(self.escape)))
        text, pieces, comments = "", [], []
        is_first = True
        while self.index < len(self.lines):
            line = self.lines[self.index]
            self.index += 1
            content, start = line.content, line.start
            if is_first:
                start += len(content) - len(content.lstrip(SPACE))
                content = content.lstrip(SPACE)
            elif not content.lstrip(SPACE):
                continue
            elif content.lstrip(SPACE).startswith("#"):
                comments.append(Span(line.start, line.end))
                continue
            is_first = False
            match = continued.search(content)
            part = content[: match.start()] if match else content
            if part:
                pieces.append((len(text), start, len(part)))
                text += part
            if not match:
                break
        return Joined(text, tuple(pieces) or ((0, self.lines[self.index - 1].start, 0),)), tuple(comments)

    def _build(
        self, joined: Joined, span: Span, number: int, comments: tuple[Span, ...], is_inner: bool = False
    ) -> Instruction:
        joined = joined.strip()
        blank = BLANK.search(joined.text)
        head = joined.text[: blank.start()] if blank else joined.text
        rest = joined.slice(blank.end(), len(joined.text)) if blank else joined.slice(len(joined.text), len(joined.text))
        flags, position = _flags(rest, self.escape)
        body = rest.slice(position, len(rest.text)).strip()
        keyword = head.upper() if head.isascii() else head
        inner = self._build(body, span, number, (), True) if keyword == "ONBUILD" and body.text and not is_inner else None
        return Instruction(
            keyword, head, span, number, number, flags, body, self.escape, joined.span(0, len(head)), (), comments, inner
        )

    def _heredocs(self, joined: str, number: int) -> tuple[Heredoc, ...]:
        try:
            words = heredoc_words(joined)
        except LexError as error:
            self.problems.append(Problem(number, str(error)))
            return ()
        found = []
        for word in words:
            begin = self.index
            while self.index < len(self.lines):
                content = self.lines[self.index].content
                self.index += 1
                if (content.lstrip("\t") if word.chomp else content) == word.name:
                    break
            else:
                self.problems.append(Problem(number, f"unterminated heredoc {word.name!r}"))
                break
            end = self.lines[self.index - 1]
            start = self.lines[begin].start
            found.append(Heredoc(word.name, word.expand, word.chomp, Span(start, end.start), Span(end.start, end.end)))
        return tuple(found)

    def _check(self, instruction: Instruction, number: int) -> None:
        head = instruction.written
        if head.startswith(("{{", "{%", "{#", "<%")) or (instruction.keyword == "FROM" and "{{" in instruction.body.text):
            self.problems.append(Problem(number, "this is a template, not a Dockerfile: render it first"))
        elif instruction.problem:
            self.problems.append(Problem(number, instruction.problem))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _flags(rest: Joined, escape: str) -> tuple[tuple[Flag, ...], int]:
    """Return the ``--flags`` at the start of `rest`, and where the arguments begin."""
    text, position, flags = rest.text, 0, []
    while position < len(text):
        if text[position] in ASCII_SPACE:
            position += 1
            continue
        if not text.startswith("--", position):
            break
        start, quote, value = position, "", ""
        while position < len(text) and (quote or text[position] not in ASCII_SPACE):
            char = text[position]
            if quote and char == quote:
                quote = ""
            elif not quote and char in "'\"":
                quote = char
            else:
                if char == escape:
                    position += 1
                    char = text[position : position + 1]
                value += char
            position += 1
        position = min(position, len(text))
        if value == "--":
            break
        name, equals, setting = value.partition("=")
        flags.append(Flag(name.removeprefix("--"), setting if equals else None, rest.span(start, position)))
    return tuple(flags), position


def _split(text: str, start: int) -> Iterator[_Line]:
    number = 1
    while start < len(text):
        newline = text.find("\n", start)
        end = len(text) if newline < 0 else newline + 1
        content = text[start:end].rstrip("\r\n")
        yield _Line(number, start, end, content)
        start, number = end, number + 1


def parse(text: str) -> Dockerfile:
    """Parse `text` (UTF-8 decoded with surrogateescape) into a tree; never fails."""
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    parser = _Parser(text, list(_split(text, len(bom))))
    parser.run()
    problems = parser.problems
    for line in parser.lines:
        # A character has at most four bytes; "replace" counts one for what is not UTF-8.
        if line.end - line.start > LONGEST_LINE // 4:
            size = len(text[line.start : line.end].removesuffix("\n").encode("utf-8", "replace"))
            if size > LONGEST_LINE:
                problems.append(Problem(line.number, f"line longer than {LONGEST_LINE} bytes"))
    instructions = [node for node in parser.nodes if isinstance(node, Instruction)]
    first = next((node for node in instructions if node.keyword != "ARG"), None)
    if not instructions:
        problems.append(Problem(max(len(parser.lines), 1), "file with no instructions"))
    elif not problems and (first is None or first.keyword != "FROM"):
        line = first.first if first else instructions[-1].last
        problems.append(Problem(line, "no build stage: the first instruction must be FROM (or ARG before it)"))
    problems.sort(key=lambda problem: problem.line)
    return Dockerfile(text, tuple(parser.nodes), tuple(parser.directives), parser.escape, tuple(problems), bom)
