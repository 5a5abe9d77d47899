"""The projects of multistage/, built as they are and split in stages, started, and asked: do both answer alike?

A split image runs on small images, which `slim` makes in the lab: what they lack is seen to be missing.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewrite.fix import Request, fix_files
from rewrite.model import Result
from rewrite.settings import Settings
from rewrite.source import dockerfile
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions
from rewrite.verify.image import Image, saved_images

# Where pip looks for packages.
INDEX = importlib.import_module("pip._internal.models.index").PyPI.simple_url
PROJECTS = Path(__file__).parent / "multistage"
# In the working tree of a developer; no image should hold it.
PRIVATE = {".git/HEAD": "ref: refs/heads/main\n", ".env": "TOKEN=secret\n", "id_rsa": "secret\n"}
# The images that a split builds on, as patterns, and the small image (dockerfix/slim:NAME) in place of each.
SLIM = {
    r"gcr\.io/distroless/(static|base|cc)-debian\d+": r"\1",
    r"gcr\.io/distroless/(static|base|cc)-debian\d+:nonroot": r"\1-nonroot",
    r"debian:\w+-slim": "debian",
    r"node:\S+-slim": "node",
    r"python:\S+-slim": "python",
    r"eclipse-temurin:\S+-jre\S*": "java",
    r"nginx:\S+": "nginx",
}
WAIT_SECONDS = 30
# As long as a program may take to end; one that does not heed SIGTERM as a container's first process goes on.
END_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Project:
    """A directory of multistage/ the port of its program, and the paths to ask for.

    `private` are the files of PRIVATE that lie in it. `locks` is the command by which a `tool` of Python writes the
    lockfile, which names an index. `changed` are two texts: the one takes the place of the other in its pom.xml.
    """

    directory: str
    port: int
    paths: Sequence[str]
    private: Sequence[str] = tuple(PRIVATE)
    tool: str = ""
    locks: str = ""
    changed: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program answered, without the times of day and of the build."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a started container showed: answers by path, the users and groups of its processes, and its health.

    `exit_code` is that on SIGTERM, None where the program ran on.
    """

    answers: Mapping[str, Answer]
    accounts: set[tuple[str, ...]]
    health: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Version:
    """A built image: its Dockerfile, its size, its configuration, and what it did; `image` only where it was split."""

    text: str
    size: int
    config: Mapping[str, Any]
    behaviour: Behaviour
    image: Image | None


@contextlib.contextmanager
def versions(engine: Docker, directory: Path, project: Project) -> Iterator[tuple[Version, Version, Version]]:
    """Yield the project as it is, split, and with all rewrites."""
    series = f"dockerfix-test-{uuid.uuid4().hex[:12]}"
    tags = [f"{series}:{name}" for name in ("before", "split", "all")]
    settings = (None, Settings(select=("multi-stage",), review=True), Settings(review=True))
    try:
        found = []
        source = _locked(engine, directory / "source", project)
        for tag, chosen in zip(tags, settings, strict=True):
            root = directory / tag.partition(":")[2]
            shutil.copytree(source, root)
            if chosen is not None:
                _fix(root, chosen)
            found.append(_version(engine, root, tag, project, split=chosen is not None))
        yield found[0], found[1], found[2]
    finally:
        for tag in tags:
            engine.remove_image(tag)


def _locked(engine: Docker, root: Path, project: Project) -> Path:
    """Return a copy of the project, with the lockfile that its tool writes."""
    shutil.copytree(PROJECTS / project.directory, root)
    for path in project.private:
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(PRIVATE[path])
    if project.changed[0]:
        pom = root / "pom.xml"
        pom.write_text(pom.read_text().replace(*project.changed))
    if project.tool:
        dockerfile = root / "Lock"
        dockerfile.write_text(
            f"FROM python:3.12 AS lock\nRUN pip install --quiet --no-cache-dir {project.tool}\nWORKDIR /lock\n"
            f"COPY pyproject.toml .\nRUN {project.locks} && rm -rf pyproject.toml .venv\n"
            "FROM scratch\nCOPY --from=lock /lock/ /\n"
        )
        if project.tool.startswith("poetry"):
            # Poetry does not look where pip does: the project has to say so.
            with (root / "pyproject.toml").open("a") as file:
                file.write(f'[[tool.poetry.source]]\nname = "simple"\nurl = "{INDEX}"\npriority = "primary"\n')
        run = engine.build(root, dockerfile, output=f"type=local,dest={root}")
        assert run.ok, run.log
        dockerfile.unlink()
    return root


