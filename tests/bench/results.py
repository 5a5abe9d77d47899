"""What was measured, one JSON file for each project, which is committed: put together they make the page."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

SIDES = ("before", "after")


@dataclass(frozen=True, slots=True)
class Result:
    """The measurement of one project: when, by what, and what `dockerfix verify` tells (`essence` of its JSON report).

    `registry` tells whether the builds had the bench's own registry before them; `fingerprint` is `Opened.fingerprint`.
    """

    project: str
    date: str
    version: str
    engine: str
    machine: str
    registry: bool
    fingerprint: str
    found: dict[str, Any]

    @property
    def verdict(self) -> str:
        """What the images' comparison said."""
        return str(self.found["verdict"])

    @property
    def sizes(self) -> tuple[int | None, int | None]:
        """The bytes of the two images."""
        return self.found["before"]["image_bytes"], self.found["after"]["image_bytes"]

    def measured(self, scenario: str) -> Measured | None:
        """Return what a scenario took, None if it was not measured."""
        for one in self.found["scenarios"]:
            if one["name"] == scenario and one["before"] and one["after"]:
                return Measured(one["before"]["seconds"], one["after"]["seconds"])
        return None

    def put_into(self, older: Result, scenarios: Collection[str]) -> Result:
        """Return this measurement with all but its `scenarios` from `older`, which has to be of the same rewrite."""
        if older.fingerprint != self.fingerprint:
            raise ValueError(f"{self.project}: the result that is kept is of another project or rewrite")
        new = {one["name"]: one for one in self.found["scenarios"] if one["name"] in scenarios}
        found = [new.get(one["name"], one) for one in older.found["scenarios"]]
        return replace(self, found={**self.found, "scenarios": found})

    def skipped(self, scenario: str) -> str:
        """Return why a scenario was not measured, empty if it was, or is none of the project's."""
        return next((str(one["skipped"]) for one in self.found["scenarios"] if one["name"] == scenario), "")


@dataclass(frozen=True, slots=True)
class Measured:
    """The seconds of each build, before and after."""

    before: Sequence[float]
    after: Sequence[float]

    @property
    def ratio(self) -> float:
        """How many times faster `after` is, by the medians."""
        return statistics.median(self.before) / statistics.median(self.after)


def essence(report: dict[str, Any]) -> dict[str, Any]:
    """Return of a verification's JSON report what the page tells, in its form: no steps, no differences explained."""
    return {
        "verdict": report["verdict"],
        **{side: {"image_bytes": report[side]["image_bytes"]} for side in SIDES},
        "differences": [item for item in report["differences"] if item["cause"] is None],
        "scenarios": [
            {
                "name": one["name"],
                "skipped": one["skipped"],
                **{side: one[side] and {"seconds": one[side]["seconds"]} for side in SIDES},
            }
            for one in report["scenarios"]
        ],
    }


def save(directory: Path, result: Result) -> None:
    """Keep a result; the old one of the project is replaced as a whole."""
    directory.mkdir(parents=True, exist_ok=True)
    new = directory / f".{result.project}.new"
    new.write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
    new.replace(directory / f"{result.project}.json")


def load(directory: Path, names: Iterable[str]) -> dict[str, Result]:
    """Return the results of those projects that have one, in the order of their names."""
    paths = {name: directory / f"{name}.json" for name in sorted(names)}
    return {name: Result(**json.loads(path.read_text("utf-8"))) for name, path in paths.items() if path.exists()}


def mean(ratios: Iterable[float]) -> float:
    """Return the geometric mean."""
    return math.exp(statistics.fmean(map(math.log, ratios)))
