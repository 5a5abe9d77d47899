"""Where the context is that no file names: what the Dockerfile copies, installs by and looks for tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewrite.project import Request, Session
from rewrite.settings import Settings

PNPM = {"package.json": "{}", "pnpm-lock.yaml": "lockfileVersion: '9.0'", "apps/api/package.json": "{}"}
FROZEN = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN pnpm install --frozen-lockfile\n"
STAGES = (
    "FROM node:22 AS build\nWORKDIR /repo\nCOPY . .\nRUN npm ci\nFROM node:22-slim\nCOPY --from=build /repo/{} /app\n"
)


def guessed(root: Path, name: str, dockerfile: str, files: dict[str, str]) -> tuple[str, str]:
    """Return the context that is found for a Dockerfile, and why it may be another."""
    (root / ".git").mkdir()
    for path, text in {**files, name: dockerfile}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    build = Session().open(Request(root / name, None, name), Settings())
    context, _, why = build.context.label.removesuffix(")").partition(" (")
    return f"{Path(context).relative_to(root).as_posix()}: {why}", build.doubt


def test_what_is_copied(tmp_path: Path) -> None:
    dockerfile = "FROM nginx\nCOPY deploy/nginx.conf /etc/nginx/\n"
    found = guessed(tmp_path, "deploy/Dockerfile", dockerfile, {"deploy/nginx.conf": ""})
    assert found == (".: what it copies lies there", "")


@pytest.mark.parametrize(
    ("dockerfile", "files"),
    [
        (FROZEN, PNPM),
        ("FROM golang:1.25\nWORKDIR /src\nCOPY . .\nRUN go build ./apps/api\n", {"go.mod": "", "apps/api/a.go": ""}),
        ("FROM node:22\nCOPY . /app\nRUN cd /app && npm ci\n", {"package-lock.json": "{}", "apps/api/a.js": ""}),
    ],
)
def test_what_is_installed_by(dockerfile: str, files: dict[str, str], tmp_path: Path) -> None:
    found = guessed(tmp_path, "apps/api/Dockerfile", dockerfile, files)
    assert found == (".: what it installs by lies there", "")


@pytest.mark.parametrize(
    ("dockerfile", "files"),
    [
        (FROZEN, PNPM | {"apps/api/pnpm-lock.yaml": ""}),
        (FROZEN.replace(" --frozen-lockfile", ""), PNPM),
        (FROZEN.replace("install", "install --dir web"), PNPM),
        (FROZEN.replace("RUN", "RUN mv old.yaml pnpm-lock.yaml &&"), PNPM),
        ("FROM node:22\nCOPY package.json /app/\nRUN cd /app && npm ci\n", PNPM | {"package-lock.json": "{}"}),
        ("FROM node:22\nWORKDIR /srv/apps/api\nCOPY . .\nRUN node /srv/apps/api/build.js\n", PNPM),
        (STAGES.format("dist"), {"apps/api/package-lock.json": "{}"}),
        ("FROM debian\nCOPY . .\nRUN apt-get install -y api && useradd api\n", PNPM),
        ("FROM debian\nCOPY . /app\nRUN mkdir -p /app/api/data\n", PNPM),
    ],
)
def test_the_own_directory_will_do(dockerfile: str, files: dict[str, str], tmp_path: Path) -> None:
    found = guessed(tmp_path, "apps/api/Dockerfile", dockerfile, files)
    assert found == ("apps/api: the Dockerfile's directory", "")


@pytest.mark.parametrize(
    "dockerfile",
    [
        STAGES.format("apps/api/dist"),
        "FROM python:3.14\nCOPY . /app\nWORKDIR /app\nRUN cd apps/api && pip install -r requirements.txt\n",
    ],
)
def test_a_step_looks_for_the_directory_itself(dockerfile: str, tmp_path: Path) -> None:
    files = {"apps/api/package-lock.json": "{}", "apps/api/requirements.txt": ""}
    found, doubt = guessed(tmp_path, "apps/api/Dockerfile", dockerfile, files)
    assert found == "apps/api: the Dockerfile's directory"
    assert "a step looks for apps/api below " in doubt
