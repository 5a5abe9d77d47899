"""Credentials that a COPY brings for the steps of a build: as a mount, these steps have them and the image does not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import ecosystems
from ..build import effects
from ..build.accounts import account
from ..build.build import Build
from ..build.copies import Mapping
from ..build.images import ROOT
from ..build.paths import inside, join, overlap
from ..build.runs import Run, Step
from ..build.secrets import is_secret
from ..build.stages import Stage
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ._layout import block_of, removals
from ._script_edits import delete, insert, mount_flags
from ._taken import taken
from ._taking_out import commands

# Files by which tools of a build log in somewhere; what a program reads when it runs is not among them.
_CREDENTIALS = re.compile(
    r"(?i)(?:\A|/)(?:\.npmrc|\.yarnrc(?:\.yml)?|pip\.conf|\.netrc|\.pypirc|nuget\.config|settings\.xml"
    r"|\.git-credentials|id_(?:rsa|dsa|ecdsa|ed25519))\Z"
)
_SSH = ".ssh"
_KEY = re.compile(r"(?:\A|/)id_\w+\Z")
_OLD_SYNTAX = re.compile(r"docker/dockerfile:(?:1\.[01](?:\.|-|\Z)|experimental|0)")
_OTHER_USERS = frozenset({"su", "sudo", "gosu", "su-exec", "runuser", "setpriv", "chroot"})
_REMOTE = frozenset({"git", "ssh", "scp", "sftp", "rsync"})
_ADJUSTS = frozenset({"chmod", "chown", "chgrp"})
_CHANGES = frozenset({"mv", "cp", "sed", "tee", "ln", "rm"})


@dataclass(frozen=True, slots=True)
class _Secret:
    """A file of the context that holds credentials, and the image path that a COPY gives it.

    `named` is what the COPY names: the file, or the directory that it lies in.
    """

    source: str
    target: str
    named: str

    @property
    def name(self) -> str:
        """What the mount calls it."""
        return re.sub(r"\W+", "_", posixpath.basename(self.source).lstrip(".")).lower()

    @property
    def is_key(self) -> bool:
        """Whether it is a key for ssh in the place where ssh looks for it."""
        return bool(_KEY.search(self.source))

    def mount(self, stage: Stage, run: Run) -> str:
        """Return the mount that gives it to a RUN, whoever runs that."""
        kind = "type=ssh" if self.is_key else f"type=secret,id={self.name},target={self.target},required=true"
        user = account(stage, run.instruction)
        if user is None or any(step.program in _OTHER_USERS for step in run.steps) or run.opaque:
            owner = f",mode={'0666' if self.is_key else '0444'}"
        elif user.name == ROOT.name:
            owner = ""
        elif user.uid is None:
            raise Declined(f"the uid of {user.name} is not known, who could not read the mount")
        else:
            owner = f",uid={user.uid}" + ("" if user.gid is None else f",gid={user.gid}")
        return f"--mount={kind}{owner}"


def copied(build: Build, name: str) -> Iterator[Proposal | Refusal]:
    """Yield for the rewrite `name` one proposal for each COPY that brings credentials, or why it is left."""
    for stage in build.stages:
        for instruction in stage.instructions:
            copy = build.copy(instruction)
            try:
                secrets = [secret for one in copy.mappings for secret in _brought(build, one)] if copy else []
                if len({secret.source for secret in secrets}) < len(secrets):
                    raise Declined("whether the destination is a directory of the image is not known")
                if secrets:
                    yield _proposal(build, stage, instruction, secrets, name)
            except Declined as declined:
                yield Refusal(name, build.place(instruction), declined.premise, declined.because)


def _brought(build: Build, mapping: Mapping) -> Iterator[_Secret]:
    """Yield the credentials that a COPY names: files, and the keys of a directory of ssh's; raises Declined."""
    source, target = mapping.source, mapping.destination
    if not mapping.is_dir:
        if _CREDENTIALS.search(source) and is_secret(build.context, source):
            yield _Secret(source, target, source)
        return
    paths = [entry.path for entry in build.context.files(source)] if posixpath.basename(source) == _SSH else []
    keys = [path for path in paths if _KEY.search(path)]
    others = [path for path in paths if path not in keys and path.removesuffix(".pub") not in keys]
    if keys and others:
        raise Declined(f"it brings {others[0]} as well")
    for path in keys:
        yield _Secret(path, posixpath.join(target, posixpath.relpath(path, source)), source)


