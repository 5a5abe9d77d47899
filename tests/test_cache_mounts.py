"""Cache mounts for apt: which mounts a RUN gets, and what has to go with them."""

from __future__ import annotations

import pytest

from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.model import Proposal, Refusal, Tier
from rewrite.rewrites import cache_mounts
from rewrite.source import dockerfile, edits

CONTEXT = Context(MemoryTree({}), None, ".dockerignore", ".")
REMOVE = "rm -rf /var/lib/apt/lists/*"
INSTALL = "apt-get update && apt-get install -y x"


def outcomes(text: str, builder: str = "buildkit") -> list[Proposal | Refusal]:
    return list(cache_mounts.find(Build("Dockerfile", dockerfile.parse(text), CONTEXT, builder=builder)))


def rewritten(text: str) -> str:
    """Return `text` after all proposals made for it, which must be safe."""
    found = outcomes(text)
    assert all(isinstance(one, Proposal) and one.tier == Tier.SAFE for one in found), found
    return edits.apply(text, [edit for one in found if isinstance(one, Proposal) for edit in one.edits])


def mounted(text: str) -> list[tuple[str, ...]]:
    """Return the targets that each RUN has mounts for in the end."""
    tree = dockerfile.parse(rewritten(text))
    runs = [instruction for instruction in tree.instructions if instruction.keyword == "RUN"]
    return [tuple(value.split(",")[1].partition("=")[2] for value in run.flag_values("mount")) for run in runs]


def refused(text: str, builder: str = "buildkit") -> str:
    """Return the premise of the one refusal."""
    (refusal,) = outcomes(text, builder)
    assert isinstance(refusal, Refusal), refusal
    return refusal.premise


def identity(text: str) -> str:
    """Return the id of the mount for packages ("" if it has none)."""
    (proposal,) = outcomes(text + f"\nRUN {INSTALL}\n")
    assert isinstance(proposal, Proposal)
    options = dict(option.partition("=")[::2] for option in proposal.edits[0].text.split()[0].split(","))
    return options.get("id", "")


DEBS, LISTS = "/var/cache/apt-debs", "/var/lib/apt/lists"


@pytest.mark.parametrize(
    "run",
    [
        f"{INSTALL} && {REMOVE}",
        f"{INSTALL} && apt-get clean && {REMOVE}",
        f"{INSTALL} && {REMOVE} /tmp/* && apt-get purge -y --auto-remove y",
        f"{INSTALL} && rm -rf /tmp/* /var/lib/apt/lists/* /var/cache/apt/*",
        f"set -eux; apt-get update; apt-get install x; {REMOVE};",
        f"{REMOVE} && {INSTALL} && {REMOVE}",
        f"{INSTALL} && {REMOVE} && {REMOVE}",
        f"apt-get update && yes | apt-get install x && {REMOVE}",
        f"apt-get update && for p in x y; do apt-get install $p-dev; done && {REMOVE}".replace("$p-dev", "z"),
    ],
)
def test_lists_that_a_run_removes_move_to_a_mount(run: str) -> None:
    text = f"FROM debian:12\nRUN {run}\nRUN ./unknown\n"
    assert mounted(text) == [(DEBS, LISTS), ()]
    assert LISTS + "/*" not in rewritten(text)
    assert rewritten(text).count(f"-o Dir::Cache::archives={DEBS}") == 1


@pytest.mark.parametrize(
    ("before", "run"),
    [
        ("", f"apt-get update; apt-get install x; {REMOVE}"),
        ("", f"{INSTALL} && {REMOVE} || true"),
        ("", f"{INSTALL} && (cd / && {REMOVE})"),
        ("", f"{INSTALL} && if true; then {REMOVE}; fi"),
        ("", f"{INSTALL} && rm -rf /var/lib/apt/lists"),
        ("", f"{INSTALL} && rm -rf /var/lib/apt"),
        ("", f"{INSTALL} && rm -rf /var/lib/{{apt,dpkg,cache,log}}"),
        ("", f"{INSTALL} && find /var/lib/apt/lists -type f -delete"),
        ("", f"{INSTALL} && cp -r /var/lib/apt/lists /lists && {REMOVE}"),
        ("", f"{INSTALL} && cd /var/lib/apt/lists && rm -rf *"),
        ("", f"{REMOVE} && {INSTALL}"),
        ("RUN apt-get update\n", f"{INSTALL} && {REMOVE}"),
        ("RUN ./setup\n", f"{INSTALL} && {REMOVE}"),
        ("COPY --from=x / /\n", f"{INSTALL} && {REMOVE}"),
        ("FROM registry.example.org/base\n", f"{INSTALL} && {REMOVE}"),
    ],
)
def test_lists_stay_where_a_mount_could_be_noticed(before: str, run: str) -> None:
    text = f"FROM debian:12\n{before}RUN {run}\nRUN ./unknown\n"
    after = rewritten(text)
    assert mounted(text)[-2:] == [(DEBS,), ()]
    removals = [line.partition("install")[2] for line in (after, text)]
    assert removals[0].partition(" x")[2] == removals[1].partition(" x")[2]


def test_lists_that_stay_in_the_image_are_left_there() -> None:
    proposal = outcomes(f"FROM debian:12 AS base\nRUN {INSTALL}\n")[0]
    assert isinstance(proposal, Proposal)
    assert LISTS not in proposal.edits[0].text


