"""Write COPY for an ADD that does nothing more.

ADD unpacks archives and downloads addresses, so a reader has to look at each source to know what happens; hadolint
warns of it (DL3020). Where every source is a directory or a file that is no archive, COPY does the same.

Declines where a source is an archive, an address or a git repository, where it is a pattern or a variable (which may
name an archive tomorrow), where it is not in the build context, and where a flag has a meaning for ADD alone.

```diff
-ADD requirements.txt ./
+COPY requirements.txt ./
```
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator

from ..build.build import Build
from ..model import Declined, Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit

NAME = "add-to-copy"

_SHARED_FLAGS = frozenset({"chmod", "chown", "exclude", "link"})
# gzip, bzip2, xz and zstd, as they begin: what ADD looks for, whatever the name is.
_COMPRESSED = (b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_HEADER = 512


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each ADD that COPY can stand in for, or why it cannot."""
    for stage in build.stages:
        for instruction in stage.instructions:
            if instruction.keyword != "ADD":
                continue
            try:
                yield _proposal(build, instruction)
            except Declined as declined:
                yield Refusal(NAME, build.place(instruction), declined.premise, declined.because)


def _proposal(build: Build, instruction: Instruction) -> Proposal:
    special = [flag.name for flag in instruction.flags if flag.name not in _SHARED_FLAGS]
    if special:
        raise Declined(f"--{special[0]} has a meaning for ADD alone")
    if build.doubt:
        raise Declined(build.doubt)
    copy = build.copy(instruction)
    if copy is None or (copy.opaque and not instruction.heredocs):
        raise Declined(copy.opaque if copy else "it copies nothing from the build context")
    if copy.wildcard:
        raise Declined("a source is a pattern, which may match an archive")
    for mapping in copy.mappings:
        if not mapping.is_dir:
            _no_archive(build, mapping.source)
    sources = ", ".join(dict.fromkeys(mapping.source for mapping in copy.mappings)) or "the text in the Dockerfile"
    written = "copy" if instruction.written.islower() else "COPY"
    return Proposal(
        NAME,
        "write COPY for ADD",
        "a reader sees that nothing is unpacked or downloaded",
        build.place(instruction),
        (Edit(build.path, instruction.keyword_span, written),),
        (proved("ADD would unpack and download nothing of it", f"{sources}: looked at", build.place(instruction)),),
    )


def _no_archive(build: Build, path: str) -> None:
    """Decline unless the file at a context path is there, and is nothing that ADD would unpack."""
    content = build.context.read(path)
    if content is None:
        raise Declined(f"{path} is not in the build context, so it may be an archive")
    head = content[:_HEADER].encode("utf-8", "surrogateescape")[:_HEADER]
    if head.startswith(_COMPRESSED) or _is_tar(head):
        raise Declined(f"ADD unpacks {path}, if it is an archive")


def _is_tar(head: bytes) -> bool:
    """Tell whether a file that begins with `head` is a tar archive, by the checksum in its header."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
