"""What an image starts: the commands behind ENTRYPOINT, CMD and HEALTHCHECK, and those of the project's scripts."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..build.build import Build
from ..build.stages import Stage
from ..model import Declined, Place
from ..source import shell

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
# They start the program that follows their own options.
_WRAPPERS = frozenset({"tini", "dumb-init", "exec", "nohup", "nice", "gosu", "su-exec", "env", "time", "command"})
# What a program starts through these stands in a text or behind options that nobody reads here.
STARTERS = _SHELLS | _WRAPPERS | {"sudo", "su", "xargs", "timeout", "setsid", "stdbuf"}
_WITH_OPERAND = frozenset({"gosu", "su-exec"})
# How a script starts what it was given.
ARGUMENTS = (('"$@"',), ("$@",), ("$*",))
# What images start by themselves that their final stage stands on, too.
_DEFAULTS = re.compile(r"(?:\A|/)php:[^:/]*?\b(apache|fpm)\b")
_OWN_COMMANDS = {"apache": "apache2-foreground", "fpm": "php-fpm"}


@dataclass(frozen=True, slots=True)
class Call:
    """A command that a container runs: its words as far as they are written there, and where.

    `shell` tells whether a shell reads it; `helpers` are the programs that it goes through (tini, gosu); `script` is
    the image path of the script that holds it.
    """

    words: tuple[str, ...]
    where: Place
    shell: bool = False
    helpers: tuple[str, ...] = ()
    script: str = ""
    others: tuple[tuple[str, ...], ...] = ()

    @property
    def program(self) -> str:
        """The program's name without its directory."""
        return posixpath.basename(self.words[0]) if self.words else ""


def start_call(build: Build, stage: Stage) -> Call:
    """Return what ENTRYPOINT and CMD start together; raises Declined if nothing is written there."""
    entry = next((line for line in reversed(stage.instructions) if line.keyword == "ENTRYPOINT"), None)
    command = next((line for line in reversed(stage.instructions) if line.keyword == "CMD"), None)
    if entry and entry.json is None:
        return _text(entry.body.text, build.place(entry))
    own = _DEFAULTS.search(stage.base.reference)
    if command is None and entry is None and own and stage.base.official:
        return Call((_OWN_COMMANDS[own[1]],), build.place(stage.from_))
    if command is None and not (entry and entry.json):
        raise Declined("nothing says what the image starts", build.place(stage.from_))
    words = list(entry.json or ()) if entry else []
    where = build.place(entry if words and entry else command or stage.from_)
    if command and command.json is not None:
        words += command.json
    elif command and words:
        words += ["/bin/sh", "-c", command.body.text]
    elif command:
        return _text(command.body.text, where)
    return _exec(words, where)


def health_call(build: Build, stage: Stage) -> Call | None:
    """Return what HEALTHCHECK runs, None if there is none."""
    line = next((line for line in reversed(stage.instructions) if line.keyword == "HEALTHCHECK"), None)
    word, _, rest = line.body.text.strip().partition(" ") if line else ("", "", "")
    if line is None or word.upper() != "CMD":
        return None
    try:
        words = json.loads(rest)
    except ValueError:
        return _text(rest.strip(), build.place(line))
    return _exec([str(item) for item in words], build.place(line))


def script_calls(path: str, text: str, where: Place) -> Iterator[Call]:
    """Yield the commands of a shell script of the project, the builtins of the shell left out."""
    first = text.split("\n", 1)[0]
    name = posixpath.basename(first.split()[-1]) if first.startswith("#!") and len(first) > 2 else "sh"
    if name not in _SHELLS:
        raise Declined(f"what the script needs is not known: it is one for {name}", where)
    try:
        script = shell.parse(text)
    except shell.NotUnderstood as error:
        raise Declined(f"what the script needs is not known: {error.reason}", where) from None
    yield Call((name,), where, True, (), path)
    for words in _simples(script, where):
        yield _call(words, where, True, path)


def text_calls(text: str, where: Place) -> tuple[Call, ...]:
    """Return the commands of a shell text, the builtins of the shell left out; raises Declined."""
    try:
        return tuple(_call(words, where, True) for words in _simples(shell.parse(text), where))
    except shell.NotUnderstood as error:
        raise Declined(f"what is started is not known: {error.reason}", where) from None


def _text(text: str, where: Place) -> Call:
    calls = text_calls(text, where)
    if not calls:
        raise Declined("nothing says what the image starts", where)
    last = calls[-1]
    helpers = tuple(helper for call in calls for helper in call.helpers)
    return Call(last.words, where, True, helpers, "", tuple(call.words for call in calls[:-1]))


def _exec(words: list[str], where: Place) -> Call:
    if len(words) == 3 and posixpath.basename(words[0]) in _SHELLS and words[1].startswith("-") and "c" in words[1]:
        return _text(words[2], where)
    return _call(tuple(words), where, False)


def _call(words: tuple[str, ...], where: Place, reads: bool, script: str = "") -> Call:
    helpers = []
    while words and posixpath.basename(words[0]) in _WRAPPERS:
        helper = posixpath.basename(words[0])
        helpers += [helper] if helper not in ("exec", "command") else []
        at = 1
        while at < len(words) and (words[at].startswith("-") or (helper == "env" and "=" in words[at])):
            at += 1
            if words[at - 1] == "--":
                break
        words = words[at + (helper in _WITH_OPERAND) :]
    return Call(words, where, reads, tuple(helpers), script)


def _simples(script: shell.Script, where: Place) -> Iterator[tuple[str, ...]]:
    functions = set(_functions(script))
    for simple in shell.simples(script):
        words = tuple(word.raw if (value := word.value) is None else value for word in simple.words)
        if words and words[0] not in _BUILTINS and words[0] not in functions:
            yield words


def _functions(script: shell.Script) -> Iterator[str]:
    for item in script.items:
        for command in item.pipeline.commands:
            if isinstance(command, shell.Compound) and command.name and command.kind == "function":
                yield command.name


_BUILTINS = frozenset(
    ": . [ alias bg break cd continue declare echo eval exit export false fg getopts hash jobs kill let local printf"
    " pwd read readonly return set shift source test times trap true type typeset ulimit umask unset wait".split()
)
