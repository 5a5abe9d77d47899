"""What a COPY may be moved past, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from building import build

from rewrite.build.history import History
from rewrite.fix import fix
from rewrite.model import Result
from rewrite.settings import Settings

FILES = {
    "run.sh": "",
    "conf/a.conf": "",
    "package.json": '{"name": "a", "version": "1.0.0"}',
    "package-lock.json": '{"name": "a", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": {"name": "a"}}}',
    "requirements.txt": "flask==3.0.3\n",
    "app.py": "",
}
APT = "RUN apt-get update && apt-get install -y curl\n"
PIP = "COPY requirements.txt ./\nRUN pip install -r requirements.txt\n"
HEAD = "FROM debian:12-slim\n"


def reordered(text: str, select: tuple[str, ...] = ("reorder",), **options: Any) -> Result:
    return fix(build(HEAD + text, FILES, **options), Settings(select=select))


def moved(text: str, **options: Any) -> str:
    """Return what becomes of the text behind FROM."""
    result = reordered(text, **options)
    assert not result.defects
    return result.changes[0].after.removeprefix(HEAD) if result.changes else text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"COPY run.sh /\n{APT}", f"{APT}COPY run.sh /\n"),
        (f"COPY run.sh /\nCOPY conf /conf\n{APT}", f"{APT}COPY run.sh /\nCOPY conf /conf\n"),
        (f"COPY run.sh /\nUSER root\nLABEL a=b\n{APT}CMD a", f"USER root\nLABEL a=b\n{APT}COPY run.sh /\nCMD a"),
        (f"COPY run.sh /\n\n{APT}\nCMD a\n", f"{APT}\nCOPY run.sh /\n\nCMD a\n"),
        (f"COPY run.sh a/\nWORKDIR /srv\n{APT}", f"WORKDIR /srv\n{APT}COPY run.sh /a/\n"),
        (f"COPY run.sh /\n{APT.strip()}", f"{APT}COPY run.sh /"),
        (
            f"COPY run.sh /\nRUN chmod +x /run.sh && chown 1:1 /run.sh\n{APT}",
            f"{APT}COPY run.sh /\nRUN chmod +x /run.sh && chown 1:1 /run.sh\n",
        ),
        (f"COPY run.sh /\nCOPY app.py /run.sh\n{APT}", f"{APT}COPY run.sh /\nCOPY app.py /run.sh\n"),
        (f"COPY run.sh /\nRUN mkdir /data\n{APT}", f"RUN mkdir /data\n{APT}COPY run.sh /\n"),
    ],
)  # fmt: skip
def test_what_it_passes(before: str, after: str) -> None:
    assert moved(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "COPY run.sh /\nRUN mkdir /data\n",
        f"COPY run.sh /usr/local/bin/\n{APT}",
        f"COPY run.sh /run.sh\nRUN /run.sh\n{APT}",
        f"COPY run.sh /run.sh\nRUN cp /run.sh /other.sh\n{APT}",
        f"COPY run.sh /run.sh\nRUN chmod +x /run.sh\nUSER 1000\n{APT}",
        f"COPY run.sh /run.sh\nRUN chmod +x /run.sh\nENV PATH=/opt/bin:$PATH\n{APT}",
        f"COPY run.sh /run.sh\nRUN chmod +x /run.sh && touch /ready\n{APT}",
        f"COPY run.sh /run.sh\nRUN --mount=type=bind,target=/x chmod +x /run.sh\n{APT}",
        f"COPY --chown=a run.sh /\nRUN groupmod -g 9 a\n{APT}",
        f"COPY run.sh /data/\nRUN mkdir -p /data\n{APT}",
        f"COPY cachebust.txt /\n{APT}",
        f"COPY <<E /run.sh\nx\nE\n{APT}",
        "COPY run.sh /\nRUN --mount=type=bind,target=/x apt-get update\n",
        "COPY run.sh /\nONBUILD RUN a\nRUN make\n",
        "COPY run.sh /\nVOLUME /data\n" + APT,
        f"COPY --from=nginx:1.27 /etc/nginx /conf\n{APT}",
        "COPY package.json package-lock.json ./\nRUN npm ci\n",
        "COPY package.json ./\nRUN pnpm config set side-effects-cache false\n",
        f"COPY run.sh /run.sh\nENV X=--require=/run.sh\n{APT}",
    ],
)
def test_what_it_does_not_pass(text: str) -> None:
    assert moved(text) == text


STAGE = "WORKDIR /src\nCOPY app.py .\nRUN make\n\nFROM debian:12-slim\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"COPY --from=0 /src/out /srv/out\n{APT}", f"{APT}COPY --from=0 /src/out /srv/out\n"),
        (
            f"WORKDIR /app\nCOPY --from=0 /src/out .\n{APT}",
            f"WORKDIR /app\n{APT}COPY --from=0 /src/out .\n",
        ),
        (f"COPY --from=0 /src/out /usr/local/bin/app\n{APT}", ""),
        (f"COPY --from=0 /src/out /app\nWORKDIR /app\n{APT}", ""),
        (f"COPY --from=0 /src/out /\n{APT}", ""),
        ("WORKDIR /app\nCOPY --from=0 /src/out .\nRUN apt-get update && apt-get install -y ./a.deb\n", ""),
        (f"COPY --from=0 /src/out /app\nRUN cat /app/x\n{APT}", ""),
        (f"WORKDIR /app\nCOPY --from=0 /src/out ./\n{PIP}", ""),
    ],
)  # fmt: skip
def test_copies_from_another_stage(before: str, after: str) -> None:
    assert moved(STAGE + before) == STAGE + (after or before)


def history(*changes: str, others: int = 30, cut: bool = False) -> History:
    commits = tuple(frozenset({name}) for name in changes) + (frozenset({"other"}),) * others
    return History(commits, frozenset(FILES), cut)


@pytest.mark.parametrize(
    ("past", "moves"),
    [
        (History(), True),
        (history("run.sh", "run.sh"), True),
        (history("run.sh"), False),
        (history(), False),
        (history("run.sh", others=5), True),
        (History(history().commits, frozenset()), True),
        (history("run.sh", "run.sh", cut=True), False),
    ],
)
def test_only_what_changes_is_moved(past: History, moves: bool) -> None:
    text = f"COPY run.sh /\n{APT}"
    assert (moved(text, history=lambda: past) != text) == moves


def test_a_shallow_clone_is_told() -> None:
    result = reordered(f"COPY run.sh /\n{APT}", history=lambda: history(cut=True))
    assert "shallow clone" in result.refusals[0].premise


def test_a_stage_is_as_still_as_its_sources() -> None:
    text = f"{STAGE}COPY --from=0 /src/out /srv/out\n{APT}"
    assert moved(text, history=lambda: history("run.sh", "run.sh")) == text
    assert moved(text, history=lambda: history("app.py", "app.py")) != text


@pytest.mark.parametrize("order", [("COPY run.sh /", "COPY . /app"), ("COPY . /app", "COPY run.sh /")])
@pytest.mark.parametrize("volatile", ["", "ARG GIT_SHA\n"])
def test_with_the_other_moves(order: tuple[str, str], volatile: str) -> None:
    """All end, in one order: what installs, what changes, what each commit sets."""
    select = ("reorder", "manifests-first", "volatile-args-last", "dependency-layer")
    text = (
        f"WORKDIR /app\n{volatile}{order[0]}\n{order[1]}\n{APT}RUN pip install -r requirements.txt\nENV SHA=$GIT_SHA\n"
    )
    result = reordered(text, select)
    assert not result.defects
    lines = [line for line in result.changes[0].after.split("\n") if line]
    installs = [at for at, line in enumerate(lines) if line.startswith("RUN")]
    assert all(lines.index(line) > max(installs) for line in order)
    again = fix(build(result.changes[0].after, FILES), Settings(select=select))
    assert not again.changes
