"""corepack: ``corepack install`` and ``corepack prepare`` of the package manager that package.json asks for.

Facts: corepack's README (commands, packageManager, COREPACK_HOME) and runs of 0.34 in the lab. What it downloads is
what later commands and the program run, so it stays in the image. ``corepack yarn`` belongs to yarn, and so on.
"""

from __future__ import annotations

import posixpath

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, CachePlan, Command, Read, Site, Tool, Write, cleans_nothing, no_clean, no_fetch
from ._members import above
from ._node_package import Package

NAME = "corepack"
IGNORE = "node"
TOOLS = (
    Tool(
        "corepack",
        "Node",
        ("package.json",),
        (),
        ("corepack install", "corepack prepare"),
        (CachePlace("~/.cache/node/corepack", "C", "the package managers that run later lie there", "COREPACK_HOME"),),
        "corepack's README; runs of 0.34",
        leftovers=(r"/tmp/(?:v8|node)-compile-cache(?:-\d+)?",),
    ),
)
INSTALLING = CONFIGURES = NEVER


def recognise(step: Step, view: View) -> Command | None:
    """Return what corepack downloads for the project; None for its other commands, which read nothing of it."""
    if step.program != "corepack" or step.words[1:2] not in (("install",), ("prepare",)):
        return None
    title = f"corepack {step.words[1]}"
    if set(step.words[2:]) - {"--activate"}:
        return None  # a name is given: see `programs`
    home = step.env.get("HOME") or "/root"
    path = step.env.get("COREPACK_HOME") or posixpath.join(home, ".cache/node/corepack")
    if step.cwd is None or not path.startswith("/"):
        declined = Declined("where corepack looks for package.json, or keeps what it downloads, is not known")
        return Command(NAME, title, True, declined=declined)
    if Package.parse(step.cwd, view) is None:
        declined = Declined(f"{step.cwd}/package.json is not a readable file of the build context")
        return Command(NAME, title, True, declined=declined)
    names = ("package.json", ".corepack.env")
    reads = [Read(posixpath.join(step.cwd, name), "corepack reads it", name == names[0]) for name in names]
    reads += (Read(posixpath.join(place, name), "corepack looks for it") for place in above(step.cwd) for name in names)
    return Command(NAME, title, True, tuple(reads), (Write(path, "corepack keeps package managers", local=False),))


def cache(site: Site) -> CachePlan | None:
    """Return nothing: what corepack downloads is run later."""
    return None


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
