"""Copy what comes from another stage or image with --link, so that a change above does not copy it again.

A COPY runs again when anything above it changes, or the base image, even if its files are the same; with `--link` it
is a layer of its own, which the builder and the registry then have already. That holds for builders that merge layers:
those of `docker buildx create`, and the Docker engine's with its containerd image store. Others copy as before.

`--link` makes the directories above the destination anew, as root's with mode 0755, and puts a file in the place of a
directory or of a link. It is proposed where the stage's own steps make nothing else of them, and is for review where
that rests on the base image; nothing else of the image can change.

Declines where a directory may have another mode or owner or be a link (`/tmp`, `/bin`, a home, what a `RUN` or an
earlier `COPY` has made); for base images of which nothing is known; with `--chown`, `--chmod` and the like; where a
file might replace a directory; under a `# syntax` older than 1.4, and for builders other than BuildKit. A COPY from
the build context is only linked where it brings 16 MiB or more, as less takes no time.

```diff
 FROM golang:1.24 AS build
 WORKDIR /src
 COPY . .
 RUN go build -o /out/app .
 FROM debian:bookworm-slim
 RUN apt-get update && apt-get install -y ca-certificates
-COPY --from=build /out/app /usr/local/bin/
+COPY --link --from=build /out/app /usr/local/bin/
```
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath

from ..build.build import Build
from ..build.copies import Copy, read_copy
from ..build.frontend import asked, older
from ..build.paths import inside
from ..build.stages import Stage
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._plain_directories import PlainDirectories

NAME = "link-copies"
_LARGE = 16 * 2**20


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each COPY that is worth a link, or why it cannot have one."""
    for stage in build.stages:
        for instruction in stage.instructions:
            if instruction.keyword == "COPY" and not instruction.flag("link") and _gains(build, stage, instruction):
                try:
                    yield _proposal(build, stage, instruction)
                except Declined as declined:
                    yield Refusal(NAME, build.place(instruction), declined.premise, declined.because)


def _gains(build: Build, stage: Stage, instruction: Instruction) -> bool:
    """Tell whether something above can change that leaves the COPY's files as they are, and copying them takes time."""
    if stage.windows or instruction.heredocs:
        return False
    copy = build.copy(instruction)
    if copy and build.context.size(mapping.source for mapping in copy.mappings) < _LARGE:
        return False
    maker = _maker(build, stage, instruction)
    levels = maker.lineage if maker else ()
    for level, line in stage.before(instruction):
        other = line.keyword in ("ADD", "COPY") and line.flag_values("from") != instruction.flag_values("from")
        if (other or line.keyword == "RUN") and not any(level is one for one in levels):
            return True
    base = stage.base.reference
    return base != "scratch" and (maker is None or maker.base.reference != base)


def _maker(build: Build, stage: Stage, instruction: Instruction) -> Stage | None:
    """Return the stage that a COPY takes its files from, None if it is the context or an image."""
    flag = instruction.flag("from")
    return build.stage_called(flag.value or "", stage) if flag else None


def _proposal(build: Build, stage: Stage, instruction: Instruction) -> Proposal:
    where = build.place(instruction)
    if build.builder != "buildkit":
        raise Declined(f"the builder ({build.builder}) may not know COPY --link")
    if syntax := older(build.dockerfile, 4):
        raise Declined(f"# syntax={syntax} is older than COPY --link (1.4)")
    _flags(instruction)
    copy = build.copy(instruction) or read_copy(instruction, stage.state(instruction), build.context)
    if copy.opaque or copy.destination is None:
        raise Declined(copy.opaque or "where it copies to is not known")
    if not copy.destination.startswith("/"):
        raise Declined("it copies into the base image's own working directory, of which nothing is known")
    directories, file = _on_the_way(build, stage, copy)
    what = instruction.words[0].text if len(instruction.words) == 2 else f"{len(instruction.words) - 1} sources"
    flag = instruction.flag("from")
    what += f" of {flag.value}" if flag else ""
    end = instruction.keyword_span.end
    return Proposal(
        NAME,
        f"link {what}",
        f"a change above, or of the base image, no longer copies {what} again",
        where,
        (Edit(build.path, Span(end, end), " --link"),),
        (
            proved("what is copied gets the same modes and owners", "--link is about the directories above it", where),
            *PlainDirectories(build, stage, instruction, directories, file).proof(),
            _known(build),
        ),
    )


def _flags(instruction: Instruction) -> None:
    """Decline for flags that --link does not go with."""
    for flag in instruction.flags:
        if flag.name == "chmod":
            raise Declined("with --chmod the builder takes no notice of --link")
        if flag.name == "chown" and flag.value not in ("0", "0:0"):
            raise Declined("--link would give the directories above to the owner in --chown, or not know the name")
        if flag.name not in ("chown", "from"):
            raise Declined(f"what --{flag.name} and --link do together is not known")


def _on_the_way(build: Build, stage: Stage, copy: Copy) -> tuple[list[str], str]:
    """Return the directories that --link makes anew, and the path at which it puts a file, or may ("" if nowhere)."""
    destination = copy.destination or "/"
    above = [str(path) for path in reversed(PurePosixPath(destination).parents)][1:]
    whole = [*above, destination] if destination != "/" else []
    raw = copy.instruction.words[-1].text
    if raw.endswith(("/", "/.")) or raw in (".", ".."):
        return whole, ""
    if len(copy.instruction.words) > 2 or copy.wildcard:
        raise Declined("its destination has no slash at the end")
    return (whole, "") if _brings_directory(build, stage, copy) else (above, destination)


def _brings_directory(build: Build, stage: Stage, copy: Copy) -> bool:
    """Tell whether the only source of a COPY is known to be a directory."""
    if not copy.instruction.flag("from"):
        return all(mapping.is_dir for mapping in copy.mappings)
    path = posixpath.normpath("/" + copy.instruction.words[0].text.lstrip("/"))
    maker = _maker(build, stage, copy.instruction)
    states = [state for level in maker.lineage for state in level.states] if maker else []
    return any(state.workdir and inside(state.workdir, path) for state in states)


def _known(build: Build) -> Obligation:
    """Return whether the builder knows COPY --link."""
    lines = build.dockerfile.instructions
    used = next((line for line in lines if line.heredocs or line.flag("link")), None)
    if used:
        return proved("the builder knows COPY --link", "the file uses what came with it (1.4)", build.place(used))
    if syntax := asked(build.dockerfile, 4):
        return proved("the builder knows COPY --link", f"since 1.4, and # syntax={syntax} is in force")
    return assumed("the builder knows COPY --link", "Docker 23 or BuildKit 0.10 is needed; no # syntax asks for one")
