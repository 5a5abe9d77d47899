"""Advise on a `.dockerignore` beside a Dockerfile that no builder reads.

The builder reads `.dockerignore` in the root of the build context, or a file that is called as the Dockerfile is, with
`.dockerignore` behind it (`docker/Dockerfile.dockerignore`). One that lies beside a Dockerfile in a directory below the
context has no effect, and what it should keep out is sent and copied.

Declines to speak where the build context is not known for certain, and where another Dockerfile lies beside it, which
may be built with that directory as its context.

```diff
-docker/.dockerignore
+docker/Dockerfile.dockerignore
```
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ..build.build import Build
from ..model import Place, Proposal, Refusal, refuted

NAME = "unread-ignore-file"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on the `.dockerignore` beside the Dockerfile, if that is not the context's."""
    below = posixpath.dirname(build.name)
    beside = posixpath.join(posixpath.dirname(build.path), ".dockerignore")
    text = build.context.read_ignored(f"{below}/.dockerignore") if below else None
    others = [path for path, _ in build.siblings if posixpath.dirname(path) == posixpath.dirname(build.path)]
    if not text or not text.strip() or build.doubt or others or build.ignore_name == f"{below}/.dockerignore":
        return
    name = f"{posixpath.basename(build.name)}.dockerignore"
    place = Place(beside)
    yield Proposal(
        NAME,
        f"call it {name}, or move it to the root of the build context",
        "what it lists stays out of the build context",
        place,
        (),
        (refuted("the builder reads it", f"the build context is {build.context.label}", place),),
    )
