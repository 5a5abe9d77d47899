"""pdm's command line and project: what an install opens, which packages of the tree it builds, what runs with it.

Facts: as in pdm.py.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import Read
from ._members import above
from ._python_project import find_pyproject, load_toml, table
from ._requirements import is_remote
from ._verb_line import Line, Syntax

INSTALLS = frozenset({"install", "sync"})
_SWITCHES = frozenset(
    "-h --help -v --verbose -q --quiet -g --global --local --dry-run --frozen-lockfile --no-lock --check --plugins"
    " --no-default -d --dev --prod --production --no-editable --no-self -x --fail-fast --no-isolation --clean"
    " --only-keep --clean-unselected -r --reinstall -n --non-interactive -I --ignore-python -V --version --no-hashes"
    " --without-hashes --no-markers --no-extras --pyproject --expandvars --self --editable-self --refresh".split()
)
_VALUED = frozenset(
    "-p --project --override -L --lockfile -k --skip --venv -G --group --with --without -C --config-setting -c --config"
    " -f --format -o --output -S --strategy --python --platform --implementation --update-reuse".split()
)
_VARIABLES = re.compile(
    r"PDM_(?:CHECK_UPDATE|CACHE_DIR|USE_VENV|VENV_IN_PROJECT|IGNORE_SAVED_PYTHON|NO_SELF|NO_EDITABLE|FROZEN_LOCKFILE|PYPI_\w+"
    r"|REQUEST_TIMEOUT|IGNORE_ACTIVE_VENV|VERSION|HOME|INSTALL_PARALLEL|NON_INTERACTIVE|LOG_DIR|BUILD_SCM_VERSION)"
)
_FILES = ("pdm.lock", "pylock.toml", "pdm.toml", ".pdm.toml", ".pdm-python")
_HOOK = re.compile(r"(?:pre|post)_(?:install|lock)")


SYNTAX = Syntax("pdm", _SWITCHES, _VALUED, _VARIABLES)


@dataclass(frozen=True, slots=True)
class Project:
    """The project at the image path `root`: pyproject.toml and the lockfile, parsed."""

    root: str
    view: View
    data: Mapping[str, Any]
    lock: Mapping[str, Any] | None

    def path(self, name: str) -> str:
        """Return the image path of a file beside pyproject.toml."""
        return posixpath.join(self.root, name)

    @property
    def is_dynamic(self) -> bool:
        """Whether it has to be built to know what it depends on."""
        return bool({"dependencies", "optional-dependencies"} & set(table(self.data, "project").get("dynamic", ())))

    def archives(self) -> Iterator[Read]:
        """Yield the archives of the tree that the lockfile names; raises Declined."""
        for path, is_directory in self.local():
            if not is_directory:
                yield Read(path, "it is installed from there", required=True)

    def local(self) -> Iterator[tuple[str, bool]]:
        """Yield the image paths of the packages of the tree, and whether each is a directory; raises Declined."""
        where = self.view.place(self.path("pdm.lock"))
        for entry in self.lock.get("package", ()) if self.lock else ():
            value = str(entry.get("path") or entry.get("url") or "")
            if value and not is_remote(value):
                path = None if "${" in value or "://" in value else join(self.root, value)
                if path is None:
                    raise Declined(f"where {entry.get('name')} lies is not known", where)
                yield path, not path.endswith((".whl", ".gz", ".zip"))
        text = self.view.read(self.path("pyproject.toml")) or ""
        if self.lock is None and re.search(r"file:|\$\{PROJECT_ROOT", text):
            raise Declined("a dependency of it is a local path", self.view.place(self.path("pyproject.toml")))


def find_project(step: Step, view: View, line: Line) -> Project:
    """Return the project that pdm finds; raises Declined where it would run or read what is not followed."""
    if line.on("-g", "--global", "-L", "--lockfile", "--override", "--plugins", "--no-isolation", "-c", "--config"):
        raise Declined("what its options make pdm read is not known")
    settings = posixpath.join(step.env.get("HOME") or "/root", ".config/pdm/config.toml")
    if view.exists(settings):
        raise Declined("a COPY brings settings of pdm that are not followed", view.place(settings))
    start = step.cwd
    for option in ("-p", "--project"):
        start = join(start, line.options[option]) if option in line.options else start
    if start is None:
        raise Declined("the directory that pdm runs in is not known")
    root, data = find_pyproject(start, view)
    place = view.place(posixpath.join(root, "pyproject.toml"))
    own = table(data, "tool", "pdm")
    hooks = [name for name in table(own, "scripts") if _HOOK.fullmatch(name)]
    if hooks and not line.on("-k", "--skip"):
        raise Declined(f"its script {hooks[0]} runs with it", place)
    if view.exists(posixpath.join(root, ".pdm-plugins")):
        raise Declined("it has plugins of pdm, and what they read is not known", place)
    for source in own.get("source", ()):
        if not is_remote(str(source.get("url", ""))):
            raise Declined(f"it looks for packages in {source.get('url')}", place)
    return Project(root, view, data, load_toml(posixpath.join(root, "pdm.lock"), view))


def project_files(project: Project) -> Iterator[Read]:
    """Yield what pdm opens of a project, whatever it is to install."""
    yield Read(project.path("pyproject.toml"), "the project's manifest", required=True)
    for name in _FILES:
        yield Read(project.path(name), "the lockfile" if "lock" in name else "pdm's settings")
    for directory in (project.root, *above(project.root)):
        yield Read(posixpath.join(directory, ".python-version"), "it may name a Python")


def built(project: Project, step: Step, line: Line) -> list[str]:
    """Return the directories of the tree that a command builds, for their metadata at least."""
    metadata = table(project.data, "project")
    alone = table(project.data, "tool", "pdm").get("distribution") is False or not metadata.get("name")
    without = line.on("--no-self") or (step.env.get("PDM_NO_SELF") or "").lower() in ("1", "true", "yes")
    root = [project.root] if project.is_dynamic or (line.verb in INSTALLS and not (alone or without)) else []
    return [*root, *(path for path, is_directory in project.local() if is_directory)]
