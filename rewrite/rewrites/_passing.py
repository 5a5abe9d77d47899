"""May a COPY stand below an instruction that follows it? What must be copied before, and what must not come after?"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from .. import ecosystems
from ..build import effects
from ..build.build import Build
from ..build.copies import Copy, keeps_parents, read_copy
from ..build.needs import excludes
from ..build.paths import SYSTEM, inside, join, overlap
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation, proved
from ..source.dockerfile import Instruction
from ..source.words import variables
from ._ignoring import Output
from ._splitting import Split, split_before

# They only write the image's configuration.
_NEUTRAL = frozenset("CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL MAINTAINER ONBUILD SHELL STOPSIGNAL USER".split())


@dataclass(frozen=True, slots=True)
class Needs:
    """What passing one instruction takes: context paths to copy before it, outputs to keep clear of.

    With `split` only the first half of a RUN is passed, and nothing below it. `touched` are the image paths that a
    RUN reads and writes, directories for all below them, `named` those that its commands and variables name.
    `along` says why a COPY from another stage can only be passed if it is moved along.
    """

    install: bool = False
    title: str = ""
    manifests: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    proof: tuple[Obligation, ...] = ()
    split: Split | None = None
    touched: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    along: Declined | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _Found:
    """A command of a RUN and what it takes to pass it."""

    step: Step
    command: ecosystems.Command
    manifests: tuple[str, ...]
    outputs: tuple[Output, ...]


class Passage:
    """One COPY of a stage and the question which instructions it can be moved past.

    `cuts` tells whether a RUN may be cut in two that installs nothing in its first half.
    """

    def __init__(self, build: Build, stage: Stage, copy: Copy, cuts: bool = False) -> None:
        self.cuts = cuts
        self.build = build
        self.stage = stage
        self.copy = copy
        self.written = () if copy.opaque else copy.writes(build.context)
        if copy.instruction.flag("from") and copy.destination:
            self.written = (copy.destination,)
        self.names = {name for word in copy.instruction.words for name in variables(word.text, copy.instruction.escape)}
        self.names |= {name for flag in copy.instruction.flags for name in variables(flag.value or "")}
        # Directories that exist without the COPY: working directories now, those of copied manifests later.
        before = stage.states[: stage.instructions.index(copy.instruction) + 1]
        states = [state for level in stage.lineage[1:] for state in level.states] + list(before)
        self.there = {state.workdir for state in states if state.workdir}

    def installs(self, instruction: Instruction) -> bool:
        """Tell whether a RUN installs something, readable or not."""
        if instruction.keyword != "RUN":
            return False
        view = self.build.view(self.stage, instruction)
        found = (ecosystems.recognise(step, view) for step in self.build.run(instruction).steps)
        return any(command and command.install for command in found)

    def past(self, instruction: Instruction) -> Needs:
        """Return what it takes to move the COPY below `instruction`; raises Declined if it cannot be."""
        if self.copy.opaque:
            raise Declined(self.copy.opaque, self.build.place(self.copy.instruction))
        keyword = instruction.keyword
        if keyword in _NEUTRAL:
            return Needs()
        if keyword in ("ENV", "ARG"):
            changed = self.names & {pair.key for pair in instruction.pairs}
            if changed:
                raise Declined(f"{keyword} sets {', '.join(sorted(changed))}, which the COPY uses")
            return Needs()
        if keyword == "WORKDIR":
            return self._past_workdir(instruction)
        if keyword in ("COPY", "ADD"):
            try:
                return self._past_copy(instruction)
            except Declined as declined:
                if not instruction.flag("from"):
                    raise
                return Needs(along=declined)
        if keyword == "RUN":
            return self._past_run(instruction)
        raise Declined(f"the COPY must not be moved past {keyword}")

    def _past_workdir(self, instruction: Instruction) -> Needs:
        workdir = self.stage.states[self.stage.instructions.index(instruction) + 1].workdir
        path = self.copy.context_path(workdir) if workdir else None
        if path is not None:
            self._plain(path)
            if self.build.context.exists(path) and not self.build.context.is_dir(path):
                raise Declined(f"WORKDIR is {workdir}, where the COPY brings a file")
        if keeps_parents(self.copy.instruction) and any(inside(workdir or "/", path) for path in self.written):
            raise Declined("WORKDIR would create a directory that the COPY makes")
        self.there.add(workdir or "/")
        return Needs()

    def _past_copy(self, instruction: Instruction) -> Needs:
        other = self.build.copy(instruction)
        if other is None:
            written = self._from_elsewhere(instruction)
        elif other.opaque:
            raise Declined(other.opaque)
        else:
            written = other.writes(self.build.context)
        for path in written:
            for mine in self.written:
                if overlap(path, mine):
                    raise Declined(f"both this COPY and the one below it write {mine}")
        self._same_directories(instruction, other.destination if other else written[0])
        return Needs()

    def _same_directories(self, instruction: Instruction, destination: str | None) -> None:
        """Decline if the other COPY would now create directories that this one creates, with other owners or modes."""
        mine = self.copy.destination
        flags = [
            {(flag.name, flag.value) for flag in line.flags if flag.name in ("chown", "chmod")}
            for line in (self.copy.instruction, instruction)
        ]
        if flags[0] == flags[1] or destination is None or mine is None:
            return
        shared = posixpath.commonpath([mine, destination]) if mine[0] == destination[0] else "/"
        if not STANDING.fullmatch(shared) and not any(inside(place, shared) for place in self.there):
            raise Declined(f"the COPY below it would create {shared} with another owner or mode")

    def _from_elsewhere(self, instruction: Instruction) -> tuple[str, ...]:
        """Return what a COPY from a stage or an image writes: its destination, or the file below it that it names."""
        other = read_copy(instruction, self.stage.state(instruction), self.build.context)
        if other.destination is None or other.opaque:
            raise Declined("what it copies, and where to, is not known")
        return (other.destination,)

    def _past_run(self, instruction: Instruction) -> Needs:
        run = self.build.run(instruction)
        if run.opaque:
            raise Declined(f"the RUN cannot be read: {run.opaque}")
        self._not_into_the_system()
        self._same_owner(run)
        self._mounts(run)
        if effects.compounds(run):
            raise Declined("the RUN tests files or values in a way that is not followed")
        found: list[_Found] = []
        split: Split | None = None
        for step in run.steps:
            try:
                command = self._step(run, step)
                found.append(_Found(step, command, tuple(self._manifests(command, run)), tuple(self._outputs(command))))
            except Declined:
                # What comes before this command may still go first, in a RUN of its own.
                found = [entry for entry in found if entry.step.item is not step.item]
                writes = any(entry.outputs for entry in found)
                worth = self.cuts or any(entry.command.install for entry in found)
                if worth and not self._on_old_lists(run, found, step):
                    split = split_before(self.build, run, step, writes)
                if split is None:
                    raise
                found = [entry for entry in found if run.span(entry.step.item.span).start < split.gap.start]
                break
        return self._needs(run, found, split)

    def _not_into_the_system(self) -> None:
        for path in self.written:
            if any(overlap(path, system) for system in SYSTEM):
                raise Declined(f"the COPY writes {path}, which belongs to the system")

    def _same_owner(self, run: Run) -> None:
        """Decline if the RUN may give another number to the group that the COPY names."""
        flag = self.copy.instruction.flag("chown")
        renumbers = any(step.program == "groupmod" for step in run.steps)
        if renumbers and flag and not re.fullmatch(r"\d+(:\d+)?", flag.value or ""):
            raise Declined(f"`groupmod` may change what --chown={flag.value} means")

    def layer(self, run: Run, step: Step, command: ecosystems.Command) -> Needs:
        """Return what it takes to run `command` above the COPY, in the directory of `step`; raises Declined."""
        self._not_into_the_system()
        found = _Found(step, command, tuple(self._manifests(command, run)), tuple(self._outputs(command)))
        return self._needs(run, [found], None)

    def _on_old_lists(self, run: Run, found: Sequence[_Found], step: Step) -> bool:
        """Tell whether the system's package manager, behind a cut before `step`, would use lists of a cached layer."""
        view = self.build.view(self.stage, run.instruction)
        rest = [other for other in run.steps if other.simple.span.start >= step.item.span.start]
        behind = {command.ecosystem for other in rest if (command := ecosystems.recognise(other, view))}
        return bool(behind & {entry.command.ecosystem for entry in found} & ecosystems.of_the_system())

    def _needs(self, run: Run, found: Sequence[_Found], split: Split | None) -> Needs:
        installs = [entry.command for entry in found if entry.command.install]
        title = ", ".join(dict.fromkeys(command.title for command in installs))
        manifests = list(dict.fromkeys(path for entry in found for path in entry.manifests))
        if manifests and not installs:
            raise Declined(f"the RUN reads {manifests[0]}")
        outputs = tuple(output for entry in found for output in entry.outputs)
        if installs:
            self._not_configured(run)
        self.there |= {path for manifest in manifests for path in self._directories(manifest)}
        for entry in found:
            self._finds_directories(entry, run)
        proof = [item for entry in found for item in entry.command.proof]
        proof += self._nothing_else(run, [entry.step for entry in found], manifests)
        if split:
            proof.append(
                proved("the second half of the RUN begins where the first one led its shell", "only && joins them")
            )
        touched, named = _touched(run, found)
        return Needs(bool(installs), title, tuple(manifests), outputs, tuple(proof), split, touched, named)

    def _directories(self, manifest: str) -> Iterator[str]:
        """Yield the image directories that copying the context path `manifest` makes."""
        for mapping in self.copy.mappings:
            if mapping.is_dir and (mapping.source == "." or inside(manifest, mapping.source)):
                path = posixpath.join(mapping.destination, posixpath.relpath(manifest, mapping.source))
                yield posixpath.normpath(path) if self.build.context.is_dir(manifest) else posixpath.dirname(path)

    def _finds_directories(self, entry: _Found, run: Run) -> None:
        """Decline if a command works in a directory that only the COPY makes."""
        step, destination = entry.step, self.copy.destination or "/"
        wanted = [step.cwd]
        for write in entry.command.writes:
            # Package managers make the directories that they need, below one that is there.
            inner = inside(write.path, destination) and write.path != destination
            tool = inner and entry.command.ecosystem and write.local
            wanted.append(destination if tool else posixpath.dirname(write.path))
        if step.program in ("cd", "pushd") and len(step.words) > 1:
            wanted.append(join(step.cwd, step.words[1] or "."))
            self._no_link(wanted[-1], run, step)
        for directory in wanted:
            if directory is None or STANDING.fullmatch(directory):
                continue
            if destination == "/" and entry.command.ecosystem and not self._brings(directory):
                continue  # a tool's own place, such as CARGO_HOME
            made = inside(directory, destination) or inside(destination, directory)
            if made and not any(inside(place, directory) for place in self.there):
                place = self.build.step_place(run, step)
                raise Declined(f"`{step.program}` needs the directory {directory}, which the COPY makes", place)

    def _no_link(self, directory: str | None, run: Run, step: Step) -> None:
        """Decline if an earlier command may have made `directory` a link: the files would lie elsewhere."""
        earlier = [line for _, line in self.stage.before(run.instruction) if line.keyword == "RUN"]
        found = [(other, made) for line in earlier for other in (self.build.run(line),) for made in other.steps]
        found += [(run, made) for made in run.steps if made.simple.span.start < step.simple.span.start]
        for other, made in found:
            if made.program == "ln":
                known = effects.effect(made)
                if known is None or directory is None or any(overlap(directory, path) for path in known.writes):
                    place = self.build.step_place(other, made)
                    raise Declined(f"`{step.program}` may follow a symbolic link to another directory", place)

    def _not_configured(self, run: Run) -> None:
        """Decline if an earlier RUN may have told the package manager to read something of the project."""
        for _, line in self.stage.before(run.instruction):
            if line.keyword == "RUN" and ecosystems.configures(self.build.dockerfile.source(line.span)):
                raise Declined("an earlier RUN configures the package manager", self.build.place(line))

    def _nothing_else(self, run: Run, steps: Sequence[Step], manifests: Sequence[str]) -> Iterator[Obligation]:
        programs = ", ".join(dict.fromkeys(step.program for step in steps if step.program))
        what = "reads nothing else of what the COPY brings" if manifests else "reads nothing of what the COPY brings"
        yield proved(f"RUN {programs} {what}", "every command in it is known", self.build.place(run.instruction))

    def _mounts(self, run: Run) -> None:
        for mount in run.mounts:
            target = mount.target
            if mount.kind in ("secret", "ssh"):
                continue
            if not target or "$" in target:
                raise Declined("the RUN has a mount whose target is not known")
            path = posixpath.normpath(posixpath.join(run.state.workdir or "/", target))
            if mount.kind == "bind" or any(overlap(path, mine) for mine in self.written):
                raise Declined(f"the RUN has a {mount.kind} mount at {target}")

    def _step(self, run: Run, step: Step) -> ecosystems.Command:
        view = self.build.view(self.stage, run.instruction)
        place = self.build.step_place(run, step)
        command = ecosystems.recognise(step, view)
        if command is None:
            known = effects.effect(step)
            if known is None:
                name = step.program or step.simple.words[0].raw
                raise Declined(f"what `{name}` reads and writes is not known", place)
            tests = step.program in ("test", "[")
            reads = tuple(ecosystems.Read(path, f"`{step.program}` reads it", not tests) for path in known.reads)
            writes = tuple(ecosystems.Write(path, f"`{step.program}` writes") for path in known.writes)
            return ecosystems.Command("", step.program or "", reads=(*reads, *self._named(step)), writes=writes)
        if command.declined:
            raise Declined(f"{command.title}: {command.declined.premise}", command.declined.because or place)
        try:
            to = effects.redirected(step)
        except effects.Unknown:
            raise Declined("where its output goes is not known", place) from None
        for path in (found for target in to.writes for found in self.copy.below(target)):
            if self.build.context.exists(path):
                raise Declined(f"the context has {path}, which `{step.program}` overwrites", place)
            self._never_brought(path, f"the output of `{step.program}` goes to {path}")
        reads = (
            *(ecosystems.Read(path, "its input is redirected from there") for path in to.reads),
            *self._named(step),
        )
        if step.program in _BY_COREPACK and not command.install:
            # corepack runs the version that package.json names.
            reads += (ecosystems.Read(join(step.cwd, "package.json") or "/", "corepack reads it"),)
        writes = tuple(ecosystems.Write(path, "its output is redirected to it", local=False) for path in to.writes)
        return replace(command, reads=(*command.reads, *reads), writes=(*command.writes, *writes))

    def _never_brought(self, path: str, what: str) -> None:
        """Decline unless the ignore file keeps `path` out: somebody else may have such a file in their tree."""
        if not excludes(self.build.context, (), path):
            raise Declined(f"{what}, and a COPY below would bring back what is there in another's tree")

    def _named(self, step: Step) -> Iterator[ecosystems.Read]:
        """Yield the files of the COPY that a word or a variable of the command names, whatever it is for."""
        for name, value in step.env.items():
            if name == "PATH":
                # A program there may be the command itself, or one that it starts.
                yield from (
                    ecosystems.Read(path, "PATH names it") for path in (value or "").split(":") if self._brings(path)
                )
            elif value and value.startswith("/"):
                for path in value.split(":"):
                    if name in _DIRECTORIES or self._brings_file(path):
                        yield ecosystems.Read(path, f"{name} names it")
        for word in step.words[1:]:
            for text in re.split(r"[=:,@]", word or ""):
                named = join(step.cwd, text) if text else None
                if named and self._brings_file(named):
                    yield ecosystems.Read(named, "the command names it")
        if step.program in ("curl", "wget"):
            for dotfile in (".curlrc", ".wgetrc", ".netrc"):
                yield ecosystems.Read(f"{step.env.get('HOME') or '/root'}/{dotfile}", f"{step.program} reads it")

    def _brings(self, path: str) -> str | None:
        """Return the context path of what the COPY brings to an image path, None if it brings nothing there."""
        found = self.copy.context_path(posixpath.normpath(path)) if path.startswith(("/", "%")) else None
        return found if found is not None and self.build.context.exists(found) else None

    def _brings_file(self, path: str) -> bool:
        found = self._brings(path)
        return found is not None and not self.build.context.is_dir(found)

    def _manifests(self, command: ecosystems.Command, run: Run) -> Iterator[str]:
        """Yield the context paths of the COPY that `command` reads."""
        view = self.build.view(self.stage, run.instruction)
        for read in command.reads:
            found = [path for path in self.copy.below(read.path) if self.build.context.exists(path)]
            elsewhere = view.exists(read.path) or not (command.ecosystem or self._mine(read.path))
            if read.required and not found and not elsewhere:
                raise Declined(
                    f"{read.path} ({read.why}) is not in the build context", self.build.place(run.instruction)
                )
            for path in found:
                if path == ".":
                    raise Declined(
                        f"{command.title} reads all of {read.path} ({read.why})", self.build.place(run.instruction)
                    )
                self._plain(path)
                yield path

    def _mine(self, path: str) -> bool:
        """Tell whether the COPY's destination holds `path`, so that only the COPY or a step before it can bring it."""
        return inside(path, self.copy.destination or "/") and path != self.copy.destination

    def _plain(self, path: str) -> None:
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            entry = self.build.context.tree.stat("/".join(names[:depth]))
            if entry and entry.link is not None:
                raise Declined(f"{entry.path} is a symbolic link, which COPY does not copy as one")

    def _outputs(self, command: ecosystems.Command) -> Iterator[Output]:
        for write in command.writes:
            if write.path in SYSTEM:
                continue  # the COPY brings nothing there, see _past_run
            for path in self.copy.below(write.path):
                if path == "." or any(
                    mapping.is_dir and inside(mapping.source, path) for mapping in self.copy.mappings
                ):
                    raise Declined(f"{command.title} writes {write.path} ({write.why}), where the COPY's files go")
                if not command.ecosystem:
                    if self.build.context.exists(path):
                        raise Declined(f"`{command.title}` writes {write.path}, which the COPY brings")
                    if command.title in _CHANGES_ONLY:
                        continue
                    if command.title in _MAKES_ENVIRONMENTS:
                        yield Output(path, write.why)
                    elif command.title != "mkdir":
                        self._never_brought(path, f"`{command.title}` writes {write.path}")
                    continue
                yield Output(path, write.why, write.local, write.replaced)


