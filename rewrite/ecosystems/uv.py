"""uv: ``sync`` with lockfile and workspace, its pip interface, environments and tools; uv's cache.

Facts: uv's documentation (projects, workspaces, Docker, caching, reference) and runs of uv 0.13 in the lab. A sync that
installs the project in two steps leaves the same environment as in one. A wheel of the tree stays in the cache under
the project's path and the time of its pyproject.toml: kept across builds, an older build's sources would be installed
(seen with ``--no-editable``, and with a version that is read from a source file).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import CachePlace, CachePlan, Command, Fetch, Need, Read, ScriptEdit, Site, Tool, no_clean
from ._members import above
from ._python_cache import Switch, cache_directory, cache_home, enable
from ._python_environment import environment, home_writes
from ._uv_pip import builds_local, pip_command, pip_fetch
from ._uv_project import CONFIGURATION, reads
from ._uv_settings import Line, check, configuration, read_line, start_directory, verb_of
from ._uv_sync import Sync, project_command, sync_fetch, tool_writes
from ._wheels import CLAIM, judge_wheels

NAME = "uv"
IGNORE = "python"
TOOLS = (
    Tool(
        "uv",
        "Python",
        ("pyproject.toml", "uv.toml", "requirements.txt"),
        ("uv.lock",),
        ("uv sync", "uv pip install", "uv pip sync", "uv tool install"),
        (
            CachePlace(
                "~/.cache/uv",
                "A",
                "uv copies out of it; not mounted where a package of the tree is built, whose wheel would outlive its"
                " sources, nor with symbolic links",
                "UV_CACHE_DIR",
            ),
        ),
        "uv's documentation of projects, caching and Docker",
        needs=(Need("uv sync", ("uv.lock",), ("--locked", "--frozen")),),
    ),
)
INSTALLING = re.compile(r"\buvx?\b")
CONFIGURES = re.compile(r"\buv\.toml\b|\buv +python +pin\b")

_INSTALLS = frozenset({"sync", "pip install", "pip sync", "tool install"})
_PROJECT = frozenset({"run", "build", "publish", "tool run", "format", "check"})
_SILENT_VERBS = (
    *("", "help", "self", "version", "cache dir", "cache prune", "cache clean", "tool list", "tool dir"),
    *("pip list", "pip freeze", "pip check", "pip show", "pip tree", "python list", "python find", "python dir"),
)
_SILENT = frozenset(_SILENT_VERBS)
_OFF = Switch(("--no-cache", "-n", "--no-cache-dir"), "UV_NO_CACHE", "0", "for uv it is off with 0")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a uv command does; an install's layer is the one that matters."""
    verb = verb_of(step)
    if verb is None:
        return None
    title = f"uv {verb}".strip()
    if verb in _PROJECT:
        return Command(NAME, title, declined=Declined(f"what {title} reads depends on the project"), project=True)
    try:
        return _command(step, view, read_line(step, verb), title)
    except Declined as declined:
        return Command(NAME, title, verb in _INSTALLS, declined=declined)


def _command(step: Step, view: View, line: Line, title: str) -> Command:
    if line.verb in _SILENT and not (line.verb == "version" and line.operands):
        return Command(NAME, title, writes=tuple(home_writes(step)))
    check(step, line)
    if line.verb in ("sync", "lock", "export", "tree"):
        return project_command(step, view, line, title)
    if line.verb.startswith("pip "):
        return pip_command(step, view, line, title)
    if line.verb == "venv":
        return _venv(step, view, line, title)
    if line.verb == "python install":
        directory = start_directory(step, line)
        places = [directory, *above(directory)] if not line.operands else []
        found = [
            Read(posixpath.join(place, name), "it may name a Python") for place in places for name in CONFIGURATION
        ]
        return Command(NAME, title, reads=tuple(found), writes=tool_writes(step))
    if line.verb == "tool install":
        return _tool(step, view, line, title)
    raise Declined(f"{title} is not known")


def _tool(step: Step, view: View, line: Line, title: str) -> Command:
    named = [*line.operands, *line.values("-w", "--with")]
    local = [name for name in named if re.search(r"[/\\]|^\.|\.whl$|\.gz$", name.partition("@")[0])]
    if local or line.on("--with-requirements", "--with-editable", "-e", "--editable", "-c", "--constraints"):
        raise Declined(f"{title} may install from the tree")
    claim = "no build script of a tool reads the project"
    proof = assumed(claim, f"what {', '.join(named)} and what they need do is not known")
    found = tuple(configuration(step, line, view))
    return Command(NAME, title, True, found, tool_writes(step), None, (proof,), strangers=True)


def _venv(step: Step, view: View, line: Line, title: str) -> Command:
    directory = start_directory(step, line)
    if line.on("-c") or len(line.operands) > 1:
        raise Declined("its options are not known")
    target = line.operands[0] if line.operands else step.env.get("UV_PROJECT_ENVIRONMENT", "") or ".venv"
    path = join(directory, target) if target else None
    if path is None:
        raise Declined("where the environment lies is not known")
    places = [directory, *above(directory)]
    names = (*CONFIGURATION, "pyproject.toml")
    found = [Read(posixpath.join(place, name), "it may name a Python") for place in places for name in names]
    writes = (environment(path, view, step, "uv makes the environment"), *tool_writes(step))
    return Command(NAME, title, reads=(*found, *configuration(step, line, view)), writes=writes)


