"""julia: recognised and left alone; its depot is what the program runs from.

Facts: Pkg's and Julia's documentation (depots, precompilation): ``Pkg.instantiate`` precompiles the project's own
package, too, and packages, artifacts and precompiled code in JULIA_DEPOT_PATH are read at run time.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, Command, Tool, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "julia"
IGNORE = ""
TOOLS = (
    Tool(
        "julia",
        "Julia",
        ("Project.toml",),
        ("Manifest.toml",),
        ("julia -e 'using Pkg; Pkg.instantiate()'",),
        (CachePlace("~/.julia", "C", "packages and what is precompiled are read at run time", "JULIA_DEPOT_PATH"),),
        "Pkg's documentation, Julia's of depots and precompilation",
    ),
)
INSTALLING = re.compile(r"\bPkg\.(?:instantiate|add|develop|update)\b")
CONFIGURES = NEVER


def recognise(step: Step, view: View) -> Command | None:
    """Return a refusal for what julia runs, which is a program of the project's choice."""
    if step.program != "julia":
        return None
    if step.words[1:] in (("--version",), ("-v",)):
        return Command(NAME, "julia")
    installs = any(INSTALLING.search(word or "") for word in step.words[1:])
    premise = "it precompiles the project's own package" if installs else "what it runs is a program of the project"
    return Command(NAME, "Pkg.instantiate" if installs else "julia", installs, declined=Declined(premise), project=True)


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
