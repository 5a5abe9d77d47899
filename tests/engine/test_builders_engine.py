"""Real throw-away builders: what they forget, what a cache brings them, and that nothing stays behind.

In the lab, ``tests/engine/buildkit`` makes the image that a builder runs and serves the base image.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewrite.verify.builders import ImportedCache, empty, throwaway
from rewrite.verify.copies import Copy
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun, EngineError

pytestmark = pytest.mark.engine

CONFIG = os.environ.get("DOCKERFIX_TEST_BUILDKITD_CONFIG", "")
BASE = os.environ.get("DOCKERFIX_TEST_BUILDER_BASE", "debian:bookworm-slim")
# The registry of the configuration listens on the engine's loopback interface.
OPTIONS = ("network=host",) if CONFIG else ()


@pytest.fixture(scope="module")
def builder(engine: Docker) -> Iterator[Docker]:
    try:
        making = throwaway(engine, config=CONFIG, driver_options=OPTIONS)
        docker = making.__enter__()
    except EngineError as error:
        if os.environ.get("DOCKERFIX_REQUIRE_ENGINE") == "1":
            raise
        pytest.skip(str(error))
    yield docker
    making.__exit__(None, None, None)


def build(docker: Docker, root: Path, dockerfile: str) -> BuildRun:
    run = docker.build(root, dockerfile)
    assert run.ok, run.log
    return run


def ran(run: BuildRun, text: str) -> bool:
    """Tell whether the step that has `text` in its name was executed."""
    assert any(text in step.name for step in run.steps), run.log
    return any(text in name for name in run.ran)


def left(engine: Docker, name: str) -> list[str]:
    """Return the builders, their nodes, containers and volumes whose names have `name` in them."""
    found = engine.call("buildx", "ls", "--format={{.Name}}")
    found += engine.call("container", "ls", "--all", "--format={{.Names}}")
    found += engine.call("volume", "ls", "--format={{.Name}}")
    return [line for line in found.splitlines() if name in line]


def current(engine: Docker) -> str:
    """Return the name of the builder that builds where none is named."""
    found = re.search(r"^Name:\s+(\S+)", engine.call("buildx", "inspect"), re.MULTILINE)
    assert found
    return found[1]


def pulled(docker: Docker) -> set[str]:
    """Return the first words of the builder's records of base images."""
    listed = docker.call("buildx", "du", f"--builder={docker.builder}", '--filter=description~="^pulled from "')
    return {line.split()[0] for line in listed.splitlines() if "true" in line or "false" in line}


def test_a_builder_is_there_and_then_gone(engine: Docker, builder: Docker) -> None:
    before = current(engine)
    with throwaway(engine, config=CONFIG, driver_options=OPTIONS) as docker:
        node = f"{docker.builder}0"
        container = f"buildx_buildkit_{node}"
        assert left(engine, docker.builder) == [docker.builder, node, container, f"{container}_state"]
        assert current(engine) == before
    assert left(engine, docker.builder) == []
    assert current(engine) == before
    assert left(engine, builder.builder)


INTERRUPTED = """
import sys
from pathlib import Path
from rewrite.verify.builders import throwaway
from rewrite.verify.engines import find_docker

def watch(steps):
    if any("RUN sleep" in step.name and step.started for step in steps):
        print("sleeping", flush=True)

base, config, *options = sys.argv[1:]
with throwaway(find_docker(), config=config, driver_options=options) as docker:
    print(docker.builder, flush=True)
    docker.build(Path.cwd(), f"FROM {base}\\nRUN sleep 600\\n", watch=watch)
"""


def test_nothing_stays_of_an_interrupted_build(engine: Docker, builder: Docker, tmp_path: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTED, BASE, CONFIG, *OPTIONS]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert left(engine, name)
        assert process.stdout.readline() == "sleeping\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, errors
    assert left(engine, name) == []


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("image=127.0.0.1:1/none:1", "connection refused"),
        ("network=dockerfix-no-such-network", "not found"),  # found out when container and volume are there
        ("no-such-option=1", "invalid driver option"),
    ],
)
def test_nothing_stays_of_a_builder_that_cannot_be_made(
    engine: Docker, builder: Docker, option: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = secrets.token_hex(6)
    monkeypatch.setattr(secrets, "token_hex", lambda size: word)
    with pytest.raises(EngineError, match=reason) as raised, throwaway(engine, driver_options=[option]):
        pass
    assert "\n" not in raised.value.message
    assert left(engine, word) == []


def test_emptied_a_builder_knows_its_base_images_only(builder: Docker, tmp_path: Path) -> None:
    empty(builder)
    dockerfile = f"FROM {BASE}\nRUN --mount=type=cache,target=/cache ls /cache && touch /cache/kept\nRUN true\n"
    assert ran(build(builder, tmp_path, dockerfile), "touch")
    assert not ran(build(builder, tmp_path, dockerfile), "touch")
    assert "kept" in build(builder, tmp_path, dockerfile.replace("ls /cache", "ls -l /cache")).log
    bases = pulled(builder)
    assert bases
    empty(builder)
    again = build(builder, tmp_path, dockerfile)
    assert ran(again, "touch")
    assert ran(again, "RUN true")
    assert "kept" not in again.log
    assert pulled(builder) == bases


@pytest.mark.parametrize(
    ("steps", "runs_again"),
    [
        ("COPY requirements.txt ./\nRUN echo install > installed\nCOPY . .\n", False),
        ("COPY . .\nRUN echo install > installed\n", True),
    ],
)
def test_an_imported_cache_has_what_the_edit_leaves_valid(
    builder: Docker, tmp_path: Path, steps: str, runs_again: bool
) -> None:
    copies = {}
    for name in ("warm", "edited"):
        root = tmp_path / name
        root.mkdir()
        (root / "requirements.txt").write_text("flask\n")
        (root / "app.py").write_text(f"# {name}\n")
        (root / "Dockerfile").write_text(f"FROM {BASE}\nWORKDIR /app\n{steps}RUN grep -r . /app\n")
        copies[name] = Copy(root, root / "Dockerfile")
    imported = ImportedCache(builder, tmp_path / "cache")
    for _ in range(2):  # nothing that the first time leaves serves the second one
        run = imported(copies["warm"], copies["edited"], BuildOptions())
        assert run.ok, run.log
        assert ran(run, "echo install") == runs_again
        assert ran(run, "grep")
        assert "/app/installed:install" in run.log
        assert "/app/app.py:# edited" in run.log