def _fix(root: Path, settings: Settings) -> None:
    with contextlib.chdir(root):
        (result,) = fix_files([Request(Path("Dockerfile"), None, "Dockerfile")], lambda path: settings)
    assert isinstance(result, Result)
    assert "multi-stage" in {proposal.rewrite for proposal in result.applied}, result
    assert not result.defects, result
    for change in result.changes:
        (root / change.path).write_text(change.after)
    # The lab cannot pull a frontend.
    path = root / "Dockerfile"
    path.write_text(re.sub(r"\A# syntax=.*\n", "", path.read_text()))


def _version(engine: Docker, root: Path, tag: str, project: Project, split: bool) -> Version:
    text = (root / "Dockerfile").read_text()
    options = BuildOptions(build_contexts=tuple(_small(text)) if split else ())
    run = engine.build(root, root / "Dockerfile", options, tag=tag)
    assert run.ok, f"{text}\n{run.log}"
    (inspected,) = json.loads(engine.call("image", "inspect", tag))
    behaviour = _behaviour(engine, tag, project)
    image = saved_images(engine, [tag])[tag] if split else None
    return Version(text, engine.image_bytes(tag), inspected["Config"], behaviour, image)


def _small(text: str) -> Iterator[str]:
    """Yield a build context for each base image of a split Dockerfile that has a small image."""
    bases = {line.words[0].text for line in dockerfile.parse(text).instructions if line.keyword == "FROM"}
    for base in sorted(bases):
        for pattern, name in SLIM.items():
            if match := re.fullmatch(pattern, base):
                yield f"{base}=docker-image://dockerfix/slim:{match.expand(name)}"


def _behaviour(engine: Docker, tag: str, project: Project) -> Behaviour:
    container = engine.call("run", "--detach", f"--publish=127.0.0.1::{project.port}", tag).strip()
    try:
        address = engine.call("port", container, str(project.port)).split()[0]
        _until(lambda: _ask(address, project.paths[0]) is not None, engine, container)
        answers = {path: answer for path in project.paths if (answer := _ask(address, path))}
        accounts = {
            tuple(line.split()[1:]) for line in engine.call("top", container, "-eo", "pid,uid,gid").splitlines()[1:]
        }
        health = _state(engine, container).get("Health", {})
        if health:
            _until(lambda: _state(engine, container)["Health"]["Status"] == "healthy", engine, container)
        engine.call("kill", "--signal=TERM", container)
        with contextlib.suppress(AssertionError):
            _until(lambda: not _state(engine, container)["Running"], engine, container, END_SECONDS)
        state = _state(engine, container)
        return Behaviour(
            answers, accounts, "healthy" if health else "", None if state["Running"] else state["ExitCode"]
        )
    finally:
        engine.call("rm", "--force", container)


def _ask(address: str, path: str) -> Answer | None:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        times = ("date", "etag", "last-modified")
        headers = {name: value for name, value in response.getheaders() if name.lower() not in times}
        return Answer(response.status, headers, response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _state(engine: Docker, container: str) -> dict[str, Any]:
    (inspected,) = json.loads(engine.call("container", "inspect", container))
    return dict(inspected["State"])


def _until(holds: Callable[[], bool], engine: Docker, container: str, seconds: float = WAIT_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, (_state(engine, container), engine.call("logs", container))
        time.sleep(0.1)
