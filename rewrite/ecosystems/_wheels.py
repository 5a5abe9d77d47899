"""Which packages of a lockfile come as wheels for a base image, so that none of them is compiled there.

Facts: the platform tags of wheels (PEP 600, 656) and the Python tags (PEP 425). The C library is taken from the base
image's reference, the processor is not known: a wheel for one needs its twin for the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..model import Obligation, Place, assumed, proved
from . import Site

CLAIM = "no wheel that was built by other flags, or against other libraries, is installed"
_WHEEL = re.compile(r"[^-]+-[^-]+(?:-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")
_GLIBC = re.compile(r"manylinux(?:1|2010|2014|_2_(?:5|12|17|24|26|27|28))_(?P<machine>x86_64|aarch64)")
_MUSL = re.compile(r"musllinux_1_[12]_(?P<machine>x86_64|aarch64)")


def has_wheel(names: Iterable[str], base: str | None, python: str | None) -> bool:
    """Tell whether one of the archives `names` suits both processors of a base image.

    `base` is its reference, None if nothing is known of it; `python` is its version, 3.12.
    """
    machines: set[str] = set()
    for name in names:
        match = _WHEEL.fullmatch(name)
        if not match or not _suits(match["python"], match["abi"], python):
            continue
        if match["platform"] == "any":
            return True
        if base is None:
            continue
        libc = _MUSL if "alpine" in base else _GLIBC
        machines |= {found["machine"] for found in libc.finditer(match["platform"])}
    return len(machines) == 2


def _suits(tags: str, abis: str, python: str | None) -> bool:
    if abis == "none" and {"py3", "py2.py3"} & {tags, *tags.split(".")}:
        return True
    if python is None:
        return False
    minor = int(python.partition(".")[2])
    for tag in tags.split("."):
        found = re.fullmatch(r"cp3(\d+)", tag)
        if found and (int(found[1]) == minor or (abis == "abi3" and int(found[1]) <= minor)):
            return True
    return False


def judge_wheels(
    site: Site, tool: str, packages: Iterable[tuple[str, Iterable[str]]], python_version: str | None, place: Place
) -> Obligation:
    """Judge whether `tool`, which keeps the wheels that it builds, builds none: `packages` are names with archives.

    `python_version` is the text of .python-version, if there is one; `place` is the lockfile.
    """
    base = site.stage.lineage[-1].from_.words[0].text if site.stage.base.official else None
    pinned = re.match(r"\s*(?:cpython-?)?(3\.\d+)", python_version or "")
    python = pinned[1] if pinned else base_python(base or "")
    for name, archives in packages:
        if not has_wheel(archives, base, python):
            doubt = f"{tool} may build {name}, for which the lockfile names no wheel that is sure to fit"
            return assumed(CLAIM, doubt, place)
    return proved(CLAIM, "for every package the lockfile names a wheel that fits", place)


def base_python(base: str) -> str | None:
    """Return the version of Python that an image's reference names, None if it names none."""
    found = re.search(r"python:?(3\.\d+)", base)
    return found[1] if found else None
