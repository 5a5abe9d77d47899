"""apt commands: what they read and write, and when an update belongs into the RUN that installs."""

from __future__ import annotations

import pytest

from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.ecosystems import Command, apt
from rewrite.model import Proposal, Refusal, Tier
from rewrite.rewrites import apt_update_install
from rewrite.source import dockerfile, edits

CONTEXT = Context(MemoryTree({"vendor.deb": b"", "sources.list": b""}), None, ".dockerignore", ".")


def build_of(text: str) -> Build:
    return Build("Dockerfile", dockerfile.parse(text), CONTEXT)


def command(run: str) -> Command | None:
    """Return what the last command of a RUN does."""
    build = build_of(f"FROM debian:12\nWORKDIR /src\nCOPY . .\nRUN {run}\n")
    ((stage, found),) = build.runs()
    return apt.recognise(found.steps[-1], build.view(stage, found.instruction))


def outcomes(text: str) -> list[Proposal | Refusal]:
    return list(apt_update_install.find(build_of(text)))


def joined(text: str) -> str:
    """Return `text` after the one proposal made for it."""
    (proposal,) = outcomes(text)
    assert isinstance(proposal, Proposal), proposal
    assert proposal.tier == Tier.SAFE
    return edits.apply(text, proposal.edits)


def refused(text: str) -> str:
    """Return the premise of the last refusal."""
    refusal = outcomes(text)[-1]
    assert isinstance(refusal, Refusal), refusal
    return refusal.premise


@pytest.mark.parametrize(
    ("run", "install"),
    [
        ("apt-get update -qq", False),
        ("apt-get install -y node=$NODE_VERSION libc6:$ARCH", True),
        ("apt-get -y --no-install-recommends install curl=8.*", True),
        ("/usr/bin/apt-get -qqy -o X::Y=1 -t bookworm-backports install git", True),
        ("DEBIAN_FRONTEND=noninteractive apt install --option=A=b -qq=2 git", True),
        ("apt-get purge -y --auto-remove gcc", False),
        ("apt-mark manual curl", False),
    ],
)
def test_known_commands(run: str, install: bool) -> None:
    found = command(run)
    assert found is not None
    assert (found.declined, found.install) == (None, install)


@pytest.mark.parametrize(
    "run",
    ["apt-get $OPTIONS install x", "apt-get install ./*.deb", "apt-get frobnicate", "apt-get --new-option install x"],
)
def test_what_is_not_understood_is_not_guessed(run: str) -> None:
    found = command(run)
    assert found is not None
    assert found.declined is not None


@pytest.mark.parametrize(
    "run", ["aptitude install x", "eatmydata apt-get install x", "sudo apt-get install x", "echo apt-get"]
)
def test_other_programs_are_not_apt(run: str) -> None:
    assert command(run) is None


def test_local_packages_are_read() -> None:
    found = command("apt-get install -y ./vendor.deb")
    assert found is not None
    assert ("/src/vendor.deb", True) in {(read.path, read.required) for read in found.reads}


@pytest.mark.parametrize(
    ("update", "install", "expected"),
    [
        ("RUN apt-get update\n", "RUN apt-get install x\n", "RUN apt-get update && apt-get install x\n"),
        (
            "RUN apt-get -qq update\n",
            "RUN cd /t && A=1 apt install x\n",
            "RUN cd /t && apt-get -qq update && A=1 apt install x\n",
        ),
        (
            "RUN apt-get update > /dev/null\n",
            "RUN set -e; apt-get install x; y\n",
            "RUN set -e; apt-get update > /dev/null; apt-get install x; y\n",
        ),
        (
            "RUN apt-get update \\\n    -qq\n",
            "RUN \\\n  apt-get install x \\\n  # c\n  y\n",
            "RUN \\\n  apt-get update -qq && apt-get install x \\\n  # c\n  y\n",
        ),
        (
            "RUN apt-get update\n",
            "RUN --mount=type=secret,id=a,env=A --mount=type=ssh apt-get install x && y\n",
            "RUN --mount=type=secret,id=a,env=A --mount=type=ssh apt-get update && apt-get install x && y\n",
        ),
    ],
)
def test_update_of_its_own_moves(update: str, install: str, expected: str) -> None:
    head, tail = "FROM debian:12\n# lists\n", "USER app\n"
    assert joined(head + update + "ENV A=b\n" + install + tail) == head + "ENV A=b\n" + expected + tail


@pytest.mark.parametrize(
    "update",
    [
        "RUN apt-get update && apt-get upgrade -y\n",
        "RUN apt-get update \\\n# c\n && true\n",
        "RUN <<E\napt-get update\nE\n",
        "RUN apt-get update\nRUN apt-cache policy\n",
        "RUN apt-get update\nFROM base\n",
    ],
)
def test_update_that_others_need_stays(update: str) -> None:
    text = "FROM debian:12 AS base\n" + update
    if "apt-cache" in update:
        assert "`apt-cache` between them" in refused(text + "RUN apt-get install x\n")
    else:
        assert joined(text + "RUN apt-get install x\n") == text + "RUN apt-get update && apt-get install x\n"


