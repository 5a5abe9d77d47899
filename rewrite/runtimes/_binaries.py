"""What a compiled program runs on: distroless where it is static and starts nothing, else slim Debian or Alpine."""

from __future__ import annotations

import re

from ._bases import Reference
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, DISTROLESS, Distribution, installed


def distribution_of(candidate: Candidate, image: Reference, *, static: bool, executes: bool) -> Distribution:
    """Return what the program needs around it; `executes` tells whether its sources start other programs."""
    if image.alpine:
        return ALPINE
    user = (candidate.stage.end.user or "").partition(":")[0]
    plain = not user or user.isdigit() or user in DISTROLESS.accounts
    alone = len(candidate.calls) == 1 and not any(call.shell or call.helpers for call in candidate.calls)
    bare = static and plain and alone and not candidate.setup and not executes
    return DISTROLESS if bare and not installed(candidate, DEBIAN, False) else DEBIAN


def base_of(distribution: Distribution, image: Reference, suite: str) -> str:
    """Return the reference of the small image; `suite` is Debian's."""
    if distribution is DISTROLESS:
        return "gcr.io/distroless/static-debian12"
    if distribution is ALPINE:
        version = re.search(r"alpine(\d+\.\d+)", image.tag)
        return f"alpine:{version[1]}" if version else "alpine:3"
    return f"debian:{suite}-slim"


def called(distribution: Distribution) -> str:
    """Return the distribution as a title names it."""
    return "a distroless image" if distribution is DISTROLESS else distribution.name
