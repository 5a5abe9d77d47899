"""The builder's report is read without an engine: pieces of steps, logs, text that is no JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from rewrite.verify.engine import EngineError, Step
from rewrite.verify.engines import find_docker
from rewrite.verify.progress import Progress


def read_progress(lines: Iterable[str]) -> Progress:
    """Return a whole report, read."""
    progress = Progress()
    for line in lines:
        progress.read(line)
    return progress


def report(*vertexes: dict[str, Any]) -> str:
    return json.dumps({"vertexes": vertexes})


def at(second: float) -> str:
    return f"2026-01-01T00:00:{second:012.9f}Z"


def test_pieces_of_a_step_are_merged() -> None:
    progress = read_progress(
        [
            report({"digest": "1", "name": "[1/2] RUN x"}),
            report({"digest": "1", "name": "[1/2] RUN x", "started": at(1)}),
            report({"digest": "1", "name": "[1/2] RUN x", "started": at(1), "completed": at(2)}),
            report({"digest": "1", "name": "[1/2] RUN x", "started": at(5)}),
            report({"digest": "1", "name": "[1/2] RUN x", "started": at(5), "completed": at(7.5), "error": "bad"}),
        ]
    )
    (step,) = progress.steps
    assert (step.seconds, step.error, step.cached) == (3.5, "bad", False)
    assert step.started is not None and step.started.second == 1
    assert step.completed is not None and step.completed.second == 7
    assert step.ran


def test_steps_are_in_the_order_in_which_they_began() -> None:
    progress = read_progress(
        [
            report({"digest": "3", "name": "[3/3] RUN never"}, {"digest": "2", "name": "[2/3] RUN second"}),
            report({"digest": "1", "name": "[1/3] FROM x", "started": at(1), "completed": at(1), "cached": True}),
            report({"digest": "2", "name": "[2/3] RUN second", "started": at(2), "completed": at(3)}),
        ]
    )
    assert [step.digest for step in progress.steps] == ["1", "2", "3"]
    assert [step.ran for step in progress.steps] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "internal"),
    [
        ("[internal] load build context", True),
        ("[auth] library/debian:pull token for registry-1.docker.io", True),
        ("exporting to image", True),
        ("[build 2/3] RUN make", False),
        ("[1/1] FROM docker.io/library/debian", False),
    ],
)
def test_internal_steps(name: str, internal: bool) -> None:
    assert Step("1", name).internal is internal


def test_log_holds_output_and_the_message_of_a_failure() -> None:
    output = base64.b64encode(b"said \xff\n").decode()
    progress = read_progress(
        [json.dumps({"logs": [{"vertex": "1", "data": output}]}), "ERROR: failed to solve", "", "{no json"]
    )
    assert progress.steps == ()
    assert progress.log == "said \udcff\nERROR: failed to solve\n{no json\n"


def test_bytes_of_the_context_are_the_last_that_were_told() -> None:
    told = [{"id": "transferring context:", "vertex": "1", "current": number} for number in (10, 300)]
    other = [{"id": "transferring dockerfile:", "vertex": "2", "current": 7}]
    contexts = [{"id": "transferring context:", "vertex": "3", "current": 5}]
    progress = read_progress(json.dumps({"statuses": [status]}) for status in (*told, *other, *contexts))
    assert progress.sent == 305


def test_no_client(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no docker client"):
        find_docker({"PATH": str(tmp_path)})


def test_client_without_an_engine(tmp_path: Path) -> None:
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\necho 'Cannot connect' >&2\nexit 1\n")
    client.chmod(0o755)
    with pytest.raises(EngineError, match="docker version: Cannot connect"):
        find_docker({"PATH": str(tmp_path)})


def test_client_without_buildx(tmp_path: Path) -> None:
    client = tmp_path / "docker"
    client.write_text("#!/bin/sh\ntest $1 = version && echo 28.5 || { echo 'unknown command' >&2; exit 1; }\n")
    client.chmod(0o755)
    with pytest.raises(EngineError, match="docker buildx: unknown command"):
        find_docker({"PATH": str(tmp_path)})
