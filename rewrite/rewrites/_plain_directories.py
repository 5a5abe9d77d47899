"""Is a directory of the image root's, with mode 0755 and no link, or made so by the COPY that needs it?

A COPY with ``--link`` makes each directory on the way to its destination anew, in a layer of its own: what was there
before loses its mode and owner, and a link becomes a directory (seen with BuildKit 0.26).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .. import ecosystems
from ..build import effects
from ..build.accounts import account, home_of
from ..build.build import Build
from ..build.copies import keeps_parents, read_copy
from ..build.images import ROOT
from ..build.paths import BASE, SYSTEM, inside, join
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation, Place, assumed, proved
from ..runtimes import ACCOUNTS
from ..source.dockerfile import Instruction

# Both Debian and Alpine have these, as root's directories.
_STANDARD = frozenset(
    "/etc /home /media /mnt /opt /srv /usr /usr/bin /usr/lib /usr/local /usr/local/bin /usr/local/lib /usr/local/share"
    " /usr/share /var /var/lib".split()
)
# Links in many images, or directories with other modes or owners.
_OTHERS = re.compile(
    r"/(?:bin|dev|home/[^/]+|lib(?:32|64|x32)?|proc|root|run|sbin|sys|tmp|etc/(?:init\.d|rc[^/]*|ssl)|opt/bitnami"
    r"|opt/app-root|usr/(?:lib(?:32|64|x32)|sbin|tmp)|usr/local/(?:bundle|cargo|man|rustup)"
    r"|var/(?:cache|lib/[^/]+|local|lock|log|mail|run|spool|tmp|www))(?:/|$)"
)
_DISTROLESS = re.compile(r"gcr\.io/distroless/[\w.-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?")
# They write no directory, and make none.
_FILES_ONLY = frozenset("awk envsubst gpg grep head md5sum sed sha256sum sha512sum sort tail tee tr uniq wc".split())
_ATTRIBUTES = frozenset({"chgrp", "chmod", "chown"})
_PUTS = frozenset({"cp", "curl", "install", "ln", "mv", "touch", "wget"})


@dataclass
class PlainDirectories:
    """What stands before `instruction`: is each of `directories` root's, with mode 0755, and there is no link?

    `file` is a path at which neither a directory nor a link may be, "" if there is none. `kept` are the commands of
    which it is not known.
    """

    build: Build
    stage: Stage
    instruction: Instruction
    directories: Sequence[str]
    file: str = ""
    kept: dict[str, Place] = field(default_factory=dict)

    def proof(self) -> Iterator[Obligation]:
        """Yield what is known of them; raise Declined where one may be another's, or a link."""
        self._base()
        made: set[str] = set()
        for level, line in self.stage.up_to(self.instruction):
            place = self.build.place(line)
            if line.keyword == "WORKDIR":
                made |= set(self._workdir(level, line, place, made))
            elif line.keyword in ("COPY", "ADD"):
                self._copy(level, line, place, made)
            elif line.keyword == "RUN":
                self._run(level, line, place, made)
        where = self.build.place(self.instruction)
        if not self._what:
            return
        if self.stage.base.reference == "scratch":
            yield proved(self._claim("the stage"), "scratch has nothing, and no step makes it otherwise", where)
        else:
            doubt = "the base image is not looked at"
            yield assumed(self._claim(self.stage.base.reference), doubt, self.build.place(self.stage.lineage[-1].from_))
        for title, place in self.kept.items():
            yield assumed(f"`{title}` makes nothing else of {self._what}", "the programs that it runs may", place)

    @property
    def _paths(self) -> list[str]:
        return [*self.directories, *([self.file] if self.file else [])]

    @property
    def _what(self) -> str:
        return ", ".join(self._paths)

    def _claim(self, who: str) -> str:
        parts = []
        if self.directories:
            parts.append(f"what {who} has of {', '.join(self.directories)} is root's directory, mode 0755, no link")
        if self.file:
            parts.append(f"{who} has neither a directory nor a link at {self.file}")
        return "; ".join(parts)

    def _base(self) -> None:
        """Decline for base images of which nothing is known, and for directories that many have otherwise."""
        stage, base = self.stage, self.stage.base
        place = self.build.place(stage.lineage[-1].from_)
        if any(level.candidates for level in stage.lineage) or "$" in base.reference.partition(":")[0]:
            raise Declined("a build argument says what the stage is built on", place)
        if base.reference == "scratch":
            return
        if not base.official and not _DISTROLESS.fullmatch(base.reference):
            raise Declined(f"whose directories {base.reference} has, and of what mode, is not known", place)
        own = [value for _, value in base.env if value and value.startswith("/")]
        own += [entry.home for entry in base.accounts if entry.home]
        own += [base.workdir] if base.workdir and base.workdir != "/" else []
        for path in self._paths:
            if _OTHERS.match(path) or any(inside(path, one) for one in own):
                raise Declined(f"{path} may be a link in the base image, or have another mode or owner")
        if self.file in _STANDARD:
            raise Declined(f"{self.file} is a directory, which a file would replace")

    def _stands(self, path: str, made: set[str]) -> bool:
        """Tell whether a directory is there, as it has to be, before the step that is looked at."""
        return path in made or (
            path in _STANDARD and self.stage.base.official and self.stage.base.reference != "scratch"
        )

    def _missing(self, made: set[str]) -> list[str]:
        return [path for path in self.directories if not self._stands(path, made)]

    def _workdir(self, level: Stage, line: Instruction, place: Place, made: set[str]) -> Iterator[str]:
        path = level.states[level.instructions.index(line) + 1].workdir
        if path is None or path.startswith(BASE):
            raise Declined("the directory that WORKDIR makes is not known", place)
        if self.file and inside(path, self.file):
            raise Declined(f"{self.file} is a directory, which a file would replace", place)
        for directory in self._missing(made):
            if inside(path, directory):
                if account(level, line) != ROOT:
                    raise Declined(f"WORKDIR may make {directory} for another user than root", place)
                yield directory

    def _copy(self, level: Stage, line: Instruction, place: Place, made: set[str]) -> None:
        copy = self.build.copy(line) or read_copy(line, level.state(line), self.build.context)
        path, from_context = copy.destination, line.flag("from") is None
        if path is None or path.startswith(BASE):
            raise Declined("where it copies to is not known", place)
        # With --parents, directories on the way to what is copied have the modes that they have in the context.
        tree = from_context and not copy.opaque and not keeps_parents(line)
        if self.file:
            found = copy.context_path(self.file) if tree else None
            brought = found is not None and self.build.context.exists(found)
            if inside(path, self.file) or brought or (not tree and inside(self.file, path)):
                raise Declined(f"another {line.keyword} may bring {self.file}", place)
        owned = any(line.flag(name) for name in ("chown", "chmod"))
        # The linked one gives its owner also to what is there.
        unknown = self.directories if owned and line.flag("link") else self._missing(made)
        for directory in unknown:
            if inside(path, directory) and owned:
                raise Declined(f"another {line.keyword} may make {directory} with another mode or owner", place)
        for directory in self.directories:
            unpacks = line.keyword == "ADD" and copy.opaque and inside(directory, path)
            found = copy.context_path(directory) if tree else None
            below = directory != path and inside(directory, path)
            if unpacks or (below and (not tree or (found is not None and self.build.context.exists(found)))):
                raise Declined(f"another {line.keyword} may bring {directory} with another mode or owner", place)

    def _run(self, level: Stage, line: Instruction, place: Place, made: set[str]) -> None:
        run = self.build.run(line)
        if run.opaque:
            raise Declined(f"the RUN cannot be read: {run.opaque}", place)
        root = account(level, line) == ROOT and not any(step.program == "umask" for step in run.steps)
        view = self.build.view(level, line)
        for step in run.steps:
            command = ecosystems.recognise(step, view)
            if command or step.program in _FILES_ONLY:
                if command:
                    self.kept.setdefault(command.title, self.build.step_place(run, step))
                continue
            self._step(run, step, root, made)

    def _step(self, run: Run, step: Step, root: bool, made: set[str]) -> None:
        place = self.build.step_place(run, step)
        known = effects.effect(step)
        if known is None:
            raise Declined(f"`{step.program or 'a command'}` may change {self._what}", place)
        writes: Sequence[str] = known.writes
        if step.program in ACCOUNTS:
            home = join(step.cwd, home_of(step.words) or "/home")
            writes = [home] if home else []
        elif step.program not in (*_ATTRIBUTES, *_PUTS, "mkdir", "rm", "rmdir") and set(writes) & set(SYSTEM):
            self.kept.setdefault(str(step.program), place)
            writes = [path for path in writes if path not in SYSTEM]
        for at, write in enumerate(writes):
            taken = step.program == "mv" and at > 0
            for directory in self.directories:
                if (taken and inside(directory, write)) or self._changes(step, write, directory, root, made):
                    raise Declined(f"`{step.program}` may make {directory} another's, or a link", place)
            if self.file and self._makes(step, write):
                raise Declined(f"`{step.program}` may make {self.file} a directory or a link", place)

    def _changes(self, step: Step, write: str, directory: str, root: bool, made: set[str]) -> bool:
        """Tell whether a command that writes `write` may change what `directory` is."""
        if step.program == "mkdir":
            plain = root and not any(re.match(r"-\w*m|--mode", word or "") for word in step.words[1:])
            return inside(write, directory) and not plain and not self._stands(directory, made)
        if "--create-dirs" in step.words and inside(write, directory) and not self._stands(directory, made):
            return True  # curl makes them with mode 0750
        if step.program in _PUTS:
            keeps = any(re.match(r"-\w*[apn]|--(?:archive|preserve)", word or "") for word in step.words[1:])
            if not inside(directory, write) or not self._stands(write, made) or keeps:
                return inside(directory, write)
            return directory != write and self._named(step, posixpath.join(write, _first(directory, write)))
        if step.program in _ATTRIBUTES:
            recursive = any(re.match(r"-\w*R|--recursive", word or "") for word in step.words[1:])
            pattern = any(part.kind == "glob" for word in step.simple.words[1:] for part in word.parts)
            return directory == write or (inside(directory, write) and (recursive or pattern))
        return inside(directory, write)

    def _makes(self, step: Step, write: str) -> bool:
        """Tell whether a command that writes `write` may put a directory or a link at the file's path."""
        if step.program in _ATTRIBUTES:
            return False
        into = step.program in _PUTS and write == posixpath.dirname(self.file)
        return inside(write, self.file) or (into and self._named(step, self.file))

    def _named(self, step: Step, path: str) -> bool:
        """Tell whether a command may put something called as `path` is into the directory that `path` lies in."""
        return None in step.words or posixpath.basename(path) in {posixpath.basename(word or "") for word in step.words}


def _first(path: str, directory: str) -> str:
    """Return the first name of `path` below `directory`."""
    return posixpath.relpath(path, directory).split("/", 1)[0]
