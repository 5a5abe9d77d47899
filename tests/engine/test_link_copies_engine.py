"""Linked COPYs, built by a builder that merges layers: the image is the same, and a change above copies nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import build as build_of
from small import built, compared

from rewrite.fix import fix
from rewrite.model import Tier
from rewrite.rewrites import link_copies
from rewrite.settings import Settings
from rewrite.verify.docker import Docker

pytestmark = pytest.mark.engine

MADE = """FROM system AS made
RUN mkdir -p /out/sub /out/run && echo x >/out/app && echo y >/out/sub/y && chmod 755 /out/app
RUN chown 1000:1000 /out/sub/y /out/run && chmod 700 /out/sub
RUN mkdir -p /whole/usr/local/share/w /whole/tmp && chmod 1777 /whole/tmp && echo v >/whole/usr/local/share/w/v
"""
FINAL = """FROM debian:bookworm-slim
RUN echo changes >/etc/first
WORKDIR /app
RUN mkdir -p logs/old && chown 1000 logs
COPY --chown=1000 a ./
COPY --from=made /out ./
COPY --from=made /out/app /usr/local/bin/
COPY --from=made /out/app /opt/tool/program
COPY --from=made /out/sub /srv/
COPY --from=made /whole/ /
RUN echo z >>/app/app && mv /srv/y /srv/z && chown 1000 /opt/tool
"""


@pytest.fixture(autouse=True)
def source(context: Path) -> None:
    (context / "a").write_text("a\n")


def linked(final: str) -> str:
    """Return the final stage with what is proposed."""
    result = fix(build_of(MADE.replace("FROM system", "FROM debian") + final, {"a": ""}), chosen())
    assert not result.defects
    (change,) = result.changes
    return change.after.partition("FROM debian:bookworm-slim\n")[2]


def chosen() -> Settings:
    return Settings(select=(link_copies.NAME,), review=True)


def whole(final: str) -> str:
    """Return what is to follow the small system, and stand on it."""
    return MADE + "FROM system\n" + final.removeprefix("FROM debian:bookworm-slim\n")


def test_the_image_is_the_same(merging: Docker, context: Path) -> None:
    after = linked(FINAL)
    assert after.count("--link") == 5
    assert compared(merging, context, whole(FINAL), whole(after)).differences == ()


def test_a_change_above_copies_nothing(merging: Docker, context: Path) -> None:
    ran = {}
    for name, final in (("before", FINAL), ("after", linked(FINAL))):
        built(merging, context, whole(final))
        run, _ = built(merging, context, whole(final.replace("echo changes", f"echo {name}")))
        ran[name] = [step.partition("] ")[2] for step in run.ran]
    # Merging the layers, which is no copy, goes by the name LINK COPY.
    copies = {
        name: [step for step in steps if step.startswith("COPY") and "--from" in step] for name, steps in ran.items()
    }
    assert len(copies["before"]) == 5
    assert copies["after"] == []


@pytest.mark.parametrize(
    "lines",
    [
        "RUN mkdir -m 700 /p\nCOPY --from=made /out/app /p/\n",
        "RUN mkdir /p && chown 1000 /p\nCOPY --from=made /out/app /p/\n",
        "USER 1000\nWORKDIR /p\nCOPY --from=made /out/app ./\n",
        "COPY --chown=1000 a /p/\nCOPY --from=made /out/app /p/\n",
        "WORKDIR /p\nCOPY --chown=1000:1000 --from=made /out/app ./\n",
        "RUN ln -s /srv /p\nCOPY --from=made /out/app /p/\n",
        "RUN ln -s /etc/passwd /p\nCOPY --from=made /out/app /p\n",
        "RUN mkdir /p\nCOPY --from=made /out/app /p\n",
        "RUN true\nCOPY --from=made /out/app /usr/local/bin\n",
        "RUN true\nCOPY --from=made /out/app /tmp/\n",
    ],
)
def test_what_is_declined_would_differ(merging: Docker, context: Path, lines: str) -> None:
    final = f"FROM debian:bookworm-slim\n{lines}"
    found = list(link_copies.find(build_of(MADE.replace("FROM system", "FROM debian") + final, {"a": ""})))
    assert not [one for one in found if getattr(one, "tier", Tier.ADVICE) > Tier.ADVICE]
    forced = final.replace("COPY --from", "COPY --link --from").replace(
        "COPY --chown=1000:1000", "COPY --link --chown=1000:1000"
    )
    assert not compared(merging, context, whole(final), whole(forced)).equivalent
