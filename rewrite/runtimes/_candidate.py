"""The stage that may be split: its commands, what its image starts, and what its RUNs leave outside of the project."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from .. import ecosystems
from ..build import effects
from ..build.build import Build, View
from ..build.paths import SYSTEM, inside
from ..build.programs import BINARIES
from ..build.runs import Run, Step
from ..build.secrets import is_secret
from ..build.stages import Stage
from ..model import Declined
from ..source.dockerfile import Instruction
from ._calls import ARGUMENTS, Call, health_call, script_calls, start_call

ACCOUNTS = frozenset({"useradd", "adduser", "groupadd", "addgroup"})
_ADJUSTS = frozenset({"mkdir", "chown", "chmod", "chgrp"})
_TEMPORARY = ("/tmp", "/var/tmp", "/var/lib/apt", "/var/cache", "/root/.cache", "/root/.npm")


@dataclass(frozen=True)
class Candidate:
    """A Dockerfile's only stage."""

    build: Build

    @property
    def stage(self) -> Stage:
        """The stage."""
        return self.build.stages[0]

    @cached_property
    def view(self) -> View:
        """The context's files in the image, as the program finds them."""
        return self.build.view(self.stage, None)

    def read(self, path: str) -> str | None:
        """Return the text that a COPY brings to an image path; a RUN may have changed it since."""
        found = self.view.context_path(path)
        return None if found is None else self.build.context.read(found)

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The RUNs; raises Declined if one cannot be read."""
        found = tuple(run for _, run in self.build.runs())
        for run in found:
            if run.opaque:
                raise Declined(f"what a RUN makes is not known: {run.opaque}", self.build.place(run.instruction))
        return found

    @property
    def steps(self) -> Iterator[tuple[Run, Step]]:
        """The commands of all RUNs."""
        return ((run, step) for run in self.runs for step in run.steps)

    def effective(self, *keywords: str) -> Iterator[Instruction]:
        """Yield the instructions of the stage that count where each of `keywords` may stand several times: the last."""
        for keyword in keywords:
            yield from [line for line in self.stage.instructions if line.keyword == keyword][-1:]

    @cached_property
    def start(self) -> Call:
        """What ENTRYPOINT and CMD start; raises Declined if nothing is written there."""
        return start_call(self.build, self.stage)

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All that is started: by ENTRYPOINT, CMD, HEALTHCHECK, and by the project's scripts that these start."""
        health = health_call(self.build, self.stage)
        found = [self.start, *([health] if health else [])]
        for call in found:  # it grows on the way
            path = self.script(call)
            if path and not any(one.script == path for one in found):
                inner = list(script_calls(path, self.read(path) or "", self.view.place(path)))
                if any(one.words[:1] in ARGUMENTS for one in inner):
                    at = next(at for at, word in enumerate(call.words) if self.path(word) == path)
                    inner.append(replace(call, words=call.words[at + 1 :], helpers=(), others=()))
                found += inner
        return tuple(found)

    def script(self, call: Call) -> str:
        """Return the image path of the project's shell script that a call starts, "" if it starts none."""
        for word in call.words[:2]:
            path = self.path(word)
            text = self.read(path) if path else None
            if path and text and (text.startswith("#!") or path.endswith(".sh")):
                return path
            if posixpath.basename(word) not in ("sh", "bash", "ash", "dash"):
                break
        return ""

    @property
    def scripts(self) -> tuple[str, ...]:
        """The image paths of the project's shell scripts that are started."""
        return tuple(path for call in self.calls if (path := self.script(call)))

    def path(self, word: str) -> str:
        """Return the image path that a word of a call names as seen by the program, "" for a name without a slash."""
        workdir = self.stage.end.workdir
        if "/" not in word:
            beside = posixpath.join(workdir or "/", word)
            # sh takes its script from the directory, and PATH may hold a project's program.
            places = (beside, *(posixpath.join(directory, word) for directory in BINARIES))
            return next((path for path in places if self.view.exists(path)), "")
        return posixpath.normpath(posixpath.join(workdir or "/", word))

    def is_setup(self, run: Run) -> bool:
        """Tell whether a RUN only makes accounts and directories that the program is to have."""
        names = [step.program for step in run.steps]
        if not set(names) <= ACCOUNTS | _ADJUSTS or not names:
            return False
        if ACCOUNTS & set(names):
            return True
        made = [path for step in run.steps if step.program == "mkdir" for path in self._written(step)]
        return bool(made) and not any(
            inside(place, path) or inside(path, place) for path in made for place in self.homes
        )

    @cached_property
    def setup(self) -> tuple[Instruction, ...]:
        """The RUNs that only make accounts and directories."""
        return tuple(run.instruction for run in self.runs if self.is_setup(run))

    @cached_property
    def homes(self) -> tuple[str, ...]:
        """The directories in which the project is built: those that WORKDIR and ``cd`` name, but for the system's."""
        found = {state.workdir for state in self.stage.states} | {step.cwd for _, step in self.steps}
        return tuple(sorted(path for path in found if path and path not in ("/", *SYSTEM, *_TEMPORARY)))

    @cached_property
    def directories(self) -> tuple[tuple[str, str], ...]:
        """The directories that a mkdir makes for the program, each with the outermost one that it may have made.

        One that the same script removes again, as it does with sources made up for a layer, is not for the program.
        """
        found: dict[str, str] = {}
        for run, step in self.steps:
            gone = effects.removed(step) if step.top is not None else ()
            found = {path: top for path, top in found.items() if not any(inside(path, one) for one in gone)}
            for path in self._written(step) if step.program == "mkdir" and run.instruction not in self.setup else ():
                if path in SYSTEM or any(inside(home, path) for home in self.homes):
                    continue
                home = next((home for home in reversed(self.homes) if inside(path, home)), "")
                top = f"{home}/{path[len(home) + 1 :].split('/')[0]}"
                system = any(inside(path, directory) for directory in (*SYSTEM, "/var"))
                if not any(inside(path, directory) for directory in _TEMPORARY):
                    found[path] = path if system else top
        return tuple(found.items())

    def made(self, mine: Callable[[Run, Step], bool]) -> tuple[str, ...]:
        """Return what known commands leave outside of the project: single files, each by its image path.

        `mine` tells which commands the language's module judges itself. Raises Declined for a command whose
        outputs are not known, as the program may need them.
        """
        found: dict[str, None] = {}
        for run, step in self.steps:
            if run.instruction in self.setup or mine(run, step) or not step.simple.words:
                continue
            place = self.build.step_place(run, step)
            command = ecosystems.recognise(step, self.build.view(self.stage, run.instruction))
            if command and command.ecosystem in ecosystems.of_the_system():
                continue
            if step.program in ACCOUNTS:
                raise Declined("a RUN makes an account and more, and would have to be taken apart", place)
            if effects.effect(step) is None:
                raise Declined(f"what `{step.program or step.simple.words[0].raw}` makes is not known", place)
            if step.program in ("rm", "rmdir", "chown", "chmod", "chgrp", "mkdir"):
                continue
            for path in self._written(step):
                if any(inside(path, place) for place in (*self.homes, *_TEMPORARY)):
                    continue
                if path in (*SYSTEM, *BINARIES, "/") or (
                    not inside(path, "/usr/local") and any(inside(path, directory) for directory in SYSTEM)
                ):
                    raise Declined(f"`{step.program}` changes the system in {path}", place)
                found[path] = None
        return tuple(found)

    @staticmethod
    def _written(step: Step) -> tuple[str, ...]:
        known = effects.effect(step)
        return known.writes if known else ()

    def brought(self, mine: Callable[[Instruction], bool] = lambda line: False) -> tuple[str, ...]:
        """Return what COPYs bring outside of the directories that the project is built in: files for the program.

        `mine` tells which of them the language's module judges itself.
        """
        found: dict[str, None] = {}
        for line in self.stage.instructions:
            if line.keyword not in ("COPY", "ADD") or mine(line):
                continue
            copy = self.build.copy(line)
            place = self.build.place(line)
            if copy is None:
                source = posixpath.join("/", line.words[-1].text if line.words else "$")
                if any(inside(source, home) for home in self.homes) or "$" in source or source.endswith("/"):
                    raise Declined("what a COPY from another image brings is not known", place)
                found[source] = None
                continue
            if copy.opaque:
                raise Declined(f"what a COPY brings is not known: {copy.opaque}", place)
            outside = [one for one in copy.mappings if not any(inside(one.destination, home) for home in self.homes)]
            for one in outside:
                files = self.build.context.files(one.source)
                secret = next((file.path for file in files if is_secret(self.build.context, file.path)), "")
                if secret or one.source == "." or inside(".git", one.source):
                    raise Declined(f"a COPY brings {secret or 'the whole context'} to {one.destination}", place)
            for path in copy.writes(self.build.context):
                if not any(inside(path, home) for home in self.homes):
                    found[path] = None
        return tuple(found)
