"""Write all instructions in one case, that of most of them.

`docker build --check` warns of the others (ConsistentInstructionCasing). The builder reads them without regard to case.

Declines to touch what is inside an ONBUILD, which the check does not look at either, and what `# check=skip=` excepts.

```diff
 FROM debian:bookworm-slim
-run useradd app
+RUN useradd app
 USER app
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, proved
from ..source.edits import Edit
from ._checks import is_skipped

NAME = "instruction-casing"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each keyword that is not written as most are."""
    # What stands before the first FROM is not counted by the check, and not looked at.
    lines = [line for stage in build.stages for line in (stage.from_, *stage.instructions)]
    lower = sum(line.written.islower() for line in lines)
    upper = sum(line.written.isupper() for line in lines)
    for line in lines:
        wanted = line.keyword.lower() if lower > upper else line.keyword.upper()
        if line.written == wanted or is_skipped(build, line, "ConsistentInstructionCasing"):
            continue
        proof = proved("the instruction is the same", "the builder reads keywords without regard to case")
        yield Proposal(
            NAME,
            f"write {wanted} as the other instructions are written",
            "docker build --check no longer warns of it",
            build.place(line),
            (Edit(build.path, line.keyword_span, wanted),),
            (proof,),
        )
