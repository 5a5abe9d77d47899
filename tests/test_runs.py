"""The commands of a RUN: the directory and the variables that each sees, and what cannot be read at all."""

from __future__ import annotations

import pytest
from building import build, last_run, steps


def where(script: str, before: str = "") -> list[str | None]:
    """Return the directory of each ``pwd`` of a script."""
    return [step.cwd for step in steps(script, before) if step.program == "pwd"]


@pytest.mark.parametrize(
    ("script", "directories"),
    [
        ("pwd", ["/app"]),
        ("cd x && pwd && cd ../y && pwd", ["/app/x", "/app/y"]),
        ("cd /x; pwd", ["/x"]),
        ("(cd x && pwd) && pwd", ["/app/x", "/app"]),
        ("{ cd x && pwd; } && pwd", ["/app/x", "/app/x"]),
        ("{ true && cd x; true; } && pwd", [None]),
        ("cd x | pwd; pwd", ["/app", None]),
        ("cd x & pwd", [None]),
        ("if true; then cd x; pwd; fi; pwd", [None, None]),
        ("for i in 1 2; do pwd; cd x; done; pwd", [None, None]),
        ("while cd x; do pwd; done", [None]),
        ("true && cd x && pwd; pwd", ["/app/x", None]),
        ("set -e; cd x; pwd", ["/app/x"]),
        ("cd x || pwd; pwd", [None, None]),
        ("true || cd x && pwd", [None]),
        ("cd $UNKNOWN && pwd; cd /y && pwd", [None, "/y"]),
        ("cd && pwd", [None]),
        ("cd - && pwd", [None]),
        ("cd -P x && pwd", [None]),
        ("pushd x && pwd", [None]),
        ("command cd x && pwd", [None]),
        ("eval 'cd x' && pwd", [None]),
        (". ./env && pwd", [None]),
        ("$CMD && pwd", [None]),
        ("echo $(cd x && pwd) && pwd", ["/app/x", "/app"]),
        ("f() { cd x; } && f && pwd", [None]),
    ],
)
def test_directory(script: str, directories: list[str | None]) -> None:
    assert where(script) == directories


def test_directory_in_a_heredoc_of_a_heredoc() -> None:
    assert where("<<OUTER\ncat <<E\n$(pwd) $(cd x && pwd)\nE\npwd\nOUTER") == ["/app", "/app", "/app/x"]
    assert where("<<OUTER\ncat <<E\n$(pwd)\nE\ncd x\nOUTER") == [None]


def arguments(script: str, before: str = "ENV A=a\n") -> list[str | None]:
    """Return the argument of each ``echo`` of a script."""
    return [step.words[1] for step in steps(script, before) if step.program == "echo"]


@pytest.mark.parametrize(
    ("script", "values"),
    [
        ("echo $A && echo ${A}b && echo '$A' && echo \"$A\"", ["a", "ab", "$A", "a"]),
        ("A=b && echo $A", ["b"]),
        ("A=b echo $A && echo $A", ["a", "a"]),
        ("export A=b C=$A && echo $A$C", ["ba"]),
        ("export A=$UNKNOWN && echo $A", [None]),
        ("export $UNKNOWN && echo $A", [None]),
        ("A+=b && echo $A", [None]),
        ("export A+=b && echo $A", [None]),
        ("unset A && echo $A", [None]),
        ("read A && echo $A", [None]),
        (". ./env && echo $A", [None]),
        ("(A=b && echo $A) && echo $A", ["b", "a"]),
        ("{ A=b; } && echo $A", ["b"]),
        ("if true; then A=b; fi && echo $A", [None]),
        ("for A in x y; do echo $A; done && echo $A", [None, None]),
        ("while true; do echo $A; A=b; done", [None]),
        ("A=b | true && echo $A", [None]),
        ("x && A=b; echo $A", [None]),
        ("true || A=b; echo $A", [None]),
        ("A='x y' && echo $A && echo \"$A\"", [None, "x y"]),
        ("echo $HOME && HOME=/h && echo ~/x", ["/root", "/h/x"]),
        ("echo ${A:-b}", [None]),
        ("echo a*", [None]),
        ("echo uvicorn[standard]", ["uvicorn[standard]"]),
    ],
)
def test_variables(script: str, values: list[str | None]) -> None:
    assert arguments(script) == values


