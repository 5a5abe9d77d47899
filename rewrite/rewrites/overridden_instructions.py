"""Take out a CMD, ENTRYPOINT or HEALTHCHECK that a later one of the same stage replaces.

Of each, only the last one counts, so that the first misleads whoever reads it (MultipleInstructionsDisallowed).

Declines where a comment belongs to it, which may say what it was for: then it is advice.

```diff
-CMD ["python", "old.py"]
 CMD ["python", "app.py"]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit
from ._checks import advice, is_skipped
from ._layout import block_of, removals

NAME = "overridden-instructions"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal or piece of advice for each instruction that another replaces."""
    for stage in build.stages:
        for line in stage.instructions:
            later = [other for other in stage.after(line) if other.keyword == line.keyword]
            if line.keyword not in ("CMD", "ENTRYPOINT", "HEALTHCHECK") or not later:
                continue
            if not is_skipped(build, line, "MultipleInstructionsDisallowed"):
                yield _outcome(build, line, later[-1])


def _outcome(build: Build, line: Instruction, last: Instruction) -> Proposal:
    where = build.place(last)
    title = f"take out the {line.keyword} that a later one replaces"
    if line.comments or block_of(build.dockerfile, line).body != line.span:
        return advice(NAME, build, line, title, f"the {line.keyword} counts", "a later one replaces it", last)
    return Proposal(
        NAME,
        title,
        "a reader sees what the image does, and docker build --check no longer warns of it",
        build.place(line),
        tuple(Edit(build.path, span, "") for span in removals(build.dockerfile, [line])),
        (proved("the image has the same settings", f"of several {line.keyword} the last one counts", where),),
    )
