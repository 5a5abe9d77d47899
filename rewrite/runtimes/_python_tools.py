"""Poetry, uv and pipenv: which packages they install, and in which environment these are.

Facts: the tools' documentation of environments, and runs in the lab. Poetry (1.8, 2.5) and pipenv (2026.10) install
into the environment that VIRTUAL_ENV names, whatever they are told of their own (``virtualenvs.create``,
``virtualenvs.in-project``, ``--system``); uv makes ``.venv`` beside the lockfile. It downloads a Python if the image's
is none that the project asks for, and links to it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..build.build import View
from ..build.paths import SYSTEM, inside, join
from ..build.runs import Mount, Run, Step
from ..ecosystems import Command, Site, _uv_settings, pipenv
from ..ecosystems._members import above
from ..ecosystems._poetry_line import read_line as poetry_line
from ..ecosystems._poetry_project import find_project as poetry_project
from ..ecosystems._poetry_project import settings as poetry_settings
from ..ecosystems._python_project import canonical, table
from ..ecosystems._uv_sync import Sync
from ..model import Declined
from ..source.dockerfile import Instruction
from ._bases import Reference
from ._candidate import Candidate
from ._python_locks import Locked, of_pipenv, of_poetry, of_uv
from ._python_packages import asked_uv

NAMES = frozenset({"poetry", "uv", "pipenv"})
# What they need themselves, as modules: where they are installed beside the program, it may import them unasked.
OWN = frozenset(
    "cachecontrol certifi charset_normalizer cleo distlib dulwich fastjsonschema filelock httpx idna keyring msgpack"
    " packaging pexpect pkginfo platformdirs rapidfuzz requests shellingham tomlkit trove_classifiers urllib3"
    " virtualenv wheel".split()
)
# What is installed for the build alone: the tools themselves.
TOOLS = NAMES | {"pip", "setuptools", "wheel", "virtualenv", "pipx", "poetry-core", "poetry-plugin-export", "keyring"}
_ELSEWHERE = tuple("-t --target --prefix -p --python --user --no-build-isolation --directory --dry-run".split())
_INSTALLERS = re.compile(
    r"(?:curl|wget)\b[^|]*\b(?:install\.python-poetry\.org|astral\.sh/uv)\b[^|]*\|\s*(?:\w+=\S+\s+)*(?:python3?|sh|bash)\b"
)
_UV_IMAGE = re.compile(r"(?:ghcr\.io/astral-sh|astral)/uv(?:[:@].*)?")
_REQUEST = re.compile(r"(?:cpython-?|python-?)?(\d+(?:\.\d+)*)")
_SPECIFIER = re.compile(r"\s*(>=|>|<=|<|==|!=|~=)\s*(\d+(?:\.\d+)*)(\.\*)?\s*")


@dataclass(frozen=True, slots=True)
class Installed:
    """What a command installs: the packages, and the environment they are in.

    `root` is the directory of the project, "" for none. `place` is "" where the environment is the one that
    VIRTUAL_ENV names; `scripts` are the programs of the project itself. `part` tells that packages of the tree are
    left for later.
    """

    locked: Locked
    root: str
    place: str = ""
    scripts: frozenset[str] = frozenset()
    part: bool = False


def view_of(candidate: Candidate, run: Run) -> View:
    """Return the context's files that a RUN sees: those of its bind mounts are the ones that a later COPY brings."""
    view = candidate.build.view(candidate.stage, run.instruction)
    bound = [mount for mount in run.mounts if mount.kind == "bind" and "from" not in mount.options]
    for line in reversed(candidate.stage.instructions) if bound else ():
        later = candidate.build.view(candidate.stage, line) if line.keyword == "RUN" else view
        if line.keyword == "RUN" and all(_brings(later, run, mount) for mount in bound):
            return later
    return view


def _brings(view: View, run: Run, mount: Mount) -> bool:
    """Tell whether a COPY brings what is mounted to the same place."""
    path = join(run.state.workdir, mount.target)
    return path is not None and view.context_path(path) == posixpath.normpath(mount.source or "$")


def install(candidate: Candidate, image: Reference, run: Run, step: Step, command: Command, view: View) -> Installed:
    """Return what a command of one of the tools installs, by the files of `view`; raises Declined."""
    if command.declined:
        raise command.declined
    if run.state.user not in ("", "0", "root"):
        raise Declined("packages are installed by another user than root")
    site = Site(candidate.build, candidate.stage, run, step)
    return {"poetry": _poetry, "uv": _uv, "pipenv": _pipenv}[command.ecosystem](site, image, view)