def _proposal(
    build: Build, stage: Stage, instruction: Instruction, secrets: Sequence[_Secret], rewrite: str
) -> Proposal:
    _known_to_builder(build)
    edits = list(_without(build, instruction, secrets))
    proof: list[Obligation] = []
    notes: list[str] = []
    for secret in secrets:
        _untouched(build, stage, instruction, secret)
        edits += _mounted(build, stage, instruction, secret)
        proof += _doubts(build, instruction, secret)
        notes += _handing_over(secret)
    if len({edit.span for edit in edits}) < len(edits):
        raise Declined("a RUN needs two of the files, of which each wants a mount")
    names = " and ".join(secret.source for secret in secrets)
    title = f"take {names} from {'an ssh mount' if secrets[0].is_key else 'a secret mount'}"
    gain = "the credentials are in no layer of the image, not even below a later `rm`"
    notes.append("what was built before holds them: renew them")
    return Proposal(rewrite, title, gain, build.place(instruction), tuple(edits), tuple(proof), tuple(notes))


def _known_to_builder(build: Build) -> None:
    if build.builder not in ("buildkit", "buildah"):
        raise Declined(f"the builder ({build.builder}) has no secret mounts")
    syntax = build.dockerfile.directive("syntax")
    if syntax and _OLD_SYNTAX.match(syntax):
        raise Declined(f"# syntax={syntax} is older than secret mounts (1.2)")


def _without(build: Build, instruction: Instruction, secrets: Sequence[_Secret]) -> Iterator[Edit]:
    """Yield the edits that take the files out of a COPY, or the whole of it."""
    words = instruction.words
    mine = [word for word in words[:-1] if any(_names(word.text, secret) for secret in secrets)]
    if len(mine) < len({secret.named for secret in secrets}) or instruction.json is not None:
        raise Declined("the COPY brings it by a pattern, or names it in another way")
    if len(mine) == len(words) - 1:
        commented = block_of(build.dockerfile, instruction).body != instruction.span
        gone = [instruction.span] if commented else removals(build.dockerfile, [instruction])
        yield from (Edit(build.path, span, "") for span in gone)
        return
    if instruction.comments:
        raise Declined("a comment stands between the files of the COPY")
    for word in mine:
        yield Edit(build.path, Span(word.span.start, words[words.index(word) + 1].span.start), "")


def _names(text: str, secret: _Secret) -> bool:
    return posixpath.normpath("/" + text).lstrip("/") == secret.named


def _untouched(build: Build, stage: Stage, instruction: Instruction, secret: _Secret) -> None:
    """Decline where something else asks for the file, or where the image was to hold it on purpose."""
    for line, path in taken(build, stage):
        if inside(path, secret.target):
            raise Declined(f"{line.keyword} takes it out of this stage", build.place(line))
    for line in stage.after(instruction):
        if line.keyword in ("CMD", "ENTRYPOINT", "ONBUILD", "ENV", "HEALTHCHECK") and _is_named(line.body.text, secret):
            raise Declined(f"{line.keyword} names it", build.place(line))
    if secret.is_key and posixpath.basename(posixpath.dirname(secret.target)) != _SSH:
        raise Declined("the key is not where ssh looks for one by itself")


def _is_named(text: str, secret: _Secret) -> bool:
    return posixpath.basename(secret.target) in text


def _mounted(build: Build, stage: Stage, instruction: Instruction, secret: _Secret) -> Iterator[Edit]:
    """Yield the edits of the RUNs that find the file: its mount for those that may read it, and no more rm or chmod."""
    mounted, removed, made, directory = False, False, False, posixpath.dirname(secret.target)
    for run in build.later_runs(stage, instruction):
        level = next(one for one, other in build.runs() if other is run)
        if removed and level is stage:
            break
        if run.opaque and _is_named(run.text.text, secret):
            raise Declined(f"a RUN names it that cannot be read: {run.opaque}", build.place(run.instruction))
        gone = [step for step in run.steps if _only_tends(step, secret)]
        removed = removed or any(step.program == "rm" for step in gone)
        rest = [step for step in run.steps if step not in gone]
        needs = bool(run.opaque) or any(_may_read(build, level, run, step, secret) for step in rest)
        if not rest and not run.opaque:
            if run.instruction.comments or run.mounts:
                raise Declined("the RUN that tends it has a comment or a mount", build.place(run.instruction))
            yield from (Edit(build.path, span, "") for span in removals(build.dockerfile, [run.instruction]))
            continue
        for step in rest:
            _leaves(build, run, step, secret, needs)
        yield from delete(build, run, commands(build, run, gone, "a command that tends the file")) if gone else ()
        if needs:
            if any(mount.kind == "ssh" if secret.is_key else mount.target == secret.target for mount in run.mounts):
                raise Declined("the RUN has such a mount already", build.place(run.instruction))
            yield mount_flags(build, run, [secret.mount(level, run)])
        if secret.is_key and not made and any(f"/{_SSH}" in _text(run, step) for step in rest):
            made = True
            if not any(step.program == "mkdir" for step in rest):
                yield insert(build, run, rest[0].item.span.start, f"mkdir -p {directory} && ")
        mounted = mounted or needs
    if not mounted:
        raise Declined("no step of the build reads it, so that the program may")


