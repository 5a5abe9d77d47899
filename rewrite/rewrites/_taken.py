"""What later stages take out of a stage: by COPY, ADD or a mount ``from`` it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ..build.build import Build
from ..build.runs import mounts
from ..build.stages import Stage
from ..source.dockerfile import Instruction


def taken(build: Build, stage: Stage) -> Iterator[tuple[Instruction, str]]:
    """Yield each instruction that takes something out of `stage`, or of one built on it, with the image path."""
    for other in build.stages:
        for instruction in other.instructions:
            if instruction.keyword in ("COPY", "ADD"):
                named = [
                    (name, word.text) for name in instruction.flag_values("from") for word in instruction.words[:-1]
                ]
            else:
                named = [(one.options["from"], one.source) for one in mounts(instruction) if "from" in one.options]
            for name, path in named:
                if any(level.called(name) and level.may_stand_on(stage) for level in build.stages):
                    yield instruction, posixpath.normpath("/" + path.strip("/"))