def _poetry(site: Site, _: Reference, view: View) -> Installed:
    step = site.step
    line = poetry_line(step)
    start = step.cwd
    if start is None or line.on("-C", "--directory", "-P", "--project"):
        raise Declined("the directory that poetry runs in is not known")
    if line.on("--dry-run"):
        raise Declined("the command installs nothing")
    project = poetry_project(start, view)
    _own_packages(site, str(project.own))
    found = poetry_settings(site, project.own)
    own = found.on("virtualenvs.in-project") is True and found.on("virtualenvs.create") is not False
    active = step.env.get("VIRTUAL_ENV", "") != ""
    whole = project.is_package and not line.on("--no-root")
    scripts = {*table(project.data, "project", "scripts"), *table(project.data, "tool", "poetry", "scripts")}
    return Installed(
        of_poetry(project, line, step),
        project.root,
        project.path(".venv") if own and not active else "",
        frozenset(scripts if whole else ()),
    )


def _own_packages(site: Site, settings: str) -> None:
    """Raise Declined where the environment may have packages of the system, too."""
    if re.search(r"system[-_]site[-_]packages|--site-packages", site.build.dockerfile.text + settings, re.IGNORECASE):
        raise Declined("the environment may have the packages of the system, too")


def _uv(site: Site, image: Reference, view: View) -> Installed:
    step, verb = site.step, _uv_settings.verb_of(site.step) or ""
    line = _uv_settings.read_line(step, verb)
    if verb in ("pip install", "pip sync"):
        return _uv_pip(site, line)
    if verb != "sync":
        raise Declined(f"where `uv {verb}` puts its packages is not followed")
    sync = Sync(step, view, line)
    place = sync.environment().path
    if any(inside(place, directory) for directory in SYSTEM):
        raise Declined(f"packages are installed into the system, in {place}")
    links = [*line.values("--link-mode"), step.env.get("UV_LINK_MODE", "copy")]
    if links[0] not in ("copy", "hardlink", "clone"):
        raise Declined("the packages may be links into uv's cache")
    if line.on("--dry-run", "--check", "--python-platform", "--prefix", "--target"):
        raise Declined("the command installs nothing, or elsewhere")
    _interpreter(site, sync, image)
    scripts = {name for one in sync.local() for name in table(one.data, "project", "scripts")}
    return Installed(of_uv(sync), sync.project.root, place, frozenset(scripts), sync.local() != sync.reachable())


def _uv_pip(site: Site, line: _uv_settings.Line) -> Installed:
    step = site.step
    given = next((option for option in _ELSEWHERE if line.on(option)), "")
    given = given or next((name for name in ("UV_PYTHON", "UV_PROJECT") if step.env.get(name, "") != ""), "")
    if given or step.cwd is None:
        raise Declined(f"{given or 'a cd'} says where packages are installed")
    if line.on("--system"):
        raise Declined("--system says where packages are installed, and would have to be taken away")
    system = _uv_settings.switched(step, line, "--system", "UV_SYSTEM_PYTHON")
    active = step.env.get("VIRTUAL_ENV", "") != ""
    if system == active:
        raise Declined("into which environment `uv pip` installs is not known")
    found = Locked(frozenset(asked_uv(Candidate(site.build), site.run, step, line)))
    return Installed(found, "")


def _interpreter(site: Site, sync: Sync, image: Reference) -> None:
    """Raise Declined where uv may take another Python than the image's own."""
    step, line = site.step, sync.line
    if line.on("--managed-python", "--python-preference") or step.env.get("UV_MANAGED_PYTHON", "") != "":
        raise Declined("uv is told which Python it takes")
    preference = step.env.get("UV_PYTHON_PREFERENCE", "")
    texts = [
        sync.view.read(posixpath.join(directory, name)) or ""
        for directory in (sync.project.root, *above(sync.project.root))
        for name in ("pyproject.toml", "uv.toml")
    ]
    if preference not in ("", "only-system", "system", "managed") or re.search(
        r"^\s*python-preference\s*=", "\n".join(texts), re.MULTILINE
    ):
        raise Declined("uv is told which Python it takes")
    if any(_uv_settings.verb_of(other) == "python install" for other in sync.view.before(step)):
        raise Declined("uv installs a Python of its own")
    never = step.env.get("UV_PYTHON_DOWNLOADS", "") in ("never", "manual", "0", "false")
    if preference == "only-system" or never or line.on("--no-managed-python", "--no-python-downloads"):
        return
    for wanted, place in _requests(sync):
        if not accepts(wanted, image.version):
            where = sync.view.place(place) if place else None
            raise Declined(f"uv may download a Python, as python:{image.tag} may not be {wanted.strip()}", where)


