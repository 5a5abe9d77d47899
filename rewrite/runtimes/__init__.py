"""Runtimes: what the program of an image needs of what its build made, one module for each language, by discovery.

A module says whether a stage is one of its builds, and if so, on which image the program can run and which files it
takes along. The rewrite `multi-stage` asks all modules and knows none of them.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from ..model import Obligation
from ..source.dockerfile import Instruction
from ._candidate import ACCOUNTS, Candidate
from ._distribution import Distribution

__all__ = [
    "ACCOUNTS",
    "COMPLETE",
    "NEVER",
    "Candidate",
    "Carried",
    "Edited",
    "Extra",
    "Language",
    "Runtime",
    "discover",
]

NEVER = re.compile(r"(?!)")
# What is assumed where only some files of a project go along.
COMPLETE = "the program reads no other file of the project"


@dataclass(frozen=True, slots=True)
class Carried:
    """A file or directory that the final stage takes over: `source` of the stage `stage` ("": the build) to `target`.

    `target` is "" where the path stays the same. `owner` is that of ``--chown``, "" for root, None where the
    instructions of the stage say who it is.
    """

    source: str
    target: str = ""
    stage: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Extra:
    """A stage between the build and the final one: its base, its name, and the lines behind its FROM.

    `base` is "" where it stands on the build stage.
    """

    name: str
    base: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edited:
    """A change of CMD, ENTRYPOINT or HEALTHCHECK: `text` for what stands in its source from `start` to `end`."""

    line: Instruction
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """The final stage of a program.

    `title` names it in a few words. `base` is the reference after FROM; `distribution` what that image is known to
    have. `packages` are the distribution's to install. `lines` are further instructions above the COPYs, as root.
    `starts` tells whether CMD and ENTRYPOINT stay, and not those of the base count.
    `whole` are directories of which all may go along, so that files that are added to them later do, too; then
    nothing of the project is left behind.
    `edited` is what changes in the instructions that start programs, in their order.
    `build_only` matches the variables that only the build reads. `prepared` are lines for the build stage, above the
    instruction `above`. At least one obligation of `proof` is assumed, as nobody knows all that a program may look for.
    """

    title: str
    base: str
    distribution: Distribution
    carried: tuple[Carried, ...]
    packages: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    stages: tuple[Extra, ...] = ()
    build_only: re.Pattern[str] = NEVER
    starts: bool = True
    whole: tuple[str, ...] = ()
    edited: tuple[Edited, ...] = ()
    prepared: tuple[str, ...] = ()
    above: Instruction | None = None
    proof: tuple[Obligation, ...] = ()
    notes: tuple[str, ...] = ()


class Language(Protocol):
    """What a module of this package offers; modules are the objects, there is no class to inherit."""

    NAME: str

    def plan(self, candidate: Candidate) -> Runtime | None:
        """Return the runtime of the candidate's program; None: not built by this language; raises Declined."""


@cache
def discover() -> tuple[Language, ...]:
    """Return the modules of this package, by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)
