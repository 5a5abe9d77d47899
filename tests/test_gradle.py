"""Gradle: its command lines, what the wrapper reads, and versions that change."""

from __future__ import annotations

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Command, Site, gradle
from rewrite.model import Declined

SCRIPT = "#!/bin/sh\n# Gradle start up script for POSIX\n"
FILES = {"gradlew": SCRIPT, "gradle/wrapper/gradle-wrapper.jar": "jar", "build.gradle": "", "gradle.properties": ""}


def site(run: str, before: str = "") -> Site:
    made = build(f"FROM eclipse-temurin:17-jdk\nWORKDIR /app\n{before}COPY . .\nRUN {run}\n", FILES)
    (stage,) = made.stages
    found = made.run(stage.instructions[-1])
    return Site(made, stage, found, found.steps[-1])


def command(run: str, before: str = "") -> Command:
    where = site(run, before)
    found = ecosystems.recognise(where.step, where.view)
    assert found and found.ecosystem == "gradle"
    return found


def test_builds_run_programs_of_the_project() -> None:
    for run in ("gradle build", "./gradlew assemble -x test -Pa=b", "sh gradlew dependencies"):
        found = command(run)
        assert found.declined and found.project and found.install == run.endswith("dependencies")


def test_the_wrapper_s_version_reads_no_build_script() -> None:
    found = command("./gradlew --version")
    assert found.declined is None and found.install
    assert {read.path for read in found.reads if read.required} == {"/app/gradlew", "/app/gradle/wrapper"}
    assert command("gradle --version").reads == ()


@pytest.mark.parametrize(
    "run",
    ["./gradlew -g /x --version", "./gradlew --frobnicate", "./gradlew $T", "./gradlew --version -p sub"],
)
def test_lines_that_are_declined(run: str) -> None:
    assert command(run, "ARG T\n").declined


@pytest.mark.parametrize(
    ("run", "before", "expected"),
    [
        ("./gradlew build", "", "./gradlew --version"),
        ("sh ./gradlew build", "", "sh ./gradlew --version"),
        ("gradle build", "", None),
        ("./gradlew --offline build", "", None),
        ("./gradlew compile && ./gradlew build", "", None),
        ("./gradlew build", "USER nobody\n", None),
    ],
)
def test_the_fetch_of_the_wrapper(run: str, before: str, expected: str | None) -> None:
    found = gradle.fetch(site(run, before))
    assert (found.command if found else None) == expected


def test_a_script_that_is_changed_first() -> None:
    with pytest.raises(Declined, match="`sed` changes gradlew"):
        gradle.fetch(site("sed -i s/a/b/ gradlew && ./gradlew build"))


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ('implementation("a:b:1.0")', False),
        ('version = "1.0-SNAPSHOT"', False),
        ('implementation("a:b:1.0-SNAPSHOT")', True),
        ('implementation "a:b:1.+"', True),
        ("implementation 'a:b:latest.release'", True),
        ('implementation("a:b:[1.0,2.0)")', True),
        ("implementation('a:b:1') { changing = true }", True),
    ],
)
def test_versions_that_change(text: str, changes: bool) -> None:
    assert bool(gradle._CHANGING.search(text)) == changes
