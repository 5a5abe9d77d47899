"""The rewrites together: those that edit the same instruction, and all of them on one Dockerfile.

Which rewrites can meet is found, not listed: two that edit the same kind of instruction anywhere in golden/ or in
tests/together must meet on one of the Dockerfiles there, tests/together/NAME.Dockerfile, or be tried in apart.toml,
which says why they do not. For a new rewrite, a Dockerfile is added on which it meets the others.
"""

from __future__ import annotations

import contextlib
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from building import build
from test_golden import CASES, copied, options, resolver, settings

from rewrite import rewrites
from rewrite.build.build import Build
from rewrite.build.images import Resolved
from rewrite.fix import Request, fix
from rewrite.model import Proposal, Refusal, Result, Tier
from rewrite.project import Session
from rewrite.settings import Settings
from rewrite.source.dockerfile import parse

TOGETHER = Path(__file__).with_name("together")
FIXTURES = sorted(TOGETHER.glob("*.Dockerfile"))
APART = tomllib.loads((TOGETHER / "apart.toml").read_text("utf-8"))
INSTEAD = {tuple(entry["pair"]) for entry in APART["instead"]}
FILES = {
    "package.json": '{"name": "shop", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}',
    "package-lock.json": '{"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"dependencies":'
    ' {"left-pad": "1.3.0"}}, "node_modules/left-pad": {"version": "1.3.0"}}}',
    "requirements.txt": "flask==3.0.3\n",
    "go.mod": "module example.org/app\n\ngo 1.23\n\nrequire rsc.io/quote v1.5.2\n",
    "go.sum": "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n",
    "main.go": "package main\n\nfunc main() {}\n",
    "Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n',
    "Cargo.lock": 'version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\n',
    "src/main.rs": "fn main() {}\n",
    "app.js": "",
    "app.py": "",
    "run.sh": "",
    ".npmrc": "//registry.example.org/:_authToken=0123456789abcdef0123\n",
}


RESOLVED = {
    name: Resolved(f"sha256:{str(at) * 64}")
    for at, name in enumerate(("node:20-slim", "python:3.12-slim", "golang:1.23"))
}


LARGE = {"video.mp4": b"\0" * 16 * 2**20}


def project(path: Path, text: str | None = None) -> Build:
    """Return the build of a fixture; NAME.no-mounts is for those who want no cache mounts, NAME.large has LARGE too."""
    text = path.read_text("utf-8") if text is None else text
    return made(text, ".no-mounts" not in path.suffixes, LARGE if ".large" in path.suffixes else {})


def made(text: str, mounts: bool = True, more: Mapping[str, bytes] = MappingProxyType({})) -> Build:
    """Return the build of a Dockerfile among FILES and `more`."""
    return build(text, {**FILES, **more}, resolved=RESOLVED, mounts=mounts)


def edited(found: Build, *names: str) -> Iterator[tuple[str, set[int]]]:
    """Yield each rewrite (of `names`, if given) that would edit, and the instructions that it would."""
    for rewrite in rewrites.discover():
        if names and rewrite.NAME not in names:
            continue
        proposals = [one for one in rewrite.find(found) if isinstance(one, Proposal) and one.tier >= Tier.REVIEW]
        spans = [edit.span for one in proposals for edit in one.edits if edit.path == found.path]
        lines = enumerate(found.dockerfile.instructions)
        touched = {
            at for at, line in lines for span in spans if span.start < line.span.end and line.span.start < span.end
        }
        if touched:
            yield rewrite.NAME, touched


EDITED = {path: dict(edited(project(path))) for path in FIXTURES}
PAIRS = [
    (path, first, second)
    for path, found in EDITED.items()
    for first, second in combinations(found, 2)
    if found[first] & found[second]
]


