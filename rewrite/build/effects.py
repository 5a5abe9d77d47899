"""What a command reads and writes, redirections included, and what an ``rm`` takes away."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath

from ..source.shelltree import Compound, Redirect, Word, command_words, commands_of
from .paths import join
from .programs import NOTHING, Effect, Unknown, path_of, program
from .runs import Run, Step

__all__ = ["NOTHING", "Effect", "Unknown", "compounds", "effect", "may_remove", "redirected", "removed"]

_UNCERTAIN = re.compile(r"([*?]|\[[^]]*\]|\{[^}]*\}|\$\{[^}]*\}|\$\w+|\$\([^)]*\)|`[^`]*`)")


def effect(step: Step) -> Effect | None:
    """Return the effect of a simple command, redirections included; None if it is not known."""
    try:
        return _with_redirects(program(step), step)
    except Unknown:
        return None


def compounds(run: Run) -> tuple[Compound, ...]:
    """Return the compound commands of a RUN that do more than the commands inside them.

    These are ``[[ ]]``, ``case`` and ``(( ))``; functions; loops over file names; and all with redirections.
    """
    if run.script is None:
        return ()
    return tuple(command for command in commands_of(run.script) if isinstance(command, Compound) and _acts(command))


def _acts(command: Compound) -> bool:
    kind, globs = command.kind, any(part.kind == "glob" for word in command_words(command) for part in word.parts)
    return kind in ("test", "case", "arith", "function") or globs or bool(command.redirects)


def redirected(step: Step) -> Effect:
    """Return what the redirections of a command read and write; raises Unknown."""
    return _with_redirects(NOTHING, step)


def _with_redirects(found: Effect, step: Step) -> Effect:
    reads, writes = list(found.reads), list(found.writes)
    for redirect in step.simple.redirects:
        if redirect.operator in ("<<", "<<-", "<<<") or _is_descriptor(redirect):
            continue
        path = path_of(step, redirect.target.expand(step.env.get))
        if not path.startswith("/dev/"):
            (reads if redirect.operator == "<" else writes).append(path)
    return Effect(tuple(reads), tuple(writes), found.environment)


def _is_descriptor(redirect: Redirect) -> bool:
    return redirect.operator in (">&", "<&") and bool(re.fullmatch(r"\d+|-", redirect.target.value or ""))


def removed(step: Step) -> tuple[str, ...]:
    """Return the image paths that an ``rm`` removes, a trailing ``/*`` left out; other patterns are not followed."""
    if step.program != "rm":
        return ()
    found = []
    for value, word in zip(step.words[1:], step.simple.words[1:], strict=True):
        if value is None and word.raw.endswith("/*") and word.parts[-1].kind == "glob":
            value = Word(word.span, word.raw, word.parts[:-1]).expand(step.env.get)
        path = join(step.cwd, value) if value and not value.startswith("-") else None
        found += [path] if path else []
    return tuple(found)


def may_remove(step: Step, path: str) -> bool:
    """Tell whether an ``rm`` or ``mv`` may take away `path` itself or a directory above it.

    Patterns, braces and variables match whatever they could; only an operand that begins with a variable is taken for
    another path.
    """
    if step.program not in ("rm", "mv"):
        return False
    candidates = (path, *map(str, PurePosixPath(path).parents))
    operands = list(zip(step.words[1:], step.simple.words[1:], strict=True))
    for value, word in operands[:-1] if step.program == "mv" else operands:
        raw = word.raw.replace('"', "").replace("'", "") if value is None else value
        if raw.startswith(("-", "$", "~")):
            continue
        full = posixpath.join(step.cwd or "/", raw).rstrip("/") or "/"
        pieces = [
            "[^/]*" if piece in ("*", "?") else ".*" if index % 2 else re.escape(piece)
            for index, piece in enumerate(_UNCERTAIN.split(full))
        ]
        if any(re.fullmatch("".join(pieces), candidate) for candidate in candidates):
            return True
    return False
