"""Finds the engine that the user has."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from . import docker
from .engine import Engine, EngineError

__all__ = ["find_docker", "find_engine"]


def find_docker(environment: Mapping[str, str] | None = None, builder: str = "") -> docker.Docker:
    """Return the Docker engine of the user's client; raise `EngineError` that says what is missing."""
    client = shutil.which("docker", path=(os.environ if environment is None else environment).get("PATH"))
    if client is None:
        raise EngineError("no docker client on PATH", hint="install Docker, or leave out the verification")
    return docker.connect(client, builder)


def find_engine(environment: Mapping[str, str] | None = None, builder: str = "") -> Engine:
    """Return the user's engine; raise `EngineError` that says what is missing."""
    return find_docker(environment, builder)
