"""The pieces of a simple command: assignments, arrays, redirections and the heredocs that they open."""

from __future__ import annotations

import re
from abc import ABC

from .edits import Span
from .shellcursor import CONTINUATION
from .shelltree import Assignment, Heredoc, Part, Redirect, Word
from .shellwords import WordScanner

CLOSING = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}"))
OPENING = frozenset(("if", "for", "while", "until", "case", "function", "{", "[["))
REFUSED = frozenset(("select", "coproc", "]]"))
RESERVED = CLOSING | OPENING | REFUSED | {"!", "time", "in"}

_REDIRECT = re.compile(r"&>>?|([0-9]*)(<<<|<<-|<<|<>|<&|>>|>&|>\||[<>](?!\())")
_NUMBERED_SUBSTITUTION = re.compile(r"[0-9]+[<>]\(")
_NAMED_DESCRIPTOR = re.compile(r"\{[A-Za-z0-9_]+\}")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_SUBSCRIPTED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\[")
_DECLARING = frozenset(("declare", "export", "local", "readonly", "typeset"))


class SimpleScanner(WordScanner, ABC):
    """Reads what simple commands are made of, and collects comments and heredocs for the script around them."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.comments: list[Span] = []
        self.heredocs: list[Heredoc] = []

    def skip_space(self) -> None:
        """Step over blanks and a comment."""
        self.skip_blanks()
        if self.peek() == "#":
            start, newline = self.position, self.text.find("\n", self.position, self.end)
            self.position = newline if newline >= 0 else self.end
            self.comments.append(Span(start, self.position))

    def skip_lines(self) -> None:
        """Step over blanks, comments, line ends and the heredoc bodies behind them."""
        self.skip_space()
        while self.accept("\n"):
            self._heredoc_bodies()
            self.skip_space()

    def assignment(self) -> Assignment | None:
        """Read ``NAME=value`` or ``NAME+=value``, if it stands here."""
        match = _ASSIGNMENT.match(self.text, self.position, self.end)
        if not match:
            return None
        start, self.position = self.position, match.end()
        value = self.word(assigned=True)
        return Assignment(Span(start, self.position), match[1], value, bool(match[2]))

    def argument(self, before: list[Word], redirected: bool) -> Word:
        """Read a word of a simple command; refuse what a shell could take for something else in its place."""
        start = self.position
        match = _ASSIGNMENT.match(self.text, start, self.end)
        declares = bool(before) and before[0].raw in _DECLARING
        if declares and match and not redirected and self.text.startswith("(", match.end()):
            self.position = match.end()
            return self.make_word(start, [self.array()])
        word = self.word()
        joined = word.raw.replace(CONTINUATION, "")
        cut = joined != word.raw and (joined in RESERVED or _ASSIGNMENT.match(joined) is not None)
        if (not before and cut) or ((not before or declares) and _SUBSCRIPTED.match(joined)):
            raise self.fail("an assignment to an element, or a keyword that a line's end cuts", start)
        self._refuse_descriptor(word)
        return word

    def _refuse_descriptor(self, word: Word) -> None:
        """Refuse a word that a shell takes for the descriptor of the redirection right behind it."""
        joined = word.raw.replace(CONTINUATION, "")
        if joined.isdigit() or _NAMED_DESCRIPTOR.fullmatch(joined):
            following = self.past_continuations(self.position)
            if self.text.startswith(("<", ">"), following, self.end):
                raise self.fail("a redirection of an unusual form", word.span.start)

    def array(self) -> Part:
        """Read ``(word …)`` after ``NAME=``, line ends and comments included."""
        start, words = self.position, list[Word]()
        self.position += 1
        self.skip_lines()
        while not self.accept(")"):
            if self.ends_word(self.position):
                raise self.fail("unterminated array, or a token that does not belong in it", start)
            words.append(self.word())
            if words[-1].raw.startswith("[") and "]" not in words[-1].raw:
                raise self.fail("an index with a blank", start)
            self.skip_lines()
        if not self.ends_word(self.position):
            raise self.fail("text after an array")
        scripts = tuple(script for word in words for part in word.parts for script in part.scripts)
        names = tuple(name for word in words for part in word.parts for name in part.names)
        return Part(Span(start, self.position), "other", self.text[start : self.position], False, scripts, names)

    def redirect(self) -> Redirect | None:
        """Read a redirection, if it stands here."""
        if _NUMBERED_SUBSTITUTION.match(self.text, self.position, self.end):
            raise self.fail("a number before a process substitution")
        match = _REDIRECT.match(self.text, self.position, self.end)
        if not match:
            return None
        start, self.position = self.position, match.end()
        operator, fd = match[2] or match.group(), match[1] or ""
        if operator == "<<" and self.cut_before("-"):
            raise self.fail("an operator that a line's end cuts")
        self.skip_blanks()
        if self.ends_word(self.position) or self.peek() == "#":
            raise self.fail("a redirection without a target")
        target = self.word()
        self._refuse_descriptor(target)
        opened = Redirect(Span(start, self.position), operator, target, fd)
        if operator in ("<<", "<<-"):
            if target.value is None or "\n" in target.raw:
                raise self.fail("an unusual heredoc delimiter", start)
            self.pending.append(opened)
        return opened

    def _heredoc_bodies(self) -> None:
        """Read the bodies of the heredocs opened on the line that ended here; the builder may keep them elsewhere."""
        pending, self.pending = self.pending, []
        if not pending or not self.text[self.position : self.end].strip(" \t\n"):
            return
        self.heredocs.extend(self._heredoc(redirect) for redirect in pending)
        if self.pending:
            raise self.fail("a heredoc inside a heredoc")

    def _heredoc(self, redirect: Redirect) -> Heredoc:
        start = self.position
        plain = any(part.quoted for part in redirect.target.parts)
        close, after = self._delimiter(redirect, plain)
        if plain:
            self.position = close
            part = Part(Span(start, close), "literal", self.text[start:close], True)
            parts = [part] if close > start else []
        else:
            outer, self.end = self.end, close
            parts = self.quoted_text("$`\\", stop="")
            self.end = outer
        body = Word(Span(start, close), self.text[start:close], tuple(parts))
        self.position = after
        return Heredoc(body.span, redirect.span, body)

    def _delimiter(self, redirect: Redirect, plain: bool) -> tuple[int, int]:
        """Return the offsets of the line with the delimiter and of the line after it."""
        line, continued = self.position, False
        while line < self.end:
            newline = self.text.find("\n", line, self.end)
            end = newline if newline >= 0 else self.end
            content = self.text[line:end]
            stripped = content.lstrip("\t") if redirect.operator == "<<-" else content
            if stripped == redirect.target.value:
                if continued:
                    raise self.fail("a heredoc delimiter after a continued line", line)
                return line, min(end + 1, self.end)
            continued = not plain and (len(content) - len(content.rstrip("\\"))) % 2 == 1
            line = end + 1
        raise self.fail("a heredoc without its delimiter", redirect.span.start)
