"""Which files count as secrets in reach of a COPY; their content is never told."""

from __future__ import annotations

import pytest

from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.rewrites._secrets import secrets_in_reach
from rewrite.source.dockerfile import parse

KEY = "-----BEGIN PRIVATE KEY-----\nMIIabc\n"


def notes(files: dict[str, str], dockerfile: str = "FROM debian\nCOPY . /app\n") -> list[str]:
    context = Context(MemoryTree(files), None, ".dockerignore", ".")
    return list(secrets_in_reach(Build("Dockerfile", parse(dockerfile), context)))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env", "A=1"),
        ("deploy/.env.production", "A=1"),
        ("id_rsa", "x"),
        ("certs/server.key", KEY),
        ("server.pem", KEY),
        (".npmrc", "//registry.example.org/:_authToken=abc"),
        ("service-account.json", "{}"),
        (".pypirc", "x"),
    ],
)
def test_found(path: str, content: str) -> None:
    (note,) = notes({path: content, "app.py": ""})
    assert note.endswith(f": {path}")
    assert "Dockerfile:2" in note
    assert "abc" not in note


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".env.example", "A="),
        ("public.pem", "-----BEGIN CERTIFICATE-----"),
        (".npmrc", "//registry.example.org/:_authToken=${NPM_TOKEN}\nfund=false"),
        ("keyboard.key.txt", KEY),
        ("src/environment.ts", "x"),
    ],
)
def test_not_a_secret(path: str, content: str) -> None:
    assert notes({path: content}) == []


def test_only_in_reach() -> None:
    assert notes({".env": "A=1", "src/app.py": ""}, "FROM debian\nCOPY src /app\n") == []
    assert len(notes({"src/.env": "A=1"}, "FROM debian\nCOPY src /app\n")) == 1
