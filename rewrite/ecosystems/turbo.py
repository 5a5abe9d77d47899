"""turbo and nx: what runs the tasks of a workspace; they install nothing themselves.

Facts: turbo's and nx's documentation. Their tasks are programs of the project's choice; ``turbo prune`` copies
manifests and sources of the members that one needs, so that it reads all of them.
"""

from __future__ import annotations

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, CachePlan, Command, Site, Tool, cleans_nothing, no_clean, no_fetch

NAME = "turbo"
IGNORE = "node"
TOOLS = (
    Tool(
        "turbo",
        "Node",
        ("turbo.json",),
        (),
        (),
        (CachePlace(".turbo/cache", "C", "it holds the outputs of tasks, which lie in the project"),),
        "turbo's documentation of turbo run and turbo prune",
    ),
    Tool(
        "nx",
        "Node",
        ("nx.json",),
        (),
        (),
        (CachePlace(".nx/cache", "C", "it holds the outputs of tasks, which lie in the project"),),
        "nx's documentation of nx run and its cache",
    ),
)
INSTALLING = CONFIGURES = NEVER

_PROGRAMS = frozenset({"turbo", "nx"})
_STARTERS = frozenset({"npx", "bunx", "pnpx"})


def recognise(step: Step, view: View) -> Command | None:
    """Return a command of turbo or nx, started by itself or by npx, as one that the project decides on."""
    words = [word for word in step.words if word and not word.startswith("-")]
    words = words[1:] if words and step.program in _STARTERS else [step.program or "", *words[1:]]
    name = words[0].partition("@")[0] if words else ""
    if name not in _PROGRAMS:
        return None
    task = words[1] if len(words) > 1 else ""
    premise = "it reads the whole workspace" if task == "prune" else "which tasks it runs is the project's choice"
    return Command(NAME, f"{name} {task}".strip(), declined=Declined(premise), project=True)


def cache(site: Site) -> CachePlan | None:
    """Return nothing: the caches of both hold outputs, next to the sources."""
    return None


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
