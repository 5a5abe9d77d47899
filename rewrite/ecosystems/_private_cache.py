"""A cache directory of a tool's own, outside of HOME, for the account that a RUN runs as."""

from __future__ import annotations

from dataclasses import dataclass

from ..build.images import ROOT
from ..model import Declined, Obligation, proved
from . import Site


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a mount must belong to: nobody in particular (root), or the numeric `uid` and `gid`."""

    uid: int | None
    gid: int | None
    proof: tuple[Obligation, ...]


def owner(site: Site, what: str) -> Owner:
    """Return who has to own a mount of the RUN; `what` names its content. Raises Declined."""
    account = site.account
    if account is None or site.run.home is None:
        raise Declined(f"the user that this RUN runs as is not known, and with it where {what} lies")
    if account.name == ROOT.name:
        return Owner(None, None, ())
    if account.uid is None:
        raise Declined(f"the uid of the user {account.name} is not known, who could not write to the mount")
    return Owner(account.uid, account.gid, (proved(f"the mount belongs to {account.name}", f"uid {account.uid}"),))


def directory(site: Site, name: str) -> str:
    """Return ``/tmp/.cache/NAME``: a mount's parents are made as root, which would close a user's ~/.cache to it.

    Raises Declined where some other program would look for its files in /tmp/.cache.
    """
    path = f"/tmp/.cache/{name}"
    for variable in ("HOME", "XDG_CACHE_HOME", "TMPDIR"):
        value = site.step.env.get(variable) or ""
        if path.startswith((value.rstrip("/") or "-") + "/"):
            raise Declined(f"{variable} is {value}, whose .cache would belong to root during the RUN")
    return path


def mounted(site: Site, *words: str) -> bool:
    """Tell whether the RUN has a cache mount of its own, at a place whose name has one of the `words`."""
    targets = (mount.target for mount in site.run.mounts if mount.kind == "cache")
    return any(word in target for target in targets for word in words)
