"""The simple commands of a script, each with the working directory and the variables that it sees.

Followed are command lists, subshells and braces. What a loop, a branch, a pipe or a background job does to the
directory or to a variable is not: from there on, and inside a loop from its start, these are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..source import shell
from ..source.shelltree import command_words, commands_of
from .paths import join

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=")
_MOVES = frozenset({"cd", "pushd", "popd"})
_DECLARES = frozenset({"export", "readonly", "local", "declare", "typeset"})
# They can change anything in the shell that runs them.
_UNFOLLOWED = frozenset({".", "source", "eval", "read", "unset", "getopts", "mapfile", "readarray"})


@dataclass(frozen=True, slots=True)
class Step:
    """A simple command in its surroundings.

    `words` are the values after expansion, None where one is not known; `cwd` is an image path, None
    once a ``cd`` could not be followed; `env` holds assignments and exports in force; `top` is the
    command's top-level item if it stands there alone (no pipe, no compound), else None; `item` is the
    top-level item that it is part of.
    """

    simple: shell.Simple
    words: tuple[str | None, ...]
    cwd: str | None
    env: Mapping[str, str | None]
    top: shell.Item | None
    item: shell.Item

    @property
    def program(self) -> str | None:
        """The program's name without its directory."""
        return self.words[0].rsplit("/", 1)[-1] if self.words and self.words[0] else None


@dataclass(slots=True)
class Surroundings:
    """The working directory and the variables at one point of a script."""

    cwd: str | None
    variables: dict[str, str | None]

    def copy(self) -> Surroundings:
        """Return what a subshell starts with."""
        return Surroundings(self.cwd, dict(self.variables))

    def forget(self, moves: bool, names: frozenset[str] | None) -> None:
        """Take the directory for unknown if `moves`, and the variables `names` (None: all)."""
        self.cwd = None if moves else self.cwd
        self.variables.update(dict.fromkeys(self.variables if names is None else names))

    def differ(self, before: Surroundings) -> tuple[bool, frozenset[str]]:
        """Return whether the directory and which variables differ from `before`."""
        names = {
            name
            for name, value in self.variables.items()
            if name not in before.variables or value != before.variables[name]
        }
        return self.cwd != before.cwd, frozenset(names)


def walk(
    script: shell.Script, around: Surroundings, *, aborts: bool = False, within: shell.Item | None = None
) -> Iterator[Step]:
    """Yield the steps of `script`, those of its heredocs last, and leave in `around` what is known behind it.

    `aborts` tells whether the script ends when one of its items fails; `within` is the RUN's own item
    that holds the script, if it is not the RUN's.
    """
    entered = start = after_first = around.copy()
    for item in script.items:
        if item.operator in ("||", "&"):
            # Behind `cd a ||` it has failed, and `cd a &` is another shell's.
            around.forget(*around.differ(start))
        elif item.operator in (";", "\n") and not aborts:
            # Of `a && cd b; c`, c runs in either directory.
            around.forget(*around.differ(after_first))
        outside = around.copy()
        yield from _item(item, around, within)
        if item.operator == "||":
            around.forget(*around.differ(outside))
        elif item.operator != "&&":
            start, after_first = outside, around.copy()
    somewhere = around.copy()
    somewhere.forget(*around.differ(entered))
    for heredoc in script.heredocs:
        yield from _substitutions(heredoc.body, somewhere, within or script.items[-1])


def _item(item: shell.Item, around: Surroundings, within: shell.Item | None) -> Iterator[Step]:
    commands = item.pipeline.commands
    if len(commands) > 1:
        for command in commands:
            yield from _command(command, around.copy(), within or item, None)
        # In some shells the last command of a pipe runs in the shell itself.
        around.forget(*_changes(commands))
    else:
        yield from _command(commands[0], around, within or item, None if within else item)


def _command(
    command: shell.Simple | shell.Compound, around: Surroundings, item: shell.Item, top: shell.Item | None
) -> Iterator[Step]:
    if isinstance(command, shell.Simple):
        step = _step(command, around, item, top)
        yield step
    elif command.kind not in ("subshell", "brace"):
        around.forget(*_changes((command,)))
    for word in command_words(command):
        yield from _substitutions(word, around, item)
    if isinstance(command, shell.Simple):
        _follow(step, around)
        return
    for script in command.scripts:
        inner = around if command.kind == "brace" else around.copy()
        yield from walk(script, inner, within=item)


def _substitutions(word: shell.Word, around: Surroundings, item: shell.Item) -> Iterator[Step]:
    """Yield the commands in the substitutions of a word, which run in shells of their own."""
    for part in word.parts:
        for script in part.scripts:
            yield from walk(script, around.copy(), within=item)


def _step(simple: shell.Simple, around: Surroundings, item: shell.Item, top: shell.Item | None) -> Step:
    env = dict(around.variables)
    for assignment in simple.assignments:
        env[assignment.name] = assignment.value.expand(env.get) if not assignment.append else None
    words = tuple(_argument(word, around.variables) for word in simple.words)
    return Step(simple, words, around.cwd, env, top, item)


def _argument(word: shell.Word, variables: Mapping[str, str | None]) -> str | None:
    """Return a word's value; ``uvicorn[standard]`` is taken as it stands, as the shell does where no file matches."""
    if all(part.kind == "literal" or (part.kind == "glob" and part.text in "[]") for part in word.parts):
        return "".join(part.text for part in word.parts)
    return word.expand(variables.get)


def _follow(step: Step, around: Surroundings) -> None:
    """Apply to `around` what a simple command does to the shell that runs it."""
    if not step.simple.words:
        around.variables.update({item.name: step.env[item.name] for item in step.simple.assignments})
    elif step.program == "cd":
        target = step.words[1] if len(step.words) == 2 else None
        around.cwd = join(around.cwd, target) if target and not target.startswith("-") else None
    else:
        around.forget(*_own_changes(step.simple))
        if step.program in _DECLARES:
            for value, word in zip(step.words[1:], step.simple.words[1:], strict=True):
                match = _ASSIGNMENT.match(word.raw)
                if match and value is not None and not match[2]:
                    around.variables[match[1]] = value[match.end() :]


def _changes(commands: tuple[shell.Simple | shell.Compound, ...]) -> tuple[bool, frozenset[str] | None]:
    """Return whether `commands` may change the directory, and which variables (None: any)."""
    moves, names = False, set[str]()
    span = commands[0].span
    script = shell.Script(span, (shell.Item(span, "", None, shell.Pipeline(span, False, commands)),), (), "")
    for command in commands_of(script):
        if isinstance(command, shell.Compound):
            names |= {command.name} if command.name else set()
            continue
        moved, changed = _own_changes(command)
        if changed is None:
            return True, None
        moves, names = moves or moved, names | changed
    return moves, frozenset(names)


def _own_changes(command: shell.Simple) -> tuple[bool, frozenset[str] | None]:
    """Return the same for one simple command."""
    if not command.words:
        return False, frozenset(assignment.name for assignment in command.assignments)
    words = [word.value for word in command.words]
    if words[0] in ("command", "builtin") and len(words) > 1:
        words = words[1:]
    if words[0] is None or words[0] in _UNFOLLOWED:
        return True, None
    if words[0] not in _DECLARES:
        return words[0] in _MOVES, frozenset()
    found = [_ASSIGNMENT.match(word.raw) for word in command.words[1:]]
    if any(word.value is None and not match for word, match in zip(command.words[1:], found, strict=True)):
        return True, None
    return False, frozenset(match[1] for match in found if match)
