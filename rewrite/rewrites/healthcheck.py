"""Advise a HEALTHCHECK where a service says on which port it listens.

Without one, an engine takes a container for healthy as long as its process exists, and `depends_on` with
`condition: service_healthy` cannot wait for it. Which request tells that a service works is for a person to say, and
Kubernetes asks its own probes instead; so this is advice, never an edit.

Declines to speak where a HEALTHCHECK is set (NONE counts), where no port is exposed, and where the base image is not
known, which may set one.

```diff
 FROM python:3.12-slim
 EXPOSE 8000
+HEALTHCHECK CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://localhost:8000/health')"]
 CMD ["python", "-m", "app"]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, refuted

NAME = "healthcheck"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on the last stage, if it exposes a port and nobody asks whether it answers."""
    stage = build.stages[-1] if build.stages else None
    if stage is None or not stage.base.official or not stage.base_certain:
        return
    lines = [line for level in stage.lineage for line in level.instructions]
    exposed = next((line for line in lines if line.keyword == "EXPOSE"), None)
    if exposed is None or any(line.keyword == "HEALTHCHECK" for line in lines):
        return
    place = build.place(exposed)
    yield Proposal(
        NAME,
        "let the engine ask whether the service answers",
        "a container that hangs is noticed, and others can wait until it is ready",
        place,
        (),
        (refuted("a HEALTHCHECK is set", f"{exposed.body.text} is exposed, and nothing asks", place),),
    )
