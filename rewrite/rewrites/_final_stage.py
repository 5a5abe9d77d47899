"""Which instructions of a single stage make the final stage of a split: what stays, what is copied, what is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..build.paths import BASE, inside, join
from ..build.runs import Run
from ..model import Declined
from ..runtimes import ACCOUNTS, Candidate, Runtime
from ..source import edits as text_edits
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ..source.words import variables
from ._layout import block_of
from ._owners import changed_owner
from ._reading import is_named

# They say how the image is used, and nothing of how it is made.
_DESCRIBING = frozenset("CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL MAINTAINER STOPSIGNAL VOLUME".split())
_EXPANDED = frozenset("ARG COPY ADD ENV EXPOSE LABEL STOPSIGNAL USER VOLUME WORKDIR".split())


@dataclass(frozen=True)
class FinalStage:
    """The final stage of `candidate` for `runtime`.

    The instructions behind the last one that builds are its tail, and stay where they are.
    """

    candidate: Candidate
    runtime: Runtime

    @cached_property
    def cut(self) -> int:
        """How many instructions of the stage are the build's."""
        lines = self.candidate.stage.instructions
        at = len(lines)
        while at and self._only_final(lines[at - 1]):
            at -= 1
        return at

    def _only_final(self, line: Instruction) -> bool:
        if line.keyword == "RUN":
            return line in self.candidate.setup and self._missing(self.candidate.build.run(line)) == ""
        return line.keyword not in ("COPY", "ADD") and not self._dropped(line)

    def _dropped(self, line: Instruction) -> bool:
        """Tell whether the base's own takes the place of an instruction."""
        return not self.runtime.starts and line.keyword in ("CMD", "ENTRYPOINT")

    @property
    def tail(self) -> tuple[Instruction, ...]:
        """The instructions that stay behind the build, in the final stage."""
        return self.candidate.stage.instructions[self.cut :]

    @property
    def _above(self) -> tuple[Instruction, ...]:
        return self.candidate.stage.instructions[: self.cut]

    @cached_property
    def moved(self) -> tuple[Instruction, ...]:
        """The instructions above that only the final image needs."""
        return tuple(line for line in self._above if line.keyword in _DESCRIBING)

    @cached_property
    def copied(self) -> tuple[Instruction, ...]:
        """The instructions above that both stages need, in their order."""
        found = [line for line in self._above if self._is_copied(line)]
        users = [line for line, after in zip(found, [*found[1:], None], strict=False) if not _same(line, after)]
        wanted = [*users, *self.moved, *self.tail]
        names = {
            pair.key
            for line in found
            if line.keyword == "ARG"
            for pair in line.pairs
            if any(is_named(self.candidate.build, other, (pair.key,)) for other in wanted if other is not line)
        }
        return tuple(line for line in users if line.keyword != "ARG" or any(pair.key in names for pair in line.pairs))

    def _is_copied(self, line: Instruction) -> bool:
        if line.keyword == "ENV":
            return not all(self.runtime.build_only.fullmatch(pair.key) for pair in line.pairs) or self._is_named(line)
        if line.keyword == "WORKDIR":
            return line is [other for other in self._above if other.keyword == "WORKDIR"][-1]
        if line.keyword == "RUN":
            return line in self.candidate.setup
        return line.keyword in ("ARG", "USER")

    def _is_named(self, line: Instruction) -> bool:
        """Tell whether an instruction that the final stage has as well names a variable that `line` sets."""
        names = tuple(pair.key for pair in line.pairs)
        others = [one for one in (*self._above, *self.tail) if one.keyword in _DESCRIBING | {"ENV", "USER", "WORKDIR"}]
        return any(is_named(self.candidate.build, one, names) for one in others if one is not line)

    def check(self) -> None:
        """Raise Declined for what the final stage would not have as the single one has it."""
        build = self.candidate.build
        given = {"PATH"}
        for line in (*self.copied, *self.moved, *self.tail):
            if line.keyword in _EXPANDED:
                for name in sorted(variables(line.body.text, line.escape) - given):
                    raise Declined(f"it names ${name}, which the final stage would not have", build.place(line))
            if line.keyword in ("ARG", "ENV"):
                given |= {pair.key for pair in line.pairs}
            if line.keyword == "RUN":
                run = build.run(line)
                missing = self._missing(run)
                if missing:
                    raise Declined(f"it needs {missing}, which the final stage would not have", build.place(line))
                if not self.runtime.distribution.shell:
                    raise Declined(f"a RUN needs a shell, which {self.runtime.base} has not", build.place(line))
        if self.directory_owner and not self.runtime.distribution.shell:
            raise Declined(f"the directory of the program belongs to {self.directory_owner}")
        if self.workdir is None or self.workdir.startswith(BASE):
            raise Declined("the directory that the program starts in is not known")

    @property
    def workdir(self) -> str | None:
        """The directory in force where the build ends."""
        return self.candidate.stage.states[self.cut].workdir

    @cached_property
    def directory_owner(self) -> str:
        """Whom a RUN of the build has given the program's directory itself, "" if nobody."""
        runs = [line for line in self._above if line.keyword == "RUN" and line not in self.copied]
        owner = changed_owner((self.candidate.build.run(line) for line in runs), self.workdir or "")
        return "" if owner.partition(":")[0] in ("root", "0") else owner

    def known_owner(self, owner: str) -> None:
        """Raise Declined if `owner` is nobody's name where files are copied to the final stage."""
        name = owner.partition(":")[0]
        made = {word for line in self.copied if line.keyword == "RUN" for word in line.body.text.split()}
        if name and not name.isdigit() and name not in self.runtime.distribution.accounts | made:
            raise Declined(f"files belong to {name}, whom the final stage does not know yet")

    def _missing(self, run: Run) -> str:
        """Return a path that a RUN changes and that nobody would have brought to the final stage, "" if none."""
        made = [state.workdir for state in self.candidate.stage.states if state.workdir]
        homes = [word for step in run.steps if step.program in ACCOUNTS for word in step.words if word and "/" in word]
        made += homes
        carried = [one.target or one.source for one in self.runtime.carried]
        late = run.instruction not in self._before_copies
        for step in run.steps:
            operands = [join(step.cwd, word) for word in step.words[1:] if word and not word.startswith("-")]
            if step.program == "mkdir":
                made += [path for path in operands if path]
            elif step.program in ("chown", "chmod", "chgrp"):
                for path in operands[1:]:
                    if path is None:
                        return "a path that is not known"
                    known = [*made, *(carried if late else ())]
                    if not any(inside(one, path) for one in known):
                        return path
        return ""

    @cached_property
    def _before_copies(self) -> tuple[Instruction, ...]:
        lines = self.candidate.stage.instructions
        last = max((at for at, line in enumerate(lines) if line.keyword in ("COPY", "ADD")), default=0)
        return lines[:last]

    def lines(self) -> Iterator[str]:
        """Yield the text of what is copied to the final stage, above its COPYs."""
        dockerfile = self.candidate.build.dockerfile
        written = False
        for line in self.copied:
            if line.keyword == "WORKDIR":
                written = True
                plain = line.body.text.startswith("/") and "$" not in line.body.text
                yield _text(dockerfile.source(line.span)) if plain else f"{line.written} {self.workdir}"
            else:
                yield _text(dockerfile.source(line.span))
        if not written and self.workdir != "/":
            yield f"WORKDIR {self.workdir}"
        if self.directory_owner:
            self.known_owner(self.directory_owner)
            yield f"RUN chown {self.directory_owner} {self.workdir}"

    def moved_lines(self) -> Iterator[str]:
        """Yield the text of what is moved, with the comments above."""
        dockerfile = self.candidate.build.dockerfile
        for line in self.moved:
            if self._dropped(line):
                continue
            body = block_of(dockerfile, line).body
            shift = line.span.start - body.start
            edits = [
                Edit("", Span(one.start + shift, one.end + shift), one.text)
                for one in self.runtime.edited
                if one.line is line
            ]
            yield _text(text_edits.apply(dockerfile.source(body), edits))

    def place(self) -> tuple[int, bool]:
        """Return where the final stage's head goes in, and whether a blank line stands above."""
        dockerfile = self.candidate.build.dockerfile
        if self.tail:
            block = block_of(dockerfile, self.tail[0])
            return block.body.start, block.lonely
        lines = list(self.candidate.stage.instructions)
        while len(lines) > 1 and lines[-2] in self.moved:
            lines.pop()
        moved = bool(lines) and lines[-1] in self.moved
        return len(dockerfile.text), moved and block_of(dockerfile, lines[-1]).lonely


def _text(source: str) -> str:
    return source.replace("\r\n", "\n").rstrip("\n")


def _same(line: Instruction, after: Instruction | None) -> bool:
    """Tell whether a USER is overruled by the next instruction."""
    return after is not None and line.keyword == after.keyword == "USER"
