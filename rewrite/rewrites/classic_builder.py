"""Advise on a build that turns BuildKit off.

The builder before BuildKit has no cache mounts, no secret mounts and no heredocs, runs stages that nobody needs, and
cannot import a cache from a registry. dockerfix leaves out what it cannot do; `DOCKER_BUILDKIT=0` is what to take out.

Declines to speak where the Dockerfile is for Windows, which BuildKit builds with another set-up.

```diff
-DOCKER_BUILDKIT=0 docker build --tag app .
+docker build --tag app .
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Place, Proposal, Refusal, refuted
from ..paths import shown

NAME = "classic-builder"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one piece of advice for each file that turns BuildKit off."""
    if any(stage.windows for stage in build.stages):
        return
    lines = {shown(mention.file): mention for mention in reversed(build.mentions) if mention.classic_line}
    for path, mention in lines.items():
        place = Place(path, mention.classic_line)
        yield Proposal(
            NAME,
            "let BuildKit build the image",
            "cache mounts, secret mounts and an imported cache become possible",
            place,
            (),
            (refuted("the builder is BuildKit", f"DOCKER_BUILDKIT turns it off for `{mention.what}`", place),),
        )
