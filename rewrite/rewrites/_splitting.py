"""Where a RUN can be cut in two, so that its first half can go before what only the second one reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..build import effects
from ..build.build import Build
from ..build.paths import inside, join
from ..build.runs import Mount, Run, Step
from ..source.edits import Span
from ..source.shelltree import Compound, Item, Pipeline
from ._layout import ORDER, start_above_orders


@dataclass(frozen=True, slots=True)
class Split:
    """Where a RUN has to be cut in two: `gap` is the span between its halves, `head` begins the second."""

    gap: Span
    head: str


_MOUNTED_ANEW = re.compile(r"/etc/(?:hosts|resolv\.conf|hostname)\b|/dev/(?!null\b)|/proc/|/sys/")
# They leave something in the shell for the commands behind them.
_STATE = frozenset(
    ". alias cd declare enable eval exec export hash local popd pushd readonly set shopt source trap typeset ulimit"
    " umask unset".split()
)
# An assignment to one of these, or to a name in capitals, may change what a program finds in its environment.
_INHERITED = re.compile(r"[A-Z_]|npm_config_|.*_proxy\Z")
# They can put a directory out of the way of a later `cd`.
_DISPLACES = frozenset({"ln", "mv", "rm", "rmdir", "unlink"})


def _copies_up(step: Step) -> bool:
    """Tell whether a command changes files in place: what an earlier layer holds is then held twice."""
    return step.program in ("chgrp", "chmod", "chown", "mv")


def _takes_away(step: Step) -> bool:
    """Tell whether a command may remove what an earlier one of its RUN made: in a layer of its own it frees nothing."""
    words = {"autoremove", "clean", "del", "erase", "prune", "purge", "remove", "uninstall", "-delete"}
    return step.program in ("rm", "unlink", "truncate", "shred") or bool(words & {word for word in step.words if word})


def _of_a_cache(run: Run, mount: Mount) -> bool:
    """Tell whether a tmpfs belongs to a cache mount: pip's, around what is kept, or one inside of what is."""
    caches = [other.target for other in run.mounts if other.kind == "cache" and other.target]
    return mount.target.endswith("/pip") or any(inside(mount.target, cache) for cache in caches)


def split_before(build: Build, run: Run, step: Step, writes: bool) -> Split | None:
    """Return how a RUN can be cut before the top-level item of `step`; None if that might change what it does.

    `writes` tells whether the first half writes where the COPY does.
    """
    instruction, dockerfile = run.instruction, build.dockerfile
    items = run.script.items if run.script else ()
    at = items.index(step.item) if step.item in items else 0
    if not at or instruction.heredocs or any(item.operator != "&&" for item in items[1:]):
        return None
    while at > 1 and any(other.program == "cd" and other.top is items[at - 1] for other in run.steps):
        at -= 1  # it belongs to what comes behind it
    above = Span(start_above_orders(dockerfile, instruction), instruction.span.start)
    if ORDER.search(dockerfile.source(above)):
        return None  # it would be lost for the second half
    # What lies on a tmpfs, or in the files that the builder mounts anew for each RUN, is lost between the halves.
    tmpfs = any(mount.kind == "tmpfs" and not _of_a_cache(run, mount) for mount in run.mounts)
    if tmpfs or _MOUNTED_ANEW.search(run.text.text):
        return None
    again = _entered_again(run, items[:at], run.text.text[items[at].span.start :])
    if again is None:
        return None
    rest = [other for other in run.steps if other.item not in items[:at]]
    if any(_takes_away(other) or (writes and _copies_up(other)) for other in rest):
        return None
    gap = Span(run.span(items[at - 1].span).end, run.span(items[at].span).start)
    if any(gap.start <= comment.start < gap.end for comment in instruction.comments):
        return None
    flags = [dockerfile.source(flag.span) for flag in instruction.flags]
    return Split(gap, " ".join([instruction.written, *flags, *again, ""]))


def _entered_again(run: Run, first: tuple[Item, ...], second: str) -> list[str] | None:
    """Return the words that take the second half where the first one has led its shell; None if they may not do so.

    All its ``cd``s are repeated in their order, so that PWD and OLDPWD are the same, too.
    """
    again: list[str] = []
    entered: list[str] = []
    for step in run.steps:
        if step.item not in first:
            break
        pipeline = step.item.pipeline
        if pipeline.negated or (step.program is None and step.simple.words):
            return None
        if _is_subshell(pipeline):
            continue  # its directory and variables end with it
        if not step.simple.words:
            # Only a variable that the shell keeps to itself, and that nothing in the second half names.
            for name in (assignment.name for assignment in step.simple.assignments):
                if _INHERITED.match(name) or name in _inherited(run) or re.search(rf"\b{name}\b", second):
                    return None
        elif step.program == "cd":
            path = _enters(run, step)
            if path is None:
                return None
            entered.append(path)
            again += ["cd", step.simple.words[1].raw, "&&"]
        elif step.program in _STATE or (step.program in _DISPLACES and _displaces(step, entered)):
            return None
    return again


def _is_subshell(pipeline: Pipeline) -> bool:
    command = pipeline.commands[0]
    return len(pipeline.commands) == 1 and isinstance(command, Compound) and command.kind == "subshell"


def _inherited(run: Run) -> frozenset[str]:
    """Return the variables that the RUN finds in its environment."""
    return frozenset(run.state.env) | frozenset(run.state.args)


def _enters(run: Run, step: Step) -> str | None:
    """Return where a ``cd`` leads if it does so again in a shell that starts where this one did."""
    words, simple = step.words, step.simple
    plain = step.top is step.item and len(words) == 2 and not simple.redirects and not simple.assignments
    if not plain or step.cwd is None or words[1] is None or words[1].startswith("-") or "CDPATH" in run.text.text:
        return None
    # In CDPATH a relative directory would be looked for elsewhere; variables of the script are not set again.
    if "CDPATH" in _inherited(run) or simple.words[1].expand(run.state.env.get) != words[1]:
        return None
    return join(step.cwd, words[1])


def _displaces(step: Step, entered: list[str]) -> bool:
    """Tell whether a command may remove or replace a directory of `entered`, or one above it."""
    known = effects.effect(step)
    return known is None or any(inside(path, write) for path in entered for write in known.writes)
