"""Real builds: what a build reports, two images compared, and what an edit makes the builder run again."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rewrite.cli import main
from rewrite.verify import proof
from rewrite.verify.compare import compare
from rewrite.verify.docker import Docker
from rewrite.verify.edits import ARGUMENT, COMMIT, MANIFEST, README, SOURCE, UNCHANGED
from rewrite.verify.edits import BASE as BASE_IMAGE
from rewrite.verify.engine import BuildOptions
from rewrite.verify.image import saved_images
from rewrite.verify.outcome import COLD

ROOT = Path(__file__).parents[2]

BASE = "debian:bookworm-slim"
pytestmark = pytest.mark.engine

# The image has the files alone, as saving a base image takes long.
BEFORE = f"""FROM {BASE} AS build
WORKDIR /out/app
COPY . .
RUN mkdir -p /out/var/log && date +%N > /out/var/log/build.log && ln -s b link && ln b c
FROM scratch
COPY --from=build /out /
USER app
ENV A=1 B=2
CMD ["run"]
"""
AFTER = (
    BEFORE.replace("COPY . .", "COPY b ./\nRUN mkdir d\nCOPY . .")
    .replace("ENV A=1 B=2", "ENV B=2\nENV A=1")
    .replace("RUN mkdir -p", "RUN : again && mkdir -p")
)


@pytest.fixture
def tags(engine: Docker) -> Iterator[tuple[str, str]]:
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    names = (f"{series}:before", f"{series}:after")
    yield names
    for tag in names:
        engine.remove_image(tag)


@pytest.fixture
def project(tmp_path: Path, need_images: Callable[..., None]) -> Path:
    need_images(BASE)
    root = tmp_path / "project"
    (root / "d").mkdir(parents=True)
    (root / "d" / "a").write_text("a")
    (root / "b").write_text("b")
    (root / "b").chmod(0o755)
    (root / "d").chmod(0o775)
    return root


def test_same_image_in_another_order(engine: Docker, project: Path, tags: tuple[str, str]) -> None:
    for tag, dockerfile in zip(tags, (BEFORE, AFTER), strict=True):
        run = engine.build(project, dockerfile, tag=tag)
        assert run.ok, run.log
    before, after = saved_images(engine, tags).values()
    comparison = compare(before, after)
    assert comparison.equivalent, comparison.unexplained
    assert [difference.path for difference in comparison.differences] == ["/var/log/build.log"]
    assert before.files["/app/d"].mode == 0o775
    assert before.files["/app/link"].link == "b"
    assert before.files["/app/c"] == before.files["/app/b"]
    assert (before.config.user, before.config.cmd) == ("app", ("run",))


def test_another_image(engine: Docker, project: Path, tags: tuple[str, str]) -> None:
    changed = BEFORE.replace("COPY . .", "COPY --chmod=600 b .").replace("USER app", "USER root")
    for tag, dockerfile in zip(tags, (BEFORE, changed), strict=True):
        run = engine.build(project, dockerfile, tag=tag)
        assert run.ok, run.log
    found = {(d.path, d.what) for d in compare(*saved_images(engine, tags).values()).unexplained}
    modes = {("/app/b", "mode"), ("/app/c", "mode")}
    assert found == {("config.user", "value"), ("/app/d", "missing"), ("/app/d/a", "missing"), *modes}


def test_failing_build_names_its_step(engine: Docker, project: Path) -> None:
    run = engine.build(project, f"FROM {BASE}\nRUN echo said && exit 3\nRUN true\n")
    assert not run.ok
    (failed,) = [step for step in run.steps if step.error]
    assert "RUN echo said && exit 3" in failed.name
    assert "exit code: 3" in failed.error
    assert "said\n" in run.log
    assert [step.started for step in run.steps if step.name.endswith("RUN true")] == [None]


def test_ignore_file_beside_the_dockerfile_counts(engine: Docker, project: Path) -> None:
    path = project / "web.Dockerfile"
    path.write_text("FROM scratch\nCOPY b /\n")
    assert engine.build(project, path).ok
    (project / "web.Dockerfile.dockerignore").write_text("b\n")
    assert not engine.build(project, path).ok


def test_context_bytes_and_steps_are_told_while_it_runs(engine: Docker, project: Path) -> None:
    (project / "large").write_bytes(b"x" * 300_000)
    told: list[int] = []
    run = engine.build(project, f"FROM {BASE}\nCOPY . /app\n", watch=lambda steps: told.append(len(steps)))
    assert run.sent is not None and run.sent > 300_000
    assert told == sorted(told) and len(told) > 2


def test_options_reach_the_builder(engine: Docker, project: Path, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("hidden")
    options = BuildOptions(
        target="one",
        network="none",
        build_args={"WORD": "given"},
        secrets=(f"id=token,src={secret}",),
        build_contexts=(f"other={tmp_path}",),
        mark=uuid.uuid4().hex,
    )
    text = (
        f"FROM {BASE} AS one\nARG WORD\nCOPY --from=other token /token\n"
        'RUN --mount=type=secret,id=token echo "$WORD $(cat /run/secrets/token | wc -c) $(ls /sys/class/net)"\n'
        "FROM one\nRUN false\n"
    )
    run = engine.build(project, text, options)
    assert run.ok, run.log
    assert "given 6 lo\n" in run.log


SLOW = f"""FROM {BASE}
ARG GIT_SHA
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/cache ls /cache && touch /cache/kept
RUN pip install -r requirements.txt
CMD ["python3", "app.py"]
"""
# Nothing to download: what counts is which steps run.
LOCAL = {"requirements.txt": "# nothing\n", "app.py": "print(1)\n", "README.md": "# Shop\n", ".gitignore": "x\n"}


@pytest.fixture
def shop(tmp_path: Path, need_images: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    need_images(BASE)
    root = tmp_path / "shop"
    root.mkdir()
    for name, content in {**LOCAL, "Dockerfile": SLOW}.items():
        (root / name).write_text(content)
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=1"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], cwd=root, check=True)
    monkeypatch.chdir(root)
    return root


def left(engine: Docker, names: set[str]) -> set[str]:
    """Return those of `names` that the engine has images of."""
    return names & set(engine.call("image", "ls", "--format={{.Repository}}").split())


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the names that a verification draws for its images, once it has; other processes draw others."""
    names: set[str] = set()
    draw = secrets.token_hex

    def remembering(length: int) -> str:
        word = draw(length)
        names.add(f"dockerfix-{word}")
        return word

    monkeypatch.setattr(proof.secrets, "token_hex", remembering)
    return names


