"""Asks for the digests of base images: the local engine, or their registry, by the user's own docker client.

The client has the credentials of the user's docker configuration (``docker login``, credential helpers). A
registry's answer holds the platforms of the image too. The engine's does not: it pulls the others when they are needed.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from .build.images import Resolved
from .errors import UsageError
from .verify.docker import Docker
from .verify.engine import EngineError
from .verify.engines import find_docker

# On what an index lists beside the images: provenance, bills of materials.
_ATTESTS = "vnd.docker.reference.type"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Resolve = Callable[[str], Resolved]


def resolver(source: str, tell: Callable[[str], None]) -> Resolve:
    """Return what tells the digest and the platforms of a reference, by `source` (``engine``, ``registry``).

    `tell` takes a sentence on each reference that cannot be resolved. Raise `EngineError` if no client is there, or
    `UsageError` for another source.
    """
    ask = {"engine": _held, "registry": _published}.get(source)
    if ask is None:
        raise UsageError(f"--resolve takes engine or registry, not {source!r}")
    docker = find_docker()

    @functools.cache
    def resolve(reference: str) -> Resolved:
        try:
            found = ask(docker, reference)
        except EngineError as error:
            tell(f"{reference}: {error.message}")
            return Resolved()
        return found if _DIGEST.fullmatch(found.digest) else Resolved()

    return resolve


def _held(docker: Docker, reference: str) -> Resolved:
    """Return the digest under which the engine has pulled an image; one built here has none."""
    if "@" in reference:
        return Resolved(reference.partition("@")[2])
    listed = json.loads(docker.call("image", "inspect", "--format={{json .RepoDigests}}", reference)) or []
    digests = {str(one).partition("@")[2] for one in listed if _same(str(one).partition("@")[0], reference)}
    return Resolved(digests.pop()) if len(digests) == 1 else Resolved()


def _published(docker: Docker, reference: str) -> Resolved:
    """Return the digest of what a registry gives for a reference, of the whole index if that is one; the platforms."""
    # The client fetches the configurations for the bare digest too: the platforms cost no request more.
    answer = json.loads(docker.call("buildx", "imagetools", "inspect", "--format={{json .}}", reference))
    manifest = answer.get("manifest") or {}
    return Resolved(str(manifest.get("digest", "")), _platforms(manifest, answer.get("image") or {}))


def _platforms(manifest: dict[str, Any], image: dict[str, Any]) -> tuple[str, ...]:
    """Return the platforms of an image: those of the index, else that of its configuration; none if one is not told."""
    images = [one for one in manifest.get("manifests") or () if _ATTESTS not in (one.get("annotations") or {})]
    platforms = [one.get("platform") or {} for one in images] or [image]
    if not all(one.get("os") and one.get("architecture") for one in platforms):
        return ()
    return tuple(dict.fromkeys(f"{one['os']}/{one['architecture']}" for one in platforms))


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