def together(before: Build, *names: str) -> Result:
    """Return what becomes of a build, and check that a second run changes nothing more."""
    chosen = Settings(select=names, review=True)
    result = fix(before, chosen)
    assert not result.defects
    (change,) = [change for change in result.changes if change.path == "Dockerfile"]
    again = fix(replace(before, dockerfile=parse(change.after)), chosen)
    assert not [change for change in again.changes if change.path == "Dockerfile"]
    return result


def backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rewrites be discovered in the opposite order."""
    reversed_order = tuple(reversed(rewrites.discover()))
    monkeypatch.setattr(rewrites, "discover", lambda: reversed_order)


@pytest.mark.parametrize("path, first, second", PAIRS, ids=lambda value: getattr(value, "stem", value))
def test_two_that_edit_the_same_instruction_are_both_applied(
    path: Path, first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both, in whatever order they are discovered; or one that does what the other would, see apart.toml."""
    result = together(project(path), first, second)
    applied = {proposal.rewrite for proposal in result.applied}
    if applied != {first, second}:
        assert (first, second) in INSTEAD
        (one,) = applied
        assert together(project(path), one).changes == result.changes
    backwards(monkeypatch)
    assert fix(project(path), Settings(select=(first, second), review=True)).changes == result.changes


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_order_of_discovery_does_not_matter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is applied first is said by where it is in the file, how much it edits, and its name."""
    changes = together(project(path)).changes
    backwards(monkeypatch)
    assert together(project(path)).changes == changes


TRIED = [(entry, first) for entry in APART["pair"] for first in entry["edits"]]


@pytest.mark.parametrize("entry, first", TRIED, ids=[f"{first}-{entry['leaves']}" for entry, first in TRIED])
def test_two_that_do_not_meet(entry: dict[str, Any], first: str) -> None:
    """The one edits an instruction that the other leaves."""
    second = entry["leaves"]
    before = made(entry["dockerfile"], entry.get("mounts", True))
    found = dict(edited(before, first, second))
    assert found[first] - found.get(second, set()) and not found[first] & found.get(second, set())
    (rewrite,) = [rewrite for rewrite in rewrites.discover() if second == rewrite.NAME]
    premises = [outcome.premise for outcome in rewrite.find(before) if isinstance(outcome, Refusal)]
    assert any(entry.get("refused", "") in premise for premise in premises) or "refused" not in entry, premises
    result = together(before, first, second)
    assert sorted({proposal.rewrite for proposal in result.applied} - {second}) == [first]
    assert "applied" not in entry or sorted({proposal.rewrite for proposal in result.applied}) == entry["applied"]


def keywords(directory: Path) -> dict[str, set[str]]:
    """Return the kinds of instructions that each rewrite edits in its golden cases and in the fixtures."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, names in EDITED.items():
        lines = project(path).dockerfile.instructions
        for name, touched in names.items():
            found[name] |= {lines[at].keyword for at in touched}
    for case in CASES:
        chosen = options(case)
        if not (case / "out").exists() and "offered" not in chosen:
            continue
        name = chosen.get("dockerfile", "Dockerfile")
        with contextlib.chdir(copied(case, directory / case.parent.name / case.name)):
            opened = Session(resolve=resolver(chosen)).open(Request(Path(name), None, name), settings(case))
            for rewrite, touched in edited(opened, case.parent.name):
                found[rewrite] |= {opened.dockerfile.instructions[at].keyword for at in touched}
    return found


def test_all_that_can_meet_do_or_are_tried(tmp_path: Path) -> None:
    """Two that edit the same kind of instruction have a test in which both apply, or one that keeps them apart."""
    kinds = keywords(tmp_path)
    can_meet = {pair for pair in combinations(sorted(kinds), 2) if kinds[pair[0]] & kinds[pair[1]]}
    met = {tuple(sorted(names)) for _, *names in PAIRS}
    apart = {tuple(sorted((first, entry["leaves"]))) for entry, first in TRIED}
    untried = can_meet - met - apart
    assert not untried, "these need a Dockerfile in tests/together/, or an entry in its apart.toml"
    assert not met & apart
    assert apart <= can_meet
    assert met >= INSTEAD
