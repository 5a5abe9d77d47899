"""A poetry project: its files, its lockfile, the packages of the tree that an install builds, and poetry's settings.

Facts: poetry's documentation (configuration, dependency specification, commands) and traces of poetry 2.5 in the lab:
it opens pyproject.toml, poetry.lock and poetry.toml, looks for ``.venv`` (and takes it, if it is there) and for plugins
in ``.poetry``; ``--no-root`` leaves the project's sources alone, ``--no-directory`` those of path dependencies.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..build.paths import join
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined
from . import Read, Site
from ._members import above
from ._python_project import find_pyproject, load_toml, table
from ._requirements import is_remote


@dataclass(frozen=True, slots=True)
class Project:
    """The project at the image path `root`: pyproject.toml, the lockfile and poetry.toml, parsed."""

    root: str
    view: View
    data: Mapping[str, Any]
    lock: Mapping[str, Any] | None
    own: Mapping[str, Any]

    def path(self, name: str) -> str:
        """Return the image path of a file beside pyproject.toml."""
        return posixpath.join(self.root, name)

    @property
    def is_package(self) -> bool:
        """Whether an install installs the project itself, too."""
        return table(self.data, "tool", "poetry").get("package-mode", True) is not False

    def local(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the path dependencies: their names, image paths, and whether each is a directory; raises Declined."""
        place = self.view.place(self.path("poetry.lock" if self.lock else "pyproject.toml"))
        for name, value, is_directory in self._named():
            path = join(self.root, value)
            if path is None or "://" in value:
                raise Declined(f"where {name} lies is not known", place)
            yield name, path, is_directory

    def _named(self) -> Iterator[tuple[str, str, bool]]:
        if self.lock is not None:
            for entry in self.lock.get("package", ()):
                source = entry.get("source", {})
                if source.get("type") in ("directory", "file"):
                    yield str(entry.get("name")), str(source.get("url")), source["type"] == "directory"
            return
        if "file:" in str(table(self.data, "project")):
            raise Declined("a dependency of it is a local path", self.view.place(self.path("pyproject.toml")))
        poetry = table(self.data, "tool", "poetry")
        groups = [table(group, "dependencies") for group in table(poetry, "group").values()]
        for group in (table(poetry, "dependencies"), table(poetry, "dev-dependencies"), *groups):
            for name, wanted in group.items():
                for one in wanted if isinstance(wanted, list) else [wanted]:
                    for kind in {"path", "file"} & one.keys() if isinstance(one, Mapping) else ():
                        yield name, str(one[kind]), not str(one[kind]).endswith((".whl", ".gz", ".zip"))

    def archives(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the names of the lockfile's packages that come from elsewhere, each with its archives."""
        lock = self.lock or {}
        older = table(lock, "metadata", "files")
        for entry in lock.get("package", ()):
            kind = entry.get("source", {}).get("type")
            if kind != "directory":
                files = entry.get("files", older.get(str(entry.get("name")), ()))
                yield str(entry.get("name")), [] if kind == "git" else [str(one.get("file")) for one in files]


def find_project(start: str, view: View) -> Project:
    """Return the project that poetry finds from the image path `start`; raises Declined."""
    directory, data = find_pyproject(start, view)
    lock = load_toml(posixpath.join(directory, "poetry.lock"), view)
    own = load_toml(posixpath.join(directory, "poetry.toml"), view) or {}
    project = Project(directory, view, data, lock, own)
    place = view.place(project.path("pyproject.toml"))
    poetry = table(data, "tool", "poetry")
    if "requires-plugins" in poetry:
        raise Declined("it requires plugins of poetry, and what they read is not known", place)
    for name in ("poetry-dynamic-versioning", "poetry-version-plugin", "poetry-monorepo-dependency-plugin"):
        if name in data.get("tool", {}):
            raise Declined(f"the plugin {name} asks git or other projects", place)
    for source in poetry.get("source", ()):
        if source.get("url") and not is_remote(str(source["url"])):
            raise Declined(f"it looks for packages in {source['url']}", place)
    return project


def project_files(project: Project) -> Iterator[Read]:
    """Yield what poetry opens of a project, whatever it is to install."""
    yield Read(project.path("pyproject.toml"), "the project's manifest", required=True)
    if project.lock is not None:
        yield Read(project.path("poetry.lock"), "the lockfile", required=True)
    yield Read(project.path("poetry.toml"), "poetry's settings for the project")
    yield Read(project.path(".poetry"), "poetry's plugins for the project")
    for directory in (project.root, *above(project.root)):
        yield Read(posixpath.join(directory, ".python-version"), "pyenv chooses the Python by it")


@dataclass(frozen=True, slots=True)
class Settings:
    """Poetry's settings by their names (``virtualenvs.create``); None where a value is not known."""

    values: Mapping[str, str | None]

    def on(self, name: str) -> bool | None:
        """Return a switch's value, None where it is not set or not known."""
        value = self.values.get(name)
        return None if value is None else {"true": True, "1": True, "false": False, "0": False}.get(value.lower())

    @property
    def environment_is_elsewhere(self) -> bool:
        """Whether the environment is known to lie outside of poetry's cache directory."""
        return self.on("virtualenvs.create") is False or self.on("virtualenvs.in-project") is True


SWITCHES = ("virtualenvs.create", "virtualenvs.in-project", "virtualenvs.path", "cache-dir")


def settings(site: Site, own: Mapping[str, Any]) -> Settings:
    """Return the settings in force at `site`: of earlier ``poetry config``, of poetry.toml, of variables."""
    values: dict[str, str | None] = {}
    for stage, run in _until(site):
        mine = stage.state(run.instruction).user == site.run.state.user
        if run.opaque and "poetry" in run.text.text:
            values |= dict.fromkeys(SWITCHES)
        for step in run.steps:
            if step is site.step:
                break
            if step.program == "poetry" and "config" in step.words:
                known = step.top is not None and (mine or "--local" in step.words)
                values |= _configured(step.words, known)
    for section, content in own.items():
        pairs = content.items() if isinstance(content, Mapping) else [("", content)]
        values |= {f"{section}.{key}".rstrip("."): str(value).lower() for key, value in pairs}
    return Settings({**values, **_variables(site.step)})


def _configured(words: Sequence[str | None], known: bool) -> dict[str, str | None]:
    """Return what a ``poetry config`` sets; nothing is known of it if it belongs to another user, or may not run."""
    operands = [word for word in words[1:] if word is None or not word.startswith("-")][1:]
    if not operands or operands[0] is None:
        return dict.fromkeys(SWITCHES)
    return {operands[0]: operands[1] if known and len(operands) == 2 else None}


def _variables(step: Step) -> dict[str, str | None]:
    names = {f"POETRY_{name.upper().replace('.', '_').replace('-', '_')}": name for name in SWITCHES}
    return {name: step.env[variable] for variable, name in names.items() if step.env.get(variable, "") != ""}


def _until(site: Site) -> Iterator[tuple[Stage, Run]]:
    """Yield the RUNs of the stage and of those below it, up to the site's own, the earliest first."""
    for stage, instruction in site.stage.up_to(site.run.instruction):
        if instruction.keyword == "RUN":
            yield stage, site.build.run(instruction)
    yield site.stage, site.run
