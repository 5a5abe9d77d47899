"""The proof for a pull request: verdicts and a table, everything longer folded away.

Text from a project, an image or a build stands in code spans and fenced blocks only. Nothing in those is markup, a link
or a mention, and each has a fence that does not occur in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ... import templates
from ...verify.outcome import Scenario, Verification
from . import wording
from .printable import cleaned

LISTED = 100
"""So many differences of a group, and lines of a log, are shown: a comment on GitHub holds 65,536 characters."""
EXAMPLES = 5
"""So many differences are shown of a group that is explained."""
LONGEST = 160
"""A line is cut after so many characters."""


def render(verifications: Sequence[Verification]) -> str:
    """Return a section on each Dockerfile."""
    return templates.render(
        "verify.md.j2",
        verifications=[cleaned(verification) for verification in verifications],
        wording=wording,
        code=code,
        cell=cell,
        steps=_steps,
        differences=_differences,
        log=_log,
    )


def code(text: str) -> str:
    """Return a code span; empty for an empty text."""
    fence = "`" * (_longest_run(text) + 1)
    space = " " if text.strip() and ("`" in text or text != text.strip()) else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""


def cell(text: str) -> str:
    r"""Return a code span for a table, in which a pipe would end the cell and ``\|`` is not always read as one."""
    return code(text.replace("|", "\\x7c"))


def _steps(scenario: Scenario) -> str:
    """Return the steps of both sides."""
    lines = []
    for side, timing in (("before", scenario.before), ("after", scenario.after)):
        lines.append(f"{side}: {wording.seconds(timing)}")
        lines += [f"  {wording.step_time(step):>14}  {step.name}" for step in (timing.steps if timing else ())]
    return _block(lines)


def _differences(group: wording.Group) -> str:
    """Return a group of differences under its title, of one that is explained only examples."""
    shown = group.differences[: LISTED if group.essential else EXAMPLES]
    more = len(group.differences) - len(shown)
    lines = [f"{wording.count(len(group.differences), 'difference')}: {group.title}"]
    lines += [f"  {wording.told(difference)}" for difference in shown]
    return _block([*lines, f"  and {more} more"] if more else lines)


def _log(text: str) -> str:
    """Return the last lines of a log."""
    return _block(text.split("\n")[-LISTED:])


def _block(lines: Iterable[str]) -> str:
    """Return a fenced block."""
    text = "\n".join(line if len(line) <= LONGEST else f"{line[:LONGEST]}…" for line in lines)
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    """Return how many backticks stand together at most."""
    return max(map(len, re.findall("`+", text)), default=0)
