"""What a verification found: values only, for the reports to render.

Times are seconds, sizes bytes. A side is ``before`` (the original Dockerfile) or ``after`` (the rewritten one).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from enum import StrEnum

from .compare import Difference


class Verdict(StrEnum):
    """What the builds have shown."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    BROKEN = "broken"
    """The original builds, the rewritten file does not."""
    NOT_BUILT = "not built"
    """The original does not build, so nothing could be compared."""
    UNCHANGED = "unchanged"
    """dockerfix changes nothing, so there is nothing to prove."""


EXIT_CODES = {
    Verdict.UNCHANGED: 0,
    Verdict.EQUIVALENT: 0,
    Verdict.DIFFERENT: 1,
    Verdict.BROKEN: 1,
    Verdict.NOT_BUILT: 2,
}


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step of a build: what the builder calls it, how long it took, and whether it was cached.

    `internal` steps are the builder's own work (sending the context, exporting), not an instruction's.
    """

    name: str
    seconds: float
    cached: bool
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """The builds of one side in one scenario, one entry of `seconds` for each repeat.

    `steps` are those of the repeat with the median time (the lower one of two), in the order in which they
    began;
    `sent` is what that build's client sent of the context, None where the engine does not tell.
    """

    seconds: tuple[float, ...]
    steps: tuple[StepTime, ...] = ()
    sent: int | None = None

    @property
    def median(self) -> float:
        """The median of the repeats."""
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """The slowest repeat minus the fastest."""
        return max(self.seconds) - min(self.seconds)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario, measured on both sides, or the reason why it was not.

    `name` is a slug (``source-edit``); `title` says what was done (``edit app.py``).
    """

    name: str
    title: str
    before: Timing | None = None
    after: Timing | None = None
    skipped: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times faster `after` is than `before`; None if not measured."""
        if self.before is None or self.after is None:
            return None
        return max(self.before.median, 0.001) / max(self.after.median, 0.001)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two images: its size as the engine counts it, and the end of the build's log if it failed."""

    image_bytes: int | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found about one Dockerfile.

    `differences` are those between the two images, each with its cause (None: unexplained); those that two builds of
    the original show as well have the cause `compare.NOISE`. `engine` names what built; `scenarios` are in the order
    of measuring.
    """

    path: str
    verdict: Verdict
    engine: str = ""
    context: str = ""
    differences: tuple[Difference, ...] = ()
    before: Side = Side()
    after: Side = Side()
    scenarios: tuple[Scenario, ...] = ()

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """The differences that make the images not the same."""
        return tuple(difference for difference in self.differences if difference.cause is None)

    @property
    def exit_code(self) -> int:
        """The exit code that this verification alone would give."""
        return EXIT_CODES[self.verdict]

    @property
    def speed_up(self) -> float | None:
        """The geometric mean of the measured scenarios' ratios, the cold build left out; None without any."""
        ratios = [s.ratio for s in self.scenarios if s.ratio is not None and s.name != COLD]
        return math.exp(statistics.fmean(map(math.log, ratios))) if ratios else None


COLD = "cold"
"""The scenario of a first build with nothing cached; every other one starts from what it left."""
