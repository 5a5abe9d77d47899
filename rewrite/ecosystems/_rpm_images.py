"""Does an image's dnf, yum or microdnf keep packages when it is asked to? The program's name or the base image tells.

Sources: dnf(8) and dnf5(8), all of whose versions do; the packages of each distribution. ``yum`` is a link to dnf
since Fedora 22, Enterprise Linux 8 and Amazon Linux 2023. microdnf does since 3.7, so since Enterprise Linux 8.5.
"""

from __future__ import annotations

import re

from ..model import Declined
from . import Site

_REFERENCE = re.compile(
    r"(?P<path>(?:[a-z0-9.-]+(?::\d+)?/)?(?:[\w.-]+/)*[\w.-]+?)(?::(?P<tag>[\w.-]+))?(?P<digest>@sha256:[0-9a-f]+)?\Z"
)
# The last parts of a repository's path, and the oldest release whose yum is dnf (None: all that there are).
_YUM_IS_DNF: dict[str, int | None] = {
    "fedora": 22,
    "rockylinux": None,
    "almalinux": None,
    "centos": 8,
    "oraclelinux": 8,
    "amazonlinux": 2023,
}
_REBUILDS = ("rockylinux", "almalinux", "oraclelinux")
# Red Hat's universal base images have their release in the path: ubi9/ubi-minimal, ubi8-minimal.
_UBI = re.compile(r"(?:\A|/)ubi(?P<major>8|9|10)(?:[/-]|\Z)")
_MICRODNF_SINCE = (8, 5)


def keeps_packages(site: Site, program: str) -> None:
    """Raise Declined unless `program` of the base image is known to know ``keepcache`` and ``--refresh``."""
    if program in ("dnf", "dnf5"):
        return
    base = site.stage.base.reference
    match = _REFERENCE.match(base) if site.stage.base_certain else None
    tag = match["tag"] or "latest" if match else ""
    if not match or not (
        _yum(match["path"], tag) if program == "yum" else _microdnf(match["path"], tag, bool(match["digest"]))
    ):
        raise Declined(f"which {program} the base image {base} has is not known")


def _yum(path: str, tag: str) -> bool:
    name = path.rpartition("/")[2]
    if _UBI.search(path):
        return True
    if name not in _YUM_IS_DNF:
        return False
    oldest, version = _YUM_IS_DNF[name], _numbers(tag.removeprefix("stream"))
    if oldest is None:
        return True
    return version[0] >= oldest if version else name == "fedora" and tag in ("latest", "rawhide")


def _microdnf(path: str, tag: str, pinned: bool) -> bool:
    ubi, version = _UBI.search(path), _numbers(tag)
    if len(version) < 2 and (pinned or re.search(r"\d{8}", tag)):
        return False  # which of its releases it is, is not known
    if ubi:
        major = int(ubi["major"])
        return major > _MICRODNF_SINCE[0] or len(version) < 2 or version >= _MICRODNF_SINCE
    if path.rpartition("/")[2] not in _REBUILDS or not version:
        return False
    # `8` moves on with the newest, `8.4` does not.
    return version[0] > _MICRODNF_SINCE[0] or version == (8,) or version >= _MICRODNF_SINCE


def _numbers(tag: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", tag)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
