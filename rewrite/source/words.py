"""Words of an instruction as the builder lexes them: blanks, quotes, escapes and ``$VAR``.

The rules are those of BuildKit's ``frontend/dockerfile/shell/lex.go`` and ``parser/line_parsers.go``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Go's unicode.IsSpace, which the builder trims by; str.isspace() also takes U+001C to U+001F.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
# What separates a keyword from its arguments, and the arguments of COPY and FROM.
BLANK = re.compile(r"[\t\v\f\r ]+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?!$-]")
HEREDOC = re.compile(r"(\d*)<<(-?)\s*([^<]*)\Z")

Lookup = Callable[[str], str | None]


class LexError(ValueError):
    """A quote or a substitution that the builder's lexer refuses."""


@dataclass(frozen=True, slots=True)
class HeredocWord:
    """The redirection ``<<EOF`` of a heredoc: its delimiter, and how its body is to be read."""

    name: str
    expand: bool
    chomp: bool


def quoted_words(text: str, escape: str) -> Iterator[tuple[int, int]]:
    """Yield ``(start, end)`` of the blank-separated words of ENV, LABEL and ARG, quotes kept."""
    position, length = 0, len(text)
    while position < length:
        if text[position] in SPACE:
            position += 1
            continue
        start, quote = position, ""
        while position < length and (quote or text[position] not in SPACE):
            char = text[position]
            if char == escape and quote != "'":
                position += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            position += 1
        yield start, min(position, length)


def unquote(raw: str, escape: str = "\\", lookup: Lookup = lambda name: None) -> str | None:
    """Return what the builder makes of the word `raw`, or None if a variable in it is not known.

    Raises LexError where the builder would.
    """
    return _Lexer(raw, escape, lookup).run()


def variables(raw: str, escape: str = "\\") -> frozenset[str]:
    """Return the names of the variables that the word `raw` mentions, escaped ones left out."""
    lexer = _Lexer(raw, escape, lambda name: None)
    try:
        lexer.run()
    except LexError:
        return frozenset(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", raw))
    return frozenset(lexer.seen)


class _Lexer:
    """One pass over one word; `seen` collects the variables met."""

    def __init__(self, text: str, escape: str, lookup: Lookup) -> None:
        self.text = text
        self.escape = escape
        self.lookup = lookup
        self.position = 0
        self.seen: set[str] = set()
        self.known = True

    def run(self) -> str | None:
        """Lex to the end of the text."""
        value = self._until("")
        return value if self.known else None

    def _next(self) -> str:
        char = self.text[self.position : self.position + 1]
        self.position += 1
        return char

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def _until(self, stop: str) -> str:
        out: list[str] = []
        while char := self._peek():
            if char == stop:
                self.position += 1
                return "".join(out)
            if char == "'":
                out.append(self._single())
            elif char == '"':
                out.append(self._double())
            elif char == "$":
                out.append(self._dollar())
            elif self._next() == self.escape:
                out.append(self._next())
            else:
                out.append(char)
        if stop:
            raise LexError(f"missing {stop!r} in {self.text!r}")
        return "".join(out)

    def _single(self) -> str:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            raise LexError(f"unterminated single quote in {self.text!r}")
        start, self.position = self.position + 1, end + 1
        return self.text[start:end]

    def _double(self) -> str:
        self.position += 1
        out: list[str] = []
        while char := self._peek():
            if char == '"':
                self.position += 1
                return "".join(out)
            if char == "$":
                out.append(self._dollar())
                continue
            if self._next() == self.escape and self._peek() in ('"', "$", self.escape):
                char = self._next()
            out.append(char)
        raise LexError(f"unterminated double quote in {self.text!r}")

    def _dollar(self) -> str:
        self.position += 1
        if self._peek() != "{":
            match = NAME.match(self.text, self.position)
            if not match:
                return "$"
            self.position = match.end()
            return self._value(match[0]) or ""
        self.position += 1
        match = NAME.match(self.text, self.position)
        if not match:
            raise LexError(f"bad substitution in {self.text!r}")
        self.position = match.end()
        return self._braced(match[0])

    def _braced(self, name: str) -> str:
        operator = self._next()
        if operator == "}":
            return self._value(name) or ""
        if operator == ":":
            operator += self._next()
        self.seen.add(name)
        if operator not in (":-", "-", ":+", "+"):
            # ${x#y}, ${x/y/z}, ${x:?y}: the result is not worth knowing, the end of the word is.
            if operator[:1] not in tuple(":?#%/"):
                raise LexError(f"unsupported modifier {operator!r} in {self.text!r}")
            self.known = False
            if operator == "/":
                self._until("/")
            self._until("}")
            return ""
        value = self.lookup(name)
        known = self.known
        word = self._until("}")
        if value is None:
            self.known = False
            return ""
        empty = operator.startswith(":") and value == ""
        chosen = word if empty == operator.endswith("-") else ("" if operator.endswith("+") else value)
        if chosen != word:
            self.known = known
        return chosen

    def _value(self, name: str) -> str | None:
        self.seen.add(name)
        value = self.lookup(name)
        if value is None:
            self.known = False
        return value


def heredoc_words(line: str) -> list[HeredocWord]:
    """Return the heredocs that the joined line of a RUN, COPY or ADD opens, in order.

    A line that the builder's lexer refuses opens none, as there; `$(( 1 <<2 ))` opens one. Blanks
    between `<<` and the delimiter are taken since BuildKit v0.21 (March 2025).
    """
    try:
        words = _raw_words(line)
    except LexError:
        return []
    found = []
    for word in words:
        match = HEREDOC.match(word)
        if match and match[3]:
            name = unquote(match[3], "\\", lambda name: "$" + name)
            if name is not None and len(list(quoted_words(match[3], "\\"))) == 1:
                found.append(HeredocWord(name, not re.search("['\"]", match[3]), match[2] == "-"))
    return found


def _raw_words(line: str) -> list[str]:
    """Split at unquoted blanks, keeping quotes and escapes; raise LexError on an open quote or brace."""
    words: list[str] = []
    current = ""
    lexer = _Lexer(line, "\\", lambda name: "")
    while char := lexer._peek():
        start = lexer.position
        if char in SPACE:
            words, current = (words + [current], "") if current else (words, "")
            lexer.position += 1
            continue
        if char == "'":
            lexer._single()
        elif char == '"':
            lexer._double()
        elif char == "$":
            lexer._dollar()
        elif lexer._next() == "\\":
            lexer._next()
        elif char == "<":
            match = re.compile(r"<<[\t ]*").match(line, start)
            lexer.position = match.end() if match else start + 1
        current += line[start : lexer.position]
    return words + [current] if current else words
