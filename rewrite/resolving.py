"""Asks for the digests of base images: the local engine, or their registry, by the user's own docker client.

The client has the credentials of the user's docker configuration (``docker login``, credential helpers).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable

from .errors import UsageError
from .verify.docker import Docker
from .verify.engine import EngineError
from .verify.engines import find_docker

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Resolve = Callable[[str], str]


def resolver(source: str, tell: Callable[[str], None]) -> Resolve:
    """Return what gives the digest of a reference, empty if there is none, by `source` (``engine``, ``registry``).

    `tell` takes a sentence on each reference that cannot be resolved. Raise `EngineError` if no client is there, or
    `UsageError` for another source.
    """
    ask = {"engine": _held, "registry": _published}.get(source)
    if ask is None:
        raise UsageError(f"--resolve takes engine or registry, not {source!r}")
    docker = find_docker()

    @functools.cache
    def resolve(reference: str) -> str:
        try:
            found = ask(docker, reference)
        except EngineError as error:
            tell(f"{reference}: {error.message}")
            return ""
        return found if _DIGEST.fullmatch(found) else ""

    return resolve


def _held(docker: Docker, reference: str) -> str:
    """Return the digest under which the engine has pulled an image; one built here has none."""
    listed = json.loads(docker.call("image", "inspect", "--format={{json .RepoDigests}}", reference)) or []
    digests = {str(one).partition("@")[2] for one in listed if _same(str(one).partition("@")[0], reference)}
    return digests.pop() if len(digests) == 1 else ""


def _published(docker: Docker, reference: str) -> str:
    """Return the digest of what a registry gives for a reference: of the whole index, if it has several platforms."""
    descriptor = json.loads(docker.call("buildx", "imagetools", "inspect", "--format={{json .Manifest}}", reference))
    return str(descriptor.get("digest", ""))


def _same(repository: str, reference: str) -> bool:
    """Tell whether a repository is that of a reference, whose tag is left out; Docker Hub's names have short forms."""
    name, _, last = reference.rpartition("/")
    wanted = f"{name}/{last.partition(':')[0]}".lstrip("/")
    return _full(repository) == _full(wanted)


def _full(name: str) -> str:
    first, slash, _ = name.partition("/")
    if slash and (set(first) & {".", ":"} or first == "localhost"):
        return name.removeprefix("docker.io/library/").removeprefix("docker.io/")
    return name.removeprefix("library/")
