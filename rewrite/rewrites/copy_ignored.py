"""Advise on a COPY or ADD of what `.dockerignore` leaves out.

Such a file is never sent to the builder, so that the build fails, or brings nothing where the source is a pattern
(CopyIgnoredFile). Which of the two is wrong, the COPY or the ignore file, is for a person to say.

Declines to speak where the ignore file has lines with `!`, as the check does, and where a source has a variable in it.

With the line `*.json` in `.dockerignore`:

```diff
-COPY package.json ./
+COPY app.py ./
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..build.context import normalise
from ..build.copies import from_context
from ..model import Place, Proposal, Refusal, refuted
from ..source.dockerfile import Instruction
from ._checks import is_skipped

NAME = "copy-ignored"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on each COPY or ADD that names an ignored file."""
    ignore = build.context.ignore
    if ignore is None or build.doubt or any(pattern.negated for pattern in ignore.patterns):
        return
    for stage in build.stages:
        for line in stage.instructions:
            if not from_context(line) or is_skipped(build, line, "CopyIgnoredFile"):
                continue
            ignored = [source for source in _sources(line) if ignore.excludes(source)]
            if ignored:
                place, file = build.place(line), Place(build.context.ignore_path)
                yield Proposal(
                    NAME,
                    f"send {', '.join(ignored)} to the builder, or do not {line.keyword} it",
                    "docker build --check warns of it: what is ignored cannot be copied",
                    place,
                    (),
                    (refuted(f"{ignored[0]} is in the build context", "the ignore file leaves it out", file),),
                )


def _sources(line: Instruction) -> Iterator[str]:
    """Yield the context paths that a COPY or ADD names."""
    for word in line.words[:-1]:
        if "$" not in word.text and "://" not in word.text and not word.text.startswith(("git@", "<<")):
            yield from [path for path in [normalise(word.text)] if path]
