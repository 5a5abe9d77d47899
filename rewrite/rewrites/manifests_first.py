"""Copy only what an install reads before it, and the rest of the project after it.

A broad COPY before an install makes every edit of a source file run the install again. The COPY
is moved below the installs that do not need it; what they do read is copied just before each.

Declines where the list of files that an install reads cannot be made (a script of the project, a
build back end that asks git, a variable), where an instruction in between reads or writes what the
COPY brings, and where the context holds files at the place of the install's output.

```diff
-COPY . .
+COPY requirements.txt ./
 RUN pip install -r requirements.txt
+COPY . .
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..build.build import Build
from ..build.copies import Copy
from ..build.paths import inside
from ..build.stages import Stage
from ..model import Declined, Proposal, Refusal, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._following import followers
from ._ignoring import IgnoreLines
from ._layout import Block, block_of, ended, start_above_orders
from ._passing import STANDING, Needs, Passage

NAME = "manifests-first"
_Passed = tuple[Instruction, Needs]


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each broad COPY that can be moved below an install, or why it cannot."""
    for stage in build.stages:
        for instruction in stage.instructions:
            copy = build.copy(instruction)
            if copy and build.doubt and any(mapping.is_dir for mapping in copy.mappings):
                yield Refusal(NAME, build.place(instruction), build.doubt)
            elif copy and (copy.opaque or any(mapping.is_dir for mapping in copy.mappings)):
                yield from _consider(build, stage, copy)


def _consider(build: Build, stage: Stage, copy: Copy) -> Iterator[Proposal | Refusal]:
    after = stage.after(copy.instruction)
    passage = Passage(build, stage, copy)
    passed: list[_Passed] = []
    obstacle: tuple[Instruction, Declined] | None = None
    for instruction in after:
        try:
            passed.append((instruction, passage.past(instruction)))
            if passed[-1][1].split:
                break
        except Declined as declined:
            obstacle = instruction, declined
            break
    passed, along, stopped = _together(build, stage, copy, passed)
    obstacle = stopped or obstacle
    if passed:
        try:
            proposal = _Move(build, stage, copy, passed, along).proposal()
        except Declined as declined:
            yield Refusal(NAME, build.place(copy.instruction), declined.premise, declined.because)
            return
        if proposal:
            yield proposal
    elif obstacle and any(passage.installs(line) for line in after[after.index(obstacle[0]) :]):
        yield Refusal(
            NAME, build.place(copy.instruction), obstacle[1].premise, obstacle[1].because or build.place(obstacle[0])
        )


def _together(
    build: Build, stage: Stage, copy: Copy, passed: list[_Passed]
) -> tuple[list[_Passed], tuple[Instruction, ...], tuple[Instruction, Declined] | None]:
    """Return `passed` up to the last install that the COPY can go below, what goes along, and what stopped it."""
    obstacle: tuple[Instruction, Declined] | None = None
    while passed:
        last = max((at for at, (_, needs) in enumerate(passed) if needs.install), default=-1)
        try:
            return passed[: last + 1], followers(build, stage, copy, passed[: last + 1]), obstacle
        except Declined as declined:
            at = next(at for at, (_, needs) in enumerate(passed) if needs.along)
            obstacle, passed = (passed[at][0], declined), passed[:at]
    return [], (), obstacle


