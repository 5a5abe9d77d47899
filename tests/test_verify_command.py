"""`dockerfix verify` and `--write --verify`: options, reports, exit codes; the engine is a stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from fake_engine import FakeEngine, everything

from rewrite import proving
from rewrite.cli import main
from rewrite.verify.engine import EngineError

OLD = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    for name, text in {"Dockerfile": OLD, "requirements.txt": "flask==3.0.3\n", "app.py": "1\n"}.items():
        (root / name).write_text(text)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(proving, "find_engine", lambda **asked: fake)
    return fake


def stale(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
    made = everything(files, text, number)
    return made if text == OLD else {**made, "app/stale": b""}


def test_equivalent_is_0_and_changes_nothing(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    output = capsys.readouterr()
    assert "Dockerfile: equivalent" in output.out and "source-edit" in output.out
    assert output.err == ""
    assert Path("Dockerfile").read_text() == OLD
    assert not Path(".dockerignore").exists()


def test_different_is_1_and_names_the_path(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    engine.make = stale
    assert main(["verify", "--scenario", "none"]) == 1
    assert "/app/stale" in capsys.readouterr().out
    assert len(engine.builds) == 3


def test_an_original_that_does_not_build_is_2_with_its_log(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.make = lambda files, text, number: None
    assert main(["verify"]) == 2
    assert "ERROR: it failed" in capsys.readouterr().out


def test_no_engine_is_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def none(**asked: object) -> None:
        raise EngineError("no docker client on PATH", hint="install Docker")

    monkeypatch.setattr(proving, "find_engine", none)
    assert main(["verify"]) == 2
    assert "error: no docker client on PATH\nhint: install Docker\n" in capsys.readouterr().err


def test_the_worst_of_several_is_the_exit_code_and_none_is_lost(
    engine: FakeEngine, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.make = stale
    (project / "done").mkdir()
    (project / "done" / "Dockerfile").write_text("FROM python:3.12-slim\nCMD true\n")
    (project / "bad").mkdir()
    (project / "bad" / "Dockerfile").write_text("FROM a\nBAD\n")
    assert main(["verify", "--scenario", "none", "."]) == 2
    output = capsys.readouterr()
    assert "bad/Dockerfile:2" in output.err
    assert "done/Dockerfile: unchanged" in output.out and "/app/stale" in output.out


def test_reports_by_their_ending(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    reports = ["../r.html", "../r.md", "../r.json"]
    assert main(["verify", "-q", "--output-format", "json", *(w for r in reports for w in ("--report", r))]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads(Path("../r.json").read_text())
    assert "<svg" in Path("../r.html").read_text()
    assert "source-edit" in Path("../r.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["verify", "-"], "standard input cannot be verified"),
        (["verify", "--scenario", "source-edt"], "did you mean 'source-edit'?"),
        (["verify", "--report", "r.pdf"], "r.pdf: a report ends in .json, .md, .html"),
        (["verify", "--repeat", "0"], "--repeat"),
        (["verify", "--engine", "make"], "--engine"),
        (["--verify"], "--verify goes with --write"),
        (["--write", "--verify", "-"], "--verify goes with --write"),
        (["--diff", "--target", "x"], "--target goes with --verify"),
        (["--write", "--build-arg", "A=1"], "--build-arg goes with --verify"),
    ],
)
def test_wrong_use_is_2_before_anything_is_built(
    engine: FakeEngine, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(options) == 2
    assert message in capsys.readouterr().err
    assert engine.builds == []


def test_diff_builds_nothing(engine: FakeEngine) -> None:
    assert main(["--diff"]) == 1
    assert engine.builds == []


def test_options_for_building(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "here")
    words = [
        "--network",
        "none",
        "--target",
        "app",
        "--platform",
        "linux/arm64",
        "--secret",
        "id=a",
        "--secret",
        "id=b",
    ]
    words += ["--ssh", "default", "--build-arg", "A=1=2", "--build-arg", "FROM_OUTSIDE", "--build-arg", "NOT_THERE"]
    assert main(["verify", "--scenario", "none", *words]) == 0
    (_, options), *_ = engine.builds
    assert (options.network, options.target, options.platform) == ("none", "app", "linux/arm64")
    assert (tuple(options.secrets), tuple(options.ssh)) == (("id=a", "id=b"), ("default",))
    assert dict(options.build_args) == {"A": "1=2", "FROM_OUTSIDE": "here"}


def test_repeats(engine: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--repeat", "3", "--scenario", "unchanged", "--output-format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["verifications"]
    cold, unchanged = found["scenarios"]
    assert len(cold["before"]["seconds"]) == len(unchanged["after"]["seconds"]) == 3


def test_the_configuration_allows_differences(engine: FakeEngine, project: Path) -> None:
    engine.make = stale
    (project / "dockerfix.toml").write_text('allow = ["/app/sta*"]\n')
    assert main(["verify", "--scenario", "none"]) == 0


def test_write_verify_writes_what_is_proved(engine: FakeEngine, project: Path) -> None:
    assert main(["--write", "--verify"]) == 0
    assert (project / "Dockerfile").read_text() != OLD
    assert (project / ".dockerignore").exists()
    assert len(engine.builds) == 3, "only the images are compared"


def test_write_verify_writes_nothing_that_is_refuted(
    engine: FakeEngine, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.make = stale
    assert main(["--write", "--verify"]) == 1
    assert (project / "Dockerfile").read_text() == OLD
    assert not (project / ".dockerignore").exists()
    output = capsys.readouterr()
    assert "/app/stale" in output.err
    assert "0 changes" in output.out


def test_write_verify_where_the_original_does_not_build(engine: FakeEngine, project: Path) -> None:
    engine.make = lambda files, text, number: None
    assert main(["--write", "--verify"]) == 2
    assert (project / "Dockerfile").read_text() == OLD


def test_each_command_has_its_help() -> None:
    for words, said in ((["verify", "--help"], "A Dockerfile runs code"), (["--help"], "dockerfix verify --help")):
        done = subprocess.run([sys.executable, "-m", "rewrite", *words], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0
        assert said in done.stdout
