"""The page of each rewrite, made from its module's docstring: `dockerfix rules` and `dockerfix rule NAME`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from ..rewrites import Rewrite


def index(rewrites: Sequence[Rewrite]) -> str:
    """Return one line for each rewrite: its name and its title."""
    width = max(len(rewrite.NAME) for rewrite in rewrites)
    return "".join(f"{rewrite.NAME:{width}}  {_text(rewrite).partition(chr(10))[0]}\n" for rewrite in rewrites)


def page(rewrite: Rewrite) -> str:
    """Return what a rewrite does, why, when it declines, an example, and how to leave an instruction alone."""
    order = f"To leave an instruction alone, write above it: `# dockerfix: ignore={rewrite.NAME}`"
    return f"# {rewrite.NAME}\n\n{_text(rewrite)}\n\n{order}\n"


def _text(rewrite: Rewrite) -> str:
    return inspect.cleandoc(rewrite.__doc__ or "")
