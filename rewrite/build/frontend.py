"""Which version of the Dockerfile frontend a ``# syntax`` line asks for."""

from __future__ import annotations

import re

from ..source.dockerfile import Dockerfile

_OFFICIAL = re.compile(r"(?:docker\.io/)?docker/dockerfile(?::(?P<tag>[\w.-]+))?(?:@.*)?")
_VERSION = re.compile(r"(?P<major>\d+)(?:\.(?P<minor>\d+)(?:\.\d+)?)?(?:-.*)?")


def _tag(dockerfile: Dockerfile) -> tuple[str, str, re.Match[str] | None]:
    """Return the ``# syntax`` in force, its tag ("" if it is not Docker's own), and that taken apart as a version."""
    value = dockerfile.directive("syntax") or ""
    official = _OFFICIAL.fullmatch(value)
    tag = (official["tag"] or "latest") if official else ""
    return value, tag, _VERSION.fullmatch(tag)


def asked(dockerfile: Dockerfile, minor: int) -> str:
    """Return the ``# syntax`` in force if it is Docker's own and certainly 1.`minor` or newer, else ""."""
    value, tag, version = _tag(dockerfile)
    # A digest pins what a tag without a minor version stands for.
    newest = "@" not in value and tag in ("latest", "labs", "1", "1-labs")
    return value if newest or (version and version["major"] == "1" and int(version["minor"] or 0) >= minor) else ""


def older(dockerfile: Dockerfile, minor: int) -> str:
    """Return the ``# syntax`` in force if it is Docker's own and older than 1.`minor`, else ""."""
    value, tag, version = _tag(dockerfile)
    if tag == "experimental" or (version and version["major"] == "0"):
        return value
    # A tag without a minor version is the newest one.
    return value if version and version["major"] == "1" and int(version["minor"] or minor) < minor else ""
