"""What the package managers share where the RUN that fills a cache is to clean it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..build import effects
from ..build.paths import inside
from ..build.runs import Step
from . import Site


def last_of(site: Site, programs: Collection[str]) -> Step:
    """Return the last command of the RUN that one of `programs` runs."""
    return next(step for step in reversed(site.run.steps) if step.program in programs)


def emptied(site: Site, directory: str, cleaned: Callable[[Step], Sequence[str]]) -> bool:
    """Tell whether a command of the RUN behind the step cleans `directory` already, or may do so."""
    steps = site.run.steps
    return any(
        any(inside(directory, path) for path in (*effects.removed(step), *cleaned(step)))
        or effects.may_remove(step, f"{directory}/any")
        or (step.program == "find" and any(word and inside(directory, word) for word in step.words[1:]))
        for step in steps[steps.index(site.step) + 1 :]
    )
