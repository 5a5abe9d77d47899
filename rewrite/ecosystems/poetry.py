"""poetry: ``install`` and ``sync`` with groups, path dependencies and environments in three places; poetry's caches.

Facts: poetry's documentation (commands, configuration, plugins) and runs of poetry 2.5 in the lab: archives are kept in
``artifacts``, next to the wheels built from sources and, by default, next to the environments themselves; an install
without the root and then one with it leave what one install leaves.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, Obligation, Status, assumed, proved
from . import CachePlace, CachePlan, Command, Fetch, Need, Read, Site, Tool, Write, no_clean
from ._members import image_path
from ._pip_settings import prefixes
from ._pip_settings import settings as pip_reads
from ._poetry_line import Line, read_line, verb_of
from ._poetry_project import Project, Settings, find_project, project_files, settings
from ._python_cache import CacheHome, Switch, cache_home, enable
from ._python_environment import home_writes
from ._python_project import project_reads
from ._wheels import judge_wheels

NAME = "poetry"
IGNORE = "python"
TOOLS = (
    Tool(
        "poetry",
        "Python",
        ("pyproject.toml", "poetry.toml"),
        ("poetry.lock",),
        ("poetry install", "poetry sync"),
        (
            CachePlace("~/.cache/pypoetry/artifacts", "A", "archives, copied out of it", "POETRY_CACHE_DIR"),
            CachePlace("~/.cache/pypoetry/cache", "A", "what the indexes say", "POETRY_CACHE_DIR"),
            CachePlace(
                "~/.cache/pypoetry/virtualenvs",
                "C",
                "the environment itself, which the program runs",
                "POETRY_CACHE_DIR",
            ),
        ),
        "poetry's documentation of configuration and commands",
        (r"/tmp/poetry-chef-\w{8}",),
        needs=(Need("poetry install", ("pyproject.toml",)),),
    ),
)
INSTALLING = re.compile(r"\bpoetry\b")
# What moves its cache or its environments is read where that counts.
CONFIGURES = re.compile(r"\bpoetry +(?:-\S+ +)*config +(?:-\S+ +)*certificates\b|\bpypoetry/(?:config|auth)\.toml\b")

_INSTALLS = frozenset({"install", "sync"})
_PROJECT = frozenset({"run", "build", "publish", "shell"})
_SILENT = frozenset(
    {"", "about", "help", "list", "cache", "env info", "env list", "show", "version", "check", "self show"}
)
_SETTINGS = re.compile(
    r"(?:virtualenvs|installer|keyring|requests|solver|experimental|python)\.[\w.-]+|(?:http-basic|pypi-token"
    r"|repositories|warnings)\.[\w.-]+|cache-dir|data-dir|system-git-client"
)
_PLUGINS = frozenset({"poetry-plugin-export", "poetry-plugin-bundle", "poetry-plugin-shell", "poetry-plugin-up"})
_OFF = Switch(("--no-cache",))


def recognise(step: Step, view: View) -> Command | None:
    """Return what a poetry command does; an install's layer is the one that matters."""
    verb = verb_of(step)
    if verb is None:
        return None
    title = f"poetry {verb}".strip()
    if verb in _PROJECT:
        return Command(NAME, title, declined=Declined(f"what {title} reads depends on the project"), project=True)
    try:
        return _command(step, view, read_line(step))
    except Declined as declined:
        return Command(NAME, title, verb in _INSTALLS, declined=declined)


def _command(step: Step, view: View, line: Line) -> Command:
    title = f"poetry {line.verb}".strip()
    if line.verb in _SILENT and not line.operands and not line.on("--lock"):
        return Command(NAME, title, reads=_manifest(step, view, line), writes=tuple(home_writes(step)))
    if line.verb == "cache":
        return Command(NAME, title, writes=tuple(home_writes(step)))
    if line.verb == "config":
        return _config(step, line, title)
    if line.verb in ("self add", "self install", "self update"):
        unknown = [name for name in line.operands if re.split(r"[@=<>~^]", name)[0] not in _PLUGINS]
        if unknown:
            raise Declined(f"what the plugin {unknown[0]} does is not known")
        return Command(NAME, title, True, (), tuple(_home_and_prefix(step, view)), strangers=True)
    if line.verb in ("install", "sync", "lock", "export", "env use"):
        return _project(step, view, line, title)
    raise Declined(f"{title} is not known")


