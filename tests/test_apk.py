"""apk commands: what they read and write, and how a RUN comes to keep its packages."""

from __future__ import annotations

import pytest

from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.ecosystems import Command, apk
from rewrite.model import Proposal, Refusal, Tier
from rewrite.rewrites import cache_mounts
from rewrite.source import dockerfile, edits

CONTEXT = Context(MemoryTree({"own.apk": b"", "keys/own.rsa.pub": b""}), None, ".dockerignore", ".")
KEEP = "--cache-dir=/var/cache/apk"


def command(run: str) -> Command | None:
    """Return what the last command of a RUN does."""
    build = Build(
        "Dockerfile", dockerfile.parse(f"FROM alpine:3.20\nWORKDIR /src\nCOPY . .\nENV P=git\nRUN {run}\n"), CONTEXT
    )
    ((stage, found),) = build.runs()
    step = [step for step in found.steps if step.top][-1]
    return apk.recognise(step, build.view(stage, found.instruction))


def outcomes(text: str) -> list[Proposal | Refusal]:
    return list(cache_mounts.find(Build("Dockerfile", dockerfile.parse(text), CONTEXT)))


def kept(run: str, base: str = "alpine:3.20") -> str:
    """Return the command of a RUN with its mounts, which must be safe."""
    text = f"FROM {base}\nRUN {run}\n"
    (proposal,) = outcomes(text)
    assert isinstance(proposal, Proposal), proposal
    assert proposal.tier == Tier.SAFE, proposal.proof
    return edits.apply(text, proposal.edits).rstrip().rpartition("installed \\\n")[2].lstrip(" ")


def refused(text: str) -> str:
    """Return the premise of the last refusal."""
    refusal = outcomes(text)[-1]
    assert isinstance(refusal, Refusal), refusal
    return refusal.premise


@pytest.mark.parametrize(
    ("run", "install"),
    [
        ("apk add --no-cache git", True),
        ("apk --update add git=$VERSION openssl~3", True),
        ("/sbin/apk add -q --virtual=.deps gcc $P", True),
        ("apk add -Ut .deps $PHPIZE_DEPS", True),
        ("apk add --repository https://example.org/edge/testing git@edge", True),
        ("apk upgrade -U -a", True),
        ("apk update", False),
        ("apk del --purge .deps", False),
        ("apk info -vv", False),
        ("apk --print-arch", False),
    ],
)
def test_known_commands(run: str, install: bool) -> None:
    found = command(run)
    assert found is not None
    assert (found.declined, found.install, found.environment, found.strangers) == (None, install, False, False)


@pytest.mark.parametrize(
    "run",
    [
        "apk add $UNKNOWN",
        "apk add $(cat list)",
        "apk frobnicate",
        "apk add --new-option git",
        "apk add ./*.apk",
        "apk add pkgs/git",
        "apk fetch git",
        "apk cache clean",
        "apk $UNKNOWN add git",
        "apk add -t $UNKNOWN git",
        "apk --root $UNKNOWN add git",
        "apk index -o x *.apk",
    ],
)
def test_what_is_not_understood_is_not_guessed(run: str) -> None:
    found = command(run)
    assert found is not None
    assert found.declined is not None


@pytest.mark.parametrize("run", ["doas apk add x", "sudo apk add x", "echo apk add"])
def test_other_programs_are_not_apk(run: str) -> None:
    assert command(run) is None


@pytest.mark.parametrize(
    ("run", "path"),
    [
        ("apk add --allow-untrusted ./own.apk", "/src/own.apk"),
        ("apk add own.apk", "/src/own.apk"),
        ("apk add --keys-dir keys git", "/src/keys"),
        ("apk add -X ../repo git", "/repo"),
        ("apk add --repositories-file=list git", "/src/list"),
    ],
)
def test_files_are_read(run: str, path: str) -> None:
    found = command(run)
    assert found is not None
    assert (path, True) in {(read.path, read.required) for read in found.reads}


