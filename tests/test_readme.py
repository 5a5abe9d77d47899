"""What the README shows is what the command prints."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from rewrite.cli import main
from rewrite.ecosystems import tools
from rewrite.rewrites import discover

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def indented(name: str, text: str) -> list[str]:
    """Return the lines of a code block of the README, from the line that begins with `text`."""
    start = README.index(text)
    lines = README[start:].split("\n\n" + name)[0].split("\n")
    return [line[4:] for line in lines]


def test_the_demo_is_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["--diff", "--color", "never", "golden/manifests-first/flask/in"]) == 1
    printed = capfd.readouterr()
    shown = indented("and why", "    diff --git a/golden")
    assert [line.rstrip() for line in shown] == [line.rstrip() for line in printed.out.rstrip("\n").split("\n")]
    reasons = indented("## ", "    golden/manifests-first/flask/in/Dockerfile:4: would change")
    shown_reasons = [line.rstrip() for line in reasons[: reasons.index("…")]]
    assert shown_reasons == printed.err.split("\n")[: len(shown_reasons)]


def test_every_rewrite_is_named() -> None:
    named = set(re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE))
    assert {rewrite.NAME for rewrite in discover()} <= named


def test_every_package_manager_is_named() -> None:
    table = README[README.index("| family | package managers |") :].split("\n\n")[0]
    told = {line.split(" | ")[0].strip("| "): line.split(" | ")[1].strip("| ") for line in table.split("\n")[2:]}
    assert told == {
        family: ", ".join(tool.name for tool in group)
        for family, group in itertools.groupby(tools(), key=lambda tool: tool.family)
    }


@pytest.mark.parametrize(
    "option", ["--diff", "--write", "--check", "--context", "--select", "--ignore", "--review", "--no-mounts"]
)
def test_every_option_is_explained(option: str) -> None:
    assert f"`{option}" in README
