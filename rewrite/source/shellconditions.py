"""Conditional expressions of bash: ``[[ … ]]``."""

from __future__ import annotations

import re
from abc import ABC

from .shellsimple import SimpleScanner
from .shelltree import Part, Word

_UNARY = re.compile(r"-[a-zA-Z]")
_BINARY = re.compile(r"==|=~|=|!=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef)")


class ConditionScanner(SimpleScanner, ABC):
    """Reads conditional expressions, in which operators of the shell are those of tests."""

    def required_word(self) -> Word:
        """Read a word that must be there."""
        if self.ends_word(self.position) or self.peek() == "#":
            raise self.fail("expected a word")
        return self.word()

    def condition(self) -> tuple[Word, ...]:
        """Read ``[[ … ]]`` and return its words."""
        self.position += 2
        words = list[Word]()
        self._terms(words)
        self._blanks()
        if not (self.looking_at("]]") and self.ends_word(self.position + 2)):
            raise self.fail("expected ]]")
        self.position += 2
        return tuple(words)

    def _blanks(self) -> None:
        self.skip_blanks()
        if self.peek() in ("#", "\n"):
            raise self.fail("a comment or a line's end in [[ ]]")

    def _terms(self, words: list[Word]) -> None:
        """Read terms joined by && and ||, collecting their words."""
        self.enter()
        while True:
            self._blanks()
            while self.peek() == "!" and self.peek(1) != "(" and self.ends_word(self.position + 1):
                self.position += 1
                self._blanks()
            if self.accept("("):
                self._terms(words)
                if not self.accept(")"):
                    raise self.fail("expected ) in [[ ]]")
            else:
                self._term(words)
            self._blanks()
            if not (self.accept("&&") or self.accept("||")):
                break
            self.skip_lines()
        self.leave()

    def _term(self, words: list[Word]) -> None:
        """Read ``-f x``, ``x = y`` or ``x``."""
        if self.looking_at("]]"):
            raise self.fail("expected a condition")
        words.append(self.required_word())
        self._blanks()
        operator = _BINARY.match(self.text, self.position, self.end)
        if operator and (operator.group() in "<>" or self.ends_word(operator.end())):
            self.position = operator.end()
            self._blanks()
            words.append(self._regex() if operator.group() == "=~" else self.required_word())
        elif _UNARY.fullmatch(words[-1].raw):
            words.append(self.required_word())

    def _regex(self) -> Word:
        """Read the word after ``=~``, in which parentheses and bars are plain characters."""
        start, parts, nesting = self.position, list[Part](), 0
        while True:
            char = self.peek()
            if char == "(" or (char == "|" and self.peek(1) != "|"):
                nesting += char == "("
                parts.append(self.take(1, "glob"))
            elif char == ")" and nesting:
                nesting -= 1
                parts.append(self.take(1, "glob"))
            elif self.ends_word(self.position):
                break
            else:
                parts.extend(self.word().parts)
        if nesting or not parts:
            raise self.fail("an unusual regular expression", start)
        return self.make_word(start, parts)
