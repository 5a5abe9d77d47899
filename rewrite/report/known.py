"""What dockerfix knows of each package manager: `dockerfix ecosystems`, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ..ecosystems import Tool
from .colour import paint

_KINDS = {
    "A": "mounted: nothing reads it again",
    "B": "mounted on every RUN of the tool, or on none: later commands read it",
    "C": "never mounted: the image needs it",
}


def render(tools: Sequence[Tool], colour: bool) -> str:
    """Return a paragraph for each tool, under its family's name."""
    lines: list[str] = []
    family = ""
    for tool in tools:
        if tool.family != family:
            family = tool.family
            lines += [*([""] if lines else []), paint(family, "bold", colour)]
        lines += [f"  {line}" for line in _tool(tool, colour)]
    return "".join(f"{line}\n" for line in lines)


def _tool(tool: Tool, colour: bool) -> Iterator[str]:
    yield paint(tool.name, "cyan", colour)
    named = (("manifests", tool.manifests), ("lockfiles", tool.lockfiles), ("installs", tool.installs))
    yield from (f"  {name}: {', '.join(values)}" for name, values in named if values)
    for place in tool.caches:
        moved = f", moved by {place.variable}" if place.variable else ""
        yield f"  cache {place.path} (class {place.kind}, {_KINDS[place.kind]}{moved}): {place.why}"
    if tool.source:
        yield f"  source: {tool.source}"


def render_json(tools: Sequence[Tool]) -> str:
    """Return one JSON document with all that `Tool` holds; `version` grows when the meaning of a key changes."""
    return json.dumps({"version": 1, "tools": [asdict(tool) for tool in tools]}, indent=2) + "\n"
