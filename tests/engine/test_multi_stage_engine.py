"""Programs of several languages, built in one stage and split by `multi-stage`: both images answer alike.

``pytest -rP`` shows the sizes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest
from containers import PRIVATE, Project, Version, versions

from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

PROJECTS = {
    "go": Project("go", 8080, ("/", "/zone", "/roots", "/id", "/currency", "/missing")),
    "java": Project("java", 8080, ("/departures", "/harbour", "/summer", "/missing")),
    "node": Project("node", 8080, ("/", "/health", "/trains", "/mode", "/missing")),
    # Flask may read .env, so that a project which has one is not split.
    "python": Project("python", 8000, ("/", "/dishes", "/health", "/missing"), private=(".git/HEAD", "id_rsa")),
    "rust": Project("rust", 8080, ("/", "/tides", "/missing")),
}
BASES = "golang:1.24 maven:3.9-eclipse-temurin-17 node:22 python:3.12 rust:1.83".split()
SMALL = "debian java node python static".split()
# Programs that only a build needs.
PROGRAMS = set("c++ cargo cc g++ gcc git go javac make mvn rustc tsc".split())
SOURCES = {"Server.java", "main.go", "main.rs", "server.ts"}
CONFIG = "Cmd Entrypoint ExposedPorts Healthcheck StopSignal User Volumes WorkingDir".split()


@pytest.fixture(scope="module", params=PROJECTS)
def built(
    request: pytest.FixtureRequest,
    engine: Docker,
    need_images: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Version, Version, Version]]:
    """Build a project in all versions, and start them."""
    need_images(*BASES, *(f"dockerfix/slim:{name}" for name in SMALL))
    with versions(engine, tmp_path_factory.mktemp(request.param), PROJECTS[request.param]) as found:
        yield found


def test_all_answer_alike(built: tuple[Version, Version, Version]) -> None:
    before, split, everything = (version.behaviour for version in built)
    assert 200 in {answer.status for answer in before.answers.values()}
    assert split == before
    assert everything == before


def test_the_configuration_is_kept(built: tuple[Version, Version, Version]) -> None:
    before, *splits = (version.config for version in built)
    written = {name for version in built[:1] for name in _variables(version.text)}
    for config in splits:
        # An image's own working directory is "/", or none.
        assert [config.get(key) or "" for key in CONFIG] == [before.get(key) or "" for key in CONFIG]
        kept = [one for one in before["Env"] if one.partition("=")[0] in written]
        assert kept == [one for one in config["Env"] if one.partition("=")[0] in written]


def test_nothing_of_the_build_is_left(built: tuple[Version, Version, Version]) -> None:
    for version in built[1:]:
        assert version.image is not None
        files = {PurePosixPath(path) for path in version.image.files}
        assert not {path for path in files if path.name in PROGRAMS and path.parent.name in ("bin", ".bin")}
        assert not {path for path in files if path.name in SOURCES}
        private = {PurePosixPath(path).parts[0] for path in PRIVATE}
        assert not {path for path in files if private & set(path.parts)}


def test_the_image_is_smaller(built: tuple[Version, Version, Version], request: pytest.FixtureRequest) -> None:
    before, split, everything = (version.size / 1e6 for version in built)
    print(f"{request.node.callspec.params['built']}: {before:.1f} MB, split {split:.1f} MB, all {everything:.1f} MB")
    assert split < before / 4
    assert everything < before / 4


def _variables(text: str) -> Iterator[str]:
    """Yield the names that the ENVs of a Dockerfile set, as key=value."""
    lines = itertools.chain.from_iterable(line.split() for line in text.replace("\\\n", " ").splitlines())
    return (word.partition("=")[0] for word in lines if "=" in word and word.partition("=")[0].isupper())
