"""Who runs a command, from the base image and from the commands that make users."""

from __future__ import annotations

import pytest
from building import build

from rewrite.build.accounts import account, home_of
from rewrite.build.images import NODE, ROOT, Account


def who(text: str) -> Account | None:
    """Return the account of the last instruction."""
    found = build(text)
    stage = found.stages[-1]
    return account(stage, stage.instructions[-1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM python:3\nRUN a\n", ROOT),
        ("FROM scratch\nRUN a\n", ROOT),
        ("FROM company/x\nRUN a\n", None),
        ("FROM company/x\nUSER root\nRUN a\n", ROOT),
        ("FROM company/x\nUSER 0:0\nRUN a\n", ROOT),
        ("FROM node:20\nUSER node\nRUN a\n", NODE),
        ("FROM node:20\nUSER node:node\nRUN a\n", NODE),
        ("FROM node:20\nUSER 1000\nRUN a\n", NODE),
        ("FROM node:20\nUSER 1001\nRUN a\n", None),
        ("FROM python:3\nUSER node\nRUN a\n", None),
        ("FROM python:3\nARG U=root\nUSER $U\nRUN a\n", None),
        ("ARG I=node:20\nFROM $I\nRUN a\n", None),
        ("FROM node:20 AS a\nUSER node\nFROM a\nRUN a\n", NODE),
    ],
)
def test_users_of_the_base(text: str, expected: Account | None) -> None:
    assert who(text) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("useradd -m app", Account("app", None, None, "/home/app", True)),
        ("useradd -ms /bin/bash -u 1001 app", Account("app", 1001, None, "/home/app", True)),
        ("useradd --create-home --uid=1001 --gid 1002 app", Account("app", 1001, 1002, "/home/app", True)),
        ("useradd -rmd /srv/app -g users app", Account("app", None, None, "/srv/app", True)),
        ("useradd app", Account("app", None, None, "/home/app", False)),
        ("useradd -m -b /srv app", Account("app", None, None, None, False)),
        ("/usr/sbin/useradd -M -d /x app", Account("app", None, None, "/x", False)),
        ("groupadd -g 5 app && useradd -l -u 5 -g app -m app", Account("app", 5, None, "/home/app", True)),
        ("adduser --disabled-password --gecos '' app", Account("app", None, None, "/home/app", True)),
        ("adduser --system --group app", Account("app", None, None, None, False)),
        ("adduser --system --home /srv --uid 7 app", Account("app", 7, None, "/srv", False)),
        ("adduser -D -u 1000 app", Account("app", 1000, None, "/home/app", True)),
        ("addgroup -S app && adduser -S -G app app", Account("app", None, None, "/home/app", False)),
        ("adduser -D -H -h /x app", Account("app", None, None, "/x", False)),
        ("id app || useradd -m app", Account("app", None, None, "/home/app", True)),
        ("adduser app staff", None),
        ("useradd -m $NAME app", None),
        ("useradd -u $U app", None),
        ("useradd --unheard-of app", None),
        ("useradd -R /chroot app", None),
        ("useradd -m app && usermod -d /x app", None),
        ("useradd -m app; if", None),
    ],
)  # fmt: skip
def test_made_users(command: str, expected: Account | None) -> None:
    assert who(f"FROM debian:12\nRUN {command}\nUSER app\nRUN a\n") == expected


def test_a_user_is_known_by_number_in_a_later_stage() -> None:
    text = "FROM debian:12 AS a\nRUN useradd -m -u 1001 app\nFROM a\nUSER 1001\nRUN a\n"
    assert who(text) == Account("app", 1001, None, "/home/app", True)


def test_a_user_that_is_made_later_is_not_there_yet() -> None:
    found = build("FROM debian:12\nUSER app\nRUN a\nUSER 0\nRUN useradd -m app\n")
    stage = found.stages[0]
    assert account(stage, stage.instructions[1]) is None


@pytest.mark.parametrize(
    "line",
    ["RUN usermod -u 1001 node", "RUN userdel -r node", "RUN deluser node", "RUN <<E\nusermod -d /x node\nE",
     'SHELL ["pwsh"]\nRUN a', "RUN usermod -u 5 node; if"],
)  # fmt: skip
def test_what_may_change_the_bases_users(line: str) -> None:
    assert who(f"FROM node:20\n{line}\nUSER node\nRUN a\n") is None


@pytest.mark.parametrize(
    ("words", "home"),
    [
        (["useradd", "-m", "app"], ""),
        (["useradd", "-md", "/x", "app"], "/x"),
        (["useradd", "--home-dir=/x", "app"], "/x"),
        (["adduser", "-h", "/x", "app"], "/x"),
        (["groupadd", "-g", "5", "app"], ""),
        (["useradd", "-b", "/x", "app"], None),
        (["useradd", "-m", "-k", "/skel", "app"], None),
        (["useradd", "-d", None, "app"], None),
        (["useradd", "--what", "app"], None),
    ],
)
def test_home_of(words: list[str | None], home: str | None) -> None:
    assert home_of(words) == home