def test_the_command_proves_and_measures(
    engine: Docker, shop: Path, drawn: set[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    before = {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    code = main(["verify", "--output-format", "json", "--report", "../report.html", "--report", "../report.md"])
    printed, complaints = capfdbinary.readouterr()
    assert (code, complaints) == (0, b"")
    (found,) = json.loads(printed)["verifications"]
    assert found["verdict"] == "equivalent"
    measured = {one["name"]: one for one in found["scenarios"] if not one["skipped"]}
    assert set(measured) >= {COLD, UNCHANGED, SOURCE, MANIFEST, README, COMMIT, ARGUMENT, BASE_IMAGE}
    ran = {name: {side: executed(one[side]) for side in ("before", "after")} for name, one in measured.items()}
    assert ran[COLD] == {"before": 2, "after": 2}
    assert ran[UNCHANGED] == {"before": 0, "after": 0}
    for edit in (SOURCE, README):
        assert (ran[edit]["before"], ran[edit]["after"]) == (2, 0)
    assert (ran[COMMIT]["before"], ran[COMMIT]["after"]) == (2, 0)
    assert ran[BASE_IMAGE] == {"before": 2, "after": 2}
    assert {path: path.read_bytes() for path in shop.rglob("*") if path.is_file()} == before
    assert drawn and not left(engine, drawn)
    assert (shop.parent / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert "equivalent" in (shop.parent / "report.md").read_text()


def executed(side: dict[str, Any]) -> int:
    """How many RUN steps were executed."""
    return sum("] RUN " in step["name"] and not step["cached"] for step in side["steps"])


def test_write_only_what_is_proved(engine: Docker, shop: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["--write", "--verify"]) == 0
    assert (shop / "Dockerfile").read_text() != SLOW
    assert main(["--check"]) == 0


def test_an_original_that_does_not_build(engine: Docker, shop: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    broken = SLOW.replace("ls /cache", "echo the reason && false")
    (shop / "Dockerfile").write_text(broken)
    assert main(["verify", "--scenario", "none"]) == 2
    assert b"the reason" in capfdbinary.readouterr().out
    assert main(["--write", "--verify"]) == 2
    assert (shop / "Dockerfile").read_text() == broken


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_removes_what_was_made(engine: Docker, shop: Path, tmp_path: Path, number: int) -> None:
    places = tmp_path / "places"
    places.mkdir()
    sleeping = f"sleep {6000 + number}"  # no other test's
    (shop / "Dockerfile").write_text(SLOW.replace("ls /cache", sleeping))
    command = [sys.executable, "-m", "rewrite", "verify", str(shop)]
    env = {**os.environ, "TMPDIR": str(places)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True, env=env) as process:
        wait(lambda: sleeping in running())
        assert list(places.iterdir())
        tags = set(re.findall(r"--tag=(dockerfix-[0-9a-f]{12}):", running(process.pid)))
        assert tags
        # As the terminal does it: to all of the group, the client of the builder too.
        os.killpg(process.pid, number)
        assert process.wait(60) == 130
    assert not left(engine, tags)
    assert list(places.iterdir()) == []
    wait(lambda: sleeping not in running())


def running(group: int = 0) -> str:
    """Return the command lines of all processes, or of those of one process group."""
    which = ["-s", str(group)] if group else ["-e"]
    done = subprocess.run(["ps", *which, "-ww", "-o", "args"], capture_output=True, check=True)
    return done.stdout.decode(errors="replace")


def wait(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("nothing happened within a minute")
