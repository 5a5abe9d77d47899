"""The page that tells what was measured: one table, its means, the aims, and how it was done."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence

from project import ORDER, PROJECTS, THROTTLED, read
from results import Measured, Result, mean

from rewrite.verify import edits

SLOWER = 1 / 1.1
Results = Mapping[str, Result]

PAGE = """# Benchmark

Made by this command, whose options are in the README under "Work on it"; not edited by hand.

    make bench BENCH="--buildkitd-config $DOCKERFIX_TEST_BUILDKITD_CONFIG --driver-opt network=host"

Seconds before → after, and in brackets how many times faster; medians where there were several builds. The two sides
take turns, behind one build that is not counted. Every build of a scenario starts from the same warm cache. What the
scenarios are, and how the images are compared, is in the README under "Prove it".

{table}
`-`: the project has nothing of the kind.{missing}

## Aims

{aims}
{network}{importing}{slow}
## How

- A scenario is measured again, up to {most} times, as long as its two sides are within a factor of {close} of each
  other and its builds have taken less than {seconds:.0f} s together (`--seconds` raises that for single
  scenarios): where noise could decide, a median does. A cold build's original is built at least twice.
- `imported-cache` is the source edit in a builder that holds only the base images and imports a cache
  (`type=local,mode=max`) which a build before the edit has exported, as a CI runner does. It goes to the registries
  themselves.
- All other builds have a server of the bench before them (`tests/bench/registry.py`), on the loopback interface, with
  host networking. It gets each file of pip and npm once from the index that the machine's own settings name, and sends
  the cache headers that PyPI and npm send, as a mirror may send none; pip then keeps nothing, and no cache mount could
  help. In `{throttled}` it lets through 100 Mbit/s for all connections together, and delays nothing. The build
  comes to use it by `--build-context IMAGE=…`, which puts the base image with two or three more variables
  (`PIP_INDEX_URL` and the like) in the place of itself, and by the build arguments `HTTP_PROXY` and `HTTPS_PROXY`.
  The Dockerfile is the project's.
