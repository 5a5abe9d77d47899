"""`make bench`: verifies our own projects before and after, in all scenarios, and writes one table.

    python tests/bench/bench.py [--only NAME]... [--repeat N] [--output docs/benchmark.md]

Each project in `projects/` has a `bench.toml` that says what it stands for and which edits are made. A copy of it is
put under git, so that the scenario of a new commit has something to commit. With ``--throttle COMMAND``, the manifest
edit is measured once more between ``COMMAND throttle 100mbit`` and ``COMMAND throttle off``.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from rewrite import __version__
from rewrite.fix import Request, fix
from rewrite.project import Session
from rewrite.settings import Settings
from rewrite.verify import edits
from rewrite.verify.builders import importing
from rewrite.verify.docker import Docker
from rewrite.verify.edits import Edit, replacing
from rewrite.verify.engine import BuildOptions, Step
from rewrite.verify.engines import find_docker
from rewrite.verify.outcome import COLD, Scenario, Verification
from rewrite.verify.proof import ImportedCache, Plan, verify

PROJECTS = Path(__file__).parent / "projects"
RATE = "100mbit"
THROTTLED = f"manifest-edit at {RATE}"
# In CI nothing is warm, so the cold build and the imported cache are told apart from what a developer repeats.
ORDER = (
    COLD,
    edits.UNCHANGED,
    edits.SOURCE,
    edits.README,
    edits.COMMIT,
    edits.ARGUMENT,
    edits.MANIFEST,
    THROTTLED,
    edits.BASE,
    edits.IMPORTED,
)
SLOWER = 1 / 1.1


@dataclass(frozen=True, slots=True)
class Project:
    """One project of the benchmark: its name, and what its `bench.toml` says."""

    name: str
    about: str
    dockerfile: str
    context: str
    review: bool
    edits: tuple[Edit, ...]


def read(directory: Path) -> Project:
    """Return the project in `directory`; raise KeyError or tomllib.TOMLDecodeError for a wrong `bench.toml`."""
    said = tomllib.loads((directory / "bench.toml").read_text("utf-8"))
    context = said.get("context", ".")
    source = _edit(edits.SOURCE, said["source"], context)
    chosen = [Edit(edits.UNCHANGED, "no change"), source]
    chosen += [_edit(name, said[key], context) for key, name in KEYS.items() if key in said]
    if "manifest" in said:
        chosen.append(_edit(THROTTLED, said["manifest"], context))
    chosen.append(replace(source, name=edits.IMPORTED))
    return Project(
        directory.name,
        said["about"],
        said.get("dockerfile", "Dockerfile"),
        context,
        said.get("review", False),
        tuple(chosen),
    )


KEYS = {"manifest": edits.MANIFEST, "readme": edits.README}


def _edit(name: str, said: dict[str, Any], context: str) -> Edit:
    """Return the edit that a table of `bench.toml` describes; its paths are relative to the project."""
    files = said.get("files", [said])
    paths = [os.path.relpath(file["path"], context) for file in files]
    changes = [(path, file["old"], file["new"]) for path, file in zip(paths, files, strict=True)]
    return replacing(name, ", ".join(paths), changes)


@contextmanager
def checkout(directory: Path) -> Iterator[Path]:
    """Yield a copy of a project under git, without `bench.toml`."""
    with tempfile.TemporaryDirectory(prefix="dockerfix-bench-") as place:
        root = Path(place, directory.name)
        shutil.copytree(directory, root, symlinks=True, ignore=shutil.ignore_patterns("bench.toml"))
        for command in (["init", "--quiet"], ["add", "--all", "--force"], ["commit", "--quiet", "--message=begin"]):
            name = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
            subprocess.run(["git", *name, *command], cwd=root, check=True)
        yield root


class Throttling:
    """Slows the network while the manifest edit is built for the second time, and tells what goes on."""

    def __init__(self, name: str, command: str) -> None:
        self._name = name
        self._command = command
        self._slow = False

    def expect(self, builds: int) -> None:
        """Take the number of builds."""

    def begin(self, what: str) -> None:
        """Throttle what is to be throttled."""
        print(f"{self._name}: {what}", file=sys.stderr, flush=True)
        self._slow = what.endswith(RATE)
        if self._slow:
            subprocess.run([self._command, "throttle", RATE], check=True)

    def steps(self, steps: Sequence[Step]) -> None:
        """Take the steps so far."""

    def end(self) -> None:
        """Lift what `begin` has put on."""
        if self._slow:
            subprocess.run([self._command, "throttle", "off"], check=True)


def measure(
    engine: Docker, directory: Path, repeat: int, throttle: str, imported: ImportedCache | None
) -> Verification:
    """Verify one project in all of its scenarios."""
    project = read(directory)
    with checkout(directory) as root:
        dockerfile = root / project.dockerfile
        settings = Settings(review=project.review, context=str(root / project.context))
        build = Session().open(Request(dockerfile, None, str(dockerfile)), settings)
        general = {edit.name: edit for edit in edits.choose(build)}
        mine = {edit.name: edit for edit in project.edits}
        chosen = [mine.get(name) or general.get(name) for name in ORDER]
        chosen = [replace(edit, title=edit.name) for edit in chosen if edit and (edit.name != THROTTLED or throttle)]
        plan = Plan(BuildOptions(), [edit.name for edit in chosen], repeat)
        return verify(engine, build, fix(build, settings), plan, Throttling(project.name, throttle), imported, chosen)


def table(found: dict[str, Verification]) -> str:
    """Return the table, its means, and what each project stands for, as markdown."""
    names = [name for name in ORDER if any(measured(one, name) for one in found.values())]
    lines = [f"| project | images | size, MB | {' | '.join(names)} |", f"|---|---|---{'|--:' * len(names)}|"]
    for project, one in found.items():
        sizes = [side.image_bytes for side in (one.before, one.after)]
        size = " → ".join("-" if number is None else f"{number / 1e6:,.0f}" for number in sizes)
        lines.append(
            f"| {project} | {one.verdict} | {size} | {' | '.join(cell(measured(one, name)) for name in names)} |"
        )
    ratios = {name: [s.ratio for one in found.values() if (s := measured(one, name)) and s.ratio] for name in names}
    means = (f"**{mean(ratios[name]):.1f}**" for name in names)
    improved = (f"{sum(ratio > 1.1 for ratio in ratios[name])} of {len(ratios[name])}" for name in names)
    worst = (f"{min(ratios[name]):.2f}" for name in names)
    lines.append(f"| **geometric mean** | | | {' | '.join(means)} |")
    lines.append(f"| more than 1.1 times faster | | | {' | '.join(improved)} |")
    lines.append(f"| least | | | {' | '.join(worst)} |")
    return "\n".join(lines) + "\n"


def measured(one: Verification, name: str) -> Scenario | None:
    """Return a scenario's measurement, None if there is none."""
    return next((s for s in one.scenarios if s.name == name and s.ratio is not None), None)


