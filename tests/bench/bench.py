"""`make bench`: verifies our own projects before and after, in all scenarios, and writes one page.

    python tests/bench/bench.py [--only NAME]... [--outdated] [--output docs/benchmark.md]

Each project in `projects/` has a `bench.toml` that says what it stands for and which edits are made. What is measured
is kept in `tests/bench/measured/`, one file for each project as soon as it is done; the page is made from all of
them. So a benchmark can be interrupted and taken up again, and one project measured anew. Both are committed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from measuring import CLOSE, MOST_REPEATS, SECONDS, Lock, measure
from page import page
from project import ORDER, names, opened
from registry import upstream
from results import Result, load, save

from rewrite.verify.builders import importing
from rewrite.verify.engine import BuildOptions
from rewrite.verify.engines import find_docker

RESULTS = Path(__file__).with_name("measured")


def options() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME", help="measure only this project; may be repeated")
    parser.add_argument(
        "--outdated",
        action="store_true",
        help="measure only what has no result, or one of another project or another rewrite than there are now",
    )
    parser.add_argument(
        "--scenario",
        action="append",
        metavar="NAME",
        help="measure only this one, and keep the others; may be repeated",
    )
    parser.add_argument("--page", action="store_true", help="measure nothing, make the page from what is kept")
    parser.add_argument("--repeat", type=int, default=MOST_REPEATS, help=f"at most (default: {MOST_REPEATS})")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"how long a scenario is measured again (default: {SECONDS})"
    )
    parser.add_argument("--plain", action="store_true", help="without the bench's own registry, and nothing throttled")
    parser.add_argument("--lock", default="", metavar="FILE", help="held while a project is measured, as flock does it")
    parser.add_argument(
        "--cgroup-parent", default="", metavar="CGROUP", help="where the builds run, as `docker build` takes it"
    )
    parser.add_argument("--buildkitd-config", default="", metavar="FILE", help="for the builder that imports a cache")
    parser.add_argument("--driver-opt", action="append", metavar="KEY=VALUE", help="the same; may be repeated")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results are kept (default: beside this)")
    parser.add_argument("--output", type=Path, help="where to write the page; default: standard output")
    return parser


def outdated(results: dict[str, Result]) -> set[str]:
    """Return the projects whose result is not of the project and the rewrite that there are now, or that have none."""
    found = set()
    for name in names():
        with opened(name) as now:
            if name not in results or results[name].fingerprint != now.fingerprint:
                found.add(name)
    return found


def run(given: argparse.Namespace, chosen: Collection[str]) -> None:
    """Measure projects, and keep what is found."""
    engine = find_docker()
    indexes = None if given.plain else upstream()
    how = BuildOptions(cgroup_parent=given.cgroup_parent)
    lock = Lock(given.lock)
    with ExitStack() as stack:
        stack.callback(lock.release)
        imported = None
        if given.buildkitd_config:
            created = importing(engine, config=given.buildkitd_config, driver_options=given.driver_opt or ())
            imported = stack.enter_context(created)
        for name in chosen:
            with opened(name) as project:
                result = measure(
                    engine,
                    project,
                    how,
                    scenarios=given.scenario or ORDER,
                    repeat=given.repeat,
                    seconds=given.seconds,
                    upstream=indexes,
                    imported=imported,
                    lock=lock,
                )
            known = load(given.results, [name]).get(name) if given.scenario else None
            result = result.put_into(known, given.scenario) if known else result
            save(given.results, result)
            print(f"{name}: {result.verdict}", file=sys.stderr)
            for item in result.found["differences"]:
                if item["cause"] is None:
                    print(f"  {item}", file=sys.stderr)


def interrupted(number: int, frame: FrameType | None) -> None:
    """End as by Ctrl-C, so that what was made is removed."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the benchmark; exit code 1 if a project is not equivalent."""
    signal.signal(signal.SIGTERM, interrupted)
    given = options().parse_args()
    if given.only:
        chosen = given.only
    elif given.page:
        chosen = []
    elif given.outdated:
        chosen = sorted(outdated(load(given.results, names())))
    else:
        chosen = names()
    if chosen:
        run(given, chosen)
    results = load(given.results, names())
    old = outdated(results)
    text = page(results, old, most=MOST_REPEATS, close=CLOSE, seconds=SECONDS)
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(text, "utf-8")
    else:
        print(text)
    for name in sorted(old):
        print(f"{name}: there is no result, or it is out of date", file=sys.stderr)
    return int(any(result.verdict != "equivalent" for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
