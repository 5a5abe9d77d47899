"""A position in shell text, with the few looks and steps that the word scanner and the parser share."""

from __future__ import annotations

import re

from .shelltree import NotUnderstood

CONTINUATION = "\\\n"
MAX_DEPTH = 40
"""How deep scripts and expansions may nest: far above real files, far below Python's recursion limit."""

_BLANKS = re.compile(r"(?:[ \t]|\\\n)*")
_WORD_ENDS = frozenset(" \t\n|&;()<>")


class Cursor:
    """A position in a text; `end` bounds what is seen of it (the closing backquote, a heredoc's end)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.end = len(text)
        self.depth = 0

    def fail(self, reason: str, offset: int | None = None) -> NotUnderstood:
        """Return the error for the caller to raise, at the present position unless told."""
        return NotUnderstood(reason, self.position if offset is None else offset)

    def enter(self) -> None:
        """Go one level deeper, within reason; `leave` undoes it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail("nested too deeply")

    def leave(self) -> None:
        """Come back from `enter`."""
        self.depth -= 1

    def peek(self, ahead: int = 0) -> str:
        """Return the character `ahead` of the position, or an empty string at the end."""
        at = self.position + ahead
        return self.text[at] if at < self.end else ""

    def looking_at(self, text: str) -> bool:
        """Tell whether `text` stands at the position."""
        return self.text.startswith(text, self.position, self.end)

    def accept(self, text: str) -> bool:
        """Step over `text` if it stands at the position, and tell whether it did."""
        found = self.looking_at(text)
        self.position += len(text) if found else 0
        return found

    def skip_blanks(self) -> None:
        """Step over blanks and continuations."""
        match = _BLANKS.match(self.text, self.position, self.end)
        self.position = match.end() if match else self.position

    def past_continuations(self, offset: int) -> int:
        """Return the first offset from `offset` on at which no continuation stands."""
        while self.text.startswith(CONTINUATION, offset, self.end):
            offset += len(CONTINUATION)
        return offset

    def cut_before(self, characters: str) -> bool:
        """Tell whether a continuation stands here, and behind it one of `characters`, which it glues to what was."""
        after = self.past_continuations(self.position)
        return self.position < after < self.end and self.text[after] in characters

    def ends_word(self, offset: int) -> bool:
        """Tell whether a word that reaches `offset` ends there: so say the characters after any continuations."""
        offset = self.past_continuations(offset)
        if offset >= self.end:
            return True
        return self.text[offset] in _WORD_ENDS and self.text[offset : min(offset + 2, self.end)] not in ("<(", ">(")
