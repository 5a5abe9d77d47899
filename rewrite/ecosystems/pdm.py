"""pdm: ``install`` and ``sync`` with lockfile, local packages and hooks; the install without the project; pdm's cache.

Facts: pdm's documentation (usage, configuration, hooks, Docker) and traces of pdm 2.29 in the lab: it opens
pyproject.toml, pdm.lock, pylock.toml, pdm.toml, .pdm.toml and .pdm-python, which it writes; an install without the
project and then one with it leave the same environment as one. Downloads lie in ``http`` of its cache, built wheels
beside it, and with ``install.cache`` the installed packages themselves.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, Command, Fetch, Site, Tool, Write, no_clean
from ._pdm_project import INSTALLS, SYNTAX, built, find_project, project_files
from ._pip_settings import prefixes
from ._pip_settings import settings as pip_reads
from ._python_cache import Switch, cache_home, enable, kept_downloads
from ._python_environment import home_writes
from ._python_project import project_reads
from ._verb_line import Line

NAME = "pdm"
IGNORE = "python"
TOOLS = (
    Tool(
        "pdm",
        "Python",
        ("pyproject.toml", "pdm.toml"),
        ("pdm.lock",),
        ("pdm install", "pdm sync"),
        (
            CachePlace("~/.cache/pdm/http", "A", "downloads, copied out of it", "PDM_CACHE_DIR"),
            CachePlace("~/.cache/pdm/packages", "C", "with install.cache the environment links to it", "PDM_CACHE_DIR"),
        ),
        "pdm's documentation of usage, configuration and hooks",
    ),
)
INSTALLING = re.compile(r"\bpdm\b")
CONFIGURES = re.compile(
    r"\bpdm +(?:-\S+ +)*config +(?:-\S+ +)*(?!(?:check_update|request_timeout"
    r"|pypi\.(?:url|verify_ssl|username|password)|install\.parallel|python\.use_venv|venv\.in_project|cache_dir|install\.cache)\b)\S"
)

_PROJECT = frozenset({"run", "build", "publish", "fix", "outdated"})
_SILENT = frozenset({"", "info", "list", "cache", "completion"})


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pdm command does; an install's layer is the one that matters."""
    verb = SYNTAX.verb_of(step)
    if verb is None:
        return None
    title = f"pdm {verb}".strip()
    if verb in _PROJECT:
        return Command(NAME, title, declined=Declined(f"what {title} reads depends on the project"), project=True)
    try:
        return _command(step, view, SYNTAX.read(step), title)
    except Declined as declined:
        return Command(NAME, title, verb in INSTALLS, declined=declined)


def _command(step: Step, view: View, line: Line, title: str) -> Command:
    if line.verb in _SILENT:
        return Command(NAME, title, writes=tuple(home_writes(step)))
    if line.verb == "config":
        path = join(step.cwd, "pdm.toml")
        if path is None or "--local" in step.words:
            raise Declined("it changes the project's settings")
        return Command(NAME, title, writes=tuple(home_writes(step)))
    if line.verb not in (*INSTALLS, "lock", "export"):
        raise Declined(f"{title} is not known")
    project = find_project(step, view, line)
    reads, writes = [*project_files(project), *pip_reads(step, view)], list(home_writes(step))
    directories = built(project, step, line)
    for path in directories:
        mine, outputs = project_reads(path, view, editable=not line.on("--no-editable"))
        reads += mine
        writes += [Write(output, "building the project leaves it there") for output in outputs]
    reads += project.archives()
    writes += [Write(project.path(name), "pdm keeps the environment there") for name in (".venv", "__pypackages__")]
    writes.append(Write(project.path(".pdm-python"), "pdm says which Python it uses"))
    writes += prefixes(step, view)
    checked = line.on("--check", "--frozen-lockfile", "--no-lock") or step.env.get("PDM_FROZEN_LOCKFILE", "") != ""
    if line.verb == "lock" or (line.verb == "install" and not checked):
        writes.append(Write(project.path("pdm.lock"), f"{title} may rewrite it", local=False))
    for option in ("-o", "--output"):
        output = join(step.cwd, line.options[option]) if option in line.options else ""
        if output is None:
            raise Declined("where its output goes is not known")
        writes += [Write(output, "its output", local=False)] if output else []
    found, places = tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes))
    return Command(NAME, title, line.verb in INSTALLS, found, places, None, (), bool(directories), strangers=True)


def fetch(site: Site) -> Fetch | None:
    """Return an install without the project, for a ``pdm install`` or ``sync`` that builds it."""
    step = site.step
    if SYNTAX.verb_of(step) not in INSTALLS:
        return None
    line = SYNTAX.read(step)
    project = find_project(step, site.view, line)
    if project.root not in built(project, step, line) or line.on("--no-self", "--dry-run"):
        return None
    if project.lock is None:
        raise Declined("there is no pdm.lock in the build context that says what is installed")
    if any(is_directory for _, is_directory in project.local()):
        raise Declined("the lockfile names packages of the tree, which --no-self does not leave out")
    if step.env.get("VIRTUAL_ENV", "") != "":
        raise Declined("it installs into the active environment, in which pdm itself may be")
    if project.is_dynamic:
        place = site.view.place(project.path("pyproject.toml"))
        raise Declined("the project has to be built to know what it needs", place)
    checked = line.verb == "sync" or line.on("--check", "--frozen-lockfile", "--no-lock")
    if line.on("-r", "--reinstall") or not checked:
        raise Declined("it may install something else than pdm.lock says")
    reads = [*project_files(project), *pip_reads(step, site.view), *project.archives()]
    why = "pdm keeps the environment there"
    return Fetch(
        f"pdm {line.verb}",
        f"{site.command} --no-self",
        "an edit of a source file no longer installs the dependencies again",
        tuple(dict.fromkeys(reads)),
        (
            *(Write(project.path(name), why) for name in (".venv", "__pypackages__")),
            Write(project.path(".pdm-python"), "pdm says which Python it uses"),
        ),
        (
            proved("the layer holds what pdm.lock says, but not the project", "--no-self leaves it out"),
            proved(f"pdm {line.verb} leaves the same behind it", "it adds the project to what is there"),
        ),
        exact=True,
    )


def cache(site: Site) -> CachePlan | None:
    """Return how an install uses a mount over pdm's downloads."""
    step = site.step
    if SYNTAX.verb_of(step) not in INSTALLS:
        return None
    project = find_project(step, site.view, SYNTAX.read(step))
    for name in ("pdm.toml", ".pdm.toml"):
        if "cache" in (site.view.read(project.path(name)) or ""):
            raise Declined("settings of pdm move its cache, or install from it", site.view.place(project.path(name)))
    for _, line in site.stage.before(site.run.instruction):
        text = site.build.dockerfile.source(line.span)
        if line.keyword == "RUN" and re.search(r"\bpdm\b.*\bcache", text, re.DOTALL):
            raise Declined("an earlier RUN may move pdm's cache, or make it install from it", site.build.place(line))
    if re.search(r"\bpdm\b[^&;|]*\bconfig\b[^&;|]*cache", site.run.text.text):
        raise Declined("the RUN may move pdm's cache, or make it install from it")
    home = cache_home(site, "pdm", NAME, "PDM_CACHE_DIR")
    edits, found = enable(step, home, Switch(()))
    return kept_downloads("pdm", home, edits, found, ("http",))


def cleaned(step: Step) -> tuple[str, ...]:
    """Return nothing: what ``pdm cache clear`` takes away besides downloads is not kept apart."""
    return ()


clean = no_clean
