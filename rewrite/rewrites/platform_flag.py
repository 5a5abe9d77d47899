"""Take out a `--platform` of FROM that says what is so anyway; advise on one that holds the image on one platform.

`FROM --platform=$TARGETPLATFORM` asks for the platform that is built for, as a FROM without the flag does
(RedundantTargetPlatform). `FROM --platform=linux/amd64` builds for amd64 whatever was asked for
(FromPlatformFlagConstDisallowed): where that is meant, a stage name with the platform in it says so, and the check is
quiet; else `docker build --platform` is the place. With `--resolve=registry` it advises as well where the image has no
such platform (InvalidBaseImagePlatform): its only one is taken for it, or the build fails.

Declines where the file gives TARGETPLATFORM a value of its own, or the flag stands on a line of its own.

```diff
-FROM --platform=$TARGETPLATFORM debian:bookworm-slim
+FROM debian:bookworm-slim
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..build.stages import Stage
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Flag
from ..source.edits import Edit, Span
from ._checks import advice, is_skipped

NAME = "platform-flag"

_TARGET = frozenset({"$TARGETPLATFORM", "${TARGETPLATFORM}"})
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm", "armel": "arm"}
_SYSTEMS = frozenset({"linux", "windows", "darwin", "macos", "freebsd"})


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal or piece of advice for each FROM with such a flag."""
    for stage in build.stages:
        flag = stage.from_.flag("platform")
        value = flag.value if flag else None
        if not flag or not value:
            continue
        if value in _TARGET and not is_skipped(build, stage.from_, "RedundantTargetPlatform"):
            yield _without(build, stage, flag)
        elif _is_constant(build, stage, value):
            title = f"leave it to docker build --platform what {stage.from_.words[0].text} is for"
            yield advice(NAME, build, stage.from_, title, "the image can be built for any platform", f"it is {value}")
        yield from _unpublished(build, stage, value)


def _is_constant(build: Build, stage: Stage, platform: str) -> bool:
    """Tell whether a flag names a platform, and the check says so."""
    skipped = is_skipped(build, stage.from_, "FromPlatformFlagConstDisallowed")
    return "$" not in platform and not _is_meant(stage, platform) and not skipped


def _is_meant(stage: Stage, platform: str) -> bool:
    """Tell whether the stage's name says that it is for this platform."""
    parts = platform.lower().split("/")
    return any(_ALIASES.get(part, part) in stage.name.lower() for part in parts[:2])


def _unpublished(build: Build, stage: Stage, platform: str) -> Iterator[Proposal]:
    """Yield advice where the registry says that the base image is for other platforms."""
    reference = stage.from_.words[0].text
    resolved = (build.resolved or {}).get(reference)
    asked = _normal(platform)
    if "$" in platform or not asked or not resolved or not resolved.platforms:
        return
    if asked in map(_normal, resolved.platforms) or is_skipped(build, stage.from_, "InvalidBaseImagePlatform"):
        return
    title = f"name a platform that {reference} is there for"
    evidence = f"it is for {', '.join(resolved.platforms)}; FROM asks for {asked}"
    yield advice(NAME, build, stage.from_, title, "the base image has the platform that FROM asks for", evidence)


def _normal(platform: str) -> str:
    """Return a platform as ``linux/amd64``, the version of the system and the variant left out; empty if half of it.

    An architecture alone is one of the builder's system.
    """
    system, _, rest = platform.lower().partition("/")
    if not rest:
        return "" if system in _SYSTEMS else _normal(f"linux/{system}")
    architecture = rest.partition("/")[0]
    return f"{system.partition('(')[0]}/{_ALIASES.get(architecture, architecture)}"


def _without(build: Build, stage: Stage, flag: Flag) -> Proposal | Refusal:
    line, place = stage.from_, build.place(stage.from_)
    if _has_own_value(build):
        return Refusal(NAME, place, "the file gives TARGETPLATFORM a value of its own")
    following = [other.span.start for other in line.flags if other.span.start > flag.span.start]
    span = Span(flag.span.start, min([*following, line.words[0].span.start]))
    if "\n" in build.dockerfile.source(span):
        return Refusal(NAME, place, "the flag stands on a line of its own")
    return Proposal(
        NAME,
        "leave out --platform=$TARGETPLATFORM",
        "docker build --check no longer warns of it",
        place,
        (Edit(build.path, span, ""),),
        (proved("the base image is for the same platform", "without the flag, FROM asks for the target platform"),),
    )


def _has_own_value(build: Build) -> bool:
    """Tell whether an ARG above the first FROM has a default for TARGETPLATFORM."""
    for line in build.dockerfile.instructions:
        if line.keyword == "FROM":
            return False
        if any(pair.key == "TARGETPLATFORM" and pair.value is not None for pair in line.pairs):
            return True
    return False
