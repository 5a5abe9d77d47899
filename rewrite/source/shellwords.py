"""Words of the shell: quoting, expansions and substitutions, scanned at one position of the text.

sh and bash are not told apart here, so where they would read a text differently, the scanner refuses it or calls the
part "other". A backslash before a newline joins lines anywhere; where that would glue two characters into another
token (``&`` and ``>``, ``$`` and a name), the scanner refuses instead of joining.
"""

from __future__ import annotations

import re
import string
from abc import ABC, abstractmethod
from dataclasses import replace

from .edits import Span
from .shellcursor import CONTINUATION, Cursor
from .shelltree import Part, PartKind, Redirect, Script, Word

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[^ \t\n|&;()<>\\'\"`$*?\[~]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_PARAMETER = re.compile(r"\$\{(?P<prefix>[!#](?=[A-Za-z0-9_@*]))?(?P<name>[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])")
_PARAMETER_OPERATORS = frozenset(":-=+?#%/^,@[")
_SPECIAL = frozenset("0123456789@*#?$!-")
_NAME_CHARACTERS = string.ascii_letters + string.digits + "_"
_ARITHMETIC_WORD = re.compile(r"[A-Za-z0-9_]+")
_TILDE = re.compile(r"~[A-Za-z0-9_.+-]*")


class WordScanner(Cursor, ABC):
    """Reads words; a subclass reads the scripts inside them. `pending` are heredocs that wait for the line's end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.pending: list[Redirect] = []

    @abstractmethod
    def script(self) -> Script:
        """Read a command list up to what cannot be part of it."""

    @abstractmethod
    def array(self) -> Part:
        """Read the parenthesized words of an array assignment."""

    def word(self, assigned: bool = False) -> Word:
        """Read the word at the position; `assigned` for the value of an assignment, which may be empty."""
        start, parts = self.position, list[Part]()
        if assigned and self.peek() == "(":
            parts.append(self.array())
        while not self.ends_word(self.position):
            self.position = self.past_continuations(self.position)
            parts.extend(self._word_part(start, assigned))
        return self.make_word(start, parts)

    def make_word(self, start: int, parts: list[Part]) -> Word:
        """Return the word from `start` to the position, its brackets and braces judged as a whole."""
        return Word(Span(start, self.position), self.text[start : self.position], tuple(_judge(parts)))

    def _word_part(self, start: int, assigned: bool) -> list[Part]:
        """Read the next part of a word that began at `start`."""
        char = self.peek()
        if char == "\\":
            return [self._escape()]
        if char == "'":
            return [self._single_quoted()]
        if char == '"':
            return self._double_quoted()
        if char in "$`":
            return self.expansion(quoted=False)
        if char in "<>":
            return [self._enclosed(2, ")", "other", quoted=False)]
        if char == "~":
            return [self._tilde(start, assigned)]
        if char in "*?[":
            return [self.take(1, "glob")]
        match = _PLAIN.match(self.text, self.position, self.end)
        return [self.take(len(match.group()) if match else 1, "literal")]

    def take(self, length: int, kind: PartKind, quoted: bool = False) -> Part:
        """Step over `length` characters and return them as a part."""
        start = self.position
        self.position += length
        return Part(Span(start, self.position), kind, self.text[start : self.position], quoted)

    def _escape(self) -> Part:
        if not self.peek(1):
            raise self.fail("a backslash at the end")
        part = self.take(2, "literal", quoted=True)
        return replace(part, text=part.text[1])

    def _single_quoted(self) -> Part:
        close = self.text.find("'", self.position + 1, self.end)
        if close < 0:
            raise self.fail("unterminated single quote")
        part = self.take(close + 1 - self.position, "literal", quoted=True)
        return replace(part, text=part.text[1:-1])

    def _double_quoted(self) -> list[Part]:
        start = self.position
        self.position += 1
        parts = self.quoted_text('$`"\\', stop='"')
        if not self.accept('"'):
            raise self.fail("unterminated double quote", start)
        return parts or [Part(Span(start, self.position), "literal", "", True)]

    def quoted_text(self, escapable: str, stop: str) -> list[Part]:
        """Read text where only expansions and backslashes before `escapable` count, up to `stop` or the end."""
        parts, run, start = list[Part](), "", self.position
        while (char := self.peek()) and char != stop:
            if char == "\\" and self.peek(1) and self.peek(1) in escapable + "\n":
                run += self.peek(1).replace("\n", "")
                self.position += 2
            elif char in "$`":
                before = self.position
                expansion = self.expansion(quoted=True)
                if before > start:
                    parts.append(Part(Span(start, before), "literal", run, True))
                parts.extend(expansion)
                run, start = "", self.position
            else:
                run += char
                self.position += 1
        if self.position > start:
            parts.append(Part(Span(start, self.position), "literal", run, True))
        return parts

    def _tilde(self, start: int, assigned: bool) -> Part:
        """Read a ``~``, which is special at the start of a word and, as bash has it, after NAME= and its colons."""
        before = self.text[start : self.position].replace(CONTINUATION, "")
        follows = assigned and before.endswith(":")
        doubtful = not assigned and before.endswith((":", "=")) and _ASSIGNMENT.match(before)
        if before and not follows and not doubtful:
            return self.take(1, "literal")
        match = _TILDE.match(self.text, self.position, self.end)
        part = self.take(len(match.group()) if match else 1, "tilde")
        ended = self.ends_word(self.position) or self.peek() in ("/", ":" if assigned else "/")
        return part if ended and not doubtful else replace(part, kind="other")

    def expansion(self, quoted: bool) -> list[Part]:
        """Read what begins with ``$`` or a backquote."""
        following = self.peek(1)
        if self.peek() == "`":
            return [self._backquoted(quoted)]
        if following == "(":
            double = self.peek(2) == "("
            return [self.arithmetic(3, quoted) if double else self._enclosed(2, ")", "substitution", quoted)]
        if following == "{":
            return [self._parameter(quoted)]
        if following in _SPECIAL and following:
            return [replace(self.take(2, "variable", quoted), text=following)]
        match = NAME.match(self.text, self.position + 1, self.end)
        if match:
            return [self._variable(match.group(), quoted)]
        if following == "[" or self.text.startswith(CONTINUATION, self.position + 1):
            raise self.fail("a dollar sign before a bracket or a line's end")
        if following == "'" and not quoted:
            return [self._ansi_quoted()]
        if following == '"' and not quoted:
            return [self.take(1, "other"), *self._double_quoted()]
        return [self.take(1, "literal", quoted)]

    def _variable(self, name: str, quoted: bool) -> Part:
        part = self.take(1 + len(name), "variable", quoted)
        if self.cut_before(_NAME_CHARACTERS):
            raise self.fail("a name that a line's end cuts")
        return replace(part, text=name, names=(name,))

    def _ansi_quoted(self) -> Part:
        close = self.position + 2
        while close < self.end and self.text[close] != "'":
            if self.text.startswith("\\'", close):
                raise self.fail("an escaped quote in $'', which sh reads differently", close)
            close += 2 if self.text[close] == "\\" else 1
        if close >= self.end:
            raise self.fail("unterminated $' quote")
        return self.take(close + 1 - self.position, "other", quoted=True)

    def _enclosed(self, opening: int, closing: str, kind: PartKind, quoted: bool) -> Part:
        """Read a script between `opening` characters and `closing`."""
        start, heredocs = self.position, len(self.pending)
        self.position += opening
        if self.cut_before("("):
            raise self.fail("a parenthesis that a line's end cuts")
        script = self.script()
        if not self.accept(closing):
            raise self.fail("unterminated substitution, or a token that does not belong in it")
        self._settle_heredocs(heredocs)
        return Part(Span(start, self.position), kind, self.text[start : self.position], quoted, (script,))

    def _settle_heredocs(self, before: int) -> None:
        """Refuse heredocs that a substitution opened and whose bodies would lie outside of it."""
        if len(self.pending) > before and "\n" in self.text[self.position :]:
            raise self.fail("a heredoc that outlives its substitution")

    def _backquoted(self, quoted: bool) -> Part:
        close = self.position + 1
        while close < self.end and self.text[close] != "`":
            following = self.text[close + 1 : close + 2]
            if self.text[close] == "\\" and following and following in "$`\\":
                raise self.fail("an escape in backquotes", close)
            if self.text[close] == '"' and quoted:
                raise self.fail("a quote in quoted backquotes", close)
            close += 2 if self.text[close] == "\\" else 1
        if close >= self.end:
            raise self.fail("unterminated backquote")
        outer, self.end = self.end, close
        start, heredocs = self.position, len(self.pending)
        self.position += 1
        script = self.script()
        if self.position != close:
            raise self.fail("a token that does not belong in backquotes")
        self.end, self.position = outer, close + 1
        self._settle_heredocs(heredocs)
        return Part(Span(start, close + 1), "substitution", self.text[start : close + 1], quoted, (script,))

    def _parameter(self, quoted: bool) -> Part:
        """Read ``${…}``; only a plain ``${NAME}`` is a variable, with any operator it is "other"."""
        start = self.position
        match = _PARAMETER.match(self.text, start, self.end)
        if not match:
            raise self.fail("a parameter expansion of an unknown form")
        self.position = match.end()
        name, prefix = match["name"], match["prefix"]
        names = (name,) if NAME.fullmatch(name) else ()
        if not prefix and self.accept("}"):
            return Part(Span(start, self.position), "variable", name, quoted, names=names)
        if self.peek() not in _PARAMETER_OPERATORS | {"}"} and not (prefix == "!" and self.peek() == "*"):
            raise self.fail("an unknown operator in a parameter expansion")
        return self._opaque(start, self._parameter_rest(start, quoted), names, quoted)

    def _opaque(self, start: int, inner: list[Part], names: tuple[str, ...], quoted: bool) -> Part:
        """Return the source since `start` as one part that remembers what `inner` mentions."""
        scripts = tuple(script for part in inner for script in part.scripts)
        names += tuple(name for part in inner for name in part.names)
        return Part(Span(start, self.position), "other", self.text[start : self.position], quoted, scripts, names)

    def _parameter_rest(self, start: int, quoted: bool) -> list[Part]:
        """Read up to the closing brace, and return the parts inside that may mention something."""
        self.enter()
        parts = list[Part]()
        while (char := self.peek()) != "}":
            if char == "'" and quoted:
                raise self.fail("a single quote in a quoted parameter expansion")
            if not char or self.looking_at("<(") or self.looking_at(">("):
                raise self.fail("unterminated parameter expansion, or a substitution in it", start)
            if char in "$`":
                parts.extend(self.expansion(quoted))
            elif char in "\\'\"":
                parts.extend(self._word_part(start, assigned=False))
            else:
                self.position += 1
        self.position += 1
        self.leave()
        return parts

    def arithmetic(self, opening: int, quoted: bool, separators: str = "") -> Part:
        """Read ``$((…))`` or ``((…))``; two parentheses that turn out to be subshells are refused."""
        start, parts, names, nesting = self.position, list[Part](), list[str](), 0
        self.position += opening
        self.enter()
        while not (nesting == 0 and self.accept("))")):
            char = self.peek()
            if not char or char in "'\"" or (char == ";" and char not in separators):
                raise self.fail("unterminated or unusual arithmetic", start)
            if char == "\\" and not self.looking_at(CONTINUATION):
                raise self.fail("a backslash in arithmetic")
            nesting += {"(": 1, ")": -1}.get(char, 0)
            if nesting < 0:
                raise self.fail("two parentheses that are not arithmetic", start)
            if char in "$`":
                parts.extend(self.expansion(quoted=True))
            elif match := _ARITHMETIC_WORD.match(self.text, self.position, self.end):
                names += [match.group()] if NAME.fullmatch(match.group()) else []
                self.position = match.end()
            else:
                self.position += 1
        self.leave()
        return self._opaque(start, parts, tuple(names), quoted)


def _judge(parts: list[Part]) -> list[Part]:
    """Turn brackets that nothing closes into literals, and the literals of a brace expansion into "other"."""
    plain = "".join(part.text if part.kind in ("literal", "glob") and not part.quoted else "\0" for part in parts)
    between = plain[plain.find("{") : plain.rfind("}") + 1] if "{" in plain else ""
    braces = "," in between or ".." in between
    closing = max((index for index, part in enumerate(parts) if "]" in part.text), default=-1)
    judged = list[Part]()
    for index, part in enumerate(parts):
        if part.kind == "glob" and part.text == "[" and index > closing:
            judged.append(replace(part, kind="literal"))
        elif braces and part.kind == "literal" and not part.quoted and "{" in part.text:
            judged.append(replace(part, kind="other"))
        else:
            judged.append(part)
    return judged
