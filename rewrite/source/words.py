"""Words of an instruction as the builder lexes them: blanks, quotes, escapes and ``$VAR``.

The rules are those of BuildKit's ``frontend/dockerfile/shell/lex.go`` and ``parser/line_parsers.go``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Go's unicode.IsSpace, which the builder trims by; str.isspace() also takes U+001C to U+001F.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# What separates a keyword from its arguments, and the arguments of COPY and FROM.
BLANK = re.compile(r"[\t\v\f\r ]+")
HEREDOC = re.compile(r"[0-9]*<<(-?)[\t\n\f\r ]*([^<]*)\Z")

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
        # An escape character at the very end is dropped.
        end = position if position <= length else length - 1
        if end > start:
            yield start, end


def unquote(raw: str, escape: str = "\\", lookup: Lookup = lambda name: None) -> str | None:
    """Return what the builder makes of the word `raw`, or None if a variable in it is not known.

    Raises LexError where the builder would refuse the word.
    """
    lexer = _Lexer(raw, escape, lookup)
    value = lexer.run()
    return value if lexer.known else None


def variables(raw: str, escape: str = "\\") -> frozenset[str]:
    """Return the names of the variables that the word `raw` mentions, escaped ones left out."""
    lexer = _Lexer(raw, escape, lambda name: None)
    try:
        lexer.run()
    except LexError:
        return frozenset(re.findall(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)", raw))
    return frozenset(lexer.seen)


class _Lexer:
    """One pass over one word; `seen` are the variables met, `known` tells whether all values were.

    `raw` keeps quotes and escapes as written; `keep` keeps variables as written, as the builder does
    where it looks for heredocs. `quoted` tells whether a quote was met.
    """

    def __init__(self, text: str, escape: str, lookup: Lookup, *, raw: bool = False, keep: bool = False) -> None:
        self.text = text
        self.escape = escape
        self.lookup = lookup
        self.raw = raw
        self.keep = keep
        self.position = 0
        self.seen: set[str] = set()
        self.known = True
        self.quoted = False

    def run(self) -> str:
        """Lex to the end of the text."""
        try:
            return self.until("")
        except RecursionError:
            raise LexError("substitutions nested too deeply") from None

    def next(self) -> str:
        """Step over one character and return it; "" at the end."""
        char = self.peek()
        self.position += len(char)
        return char

    def peek(self) -> str:
        """Return the next character, "" at the end."""
        return self.text[self.position : self.position + 1]

    def until(self, stop: str) -> str:
        """Lex up to and over the character `stop`, to the end if it is empty."""
        out: list[str] = []
        while char := self.peek():
            if char == stop:
                self.position += 1
                return "".join(out)
            out.append(self.piece(char))
        if stop:
            raise LexError(f"missing {stop!r} in {self.text!r}")
        return "".join(out)

    def piece(self, char: str) -> str:
        """Lex what begins with `char`: a quoted part, a substitution, ``<<`` or one character."""
        if char == "'":
            return self._single()
        if char == '"':
            return self._double()
        if char == "$":
            return self._dollar()
        self.position += 1
        if char == self.escape:
            return (char if self.raw else "") + self.next()
        if char == "<" and self.peek() == "<":
            start, self.position = self.position - 1, self.position + 1
            while self.peek() in ("\t", "\r", " "):
                self.position += 1
            return self.text[start : self.position]
        return char

    def _single(self) -> str:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            raise LexError(f"unterminated single quote in {self.text!r}")
        start, self.position = self.position, end + 1
        self.quoted = True
        return self.text[start : end + 1] if self.raw else self.text[start + 1 : end]

    def _double(self) -> str:
        self.position += 1
        self.quoted = True
        out: list[str] = []
        while char := self.peek():
            if char == '"':
                self.position += 1
                return f'"{"".join(out)}"' if self.raw else "".join(out)
            if char == "$":
                out.append(self._dollar())
                continue
            if self.next() == self.escape and self.peek() in ('"', "$", self.escape):
                out.append(char if self.raw else "")
                char = self.next()
            out.append(char)
        raise LexError(f"unterminated double quote in {self.text!r}")

    def _name(self) -> str:
        """Step over a variable's name: digits, one special character, or letters, digits and ``_``."""
        start, char = self.position, self.peek()
        if char.isdecimal():
            while self.peek().isdecimal():
                self.position += 1
        elif char and char in "@*#?-$!":
            self.position += 1
        else:
            while (char := self.peek()) and (char.isalpha() or char.isdecimal() or char == "_"):
                self.position += 1
        return self.text[start : self.position]

    def _dollar(self) -> str:
        start = self.position
        self.position += 1
        if self.peek() == "{":
            self.position += 1
            if self.peek() in ("", "{", "}", ":"):
                raise LexError(f"bad substitution in {self.text!r}")
            return self._braced(self._name())
        name = self._name()
        if not name or self.keep:
            return self.text[start : self.position]
        return self._value(name) or ""

    def _braced(self, name: str) -> str:
        operator = self.next()
        if operator == "}":
            return f"${{{name}}}" if self.keep else self._value(name) or ""
        if operator == ":":
            operator += self.next()
        if operator not in (":-", "-", ":+", "+", ":?", "?", "#", "%", "/"):
            raise LexError(f"unsupported modifier {operator!r} in {self.text!r}")
        before, raw = self.known, self.raw
        self.raw = operator in "#%/"
        word = f"{self.until('/')}/{self.until('}')}" if operator == "/" else self.until("}")
        self.raw = raw
        if self.keep:
            return f"${{{name}{operator}{word}}}"
        word_known, self.known = self.known, before
        value = self._value(name)
        if value is None or operator not in (":-", "-", ":+", "+"):
            # ${x#y}, ${x/y/z}, ${x:?y}: what comes out is not worth knowing.
            self.known = False
            return ""
        is_set = bool(value) or not operator.startswith(":")
        if is_set == operator.endswith("-"):
            return value if is_set else ""
        self.known = self.known and word_known
        return word

    def _value(self, name: str) -> str | None:
        self.seen.add(name)
        value = self.lookup(name)
        if value is None:
            self.known = False
        return value


def heredoc_words(line: str) -> list[HeredocWord]:
    """Return the heredocs that the joined line of a RUN, COPY or ADD opens, in order.

    A line that the builder's lexer refuses opens none, as there; `$(( 1 <<2 ))` opens one. Blanks
    between `<<` and the delimiter are taken since BuildKit v0.21 (March 2025). Raises LexError for a
    delimiter that the builder refuses.
    """
    try:
        words = _raw_words(line)
    except (LexError, RecursionError):
        return []
    found = []
    for word in words:
        match = HEREDOC.match(word)
        if match and match[2]:
            lexer = _Lexer(match[2], "\\", lambda name: None, keep=True)
            name = lexer.run()
            if name:
                found.append(HeredocWord(name, not lexer.quoted, match[1] == "-"))
    return found


def _raw_words(line: str) -> list[str]:
    """Split at unquoted blanks, keeping quotes, escapes and variables; raise LexError where the lexer gives up."""
    words = [""]
    lexer = _Lexer(line, "\\", lambda name: None, raw=True, keep=True)
    while char := lexer.peek():
        if char in SPACE:
            lexer.position += 1
            words.append("")
        else:
            words[-1] += lexer.piece(char)
    return [word for word in words if word]
