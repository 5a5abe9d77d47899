"""Compose files that start something else in the image than its own CMD and ENTRYPOINT."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from ..build.build import Build
from ..build.context import Context
from ..model import Place

_NAMES = tuple(
    f"{name}{kind}.{ending}"
    for name in ("compose", "docker-compose")
    for kind in ("", ".override", ".dev", ".development", ".prod", ".production", ".test")
    for ending in ("yaml", "yml")
)


def started_elsewhere(build: Build) -> Iterator[tuple[str, Place]]:
    """Yield each service beside the Dockerfile that is built from its context and has a command of its own."""
    yield from build.context.once(started_elsewhere, lambda: tuple(_started_by(build.context)))


def _started_by(context: Context) -> Iterator[tuple[str, Place]]:
    for name in _NAMES:
        text = context.read_ignored(name)
        if text is None or "build" not in text:
            continue
        for service, options in _services(text):
            source = options.get("build")
            directory = source.get("context", ".") if isinstance(source, dict) else source
            own = next((key for key in ("command", "entrypoint") if options.get(key)), "")
            if own and isinstance(directory, str) and posixpath.normpath(directory) == ".":
                line = text.count("\n", 0, max(text.find(f"{own}:"), 0)) + 1
                yield service, Place(name, line)


def _services(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return
    services = document.get("services") if isinstance(document, dict) else None
    for name, options in services.items() if isinstance(services, dict) else ():
        if isinstance(options, dict):
            yield str(name), options
