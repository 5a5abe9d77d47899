"""What each instruction sees, and what must stay unknown."""

from __future__ import annotations

import pytest
from building import build

from rewrite.build.images import describe, is_windows
from rewrite.build.paths import BASE, inside, join, overlap, relative
from rewrite.build.stages import DEFAULT_SHELL, Stage, State, shell_aborts, shell_dialect, stages
from rewrite.source.dockerfile import parse


def last(text: str) -> Stage:
    return stages(parse(text))[-1]


def end(text: str, base: str = "FROM python:3\n") -> State:
    return last(base + text).end


def test_env_sees_the_values_above_its_own_line() -> None:
    state = end("ENV A=1 B=2\nENV A=$B B=$A C=${A}x\nENV D=$A$UNSET\n")
    assert state.env == {"A": "2", "B": "1", "C": "1x", "D": None}


def test_an_arg_is_never_known() -> None:
    state = end("ARG A=1 B\nENV C=$A\nARG D=$C\n", "ARG B=2\nFROM python:3\n")
    assert state.args == {"A": "1", "B": "2", "D": None}
    assert state.env == {"A": None, "B": None, "C": None, "D": None}
    assert state.lookup("A") is None


def test_env_and_arg_of_one_name() -> None:
    assert end("ARG A=1\nENV A=2\n").env["A"] == "2"
    assert end("ENV A=2\nARG A=1\n").env["A"] is None


def test_an_env_with_an_unknown_name_may_set_anything() -> None:
    state = end("ENV A=1\nENV $X=2\n")
    assert state.env == {"A": None, "HOME": None, "PATH": None}


def test_path_keeps_what_stands_before_the_base_images_own() -> None:
    state = end("ENV PATH=/a:$PATH\nENV PATH=/b:$PATH\nENV P=$PATH\nWORKDIR $PATH\n")
    assert state.env["PATH"] == "/b:/a:$PATH"
    assert state.env["P"] is None
    assert state.workdir is None


@pytest.mark.parametrize(
    ("lines", "workdir"),
    [
        ("", "/"),
        ("WORKDIR app", "/app"),
        ("WORKDIR /app/\nWORKDIR sub/../x", "/app/x"),
        ("WORKDIR //app", "/app"),
        ("ENV D=/d\nWORKDIR $D/${E:-e}", None),
        ("ENV D=/d\nWORKDIR '$D'", "/$D"),
        ("ENV D=/d\nWORKDIR ${D}/a b", "/d/a b"),
        ("ARG D=/d\nWORKDIR $D", None),
        ("ARG D=/d\nWORKDIR $D\nWORKDIR x", None),
        ("ARG D=/d\nWORKDIR $D\nWORKDIR /x", "/x"),
        ("WORKDIR ${D", None),
        ("WORKDIR ../..", "/"),
    ],
)
def test_workdir(lines: str, workdir: str | None) -> None:
    assert end(lines + "\n").workdir == workdir


def test_an_unknown_base_has_an_unknown_directory() -> None:
    assert end("", "FROM company/python:3\n").workdir == BASE
    assert end("WORKDIR a/b\n", "FROM company/python:3\n").workdir == f"{BASE}/a/b"
    assert end("WORKDIR ../x\n", "FROM company/python:3\n").workdir is None


def test_a_child_stage_sees_what_its_parent_left() -> None:
    text = 'FROM node:20 AS Deps\nENV A=1\nARG B=2\nWORKDIR /d\nUSER node\nSHELL ["/bin/bash", "-c"]\nFROM deps\n'
    stage = last(text)
    assert stage.parent is stage.lineage[1]
    assert [level.name for level in stage.lineage] == ["", "Deps"]
    state = stage.states[0]
    assert (state.env, state.args) == ({"A": "1", "B": None}, {"B": "2"})
    assert (state.workdir, state.user, state.shell) == ("/d", "node", ("/bin/bash", "-c"))
    assert stage.base.reference == "node:20"


def test_a_stage_stands_on_the_latest_of_its_name_above() -> None:
    found = stages(parse("FROM b AS b\nFROM b AS b\nFROM b\nFROM 0\n"))
    assert [stage.parent and stage.parent.index for stage in found] == [None, 0, 1, None]


def test_from_with_a_variable_may_name_any_stage_that_fits() -> None:
    text = (
        "ARG TARGETARCH\nARG ALL=base-x\nFROM alpine AS base-arm64\nFROM alpine AS base-amd64\nSHELL [\"a\"]\n"
        "FROM alpine AS other\nFROM base-${TARGETARCH}\nFROM $ALL\nFROM x$ALL\n"
    )  # fmt: skip
    arm, amd, other, by_arch, by_all, image = stages(parse(text))
    assert [stage.name for stage in by_arch.candidates] == ["base-arm64", "base-amd64"]
    assert (by_arch.parent, by_arch.base.official, by_arch.states[0].shell) == (None, False, None)
    assert by_arch.may_stand_on(arm) and by_arch.may_stand_on(amd) and not by_arch.may_stand_on(other)
    assert by_all.may_stand_on(other)
    assert image.candidates == ()
    assert image.states[0].shell == DEFAULT_SHELL


