"""Command lists inside RUN instructions: a parser for sh and bash that raises `NotUnderstood` instead of guessing.

    script = parse("apt-get update && apt-get install -y git # needed by pip")

The text is a RUN's command as the builder joins it, or the body of a heredoc. PowerShell and cmd are for the caller
to keep away. Where bash and sh differ (``&>``, ``[[``, ``((``, ``time``, ``function``) the tree shows bash's reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .shellparser import Parser
from .shelltree import (
    Assignment,
    Compound,
    Heredoc,
    Item,
    NotUnderstood,
    Part,
    Pipeline,
    Redirect,
    Script,
    Simple,
    Word,
    commands_of,
)

__all__ = [
    "Assignment",
    "Compound",
    "Heredoc",
    "Item",
    "NotUnderstood",
    "Part",
    "Pipeline",
    "Redirect",
    "Script",
    "Simple",
    "Word",
    "aborts_on_error",
    "parse",
    "simples",
]


def parse(text: str) -> Script:
    """Return the tree of `text`; raise `NotUnderstood` for anything that is not certain."""
    if "\0" in text:
        raise NotUnderstood("a NUL character", text.index("\0"))
    parser = Parser(text)
    try:
        script = parser.script()
    except RecursionError:
        raise NotUnderstood("nested too deeply", parser.position) from None
    if parser.position < len(text):
        raise NotUnderstood("a token that does not belong here", parser.position)
    return script


def simples(script: Script) -> Iterator[Simple]:
    """Yield every simple command, those of compounds, functions, substitutions and heredocs too."""
    return (command for command in commands_of(script) if isinstance(command, Simple))


def aborts_on_error(script: Script, *, errexit: bool = False) -> bool:
    """Tell whether the script fails as soon as one of its top-level pipelines fails.

    So it is with ``&&`` alone, and after a ``set -e`` that nothing undoes, where the shell ignores only failures on
    the left of ``&&`` and of negated pipelines. What compounds do inside of them is not judged. `errexit` tells whether
    the shell was started with ``-e``.
    """
    if script.terminator == "&" or any(item.operator in ("||", "&") for item in script.items):
        return False
    if any(_masks_status(command) for item in script.items for command in item.pipeline.commands):
        return False
    if all(item.operator in ("", "&&") for item in script.items):
        return True
    switches = [_errexit(simple) for simple in simples(script)]
    return False not in switches and _every_list_aborts(_and_lists(script), errexit)


def _masks_status(command: Simple | Compound) -> bool:
    """Tell whether a trap may change the exit status, or sh runs the command in the background (``&>``)."""
    traps = isinstance(command, Simple) and bool(command.words) and command.words[0].value == "trap"
    return traps or any(redirect.operator.startswith("&>") for redirect in command.redirects)


def _and_lists(script: Script) -> list[list[Item]]:
    """Split the items at what is not ``&&``."""
    lists: list[list[Item]] = []
    for item in script.items:
        if item.operator == "&&":
            lists[-1].append(item)
        else:
            lists.append([item])
    return lists


def _every_list_aborts(lists: Sequence[Sequence[Item]], errexit: bool) -> bool:
    """Tell whether a failure in any of the lists ends the script; in the last one it is the script's own status."""
    for items in lists[:-1]:
        errexit = errexit or any(_sets_errexit(item) for item in items)
        if not all(_cannot_fail(item) for item in items[:-1]):
            return False
        if not _cannot_fail(items[-1]) and (not errexit or items[-1].pipeline.negated):
            return False
    return True


def _only_simple(item: Item) -> Simple | None:
    """Return the simple command that is all of `item`, if it is one."""
    command = item.pipeline.commands[0]
    alone = len(item.pipeline.commands) == 1 and not item.pipeline.negated
    return command if alone and isinstance(command, Simple) else None


def _sets_errexit(item: Item) -> bool:
    simple = _only_simple(item)
    return simple is not None and _errexit(simple) is True


def _cannot_fail(item: Item) -> bool:
    """Tell whether `item` only sets options or variables to what is written there, or does nothing."""
    simple = _only_simple(item)
    if simple is None or simple.redirects:
        return False
    parts = [part for assignment in simple.assignments for part in assignment.value.parts]
    if any(part.kind in ("substitution", "other") for part in parts):
        return False
    return not simple.words or simple.words[0].value in (":", "true", "set")


def _errexit(simple: Simple) -> bool | None:
    """Return whether ``set`` turns errexit on (True) or off (or may, False); None if it does neither."""
    if not simple.words or simple.words[0].value != "set":
        return None
    state, arguments = None, iter(simple.words[1:])
    for word in arguments:
        option = word.value
        if option is None:
            return False
        if option in ("--", "-") or not option.startswith(("-", "+")):
            break
        on = option.startswith("-")
        state = on if "e" in option else state
        if "o" in option:
            long = next(arguments, None)
            name = long.value if long else "unknown"
            if name is None:
                return False
            state = on if name == "errexit" else state
    return state
