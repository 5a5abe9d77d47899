"""Where the parts of a scenario's picture stand: two bars of steps over one axis of seconds.

All places and widths are per cent of the picture's width. Left of the axis' zero is a margin for cached steps that took
no time worth drawing: there they can be seen without making a bar look slower than the build was.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...verify.outcome import Scenario, StepTime, Timing
from . import wording

RIGHT = 99.0
CELL = 2.0
"""The greatest width of a cached step in the margin."""
MARGIN = (12.0, 26.0)
"""The least and the greatest width of the margin."""
TICKS = 5
"""The axis has about so many intervals."""
LABELLED = 12.0
"""A segment of this width has room for a label."""
SLIGHT = 0.1
"""Less than this is not drawn."""
SKIPPED = re.compile(r"^\[[^]]*\] |--mount=\S+ ")
"""What a label leaves out of a step's name: the step's number, and where its caches are."""


class Kind(StrEnum):
    """What a segment stands for; the names are classes of the style sheet."""

    RAN = "ran"
    CACHED = "cached"
    OWN = "own"
    """The builder's own work: its internal steps, and the time outside of all steps."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One step in a bar; `label` is empty if there is no room for it, `alternate` sets neighbours apart."""

    kind: Kind
    title: str
    x: float
    width: float
    label: str = ""
    alternate: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """One side; `clock` is where the build ended, if its steps, some of them side by side, took longer together."""

    side: str
    timing: Timing
    segments: tuple[Segment, ...]
    clock: float | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One scenario; `zero` is where the axis begins."""

    scenario: Scenario
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    zero: float


def pictures(scenarios: Sequence[Scenario]) -> tuple[Picture, ...]:
    """Return the pictures of the scenarios that were measured, with their zeros in one place."""
    cached = [sum(step.cached for step in timing.steps) for scenario in scenarios for _, timing in _sides(scenario)]
    most = max(cached, default=0)
    cell = min(CELL, MARGIN[1] / max(most, 1))
    zero = max(MARGIN[0], most * cell)
    return tuple(_picture(scenario, zero, cell) for scenario in scenarios if any(_sides(scenario)))


def _sides(scenario: Scenario) -> Iterator[tuple[str, Timing]]:
    if scenario.before:
        yield "before", scenario.before
    if scenario.after:
        yield "after", scenario.after


def _picture(scenario: Scenario, zero: float, cell: float) -> Picture:
    span = max(_drawn(timing) for _, timing in _sides(scenario))
    scale = (RIGHT - zero) / span
    bars = tuple(_bar(side, timing, zero, scale, cell) for side, timing in _sides(scenario))
    ticks = tuple(Tick(zero + at * scale, f"{at:g} s") for at in _ticks(span))
    return Picture(scenario, bars, ticks, zero)


def _clock(timing: Timing) -> float:
    """Return how long the build took whose steps are known."""
    return statistics.median_low(timing.seconds)


def _work(timing: Timing) -> float:
    """Return how long the steps took together."""
    return sum(step.seconds for step in timing.steps)


def _drawn(timing: Timing) -> float:
    """Return the seconds that a bar is long."""
    return max(_clock(timing), _work(timing), 0.001)


def _ticks(span: float) -> list[float]:
    """Return the round numbers of seconds from 0 to `span` that divide it best."""
    least = span / TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)
    # 0.3 / 0.1 is a little less than 3.
    return [round(number * step, 6) for number in range(int(span / step + 1e-9) + 1)]


def _bar(side: str, timing: Timing, zero: float, scale: float, cell: float) -> Bar:
    """Return a side's bar: the steps that took time right of zero, the other cached ones left of it, both in order."""
    steps = timing.steps or (StepTime("the whole build", _clock(timing), cached=False),)
    at_once = [step for step in steps if step.cached and step.seconds * scale < cell]
    timed = [step for step in steps if not step.cached or step.seconds * scale >= cell]
    segments = [
        Segment(Kind.CACHED, _title(step), zero - (len(at_once) - place) * cell, cell)
        for place, step in enumerate(at_once)
    ]
    end = zero
    for place, step in enumerate(timed):
        segments.append(_segment(step, end, scale, alternate=place % 2 == 1))
        end += segments[-1].width
    clock = zero + _clock(timing) * scale
    if clock > end + SLIGHT:
        segments.append(Segment(Kind.OWN, f"outside of all steps: {(clock - end) / scale:.2f} s", end, clock - end))
    return Bar(side, timing, tuple(segments), clock if end > clock + SLIGHT else None)


def _segment(step: StepTime, x: float, scale: float, *, alternate: bool) -> Segment:
    """Return the segment of a step that took time."""
    width = step.seconds * scale
    label = SKIPPED.sub("", step.name) if width >= LABELLED else ""
    kind = Kind.CACHED if step.cached else Kind.OWN if step.internal else Kind.RAN
    return Segment(kind, _title(step), x, width, label, alternate)


def _title(step: StepTime) -> str:
    return f"{step.name}: {wording.step_time(step)}"
