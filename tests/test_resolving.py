"""Digests of base images: whose answer counts, and what is told where there is none."""

from __future__ import annotations

import json

import pytest

from rewrite import resolving
from rewrite.build.images import Resolved
from rewrite.errors import UsageError
from rewrite.verify.docker import Docker
from rewrite.verify.engine import EngineError

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


def asking(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> list[tuple[str, ...]]:
    """Let the client answer by reference, and return the list of its calls."""
    calls: list[tuple[str, ...]] = []

    def call(self: Docker, *arguments: str) -> str:
        calls.append(arguments)
        if arguments[-1] not in answers:
            raise EngineError("docker buildx: not found")
        return answers[arguments[-1]]

    monkeypatch.setattr(Docker, "call", call)
    monkeypatch.setattr(resolving, "find_docker", lambda: Docker("docker", "1"))
    return calls


def test_a_registry_is_asked_once_for_each_image(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    calls = asking(monkeypatch, {"python:3.12": answer({}, {}), "odd:1": "{}"})
    resolve = resolving.resolver("registry", told.append)
    found = [resolve(name) for name in ("python:3.12", "python:3.12", "odd:1", "none:1")]
    assert found == [Resolved(DIGEST), Resolved(DIGEST), Resolved(), Resolved()]
    assert len(calls) == 3
    assert told == ["none:1: docker buildx: not found"]


def answer(manifest: dict[str, object], image: object) -> str:
    """Return what the client says of a reference in a registry."""
    return json.dumps({"manifest": {"digest": DIGEST, **manifest}, "image": image})


AMD64 = {"platform": {"os": "linux", "architecture": "amd64"}}
ARM = {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
ATTESTATION = {
    "platform": {"os": "unknown", "architecture": "unknown"},
    "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
}


@pytest.mark.parametrize(
    ("manifest", "image", "platforms"),
    [
        ({}, {"os": "linux", "architecture": "arm64"}, ("linux/arm64",)),
        (
            {"manifests": [AMD64, ARM, ATTESTATION]},
            {"linux/amd64": {}, "linux/arm/v7": {}},
            ("linux/amd64", "linux/arm"),
        ),
        ({"manifests": [AMD64, {"digest": OTHER}]}, {"linux/amd64": {}}, ()),
        ({"manifests": [ATTESTATION, AMD64]}, {"os": "linux", "architecture": "amd64"}, ("linux/amd64",)),
        ({}, {"architecture": "arm64"}, ()),
        ({}, None, ()),
    ],
)
def test_a_registry_tells_the_platforms(
    monkeypatch: pytest.MonkeyPatch, manifest: dict[str, object], image: object, platforms: tuple[str, ...]
) -> None:
    asking(monkeypatch, {"python:3.12": answer(manifest, image)})
    assert resolving.resolver("registry", print)("python:3.12") == Resolved(DIGEST, platforms)


@pytest.mark.parametrize(
    ("reference", "held", "digest"),
    [
        ("python:3.12", [f"python@{DIGEST}"], DIGEST),
        ("library/python:3.12", [f"python@{DIGEST}"], DIGEST),
        ("docker.io/library/python:3.12", [f"python@{DIGEST}"], DIGEST),
        ("docker.io/acme/app", [f"acme/app@{DIGEST}"], DIGEST),
        ("localhost:5000/a/b:1", [f"localhost:5000/a/b@{DIGEST}", f"other/b@{OTHER}"], DIGEST),
        ("python:3.12", [f"mirror.example.org/python@{DIGEST}"], ""),
        ("python:3.12", [f"python@{DIGEST}", f"python@{OTHER}"], ""),
        ("python:3.12", None, ""),
    ],
)
def test_the_engine_tells_what_it_has_pulled_under_the_name(
    monkeypatch: pytest.MonkeyPatch, reference: str, held: list[str] | None, digest: str
) -> None:
    asking(monkeypatch, {reference: json.dumps(held)})
    assert resolving.resolver("engine", print)(reference) == Resolved(digest)


def test_the_engine_is_not_asked_for_a_digest_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = asking(monkeypatch, {})
    assert resolving.resolver("engine", print)(f"python:3.12@{DIGEST}") == Resolved(DIGEST)
    assert not calls


def test_another_source_is_an_error() -> None:
    with pytest.raises(UsageError, match="engine or registry"):
        resolving.resolver("hearsay", print)
