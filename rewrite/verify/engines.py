"""Finds the engine that the user has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping

from . import docker, podman
from .clients import call
from .engine import Engine, EngineError

__all__ = ["find_docker", "find_engine", "find_podman"]

HINT = "install Docker or podman, or leave out the verification"


def find_docker(environment: Mapping[str, str] | None = None, builder: str = "") -> docker.Docker:
    """Return the Docker engine of the user's client; raise `EngineError` that says what is missing."""
    client = _client("docker", environment)
    found = docker.connect(client, builder)
    # Podman's service answers docker clients as well: it has no BuildKit, but runs the containers of builders.
    if not builder and "podman" in call(client, "version").lower():
        raise EngineError("the docker client on PATH talks to podman")
    return found


def find_podman(environment: Mapping[str, str] | None = None) -> podman.Podman:
    """Return the user's podman; raise `EngineError` that says what is missing."""
    return podman.connect(_client("podman", environment))


def find_engine(environment: Mapping[str, str] | None = None, builder: str = "", prefer: str = "") -> Engine:
    """Return the user's engine: docker's, else podman, or the one that `prefer` names; a `builder` is docker's only.

    Raise `EngineError` that says what was tried.
    """
    if builder and prefer == "podman":
        raise EngineError(f"podman has no builders, so none of the name {builder}")
    finders: dict[str, Callable[[], Engine]] = {
        "docker": lambda: find_docker(environment, builder),
        "podman": lambda: find_podman(environment),
    }
    tried = []
    for name in [prefer] if prefer else ["docker"] if builder else [*finders]:
        try:
            return finders[name]()
        except EngineError as error:
            tried.append(error.message)
    if shutil.which("buildah", path=_path(environment)):
        tried.append("buildah alone cannot export several images together")
    raise EngineError("; ".join(tried), hint=HINT)


def _client(name: str, environment: Mapping[str, str] | None) -> str:
    """Return the path of a client; raise `EngineError` if there is none."""
    found = shutil.which(name, path=_path(environment))
    if found is None:
        raise EngineError(f"no {name} client on PATH", hint=HINT)
    return found


def _path(environment: Mapping[str, str] | None) -> str | None:
    return (os.environ if environment is None else environment).get("PATH")
