"""Advise on a variable that nothing sets.

The builder puts nothing in its place, without an error: `COPY --from=x /app/$NAME /` copies all of `/app`. The usual
causes are an ARG above the first FROM, which a stage has to declare again, a TARGETARCH that is not declared, and a
slip of the pen. `docker build --check` warns of them (UndefinedVar), and of a FROM whose variable no ARG declares
(UndefinedArgInFrom) or whose name is no name as long as nobody gives the ARG a value (InvalidDefaultArgInFrom).

Declines to speak where the base image may set the variable, unless the file shows that it means an ARG of its own, and
where the reference has a default (`${NAME:-x}`).

```diff
 ARG VERSION=1.2
 FROM debian:bookworm-slim
+ARG VERSION
 COPY app-$VERSION.tar /
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from ..build.build import Build
from ..build.stages import Stage
from ..model import Proposal, Refusal
from ..source.dockerfile import Instruction
from ..source.words import LexError, unquote, variables
from ._checks import advice, is_skipped

NAME = "undefined-variables"

_PLATFORM = frozenset(
    f"{side}{part}" for side in ("TARGET", "BUILD") for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE"}
_ALWAYS = re.compile(r"PATH|(?:https?|ftp|no|all)_proxy|BUILDKIT_\w+", re.IGNORECASE)
_EXPANDED = frozenset({"ADD", "COPY", "ENV", "EXPOSE", "LABEL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"})
# They set PATH and nothing else.
_BARE = re.compile(r"(?:docker\.io/)?(?:library/)?(?:debian|ubuntu|alpine|busybox)(?:[:@].*)?|scratch")
_PLAIN = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_REFERENCE = re.compile(
    r"[\w][\w.-]*(?::\d+)?(?:/[\w][\w.-]*)*(?::[\w][\w.-]*)?(?:@\w+:\w+)?",
)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on each instruction that names a variable which nothing sets."""
    defaults = {pair.key: pair.value for line in _global_lines(build) for pair in line.pairs}
    for stage in build.stages:
        yield from _base(build, stage, defaults)
        for line in stage.instructions:
            if line.keyword in _EXPANDED and not is_skipped(build, line, "UndefinedVar"):
                for name in sorted(_plain(line)):
                    yield from _use(build, stage, line, name, defaults)


def _global_lines(build: Build) -> Iterator[Instruction]:
    for line in build.dockerfile.instructions:
        if line.keyword == "FROM":
            return
        if line.keyword == "ARG":
            yield line


def _plain(line: Instruction) -> set[str]:
    """Return the variables that an instruction names without a default."""
    texts = [line.body.text, *(flag.value or "" for flag in line.flags if flag.name != "from")]
    plain = {match[1] or match[2] for text in texts for match in _PLAIN.finditer(text)}
    return plain & {name for text in texts for name in variables(text, line.escape)}


def _use(
    build: Build, stage: Stage, line: Instruction, name: str, defaults: dict[str, str | None]
) -> Iterator[Proposal]:
    known = stage.state(line).env
    if name in known or _ALWAYS.fullmatch(name) or stage.windows or stage.candidates:
        return
    elsewhere = name in defaults or name in _PLATFORM
    bare = stage.base_certain and _BARE.fullmatch(stage.base.reference)
    if not elsewhere and not bare:
        return
    close = get_close_matches(name, [*known, "PATH"], 1, 0.75)
    if elsewhere:
        title, evidence = f"declare ARG {name} in the stage", "an ARG counts in a stage only where it is declared there"
    else:
        title = f"set {name}" + (f", or write {close[0]}" if close else ", or take it out")
        evidence = f"no ARG or ENV of the stage is called so, and {stage.base.reference} sets none"
    yield advice(NAME, build, line, title, f"{name} has a value", evidence)


def _base(build: Build, stage: Stage, defaults: dict[str, str | None]) -> Iterator[Proposal]:
    """Yield advice on the variables of a FROM."""
    line = stage.from_
    texts = [line.words[0].text, *(flag.value or "" for flag in line.flags)] if line.words else []
    undefined = {name for text in texts for name in variables(text, line.escape)} & _plain(line)
    undefined = {name for name in undefined - defaults.keys() - _PLATFORM if not _ALWAYS.fullmatch(name)}
    for name in sorted(undefined):
        if not is_skipped(build, line, "UndefinedArgInFrom"):
            evidence = "no ARG above the first FROM declares it"
            yield advice(NAME, build, line, f"declare ARG {name} above the first FROM", f"{name} has a value", evidence)
    if not undefined and texts and not is_skipped(build, line, "InvalidDefaultArgInFrom"):
        shown = _by_default(line, defaults)
        if shown is not None and not _REFERENCE.fullmatch(shown):
            title, claim = f"give the ARG of FROM {texts[0]} a default", "without a build argument, FROM names an image"
            yield advice(NAME, build, line, title, claim, f"it names {shown or 'nothing'}")


def _by_default(line: Instruction, defaults: dict[str, str | None]) -> str | None:
    """Return what a FROM names as long as nobody gives an ARG a value, None if that cannot be known."""
    raw = line.words[0].text
    # To a variable without a value, `-` and `+` mean another thing than to an empty one.
    if "$" not in raw or re.search(r"\$\{\w+[-+?]", raw):
        return None

    def lookup(name: str) -> str | None:
        if name in _PLATFORM or _ALWAYS.fullmatch(name):
            return "linux"
        value = defaults.get(name) or ""
        return unquote(value, line.escape, lookup) if value != f"${name}" else ""

    try:
        return unquote(raw, line.escape, lookup)
    except (LexError, RecursionError):
        return None