def _manifest(step: Step, view: View, line: Line) -> tuple[Read, ...]:
    """Return the files that poetry opens for a command that only shows something."""
    return tuple(project_files(find_project(_directory(step, line), view))) if line.verb in ("show", "version") else ()


def _config(step: Step, line: Line, title: str) -> Command:
    if line.operands and not _SETTINGS.fullmatch(line.operands[0]):
        raise Declined(f"it sets {line.operands[0]} for later commands")
    writes = list(home_writes(step))
    if line.on("--local"):
        path = join(step.cwd, "poetry.toml")
        if path is None:
            raise Declined("the directory that poetry runs in is not known")
        writes.append(Write(path, "poetry's settings for the project", local=False))
    return Command(NAME, title, writes=tuple(writes))


def _home_and_prefix(step: Step, view: View) -> Iterator[Write]:
    """Yield where poetry may install to, but for the project's own environment; raises Declined."""
    yield from home_writes(step)
    yield from prefixes(step, view)
    for name in ("POETRY_CACHE_DIR", "POETRY_VIRTUALENVS_PATH", "POETRY_HOME", "POETRY_DATA_DIR", "POETRY_CONFIG_DIR"):
        value = step.env.get(name, "")
        path = join(step.cwd, value) if value else None
        if value != "" and path is None:
            raise Declined(f"{name} is not a path that is known")
        if path:
            yield Write(path, name)


def _directory(step: Step, line: Line) -> str:
    directory = step.cwd
    for option in ("-C", "--directory", "-P", "--project"):
        if option in line.options:
            directory = join(directory, line.options[option])
    if directory is None:
        raise Declined("the directory that poetry runs in is not known")
    return directory


def _project(step: Step, view: View, line: Line, title: str) -> Command:
    project = find_project(_directory(step, line), view)
    reads = [*project_files(project), *pip_reads(step, view)]
    writes = [*_home_and_prefix(step, view), Write(project.path(".venv"), "poetry keeps the environment there")]
    installs = line.verb in _INSTALLS
    built = _built(project, line) if installs else []
    if line.verb == "lock" or (installs and project.lock is None):
        # Without a lockfile the metadata of path dependencies comes from the tree.
        built += [path for _, path, is_directory in project.local() if is_directory]
        writes.append(Write(project.path("poetry.lock"), f"{title} writes it", local=False))
    for path in dict.fromkeys(built):
        mine, outputs = project_reads(path, view, editable=True)
        reads += mine
        writes += [Write(output, "building the project leaves it there") for output in outputs]
    reads += [Read(path, "it is installed from there", True) for _, path, is_dir in project.local() if not is_dir]
    for value in (line.options[name] for name in ("-o", "--output") if name in line.options):
        writes.append(Write(image_path(step, value), "its output", local=False))
    found, places = tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes))
    return Command(NAME, title, installs, found, places, None, (), bool(built), strangers=True)


def _built(project: Project, line: Line) -> list[str]:
    """Return the directories of the tree that an install builds."""
    root = [project.root] if project.is_package and not line.on("--no-root") else []
    if line.on("--only-root"):
        return [project.root]
    local = [path for _, path, is_directory in project.local() if is_directory and not line.on("--no-directory")]
    return [*root, *local]


def fetch(site: Site) -> Fetch | None:
    """Return an install without the packages of the tree, for a ``poetry install`` that builds some of these."""
    step = site.step
    if verb_of(step) not in _INSTALLS:
        return None
    line = read_line(step)
    project = find_project(_directory(step, line), site.view)
    if not _built(project, line) or line.on("--only-root", "--dry-run"):
        return None
    if project.lock is None:
        raise Declined("there is no poetry.lock in the build context that says what is installed")
    extra = [] if line.on("--no-root") or not project.is_package else ["--no-root"]
    if any(is_directory for _, _, is_directory in project.local()) and not line.on("--no-directory"):
        if re.search(r"poetry==1\.[0-4]\b|POETRY_VERSION[= ]\"?1\.[0-4]\b", site.build.dockerfile.text):
            raise Declined("this poetry may not know --no-directory")
        extra.append("--no-directory")
    apart = _apart(site, project)
    if apart.status is not Status.PROVED and (line.verb == "sync" or line.on("--sync", "--remove-untracked")):
        raise Declined("it removes what is not asked for, and poetry itself may be among that")
    reads = [*project_files(project), *pip_reads(step, site.view)]
    reads += [Read(path, "it is installed from there", True) for _, path, is_dir in project.local() if not is_dir]
    environments = [Write(project.path(".venv"), "poetry keeps the environment there")]
    path = step.env.get("POETRY_VIRTUALENVS_PATH", "")
    environments += [Write(path, "poetry keeps the environment there")] if path and path.startswith("/") else []
    return Fetch(
        f"poetry {line.verb}",
        " ".join([site.command, *extra]),
        "an edit of a source file no longer installs the dependencies again",
        tuple(dict.fromkeys(reads)),
        tuple(environments),
        (
            proved("the layer holds what poetry.lock says, but no package of the tree", "they are left out by name"),
            proved("poetry install leaves the same behind it", "it adds what is missing by the same lockfile"),
            apart,
        ),
        exact=True,
    )


