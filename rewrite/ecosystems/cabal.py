"""cabal: recognised and left alone; what it downloads lies beside the index that every later build reads.

Facts: Cabal's user guide (cabal.project, directories): the index that ``cabal update`` brings is kept with the archives
of packages, and the store of built packages is read by later builds (moby/buildkit#2147). A .cabal file may name a
Setup.hs and further files that configuring reads.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, Command, Tool, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "cabal"
IGNORE = ""
TOOLS = (
    Tool(
        "cabal",
        "Haskell",
        ("cabal.project", "package.yaml"),
        ("cabal.project.freeze",),
        ("cabal build --only-dependencies", "cabal build"),
        (
            CachePlace("~/.cabal/packages", "C", "holds the index that later builds read", "CABAL_DIR"),
            CachePlace("~/.cabal/store", "C", "later builds link against what is in it", "CABAL_DIR"),
        ),
        "Cabal's user guide, moby/buildkit#2147",
    ),
)
INSTALLING = re.compile(r"\bcabal\b[^\n;&|]*\s(?:update|build|install|(?:v2|new)-(?:update|build|install))\b")
CONFIGURES = NEVER

_BUILDS = re.compile(r"(?:(?:v[12]|new)-)?(?:update|build|install|configure|test|run|exec|bench)")


def recognise(step: Step, view: View) -> Command | None:
    """Return a refusal for what cabal builds: configuring may read any file of the package."""
    if step.program != "cabal":
        return None
    if step.words[1:] in (("--version",), ("--help",)):
        return Command(NAME, "cabal")
    verb = next((word for word in step.words[1:] if word and not word.startswith("-")), "")
    premise = "what configuring the project's packages reads is not followed"
    return Command(
        NAME, f"cabal {verb}".strip(), bool(_BUILDS.fullmatch(verb)), declined=Declined(premise), project=True
    )


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
