"""Where a RUN can be cut in two, so that its first half can go before what only the second one reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..build.build import Build
from ..build.runs import Run, Step
from ..source.edits import Span
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


def _copies_up(step: Step) -> bool:
    """Tell whether a command changes files in place: what an earlier layer holds is then held twice."""
    return step.program in ("chgrp", "chmod", "chown", "mv")


def _takes_away(step: Step) -> bool:
    """Tell whether a command may remove what an earlier one of its RUN made: in a layer of its own it frees nothing."""
    words = {"autoremove", "clean", "del", "erase", "prune", "purge", "remove", "uninstall", "-delete"}
    return step.program in ("rm", "unlink", "truncate", "shred") or bool(words & {word for word in step.words if word})


def split_before(build: Build, run: Run, step: Step, writes: bool) -> Split | None:
    """Return how a RUN can be cut before the top-level item of `step`; None if that might change what it does.

    `writes` tells whether the first half writes where the COPY does.
    """
    instruction, dockerfile = run.instruction, build.dockerfile
    items = run.script.items if run.script else ()
    at = items.index(step.item) if step.item in items else 0
    if not at or instruction.heredocs or any(item.operator != "&&" for item in items[1:]):
        return None
    above = Span(start_above_orders(dockerfile, instruction), instruction.span.start)
    if ORDER.search(dockerfile.source(above)):
        return None  # it would be lost for the second half
    # What lies on a tmpfs, or in the files that the builder mounts anew for each RUN, is lost between the halves.
    tmpfs = any(mount.kind == "tmpfs" and not mount.target.endswith("/pip") for mount in run.mounts)
    if tmpfs or _MOUNTED_ANEW.search(run.text.text):
        return None
    for other in run.steps:
        stateful = not other.simple.words or other.program in _STATE or other.program is None
        if other.item in items[:at] and (stateful or other.item.pipeline.negated):
            return None
    rest = [other for other in run.steps if other.item not in items[:at]]
    if any(_takes_away(other) or (writes and _copies_up(other)) for other in rest):
        return None
    gap = Span(run.span(items[at - 1].span).end, run.span(items[at].span).start)
    if any(gap.start <= comment.start < gap.end for comment in instruction.comments):
        return None
    flags = [dockerfile.source(flag.span) for flag in instruction.flags]
    return Split(gap, " ".join([instruction.written, *flags, ""]))
