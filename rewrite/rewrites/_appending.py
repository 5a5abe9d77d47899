"""Put a command behind another one of a RUN's list, so that the RUN ends as it did and a failure stops what it did."""

from __future__ import annotations

from ..build.build import Build
from ..build.runs import Run
from ..build.stages import shell_aborts
from ..model import Declined
from ..source.edits import Edit, Span
from ..source.shell import Item, Script, Simple
from ..source.shelltree import Compound, commands_of
from ._script_edits import insert_behind

_ENDS = frozenset({"exit", "exec", "return"})


def append(build: Build, run: Run, item: Item, command: str, *, never_fails: bool = False) -> Edit:
    """Return the edit that puts `command` behind `item` of the script's list; raises Declined.

    Unless it `never_fails`, the command runs only if the item did, and did not fail.
    """
    script = run.script
    assert script is not None
    operator = _operator(run, script, item, never_fails)
    return insert_behind(build, run, item.span.end, _laid_out(build, run, script, item, operator) + command)


def _operator(run: Run, script: Script, item: Item, never_fails: bool) -> str:
    """Return what joins the command to `item`: ``&&``, or the ``;`` or newline that follows the item.

    ``item && command`` has the item's status where the command does not fail. But under ``set -e`` the failure of what
    stands before ``&&`` is ignored, and so is one inside a compound command there.
    """
    at = script.items.index(item)
    last = at + 1 == len(script.items)
    following = script.terminator if last else script.items[at + 1].operator
    alone = item.operator in ("", ";", "\n")
    errexit = shell_aborts(run.state) or any(step.program == "set" for step in run.steps)
    command = item.pipeline.commands[-1]
    simple = len(item.pipeline.commands) == 1 and isinstance(command, Simple) and not (errexit and _runs_more(script))
    if "&" in (script.terminator, *(one.operator for one in script.items)) or "failglob" in run.text.text:
        raise Declined("the list that it would end does not wait for its commands, or has patterns that may fail")
    if last and isinstance(command, Simple) and command.words and command.words[0].value in _ENDS:
        raise Declined("the script ends before its last command does")
    if not never_fails and (not simple or item.operator == "||" or item.pipeline.negated):
        raise Declined("the install stands in a pipe or a branch")
    if last and simple:
        return "&&"
    if last and errexit:
        if not (alone and run.aborts):
            raise Declined("whether a failure before it would still end the RUN is not known")
        return ";"
    if last or following in ("&&", "||"):
        return "&&"
    if not errexit:
        return "&&"
    if not never_fails and not alone:
        raise Declined("a failure before it would no longer end the RUN")
    return following


def _runs_more(script: Script) -> bool:
    """Tell whether a plain command may run a list of commands in this shell: a function, or what another file holds."""
    return any(
        command.kind == "function"
        if isinstance(command, Compound)
        else bool(command.words) and command.words[0].value in (".", "source", "eval")
        for command in commands_of(script)
    )


def _laid_out(build: Build, run: Run, script: Script, item: Item, operator: str) -> str:
    """Return the operator with blanks, or with a line end and the indentation of the commands around."""
    dockerfile, instruction = build.dockerfile, run.instruction
    if instruction.heredocs:
        indent = _indent(dockerfile.text, run.text.offset(item.span.start))
        return f"\n{indent}" if operator == "\n" else f"{'' if operator == ';' else ' '}{operator} "
    at = script.items.index(item)
    near = at if at else min(1, len(script.items) - 1)
    sign, start = script.items[near].operator_span, script.items[near].span.start
    newline = f"{instruction.escape}{dockerfile.newline}"
    if near and sign:
        before = _between(build, run, script.items[near - 1].span.end - 1, sign.start)
        if "\n" in before and operator == "&&":
            return f" {newline}{_indent(dockerfile.text, run.text.offset(sign.start))}&& "
        if "\n" in before + _between(build, run, sign.start, start):
            indent = _indent(dockerfile.text, run.text.offset(start))
            return f"{'' if operator == ';' else ' '}{operator} {newline}{indent}"
    if operator == "&&" and "\n" in _between(build, run, item.span.start, item.span.end - 1):
        return f" {newline}{_indent(dockerfile.text, run.text.offset(item.span.end - 1))}&& "
    return f"{'' if operator == ';' else ' '}{operator} "


def _between(build: Build, run: Run, start: int, end: int) -> str:
    """Return the file's text between two characters of the script."""
    return build.dockerfile.source(Span(run.text.offset(start), run.text.offset(end)))


def _indent(text: str, offset: int) -> str:
    """Return the blanks before the first word of the line of `offset`."""
    line = text[text.rfind("\n", 0, offset) + 1 : offset]
    return line[: len(line) - len(line.lstrip(" \t"))]
