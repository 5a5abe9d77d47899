"""Go's file patterns in Python: `filepath.Clean`, `filepath.Match`, and the patterns of `.dockerignore`.

`.dockerignore` patterns go through two grammars in the builder: `filepath.Match` must accept their syntax, and then
moby/patternmatcher turns them into a Go regular expression. That translation has quirks which real files meet (a
backslash as in `bin\\Debug` is an escape of the regular expression, `|` is an alternative), so the Go expression is
built first, and then said in Python's terms. What has no counterpart is refused.
"""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

_CLASS = r"\[\^?+(?:(?:\\.|[^\\\]\-])(?:-(?:\\.|[^\\\]\-]))?)+\]"
_VALID = re.compile(rf"(?:[^\[\\]|\\.|{_CLASS})*+", re.DOTALL)
_MATCH_TOKEN = re.compile(rf"(?P<class>{_CLASS})|\\(?P<escaped>.)|(?P<plain>.)", re.DOTALL)
_CLASS_MEMBER = re.compile(r"\\?(.)(?:-\\?(.))?", re.DOTALL)

_GO_TOKEN = re.compile(
    r"\\(?P<escape>.)|\[(?P<negated>\^?)(?P<members>\]?(?:\\.|[^\]\\])*)\]|(?P<repeat>\{\d+(?:,\d*)?\})|(?P<plain>.)",
    re.DOTALL,
)
_GO_MEMBER = re.compile(r"\\(?P<escape>.)|(?P<plain>.)", re.DOTALL)
_POSIX_CLASS = re.compile(r"\[:\^?\w+:$")
_MOST_REPEATS = 1000
_CONTROL_ESCAPES = frozenset("aftnrv")
_ESCAPES = {
    "d": "[0-9]",
    "D": "[^0-9]",
    "w": "[0-9A-Za-z_]",
    "W": "[^0-9A-Za-z_]",
    "s": r"[\t\n\f\r ]",
    "S": r"[^\t\n\f\r ]",
    "b": r"\b",
    "B": r"\B",
    "A": r"\A",
    "z": r"\Z",
}


class BadPattern(ValueError):
    """A pattern that the builder refuses, or whose meaning there cannot be said in Python."""


def clean(path: str) -> str:
    """Return `path` as Go's `filepath.Clean` does: no `.`, no `//`, and `..` only in front."""
    return re.sub(r"\A//", "/", posixpath.normpath(path))


def check(pattern: str) -> None:
    """Raise `BadPattern` where Go's `filepath.Match` finds a syntax error."""
    if not _VALID.fullmatch(pattern):
        raise BadPattern(f"syntax error in pattern {pattern!r}")


@lru_cache(maxsize=256)
def match_regex(pattern: str) -> re.Pattern[str]:
    """Return the expression, for `fullmatch`, of what Go's `filepath.Match` accepts on Linux.

    As in Go, `*` and `?` stop at a slash and a bracket expression does not.
    """
    check(pattern)
    return re.compile("".join(_match_part(token) for token in _MATCH_TOKEN.finditer(pattern)), re.DOTALL)


def _match_part(token: re.Match[str]) -> str:
    if token["class"]:
        return _match_class(token["class"][1:-1])
    if token["plain"] in ("*", "?"):
        return "[^/]*" if token["plain"] == "*" else "[^/]"
    return re.escape(token["plain"] or token["escaped"])


def _match_class(members: str) -> str:
    negated = members.startswith("^")
    pairs = [(low, high or low) for low, high in _CLASS_MEMBER.findall(members[negated:])]
    ranges = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in pairs if low <= high)
    if not ranges:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{ranges}]"


@lru_cache(maxsize=4096)
def ignore_regex(pattern: str) -> re.Pattern[str]:
    """Return the expression, for `match`, of the paths that a cleaned `.dockerignore` pattern names itself.

    Raise `BadPattern` for what the builder refuses.
    """
    check(pattern)
    kind, go = _go_regex(pattern)
    if kind == "exact":
        python = re.escape(pattern) + r"\Z"
    elif kind == "prefix":
        python = re.escape(pattern[:-2])
    elif kind == "suffix":
        suffix = pattern[2:]
        whole = re.escape(suffix[1:]) + "|" if suffix.startswith("/") else ""
        python = rf"(?s:{whole}.*{re.escape(suffix)})\Z"
    else:
        python = _python_regex(go)
    try:
        return re.compile(python, re.ASCII)
    except re.error as error:
        raise BadPattern(f"syntax error in pattern {pattern!r}: {error}") from error


def _go_regex(pattern: str) -> tuple[str, str]:
    """Return how moby/patternmatcher matches a pattern, and the Go expression that it writes for it."""
    kind, parts, at = "exact", ["^"], 0
    while at < len(pattern):
        char, first = pattern[at], at == 0
        at += 1
        if pattern.startswith("**", at - 1):
            at += 2 if pattern.startswith("/", at + 1) else 1
            ends = at >= len(pattern)
            parts.append(".*" if ends else "(.*/)?")
            kind = "suffix" if first else "prefix" if ends and kind == "exact" else "regex"
        elif char in "*?":
            parts.append("[^/]*" if char == "*" else "[^/]")
            kind = "regex"
        elif char == "\\":
            parts.append(char + pattern[at])
            at += 1
            kind = "regex"
        elif char in "[]":
            parts.append(char)
            kind = "regex"
        else:
            # The builder means to escape `{`, `|` and `}` too, but the shift in its table overflows.
            parts.append("\\" + char if char in ".+()$" else char)
    return kind, "".join(parts) + "$"


def _python_regex(go: str) -> str:
    """Say a Go expression, as `_go_regex` writes them, in Python's terms, for `match`."""
    parts: list[str] = []
    alternatives = False
    for token in _GO_TOKEN.finditer(go):
        alternatives |= token["plain"] == "|"
        parts.append(_python_part(token))
    python = "".join(parts)
    return f"(?s:.*?)(?:{python})" if alternatives else python


def _python_part(token: re.Match[str]) -> str:
    if token["escape"]:
        return _python_escape(token["escape"])
    if token["members"]:
        return f"[{token['negated']}{_python_members(token['members'])}]"
    if token["repeat"]:
        if max(map(int, re.findall(r"\d+", token["repeat"]))) > _MOST_REPEATS:
            raise BadPattern(f"invalid repeat count {token['repeat']}")
        return token["repeat"]
    plain = token["plain"]
    if plain is None or plain == "[":
        raise BadPattern("missing closing ]")
    if plain == "$":
        return r"\Z"
    return plain if plain in "^|.*?()" else re.escape(plain)


def _python_escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char in _CONTROL_ESCAPES:
        return "\\" + char
    if char.isascii() and not char.isalnum():
        return re.escape(char)
    raise BadPattern(f"escape \\{char} in a pattern")


def _python_members(members: str) -> str:
    if _POSIX_CLASS.search(members):
        raise BadPattern(f"named class {members} in a pattern")
    parts = []
    for member in _GO_MEMBER.finditer(members):
        char = member["escape"]
        if char is None:
            parts.append("-" if member["plain"] == "-" else re.escape(member["plain"]))
        elif (char.isalnum() and char not in _CONTROL_ESCAPES) or not char.isascii():
            raise BadPattern(f"escape \\{char} in a pattern")
        else:
            parts.append("\\" + char)
    return "".join(parts)
