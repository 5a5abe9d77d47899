"""Fetch the dependencies in a layer of their own before the project is copied.

Where a command builds straight from the sources (`COPY . .`, `RUN go build`), every edit of a source file
downloads all dependencies again. The tool's own command that only fetches them is put above the COPY, with what it
reads, so that it runs again only after an edit of the manifests.

The layer holds the dependencies themselves, not a cache mount: an exported cache carries layers to a CI runner that
starts empty, and no mounts. So a tool that offers such a layer asks for no mount over what the layer holds, and where
there is one already, nothing is added. Maven alone gets the layer only where it can have no mount (`--no-mounts`, or a
builder without them): its `go-offline` downloads far more than a build needs.

Declines where what the fetch reads cannot be listed or is made by an earlier step, where a command
between may prepare it in a way that is not known, where the step has no network or takes the dependencies
from the tree, and where an earlier step has fetched them. In a stage that ends in the image, or whose
dependencies are copied out of it, it is for review where a fetch may bring more than the build would.

```diff
 FROM golang:1.24 AS build
 WORKDIR /src
+COPY go.mod go.sum ./
+RUN go mod download
 COPY . .
 RUN go build -o /bin/app ./cmd/app
 FROM debian:bookworm-slim
 COPY --from=build /bin/app /bin/app
```
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import ecosystems
from ..build import effects
from ..build.build import Build
from ..build.copies import Copy
from ..build.paths import SYSTEM, inside, overlap
from ..build.runs import Run, Step
from ..ecosystems import Command, Fetch, Site
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._following import followers
from ._moving import Move
from ._passing import Needs, Passage
from ._script_edits import insert_behind
from ._taken import taken

NAME = "dependency-layer"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each fetch that can go above a broad COPY, or why it cannot."""
    for stage in build.stages:
        seen: set[tuple[str, str | None]] = set()
        for instruction in stage.instructions:
            run = build.run(instruction) if instruction.keyword == "RUN" else None
            if run and any(build.copy(line) for line in stage.instructions[: stage.instructions.index(instruction)]):
                for step in run.steps:
                    yield from _consider(Site(build, stage, run, step), seen)


def _consider(site: Site, seen: set[tuple[str, str | None]]) -> Iterator[Proposal | Refusal]:
    """Yield what becomes of one command; `seen` holds what was done or fetched before, and which tools declined."""
    command = ecosystems.recognise(site.step, site.view)
    ecosystem = next((one for one in ecosystems.discover() if command and command.ecosystem == one.NAME), None)
    cwd = site.step.cwd
    if command is None or ecosystem is None or (ecosystem.NAME, cwd) in seen:
        return
    try:
        fetch = ecosystem.fetch(site)
        if fetch and (fetch.title, cwd) not in seen and not _at_hand(site, fetch):
            seen.add((fetch.title, cwd))
            proposal = _Layer(site, fetch, ecosystem.NAME).proposal()
            if proposal:
                yield proposal
    except Declined as declined:
        seen.add((ecosystem.NAME, cwd))
        yield Refusal(NAME, site.build.step_place(site.run, site.step), declined.premise, declined.because)
    seen.add((command.title, cwd))


def _at_hand(site: Site, fetch: Fetch) -> bool:
    """Tell whether the command finds what the fetch would bring: in a mount, or brought by an earlier step."""
    places = [write.path for write in (*fetch.writes, *fetch.outputs)]
    mounted = [posixpath.join(site.run.state.workdir or "/", mount.target) for mount in site.run.mounts if mount.target]
    if any(overlap(target, place) for target in mounted for place in places):
        return True
    for level, line in site.stage.before(site.run.instruction):
        if line.keyword in ("COPY", "ADD") and line.flag("from") and line.words:
            target = posixpath.join(level.state(line).workdir or "/", line.words[-1].text)
            if any(overlap(target.rstrip("/") or "/", place) for place in places):
                return True
        elif line.keyword == "RUN":
            view = site.build.view(level, line)
            found = [(step, ecosystems.recognise(step, view)) for step in site.build.run(line).steps]
            if any(one and one.title == fetch.title and step.cwd == site.step.cwd for step, one in found):
                return True
    return False


