"""Linked COPYs, built by a builder that merges layers: the image is the same, and a change above copies nothing."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from building import build as build_of

from rewrite.fix import fix
from rewrite.model import Tier
from rewrite.rewrites import link_copies
from rewrite.settings import Settings
from rewrite.verify.builders import throwaway
from rewrite.verify.compare import Comparison, compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun, EngineError
from rewrite.verify.image import Image, read_images

pytestmark = pytest.mark.engine

CONFIG = os.environ.get("DOCKERFIX_TEST_BUILDKITD_CONFIG", "")
# A system of little more than busybox, under a name of which the rewrite knows what directories it has.
SYSTEM = """FROM scratch AS system
COPY busybox /usr/bin/busybox
RUN ["/usr/bin/busybox", "mkdir", "-p", "/bin", "/etc", "/opt", "/srv", "/usr/local/bin", "/usr/local/share"]
RUN ["/usr/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp && echo root:x:0:0::/root:/bin/sh >/etc/passwd && echo root:x:0: >/etc/group
"""
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
COPY --from=made /out/sub/ /srv
COPY --from=made /whole/ /
RUN echo z >>/app/app && mv /srv/y /srv/z && chown 1000 /opt/tool
"""


@pytest.fixture(scope="module")
def builder(engine: Docker) -> Iterator[Docker]:
    """Return a builder that merges layers, which the engine's own does only with containerd's image store."""
    try:
        making = throwaway(engine, config=CONFIG, driver_options=("network=host",) if CONFIG else ())
        docker = making.__enter__()
    except EngineError as error:
        if os.environ.get("DOCKERFIX_REQUIRE_ENGINE") == "1":
            raise
        pytest.skip(str(error))
    yield docker
    making.__exit__(None, None, None)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    busybox = shutil.which("busybox")
    if busybox is None:
        if os.environ.get("DOCKERFIX_REQUIRE_ENGINE") == "1":
            pytest.fail("busybox-static is needed")
        pytest.skip("busybox-static is needed")
    root = tmp_path / "context"
    root.mkdir()
    shutil.copy(busybox, root / "busybox")
    (root / "a").write_text("a\n")
    return root


def linked(final: str) -> str:
    """Return the final stage with what is proposed."""
    result = fix(build_of(MADE.replace("FROM system", "FROM debian") + final, {"a": ""}), chosen())
    assert not result.defects
    (change,) = result.changes
    return change.after.partition("FROM debian:bookworm-slim\n")[2]


def chosen() -> Settings:
    return Settings(select=(link_copies.NAME,), review=True)


def whole(final: str) -> str:
    """Return a Dockerfile that stands on the small system."""
    return SYSTEM + MADE + "FROM system\n" + final.removeprefix("FROM debian:bookworm-slim\n")


def built(docker: Docker, context: Path, text: str) -> tuple[BuildRun, Image]:
    archive = context.parent / uuid.uuid4().hex
    run = docker.build(context, text, BuildOptions(mark="dockerfix-links"), output=f"type=docker,dest={archive}")
    assert run.ok, run.log
    with archive.open("rb") as stream:
        (image,) = read_images(stream).values()
    return run, image


def compared(docker: Docker, context: Path, before: str, after: str) -> Comparison:
    return compare(built(docker, context, whole(before))[1], built(docker, context, whole(after))[1])


def test_the_image_is_the_same(builder: Docker, context: Path) -> None:
    after = linked(FINAL)
    assert after.count("--link") == 5
    assert compared(builder, context, FINAL, after).differences == ()


def test_a_change_above_copies_nothing(builder: Docker, context: Path) -> None:
    ran = {}
    for name, final in (("before", FINAL), ("after", linked(FINAL))):
        built(builder, context, whole(final))
        run, _ = built(builder, context, whole(final.replace("echo changes", f"echo {name}")))
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
def test_what_is_declined_would_differ(builder: Docker, context: Path, lines: str) -> None:
    final = f"FROM debian:bookworm-slim\n{lines}"
    found = list(link_copies.find(build_of(MADE.replace("FROM system", "FROM debian") + final, {"a": ""})))
    assert not [one for one in found if getattr(one, "tier", Tier.ADVICE) > Tier.ADVICE]
    forced = final.replace("COPY --from", "COPY --link --from").replace(
        "COPY --chown=1000:1000", "COPY --link --chown=1000:1000"
    )
    assert not compared(builder, context, final, forced).equivalent