def _requests(sync: Sync) -> list[tuple[str, str]]:
    """Return the Pythons that uv is asked for, each with the image path that says so."""
    root, found = sync.project.root, []
    given = [*sync.line.values("-p", "--python"), sync.step.env.get("UV_PYTHON", "")]
    found += [(value or "$", "") for value in given if value != ""]
    for directory in (root, *above(root)) if not found else ():
        for name in (".python-versions", ".python-version"):
            path = posixpath.join(directory, name)
            text = sync.view.read(path) or ""
            lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
            found += [(line, path) for line in lines[:1]]
        if found:
            break
    for local in sync.project.locals:
        required = str(table(local.data, "project").get("requires-python", ""))
        found += [(required, posixpath.join(local.directory, "pyproject.toml"))] if required else []
    return found


def accepts(wanted: str, version: tuple[int, ...]) -> bool:
    """Tell whether every Python of the image's version is one that is asked for."""
    if len(version) < 2:
        return False
    plain = _REQUEST.fullmatch(wanted)
    if plain:
        asked = tuple(map(int, plain[1].split(".")))
        return version[: len(asked)] == asked
    return all(_allows(part, version) for part in wanted.split(","))


def _allows(part: str, version: tuple[int, ...]) -> bool:
    found = _SPECIFIER.fullmatch(part)
    if not found:
        return False
    operator, bound = found[1], tuple(map(int, found[2].split(".")))
    # An image whose tag has no third number has any release of its version.
    size = min(len(bound), len(version))
    least = version + (0,) * (len(bound) - len(version))
    match operator:
        case ">=":
            return least >= bound
        case ">":
            return version[:size] > bound[:size]
        case "<" | "<=":
            return version[:size] < bound[:size]
        case "!=":
            return version[:size] != bound[:size]
        case "~=":
            return version[: len(bound) - 1] == bound[:-1] and least >= bound
    return version[: len(bound)] == bound if found[3] else version == bound


def _pipenv(site: Site, _: Reference, view: View) -> Installed:
    step = site.step
    _own_packages(site, "")
    if any(word is None for word in step.words):
        raise Declined("the command depends on what is not known")
    if step.env.get("PIPENV_IGNORE_VIRTUALENVS", "") != "":
        raise Declined("PIPENV_IGNORE_VIRTUALENVS says where packages are installed")
    if "--skip-lock" in step.words or step.env.get("PIPENV_SKIP_LOCK", "") != "":
        raise Declined("Pipfile.lock does not say what is installed")
    root = pipenv.root_of(step, view)
    develop = any(word and re.fullmatch(r"--dev|-d|--dev-only|--categor.*", word) for word in step.words)
    own = step.env.get("PIPENV_VENV_IN_PROJECT", "") not in ("", "0", "false") and "--system" not in step.words
    active = step.env.get("VIRTUAL_ENV", "") != ""
    locked = of_pipenv(root, view, develop or step.env.get("PIPENV_DEV", "") != "")
    return Installed(locked, root, posixpath.join(root, ".venv") if own and not active else "")


def is_aside(run: Run, step: Step, command: Command | None) -> bool:
    """Tell whether a command only sets up one of the tools, and leaves nothing that a program needs."""
    if command and command.ecosystem in NAMES and not command.install:
        return command.declined is None
    names = [canonical(re.split(r"[@=<>~!\[]", word or "$")[0]) for word in step.words[2:] if word and word[0] != "-"]
    if step.program == "pipx" and step.words[1:2] == ("install",):
        return bool(names) and set(names) <= TOOLS
    if step.program in ("pipx", "python", "python3") and step.words[-1:] == ("ensurepath",):
        return True
    # What a shell or Python reads from the download of an installer.
    span = step.item.span
    return len(step.item.pipeline.commands) == 2 and _INSTALLERS.match(run.text.text[span.start : span.end]) is not None


def is_tool(step: Step) -> bool:
    """Tell whether a ``pip install`` only makes the tools available."""
    raw = [word.raw.strip("\"'") for word in step.simple.words]
    at = raw.index("install") + 1 if "install" in raw else len(raw)
    names = {canonical(re.split(r"[@=<>~!\[]", word)[0].strip()) for word in raw[at:] if not word.startswith("-")}
    return bool(names) and names <= TOOLS


def brings_uv(line: Instruction) -> bool:
    """Tell whether a COPY brings uv from its image, and nothing else."""
    flag = line.flag("from")
    sources = {word.text for word in line.words[:-1]}
    return bool(flag and flag.value and _UV_IMAGE.fullmatch(flag.value)) and sources <= {"/uv", "/uvx"}
