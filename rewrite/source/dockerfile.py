"""Dockerfiles as a lossless tree of spans: ``str(parse(text)) == text`` for every text.

The rules are those of BuildKit's ``frontend/dockerfile/parser/parser.go``. Lines end at ``\\n`` only. `parse` never
fails; what the builder would refuse is in `Dockerfile.problems`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from .dockerfiletree import (
    KEYWORDS,
    Directive,
    Dockerfile,
    Flag,
    Heredoc,
    Instruction,
    Joined,
    Node,
    Pair,
    Problem,
    Trivia,
    Word,
)
from .edits import Span
from .words import BLANK, SPACE, LexError, heredoc_words

__all__ = [
    "KEYWORDS",
    "Directive",
    "Dockerfile",
    "Flag",
    "Heredoc",
    "Instruction",
    "Joined",
    "Node",
    "Pair",
    "Problem",
    "Trivia",
    "Word",
    "parse",
]

HEREDOC_KEYWORDS = frozenset({"ADD", "COPY", "RUN"})
ASCII_SPACE = "\t\n\v\f\r "
LONGEST_LINE = 65_535  # bytes; Go's bufio.MaxScanTokenSize less one
DIRECTIVE = re.compile(rf"#[{SPACE}]*([A-Za-z][A-Za-z0-9]*)[\t\f\r ]*=[\t\f\r ]*(.+?)[\t\f\r ]*\Z")


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

    def _trivia(self, line: _Line, kind: Literal["blank", "comment", "directive"]) -> None:
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
        escape = re.escape(self.escape)
        continued = re.compile(rf"(?:(?<=[^{escape}])|(?<=\A)){escape}[ \t]*\Z")
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
        rest = joined.slice(blank.end() if blank else len(joined.text), len(joined.text))
        flags, position = _flags(rest, self.escape)
        body = rest.slice(position, len(rest.text)).strip()
        keyword = head.upper() if head.isascii() else head
        holds = keyword == "ONBUILD" and body.text and not is_inner
        inner = self._build(body, span, number, (), is_inner=True) if holds else None
        place = joined.span(0, len(head))
        return Instruction(
            keyword, head, span, number, number, flags, body, self.escape, place, comments=comments, inner=inner
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
        in_from = instruction.keyword == "FROM" and "{{" in instruction.body.text
        if in_from or instruction.written.startswith(("{{", "{%", "{#", "<%")):
            self.problems.append(Problem(number, "this is a template, not a Dockerfile: render it first"))
        elif instruction.problem:
            self.problems.append(Problem(number, instruction.problem))


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
    problems = parser.problems + list(_too_long(text, parser.lines))
    instructions = [node for node in parser.nodes if isinstance(node, Instruction)]
    first = next((node for node in instructions if node.keyword != "ARG"), None)
    if not instructions:
        problems.append(Problem(max(len(parser.lines), 1), "file with no instructions"))
    elif not problems and (first is None or first.keyword != "FROM"):
        number = first.first if first else instructions[-1].last
        problems.append(Problem(number, "no build stage: the first instruction must be FROM (or ARG before it)"))
    problems.sort(key=lambda problem: problem.line)
    return Dockerfile(text, tuple(parser.nodes), tuple(parser.directives), parser.escape, tuple(problems), bom)


def _too_long(text: str, lines: list[_Line]) -> Iterator[Problem]:
    for line in lines:
        # A character has at most four bytes; "replace" counts one for what is not UTF-8.
        if line.end - line.start > LONGEST_LINE // 4:
            size = len(text[line.start : line.end].removesuffix("\n").encode("utf-8", "replace"))
            if size > LONGEST_LINE:
                yield Problem(line.number, f"line longer than {LONGEST_LINE} bytes")
