"""Pin the base image to the content that its tag has now.

A tag is moved: the same Dockerfile builds on another base image tomorrow, and every step runs again when it does. With
`tag@sha256:…` it builds on what was tested, and the tag still tells people what that is. It is for review, as updates
then come only when somebody, or a bot such as Renovate, renews the digest. The digest is asked for with
`--resolve=engine` (what the local engine holds) or `--resolve=registry`; nothing is asked without it.

Without a digest, a base image with the tag `latest`, or none, is advice: it says nothing of what is built on.

Declines where the name depends on a build argument, and where nobody could tell the digest.

```diff
-FROM python
+FROM python:3.12-slim
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..build.stages import Stage
from ..model import Proposal, Refusal, assumed, proved, refuted
from ..source.edits import Edit, Span

NAME = "pin-base-image"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal, refusal or piece of advice for each base image that no digest names."""
    for stage in build.stages:
        words = stage.from_.words
        reference = words[0].text if words else ""
        if stage.parent or not reference or "@" in reference or reference.lower() == "scratch":
            continue
        resolved = (build.resolved or {}).get(reference)
        place = build.place(stage.from_)
        if "$" in reference:
            if build.resolved is not None:
                yield Refusal(NAME, place, "which base image it is depends on a build argument")
        elif resolved and resolved.digest:
            yield _pinned(build, stage, reference, resolved.digest)
        elif _says_nothing(reference):
            yield _advice(build, stage, reference)
        elif build.resolved is not None:
            yield Refusal(NAME, place, f"nobody could tell the digest of {reference}")


def _says_nothing(reference: str) -> bool:
    """Tell whether a reference has no tag, or `latest`."""
    _, colon, tag = reference.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"


def _pinned(build: Build, stage: Stage, reference: str, digest: str) -> Proposal:
    place = build.place(stage.from_)
    end = stage.from_.words[0].span.end
    return Proposal(
        NAME,
        f"pin {reference} to its digest",
        "the base image changes only when somebody wants it to",
        place,
        (Edit(build.path, Span(end, end), f"@{digest}"),),
        (
            proved(f"the base image is the one that {reference} names now", f"its digest is {digest}", place),
            assumed(
                "somebody renews the digest", "updates of the tag, those of security too, no longer come by themselves"
            ),
        ),
    )


def _advice(build: Build, stage: Stage, reference: str) -> Proposal:
    place = build.place(stage.from_)
    return Proposal(
        NAME,
        f"name a version of {reference.removesuffix(':latest')}",
        "the next release of the base image does not change the build by surprise",
        place,
        (),
        (refuted("the base image is named by what it is", f"{reference} is whatever was pushed last", place),),
    )
