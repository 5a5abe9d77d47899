"""vcpkg: recognised and left alone; its archives are packages that were built against one system's libraries.

Facts: vcpkg's documentation (manifest mode, binary caching): a package is kept by the compiler, the triplet and its
port, not by the libraries of the system; ports and triplets of the project (overlays) are programs in CMake.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, Command, Tool, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "vcpkg"
IGNORE = "c"
TOOLS = (
    Tool(
        "vcpkg",
        "C and C++",
        ("vcpkg.json", "vcpkg-configuration.json"),
        (),
        ("vcpkg install",),
        (
            CachePlace(
                "~/.cache/vcpkg/archives",
                "C",
                "built packages, which are not kept by the system's libraries that they were built against",
                "VCPKG_DEFAULT_BINARY_CACHE",
            ),
        ),
        "vcpkg's documentation of manifest mode and binary caching",
    ),
)
INSTALLING = re.compile(r"\bvcpkg\b[^\n;&|]*\sinstall\b")
CONFIGURES = NEVER


def recognise(step: Step, view: View) -> Command | None:
    """Return a refusal for what vcpkg does: ports and triplets decide what it reads."""
    if step.program != "vcpkg":
        return None
    verb = next((word for word in step.words[1:] if word and not word.startswith("-")), "")
    if verb in ("version", "help"):
        return Command(NAME, "vcpkg")
    premise = "what its ports and triplets make it read is not followed"
    return Command(NAME, f"vcpkg {verb}".strip(), verb == "install", declined=Declined(premise), project=True)


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
