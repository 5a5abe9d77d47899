"""Advise a USER where the image's program runs as root.

A program that is taken over has the rights of its user, and root's reach further than the container should let it.
Which user fits is for a person to say: files that the program writes must belong to it, and ports below 1024 may be
closed to it. So this is advice, never an edit.

Declines to speak where a USER is set, where the base image is not known (it may set one), where the entrypoint gives
its rights up itself (gosu, su-exec, setpriv, nginx), and where the last stage runs nothing.

```diff
 FROM python:3.12-slim
+RUN useradd --system --uid 10001 app
+USER app
 CMD ["python", "-m", "app"]
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.stages import Stage
from ..model import Proposal, Refusal, refuted

NAME = "non-root"

# They give up root's rights before the program starts, or start as root on purpose and their workers as somebody else.
_STEPS_DOWN = re.compile(
    r"\b(?:gosu|su-exec|setpriv|chpst|s6-setuidgid|runuser|sudo|su)\b|\bnginx\b|\bs6-overlay\b|/init\b"
)
_STARTS = frozenset({"CMD", "ENTRYPOINT"})


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on the last stage, if it starts a program as root."""
    if not build.stages:
        return
    stage = build.stages[-1]
    start = next((line for line in reversed(stage.instructions) if line.keyword in _STARTS), None)
    if start is None or not _is_root(stage) or _steps_down(build, stage):
        return
    place = build.place(start)
    evidence = "no USER is set, and the base image sets none" if stage.end.user == "" else f"USER {stage.end.user}"
    yield Proposal(
        NAME,
        "run the program as a user of its own",
        "a program that is taken over then has no more than its own rights",
        place,
        (),
        (refuted("the program does not run as root", evidence, place),),
    )


def _is_root(stage: Stage) -> bool:
    user = stage.end.user
    if user == "":
        return stage.base.official and stage.base_certain and not stage.base.reference.startswith("nginx")
    return user is not None and user.partition(":")[0] in ("root", "0")


def _steps_down(build: Build, stage: Stage) -> bool:
    """Tell whether the entrypoint, or a script of the project that it starts, gives its rights up."""
    for level in stage.lineage:
        for line in level.instructions:
            if line.keyword not in _STARTS:
                continue
            if _STEPS_DOWN.search(line.body.text):
                return True
            view = build.view(level, line)
            words = line.json or line.body.text.split()
            if any(_STEPS_DOWN.search(view.read(word) or "") for word in words if word.startswith("/")):
                return True
    return False
