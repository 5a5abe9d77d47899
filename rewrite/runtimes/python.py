"""Python: the packages in a virtual environment and the project's files on the slim image of the same Python.

Facts: docs.python.org/3/library/venv.html (a virtual environment works at the path that it was made for, with the
interpreter that it was made by); the python image's Dockerfiles (the slim image has the same Python at the same place,
with all libraries that its modules load but for Tk's; certificates and time zones are there).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .. import ecosystems
from ..build import effects
from ..build.paths import inside, join, outermost
from ..build.runs import Run, Step
from ..model import Declined, Obligation, Place, assumed
from ..source.dockerfile import Instruction
from . import Carried, Runtime
from ._bases import SUITES, Reference, reference
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, Distribution, account_known, installed, needed, tools
from ._files import Project, uses_secret
from ._kept import kept
from ._python_packages import asked, brings, loaded, strangers

NAME = "python"

_VENV = "/opt/venv"
_SOURCES = re.compile(r"\.pyw?\Z")
_PYTHONS = re.compile(r"(?:python|pip)(?:3(?:\.\d+)?)?")
_BUILD_ONLY = re.compile(r"PIP_\w+|CFLAGS|LDFLAGS|CC|CXX|DEBIAN_FRONTEND")
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
_TK = re.compile(r"^\s*(?:import|from)\s+(?:tkinter|turtle|customtkinter)\b", re.MULTILINE)
_COMPILES = re.compile(r"\bpyximport\b|\bcpp_extension\b|\btorch\.compile\(|\bset_source\(|\bffibuilder\b")
_LIBRARY = re.compile(r"\bfind_library\(|\bCDLL\(|\bcdll\.|\bdlopen\(")
_STARTS = re.compile(
    r"\b(?:subprocess\.(?:run|call|getoutput|getstatusoutput)|(?:subprocess\.)?(?:check_call|check_output|Popen)"
    r"|os\.(?:system|popen|exec[lv]\w*|spawn\w+|posix_spawnp?)|(?:asyncio\.)?create_subprocess_(?:exec|shell))\("
    r"(?:\s*\[?\s*(?:(?P<self>sys\.executable)\b|(?P<quote>[\"'])(?P<name>[\w.+-]+)(?: [^\"'|;&`$()\n]*)?(?P=quote)))?"
)
_STARTS_UNSEEN = re.compile(
    r"^\s*(?:from\s+subprocess\s+import\s+.*\b(?:run|call|getoutput)\b|from\s+os\s+import\s+.*\b(?:system|popen)\b"
    r"|(?:import|from)\s+(?:sh|plumbum|pexpect|invoke|fabric|delegator|envoy)\b)",
    re.MULTILINE,
)


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a Python program; None where pip installs nothing, or a small image has no build tools."""
    image = reference(candidate.stage)
    if image.name != "python" or not candidate.stage.base.official:
        return None
    program = _Python(candidate, image)
    return program.runtime() if program.installs and program.gains else None