@dataclass
class _Layer:
    """A fetch for one command on its way above the first COPY that brings more than it reads."""

    site: Site
    fetch: Fetch
    ecosystem: str

    def proposal(self) -> Proposal | None:
        """Return the proposal, None if no COPY above the command brings more than the fetch reads."""
        build, stage, run = self.site.build, self.site.stage, self.site.run
        copy = self._broad()
        if copy is None:
            return None
        if build.doubt:
            raise Declined(build.doubt)
        if "none" in run.instruction.flag_values("network"):
            raise Declined("the RUN has no network")
        lines = stage.instructions
        between = lines[lines.index(copy.instruction) + 1 : lines.index(run.instruction) + 1]
        self._same_shell()
        passage = Passage(build, stage, copy, cuts=True)
        passed, proof = self._passed(passage, between)
        for line, _ in passed:
            other = build.copy(line)
            if other and self._brings_more(other):
                raise Declined("a COPY of sources stands above what it needs", build.place(line))
        needs = passage.layer(run, self.site.step, self._command())
        rest = between[len(passed) :]
        text = self._text(passed[-1][0] if passed else copy.instruction)
        along = followers(build, stage, copy, passed) if passed else ()
        edits, found = Move(build, stage, copy, passed, along, text, needs, self._others(copy, rest)).edits()
        if run.instruction not in between[: len(passed)]:
            spared = (insert_behind(build, run, one.after.end, one.text) for one in self.fetch.edits if one.after)
            edits = (*edits, self._claim(), *spared)
        return Proposal(
            NAME,
            f"{self.fetch.title} in a layer of its own, before the project",
            self.fetch.gain,
            build.place(copy.instruction),
            edits,
            tuple(dict.fromkeys([*found, *proof, self._unnoticed()])),
        )

    def _claim(self) -> Edit:
        """Keep others from putting a mount in the RUN together with this: what it would hold is in the layer then."""
        head = Span(self.site.run.instruction.keyword_span.end - 1, self.site.run.instruction.body.offset(0))
        return Edit(self.site.build.path, head, self.site.build.dockerfile.source(head))

    def _same_shell(self) -> None:
        """Decline if the RUN's shell has set something before the command that the layer's shell would not."""
        run, step = self.site.run, self.site.step
        given = {**dict.fromkeys(run.state.args), **run.state.env, "HOME": run.home}
        own = {assignment.name for assignment in step.simple.assignments}
        changed = sorted(name for name, value in step.env.items() if name not in own and given.get(name, "") != value)
        before = run.steps[: run.steps.index(step)]
        if not changed:
            changed = [str(other.program) for other in before if other.program in ("umask", "ulimit", "trap", "shopt")]
        if changed:
            place = self.site.build.step_place(run, step)
            raise Declined(f"its RUN has changed {changed[0]} before it", place)

    def _command(self) -> Command:
        fetch = self.fetch
        made = [output.path for output in fetch.outputs]
        own = (write for write in fetch.writes if not any(inside(write.path, path) for path in made))
        writes = (*fetch.outputs, *own)
        return Command(self.ecosystem, fetch.title, True, fetch.reads, writes, proof=fetch.proof)

    def _broad(self) -> Copy | None:
        """Return the stage's first COPY that brings more than the fetch reads."""
        build, stage = self.site.build, self.site.stage
        for line in stage.instructions[: stage.instructions.index(self.site.run.instruction)]:
            copy = build.copy(line)
            if copy and (copy.opaque or self._brings_more(copy)):
                return copy
        return None

    def _brings_more(self, copy: Copy) -> bool:
        read = [path for read in self.fetch.reads for path in copy.below(read.path)]
        files = {entry.path for mapping in copy.mappings for entry in self.site.build.context.files(mapping.source)}
        return any(not any(inside(path, one) for one in read) for path in files)

    def _passed(
        self, passage: Passage, between: Sequence[Instruction]
    ) -> tuple[list[tuple[Instruction, Needs]], list[Obligation]]:
        """Return the instructions down to the last that the fetch needs before it, each with what passing it takes."""
        proof: list[Obligation] = []
        needed = [line for line in between if self._needed(line, proof)]
        passed: list[tuple[Instruction, Needs]] = []
        for line in between[: between.index(needed[-1]) + 1] if needed else ():
            needs = passage.past(line)
            passed.append((line, needs))
            if bool(needs.split) != (line is self.site.run.instruction):
                raise Declined("a RUN cannot be cut where it would have to be", self.site.build.place(line))
        return passed, proof

    def _needed(self, line: Instruction, proof: list[Obligation]) -> bool:
        """Tell whether the fetch may depend on what an instruction sets or writes; `proof` gets what is assumed."""
        if line.keyword in ("ENV", "ARG"):
            pattern = self.fetch.environment
            return pattern is None or any(pattern.fullmatch(pair.key) or "$" in pair.key for pair in line.pairs)
        if line.keyword in ("USER", "WORKDIR", "SHELL"):
            return True
        if line.keyword in ("COPY", "ADD"):
            return self._brings(line)
        if line.keyword != "RUN":
            return False
        run = self.site.build.run(line)
        if run.opaque:
            raise Declined(f"a RUN above it cannot be read: {run.opaque}", self.site.build.place(line))
        if effects.compounds(run):
            proof.append(self._doubt(run, None, "a RUN tests files or values"))
        mine = line is self.site.run.instruction
        steps = run.steps[: run.steps.index(self.site.step)] if mine else run.steps
        found = [self._prepares(run, step, proof) for step in steps]
        return any(found)

    def _brings(self, line: Instruction) -> bool:
        """Tell whether a COPY brings anything to where the fetch or its programs look, but for the manifests."""
        copy = self.site.build.copy(line)
        if copy and not copy.opaque:
            return self._touches(copy.writes(self.site.build.context), SYSTEM)
        target = line.words[-1].text if line.words else ""
        workdir = self.site.stage.state(line).workdir
        path = posixpath.join(workdir or "/", target)
        if "$" in path or copy:
            raise Declined("what a COPY above it brings is not known", self.site.build.place(line))
        return self._touches([path.rstrip("/") or "/"], self._places())

    def _places(self) -> list[str]:
        """Return where the fetch finds its programs and what it reads, and where it writes."""
        return [*SYSTEM, *(read.path for read in self.fetch.reads), *(write.path for write in self.fetch.writes)]

    @staticmethod
    def _touches(paths: Sequence[str], places: Sequence[str]) -> bool:
        return any(overlap(path, place) for path in paths for place in places)

    def _prepares(self, run: Run, step: Step, proof: list[Obligation]) -> bool:
        """Tell whether a command may prepare the fetch: install its programs, or write what it reads."""
        command = ecosystems.recognise(step, self.site.build.view(self.site.stage, run.instruction))
        if command and not command.declined and not command.project:
            mine = {write.path for write in self.fetch.writes} if command.ecosystem == self.ecosystem else set[str]()
            places = [place for place in self._places() if place not in mine]
            return self._touches([write.path for write in command.writes if write.path not in mine], places)
        known = effects.effect(step)
        if known is not None:
            return self._touches(known.writes, self._places())
        if command is None or command.ecosystem != self.ecosystem:
            proof.append(self._doubt(run, step, f"what `{step.program or '…'}` does is not known"))
        return False

    def _doubt(self, run: Run, step: Step | None, doubt: str) -> Obligation:
        build = self.site.build
        place = build.step_place(run, step) if step else build.place(run.instruction)
        return assumed(f"no command before it prepares {self.fetch.title}", doubt, place)

    def _others(self, copy: Copy, rest: Sequence[Instruction]) -> tuple[tuple[Copy, tuple[str, ...]], ...]:
        """Return the COPYs below the fetch that bring manifests, with these."""
        build, stage = self.site.build, self.site.stage
        found = []
        for line in rest:
            other = build.copy(line)
            paths: dict[str, None] = {}
            for read in self.fetch.reads if other else ():
                for path in other.below(read.path) if other else ():
                    if build.context.exists(path) and copy.context_path(read.path) != path:
                        paths[path] = None
            if other and paths:
                if stage.state(line).workdir != stage.state(rest[0]).workdir:
                    raise Declined("WORKDIR changes between the COPYs of what it reads", build.place(line))
                found.append((other, tuple(paths)))
        return tuple(found)

    def _text(self, above: Instruction) -> str:
        """Return the RUN for its place behind, or in the place of, the instruction `above`."""
        build, stage, run = self.site.build, self.site.stage, self.site.run
        flags = []
        # What leaves the same as the command itself needs the same cache beside it.
        kept = ("secret", "ssh", "cache", "tmpfs") if self.fetch.exact else ("secret", "ssh")
        for flag in run.instruction.flags:
            value = flag.value or ""
            kind = re.search(r"(?:^|,)type=(\w+)", value)
            if flag.name in ("network", "security") or (flag.name == "mount" and kind and kind[1] in kept):
                flags.append(build.dockerfile.source(flag.span))
            elif flag.name != "mount" or not kind or kind[1] not in ("cache", "tmpfs"):
                raise Declined(f"its RUN has --{flag.name}={value}")
        states = stage.states[stage.instructions.index(above) + 1 :]
        workdir, cwd = states[0].workdir, self.site.step.cwd
        if workdir is None or cwd is None:
            raise Declined("the directory that it runs in is not known")
        command = self.fetch.command
        if cwd != workdir:
            to = posixpath.relpath(cwd, workdir) if inside(cwd, workdir) else cwd
            if not re.fullmatch(r"[\w./@+-]+", to) or cwd.startswith("%") != workdir.startswith("%"):
                raise Declined(f"the directory {cwd} cannot be written in a command")
            command = f"cd {to} && {command}"
        command = command.replace("\n", f" {run.instruction.escape}{build.dockerfile.newline}    ")
        return " ".join([run.instruction.written, *flags, command])

    def _unnoticed(self) -> Obligation:
        """Judge whether anybody finds more in the image, or in what is copied out of the stage, than before."""
        build, stage = self.site.build, self.site.stage
        places = [write.path for write in self.fetch.writes]
        what = ", ".join(places)
        if self.fetch.exact:
            return proved(f"{self.fetch.title} leaves nothing that the command itself would not leave", what)
        claim = f"nothing of the image is in {what}"
        doubt = "the fetch may bring more than the build needs"
        if build.stages[-1].may_stand_on(stage):
            return assumed(claim, f"the image is built on this stage, and {doubt}", build.place(build.stages[-1].from_))
        for instruction, path in taken(build, stage):
            if "$" in path or any(overlap(path, place) for place in places):
                evidence = f"{instruction.keyword} takes it out of this stage, and {doubt}"
                return assumed(claim, evidence, build.place(instruction))
        return proved(claim, "the image is not built on this stage, and no COPY or mount takes it out")