def _apart(site: Site, project: Project) -> Obligation:
    """Judge whether poetry still runs when the project's packages, which may be older than its own, are installed."""
    claim = "poetry finds its own packages when it runs again"
    found = settings(site, project.own)
    if not site.step.env.get("VIRTUAL_ENV", "") and found.values.get("virtualenvs.create", "true") in ("true", "1"):
        return proved(claim, "the project's go to an environment of their own")
    if re.search(r"install\.python-poetry\.org|\bpipx\s+install\b[^&;|]*\bpoetry\b", site.build.dockerfile.text):
        return proved(claim, "its installer makes an environment for it")
    return assumed(
        claim, "the project's packages are installed beside them", site.build.step_place(site.run, site.step)
    )


def cache(site: Site) -> CachePlan | None:
    """Return how an install uses mounts over poetry's caches, but never over its environments."""
    step = site.step
    if verb_of(step) not in _INSTALLS:
        return None
    line = read_line(step)
    project = find_project(_directory(step, line), site.view)
    found = settings(site, project.own)
    if "cache-dir" in found.values and "POETRY_CACHE_DIR" not in step.env:
        raise Declined("settings of poetry move its cache")
    home = cache_home(site, "poetry", "pypoetry", "POETRY_CACHE_DIR")
    inside = _environment(found, home, site)
    edits, proof = enable(step, home, _OFF)
    place = site.view.place(project.path("poetry.lock"))
    if project.lock is None:
        raise Declined("no poetry.lock says whether it builds wheels, which would stay in its cache")
    if "POETRY_INSTALLER_NO_BINARY" in step.env or "installer.no-binary" in found.values:
        raise Declined("poetry is told to build wheels, which would stay in its cache")
    mounts = [home.mount("artifacts"), home.mount("cache")] if inside else [home.mount()]
    version = site.view.read(project.path(".python-version"))
    return CachePlan(
        "keep poetry's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        tuple(mounts),
        tuple(edits),
        tuple(mount.target for mount in mounts),
        (
            home.proof,
            *proof,
            proved("no step and no program reads poetry's caches", "what is installed is copied out of them"),
            proved("the environment is in none of them", inside or "it is made elsewhere"),
            judge_wheels(site, "poetry", project.archives(), version, place),
        ),
    )


def _environment(found: Settings, home: CacheHome, site: Site) -> str:
    """Return why the environment may lie in the cache directory, "" if it does not; raises Declined."""
    path = found.values.get("virtualenvs.path", "")
    outside = bool(path) and str(path).startswith("/") and not f"{path}/".startswith(f"{home.directory}/")
    if found.environment_is_elsewhere or outside:
        return ""
    if home.moved:
        raise Declined("poetry's environment may lie in its cache directory, which would have to be moved")
    if path is None or "{" in str(path):
        raise Declined("where poetry's environments lie is not known")
    return "only artifacts and cache are mounted, environments lie beside them"


def cleaned(step: Step) -> Sequence[str]:
    """Return the directory of what the indexes say, for ``poetry cache clear``."""
    home = step.env.get("POETRY_CACHE_DIR", "") or (
        f"{step.env['HOME']}/.cache/pypoetry" if step.env.get("HOME") else ""
    )
    if verb_of(step) != "cache" or "clear" not in step.words or not str(home).startswith("/"):
        return ()
    return (posixpath.join(str(home), "cache"),)


clean = no_clean
