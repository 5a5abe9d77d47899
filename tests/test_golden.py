"""Every folder golden/REWRITE/CASE: what dockerfix makes of in/ is out/, and what it declines is named in case.toml.

case.toml may hold: `review` and `mounts` (bool), `select` (the folder's rewrite by default; `[]` for all),
`dockerfile` (default "Dockerfile"), `context` (default "."), `builder`, `digests` and `platforms` (tables: what is
told of base images; without both nobody is asked), `history` (a table: how many commits touch a file), `revisions`
(with it: a text of the Dockerfile, and what stood there in earlier commits, the latest first), `refused` (a text that
a refusal of this rewrite must contain), `offered` (a text that an unapplied proposal's title or doubt must contain;
"": there is none), `applied` (how many proposals are applied), `note` (a text that a note of an applied or offered
proposal must contain).
"""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rewrite.build.images import Resolved
from rewrite.fix import Request, fix_files
from rewrite.model import Proposal, Result, Status
from rewrite.settings import Settings

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/*/in"))


def options(case: Path) -> dict[str, Any]:
    """Return what case.toml says."""
    path = case / "case.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def run(case: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Fix the project's Dockerfile and return the result."""
    chosen = options(case)
    monkeypatch.chdir(project)
    name = chosen.get("dockerfile", "Dockerfile")
    (outcome,) = fix_files([Request(Path(name), None, name)], lambda path: settings(case), resolver(chosen))
    assert isinstance(outcome, Result), outcome
    return outcome


def settings(case: Path) -> Settings:
    """Return the settings that case.toml says."""
    chosen = options(case)
    return Settings(
        select=tuple(chosen.get("select", [case.parent.name])),
        review=chosen.get("review", False),
        mounts=chosen.get("mounts", True),
        context=chosen.get("context"),
        builder=chosen.get("builder"),
    )


def copied(case: Path, project: Path) -> Path:
    """Copy a case's in/, and make the history that it asks for."""
    shutil.copytree(case / "in", project, symlinks=True)
    if "history" in options(case):
        commit(project, options(case)["history"], options(case).get("revisions", ()))
    return project


def resolver(chosen: dict[str, Any]) -> Callable[[str], Resolved] | None:
    """Return who says what base images are, None where nobody is asked."""
    digests, platforms = chosen.get("digests", {}), chosen.get("platforms", {})

    def resolve(reference: str) -> Resolved:
        return Resolved(digests.get(reference, ""), tuple(platforms.get(reference, ())))

    return resolve if {"digests", "platforms"} & chosen.keys() else None


def commit(project: Path, history: dict[str, int], revisions: Sequence[str] = ()) -> None:
    """Make a repository of the project in which as many commits touch each file as `history` says.

    Before them come those of the Dockerfile that had another of `revisions` where it has the first one now.
    """
    stream, message = b"", b"commit refs/heads/main\ncommitter a <a@example.org> 0 +0000\ndata 1\n.\n"
    contents = []
    for earlier in reversed(revisions):
        text = (project / "Dockerfile").read_bytes()
        assert revisions[0].encode() in text
        contents.append(("Dockerfile", text.replace(revisions[0].encode(), earlier.encode())))
    for name, times in history.items():
        contents += [(name, (project / name).read_bytes() + b"\n" * left) for left in reversed(range(times))]
    for name, content in contents:
        stream += message + b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(content), content)
    for command in (["init", "--quiet", "--initial-branch=main"], ["fast-import", "--quiet"]):
        subprocess.run(["git", "-C", str(project), *command], input=stream, check=True)


def write(project: Path, result: Result) -> None:
    """Apply the result's changes to the project."""
    for change in result.changes:
        (project / change.path).write_bytes(change.after.encode("utf-8", "surrogateescape"))


def tree(root: Path) -> dict[str, bytes]:
    """Return all files below `root`."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def texts(proposal: Proposal) -> str:
    """Return a proposal's title and its doubts, to search in."""
    doubts = [f"{o.claim} {o.evidence}" for o in proposal.proof if o.status != Status.PROVED]
    return "\n".join([proposal.title, *doubts])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_golden(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Compare with out/ (absent: nothing changes), check what case.toml expects, and run a second time."""
    project = copied(case, tmp_path / "project")
    before = tree(project)
    result = run(case, project, monkeypatch)
    write(project, result)
    after = tree(project)
    changed = {name: content for name, content in after.items() if before.get(name) != content}
    if request.config.getoption("--accept"):
        shutil.rmtree(case / "out", ignore_errors=True)
        for name, content in changed.items():
            target = case / "out" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    assert changed == (tree(case / "out") if (case / "out").exists() else {})
    assert not result.defects
    expected = options(case)
    refusals = [refusal.premise for refusal in result.refusals if refusal.rewrite == case.parent.name]
    if "refused" in expected:
        assert any(expected["refused"] in premise for premise in refusals), refusals
    if "offered" in expected:
        offered = [texts(proposal) for proposal in result.offered]
        assert any(expected["offered"] in text for text in offered) if expected["offered"] else not offered, offered
    if "applied" in expected:
        assert len(result.applied) == expected["applied"]
    if "note" in expected:
        notes = [note for proposal in (*result.applied, *result.offered) for note in proposal.notes]
        assert any(expected["note"] in note for note in notes), notes
    second = run(case, project, monkeypatch)
    assert not second.changes and not second.applied


def test_every_rewrite_has_cases() -> None:
    """Each rewrite changes, or offers something in, at least one case, and leaves at least one alone."""
    from rewrite.rewrites import discover

    for rewrite in discover():
        cases = [case for case in CASES if case.parent.name == rewrite.NAME]
        changing = [case for case in cases if (case / "out").exists() or "offered" in options(case)]
        assert changing, f"{rewrite.NAME} has no changing case"
        assert any(not (case / "out").exists() for case in cases), f"{rewrite.NAME} has no declining case"
