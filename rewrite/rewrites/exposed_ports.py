"""Write EXPOSE as the port inside the container and a protocol in lower case.

An EXPOSE says on which port a program listens; an address or a port of the host in it is read and dropped
(ExposeInvalidFormat), and the protocol is stored in lower case however it is written (ExposeProtoCasing). What is
written then is what the image has.

Declines for a port that has a variable in it or an address in brackets, and for other builders than BuildKit.

```diff
-EXPOSE 8080:80 53/UDP
+EXPOSE 80 53/udp
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..model import Proposal, Refusal, proved
from ..source.edits import Edit
from ._checks import is_skipped

NAME = "exposed-ports"

_PORT = re.compile(
    r"(?P<host>(?:(?:\d{1,3}\.){3}\d{1,3}:)?(?:\d+(?:-\d+)?)?:)?(?P<port>\d+(?:-\d+)?)(?P<protocol>/[A-Za-z]+)?"
)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each EXPOSE with a word that says more than the image holds."""
    for stage in build.stages:
        for line in stage.instructions:
            if line.keyword != "EXPOSE" or build.builder != "buildkit":
                continue
            checks = {
                "host": not is_skipped(build, line, "ExposeInvalidFormat"),
                "protocol": not is_skipped(build, line, "ExposeProtoCasing"),
            }
            edits = []
            for word in line.words:
                match = _PORT.fullmatch(word.text)
                if match is None:
                    continue
                host = "" if checks["host"] else match["host"] or ""
                protocol = match["protocol"] or ""
                wanted = host + match["port"] + (protocol.lower() if checks["protocol"] else protocol)
                if wanted != word.text:
                    edits.append(Edit(build.path, word.span, wanted))
            if edits:
                yield Proposal(
                    NAME,
                    f"expose {', '.join(edit.text for edit in edits)}",
                    "docker build --check no longer warns of it",
                    build.place(line),
                    tuple(edits),
                    (proved("the image exposes the same ports", "the builder drops the host's part itself"),),
                )