- `--lock` and `--cgroup-parent` keep other work on the machine from distorting the measurement, where there is any.
- The base images are one stand-in where nothing can be pulled (the lab's, 2.2 GB): the sizes of the images tell what
  differs, not what a slim image would have.

## Projects

| project | what it is | measured (UTC) | dockerfix | engine | machine | builds of a scenario |
|---|---|---|---|---|---|---|
{projects}
"""


def page(results: Results, outdated: Collection[str], *, most: int, close: float, seconds: float) -> str:
    """Return the whole page; `outdated` have no result, or one of a project or a rewrite that is no longer so."""
    missing = ", ".join(sorted(set(outdated) - set(results)))
    return PAGE.format(
        missing=f" Not measured yet: {missing}." if missing else "",
        table=table(results),
        aims="\n".join(aims(results)),
        network=network(results),
        importing=importing(results),
        slow=slow(results),
        most=most,
        close=close,
        seconds=seconds,
        throttled=THROTTLED,
        projects="\n".join(_project(result, name in outdated) for name, result in results.items()),
    )


def _project(result: Result, outdated: bool) -> str:
    """Return what a project is, and how it came to its numbers."""
    counts = [len(found.after) for name in ORDER if (found := result.measured(name))]
    builds = f"{min(counts)} to {max(counts)}" if counts else "-"
    note = " (since then the project or its rewrite has changed)" if outdated else ""
    about = read(PROJECTS / result.project).about.rstrip(".")
    cells = (result.project, about, result.date + note, result.version, result.engine, result.machine, builds)
    return f"| {' | '.join(cells)} |"


def table(results: Results) -> str:
    """Return the table and its means, as markdown."""
    names = [name for name in ORDER if any(result.measured(name) for result in results.values())]
    lines = [f"| project | images | size, MB | {' | '.join(names)} |", f"|---|---|---{'|--:' * len(names)}|"]
    for name, result in results.items():
        size = " → ".join("-" if number is None else f"{number / 1e6:,.0f}" for number in result.sizes)
        cells = " | ".join(cell(result.measured(scenario)) for scenario in names)
        lines.append(f"| {name} | {result.verdict} | {size} | {cells} |")
    found = [ratios(results, name) for name in names]
    lines.append(f"| **geometric mean** | | | {' | '.join(f'**{mean(each):.2f}**' for each in found)} |")
    improved = (f"{sum(ratio > 1.1 for ratio in each)} of {len(each)}" for each in found)
    lines.append(f"| more than 1.1 times faster | | | {' | '.join(improved)} |")
    lines.append(f"| least | | | {' | '.join(f'{min(each):.2f}' for each in found)} |")
    return "\n".join(lines) + "\n"


def ratios(results: Results, scenario: str) -> list[float]:
    """Return how many times faster each project is in a scenario."""
    return [found.ratio for result in results.values() if (found := result.measured(scenario))]


def cell(found: Measured | None) -> str:
    """Return seconds before and after, and their ratio."""
    if found is None:
        return "-"
    before, after = statistics.median(found.before), statistics.median(found.after)
    return f"{before:.1f} → {after:.1f} ({found.ratio:.1f})"


def aims(results: Results) -> list[str]:
    """Return what was to be reached, and what was."""
    equivalent = sum(result.verdict == "equivalent" for result in results.values())
    lines = ["| aim | found | |", "|---|---|---|"]
    lines.append(_aim("the same image", f"{equivalent} of {len(results)}", equivalent == len(results)))
    for scenario, least in ((edits.SOURCE, 5), (THROTTLED, 2), (edits.IMPORTED, 3)):
        if found := ratios(results, scenario):
            told = f"{mean(found):.2f} times ({len(found)} projects)"
            lines.append(_aim(f"{scenario}: {least} times faster in the geometric mean", told, mean(found) >= least))
    every = [(found.ratio, name, scenario) for scenario, name, found in _all(results)]
    if every:
        ratio, name, scenario = min(every)
        told = f"{ratio:.2f} times at least ({name}, {scenario})"
        lines.append(_aim("nowhere slower than by 1.1 times", told, ratio >= SLOWER))
    return [*lines, ""]


def _aim(what: str, found: str, reached: bool) -> str:
    return f"| {what} | {found} | {'reached' if reached else '**missed**'} |"


def network(results: Results) -> str:
    """Return which part of a manifest edit the network has, as no cache mount can save more."""
    parts = [
        1 - statistics.median(fast.before) / statistics.median(slow.before)
        for result in results.values()
        if (fast := result.measured(edits.MANIFEST)) and (slow := result.measured(THROTTLED))
    ]
    if not parts:
        return ""
    share = max(0.0, statistics.median(parts))
    return (
        f"At 100 Mbit/s the original's manifest edit waits for the network {share:.0%} of the time (the median; it is\n"
        "what the edit takes longer than with an unlimited link). The rest is the installers' own work, unpacking and\n"
        "compiling, which a cache mount does not save; what is beyond that comes from steps that are no longer run.\n\n"
    )


def importing(results: Results) -> str:
    """Return what an imported cache costs, as a step that takes less than that gains nothing by it."""
    pairs = [
        (statistics.median(cold.after) - statistics.median(warm.after), statistics.median(warm.before))
        for result in results.values()
        if (cold := result.measured(edits.IMPORTED)) and (warm := result.measured(edits.SOURCE))
    ]
    if not pairs:
        return ""
    cost, edit = (statistics.median(column) for column in zip(*pairs, strict=True))
    return (
        f"To import a cache and unpack its layers takes {cost:.1f} s (the median; it is what the rewritten side takes\n"
        f"longer than from a warm cache), and the original's source edit {edit:.1f} s, with registries that are near:\n"
        "so small installs gain little, and a cache mount, which is not exported, nothing.\n\n"
    )


def slow(results: Results) -> str:
    """Return all that is slower by more than 1.1 times, with each build's seconds."""
    found = [one for one in _all(results) if one[2].ratio < SLOWER]
    if not found:
        return ""
    lines = ["Slower by more than 1.1 times:", "", "| project | scenario | before | after | |", "|---|---|---|---|--:|"]
    for scenario, name, one in found:
        lines.append(f"| {name} | {scenario} | {_seconds(one.before)} | {_seconds(one.after)} | {one.ratio:.2f} |")
    longest = max(statistics.median(one.after) - statistics.median(one.before) for _, _, one in found)
    told = (
        f"The largest of these differences is {longest:.1f} s. Where a rewritten file has a RUN more, that starts a\n"
        "container and makes a layer of its own, which counts in builds of a few seconds.\n"
    )
    return "\n".join([*lines, "", told])


def _seconds(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _all(results: Results) -> list[tuple[str, str, Measured]]:
    """Return every measurement with its scenario and its project."""
    found = ((scenario, name, result.measured(scenario)) for scenario in ORDER for name, result in results.items())
    return [(scenario, name, one) for scenario, name, one in found if one]
