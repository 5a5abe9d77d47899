"""Reads ``docker buildx build --progress=rawjson``: one JSON object per line, on standard error.

A step (a "vertex" in BuildKit) comes in several pieces, which are merged by its digest.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .engine import Step

# "transferring context: 1.2kB" in the plain progress; `current` is the number of bytes.
CONTEXT = "transferring context:"


@dataclass(slots=True)
class _Pieces:
    """What has been reported of one step so far."""

    name: str
    cached: bool
    error: str
    runs: dict[datetime, datetime | None]

    def step(self, digest: str) -> Step:
        """Return the step that the pieces make together."""
        ends = [end for end in self.runs.values() if end is not None]
        seconds = sum((end - start).total_seconds() for start, end in self.runs.items() if end is not None)
        return Step(
            digest, self.name, self.cached, min(self.runs, default=None), max(ends, default=None), seconds, self.error
        )


class Progress:
    """The report of one build, as far as it has been read."""

    def __init__(self) -> None:
        self._found: dict[str, _Pieces] = {}
        self._log: list[str] = []
        self._sent: dict[str, int] = {}

    def read(self, line: str) -> bool:
        """Take one line; tell whether it says something of a step.

        A line that is no JSON (the client's own message about a failure) goes to the log as it is.
        """
        report = _report(line)
        if report is None:
            self._log += [line + "\n"] if line.strip() else []
            return False
        for vertex in report.get("vertexes") or ():
            _merge(self._found, vertex)
        for entry in report.get("logs") or ():
            self._log.append(base64.b64decode(entry.get("data") or "").decode("utf-8", "surrogateescape"))
        for status in report.get("statuses") or ():
            if str(status.get("id", "")).startswith(CONTEXT):
                vertex = str(status.get("vertex"))
                self._sent[vertex] = max(self._sent.get(vertex, 0), int(status.get("current") or 0))
        return bool(report.get("vertexes"))

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in the order in which they began, those never reached last."""
        steps = [pieces.step(digest) for digest, pieces in self._found.items()]
        steps.sort(key=lambda step: (step.started is None, step.started.timestamp() if step.started else 0.0))
        return tuple(steps)

    @property
    def log(self) -> str:
        """What the steps and the client have printed."""
        return "".join(self._log)

    @property
    def sent(self) -> int:
        """How many bytes of the context the builder has asked for."""
        return sum(self._sent.values())


def _report(line: str) -> dict[str, Any] | None:
    """Return the object that a line holds, None for a line of plain text."""
    if not line.startswith("{"):
        return None
    try:
        report = json.loads(line)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def _merge(found: dict[str, _Pieces], vertex: Mapping[str, Any]) -> None:
    """Add one report of a step to what is known of it."""
    pieces = found.setdefault(vertex["digest"], _Pieces("", False, "", {}))
    pieces.name = vertex.get("name") or pieces.name
    pieces.cached = pieces.cached or bool(vertex.get("cached"))
    pieces.error = vertex.get("error") or pieces.error
    if vertex.get("started"):
        start = datetime.fromisoformat(vertex["started"])
        end = vertex.get("completed")
        pieces.runs[start] = datetime.fromisoformat(end) if end else pieces.runs.get(start)
