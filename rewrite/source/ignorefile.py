"""`.dockerignore`: parsed, matched as the builder matches, and appended to.

The rules are those of moby/patternmatcher's `MatchesUsingParentResults` during BuildKit's walk of the context: the last
matching line wins, a match on a directory counts for all below it, and `!` brings back what a parent's match took away.
The builder remembers for each directory which lines matched it, and asks only some of them (a line that could change
nothing is skipped, and then does not count for what lies below), so a path is decided from the top down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import SourceError
from . import gopattern

_BOM = "\ufeff"
_LONGEST_LINE = 65_535
_GO_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" + (
    "\u2028\u2029\u202f\u205f\u3000"
)
_NOT_LITERAL = re.compile(r"[*?\[\]\\^]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line that says what to leave out, or with `negated` what to bring back.

    `text` is cleaned as the builder cleans it, without the `!`; `line` is 1-based; `regex` is for `match`.
    """

    text: str
    negated: bool
    line: int
    regex: re.Pattern[str] = field(repr=False, compare=False)

    def matches(self, path: str) -> bool:
        """Tell whether the pattern names `path` itself; parents are the caller's business."""
        return self.regex.match(path) is not None

    def reaches_below(self, directory: str) -> bool:
        """Tell whether the pattern could match something below `directory`; False is certain."""
        if "|" in self.text or "{" in self.text:
            return True
        literal: list[str] = []
        names = self.text.split("/")
        for name in names:
            if _NOT_LITERAL.search(name):
                break
            literal.append(name)
        base, inside = "".join(f"{name}/" for name in literal), f"{directory}/"
        return base.startswith(inside) or (len(literal) < len(names) and inside.startswith(base))


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The patterns of one ignore file, asked for paths that are relative to the context's root."""

    text: str
    patterns: tuple[Pattern, ...]
    _matched: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def decide(self, path: str) -> Pattern | None:
        """Return the last pattern that decides on `path`, itself or by a parent; None if no line speaks of it."""
        return self._evaluate(path, self._parent(path))[1]

    def excludes(self, path: str) -> bool:
        """Tell whether the builder leaves `path` out (for a directory: unless something below is brought back)."""
        decided = self.decide(path)
        return decided is not None and not decided.negated

    def prunes(self, directory: str) -> bool:
        """Tell whether everything below `directory` is certainly left out, so that a walk may skip it."""
        return self.excludes(directory) and not any(
            pattern.negated and pattern.reaches_below(directory) for pattern in self.patterns
        )

    def _parent(self, path: str) -> int:
        """Return which patterns matched the directory of `path`, a bit for each."""
        directory = path.rpartition("/")[0]
        if not directory:
            return 0
        if directory not in self._matched:
            self._matched[directory] = self._evaluate(directory, self._parent(directory))[0]
        return self._matched[directory]

    def _evaluate(self, path: str, inherited: int) -> tuple[int, Pattern | None]:
        matched, excluded, decided = 0, False, None
        for index, pattern in enumerate(self.patterns):
            bit = 1 << index
            if inherited & bit or (pattern.negated == excluded and pattern.matches(path)):
                matched |= bit
                excluded = not pattern.negated
                decided = pattern
        return matched, decided


def parse(text: str, path: str = ".dockerignore") -> IgnoreFile:
    """Read an ignore file; raise `SourceError` with the line that the builder refuses."""
    patterns = []
    for number, line in enumerate(text.removeprefix(_BOM).split("\n"), start=1):
        try:
            pattern = _pattern(line, number)
        except gopattern.BadPattern as error:
            raise SourceError(str(error), path, number) from error
        if pattern:
            patterns.append(pattern)
    return IgnoreFile(text, tuple(patterns))


def _pattern(line: str, number: int) -> Pattern | None:
    if len(line.encode("utf-8", "surrogateescape")) > _LONGEST_LINE:
        raise gopattern.BadPattern("line too long")
    if line.startswith("#") or not line.strip(_GO_SPACE):
        return None
    text = _reduced(line.strip(_GO_SPACE))
    # The builder cleans twice, so that `/!a` and `./!a` are negated too.
    text = gopattern.clean(text.strip(_GO_SPACE))
    negated = text.startswith("!")
    if text == "!":
        raise gopattern.BadPattern('illegal exclusion pattern: "!"')
    text = text.removeprefix("!") if negated else text
    return Pattern(text, negated, number, gopattern.ignore_regex(text))


def _reduced(line: str) -> str:
    """Return a line cleaned, its leading slash dropped, and any `!` in front."""
    mark = "!" if line.startswith("!") else ""
    text = line.removeprefix(mark).strip(_GO_SPACE)
    if text:
        text = gopattern.clean(text)
        text = text[1:] if len(text) > 1 and text.startswith("/") else text
    return mark + text


def append(text: str, lines: Sequence[str]) -> tuple[int, str]:
    """Return the offset and the text to insert there so that `lines` end the file, in its own newline style."""
    newline = "\r\n" if text.rpartition("\n")[0].endswith("\r") else "\n"
    missing = newline if text and not text.endswith("\n") else ""
    return len(text), missing + "".join(f"{line}{newline}" for line in lines)
