"""The proof for people at a terminal: the verdict, the times, and what differs between the images."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...verify.outcome import Scenario, Verdict, Verification
from ..colour import paint
from . import wording
from .printable import cleaned

STYLES = {
    Verdict.EQUIVALENT: "green",
    Verdict.UNCHANGED: "dim",
    Verdict.DIFFERENT: "red",
    Verdict.BROKEN: "red",
    Verdict.NOT_BUILT: "yellow",
}
TRENDS = {"faster": "green", "slower": "red"}
EXAMPLES = 3
INDENT = " " * 4
GAP = 2
TITLE = 20
"""What was done in a scenario is shown if there is room for so many columns of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How to tell it: `verbosity` is -1 (the verdicts alone), 0, or 1 (every difference); `width` is in columns."""

    verbosity: int = 0
    colour: bool = False
    width: int = 120


def render(verifications: Sequence[Verification], look: Look) -> str:
    """Return what was found on each Dockerfile, and the totals as the last line."""
    lines: list[str] = []
    for verification in verifications:
        lines += _file(cleaned(verification), look)
        lines += [""] if look.verbosity >= 0 else []
    if look.verbosity >= 0:
        lines.append(wording.totals(verifications))
    return "".join(f"{line}\n" for line in lines)


def _file(verification: Verification, look: Look) -> Iterator[str]:
    verdict = paint(str(verification.verdict), STYLES[verification.verdict], look.colour)
    yield f"{paint(verification.path, 'bold', look.colour)}: {verdict}: {wording.finding(verification)}"
    if look.verbosity < 0:
        return
    yield from (INDENT + line for line in _facts(verification))
    yield from _scenarios(verification.scenarios, look)
    for group in wording.groups(verification):
        yield from _differences(group, look)
    for side, log in (("original", verification.before.log), ("rewritten file", verification.after.log)):
        if log:
            yield f"{INDENT}end of the {side}'s build log:"
            yield from (f"{INDENT}{INDENT}{line}".rstrip() for line in log.split("\n"))


def _facts(verification: Verification) -> Iterator[str]:
    if verification.engine:
        context = f", build context {verification.context}" if verification.context else ""
        yield f"built by {verification.engine}{context}"
    if growth := wording.growth(verification):
        yield f"image size: {wording.size(verification.before)} -> {wording.size(verification.after)} ({growth})"
    if faster := wording.speed_up(verification):
        yield f"rebuilds: {faster} ({wording.speed_up_basis(verification)})"


def _scenarios(scenarios: Sequence[Scenario], look: Look) -> Iterator[str]:
    """Yield the table of what was measured, and a line on each scenario that was not."""
    measured = [scenario for scenario in scenarios if scenario.before or scenario.after]
    if measured:
        yield ""
        yield from _table(measured, look)
        yield ""
    for scenario in scenarios:
        if scenario.skipped:
            yield f"{INDENT}not measured: {scenario.name} ({scenario.title}): {scenario.skipped}"


def _table(scenarios: Sequence[Scenario], look: Look) -> list[str]:
    """Return the lines of the table, the same in whatever terminal or environment this runs.

    What there is no room for is left out: first what was done, which may be folded, then what can best be missed.
    """
    console = Console(
        file=io.StringIO(),
        # Without a height, rich takes the width from the terminal's environment.
        width=look.width - len(INDENT),
        height=1,
        force_terminal=look.colour,
        color_system="standard" if look.colour else None,
        no_color=not look.colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )
    columns: dict[str, Sequence[str | Text]] = {
        "scenario": [scenario.name for scenario in scenarios],
        "before": [wording.seconds(scenario.before) for scenario in scenarios],
        "after": [wording.seconds(scenario.after) for scenario in scenarios],
        "faster": [_faster(scenario) for scenario in scenarios],
        **wording.columns(scenarios, "->"),
    }

    def room() -> int:
        unlimited = console.options.update_width(sys.maxsize)
        return console.width - console.measure(_grid(columns), options=unlimited).maximum

    for dispensable in ("spread", "context sent", "steps run"):
        if room() < 0:
            columns.pop(dispensable, None)
    titles = [scenario.title for scenario in scenarios] if room() >= TITLE + GAP else []
    with console.capture() as captured:
        console.print(_grid(columns, titles))
    return [f"{INDENT}{line}".rstrip() for line in captured.get().splitlines()]


def _faster(scenario: Scenario) -> Text:
    unit = "" if scenario.ratio is None else "x"
    return Text(f"{wording.times(scenario)}{unit}", TRENDS.get(wording.trend(scenario.ratio), ""))


def _grid(columns: Mapping[str, Sequence[str | Text]], titles: Sequence[str] = ()) -> Table:
    """Return a table of columns by their headings, with the titles of the scenarios as the last one, if given."""
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for heading in columns:
        table.add_column(heading, justify="left" if heading == "scenario" else "right", no_wrap=True)
    if titles:
        table.add_column("what was done", style="dim", overflow="fold")
    for cells in zip(*columns.values(), *([titles] if titles else []), strict=True):
        table.add_row(*cells)
    return table


def _differences(group: wording.Group, look: Look) -> Iterator[str]:
    """Yield the heading of a group and its differences: all of them, or the first few."""
    number = wording.count(len(group.differences), "difference")
    yield f"{INDENT}{number}: {group.title}"
    shown = group.differences if group.essential or look.verbosity > 0 else group.differences[:EXAMPLES]
    yield from (f"{INDENT}{INDENT}{wording.told(difference)}" for difference in shown)
    if len(shown) < len(group.differences):
        yield f"{INDENT}{INDENT}and {len(group.differences) - len(shown)} more: -v lists them"
