"""A COPY on its way below what does not need it: the edits that move it and copy the manifests before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..build.build import Build
from ..build.copies import Copy, Mapping, keeps_parents
from ..build.frontend import asked
from ..build.paths import inside
from ..build.stages import Stage
from ..model import Declined, Obligation, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._ignoring import IgnoreLines
from ._layout import Block, block_of, ended, start_above_orders
from ._passing import STANDING, Needs

# The frontend 1.20 was the first with a COPY --parents that was no experiment any more.
_PARENTS = 20
# So many COPYs, or more, become one with --parents; so long a line is written as several.
_MANY, _LONG = 3, 120
_FROM_ELSEWHERE = "what the COPY from another stage brings"


@dataclass
class Move:
    """One COPY's way below the instructions `passed`; `along` go with it.

    With `layer` (the text of an instruction) and its `needs`, this instruction is put before the COPY in its new place,
    or directly above it if nothing is passed; `others` are COPYs further down, each with the context paths that this
    instruction reads of it. `frontend` is the ``# syntax`` whose COPY --parents is used.
    """

    build: Build
    stage: Stage
    copy: Copy
    passed: list[tuple[Instruction, Needs]]
    along: tuple[Instruction, ...] = ()
    layer: str = ""
    needs: Needs = field(default_factory=Needs)
    others: tuple[tuple[Copy, tuple[str, ...]], ...] = ()
    provided: set[str] = field(default_factory=set)
    frontend: str = ""

    def edits(self) -> tuple[tuple[Edit, ...], tuple[Obligation, ...]]:
        """Return the edits and what proves them; raises Declined."""
        build, copy = self.build, self.copy
        ignore = IgnoreLines(build)
        for needs in self._all():
            for output in needs.outputs:
                ignore.require(output)
        block = block_of(build.dockerfile, copy.instruction)
        at_copy = any(instruction.keyword == "WORKDIR" for instruction, _ in self.passed)
        self._already_copied()
        if at_copy and not self._wanted():
            self._same_owner()
        edits = [*self._manifest_edits(block, at_copy), self._moved(block, self._layer(at_copy))]
        if self.passed and not at_copy:
            edits.append(Edit(build.path, block.whole, ""))
        edits += [Edit(build.path, block_of(build.dockerfile, line).whole, "") for line in self.along]
        proof = [item for needs in self._all() for item in needs.proof] + ignore.proof
        for line in self.along:
            what = "what the RUN does to the files of the COPY" if line.keyword == "RUN" else _FROM_ELSEWHERE
            proof.append(proved(f"{what} is not used before", "it goes along", build.place(line)))
        if self.frontend:
            proof.append(proved("the builder knows COPY --parents", f"since 1.{_PARENTS}; # syntax={self.frontend}"))
        proof.insert(0, proved("the files that the installs read are copied before them", self._listing()))
        return (*edits, *ignore.edits()), tuple(dict.fromkeys(proof))

    def only_manifests(self) -> bool:
        """Tell whether the COPY brings nothing but what is copied before it anyway."""
        files = {entry.path for mapping in self.copy.mappings for entry in self.build.context.files(mapping.source)}
        wanted = self._wanted()
        covered = {path for path in files if any(path == want or path.startswith(want + "/") for want in wanted)}
        return not files - covered

    def _wanted(self) -> set[str]:
        return {path for needs in self._all() for path in needs.manifests}

    def _all(self) -> list[Needs]:
        return [*(needs for _, needs in self.passed), self.needs]

    def _same_owner(self) -> None:
        """Decline if a WORKDIR would now create the destination, and give it another owner or mode than the COPY."""
        states = dict(zip((id(line) for line in self.stage.instructions), self.stage.states[1:], strict=True))
        at = self.stage.instructions.index(self.copy.instruction)
        there = [state.workdir for state in self.stage.states[: at + 1]]
        destination = self.copy.destination or "/"
        for instruction, _ in self.passed:
            workdir = states[id(instruction)].workdir
            related = workdir is not None and (inside(workdir, destination) or inside(destination, workdir))
            if instruction.keyword != "WORKDIR" or not related or STANDING.fullmatch(workdir or "/"):
                continue
            user = states[id(instruction)].user
            root = user in ("root", "0") or (user == "" and self.stage.base.official)
            plain = not self.copy.instruction.flag("chown") and not self.copy.instruction.flag("chmod")
            made = destination if inside(workdir or "/", destination) else workdir or "/"
            if not (root and plain) and not any(path and inside(path, made) for path in there):
                place = self.build.place(instruction)
                raise Declined(f"WORKDIR would create {destination} with another owner or mode than the COPY", place)

    def _listing(self) -> str:
        found = [path for needs in self._all() for path in needs.manifests]
        found += [path for _, manifests in self.others for path in manifests]
        return ", ".join(dict.fromkeys(found)) or "they read nothing of it"

    def _already_copied(self) -> None:
        """Leave out what an earlier COPY of the stage has put in the same place with the same flags."""
        flags = _owners_and_modes(self.copy.instruction)
        view = self.build.view(self.stage, self.copy.instruction)
        for instruction in self.stage.instructions:
            if instruction is self.copy.instruction:
                return
            other = self.build.copy(instruction)
            if other and _owners_and_modes(instruction) == flags:
                for mapping in other.mappings:
                    same = not mapping.is_dir and self.copy.context_path(mapping.destination) == mapping.source
                    # A RUN in between that may have changed it makes the view forget it.
                    if same and view.read(mapping.destination) is not None:
                        self.provided.add(mapping.source)

    def _manifest_edits(self, block: Block, at_copy: bool) -> Iterator[Edit]:
        build, newline = self.build, self.build.dockerfile.newline
        together: list[str] = []
        for instruction, needs in self.passed:
            lines = list(self._lines(needs.manifests))
            if at_copy:
                together += lines
            elif lines:
                # Above the comment: one that speaks to a linter must stay directly above its instruction.
                start = start_above_orders(build.dockerfile, instruction)
                apart = newline if block.gap and start < instruction.span.start else ""
                yield Edit(build.path, Span(start, start), "".join(line + newline for line in lines) + apart)
        if at_copy:
            together += self._lines(self.needs.manifests)
            text = "".join(line + newline for line in together)
            yield Edit(build.path, block.whole, text + (block.gap if together else ""))

    def _layer(self, at_copy: bool) -> str:
        """Return the text of the layer with the COPYs that it needs, those apart that stand in the COPY's old place."""
        if not self.layer:
            return ""
        lines = [] if at_copy else list(self._lines(self.needs.manifests))
        for copy, manifests in self.others:
            lines += self._grouped(copy, manifests)
        return "".join(line + self.build.dockerfile.newline for line in [*lines, self.layer])

    def _lines(self, manifests: tuple[str, ...]) -> Iterator[str]:
        """Yield COPY lines for `manifests`, one for each directory, in the order of the directories."""
        new: list[str] = []
        for path in manifests:
            if path not in self.provided and not any(path.startswith(done + "/") for done in self.provided):
                self.provided.add(path)
                new.append(path)
        return self._grouped(self.copy, new)

    def _grouped(self, copy: Copy, manifests: Sequence[str]) -> Iterator[str]:
        groups: dict[str, list[str]] = {}
        for path in manifests:
            if set(path) & set("*?[]\\$\"'`"):
                raise Declined(f"the name {path!r} has characters that COPY reads as more than a name")
            groups.setdefault(self._target(copy, path), []).append(path)
        raw = [self.build.dockerfile.source(flag.span) for flag in copy.instruction.flags]
        if any("\n" in flag for flag in raw):
            raise Declined("the COPY's flags are spread over lines")
        words = self._with_parents(copy, manifests) if len(groups) >= _MANY else ()
        if words:
            self.frontend = asked(self.build.dockerfile, _PARENTS)
            yield self._line(copy, ["--parents", *raw], [*words, self._base(copy)], wrap=True)
            return
        for target, paths in sorted(groups.items()):
            named = [copy.word(path) or path for path in paths] if keeps_parents(copy.instruction) else paths
            yield self._line(copy, raw, [*named, target])

    def _line(self, copy: Copy, flags: Sequence[str], words: Sequence[str], wrap: bool = False) -> str:
        start = " ".join(["copy" if copy.instruction.written.islower() else "COPY", *flags])
        if any(" " in word for word in words):
            return f"{start} [" + ", ".join(f'"{word}"' for word in words) + "]"
        line = " ".join([start, *words])
        dockerfile = self.build.dockerfile
        short = len(line) <= _LONG or not wrap
        return line if short else f" {dockerfile.escape}{dockerfile.newline}    ".join([start, *words])

    def _with_parents(self, copy: Copy, manifests: Sequence[str]) -> Sequence[str]:
        """Return how one COPY --parents names all of `manifests`, nothing where it may not or cannot."""
        build = self.build
        if build.builder != "buildkit" or not asked(build.dockerfile, _PARENTS) or copy.instruction.flag("parents"):
            return ()
        # It copies links as such, where the builder follows those that a plain COPY names.
        if any(not inside(entry.path, path) for path in manifests for entry in build.context.files(path)):
            return ()
        words = [copy.word(path) for path in manifests]
        return () if None in words else [str(word) for word in words]

    def _target(self, copy: Copy, path: str) -> str:
        """Return the destination, as the COPY spells it, that puts the context path `path` where the COPY does."""
        raw = copy.instruction.words[-1].text
        if set(raw) & set("\"'\\`"):
            raise Declined("the COPY's destination is quoted")
        if len(copy.instruction.words) == 2 and copy.mappings[0] == Mapping(path, copy.destination or "", False):
            return raw  # one file, which may get another name
        base = self._base(copy)
        if keeps_parents(copy.instruction):
            return base
        for mapping in reversed(copy.mappings):
            prefix = "" if mapping.source == "." else mapping.source + "/"
            if not mapping.is_dir and mapping.source == path:
                return base
            if mapping.is_dir and (path + "/").startswith(prefix):
                tail = path[len(prefix) :]
                # A directory is copied by its contents, so its own name belongs to the destination.
                tail = tail if self.build.context.is_dir(path) else tail.rpartition("/")[0]
                return base + (tail + "/" if tail else "")
        raise Declined(f"where {path} goes is not known")

    def _base(self, copy: Copy) -> str:
        raw = copy.instruction.words[-1].text.rstrip("/")
        return f"{raw}/"

    def _moved(self, block: Block, layer: str) -> Edit:
        build, newline = self.build, self.build.dockerfile.newline
        above = layer + block.gap if layer else ""
        if not self.passed:
            start = start_above_orders(build.dockerfile, self.copy.instruction)
            return Edit(build.path, Span(start, start), above)
        last, needs = self.passed[-1]
        texts = [above + self._text(block)]
        texts += [ended(build.dockerfile.source(block_of(build.dockerfile, line).body), newline) for line in self.along]
        text = block.gap.join(texts)
        if needs.split:
            # The whole first half is replaced by itself, so that no other edit of the RUN lands in both halves.
            half = Span(last.keyword_span.end, needs.split.gap.start)
            kept = build.dockerfile.source(half)
            tail = newline + block.gap + text + block.gap + needs.split.head
            return Edit(build.path, Span(half.start, needs.split.gap.end), kept + tail)
        end = last.span.end
        if build.dockerfile.text[:end].endswith("\n"):
            return Edit(build.path, Span(end, end), block.gap + text)
        return Edit(build.path, Span(end, end), newline + block.gap + text.rstrip("\r\n"))

    def _text(self, block: Block) -> str:
        """Return the COPY's text for its new place; the destination becomes absolute if WORKDIR has changed."""
        dockerfile, instruction = self.build.dockerfile, self.copy.instruction
        text = dockerfile.source(block.body)
        before = self.stage.state(instruction).workdir
        states = self.stage.states
        after = states[self.stage.instructions.index(self.passed[-1][0]) + 1].workdir
        raw = instruction.words[-1]
        text = ended(text, dockerfile.newline)
        if before == after or raw.text.startswith("/") or (raw.text.startswith("$") and "WORKDIR" not in raw.text):
            return text
        destination = self.copy.destination
        if destination is None or not destination.startswith("/") or instruction.json is not None:
            raise Declined("WORKDIR changes in between, and the COPY's destination cannot be made absolute")
        at = raw.span.start - block.body.start
        return text[:at] + destination.rstrip("/") + "/" + text[at + raw.span.end - raw.span.start :]


def _owners_and_modes(instruction: Instruction) -> tuple[str, ...]:
    """Return the flags of a COPY but for --parents, which says nothing of the files themselves."""
    return tuple(f"--{flag.name}={flag.value}" for flag in instruction.flags if flag.name != "parents")
