"""conan: recognised and left alone; the packages in its home are what the program is linked against.

Facts: Conan's documentation (CONAN_HOME, conanfile): the files that ``conan install`` writes for CMake point into its
home, and a conanfile.py is a program that may read anything.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, Command, Tool, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "conan"
IGNORE = "c"
TOOLS = (
    Tool(
        "conan",
        "C and C++",
        ("conanfile.txt", "conanfile.py"),
        ("conan.lock",),
        ("conan install",),
        (CachePlace("~/.conan2", "C", "what conan install writes for later builds points there", "CONAN_HOME"),),
        "Conan's documentation",
    ),
)
INSTALLING = re.compile(r"\bconan\b[^\n;&|]*\s(?:install|create|build)\b")
CONFIGURES = NEVER


def recognise(step: Step, view: View) -> Command | None:
    """Return a refusal for what conan does: profiles and a conanfile.py decide what it reads."""
    if step.program != "conan":
        return None
    if step.words[1:] in (("--version",), ("--help",)):
        return Command(NAME, "conan")
    verb = next((word for word in step.words[1:] if word and not word.startswith("-")), "")
    premise = "what its profiles and conanfile make it read is not followed"
    installs = verb in ("install", "create", "build")
    return Command(NAME, f"conan {verb}".strip(), installs, declined=Declined(premise), project=True)


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
