"""Python: the packages in a virtual environment and the project's files on the slim image of the same Python.

The packages are installed by pip, poetry, uv or pipenv. The environment is the project's own, or one that the build
stage makes at a fixed path in the place of the system, or of a directory with a name that nobody knows.

Facts: docs.python.org/3/library/venv.html (a virtual environment works at the path that it was made for, with the
interpreter that it was made by); the documentation of uv's images (some are built on Python's); the python image's
Dockerfiles (the slim image has the same Python at the same place, with all libraries that its modules load but for
Tk's; certificates and time zones are there).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from .. import ecosystems
from ..build import effects
from ..build.paths import inside, outermost
from ..build.runs import Run, Step
from ..ecosystems import Command
from ..model import Declined, Obligation, Place, assumed
from . import COMPLETE, Carried, Runtime
from . import _python_tools as tools
from ._bases import SUITES, Reference, reference
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, account_known, installed, needed
from ._distribution import tools as build_tools
from ._django import collects, static_root
from ._files import Project, uses_secret
from ._kept import kept, may_go_whole
from ._python_environment import Environment
from ._python_locks import Locked
from ._python_packages import asked, brings, loaded, normal, strangers
from ._python_sources import PYTHONS, SOURCES, Sources
from ._python_starts import Started, started

NAME = "python"

_LISTED = 12
# uv's images that stand on those of Python.
_UV_IMAGE = re.compile(
    r"(?:[\d.]+-)?python(?P<version>3\.\d+(?:\.\d+)?)-(?P<system>bullseye|bookworm|trixie|alpine)(?P<slim>-slim)?"
)
_BUILD_ONLY = re.compile(r"(?:PIP|POETRY|UV|PIPENV)_\w+|CFLAGS|LDFLAGS|CC|CXX|DEBIAN_FRONTEND")
# The libraries that Python itself is linked to.
_IN_PYTHON = frozenset(
    "libffi-dev libssl-dev openssl-dev zlib1g-dev zlib-dev libbz2-dev bzip2-dev liblzma-dev xz-dev libsqlite3-dev"
    " sqlite-dev libreadline-dev readline-dev libncurses-dev libncurses5-dev ncurses-dev libexpat1-dev expat-dev"
    " uuid-dev libgdbm-dev python3-dev libpython3-dev".split()
)
_ELSEWHERE = re.compile(r"--(?:user|target|prefix|root|python|no-build-isolation|src)(?:=.*)?\Z|-t.*")
_MOVES = frozenset(
    "PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_NO_BUILD_ISOLATION PYTHONUSERBASE PYTHONHOME VIRTUAL_ENV"
    " UV_SYSTEM_PYTHON".split()
)
_ENV_FILE = re.compile(r"dotenv|\.env\b['\"]|env_file|read_env\(|\bdecouple\b|\bstarlette\.config\b")


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a Python program; None where nothing is installed, or a small image has no build tools."""
    image = reference(candidate.stage)
    from_ = candidate.stage.from_
    written = from_.words[0].text if from_.words else ""
    if image.name == "uv" and (found := _UV_IMAGE.fullmatch(image.tag)) and image.certain:
        image = replace(
            image, image="python", tag=f"{found['version']}-{'slim-' if found['slim'] else ''}{found['system']}"
        )
        written = f"python:{image.tag}"
    if image.name != "python" or not candidate.stage.base.official:
        return None
    program = _Python(candidate, image, written)
    return program.runtime() if program.installs and program.gains else None


def _installs(command: Command, step: Step) -> bool:
    if command.ecosystem == "pip":
        return "install" in step.words
    return command.ecosystem in tools.NAMES and command.install