def _only_tends(step: Step, secret: _Secret) -> bool:
    """Tell whether a command does nothing but remove the file, or change its mode or owner."""
    operands = [word for word in step.words[1:] if word is None or not word.startswith("-")]
    paths = operands[1:] if step.program in _ADJUSTS else operands
    mine = step.program == "rm" or step.program in _ADJUSTS
    return mine and bool(paths) and all(word and join(step.cwd, word) == secret.target for word in paths)


def _leaves(build: Build, run: Run, step: Step, secret: _Secret, mounted: bool) -> None:
    """Decline where a command changes the file, or would remove it with what is around."""
    place = build.step_place(run, step)
    if mounted and not secret.is_key and effects.may_remove(step, secret.target):
        raise Declined("a command removes what is around it, where the mount would be busy", place)
    targets = [one.target.value or "" for one in step.simple.redirects if one.operator != "<"]
    text = _text(run, step)
    changes = _is_named(text, secret) and (secret.is_key or step.program in _CHANGES)
    changes = changes or (secret.is_key and f"/{_SSH}/" in text and step.program in _ADJUSTS | _CHANGES)
    if changes or any(join(step.cwd, target) == secret.target for target in targets):
        raise Declined(f"`{step.program}` changes it, or names it", place)
    around = (join(step.cwd, word) for word in step.words[2:] if word and step.program in _ADJUSTS)
    recursive = any((word or "")[:1] == "-" for word in step.words[1:2])
    if mounted and recursive and any(path and inside(secret.target, path) for path in around):
        raise Declined(f"`{step.program}` goes over it, where the mount cannot be changed", place)
    if secret.is_key and step.program in ("ssh-agent", "ssh-add"):
        raise Declined("the RUN has an agent of its own", place)


def _may_read(build: Build, stage: Stage, run: Run, step: Step, secret: _Secret) -> bool:
    """Tell whether a command may read the file: known ones that do not install, and the system's, are known not to."""
    if secret.is_key and step.program in ("ssh-keyscan", "ssh-keygen"):
        return False
    if step.program in _REMOTE or any(_is_named(word.raw, secret) for word in step.simple.words[1:]):
        return True
    command = ecosystems.recognise(step, build.view(stage, run.instruction))
    if command is not None:
        return command.ecosystem not in ecosystems.of_the_system() and (
            command.install
            or command.project
            or command.declined is not None
            or any(overlap(read.path, secret.target) for read in command.reads)
        )
    known = effects.effect(step)
    return known is None or any(inside(path, secret.target) for path in known.reads)


def _text(run: Run, step: Step) -> str:
    """Return the text of a command, with its assignments and redirections."""
    return run.text.text[step.simple.span.start : step.simple.span.end]


def _doubts(build: Build, instruction: Instruction, secret: _Secret) -> Iterator[Obligation]:
    yield proved("every RUN that may read it has the mount", "the others hold known commands only")
    what = "an agent with the key" if secret.is_key else f"the secret {secret.name}"
    yield assumed(f"{what} is handed over to the build", "without it the steps that need it fail")
    yield assumed(f"the program of the image does not read {secret.target}", "the file is not there any more")
    for stage in build.stages:
        for line in stage.instructions:
            copy = build.copy(line) if line is not instruction else None
            if copy and any(one.is_dir and _is_below(secret.source, one.source) for one in copy.mappings):
                place = build.place(line)
                doubt = f"one does, until .dockerignore names {secret.source}"
                yield assumed("no COPY brings it after all", doubt, place)


def _is_below(path: str, directory: str) -> bool:
    return directory in ("", ".") or inside(path, directory)


def _handing_over(secret: _Secret) -> tuple[str, str]:
    if secret.is_key:
        return "build with: docker build --ssh default .", "docker/build-push-action: ssh: default"
    return (
        f"build with: docker build --secret id={secret.name},src={secret.source} .",
        f"docker/build-push-action: secrets: {secret.name}=${{{{ secrets.{secret.name.upper()} }}}}",
    )