def test_an_arg_is_in_the_environment_with_any_value() -> None:
    assert arguments("echo $A", "ENV A=a\nARG A=b\n") == [None]
    assert last_run("ARG HOME=/x\nRUN true\n").home is None


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("FROM python:3\nRUN true\n", "/root"),
        ("FROM python:3\nENV HOME=/h\nRUN true\n", "/h"),
        ("FROM node:20\nUSER node\nRUN true\n", "/home/node"),
        ("FROM company/node\nUSER root\nRUN true\n", None),
        ("FROM company/node\nENV HOME=/h\nRUN true\n", "/h"),
        ("ARG I=python:3\nFROM $I\nRUN true\n", None),
    ],
)
def test_home(text: str, home: str | None) -> None:
    assert last_run(text).home == home


def test_top_and_item() -> None:
    found = steps("a && (b) && c | d; e")
    assert [step.top is not None for step in found] == [True, False, False, False, True]
    assert [step.item for step in found] == [found[0].item, found[1].item, found[2].item, found[2].item, found[4].item]
    assert found[0].top is found[0].item


@pytest.mark.parametrize(
    ("text", "opaque"),
    [
        ("RUN pip install x\n", ""),
        ('RUN ["pip"]\n', "exec form"),
        ("RUN <<E\na\nb\nE\n", ""),
        ("RUN <<'E'\na\nE\n", ""),
        ("RUN cat <<E\na\nE\n", "a heredoc is part"),
        ("RUN <<E sh\na\nE\n", "a heredoc is part"),
        ("RUN <<A <<B\nA\nB\n", "a heredoc is part"),
        ("RUN <<-E\n\ta\nE\n", "not plain sh"),
        ("RUN <<E\n#!/usr/bin/env python\nE\n", "not plain sh"),
        ("RUN <<E\r\na\r\nE\r\n", "not plain sh"),
        ('SHELL ["pwsh", "-Command"]\nRUN a\n', "not known to be sh"),
        ("RUN if\n", "not understood"),
        ("# escape=`\nFROM a\nRUN a\n", "not known to be sh"),
    ],
)
def test_what_cannot_be_read(text: str, opaque: str) -> None:
    run = last_run(text)
    assert run.opaque.startswith(opaque) if not opaque else opaque in run.opaque
    assert (run.script is None) == bool(opaque)
    assert bool(run.steps) != bool(opaque)


@pytest.mark.parametrize(
    ("text", "aborts"),
    [
        ("RUN a && b\n", True),
        ("RUN a; b\n", False),
        ("RUN set -e; a; b\n", True),
        ('SHELL ["sh", "-ec"]\nRUN a; b\n', True),
        ("RUN a || true\n", False),
        ('RUN ["a"]\n', False),
    ],
)
def test_aborts(text: str, aborts: bool) -> None:
    assert last_run(text).aborts is aborts


def test_mounts() -> None:
    run = last_run(
        "RUN --mount=type=cache,Target=/c,readonly --mount=src=x,dst=y --mount=TYPE=secret,id=s"
        " --mount=from=b,destination=/z a\n"
    )
    assert [(mount.kind, mount.source, mount.target) for mount in run.mounts] == [
        ("cache", "", "/c"), ("bind", "x", "y"), ("secret", "", ""), ("bind", "", "/z"),
    ]  # fmt: skip
    assert run.mounts[0].options["readonly"] == ""


def test_places_lead_back_to_the_file() -> None:
    found = build("FROM python:3\nRUN one \\\n # c\n && two \\\n && three\nRUN <<E\nx\ny\nE\n")
    joined, heredoc = (run for _, run in found.runs())
    assert [joined.line(found.dockerfile, step) for step in joined.steps] == [2, 4, 5]
    assert [heredoc.line(found.dockerfile, step) for step in heredoc.steps] == [7, 8]
    assert found.dockerfile.source(joined.span(joined.steps[1].simple.span)) == "two"


def test_the_commands_before_one() -> None:
    """A view knows what ran before: in the stage's own RUNs, in those of its parents, not behind it."""
    made = build("FROM ruby:3 AS base\nRUN a\nFROM base\nRUN b && c\nRUN d && e && f\nRUN g\n")
    stage, run = list(made.runs())[2]
    view = made.view(stage, run.instruction)
    assert [step.program for step in view.before(run.steps[1])] == ["d", "b", "c", "a"]