@pytest.mark.parametrize(
    "between",
    [
        "ENV LANG=C",
        "ARG VERSION=1",
        "WORKDIR /etc",
        "USER app\nUSER root",
        "COPY vendor.deb /tmp/",
        "RUN useradd app",
        "RUN apt-get install y",
        "RUN mkdir /data && dpkg --print-architecture",
        "RUN pip install flask",
        'LABEL a="b"',
    ],
)
def test_what_apt_does_not_notice_may_stand_between(between: str) -> None:
    text = f"FROM debian:12\nUSER root\nRUN apt-get update\n{between}\nRUN apt-get install x\n"
    assert isinstance(outcomes(text)[-1], Proposal)


@pytest.mark.parametrize(
    ("between", "premise"),
    [
        ("ENV https_proxy=x", "ENV https_proxy"),
        ("ARG APT_CONFIG", "ARG APT_CONFIG"),
        ("COPY sources.list /etc/apt/", "a COPY"),
        ("WORKDIR /etc/apt\nCOPY sources.list .", "a COPY"),
        ("WORKDIR /etc/apt\nCOPY --from=other x .", "a COPY"),
        ("WORKDIR /etc/apt/sources.list.d\nCOPY <<E x.list\ndeb x\nE", "a COPY"),
        ("COPY --from=other / /", "a COPY"),
        ("COPY --from=other x $DIR", "a COPY"),
        ("ADD https://example.org/key.asc /etc/apt/keyrings/", "a ADD"),
        ("RUN echo deb x > /etc/apt/sources.list.d/x.list", "`echo`"),
        ("RUN add-apt-repository ppa:x/y", "`add-apt-repository`"),
        ("RUN dpkg --add-architecture i386", "`dpkg`"),
        ("RUN apt-get install ./vendor.deb", "installed from a file"),
        ("RUN rm -rf /var/lib/apt/lists/*", "`rm`"),
        ("RUN update-ca-certificates", "`update-ca-certificates`"),
        ("RUN make", "`make`"),
        ('RUN ["make"]', "cannot be read"),
        ("USER app", "USER or SHELL differs"),
        ('SHELL ["/bin/bash", "-c"]', "SHELL"),
    ],
)
def test_what_apt_may_notice_may_not(between: str, premise: str) -> None:
    assert premise in refused(f"FROM debian:12\nRUN apt-get update\n{between}\nRUN apt-get install x\n")


@pytest.mark.parametrize(
    ("text", "premise"),
    [
        ("RUN apt-get install x", "no earlier step"),
        ("RUN apt-get update || true\nRUN apt-get install x", "may fail without stopping"),
        ("RUN apt-get update; true\nRUN apt-get install x", "may fail without stopping"),
        ("RUN apt-get update | tail\nRUN apt-get install x", "may fail without stopping"),
        ("RUN apt-get update $B\nRUN apt-get install x", "no earlier step"),
        ("ENV B=1\nRUN apt-get update -o A=$B\nRUN apt-get install x", "depends on a variable"),
        ("RUN apt-get update\nRUN apt-get install x; y", "would not stop the RUN"),
        ("RUN apt-get update\nRUN apt-get install x || y", "would not stop the RUN"),
        ("RUN apt-get update\nRUN yes | apt-get install x", "a pipe or a branch"),
        ("RUN apt-get update\nRUN if true; then apt-get install x; fi", "a pipe or a branch"),
        ("RUN apt-get update\nRUN (cd /t && apt-get install x)", "a pipe or a branch"),
        ("RUN apt-get update\nRUN set -e; true && apt-get install x; y", "in the middle of the script"),
        ("RUN apt-get update\nRUN --network=none apt-get install x", "--network"),
        ("RUN apt-get update\nRUN --mount=type=bind,target=/etc/apt apt-get install x", "mounts"),
        ("RUN apt-get update\nRUN --mount=type=secret,id=a,target=/etc/apt/auth.conf apt-get install x", "mounts"),
        ("RUN apt-get update\nRUN --mount=type=secret,id=a,target=apt.conf apt-get install x", "mounts"),
        ("RUN apt-get update\nRUN --mount=type=secret,id=a,env=https_proxy apt-get install x", "mounts"),
        ("RUN --mount=type=secret,id=a,env=A apt-get update\nRUN apt-get install x", "mounts"),
        ("RUN apt-get update && rm -rf /var/lib/apt/lists/*\nRUN apt-get install x", "lists are gone"),
        ("RUN --mount=type=cache,target=/var/lib/apt apt-get update\nRUN apt-get install x", "lists are gone"),
        ("RUN apt-get update && apt-get install ./vendor.deb\nRUN apt-get install x", "installed from a file"),
        ("RUN apt-get update\nRUN curl x | bash - && apt-get install x", "`bash` between them"),
    ],
)
def test_premises(text: str, premise: str) -> None:
    assert premise in refused(f"FROM debian:12\n{text}\n")


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get update && apt-get install x",
        "RUN apt-get update",
        "RUN apt-get update\nONBUILD RUN apt-get install x",
        "RUN apt-get update\nRUN apt-get $OPTIONS install x",
        "RUN apt-get update\nRUN sh -c 'apt-get install x'",
    ],
)
def test_nothing_to_say(text: str) -> None:
    assert outcomes(f"FROM debian:12\n{text}\n") == []


def test_a_child_stage_gets_its_own_update() -> None:
    text = "FROM debian:12 AS a\nRUN apt-get update\nFROM scratch AS b\nFROM a\nRUN apt-get install x\n"
    assert joined(text).endswith(
        "RUN apt-get update\nFROM scratch AS b\nFROM a\nRUN apt-get update && apt-get install x\n"
    )
