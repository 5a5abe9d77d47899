"""Set a comment apart from the FROM or ARG below it, where the builder takes it for its description.

With `# check=experimental=InvalidDefinitionDescription` the last comment above an ARG, or above a FROM with a name,
describes it (`docker build --call=outline` shows it) and has to begin with that name. A blank line does not set them
apart, for the builder skips it; a comment without a word does.

Declines for a comment that tells the builder's checks what to do, which would no longer be heard.

```diff
 # check=experimental=all
 # All that follows is for production.
+#
 FROM debian:bookworm-slim AS base
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._checks import comments_above, is_enabled
from ._layout import ORDER

NAME = "stray-description"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each comment that describes nothing, if the check is switched on."""
    if not is_enabled(build, "InvalidDefinitionDescription"):
        return
    dockerfile = build.dockerfile
    for line in dockerfile.instructions:
        comments, names = comments_above(build, line), _names(line)
        if not comments or not names or comments[-1].split(" ")[0] in names:
            continue
        if any(ORDER.match(f"# {comment}") for comment in comments):
            yield Refusal(NAME, build.place(line), "a comment above is an order to the checks, which has to be heard")
            continue
        yield Proposal(
            NAME,
            f"set the comment apart from the {line.keyword}",
            "docker build --check no longer warns of it",
            build.place(line),
            (Edit(build.path, Span(line.span.start, line.span.start), f"#{dockerfile.newline}"),),
            (proved("nothing but a comment is added", "the builder skips it"),),
        )


def _names(line: Instruction) -> list[str]:
    """Return what an ARG declares, or what a FROM is called."""
    if line.keyword == "ARG":
        return [pair.key for pair in line.pairs]
    return [line.words[2].text] if line.keyword == "FROM" and len(line.words) > 2 else []
