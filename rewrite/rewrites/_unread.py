"""Does anything later ask for a cache that a RUN no longer leaves in its layer?"""

from __future__ import annotations

from ..build.build import Build
from ..build.paths import ALWAYS_THERE, join, overlap
from ..build.runs import Run
from ..build.stages import Stage
from ..model import Declined, Obligation, proved
from ._taken import taken


def unread(build: Build, stage: Stage, run: Run, directories: tuple[str, ...]) -> Obligation:
    """Make sure that nothing later asks for the directories that the RUN no longer leaves behind."""
    for instruction, path in taken(build, stage):
        if any(asks(path, directory) for directory in directories):
            raise Declined(f"{instruction.keyword} takes the cache out of this stage", build.place(instruction))
    for later in build.later_runs(stage, run.instruction):
        if "none" in later.instruction.flag_values("network"):
            raise Declined("a later RUN without network may need the cache", build.place(later.instruction))
        _left_alone_later(build, later, directories)
    return proved("no later step asks for the cache's directory", "every COPY, mount and RUN that could was read")


def asks(path: str, directory: str) -> bool:
    """Tell whether who asks for `path` asks for the cache in `directory`."""
    return overlap(path, directory) and not ALWAYS_THERE.fullmatch(path)


def _left_alone_later(build: Build, run: Run, directories: tuple[str, ...]) -> None:
    """Decline if a later RUN names a directory that is not left behind; removing what is not there is no harm."""
    for step in run.steps:
        for word, value in zip(step.simple.words[1:], step.words[1:], strict=False):
            path = join(step.cwd, (value or word.raw).rstrip("*")) if step.program != "rm" else None
            if path and any(asks(path, directory) for directory in directories):
                raise Declined(f"`{step.program}` asks for {path} later", build.step_place(run, step))
    text = run.text.text if run.opaque else ""
    names = {part for directory in directories for part in directory.split("/") if part.startswith(".")}
    if any(name in text for name in names):
        raise Declined("a later RUN that cannot be read may ask for the cache", build.place(run.instruction))
