"""Which virtual environment the packages of a Python program are installed in, or can be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from .. import ecosystems
from ..build.paths import inside, join
from ..build.runs import Run, Step
from ..ecosystems import Command
from ..model import Declined
from ..source.dockerfile import Instruction
from ._bases import Reference
from ._candidate import Candidate
from ._python_sources import PYTHONS
from ._python_tools import Installed

_VENV = "/opt/venv"


@dataclass(frozen=True)
class Environment:
    """The environment of a stage on `image`: `installs` fill it, `by_tools` is what poetry, uv and pipenv install."""

    candidate: Candidate
    image: Reference
    installs: tuple[tuple[Run, Step, Command], ...]
    by_tools: tuple[Installed, ...]

    @cached_property
    def own(self) -> str | None:
        """The virtual environment that the stage makes itself and that PATH names first."""
        for _, step in self.candidate.steps:
            words = [word for word in step.words if word is not None]
            if len(words) == 4 == len(step.words) and PYTHONS.fullmatch(words[0]) and words[1:3] == ["-m", "venv"]:
                path = join(step.cwd, words[3])
                if path and self._path.startswith(f"{path}/bin:"):
                    return path
        return None

    @property
    def _path(self) -> str:
        return self.candidate.stage.end.env.get("PATH", "$PATH") or ""

    @property
    def first(self) -> tuple[str, ...]:
        """The directories that PATH names before those of the image."""
        return tuple(self._path.split(":")[: self._path.split(":").index("$PATH")])

    def find(self, mine: Callable[[Run, Step], bool], freed: bool) -> tuple[str, Instruction | None]:
        """Return the virtual environment, and where the build stage is to make it (None: it does so already).

        `mine` tells which commands are about installing; `freed` whether the tool that finds the environment is taken
        out of what is started. Raises Declined.
        """
        candidate, stage = self.candidate, self.candidate.stage
        if "$PATH" not in self._path.split(":") or any(inside(path, "/usr/local") for path in self.first):
            raise Declined(
                "PATH is set to what may not name the virtual environment first", candidate.build.place(stage.from_)
            )
        places = {one.place for one in self.by_tools} or {""}
        if self.own:
            self._all_in(self.own)
            return self.own, None
        if places != {""}:
            return self._of_project(places, freed), None
        first = self.installs[0][0].instruction
        lines = stage.instructions
        readying = (run.instruction for run, step in candidate.steps if self._readies(run, step, mine))
        ready = max(map(lines.index, readying), default=-1)
        at = next(line for line in lines[ready + 1 :] if line.keyword in ("COPY", "ADD") or line is first)
        if re.match(r"2|rc|pypy", self.image.tag):
            raise Declined(f"whether python:{self.image.tag} can make a virtual environment is not known")
        if candidate.view.exists(_VENV) or stage.state(at).user not in ("", "0", "root"):
            raise Declined(f"no virtual environment can be made in {_VENV}", candidate.build.place(at))
        moved = next((run for run, step, _ in self.installs if step.env.get("VIRTUAL_ENV", "") != ""), None)
        if moved:
            raise Declined("VIRTUAL_ENV names another environment", candidate.build.place(moved.instruction))
        late = [
            line for line in lines[lines.index(at) :] if line.keyword == "ENV" and "UV_SYSTEM_PYTHON" in line.body.text
        ]
        if late:
            raise Declined("UV_SYSTEM_PYTHON says where packages are installed", candidate.build.place(late[0]))
        return _VENV, at

    def _readies(self, run: Run, step: Step, mine: Callable[[Run, Step], bool]) -> bool:
        """Tell whether a command brings the tools, in a RUN above the first that installs what the program needs."""
        lines, first = self.candidate.stage.instructions, self.installs[0][0].instruction
        above = lines.index(run.instruction) < lines.index(first)
        return above and bool(self.by_tools) and not any(step is one for _, one, _ in self.installs) and mine(run, step)

    def _all_in(self, venv: str) -> None:
        """Raise Declined where something is installed outside of the virtual environment that the stage makes."""
        by_tools = iter(self.by_tools)
        for run, step, command in self.installs:
            path = run.state.env.get("PATH") or ""
            if command.ecosystem == "pip":
                inside_ = path.startswith(f"{venv}/bin:") or "/" in (step.words[0] or "")
            else:
                place = next(by_tools).place
                inside_ = place == venv or (place == "" and step.env.get("VIRTUAL_ENV") == venv)
            if not inside_:
                where = self.candidate.build.step_place(run, step)
                raise Declined("packages are installed outside of the virtual environment", where)

    def _of_project(self, places: set[str], freed: bool) -> str:
        """Return the one environment that the tools make beside the manifest; raises Declined."""
        candidate, venv = self.candidate, next(iter(places))
        for run, step, command in self.installs:
            if len(places) > 1 or command.ecosystem == "pip":
                where = candidate.build.step_place(run, step)
                raise Declined("packages are installed in more than one environment", where)
        for run, step in candidate.steps:
            found = ecosystems.recognise(step, candidate.build.view(candidate.stage, run.instruction))
            system = found is not None and found.ecosystem in ecosystems.of_the_system() and found.install
            if system and any(word and re.fullmatch(r"pipx|poetry|python3?(?:[.\d-].*)?", word) for word in step.words):
                where = candidate.build.step_place(run, step)
                raise Declined("the environment may be one of the system's own Python", where)
        if candidate.view.exists(venv):
            raise Declined(f"a COPY brings {venv} of the build context, too", candidate.view.place(venv))
        if f"{venv}/bin" in self.first or freed:
            return venv
        for call in candidate.calls:
            for words in (*call.others, call.words):
                if words and "/" not in words[0]:
                    raise Declined(f"`{words[0]}` may be started outside of {venv}", call.where)
        return venv
