"""The rewrites together: those that touch the same instruction, and all of them on one Dockerfile.

Each tests/together/NAME.Dockerfile is one on which many rewrites meet. Nothing lists the pairs, they are found: for a
new rewrite, a Dockerfile is added on which it meets others.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from building import build

from rewrite import rewrites
from rewrite.build.build import Build
from rewrite.build.images import Resolved
from rewrite.fix import fix
from rewrite.model import Proposal, Result, Tier
from rewrite.settings import Settings

FIXTURES = sorted(Path(__file__).with_name("together").glob("*.Dockerfile"))
FILES = {
    "package.json": '{"name": "shop", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}',
    "package-lock.json": '{"name": "shop", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"dependencies":'
    ' {"left-pad": "1.3.0"}}, "node_modules/left-pad": {"version": "1.3.0"}}}',
    "requirements.txt": "flask==3.0.3\n",
    "go.mod": "module example.org/app\n\ngo 1.23\n\nrequire rsc.io/quote v1.5.2\n",
    "go.sum": "rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n",
    "main.go": "package main\n\nfunc main() {}\n",
    "app.js": "",
    "app.py": "",
}


RESOLVED = {"node:20-slim": Resolved(f"sha256:{'0' * 64}"), "python:3.12-slim": Resolved(f"sha256:{'1' * 64}")}


def project(path: Path, text: str | None = None) -> Build:
    """Return the build of a fixture, which NAME.no-mounts.Dockerfile is for those who want no cache mounts."""
    mounts = ".no-mounts" not in path.suffixes
    return build(path.read_text("utf-8") if text is None else text, FILES, resolved=RESOLVED, mounts=mounts)


def edited(found: Build) -> Iterator[tuple[str, set[int]]]:
    """Yield each rewrite that would edit, and the instructions that it would."""
    for rewrite in rewrites.discover():
        proposals = [one for one in rewrite.find(found) if isinstance(one, Proposal) and one.tier >= Tier.REVIEW]
        spans = [edit.span for one in proposals for edit in one.edits if edit.path == found.path]
        lines = enumerate(found.dockerfile.instructions)
        touched = {
            at for at, line in lines for span in spans if span.start < line.span.end and line.span.start < span.end
        }
        if touched:
            yield rewrite.NAME, touched


PAIRS = [
    (path, first, second)
    for path in FIXTURES
    for (first, mine), (second, theirs) in combinations(edited(project(path)), 2)
    if mine & theirs
]


def after(path: Path, *names: str) -> Result:
    """Return what becomes of a fixture, and check that a second run changes nothing more."""
    settings = Settings(select=names, review=True)
    result = fix(project(path), settings)
    assert not result.defects
    (change,) = [change for change in result.changes if change.path == "Dockerfile"]
    again = fix(project(path, change.after), settings)
    assert not [change for change in again.changes if change.path == "Dockerfile"]
    return result


@pytest.mark.parametrize("path, first, second", PAIRS, ids=lambda value: getattr(value, "stem", value))
def test_two_that_touch_the_same_instruction_are_both_applied(path: Path, first: str, second: str) -> None:
    applied = {proposal.rewrite for proposal in after(path, first, second).applied}
    assert applied == {first, second}


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_order_of_discovery_does_not_matter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is applied first is said by where it is in the file, how much it edits, and its name."""
    changes = after(path).changes
    backwards = tuple(reversed(rewrites.discover()))
    monkeypatch.setattr(rewrites, "discover", lambda: backwards)
    assert after(path).changes == changes


def test_whoever_edits_meets_another() -> None:
    """A rewrite that changes a Dockerfile in golden/ has a fixture, or golden/NAME/alone says why it needs none."""
    golden = Path(__file__).parent.parent / "golden"
    met = {name for _, *names in PAIRS for name in names}
    for rewrite in rewrites.discover():
        changes = any((golden / rewrite.NAME).glob("*/out/*ockerfile"))
        assert not changes or rewrite.NAME in met or (golden / rewrite.NAME / "alone").exists(), rewrite.NAME
