"""The benchmark itself, with an engine that only pretends."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import bench
import measuring
import project
import pytest
from fake_engine import FakeEngine
from measuring import RATE, Lock, Watching, based, clear
from project import ORDER, PROJECTS, THROTTLED, names, opened
from registry import Link, Upstream

from rewrite.verify.copies import restored
from rewrite.verify.edits import BASE, SOURCE
from rewrite.verify.engine import BuildOptions, EngineError

PROJECT = "python-plain"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine()
    monkeypatch.setattr(bench, "find_docker", lambda: engine)
    monkeypatch.setattr(bench, "upstream", lambda: Upstream("http://127.0.0.1:1/", "http://127.0.0.1:1/"))
    return engine


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    return bench.main()


@pytest.mark.parametrize("name", names())
def test_every_project_can_be_measured(name: str) -> None:
    with opened(name) as now:
        assert now.result.changes, "there is something to measure"
        assert now.bases
        for edit in now.chosen:
            if not edit.skipped:
                with restored(now.context, edit.touches):
                    edit.apply(now.context, "0a0b0c0d")


def test_what_is_measured_is_kept_and_told(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, output = tmp_path / "kept", tmp_path / "docs" / "page.md"
    where = (f"--results={kept}", f"--output={output}")
    assert call(monkeypatch, f"--only={PROJECT}", *where) == 0
    found = json.loads((kept / f"{PROJECT}.json").read_text())
    measured = {one["name"]: one for one in found["found"]["scenarios"]}
    assert [name for name in ORDER if name in measured] == list(measured)
    assert measured[THROTTLED]["after"]["seconds"] and measured[BASE]["after"]["seconds"]
    assert "steps" not in str(found), "the file is committed: only what the page tells"
    assert f"| {PROJECT} | equivalent |" in output.read_text()
    assert engine.images == {}

    # The page is made from what is kept.
    text = output.read_text()
    output.unlink()
    number = len(engine.builds)
    assert call(monkeypatch, "--page", *where) == 0
    assert (output.read_text(), len(engine.builds)) == (text, number)

    # What has a result of this project and this rewrite is not measured again; what has another is.
    monkeypatch.setattr(bench, "names", lambda: [PROJECT])
    capsys.readouterr()
    assert call(monkeypatch, "--outdated", *where) == 0
    assert len(engine.builds) == number
    (kept / f"{PROJECT}.json").write_text(json.dumps({**found, "fingerprint": "another"}))
    assert call(monkeypatch, "--page", *where) == 0
    assert "since then" in output.read_text()
    assert f"{PROJECT}: there is no result" in capsys.readouterr().err
    assert call(monkeypatch, "--outdated", *where) == 0
    assert len(engine.builds) > number
    assert "since then" not in output.read_text()


def test_the_registry_is_before_all_builds(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measuring, "SECONDS", 1.0)
    where = (f"--results={tmp_path}", f"--output={tmp_path / 'page'}")
    call(monkeypatch, f"--only={PROJECT}", "--cgroup-parent=ours", *where)
    made = [text for text, _ in engine.builds if text.startswith("FROM python:3.12-slim\nENV PIP_INDEX_URL=")]
    assert len(made) == 1
    projects = [options for text, options in engine.builds if "GIT_SHA" in text]
    assert len(projects) > 10
    for options in projects:
        assert (options.network, options.cgroup_parent) == ("host", "ours")
        assert options.build_args["HTTPS_PROXY"] == options.build_args["HTTP_PROXY"]
        (context,) = options.build_contexts
        assert context.startswith("python:3.12-slim=docker-image://dockerfix-")


def test_without_a_registry(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    call(monkeypatch, "--plain", f"--only={PROJECT}", f"--results={tmp_path}", f"--output={tmp_path / 'page'}")
    found = json.loads((tmp_path / f"{PROJECT}.json").read_text())
    assert THROTTLED not in {one["name"] for one in found["found"]["scenarios"]}
    assert not any(options.network or "HTTP_PROXY" in options.build_args for _, options in engine.builds)


def test_an_image_that_differs_is_an_error(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine.make = lambda files, text, number: {"app/x": text.encode()}
    assert call(monkeypatch, "--plain", f"--only={PROJECT}", f"--results={tmp_path}", f"--output={tmp_path / 'p'}") == 1


def test_a_base_that_cannot_be_used() -> None:
    made = based(FakeEngine(lambda *_: None), ["debian:12"], {"A": "b"})  # type: ignore[arg-type]
    with pytest.raises(EngineError, match=r"no image can be made from debian:12: "), made:
        pass


def test_a_result_follows_the_project_and_its_rewrite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(PROJECTS / PROJECT, tmp_path / PROJECT)
    with opened(PROJECT) as first, opened(PROJECT) as again:
        assert first.fingerprint == again.fingerprint
    monkeypatch.setattr(project, "PROJECTS", tmp_path)
    with opened(PROJECT) as copy:
        assert copy.fingerprint == first.fingerprint
    (tmp_path / PROJECT / "README.md").write_text("A small HTTP service that keeps notes. No more.\n")
    with opened(PROJECT) as changed:
        assert changed.fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([9.0], [1.0], True),
        ([1.0], [9.0], True),
        ([7.0], [6.0], False),
        ([0.2], [0.3], False),
        ([7.0, 7.0], [6.0, 6.0], True),
    ],
)
def test_when_a_scenario_is_measured_again(before: list[float], after: list[float], expected: bool) -> None:
    assert clear(before, after) is expected


def test_the_link_is_slow_where_it_has_to_be() -> None:
    link = Link()
    watching = Watching("x", Lock(""), link)
    rates = []
    for what in ("before: from nothing", f"before: {THROTTLED}", f"after: {THROTTLED}", f"before: {SOURCE}"):
        watching.begin(what)
        watching.end()
        rates.append(link.rate)
    assert rates == [None, RATE, RATE, None]


def is_free(path: Path) -> bool:
    return subprocess.run(["flock", "--nonblock", path, "true"]).returncode == 0


def test_the_lock_is_that_of_flock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    lock = Lock(str(path))
    assert is_free(path)
    lock.rest()
    assert not is_free(path)
    lock.rest()
    lock.release()
    assert is_free(path)
    # Held for long enough it is given away, and is had again only when the other has done.
    monkeypatch.setattr(measuring, "SLICE", 0.0)
    done = tmp_path / "done"
    command = ["flock", path, "sh", "-c", f"echo has it; sleep 0.3; touch {done}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"has it\n"
        lock.rest()
        assert done.exists()
    assert not is_free(path)
    lock.release()


def test_an_imported_cache_goes_to_the_registries_themselves() -> None:
    given: list[object] = []
    through = measuring.Unchanged(lambda *arguments: given.append(arguments))  # type: ignore[arg-type, return-value, func-returns-value]
    through("warm", "edited", BuildOptions(network="host"))  # type: ignore[arg-type]
    assert given == [("warm", "edited", BuildOptions(), None)]