def mean(ratios: Iterable[float]) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def cell(scenario: Scenario | None) -> str:
    """Return seconds before and after, and their ratio."""
    if scenario is None or scenario.before is None or scenario.after is None:
        return "-"
    return f"{scenario.before.median:.1f} → {scenario.after.median:.1f} ({scenario.ratio:.1f})"


PAGE = """# Benchmark

Made on {date} by `make bench`: dockerfix {version}, {engine}, {cores} cores, {machine}. Not edited by hand.

Seconds before → after, and in brackets how many times faster; the median of {repeat}. Every build of a scenario starts
from the same warm cache. `imported-cache` is a source edit in a builder that holds only the base images and imports a
cache (`type=local,mode=max`) which the build before the edit exported. What is measured, and how the images are
compared, is in the README under "Prove it".

{table}
{projects}
"""


def page(found: dict[str, Verification], engine: Docker, repeat: int) -> str:
    """Return the whole page."""
    return PAGE.format(
        date=date.today(),
        version=__version__,
        engine=engine.name,
        cores=os.cpu_count(),
        machine=platform.machine(),
        repeat=f"{repeat} builds" if repeat > 1 else "one build",
        table=table(found),
        projects="\n".join(f"- `{name}`: {read(PROJECTS / name).about}" for name in found),
    )


def main() -> int:
    """Run the benchmark; exit code 1 if a project is not equivalent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME", help="only this project; may be repeated")
    parser.add_argument("--repeat", type=int, default=1, help="how often each scenario is built (default: 1)")
    parser.add_argument("--throttle", default="", metavar="COMMAND", help="the lab's `engine`")
    parser.add_argument("--buildkitd-config", default="", metavar="FILE", help="for the builder that imports a cache")
    parser.add_argument("--driver-opt", action="append", metavar="KEY=VALUE", help="the same; may be repeated")
    parser.add_argument("--output", type=Path, help="where to write the page; default: standard output")
    options = parser.parse_args()
    names = options.only or sorted(path.parent.name for path in PROJECTS.glob("*/bench.toml"))
    engine = find_docker()
    found: dict[str, Verification] = {}
    with ExitStack() as stack:
        imported = None
        if options.buildkitd_config:
            imported = stack.enter_context(
                importing(engine, config=options.buildkitd_config, driver_options=options.driver_opt or ())
            )
        for name in names:
            found[name] = measure(engine, PROJECTS / name, options.repeat, options.throttle, imported)
            print(f"{name}: {found[name].verdict}", file=sys.stderr)
            for item in found[name].unexplained:
                print(f"  {item}", file=sys.stderr)
    text = page(found, engine, options.repeat)
    if options.output:
        options.output.write_text(text, "utf-8")
    else:
        print(text)
    return int(any(one.exit_code for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