def cache(site: Site) -> CachePlan | None:
    """Return how a uv command that downloads uses a mount over uv's cache."""
    step = site.step
    verb = verb_of(step)
    if verb not in _INSTALLS or verb is None:
        return None
    line = read_line(step, verb)
    check(step, line)
    _usable(site, line)
    home = cache_home(site, "uv", NAME, "UV_CACHE_DIR")
    edits, found = enable(step, home, _OFF)
    if step.env.get("UV_LINK_MODE") != "copy" and not line.on("--link-mode"):
        edits = _copying(step, edits)
    return CachePlan(
        "keep uv's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (home.mount(),),
        tuple(edits),
        (home.directory,),
        (
            home.proof,
            *found,
            proved("no step and no program reads uv's cache", "what is installed is copied out of it"),
            _no_build(site, line),
            *_program(site, verb),
        ),
    )


def _copying(step: Step, edits: Sequence[ScriptEdit]) -> list[ScriptEdit]:
    """Add ``UV_LINK_MODE=copy``: hard links do not reach out of a mount, and uv would say so."""
    start = step.simple.words[0].span.start
    text = "".join(edit.text for edit in edits if edit.before == start)
    if any(assignment.name == "UV_LINK_MODE" for assignment in step.simple.assignments) or step.item.pipeline.timed:
        return list(edits)
    rest = [edit for edit in edits if edit.before != start]
    return [*rest, ScriptEdit(before=start, text=f"UV_LINK_MODE=copy {text}")]


def _usable(site: Site, line: Line) -> None:
    """Raise Declined where a cache that outlives the build would change what is installed."""
    step, view = site.step, site.view
    if line.on("--cache-dir"):
        raise Declined("--cache-dir is given already")
    mode = [*line.values("--link-mode"), step.env.get("UV_LINK_MODE", "copy")][0]
    if mode not in ("copy", "hardlink", "clone"):
        raise Declined("with symbolic links what is installed would lie in the mount")
    start = start_directory(step, line)
    for directory in (start, *above(start)):
        for name in ("uv.toml", "pyproject.toml"):
            path = posixpath.join(directory, name)
            if re.search(r"^\s*(?:cache-dir|link-mode)\s*=", view.read(path) or "", re.MULTILINE):
                raise Declined("settings of uv move its cache, or link to it", view.place(path))
    for run in (site.run, *site.later_runs):
        for other in run.steps:
            offline = (other.env.get("UV_OFFLINE") or "0").lower() not in ("0", "false", "no")
            if verb_of(other) is not None and ("--offline" in other.words or offline):
                raise Declined("a uv works offline, from the cache", site.build.step_place(run, other))
    stale = "the wheel of a package of the tree would stay in the cache, and outlive its sources"
    if line.verb == "sync":
        sync = Sync(step, view, line)
        found, _ = reads(sync.project, sync.local(), frozen=sync.frozen, editable=sync.editable)
        built = {local.directory for local in sync.project.locals} & {read.path for read in found}
        if built:
            raise Declined(stale, view.place(sync.project.lock_path))
    elif line.verb != "tool install" and builds_local(step, view, line):
        raise Declined(stale)


def _no_build(site: Site, line: Line) -> Obligation:
    """Judge whether uv might keep a wheel that it has compiled for this image."""
    if line.on("--no-build") or ":all:" in line.values("--only-binary") or site.step.env.get("UV_NO_BUILD") == "1":
        return proved(CLAIM, "uv is told to build none")
    project = Sync(site.step, site.view, line).project if line.verb == "sync" else None
    forced = line.on("--no-binary", "--no-binary-package") or "UV_NO_BINARY" in site.step.env
    if project is None or project.lock is None or forced:
        return assumed(CLAIM, "uv keeps the wheels that it builds, and no lockfile says that it builds none")
    root = posixpath.join(project.root, "pyproject.toml")
    if "no-binary" in (site.view.read(root) or ""):
        return assumed(CLAIM, "settings tell uv to build", site.view.place(root))
    packages = [
        (str(entry.get("name")), [_file_name(wheel) for wheel in entry.get("wheels", ())])
        for entry in project.lock.get("package", ())
        if not {"editable", "directory", "virtual"} & entry.get("source", {}).keys()
    ]
    version = site.view.read(posixpath.join(project.root, ".python-version"))
    return judge_wheels(site, "uv", packages, version, site.view.place(project.lock_path))


def _file_name(wheel: Mapping[str, str]) -> str:
    return posixpath.basename(str(wheel.get("url") or wheel.get("path") or wheel.get("filename")))


def _program(site: Site, verb: str) -> Sequence[Obligation]:
    """Judge whether the image's program looks into the cache: ``uv run`` only for what its environment has not."""
    for stage in site.build.stages:
        if stage is not site.stage and not stage.may_stand_on(site.stage):
            continue
        for instruction in stage.instructions:
            text = site.build.dockerfile.source(instruction.span)
            if instruction.keyword not in ("CMD", "ENTRYPOINT") or not re.search(r"\buvx?\b", text):
                continue
            claim, place = (
                "the program finds in its environment what uv would take from the cache",
                site.build.place(instruction),
            )
            if verb == "sync" and re.search(r"\buv\b\W+run\b", text) and not re.search(r"--(?:with|script)\b", text):
                return (proved(claim, "what uv sync downloaded, it installed", place),)
            return (assumed(claim, "it starts with uv, which may install more", place),)
    return ()


def cleaned(step: Step) -> Sequence[str]:
    """Return uv's cache directory for ``uv cache clean`` and ``uv cache prune``."""
    if verb_of(step) not in ("cache clean", "cache prune"):
        return ()
    try:
        return (cache_directory(step, NAME, "UV_CACHE_DIR"),)
    except Declined:
        return ()


def fetch(site: Site) -> Fetch | None:
    """Return what installs all but the packages of the tree, for a sync or an install that builds some of these."""
    verb = verb_of(site.step)
    if verb == "sync":
        return sync_fetch(site)
    return pip_fetch(site) if verb == "pip install" else None


clean = no_clean
