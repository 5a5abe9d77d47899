"""Our lexer and states against a real builder: one image whose configuration holds what it made of many values."""

from __future__ import annotations

import json
import subprocess
import uuid
from pathlib import Path

import pytest

from rewrite.build.stages import stages
from rewrite.source.dockerfile import parse
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

VALUES = (
    "plain",
    "'a b'c",
    '"a b"\\ c',
    "a\\ b",
    "\\$A",
    "'$A'",
    '"\\a\\"\\\\$A"',
    "'\\'",
    "$A.b",
    "${A}b",
    "$Ab-",
    "${A:-b}",
    "${EMPTY:-b}",
    "${EMPTY-b}",
    "${A:+b}",
    "${EMPTY:+b}",
    "${EMPTY+b}",
    "${EMPTY:-${EMPTY:-'x}'}}",
    "${A:-$UNKNOWN}",
    "a$.b$",
    "<<x",
    "it\\'s",
    '"${A}${EMPTY}"',
    "$PARENT",
)
TEXT = "\n".join(
    [
        "# escape=\\",
        "FROM scratch AS base",
        "ENV A=a EMPTY= PARENT=p",
        "WORKDIR /one",
        "FROM base",
        *(f"ENV V{index}={value}" for index, value in enumerate(VALUES)),
        "ENV A=new OLD=$A",
        "ENV NEW=$A",
        "ENV LEGACY $A 'b  c'",
        "ARG SHADOW=1",
        "ENV SHADOW=2 ",
        "WORKDIR ${A}/./x/../y z",
        "WORKDIR '$A'",
        "USER $A:'g'",
    ]
)


def test_the_builder_makes_of_it_what_we_say(engine: Docker, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT)
    tag = f"dockerfix-words-{uuid.uuid4().hex}"
    command = ["docker", "buildx", "build", "--load", "-t", tag, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    try:
        inspected = subprocess.run(["docker", "inspect", tag], capture_output=True, check=True).stdout
    finally:
        subprocess.run(["docker", "rmi", tag], capture_output=True)
    config = json.loads(inspected)[0]["Config"]
    theirs = dict(entry.partition("=")[::2] for entry in config["Env"])
    end = stages(parse(TEXT))[-1].end
    known = {name: value for name, value in end.env.items() if value is not None}
    assert known == {name: value for name, value in theirs.items() if name in known}
    # Unknown to us is only what may come from outside: $Ab, which nothing sets.
    assert set(end.env) - set(known) == {f"V{VALUES.index('$Ab-')}"}
    assert end.workdir == config["WorkingDir"]
    assert end.user == config["User"]
