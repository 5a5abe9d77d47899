"""stack: recognised and left alone; its root holds the compiler and what programs are linked against.

Facts: Stack's documentation (STACK_ROOT, stack.yaml): compilers, snapshots and the package database lie below one
directory, which every later command reads; ``stack build`` reads the package.yaml or .cabal file of every package.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, Command, Tool, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "stack"
IGNORE = ""
TOOLS = (
    Tool(
        "stack",
        "Haskell",
        ("stack.yaml", "package.yaml"),
        ("stack.yaml.lock",),
        ("stack build --only-dependencies", "stack build", "stack setup"),
        (CachePlace("~/.stack", "C", "the compiler and the packages that later commands use", "STACK_ROOT"),),
        "Stack's documentation",
    ),
)
INSTALLING = re.compile(r"\bstack\b[^\n;&|]*\s(?:setup|build|install|test)\b")
CONFIGURES = NEVER

_BUILDS = frozenset({"setup", "build", "install", "test", "bench", "update"})


def recognise(step: Step, view: View) -> Command | None:
    """Return a refusal for what stack builds: it reads every package of the project."""
    if step.program != "stack":
        return None
    if step.words[1:] in (("--version",), ("--help",)):
        return Command(NAME, "stack")
    verb = next((word for word in step.words[1:] if word and not word.startswith("-")), "")
    premise = "what the project's packages make stack read is not followed"
    return Command(NAME, f"stack {verb}".strip(), verb in _BUILDS, declined=Declined(premise), project=True)


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