def _touched(run: Run, found: Sequence[_Found]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the image paths that the commands and mounts of a RUN use, and those that words and variables name."""
    used = [posixpath.normpath(posixpath.join(run.state.workdir or "/", mount.target)) for mount in run.mounts]
    named: list[str] = []
    for step, command in ((entry.step, entry.command) for entry in found):
        used += [read.path for read in command.reads] + [write.path for write in command.writes]
        named.append(step.cwd or "/")
        # The names of packages are no paths.
        packages = command.ecosystem in ecosystems.of_the_system()
        for word in step.words[1:] if not packages else [word for word in step.words[1:] if "/" in (word or "")]:
            named += filter(None, (join(step.cwd, text) for text in re.split(r"[=:,@]", word or "") if text))
        for name, value in step.env.items():
            paths = [posixpath.normpath(path) for path in (value or "").split(":") if path.startswith("/")]
            searched = name.endswith("PATH") or name in _DIRECTORIES or name == "VIRTUAL_ENV"
            (used if searched else named).extend(paths)
    return tuple(dict.fromkeys(used)), tuple(dict.fromkeys(named))


# They may be corepack's.
_BY_COREPACK = frozenset({"pnpm", "pnpx", "yarn", "yarnpkg"})
# Variables that name a directory to read from.
_DIRECTORIES = frozenset({"CURL_HOME", "GNUPGHOME", "SSL_CERT_DIR", "XDG_CONFIG_HOME"})
# What these make, developers have in their trees too.
_MAKES_ENVIRONMENTS = frozenset({"python", "python3", "virtualenv"})
# Directories of every image.
STANDING = re.compile(
    r"/|%|/(?:bin|etc|home|lib|media|mnt|opt|root|run|sbin|srv|tmp|usr|var)(?:/(?:local|src|lib|cache|tmp))?"
)
# What these write does not exist unless the COPY or somebody else brought it.
_CHANGES_ONLY = frozenset({"rm", "chmod", "chown", "chgrp", "rmdir"})
