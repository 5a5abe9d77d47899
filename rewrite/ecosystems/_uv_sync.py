"""``uv sync`` and its kin: the project, what is installed of the tree, and the sync that can go before the sources.

Facts: as in uv.py.
"""

from __future__ import annotations

import re

from ..build.build import View
from ..build.paths import SYSTEM, inside, join
from ..build.runs import Step
from ..model import Declined, proved
from . import Command, Fetch, Site, Write
from ._members import image_path
from ._python_environment import environment, home_writes, system_prefixes
from ._python_project import canonical
from ._uv_project import Local, Project, find_project, reads
from ._uv_settings import Line, check, configuration, read_line, start_directory, switched

_PARTIAL = ("--no-install-project", "--no-install-workspace", "--no-install-local")
_RESOLVES = ("--upgrade", "--upgrade-package", "--upgrade-group", "--reinstall", "--reinstall-package", "--refresh")
_TOOL_PLACES = (
    *("UV_TOOL_DIR", "UV_TOOL_BIN_DIR", "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_BIN_DIR", "XDG_DATA_HOME", "XDG_BIN_HOME"),
)


def tool_writes(step: Step) -> tuple[Write, ...]:
    """Return where uv keeps tools and Pythons."""
    moved = [join(step.cwd, step.env[name] or "") for name in _TOOL_PLACES if step.env.get(name, "") != ""]
    if None in moved:
        raise Declined("where uv keeps its tools is not known")
    return (*home_writes(step), *(Write(str(path), "uv keeps tools and Pythons there") for path in moved))


class Sync:
    """One ``uv sync``, ``lock``, ``export`` or ``tree``: the project, and what is installed of the tree."""

    def __init__(self, step: Step, view: View, line: Line) -> None:
        check(step, line)
        if line.on("--script"):
            raise Declined("it follows a script's own requirements")
        if line.on("--no-build-isolation", "--no-build-isolation-package"):
            raise Declined("it builds packages with what is installed already")
        self.step, self.view, self.line = step, view, line
        self.project: Project = find_project(start_directory(step, line), view)
        self.frozen = switched(step, line, "--frozen", "UV_FROZEN")
        self.locked = switched(step, line, "--locked", "UV_LOCKED") or line.on("--check")
        self.editable = not switched(step, line, "--no-editable", "UV_NO_EDITABLE")

    @property
    def keeps_lock(self) -> bool:
        """Whether uv.lock stays as it is."""
        return self.frozen or self.locked

    def reachable(self) -> list[Local]:
        """Return the packages of the tree that belong to what is asked for."""
        named = [canonical(name) for name in self.line.values("--package")]
        current = self.project.current
        names = named or ([current.name] if current else None)
        return self.project.installed(None if self.line.on("--all-packages") else names)

    def local(self) -> list[Local]:
        """Return those of them that the command installs."""
        line, project = self.line, self.project
        if line.verb != "sync" or line.on("--no-install-local"):
            return []
        named = {canonical(name) for name in line.values("--package")}
        own = named if len(named) == 1 else {project.current.name} if project.current and not named else set[str]()
        skipped = {canonical(name) for name in line.values("--no-install-package")}
        skipped |= own if line.on("--no-install-project") else set()
        inside = project.members if line.on("--no-install-workspace") else set[str]()
        return [one for one in self.reachable() if one.name not in skipped and one.directory not in inside]

    def environment(self) -> Write:
        """Return the environment that is filled; raises Declined."""
        step, why = self.step, "uv sync makes the environment"
        active = step.env.get("VIRTUAL_ENV", "") if self.line.on("--active") else ""
        target = active or step.env.get("UV_PROJECT_ENVIRONMENT", "") or ".venv"
        path = join(self.project.root, target) if target else None
        if path is None or active is None:
            raise Declined("where the environment lies is not known")
        return environment(path, self.view, step, why)


def project_command(step: Step, view: View, line: Line, title: str) -> Command:
    sync = Sync(step, view, line)
    project, installed = sync.project, sync.local()
    found, made = reads(project, installed, frozen=sync.frozen, editable=sync.editable)
    writes = [*made, *tool_writes(step)]
    if line.verb == "sync":
        writes += [sync.environment(), *system_prefixes()]
    if not sync.keeps_lock:
        writes.append(Write(project.lock_path, f"{title} may rewrite it", local=False))
    writes += [
        Write(image_path(step, value), "its output", local=False) for value in line.values("-o", "--output-file")
    ]
    reads_ = tuple(dict.fromkeys([*found, *configuration(step, line, view)]))
    environment_ = any(read.path in {local.directory for local in project.locals} for read in reads_)
    return Command(
        "uv", title, line.verb == "sync", reads_, tuple(dict.fromkeys(writes)), None, (), environment_, strangers=True
    )


def sync_fetch(site: Site) -> Fetch | None:
    """Return a sync of all but the packages of the tree, for a ``uv sync`` that builds some of these."""
    step = site.step
    line = read_line(step, "sync")
    sync = Sync(step, site.view, line)
    local = sync.local()
    if (not local and sync.keeps_lock) or line.on("--dry-run", "--check"):
        return None
    if sync.project.lock is None:
        raise Declined("there is no uv.lock in the build context that says what is installed")
    if line.on(*_RESOLVES) or (line.on("--inexact") and not sync.keeps_lock):
        raise Declined("it does not install what uv.lock says")
    place = sync.environment().path
    if (place == step.env.get("VIRTUAL_ENV") or any(inside(place, one) for one in SYSTEM)) and not line.on("--inexact"):
        raise Declined(f"it removes what is not asked for from {place}, in which uv itself may be")
    if re.search(r"\buv(?:==|:|@)0\.[0-3]\b", site.build.dockerfile.text):
        raise Declined("this uv may not know --no-install-project")
    found, _ = reads(sync.project, (), frozen=True, editable=sync.editable)
    found += configuration(step, line, site.view)
    return Fetch(
        "uv sync",
        _fetch_text(site, sync),
        "an edit of a source file no longer installs the dependencies again",
        tuple(dict.fromkeys(found)),
        (sync.environment(),),
        (
            proved("the layer holds what uv.lock says, but no package of the tree", "uv.lock is read, never written"),
            proved(
                "uv sync leaves the same environment behind it",
                "it adds what is missing, and removes what is not asked for",
            ),
        ),
        exact=True,
    )


def _fetch_text(site: Site, sync: Sync) -> str:
    """Return the command with ``--frozen`` and without the tree's packages, otherwise as it is written."""
    simple = site.step.simple
    start = simple.assignments[0].span.start if simple.assignments else simple.words[0].span.start
    prefix = site.run.text.text[start : simple.words[0].span.start]
    words = [
        "--frozen" if value == "--locked" else word.raw
        for word, value in zip(simple.words, site.step.words, strict=True)
        if value not in _PARTIAL
    ]
    members, project = sync.project.members, sync.project
    words += ["--frozen"] * ("--frozen" not in words)
    # A single project's members are itself.
    words.append("--no-install-workspace" if len(members) > 1 else "--no-install-project")
    given = {canonical(name) for name in sync.line.values("--no-install-package")}
    outside = [one for one in project.locals if one.directory not in members and one.name not in given]
    return prefix + " ".join([*words, *(f"--no-install-package {one.name}" for one in outside)])
