"""Is a stage's Alpine 3.13 or newer, with apk-tools 2.12? Its base image's tag tells, or when that tag can have begun.

Sources: the release notes of Alpine 3.13 (January 2021) and the first releases of each language's line; images of
docker-library name the newest Alpine ``-alpine``, and move on to the next within weeks.
"""

from __future__ import annotations

import re

from . import Site

_OLDEST = (3, 13)
# The first lines that began after Alpine 3.13: no tag of theirs, however precise, has an older one.
_FIRST_LINES = {
    "golang": (1, 17),
    "nginx": (1, 22),
    "node": (17,),
    "php": (8, 1),
    "python": (3, 10),
    "ruby": (3, 1),
    "rust": (1, 57),
}
_IMAGE = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?P<name>[a-z]+)(?::(?P<tag>[\w.-]+))?(?P<digest>@sha256:[0-9a-f]+)?\Z"
)


def alpine_is_known(site: Site) -> bool:
    """Tell whether the base image certainly is Alpine 3.13 or newer."""
    match = _IMAGE.match(site.stage.base.reference)
    if not match or not site.stage.base_certain:
        return False
    name, tag = match["name"], match["tag"] or ""
    # A tag that moves on is the newest, unless a digest holds it where it was.
    moves = match["digest"] is None
    if name == "alpine":
        version = _numbers(tag)
        return version >= _OLDEST if len(version) > 1 else moves and tag in ("", "latest", "edge", "3")
    named = re.search(r"alpine(\d+\.\d+)\Z", tag)
    if named:
        return _numbers(named[1]) >= _OLDEST
    first, version = _FIRST_LINES.get(name), _numbers(tag)
    if first is None or not (tag == "alpine" or "-alpine" in tag):
        return False
    if len(version) < len(first):
        return moves and version >= first[: len(version)]
    return version[: len(first)] >= first


def _numbers(tag: str) -> tuple[int, ...]:
    found = re.match(r"\d+(?:\.\d+)*", tag)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
