"""Real builds: what a build reports, two images compared, and what an edit makes the builder run again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rewrite.verify.compare import compare
from rewrite.verify.engine import Engine
from rewrite.verify.image import saved_images
from rewrite.verify.rebuild import Scenario, rebuild

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
def tags(engine: Engine) -> Iterator[tuple[str, str]]:
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    names = (f"{series}:before", f"{series}:after")
    yield names
    for tag in filter(engine.has_image, names):
        engine.call("image", "rm", "--force", tag)


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


def test_same_image_in_another_order(engine: Engine, project: Path, tags: tuple[str, str]) -> None:
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


def test_another_image(engine: Engine, project: Path, tags: tuple[str, str]) -> None:
    changed = BEFORE.replace("COPY . .", "COPY --chmod=600 b .").replace("USER app", "USER root")
    for tag, dockerfile in zip(tags, (BEFORE, changed), strict=True):
        run = engine.build(project, dockerfile, tag=tag)
        assert run.ok, run.log
    found = {(d.path, d.what) for d in compare(*saved_images(engine, tags).values()).unexplained}
    modes = {("/app/b", "mode"), ("/app/c", "mode")}
    assert found == {("config.user", "value"), ("/app/d", "missing"), ("/app/d/a", "missing"), *modes}


def test_failing_build_names_its_step(engine: Engine, project: Path) -> None:
    run = engine.build(project, f"FROM {BASE}\nRUN echo said && exit 3\nRUN true\n")
    assert not run.ok
    (failed,) = [step for step in run.steps if step.error]
    assert "RUN echo said && exit 3" in failed.name
    assert "exit code: 3" in failed.error
    assert "said\n" in run.log
    assert [step.started for step in run.steps if step.name.endswith("RUN true")] == [None]


def test_ignore_file_beside_the_dockerfile_counts(engine: Engine, project: Path) -> None:
    path = project / "web.Dockerfile"
    path.write_text("FROM scratch\nCOPY b /\n")
    assert engine.build(project, path).ok
    (project / "web.Dockerfile.dockerignore").write_text("b\n")
    assert not engine.build(project, path).ok


def test_rebuild_runs_what_an_edit_invalidates(engine: Engine, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dockerfile = (
        f"FROM {BASE}\n"
        "WORKDIR /app\n"
        "COPY b ./\n"
        "RUN --mount=type=cache,target=/cache ls /cache && touch /cache/kept && echo install\n"
        "COPY . .\n"
        "RUN echo compile\n"
    )
    edits = [
        Scenario("source", lambda root: write(root / "d" / "a", "new")),
        Scenario("manifest", lambda root: write(root / "b", "new")),
    ]
    for series in (uuid.uuid4(), uuid.uuid4()):  # the second series is as cold as the first
        monkeypatch.setattr(uuid, "uuid4", lambda series=series: series)
        cold, unchanged, source, manifest = rebuild(engine, project, dockerfile, edits)
        assert all(result.run.ok for result in (cold, unchanged, source, manifest)), cold.run.log
        assert [executed(r.run.ran) for r in (cold, unchanged, source, manifest)] == [2, 0, 1, 2]
        assert "kept" not in cold.run.log
        assert "kept" in manifest.run.log
        assert not engine.call("image", "ls", "--quiet", f"--filter=reference=dockerfix-{series.hex[:12]}").split()
    assert (project / "d" / "a").read_text() == "a"


def write(path: Path, text: str) -> None:
    path.write_text(text)


def executed(steps: tuple[str, ...]) -> int:
    """How many RUN steps were executed."""
    return sum("] RUN " in step for step in steps)


def test_cold_build_that_fails_ends_the_series(engine: Engine, project: Path) -> None:
    (only,) = rebuild(engine, project, f"FROM {BASE}\nRUN false\n", [])
    assert (only.scenario, only.run.ok) == ("cold", False)
