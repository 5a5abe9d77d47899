"""sbt: its builds are programs, and what moves its caches is seen."""

from __future__ import annotations

import pytest
from building import build

from rewrite import ecosystems
from rewrite.ecosystems import Site, sbt
from rewrite.model import Declined, Status

FILES = {"build.sbt": 'version := "1-SNAPSHOT"\n', "src/A.scala": "val offline = 1\n"}


def site(run: str, before: str = "", more: dict[str, str] | None = None) -> Site:
    text = f"FROM eclipse-temurin:17-jdk AS b\nWORKDIR /app\n{before}COPY . .\nRUN {run}\nFROM debian\n"
    made = build(text, {**FILES, **(more or {})})
    stage = made.stages[0]
    found = made.run(stage.instructions[-1])
    return Site(made, stage, found, found.steps[-1])


def test_builds_run_programs_of_the_project() -> None:
    where = site("sbt clean assembly")
    found = ecosystems.recognise(where.step, where.view)
    assert found and found.declined and found.project and not found.install


def test_three_caches_together() -> None:
    plan = sbt.cache(site("sbt -batch assembly"))
    assert plan and plan.shared and all(item.status == Status.PROVED for item in plan.proof)
    assert plan.directories == ("/root/.cache/coursier", "/root/.ivy2/cache", "/root/.sbt/boot")


@pytest.mark.parametrize(
    ("run", "before", "more"),
    [
        ("sbt -Dsbt.boot.directory=/b assembly", "", {}),
        ("sbt 'set offline := true' assembly", "", {}),
        ("sbt assembly", "ENV SBT_OPTS=-Dsbt.ivy.home=/i\n", {}),
        ("sbt assembly", "ENV XDG_CACHE_HOME=/c\n", {}),
        ("sbt assembly", "ARG COURSIER_CACHE\n", {}),
        ("sbt assembly", "", {".jvmopts": "-Dsbt.global.base=/x\n"}),
        ("sbt assembly", "", {"project/Build.scala": "offline := true\n"}),
        ("sbt assembly", "USER 1000\n", {}),
    ],
)
def test_what_is_declined(run: str, before: str, more: dict[str, str]) -> None:
    with pytest.raises(Declined):
        sbt.cache(site(run, before, more))
