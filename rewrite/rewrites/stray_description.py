"""Set a comment apart from the FROM or ARG below it, where the builder takes it for its description.

With `# check=experimental=InvalidDefinitionDescription` the comment directly above an ARG, or above a FROM with a name,
describes it (`docker build --call=outline` shows it) and has to begin with that name. An empty line between them says
that the comment is no description.

Declines for a comment that tells the builder's checks what to do, which has to stand directly above.

```diff
 # check=experimental=all
 # All that follows is for production.
+
 FROM debian:bookworm-slim AS base
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._checks import is_enabled
from ._layout import ORDER, block_of

NAME = "stray-description"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each comment that describes nothing, if the check is switched on."""
    if not is_enabled(build, "InvalidDefinitionDescription"):
        return
    dockerfile = build.dockerfile
    for line in dockerfile.instructions:
        start = block_of(dockerfile, line).body.start
        comment = dockerfile.source(Span(start, line.span.start)).rstrip("\r\n").rpartition("\n")[2]
        if not comment or not _names(line) or comment.lstrip("\t #").split(" ")[0] in _names(line):
            continue
        if ORDER.search(comment):
            yield Refusal(NAME, build.place(line), "the comment is an order, which has to stand directly above")
            continue
        yield Proposal(
            NAME,
            f"set the comment apart from the {line.keyword}",
            "docker build --check no longer warns of it",
            build.place(line),
            (Edit(build.path, Span(line.span.start, line.span.start), dockerfile.newline),),
            (proved("nothing but an empty line is added", "the builder skips it"),),
        )


def _names(line: Instruction) -> list[str]:
    """Return what an ARG declares, or what a FROM is called."""
    if line.keyword == "ARG":
        return [pair.key for pair in line.pairs]
    return [line.words[2].text] if line.keyword == "FROM" and len(line.words) > 2 else []