def test_another_root_is_written() -> None:
    found = command("apk add -p /rootfs --initdb git")
    assert found is not None
    assert "/rootfs" in {write.path for write in found.writes}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("apk add --no-cache git", f"apk add {KEEP} -U git"),
        ("apk --no-cache add git", f"apk {KEEP} -U add git"),
        ("apk add git --no-cache", f"apk add git {KEEP} -U"),
        ("apk add --update --no-cache git", f"apk add --update {KEEP} git"),
        ("apk add --no-cache \\\n  git \\\n  # why\n  curl", f"apk add {KEEP} -U \\\n  git \\\n  # why\n  curl"),
        ("apk update && apk add git", f"apk update && apk add {KEEP} -U git"),
        ("apk add -U git && rm -rf /var/cache/apk/*", f"apk add {KEEP} -U git"),
        ("apk add -U git && rm -rf /var/cache/apk", f"apk add {KEEP} -U git"),
        ("apk add --no-cache git; apk del git", f"apk add {KEEP} -U git; apk del git"),
        ("if true; then apk add --no-cache git; fi", f"if true; then apk add {KEEP} -U git; fi"),
        ("apk add --no-cache a && apk add --no-cache b", f"apk add {KEEP} -U a && apk add {KEEP} -U b"),
    ],
)
def test_packages_are_kept(run: str, expected: str) -> None:
    assert kept(run) == expected


@pytest.mark.parametrize(
    ("base", "safe"),
    [
        ("alpine", True),
        ("alpine:latest", True),
        ("alpine:edge", True),
        ("alpine:3", True),
        ("alpine:3.13", True),
        ("docker.io/library/alpine:3.20.1", True),
        ("alpine:3.12.1", False),
        ("alpine:20240101", False),
        ("alpine@sha256:00", False),
        ("alpine:3@sha256:00", False),
        ("alpine:3.19@sha256:00", True),
        ("node:20-alpine", True),
        ("node:16-alpine", False),
        ("node:alpine", True),
        ("node:lts-alpine3.12", False),
        ("node:12-alpine3.14", True),
        ("node:lts-alpine@sha256:00", False),
        ("node:20-alpine@sha256:00", True),
        ("python:3-alpine", True),
        ("python:3.9-alpine", False),
        ("python:3.12.1-alpine", True),
        ("python:2-alpine", False),
        ("python:3-alpine@sha256:00", False),
        ("golang:1.22-alpine", True),
        ("company/alpine:3.20", False),
        ("python:3.12", False),
        ("redis:7-alpine", False),
    ],
)
def test_old_alpines_are_for_review(base: str, safe: bool) -> None:
    (proposal,) = outcomes(f"FROM {base}\nRUN apk add --no-cache git\n")
    assert isinstance(proposal, Proposal)
    assert (proposal.tier == Tier.SAFE) == safe


@pytest.mark.parametrize(
    ("run", "premise"),
    [
        ("apk add --cache-dir=/c git", "--cache-dir"),
        ("apk add --cache-max-age 9999 git", "--cache-max-age"),
        ("apk add -p /r git", "under another root"),
        ("apk add --no-network git", "--no-network"),
        ("apk add -s git", "installs nothing"),
        ("mkdir /etc/apk/cache && apk add git", "cache directory already"),
        ("cd /var/cache/apk && apk add git", "works in apk's cache"),
        ("apk add git; rm -rf /var/cache/apk/*; true", "cannot be taken out"),
        ("apk add --new-option git", "--new-option is not known"),
    ],
)
def test_premises(run: str, premise: str) -> None:
    assert premise in refused(f"FROM alpine:3.20\nRUN {run}\n")


def test_nothing_to_say() -> None:
    assert outcomes("FROM alpine:3.20\nRUN apk update\nRUN apk del git && apk info\n") == []
