"""Variables that a script sets for one of its commands, for another command that stands outside of the script."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..model import Declined
from . import Site


def assignments(site: Site, wanted: Callable[[str, str | None], bool]) -> str:
    """Return, as text before a command, what the RUN's script has set for the site's step; raises Declined.

    `wanted` tells by name and value whether a variable matters.
    """
    found = []
    outside = {**site.run.state.env, **dict.fromkeys(site.run.state.args)}
    for name, value in sorted(site.step.env.items()):
        same = name in outside and value == outside[name]
        if same or (name == "HOME" and value == site.run.home) or not wanted(name, value):
            continue
        if value is None or not re.fullmatch(r"[\w@%+=:,./*!~-]*", value):
            raise Declined(f"{name} is set by the script, to what is not known")
        found.append(f"{name}={value} ")
    return "".join(found)
