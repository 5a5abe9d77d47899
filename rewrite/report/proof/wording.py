"""What all reports of a proof say in the same words: verdicts, numbers, and groups of differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.filesize import decimal

from ...verify.compare import IGNORED, NOISE, Difference
from ...verify.outcome import COLD, Scenario, Side, StepTime, Timing, Verdict, Verification

NOTHING = "-"
"""Stands where a value is not known, or does not apply."""
ALIKE = 1.05
"""Builds whose times differ by no more than this factor are told as equally fast."""
NOTICEABLE = 0.005
"""A cached step that took less than these seconds is told without a time."""


@dataclass(frozen=True, slots=True)
class Group:
    """Differences with one cause; `essential` if a reader has to see every one of them."""

    title: str
    differences: tuple[Difference, ...]
    essential: bool = False


def groups(verification: Verification) -> tuple[Group, ...]:
    """Return the differences by cause: the unexplained ones, what the ignore file takes out, the rest, noise last."""
    by_cause: dict[str | None, list[Difference]] = {None: [], IGNORED: []}
    for difference in sorted(verification.differences, key=lambda difference: difference.cause or ""):
        by_cause.setdefault(difference.cause, []).append(difference)
    by_cause[NOISE] = by_cause.pop(NOISE, [])
    titles = {None: "unexplained", NOISE: f"noise: {NOISE}"}
    return tuple(
        Group(titles.get(cause) or str(cause), tuple(found), essential=cause in (None, IGNORED))
        for cause, found in by_cause.items()
        if found
    )


def told(difference: Difference) -> str:
    """Return a difference in a line, without its cause."""
    return str(replace(difference, cause=None))


def behind(difference: Difference) -> str:
    """Return the edit behind which a difference shows, to be added to it; empty for the project as it is."""
    return f" (after {difference.edit})" if difference.edit else ""


def finding(verification: Verification) -> str:
    """Return in plain words what the verdict means, without a capital or a full stop."""
    match verification.verdict:
        case Verdict.EQUIVALENT:
            left_out = {difference.path for difference in verification.differences if difference.cause == IGNORED}
            exception = f", but for {count(len(left_out), 'path')} {IGNORED}" if left_out else ""
            return f"the rewritten Dockerfile makes the same image{exception}"
        case Verdict.DIFFERENT:
            number = len(verification.unexplained)
            verb = "is" if number == 1 else "are"
            return f"the rewritten Dockerfile makes another image: {count(number, 'difference')} {verb} unexplained"
        case Verdict.BROKEN:
            return "the original builds, the rewritten Dockerfile does not"
        case Verdict.NOT_BUILT:
            return "the original does not build, so nothing could be compared"
        case Verdict.UNCHANGED:
            return "there is nothing to prove: dockerfix changes nothing"


def headline(verification: Verification) -> str:
    """Return the finding with a capital."""
    text = finding(verification)
    return text[0].upper() + text[1:]


def totals(verifications: Sequence[Verification]) -> str:
    """Return how many Dockerfiles there are, and how many of each verdict."""
    numbers = Counter(verification.verdict for verification in verifications)
    counts = [f"{numbers[verdict]} {verdict}" for verdict in Verdict if numbers[verdict]]
    return ": ".join(filter(None, (count(len(verifications), "Dockerfile"), ", ".join(counts))))


def speed_up(verification: Verification) -> str:
    """Return how much faster rebuilds are on the whole; empty if none was measured."""
    return "" if verification.speed_up is None else faster(verification.speed_up)


def speed_up_basis(verification: Verification) -> str:
    """Return what `speed_up` is the mean of."""
    measured = sum(scenario.ratio is not None and scenario.name != COLD for scenario in verification.scenarios)
    return f"geometric mean of {count(measured, 'scenario')}, the cold build left out"


def trend(ratio: float | None) -> str:
    """Return ``faster``, ``slower``, or nothing for a ratio that is about 1 or not known."""
    if ratio is None or 1 / ALIKE <= ratio <= ALIKE:
        return ""
    return "faster" if ratio > 1 else "slower"


def faster(ratio: float) -> str:
    """Return a ratio of times in words."""
    return f"{max(ratio, 1 / ratio):.1f} times {trend(ratio)}" if trend(ratio) else "equally fast"


def times(scenario: Scenario) -> str:
    """Return how many times faster the rewritten file is, as a bare number."""
    if scenario.ratio is None:
        return NOTHING
    return f"{scenario.ratio:.1f}" if scenario.ratio >= 1 else f"{scenario.ratio:.2f}"


def seconds(timing: Timing | None) -> str:
    """Return the median time of a side."""
    return f"{timing.median:.1f} s" if timing else NOTHING


def spread(timing: Timing | None) -> str:
    """Return how far apart the repeats of a side lie."""
    return f"{timing.spread:.1f} s" if timing and len(timing.seconds) > 1 else NOTHING


def steps_run(timing: Timing | None) -> str:
    """Return how many instructions' steps of a side ran, and of how many; the others were cached."""
    steps = [step for step in timing.steps if not step.internal] if timing else []
    return f"{sum(not step.cached for step in steps)}/{len(steps)}" if steps else NOTHING


def sent(timing: Timing | None) -> str:
    """Return how much of the context a side was sent."""
    return NOTHING if timing is None or timing.sent is None else decimal(timing.sent)


def columns(scenarios: Sequence[Scenario], arrow: str) -> dict[str, list[str]]:
    """Return more columns for a table of scenarios, by their headings, with both sides in a cell.

    A cell is empty if neither side has a value, and a column without any value is left out.
    """
    told = {"spread": spread, "steps run": steps_run, "context sent": sent}
    cells = {
        heading: [_both(tell(scenario.before), tell(scenario.after), arrow) for scenario in scenarios]
        for heading, tell in told.items()
    }
    return {heading: column for heading, column in cells.items() if any(column)}


def _both(before: str, after: str, arrow: str) -> str:
    return "" if before == after == NOTHING else f"{before} {arrow} {after}"


def work(timing: Timing) -> str:
    """Return what a side's builder had to do, as far as it is known."""
    ran = f"{steps_run(timing)} steps ran" if steps_run(timing) != NOTHING else ""
    got = f"{sent(timing)} of the context sent" if timing.sent is not None else ""
    return ", ".join(filter(None, (ran, got)))


def step_time(step: StepTime) -> str:
    """Return how long a step took, and whether it was cached."""
    if not step.cached:
        return f"{step.seconds:.2f} s"
    return f"cached, {step.seconds:.2f} s" if step.seconds >= NOTICEABLE else "cached"


def size(side: Side) -> str:
    """Return the size of a side's image."""
    return NOTHING if side.image_bytes is None else decimal(side.image_bytes)


def growth(verification: Verification) -> str:
    """Return how much larger or smaller the image has become; empty unless both sizes are known."""
    before, after = verification.before.image_bytes, verification.after.image_bytes
    if before is None or after is None:
        return ""
    return (
        f"{decimal(abs(after - before))} {'smaller' if after < before else 'larger'}"
        if after != before
        else "same size"
    )


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
