"""Advise on a build in CI that uses no cache.

With `--no-cache` every step runs again for every commit, and cache mounts are emptied too: whatever the Dockerfile does
for its cache is in vain. Fresh packages come with `--pull` and a pinned version, or with a job of its own at night.
Which of them is wanted is for a person to say; so this is advice.

Declines to speak where only a schedule, a tag, a release or a person starts the build, where the option hangs on a
condition, and of makefiles and scripts, which people call who want it so.

```diff
-docker build --no-cache --tag app .
+docker build --pull --tag app .
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Place, Proposal, Refusal, refuted
from ..paths import shown

NAME = "no-cache"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one piece of advice for each file that always builds without a cache."""
    seen = set()
    for mention in build.mentions:
        place = Place(shown(mention.file), mention.line)
        if mention.no_cache and place.path not in seen:
            seen.add(place.path)
            evidence = f"{mention.what} is told to use no cache"
            yield Proposal(
                NAME,
                f"let {mention.what} use the cache",
                "a build runs only the steps that a change concerns",
                place,
                (),
                (refuted("what an earlier build made is used again", evidence, place),),
                ("for a newer base image: --pull; for newer packages: a scheduled build without the cache",),
            )
