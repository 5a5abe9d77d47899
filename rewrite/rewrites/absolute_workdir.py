"""Write the first WORKDIR of a stage as a path from the root.

`WORKDIR app` is below the working directory of the base image, and moves when that does (WorkdirRelativePath). Where
that directory is known, the whole path is written; where it is not, this is advice.

Declines where the base image, or the path, depends on a build argument.

```diff
 FROM python:3.12-slim
-WORKDIR app
+WORKDIR /app
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.paths import join
from ..build.stages import Stage
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit
from ._checks import advice, is_skipped

NAME = "absolute-workdir"

_PLAIN = re.compile(r"[\w.-][\w./-]*")


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal or piece of advice for each stage that begins with a relative WORKDIR."""
    for stage in build.stages:
        first = next((line for line in stage.instructions if line.keyword == "WORKDIR"), None)
        above = any(line.keyword == "WORKDIR" for level in stage.lineage[1:] for line in level.instructions)
        if first is None or above or stage.windows or not _PLAIN.fullmatch(first.body.text):
            continue
        if not is_skipped(build, first, "WorkdirRelativePath"):
            yield _outcome(build, stage, first)


def _outcome(build: Build, stage: Stage, first: Instruction) -> Proposal:
    written, workdir = first.body.text, stage.state(first).workdir
    wanted = join(workdir, written)
    base = stage.base.reference
    if not stage.base.official or not stage.base_certain or wanted is None or not wanted.startswith("/"):
        claim, evidence = f"where {written} lies is written here", f"it is below the working directory of {base}"
        return advice(NAME, build, first, f"write the whole path of WORKDIR {written}", claim, evidence)
    return Proposal(
        NAME,
        f"write WORKDIR {wanted}",
        "the directory stays where it is when the base image's own moves",
        build.place(first),
        (Edit(build.path, first.body.span(0, len(written)), wanted),),
        (
            proved(
                f"WORKDIR {written} is {wanted}", f"the working directory of {base} is {workdir}", build.place(first)
            ),
        ),
    )
