"""Lines for the ignore file that a rewrite's safety needs, and the proof that nobody misses what they exclude."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import ecosystems
from ..build.build import Build
from ..build.needs import excludes, needed, relied_on, revives, sources
from ..model import Declined, Obligation, assumed, proved
from ..source import ignorefile
from ..source.edits import Edit, Span


@dataclass(frozen=True, slots=True)
class Output:
    """A context path where a command of the image writes: what is there now must not come back with a COPY.

    `replaced`: the command makes the directory anew whatever was there. `file`: it rewrites a file
    that the context has. `local`: developers have it in their tree, so it has to be ignored.
    """

    path: str
    why: str
    local: bool = True
    replaced: bool = False


@dataclass
class IgnoreLines:
    """Collects lines; `proof` says why each is allowed."""

    build: Build
    lines: list[str] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)

    def require(self, output: Output) -> None:
        """Make sure that the COPY does not bring `output.path`; raises Declined if it must."""
        build, path = self.build, output.path
        sample = f"{path}/x".replace("*", "x") if output.local else path
        claim = f"the COPY brings nothing to {path}, where {output.why}"
        if excludes(build.context, tuple(self.lines), sample):
            sent = build.context.files(path) if "*" not in path else ()
            if sent:
                raise Declined(f"{build.context.ignore_path} takes {sent[0].path} back in, where {output.why}")
            self.proof.append(proved(claim, f"{build.context.ignore_path} excludes it"))
            return
        present = build.context.glob(path) if "*" in path else ((path,) if build.context.exists(path) else ())
        if not output.local:
            self._file(output, claim, present)
            return
        asker = needed(build, path.replace("*", "x"))
        if asker:
            raise Declined(f"{path} is written by the install, and copied by name elsewhere", asker.where)
        asker = relied_on(build, path, ecosystems.installing())
        if asker:
            raise Declined(
                f"{path} has to be ignored, and a COPY that brings it stands where nothing is installed", asker.where
            )
        if revives(build.context, path):
            raise Declined(f"{path} has to be ignored, and {build.context.ignore_path} takes part of it back in")
        if present and path.rpartition("/")[2] == ".git":
            self.proof.append(assumed("nothing else in the image asks git", "the install sets git hooks where .git is"))
        elif present and not output.replaced:
            raise Declined(f"the context has {present[0]}, where {output.why}: the COPY would overwrite it")
        self.lines.append(path)
        self.proof.append(proved(claim, f"a line is added to {build.context.ignore_path}"))

    def _file(self, output: Output, claim: str, present: tuple[str, ...]) -> None:
        if present:
            doubt = f"{output.why}; the COPY puts the context's file back"
            self.proof.append(assumed(f"the install leaves {output.path} as it is", doubt))
        else:
            self.proof.append(proved(claim, "the context has no such file"))

    def edits(self) -> tuple[Edit, ...]:
        """Return the edit of the ignore file, if lines are to be added."""
        return (ignore_edit(self.build, self.lines),) if self.lines else ()


def ignore_edit(build: Build, lines: Sequence[str]) -> Edit:
    """Return the edit that adds `lines` to the ignore file.

    The file itself is excluded with them: a broad COPY would bring it, or its new text, into the image.
    """
    text = build.ignore_text or ""
    at, insertion = ignorefile.append(text, [*lines, *_own_line(build, lines)])
    return Edit(build.context.ignore_path, Span(at, at), insertion)


def _own_line(build: Build, lines: Sequence[str]) -> list[str]:
    name = build.ignore_name
    copied = any(source.path == "." or set(source.path) <= set("*") for source in sources(build))
    read = any(
        name in dockerfile.source(line.span) for _, dockerfile in build.dockerfiles for line in dockerfile.instructions
    )
    if not name or not copied or read or excludes(build.context, tuple(lines), name) or needed(build, name):
        return []
    titled = any(line.startswith("#") for line in lines)
    return ["", "# This file", name] if titled else [name]