@pytest.mark.parametrize(
    ("from_", "official", "certain"),
    [
        ("FROM python:3", True, True),
        ("ARG V=3\nFROM python:$V-slim", True, False),
        ("ARG I=python:3\nFROM $I", False, False),
        ("ARG R\nFROM ${R}python:3", False, False),
        ("FROM docker.io/library/node:20@sha256:ab", True, True),
        ("FROM ghcr.io/x/python:3", False, True),
        ("FROM golang:1-windowsservercore-ltsc2022", False, True),
        ("FROM scratch", True, True),
    ],
)
def test_what_is_known_of_a_base(from_: str, official: bool, certain: bool) -> None:
    stage = last(from_ + "\n")
    assert (stage.base.official, stage.base_certain) == (official, certain)


def test_what_from_names_the_stage() -> None:
    stage = stages(parse("FROM a\nFROM a AS Build\n"))[1]
    assert [stage.called(name) for name in ("build", "BUILD", "1", "0", "")] == [True, True, True, False, False]
    assert not stages(parse("FROM a\n"))[0].called("")


@pytest.mark.parametrize(
    ("shell", "dialect", "aborts"),
    [
        ('["/bin/sh", "-c"]', "sh", False),
        ('["/bin/bash", "-o", "pipefail", "-c"]', "bash", False),
        ('["bash", "-euxo", "pipefail", "-c"]', "bash", True),
        ('["bash", "-ec"]', "bash", True),
        ('["bash"]', None, False),
        ('["bash", "-c", "set -e"]', None, False),
        ('["conda", "run", "-n", "x", "bash", "-c"]', None, False),
        ('["powershell", "-Command"]', None, False),
        ("bash -c", None, False),
    ],
)
def test_shell(shell: str, dialect: str | None, aborts: bool) -> None:
    state = end(f"SHELL {shell}\n")
    assert (shell_dialect(state), shell_aborts(state)) == (dialect, aborts)


def test_windows() -> None:
    assert last("FROM mcr.microsoft.com/windows/nanoserver\n").windows
    assert last("# escape=`\nFROM a\n").windows
    assert not last("FROM a\n").windows
    assert is_windows("golang:NanoServer")
    assert describe("perl:5").workdir is None


def test_what_runs_later_finds_what_a_stage_leaves() -> None:
    text = "FROM a AS x\nCOPY a b\nRUN one\nFROM x AS y\nRUN two\nFROM a\nRUN three\nFROM ${ANY}\nRUN four\n"
    found = build(text)
    stage = found.stages[0]
    later = found.later_runs(stage, stage.instructions[0])
    assert [run.instruction.body.text for run in later] == ["one", "two", "four"]


@pytest.mark.parametrize(
    ("first", "second", "overlaps"),
    [
        ("/a", "/a/b", True),
        ("/a/b", "/a", True),
        ("/a", "/ab", False),
        ("/", "/x", True),
        ("%/a", "%/a/b", True),
        ("%/a", "%/b", False),
        ("%/a", "/srv/a", True),
        ("/srv/b", "%/a", True),
        ("%/a", "/etc/x", False),
        ("%", "/etc/x", True),
    ],
)
def test_paths_below_an_unknown_directory_may_be_anywhere(first: str, second: str, overlaps: bool) -> None:
    assert overlap(first, second) is overlaps


def test_paths() -> None:
    assert join("/a", "../../b/./c/") == "/b/c"
    assert join(None, "b") is None
    assert join(None, "//b") == "/b"
    assert join(BASE, ".") == BASE
    assert join(BASE, "..") is None
    assert (relative("/a/b", "/a"), relative("/a", "/a"), relative("/ab", "/a")) == ("b", "", None)
    assert inside("/a", "/") and not inside("/ab", "/a")


def test_the_environment_of_official_images() -> None:
    (stage,) = stages(parse("FROM golang:1.24-alpine\nWORKDIR $GOPATH/src/app\nENV GOPATH=/other\n"))
    assert stage.states[0].env == {"GOPATH": "/go", "GOTOOLCHAIN": None}
    assert stage.end.workdir == "/go/src/app"
    assert stage.end.env["GOPATH"] == "/other"
    assert describe("registry.example.org/golang:1.24").env == ()
    assert last("FROM composer:2\n").end.env["COMPOSER_HOME"] == "/tmp"


@pytest.mark.parametrize(
    ("tag", "workdir"),
    [
        ("", "/"),
        (":latest", "/"),
        (":3", "/"),
        (":3.9-eclipse-temurin-17", "/"),
        (":3.9.9-eclipse-temurin-21-alpine", "/"),
        (":3.8.5-openjdk-17", "/"),
        (":3.8.6-openjdk-11-slim@sha256:12ab", "/"),
        (":3.6-jdk-8-alpine", "/"),
        (":4.0.0-rc-5-eclipse-temurin-17", "/"),
        (":3.9-graalvm-community-21", None),
        (":3.9-amazoncorretto-17", None),
        (":3.5-jdk-8-onbuild", None),
        (":3.3.9-jdk-8", None),
        (":onbuild", None),
    ],
)
def test_workdir_of_maven(tag: str, workdir: str | None) -> None:
    assert describe(f"maven{tag}").workdir == workdir