@dataclass(frozen=True)
class _Python:
    candidate: Candidate
    image: Reference
    written: str

    @cached_property
    def small(self) -> bool:
        """Whether the image is a slim one or one of Alpine, and stays."""
        return "slim" in self.image.tag or self.image.alpine

    @property
    def gains(self) -> bool:
        """Whether the image holds more than the program needs, and nothing has taken it away again."""
        if not self.small or self.by_tools:
            return True
        away = {"purge", "remove", "autoremove", "del"}
        taken = any(
            away & set(step.words) for _, step in self.candidate.steps if step.program in ("apt-get", "apt", "apk")
        )
        return bool(build_tools(self.candidate)) and not taken

    @cached_property
    def installs(self) -> tuple[tuple[Run, Step, Command], ...]:
        """The commands that install what the program needs, those that only bring the tools for it left out."""
        found = []
        for run, step in self.candidate.steps:
            command = ecosystems.recognise(step, tools.view_of(self.candidate, run))
            if command and _installs(command, step):
                found.append((run, step, command))
        by_tools = any(command.ecosystem != "pip" for _, _, command in found)
        return tuple(one for one in found if not (by_tools and one[2].ecosystem == "pip" and tools.is_tool(one[1])))

    @cached_property
    def by_tools(self) -> tuple[tools.Installed, ...]:
        """What poetry, uv and pipenv install; raises Declined."""
        found = []
        for run, step, command in self.installs:
            if command.ecosystem == "pip":
                continue
            try:
                view = tools.view_of(self.candidate, run)
                found.append(tools.install(self.candidate, self.image, run, step, command, view))
            except Declined as declined:
                place = declined.because or self.candidate.build.step_place(run, step)
                raise Declined(declined.premise, place) from None
        return tuple(found)

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate, base = self.candidate, self._base()
        distribution = ALPINE if self.image.alpine else DEBIAN
        packages = self._packages()
        venv, above = self.environment.find(self._mine, bool(self._started.edited))
        if above and any(command.ecosystem in ("poetry", "pipenv") for _, _, command in self.installs):
            self._asks_for_its_own(packages)
        others = (*candidate.made(self._mine), *candidate.brought(tools.brings_uv))
        data = tuple(self._data())
        made = tuple(self._made((*data, *others)))
        account_known(candidate, distribution)
        where = candidate.build.step_place(*self.installs[0][:2])
        calls = self._started.calls
        own = self._programs(packages.names) | {posixpath.basename(path) for path in others}
        self.code.check(self.small)
        system = (
            *needed(candidate, distribution, own, calls),
            *self.code.children(distribution, packages.names),
            *installed(candidate, distribution, True, _IN_PYTHON),
            *(() if self.small else loaded(packages.names, where)),
            *self._of_compilers(packages),
        )
        static = tuple(path for _, path in self._collected if not any(inside(path, one) for one in data))
        data = tuple(path for path in data if not any(inside(path, one) for one in static))
        carried = dict.fromkeys((venv, *data, *static, *made, *others))
        active = f'ENV VIRTUAL_ENV={venv} PATH="{venv}/bin:$PATH"'
        moved = any(step.env.get("UV_SYSTEM_PYTHON", "") != "" for _, step, _ in self.installs)
        return Runtime(
            f"the Python program on {base}",
            base,
            distribution,
            # Lines above the others, and so root, make the environment where the stage has none.
            tuple(Carried(path, owner="" if above and path == venv else None) for path in carried),
            tuple(sorted(set(system))),
            lines=(active,) if above or (self._started.edited and f"{venv}/bin" not in self.environment.first) else (),
            whole=tuple(one.home for one in self.projects) if all(map(may_go_whole, self.projects)) else (),
            edited=self._started.edited,
            build_only=_BUILD_ONLY,
            prepared=(f"RUN python -m venv {venv}", active, *(("ENV UV_SYSTEM_PYTHON=0",) if moved else ()))
            if above
            else (),
            above=above,
            proof=(*self._started.proof, *self._proof(packages, where)),
        )

    def _packages(self) -> Locked:
        """Return the packages that are installed; raises Declined."""
        named = {
            name
            for run, step, command in self.installs
            if command.ecosystem == "pip"
            for name in self._asked(run, step)
        }
        found = Locked(frozenset(named))
        for one in self.by_tools:
            found |= one.locked | Locked(frozenset(map(normal, one.scripts)), frozenset(map(normal, one.scripts)))
        return found

    def _asks_for_its_own(self, packages: Locked) -> None:
        """Raise Declined where the program may import what only the tool has brought, beside it."""
        for name in sorted(tools.OWN):
            found = self.code.find(re.compile(rf"^\s*(?:import|from)\s+{name}\b", re.MULTILINE))
            if found and normal(name) not in packages.names:
                raise Declined(f"the program imports {name}, which no lockfile names: the tool may bring it", found[1])

    @cached_property
    def _collected(self) -> tuple[tuple[Step, str], ...]:
        """The commands by which Django collects files, each with the directory that it fills; raises Declined."""
        return tuple(
            (step, static_root(self.projects, run, step, self.candidate.build.step_place(run, step)))
            for run, step in self.candidate.steps
            if collects(step)
        )

    @cached_property
    def _started(self) -> Started:
        """What is started, without the tools that run it; raises Declined."""
        if not self.by_tools:
            return Started(self.candidate.calls, (), ())
        last = self.by_tools[-1]
        return started(self.candidate, last.root, last.part)

    def _of_compilers(self, packages: Locked) -> tuple[str, ...]:
        """Return the libraries that compiled packages load and that had come with the compilers."""
        if self.image.alpine:
            return ("libgcc", "libgomp", "libstdc++")
        return ("libgomp1",) if strangers(packages.names - packages.pure) else ()

    def _base(self) -> str:
        written = self.written
        if self.small:
            return written
        if "@" in written or "$" in written.rpartition(":")[0]:
            raise Declined("which slim image has the same Python is not known")
        if not self.image.tag or self.image.tag == "latest":
            return f"{self.image.image}:slim"
        version, _, suite = self.image.tag.partition("-")
        name, _, tag = written.rpartition(":")
        if not re.fullmatch(r"3(?:\.\d+)*", version) or suite not in ("", *SUITES):
            raise Declined(f"which slim image goes with python:{self.image.tag} is not known")
        if not suite:
            return f"{name}:{tag}-slim"
        if not tag.endswith(f"-{suite}"):
            raise Declined(f"which slim image goes with python:{tag} is not known")
        return f"{name}:{tag.removesuffix(suite)}slim-{suite}"

    def _asked(self, run: Run, step: Step) -> Iterator[str]:
        place = self.candidate.build.step_place(run, step)
        view = self.candidate.build.view(self.candidate.stage, run.instruction)
        command = ecosystems.recognise(step, view)
        if command and command.declined:
            raise Declined(command.declined.premise, place)
        if run.state.user not in ("", "0", "root"):
            raise Declined("packages are installed by another user than root", place)
        own = self.environment.own
        elsewhere = next((word for word in step.words if word and _ELSEWHERE.fullmatch(word)), "")
        moved = next((name for name in sorted(_MOVES & step.env.keys()) if own is None), "")
        if elsewhere or moved:
            raise Declined(f"{elsewhere or moved} says where packages are installed", place)
        if "/" in (step.words[0] or "/") and not (own and step.words[0] == f"{own}/bin/pip"):
            raise Declined(f"packages are installed by {step.words[0]}", place)
        yield from asked(self.candidate, run, step)

    @cached_property
    def environment(self) -> Environment:
        """The virtual environment that the packages are in, or are to be in."""
        return Environment(self.candidate, self.image, self.installs, self.by_tools)

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge what installs packages or the tools for it, what makes the virtual environment, and Django's files."""
        if any(step is mine for _, mine, _ in self.installs):
            return True
        if self.by_tools and self._of_tools(run, step):
            return True
        if any(step is one for one, _ in self._collected):
            return True
        if self.environment.own and step.words[1:3] == ("-m", "venv"):
            return True
        return step.program in ("pip", "pip3") and bool(
            {"config", "cache", "check", "list", "--version"} & {*step.words[1:2]}
        )

    def _of_tools(self, run: Run, step: Step) -> bool:
        command = ecosystems.recognise(step, self.candidate.build.view(self.candidate.stage, run.instruction))
        if command and command.ecosystem == "pip" and "install" in step.words:
            return tools.is_tool(step)
        return tools.is_aside(run, step, command)

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """The project's files, by the directories that they are in."""
        homes = self.candidate.homes
        workdir = self.candidate.stage.end.workdir or "/"
        tops = outermost(homes)
        if not tops or any(home.startswith("%") for home in homes) or any(path is None for path in homes):
            raise Declined("the project does not lie in a directory of its own")
        return tuple(Project(self.candidate, home, workdir, SOURCES) for home in tops if not inside(home, "/tmp"))

    @cached_property
    def code(self) -> Sources:
        """The project's sources."""
        return Sources(self.projects)

    def _data(self) -> Iterator[str]:
        """Yield the files that go along; raises Declined for a secret that the program reads."""
        for project in self.projects:
            uses_secret(project, _ENV_FILE)
            self._loads_env_file(project)
            yield from kept(project)

    def _loads_env_file(self, project: Project) -> None:
        """Raise Declined if what is started reads `.env` by itself, or is told to."""
        names = {posixpath.basename(path) for path, source in project.files() if re.search(r"(?:\A|/)\.env\b", source)}
        for call in self._started.calls if names else ():
            asked = any(name in word for word in call.words for name in names)
            if asked or (call.program == "flask" and "python-dotenv" in self._packages().names):
                raise Declined("the program reads .env, which may hold secrets, and would not find it", call.where)

    def _made(self, carried: tuple[str, ...]) -> Iterator[str]:
        """Yield the directories that RUNs make; raises Declined for what else they change inside of the project."""
        homes = self.candidate.homes
        for run, step in self.candidate.steps:
            effect = effects.effect(step)
            if (
                effect is None
                or any(step is mine for _, mine, _ in self.installs)
                or (self.by_tools and self._of_tools(run, step))
                or run.instruction in self.candidate.setup
            ):
                continue
            place = self.candidate.build.step_place(run, step)
            if step.program == "mkdir":
                known = (*carried, *homes, "/tmp", "/var/tmp")
                yield from (path for path in effect.writes if not any(inside(one, path) for one in known))
            elif step.program == "chmod" and any(path in homes for path in effect.writes):
                raise Declined("the mode of the project's directory is changed", place)
            elif step.program in ("chown", "chmod", "chgrp"):
                continue
            elif any(inside(path, home) for path in effect.writes for home in homes):
                raise Declined(f"`{step.program}` changes the project after it was copied", place)

    def _programs(self, packages: frozenset[str]) -> frozenset[str]:
        """Return the programs of the virtual environment that are started; raises Declined for other paths."""
        found = set()
        for call in self._started.calls:
            for words in (call.words, *call.others):
                word = words[0] if words else ""
                if word.startswith(("/usr/local/", "/usr/bin/", "/root/")) and not self.candidate.view.exists(word):
                    raise Declined(f"{word} is started by its path, outside of the virtual environment", call.where)
                name = posixpath.basename(word)
                if PYTHONS.fullmatch(name) or brings(packages, name):
                    found.add(name)
        return frozenset(found)

    def _proof(self, packages: Locked, where: Place) -> Iterator[Obligation]:
        yield assumed(
            COMPLETE,
            "all files but secrets, version control, documents and caches go along; a program may look for those too",
            where,
        )
        unknown = strangers(packages.names - packages.pure)
        names = ", ".join(unknown[:_LISTED]) + (f" and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else "")
        doubt = f"not known of {names}, nor of what they require" if names else "not known of what the packages require"
        yield assumed("no package needs a program or library that the image to run on lacks", doubt, where)