@dataclass
class _Move:
    """One COPY's way below the instructions `passed`, the last of which is an install; `along` go with it."""

    build: Build
    stage: Stage
    copy: Copy
    passed: list[_Passed]
    along: tuple[Instruction, ...] = ()
    provided: set[str] = field(default_factory=set)

    def proposal(self) -> Proposal | None:
        """Return the proposal; None if the COPY brings nothing but what the installs read."""
        build, copy = self.build, self.copy
        wanted = {path for _, needs in self.passed for path in needs.manifests}
        if self._only_manifests(wanted):
            return None
        ignore = IgnoreLines(build)
        for _, needs in self.passed:
            for output in needs.outputs:
                ignore.require(output)
        block = block_of(build.dockerfile, copy.instruction)
        at_copy = any(instruction.keyword == "WORKDIR" for instruction, _ in self.passed)
        self._already_copied()
        if at_copy and not wanted:
            self._same_owner()
        edits = [*self._manifest_edits(block, at_copy), self._moved(block)]
        if not at_copy:
            edits.append(Edit(build.path, block.whole, ""))
        edits += [Edit(build.path, block_of(build.dockerfile, line).whole, "") for line in self.along]
        proof = [item for _, needs in self.passed for item in needs.proof] + ignore.proof
        for line in self.along:
            where = build.place(line)
            proof.append(proved("what the COPY from another stage brings is not used before", "it goes along", where))
        proof.insert(0, proved("the files that the installs read are copied before them", self._listing()))
        names = ", ".join(dict.fromkeys(needs.title for _, needs in self.passed if needs.install))
        return Proposal(
            NAME,
            f"copy the manifests first, the project after {names}",
            "an edit of a source file no longer runs the install again",
            build.place(copy.instruction),
            (*edits, *ignore.edits()),
            tuple(dict.fromkeys(proof)),
        )

    def _only_manifests(self, wanted: set[str]) -> bool:
        files = {entry.path for mapping in self.copy.mappings for entry in self.build.context.files(mapping.source)}
        covered = {path for path in files if any(path == want or path.startswith(want + "/") for want in wanted)}
        return not files - covered

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
        found = [path for _, needs in self.passed for path in needs.manifests]
        return ", ".join(dict.fromkeys(found)) or "they read nothing of it"

    def _already_copied(self) -> None:
        """Leave out what an earlier COPY of the stage has put in the same place with the same flags."""
        flags = self._flags()
        view = self.build.view(self.stage, self.copy.instruction)
        for instruction in self.stage.instructions:
            if instruction is self.copy.instruction:
                return
            other = self.build.copy(instruction)
            if other and tuple(f"--{flag.name}={flag.value}" for flag in instruction.flags) == flags:
                for mapping in other.mappings:
                    same = not mapping.is_dir and self.copy.context_path(mapping.destination) == mapping.source
                    # A RUN in between that may have changed it makes the view forget it.
                    if same and view.read(mapping.destination) is not None:
                        self.provided.add(mapping.source)

    def _flags(self) -> tuple[str, ...]:
        return tuple(f"--{flag.name}={flag.value}" for flag in self.copy.instruction.flags)

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
            text = "".join(line + newline for line in together)
            yield Edit(build.path, block.whole, text + (block.gap if together else ""))

    def _lines(self, manifests: tuple[str, ...]) -> Iterator[str]:
        """Yield COPY lines for `manifests`, one for each directory, in the order of the directories."""
        instruction = self.copy.instruction
        groups: dict[str, list[str]] = {}
        for path in manifests:
            if path in self.provided or any(path.startswith(done + "/") for done in self.provided):
                continue
            self.provided.add(path)
            if set(path) & set("*?[]\\$\"'`"):
                raise Declined(f"the name {path!r} has characters that COPY reads as more than a name")
            groups.setdefault(self._target(path), []).append(path)
        keyword = "copy" if instruction.written.islower() else "COPY"
        raw = [self.build.dockerfile.source(flag.span) for flag in instruction.flags]
        if any("\n" in flag for flag in raw):
            raise Declined("the COPY's flags are spread over lines")
        for target, paths in sorted(groups.items()):
            words = [*paths, target]
            quoted = "[" + ", ".join(f'"{word}"' for word in words) + "]"
            yield " ".join([keyword, *raw, quoted if any(" " in word for word in words) else " ".join(words)])

    def _target(self, path: str) -> str:
        """Return the destination, as the COPY spells it, that puts the context path `path` where the COPY does."""
        raw = self.copy.instruction.words[-1].text
        if set(raw) & set("\"'\\`"):
            raise Declined("the COPY's destination is quoted")
        raw = raw.rstrip("/") or "/"
        base = raw + ("" if raw.endswith("/") else "/")
        for mapping in reversed(self.copy.mappings):
            prefix = "" if mapping.source == "." else mapping.source + "/"
            if not mapping.is_dir and mapping.source == path:
                return base
            if mapping.is_dir and (path + "/").startswith(prefix):
                tail = path[len(prefix) :]
                # A directory is copied by its contents, so its own name belongs to the destination.
                tail = tail if self.build.context.is_dir(path) else tail.rpartition("/")[0]
                return base + (tail + "/" if tail else "")
        raise Declined(f"where {path} goes is not known")

    def _moved(self, block: Block) -> Edit:
        build, newline = self.build, self.build.dockerfile.newline
        last, needs = self.passed[-1]
        texts = [self._text(block)]
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