def test_every_install_of_a_run_uses_the_mount() -> None:
    run = "apt-get update && apt-get install x && A=y /usr/bin/apt-get upgrade && apt install z && apt-get clean"
    after = rewritten(f"FROM debian:12\nRUN {run}\n")
    option = f"-o Dir::Cache::archives={DEBS}"
    assert f"&& apt-get {option} install x" in after
    assert f"&& A=y /usr/bin/apt-get {option} upgrade" in after
    assert f"&& apt -o APT::Keep-Downloaded-Packages=true {option} install z && apt-get clean\n" in after


@pytest.mark.parametrize(
    ("from_", "expected"),
    [
        ("FROM debian:12", "apt-debian-12"),
        ("FROM debian:12@sha256:00", "apt-debian-12"),
        ("FROM debian@sha256:00", "apt-debian"),
        ("FROM --platform=$BUILDPLATFORM debian:12 AS x", "apt-debian-12"),
        ("FROM localhost:5000/a/b_c:1.0", "apt-localhost-5000-a-b_c-1.0"),
        ("ARG V=3\nFROM python:$V-slim", "apt-python"),
        ("FROM debian:12 AS a\nFROM a", "apt-debian-12"),
    ],
)
def test_packages_are_kept_apart_by_base_image(from_: str, expected: str) -> None:
    assert identity(from_) == expected


@pytest.mark.parametrize(
    "from_", ["ARG B=debian\nFROM $B", "ARG V=8\nFROM buildpack-deps:$V", "ARG R\nFROM $R/debian:12"]
)
def test_an_argument_may_name_another_distribution(from_: str) -> None:
    (proposal,) = outcomes(f"{from_}\nRUN {INSTALL}\n")
    assert isinstance(proposal, Proposal)
    assert proposal.tier == Tier.REVIEW


@pytest.mark.parametrize(
    ("text", "premise"),
    [
        ("RUN apt-get install x", "must be in the same RUN"),
        ("RUN apt-get install x && apt-get update", "must be in the same RUN"),
        (f"RUN {INSTALL} -o Dir::Cache::archives=/tmp", "moved already"),
        (f"RUN apt-get -o RootDir=/x update && {INSTALL}", "moved already"),
        (f"RUN {INSTALL} --download-only", "only downloads"),
        (f"RUN {INSTALL} -qqd", "only downloads"),
        (f"RUN {INSTALL} && dpkg -i /var/cache/apt/archives/*.deb", "names the directory"),
        (f"RUN {INSTALL}\nFROM scratch\nCOPY --from=0 /var/cache/apt/archives /", "names the directory"),
        (f"RUN {INSTALL} $EXTRA", "depends on a variable"),
        (f"RUN {INSTALL} && rm -rf /var/cache/*", "`rm` may remove"),
        (f"RUN {INSTALL} && find / -name x -delete", "`find` goes through /"),
        (f"RUN {INSTALL}\nFROM scratch\nCOPY --from=0 /var/cache/apt-debs/ /", "takes the cache out"),
    ],
)
def test_premises(text: str, premise: str) -> None:
    assert premise in refused(f"FROM debian:12\n{text}\n")


@pytest.mark.parametrize("builder", ["kaniko", "legacy"])
def test_builders_without_mounts(builder: str) -> None:
    assert builder in refused(f"FROM debian:12\nRUN {INSTALL}\n", builder)


def test_old_frontends_have_none() -> None:
    assert "older than cache mounts" in refused(f"# syntax=docker/dockerfile:1.1\nFROM debian:12\nRUN {INSTALL}\n")


@pytest.mark.parametrize(
    "text",
    [
        f"FROM debian:12\nRUN --mount=type=cache,target=/var/cache/apt {INSTALL}\n",
        f"FROM debian:12\nRUN --mount=type=cache,target=/var/lib/apt {INSTALL}\n",
        f"FROM debian:12\nONBUILD RUN {INSTALL}\n",
        f'FROM debian:12\nRUN ["/bin/sh", "-c", "{INSTALL}"]\n',
        f"# escape=`\nFROM example/unknown\nRUN {INSTALL}\n",
        "FROM debian:12\nRUN apt-get update && sh -c 'apt-get install x'\n",
        "FROM debian:12\nRUN sudo apt-get update && sudo apt-get install x\n",
    ],
)
def test_left_alone(text: str) -> None:
    assert outcomes(text) == []


def test_flags_of_a_run_come_first() -> None:
    text = f"FROM debian:12\nRUN --network=default \\\n    --mount=type=bind,target=/s \\\n\n  {INSTALL}\n"
    head, _, tail = rewritten(text).partition(" \\\n    --mount=type=cache")
    assert head == "FROM debian:12\nRUN --network=default \\\n    --mount=type=bind,target=/s"
    assert tail.endswith(
        " \\\n\n  apt-get update && apt-get -o Dir::Cache::archives=/var/cache/apt-debs install -y x\n"
    )


def test_second_run_finds_nothing() -> None:
    for run in (f"{INSTALL} && {REMOVE}", f"{INSTALL}; {REMOVE}"):
        assert outcomes(rewritten(f"FROM debian:12\nRUN {run}\n")) == []
