"""Move a COPY whose files change below the RUNs that do not read them.

Each edit of a copied file runs again all that stands below its COPY: a system package, a download, the installs of
another language. A COPY goes below the last RUN that takes time and that provably neither reads nor writes what it
brings; a `RUN chmod` or `chown` of its own files goes along. It only ever goes down, so that nothing moves to and fro
between commits.

How often files change is read from git: of the last 1000 commits at least two must touch them. Files that git does not
know are made by each build; with fewer than 20 commits, or without a repository, every file is taken to change.

Declines where a command in between is not known, or reads, writes or names what the COPY brings; where both make the
same directory, or an owner may mean another; for a COPY into the system's directories; for a file that is there to
bust the cache; and in a shallow clone, which does not tell what changes.

```diff
-COPY serve.py /srv/
 RUN apt-get update && apt-get install -y curl
+COPY serve.py /srv/
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ..build.build import Build
from ..build.copies import Copy, read_copy
from ..build.stages import Stage
from ..model import Declined, Proposal, Refusal
from ..source.dockerfile import Instruction
from ._descent import Descent, inputs, still
from ._moving import Move

NAME = "reorder"
_BUSTER = re.compile(r"bust|invalidate", re.IGNORECASE)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each COPY that can go below a RUN that takes time, or why it cannot."""
    for stage in build.stages:
        targets: set[int] = set()
        # From below: what stands first passes the others' RUN later, and stays first.
        for instruction in reversed(stage.instructions):
            copy = _copy(build, stage, instruction)
            if copy is None or _BUSTER.search(build.dockerfile.source(instruction.span)):
                continue
            outcome = _consider(build, stage, copy, targets)
            if outcome:
                yield outcome


def _copy(build: Build, stage: Stage, instruction: Instruction) -> Copy | None:
    """Return what a COPY brings from the context, or from another stage, of whose files nothing is known."""
    if instruction.keyword == "COPY" and instruction.flag("from"):
        found = read_copy(instruction, stage.state(instruction), build.context)
        return replace(found, mappings=())
    copy = build.copy(instruction)
    return copy if copy and not copy.opaque else None


def _consider(build: Build, stage: Stage, copy: Copy, targets: set[int]) -> Proposal | Refusal | None:
    where = build.place(copy.instruction)
    descent = Descent(build, stage, copy).go()
    if descent.passed:
        target = descent.passed[-1][0].first
        if target in targets:
            return None
        targets.add(target)
    elif not _worth_telling(descent):
        return None
    paths = inputs(build, stage, copy.instruction)
    history = build.history()
    if still(build, history, paths):
        return None
    if build.doubt:
        return Refusal(NAME, where, build.doubt)
    if history.cut:
        return Refusal(NAME, where, "what changes is not known: a shallow clone has only a part of the git history")
    if not descent.passed:
        return descent.refusal(NAME)
    try:
        edits, proof = Move(build, stage, copy, descent.passed, tuple(descent.along)).edits()
    except Declined as declined:
        return Refusal(NAME, where, declined.premise, declined.because)
    what = _named(copy)
    touched = f"{history.changes(paths)} of the last {len(history.commits)} commits change what it copies"
    return Proposal(
        NAME,
        f"copy {what} after {descent.title}",
        f"a change of {what} no longer runs {descent.title} again",
        where,
        edits,
        proof,
        (touched,) if history.tells else (),
    )


def _worth_telling(descent: Descent) -> bool:
    """Tell whether a COPY of files could have gone below an install but for its obstacle."""
    if descent.obstacle is None or any(mapping.is_dir for mapping in descent.copy.mappings):
        return False  # of a directory manifests-first tells why
    lines = descent.stage.instructions
    return any(descent.installs(line) for line in lines[lines.index(descent.obstacle[0]) :])


def _named(copy: Copy) -> str:
    words = [word.text for word in copy.instruction.words[:-1]]
    source = copy.instruction.flag("from")
    what = words[0] if len(words) == 1 else f"{len(words)} sources"
    what = "the project" if what in (".", "./") and not source else what
    return f"{what} of {source.value}" if source else what
