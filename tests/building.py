"""Builds of Dockerfiles and contexts that lie in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping

from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.build.runs import Run
from rewrite.build.steps import Step
from rewrite.source import dockerfile, ignorefile

FILES = {"package.json": "{}", "app.py": "", "src/a.py": "", "src/b/c.py": "", "conf": ""}


def build(text: str, files: Mapping[str, bytes | str] = FILES, ignore: str | None = None, **options: object) -> Build:
    """Return the build of a Dockerfile; a FROM is put before it if there is none."""
    if "FROM " not in text.upper():
        text = "FROM python:3.12-slim\nWORKDIR /app\n" + text
    tree = dockerfile.parse(text)
    assert not tree.problems, tree.problems
    parsed = None if ignore is None else ignorefile.parse(ignore, ".dockerignore")
    context = Context(MemoryTree(files), parsed, ".dockerignore", "memory")
    return Build("Dockerfile", tree, context, ignore, **options)  # type: ignore[arg-type]


def last_run(text: str) -> Run:
    """Return the last RUN of the last stage."""
    return list(build(text).runs())[-1][1]


def steps(script: str, before: str = "") -> tuple[Step, ...]:
    """Return the steps of ``RUN script`` behind the instructions `before`."""
    return last_run(f"{before}\nRUN {script}\n".lstrip()).steps
