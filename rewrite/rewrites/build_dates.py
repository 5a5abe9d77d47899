"""Advise on a date that a RUN writes into the image.

The step is cached: the date stays that of the first build until something above it changes, and then the layer is
another one although nothing else is, so that all that follows is built and pushed anew. A date that is handed over
(`ARG BUILD_DATE` and a LABEL at the end, or `--build-arg SOURCE_DATE_EPOCH=…`) is the same wherever it is built.

Declines to speak of a date that is only printed, that is another one than now (`date -d`, `date -r`), and of `date +%s`
in no file, which measures how long something takes.

```diff
-RUN date > /build-date
+ARG BUILD_DATE
+LABEL org.opencontainers.image.created=$BUILD_DATE
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.runs import Run
from ..build.steps import Step
from ..model import Proposal, Refusal, refuted

NAME = "build-dates"

_OTHER = re.compile(r"-[a-zA-Z]*[drs]|--(?:date|reference|set|file)(?:=.*)?|-f.*")
# Where a command writes what it is given: a redirection, sed -i, tee, and the linker's variables.
_WRITTEN = re.compile(r"(?<![<>&])>{1,2}\s*(?!&|/dev/|\()|\bsed\b.*\s-\w*i|\btee\b|-ldflags")


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on each RUN that writes the date of its own first run."""
    for _, run in build.runs():
        step = next((step for step in run.steps if _is_now(step) and _is_written(run, step)), None)
        if step:
            place = build.step_place(run, step)
            yield Proposal(
                NAME,
                "hand the date over, at the end of the Dockerfile",
                "the step is the same for every build, and the date is that of the build",
                place,
                (),
                (refuted("the RUN writes the same whenever it runs", "`date` is the time at which it ran", place),),
            )


def _is_now(step: Step) -> bool:
    return step.program == "date" and not any(word is None or _OTHER.fullmatch(word) for word in step.words[1:])


def _is_written(run: Run, step: Step) -> bool:
    """Tell whether the command that the date is part of writes a file."""
    text = run.text.text[step.item.span.start : step.item.span.end]
    return _WRITTEN.search(text) is not None
