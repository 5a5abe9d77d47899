"""Programs of several languages, built in one stage and split by `multi-stage`: both images answer alike.

``pytest -rP`` shows the sizes.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
from containers import PRIVATE, Project, Version, versions

from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

PROJECTS = {
    "go": Project("go", 8080, ("/", "/zone", "/roots", "/id", "/currency", "/missing")),
    "java": Project("java", 8080, ("/departures", "/harbour", "/summer", "/missing")),
    "node": Project("node", 8080, ("/", "/health", "/trains", "/mode", "/missing")),
    "python": Project("python", 8000, ("/", "/dishes", "/health", "/missing")),
    # Poetry's back end would ask git.
    "poetry": Project(
        "poetry",
        8000,
        ("/", "/packages", "/health", "/missing"),
        private=("id_rsa",),
        tool="poetry==2.2.1",
        locks="poetry lock -n",
    ),
    "uv": Project("uv", 8000, ("/", "/static/shelf.4dd5d7896a4c.css", "/missing"), tool="uv", locks="uv lock"),
    "spring": Project("spring", 8080, ("/boats", "/name")),
    "spring-older": Project("spring", 8080, ("/boats", "/name"), changed=("3.5.7", "2.7.18")),
    "rust": Project("rust", 8080, ("/", "/tides", "/missing")),
}
BASES = "golang:1.24 maven:3.9-eclipse-temurin-17 node:22 python:3.12 rust:1.83".split()
SMALL = "debian java node python static".split()
# Programs that only a build needs.
PROGRAMS = set("c++ cargo cc g++ gcc git go javac make mvn rustc tsc".split())
SOURCES = {"Pier.java", "Server.java", "main.go", "main.rs", "server.ts"}
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
    # What only poetry reads is not in the final stage.
    written = {name for name in _variables(built[0].text) if not name.startswith("POETRY_")}
    for config in splits:
        # An image's own working directory is "/", or none.
        assert _alike(config) == _alike(before)
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


def _alike(config: Mapping[str, Any]) -> object:
    """Return what has to stay of a configuration, whatever starts a Python program, or a jar in layers."""
    text = json.dumps([config.get(key) or "" for key in CONFIG])
    text = re.sub(r'"poetry", "run", |"uv", "run", "--no-sync", |uv run --no-sync ', "", text)
    loader = '"-cp", "/app/target/pier-1.0", "org.springframework.boot.loader.JarLauncher"'
    return json.loads(text.replace(loader, '"-jar", "target/pier-1.0.jar"'))


def _variables(text: str) -> Iterator[str]:
    """Yield the names that the ENVs of a Dockerfile set, as key=value."""
    lines = itertools.chain.from_iterable(line.split() for line in text.replace("\\\n", " ").splitlines())
    return (word.partition("=")[0] for word in lines if "=" in word and word.partition("=")[0].isupper())