@dataclass(frozen=True)
class _Python:
    candidate: Candidate
    image: Reference

    @cached_property
    def small(self) -> bool:
        """Whether the image is a slim one or one of Alpine, and stays."""
        return "slim" in self.image.tag or self.image.alpine

    @property
    def gains(self) -> bool:
        """Whether the image holds more than the program needs, and nothing has taken it away again."""
        if not self.small:
            return True
        away = {"purge", "remove", "autoremove", "del"}
        taken = any(
            away & set(step.words) for _, step in self.candidate.steps if step.program in ("apt-get", "apt", "apk")
        )
        return bool(tools(self.candidate)) and not taken

    @cached_property
    def installs(self) -> tuple[tuple[Run, Step], ...]:
        """The commands of pip that install."""
        found = []
        for run, step in self.candidate.steps:
            command = ecosystems.recognise(step, self.candidate.build.view(self.candidate.stage, run.instruction))
            if command and command.ecosystem == "pip" and "install" in step.words:
                found.append((run, step))
        return tuple(found)

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate, base = self.candidate, self._base()
        distribution = ALPINE if self.image.alpine else DEBIAN
        packages = frozenset(name for run, step in self.installs for name in self._asked(run, step))
        venv, above = self._environment()
        others = (*candidate.made(self._mine), *candidate.brought())
        data = tuple(self._data())
        made = tuple(self._made((*data, *others)))
        account_known(candidate, distribution)
        where = candidate.build.step_place(*self.installs[0])
        own = self._started(packages) | {posixpath.basename(path) for path in others}
        self._sources()
        system = (
            *needed(candidate, distribution, own),
            *self._children(distribution, packages),
            *installed(candidate, distribution, True, _IN_PYTHON),
            *(() if self.small else loaded(packages, where)),
            *self._of_compilers(packages),
        )
        carried = dict.fromkeys((venv, *data, *made, *others))
        lines = (f'ENV VIRTUAL_ENV={venv} PATH="{venv}/bin:$PATH"',) if above else ()
        return Runtime(
            f"the Python program on {base}",
            base,
            distribution,
            tuple(Carried(path) for path in carried),
            tuple(sorted(set(system))),
            lines=lines,
            build_only=_BUILD_ONLY,
            prepared=(f"RUN python -m venv {venv}", *lines) if above else (),
            above=above,
            proof=tuple(self._proof(packages, where)),
        )

    def _of_compilers(self, packages: frozenset[str]) -> tuple[str, ...]:
        """Return the libraries that compiled packages load and that had come with the compilers."""
        if self.image.alpine:
            return ("libgcc", "libgomp", "libstdc++")
        return ("libgomp1",) if strangers(packages) else ()

    def _base(self) -> str:
        written = self.candidate.stage.from_.words[0].text
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
        elsewhere = next((word for word in step.words if word and _ELSEWHERE.fullmatch(word)), "")
        moved = next((name for name in sorted(_MOVES & step.env.keys()) if self._own is None), "")
        if elsewhere or moved:
            raise Declined(f"{elsewhere or moved} says where packages are installed", place)
        if "/" in (step.words[0] or "/") and not (self._own and step.words[0] == f"{self._own}/bin/pip"):
            raise Declined(f"packages are installed by {step.words[0]}", place)
        yield from asked(self.candidate, run, step)

    @cached_property
    def _own(self) -> str | None:
        """The virtual environment that the stage makes itself and that PATH names first."""
        for _, step in self.candidate.steps:
            words = [word for word in step.words if word is not None]
            if len(words) == 4 == len(step.words) and _PYTHONS.fullmatch(words[0]) and words[1:3] == ["-m", "venv"]:
                path = join(step.cwd, words[3])
                if path and self._path.startswith(f"{path}/bin:"):
                    return path
        return None

    @property
    def _path(self) -> str:
        return self.candidate.stage.end.env.get("PATH", "$PATH") or ""

    def _environment(self) -> tuple[str, Instruction | None]:
        """Return the virtual environment, and where the build stage is to make it (None: it does so already)."""
        candidate, stage = self.candidate, self.candidate.stage
        if not self._path.endswith("$PATH") or "/usr/local" in self._path:
            raise Declined(
                "PATH is set to what may not name the virtual environment first", candidate.build.place(stage.from_)
            )
        if self._own:
            for run, step in self.installs:
                path = run.state.env.get("PATH") or ""
                if not path.startswith(f"{self._own}/bin:") and "/" not in (step.words[0] or ""):
                    place = candidate.build.step_place(run, step)
                    raise Declined("packages are installed outside of the virtual environment", place)
            return self._own, None
        first = self.installs[0][0].instruction
        at = next(line for line in stage.instructions if line.keyword in ("COPY", "ADD") or line is first)
        if re.match(r"2|rc|pypy", self.image.tag):
            raise Declined(f"whether python:{self.image.tag} can make a virtual environment is not known")
        if candidate.view.exists(_VENV) or stage.state(at).user not in ("", "0", "root"):
            raise Declined(f"no virtual environment can be made in {_VENV}", candidate.build.place(at))
        return _VENV, at

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge pip's commands, and the one that makes the virtual environment."""
        if any(step is mine for _, mine in self.installs):
            return True
        if self._own and step.words[1:3] == ("-m", "venv"):
            return True
        return step.program in ("pip", "pip3") and bool(
            {"config", "cache", "check", "list", "--version"} & {*step.words[1:2]}
        )

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """The project's files, by the directories that they are in."""
        homes = self.candidate.homes
        workdir = self.candidate.stage.end.workdir or "/"
        tops = outermost(homes)
        if not tops or any(home.startswith("%") for home in homes) or any(path is None for path in homes):
            raise Declined("the project does not lie in a directory of its own")
        return tuple(Project(self.candidate, home, workdir, _SOURCES) for home in tops if not inside(home, "/tmp"))

    def _find(self, pattern: re.Pattern[str]) -> tuple[re.Match[str], Place] | None:
        return next((found for project in self.projects if (found := project.find(pattern))), None)

    def _data(self) -> Iterator[str]:
        """Yield the files that go along; raises Declined for a secret that the program reads."""
        for project in self.projects:
            uses_secret(project, _ENV_FILE)
            yield from kept(project)

    def _made(self, carried: tuple[str, ...]) -> Iterator[str]:
        """Yield the directories that RUNs make; raises Declined for what else they change inside of the project."""
        homes = self.candidate.homes
        for run, step in self.candidate.steps:
            effect = effects.effect(step)
            if (
                effect is None
                or any(step is mine for _, mine in self.installs)
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

    def _started(self, packages: frozenset[str]) -> frozenset[str]:
        """Return the programs of the virtual environment that are started; raises Declined for other paths."""
        found = set()
        for call in self.candidate.calls:
            for words in (call.words, *call.others):
                word = words[0] if words else ""
                if word.startswith(("/usr/local/", "/usr/bin/", "/root/")) and not self.candidate.view.exists(word):
                    raise Declined(f"{word} is started by its path, outside of the virtual environment", call.where)
                name = posixpath.basename(word)
                if _PYTHONS.fullmatch(name) or brings(packages, name):
                    found.add(name)
        return frozenset(found)

    def _sources(self) -> None:
        """Raise Declined for what the sources need that the slim image has not."""
        found = self._find(_COMPILES)
        if found:
            raise Declined("the program compiles C code", found[1])
        found = self._find(_LIBRARY)
        if found:
            raise Declined("the program loads libraries by itself", found[1])
        found = None if self.small else self._find(_TK)
        if found:
            raise Declined("the program needs Tk, which the slim image has not", found[1])

    def _children(self, distribution: Distribution, packages: frozenset[str]) -> Iterator[str]:
        """Yield the packages of the programs that the sources start."""
        unseen = self._find(_STARTS_UNSEEN)
        if unseen:
            raise Declined("the program starts others, whose names are not written there", unseen[1])
        for project in self.projects:
            for path, text in project.texts().items():
                for match in _STARTS.finditer(text):
                    name, place = match["name"] or "", Place(path, text.count("\n", 0, match.start()) + 1)
                    if (
                        match["self"]
                        or _PYTHONS.fullmatch(name)
                        or name in distribution.programs
                        or brings(packages, name)
                    ):
                        continue
                    if name not in distribution.packages:
                        premise = f"which package brings `{name}` is not known, which the program starts"
                        raise Declined(
                            premise if name else "the program starts another one, whose name is not written there",
                            place,
                        )
                    yield distribution.packages[name]

    def _proof(self, packages: frozenset[str], where: Place) -> Iterator[Obligation]:
        yield assumed(
            "the program reads no other file of the project",
            "all files but secrets, version control, documents and caches go along; a program may look for those too",
            where,
        )
        names = ", ".join(strangers(packages))
        doubt = f"not known of {names}, nor of what they require" if names else "not known of what the packages require"
        yield assumed("no package needs a program or library that the image to run on lacks", doubt, where)
