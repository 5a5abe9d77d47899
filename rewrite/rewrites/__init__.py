"""Rewrites: one module each, found by discovery; a module's docstring is its documentation page."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Protocol

from ..build.build import Build
from ..model import Proposal, Refusal


class Rewrite(Protocol):
    """What a module of this package offers; NAME is the module's name in kebab case."""

    NAME: str
    __doc__: str | None

    def find(self, build: Build) -> Iterator[Proposal | Refusal]:
        """Yield what the rewrite would change in `build`, and where it could have but must not."""


@cache
def discover() -> tuple[Rewrite, ...]:
    """Return the rewrites, by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)
