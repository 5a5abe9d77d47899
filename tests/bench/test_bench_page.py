"""Results of the benchmark: kept, put together, and told on one page."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import page
import pytest
from results import Result, load, mean, save

LIMITS: dict[str, Any] = {"most": 5, "close": 2.0, "seconds": 30.0}


def scenario(name: str, before: list[float], after: list[float]) -> dict[str, Any]:
    return {"name": name, "before": {"seconds": before}, "after": {"seconds": after}, "skipped": ""}


def result(project: str, *scenarios: dict[str, Any], verdict: str = "equivalent") -> Result:
    found = {
        "verdict": verdict,
        "before": {"image_bytes": 2_000_000_000},
        "after": {"image_bytes": None},
        "scenarios": scenarios,
        "differences": [],
    }
    return Result(project, "2026-11-27 03:00", "1.0 abc", "Docker 28.5", "2 cores", True, "f", found)


FAST = result(
    "apt-only", scenario("source-edit", [10.0], [1.0]), scenario("new-base", [5.0, 6.0, 9.0], [6.6, 3.0, 9.9])
)
SLOW = result(
    "mixed",
    scenario("source-edit", [9.0], [3.6]),
    {"name": "readme-edit", "before": None, "after": None, "skipped": "no README"},
    scenario("new-base", [4.0], [5.0]),
    scenario("manifest-edit at 100 Mbit/s", [9.0], [3.0]),
)
BOTH = {"apt-only": FAST, "mixed": SLOW}


def test_single_scenarios_are_measured_anew() -> None:
    again = result("apt-only", scenario("cold", [7.0], [7.0]), scenario("new-base", [5.0], [2.5]))
    together = again.put_into(FAST, ["new-base"])
    assert together.found["scenarios"] == [FAST.found["scenarios"][0], scenario("new-base", [5.0], [2.5])]
    with pytest.raises(ValueError, match="of another project or rewrite"):
        again.put_into(replace(FAST, fingerprint="g"), ["new-base"])


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    kept = tmp_path / "not" / "yet"
    save(kept, SLOW)
    save(kept, FAST)
    again = Result(**{**{name: getattr(FAST, name) for name in FAST.__slots__}, "date": "2026-11-28 03:00"})
    save(kept, again)
    found = load(kept, ["mixed", "apt-only", "not-yet"])
    assert list(found) == ["apt-only", "mixed"]
    assert found["apt-only"].date == "2026-11-28 03:00"
    assert found["mixed"].measured("source-edit") == SLOW.measured("source-edit")
    assert found["mixed"].skipped("readme-edit") == "no README"
    assert sorted(path.name for path in kept.iterdir()) == ["apt-only.json", "mixed.json"]


def test_the_table() -> None:
    assert page.table(BOTH).splitlines() == [
        "| project | images | size, MB | source-edit | manifest-edit at 100 Mbit/s | new-base |",
        "|---|---|---|--:|--:|--:|",
        "| apt-only | equivalent | 2,000 → - | 10.0 → 1.0 (10.0) | - | 6.0 → 6.6 (0.9) |",
        "| mixed | equivalent | 2,000 → - | 9.0 → 3.6 (2.5) | 9.0 → 3.0 (3.0) | 4.0 → 5.0 (0.8) |",
        "| **geometric mean** | | | **5.00** | **3.00** | **0.85** |",
        "| more than 1.1 times faster | | | 2 of 2 | 1 of 1 | 0 of 2 |",
        "| least | | | 2.50 | 3.00 | 0.80 |",
    ]


def test_the_aims_are_checked() -> None:
    told = page.aims(BOTH)
    assert "| the same image | 2 of 2 | reached |" in told
    assert "| source-edit: 5 times faster in the geometric mean | 5.00 times (2 projects) | reached |" in told
    assert "| nowhere slower than by 1.1 times | 0.80 times at least (mixed, new-base) | **missed** |" in told
    assert not any("imported-cache" in line for line in told), "what was not measured is no aim"
    other = result("mixed", scenario("source-edit", [9.0], [2.0]), verdict="different")
    told = page.aims({"mixed": other})
    assert "| the same image | 0 of 1 | **missed** |" in told
    assert "| source-edit: 5 times faster in the geometric mean | 4.50 times (1 projects) | **missed** |" in told


def test_how_much_of_a_manifest_edit_is_the_network() -> None:
    assert page.network(BOTH) == "", "one of the two was not measured"
    one = result("a", scenario("manifest-edit at 100 Mbit/s", [9.0], [1.0]), scenario("manifest-edit", [8.1], [1.0]))
    two = result("b", scenario("manifest-edit at 100 Mbit/s", [5.0], [1.0]), scenario("manifest-edit", [6.0], [1.0]))
    assert " 10% of the time" in page.network({"a": one})
    assert " 0% of the time" in page.network({"b": two})
    assert page.network({"a": one}) in page.page(
        {"apt-only": Result(**{**asdict(one), "project": "apt-only"})}, (), **LIMITS
    )


def test_what_an_imported_cache_costs() -> None:
    assert page.importing(BOTH) == "", "one of the two was not measured"
    measured = scenario("source-edit", [10.0], [1.0]), scenario("imported-cache", [10.0], [3.5])
    told = page.importing({"a": result("a", *measured)})
    assert " takes 2.5 s" in told and "source edit 10.0 s" in told


def test_what_is_slower_is_listed_with_all_its_builds() -> None:
    assert "| mixed | new-base | 4.00 | 5.00 | 0.80 |" in page.slow(BOTH)
    assert "apt-only" not in page.slow(BOTH), "1.1 times is what is allowed"
    assert page.slow({"mixed": result("mixed", scenario("new-base", [5.0], [5.4]))}) == ""


def test_the_page_tells_when_and_by_what() -> None:
    text = page.page(BOTH, {"mixed"}, **LIMITS)
    lines = {line.split(" | ")[0]: line for line in text.splitlines() if "2026-11-27" in line}
    assert lines["| apt-only"].endswith("| 2026-11-27 03:00 | 1.0 abc | Docker 28.5 | 2 cores | 1 to 3 |")
    assert "(since then the project or its rewrite has changed)" in lines["| mixed"]
    assert page.page(BOTH, {"mixed"}, **LIMITS) == text
    assert "Not measured" not in text
    assert "Not measured yet: a, b.\n" in page.page(BOTH, {"mixed", "b", "a"}, **LIMITS)


def test_a_page_of_nothing() -> None:
    assert "| the same image | 0 of 0 | reached |" in page.page({}, (), **LIMITS)


def test_the_geometric_mean() -> None:
    assert mean([2.0, 8.0]) == pytest.approx(4.0)
