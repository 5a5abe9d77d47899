"""A system of little more than busybox, which any builder makes in no time, and images exported without an engine."""

from __future__ import annotations

import uuid
from pathlib import Path

from rewrite.verify.compare import Comparison, compare
from rewrite.verify.docker import Docker
from rewrite.verify.engine import BuildOptions, BuildRun
from rewrite.verify.image import Image, read_images

SYSTEM = """FROM scratch AS system
COPY busybox /usr/bin/busybox
RUN ["/usr/bin/busybox", "mkdir", "-p", "/bin", "/etc", "/opt", "/srv", "/usr/local/bin", "/usr/local/share"]
RUN ["/usr/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp && echo root:x:0:0::/root:/bin/sh >/etc/passwd && echo root:x:0: >/etc/group
"""


def built(docker: Docker, context: Path, text: str) -> tuple[BuildRun, Image]:
    """Build a Dockerfile that follows SYSTEM."""
    archive = context.parent / uuid.uuid4().hex
    options = BuildOptions(mark="dockerfix-small")
    run = docker.build(context, SYSTEM + text, options, output=f"type=docker,dest={archive}")
    assert run.ok, run.log
    with archive.open("rb") as stream:
        (image,) = read_images(stream).values()
    return run, image


def compared(docker: Docker, context: Path, before: str, after: str) -> Comparison:
    """Compare the images of two Dockerfiles that follow SYSTEM."""
    return compare(built(docker, context, before)[1], built(docker, context, after)[1])
