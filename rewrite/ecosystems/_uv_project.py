"""A uv project: its workspace, its lockfile, the packages of the tree in it, and what installing them reads.

Facts: uv's documentation (projects, workspaces, locking, settings) and traces of uv 0.13 in the lab: ``uv sync`` opens
pyproject.toml of the project, of its members and of path dependencies, uv.lock, uv.toml and .python-version of the
directory and of those above it; a package whose metadata is static is not built unless it is installed; ``--frozen``
looks at no metadata at all. A package without ``[build-system]`` is not installed (unless ``tool.uv.package``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..build.build import View
from ..build.paths import join
from ..model import Declined
from . import Read, Write
from ._members import above, files_below, matches
from ._python_project import canonical, find_pyproject, load_toml, project_reads, table
from ._requirements import is_remote

CONFIGURATION = ("uv.toml", ".python-version", ".python-versions")
_LOCAL_SOURCES = ("editable", "directory")


@dataclass(frozen=True, slots=True)
class Local:
    """A package of the tree: `name` as the lockfile has it, the image path `directory`, its pyproject.toml parsed."""

    name: str
    directory: str
    data: Mapping[str, Any]

    @property
    def is_package(self) -> bool:
        """Whether uv builds and installs it."""
        wanted = table(self.data, "tool", "uv").get("package")
        return bool(wanted) if wanted is not None else "build-system" in self.data

    def is_static(self, entry: Mapping[str, Any] | None) -> bool:
        """Tell whether its metadata can be read without building it; `entry` is its part of the lockfile.

        An entry without a version is one whose version uv does not look at.
        """
        dynamic = set(table(self.data, "project").get("dynamic", ()))
        if "project" not in self.data:
            return False
        return dynamic <= ({"version"} if entry is not None and "version" not in entry else set[str]())


@dataclass(slots=True)
class Project:
    """The project that uv finds from a directory: `current` is its package, None for a bare workspace root."""

    root: str
    view: View
    current: Local | None
    locals: list[Local]
    lock: Mapping[str, Any] | None
    members: set[str] = field(default_factory=set)

    @property
    def lock_path(self) -> str:
        """The image path of uv.lock, there or not."""
        return posixpath.join(self.root, "uv.lock")

    def entry(self, local: Local) -> Mapping[str, Any] | None:
        """Return a package's part of the lockfile, None if it has none."""
        packages = self.lock.get("package", ()) if self.lock else ()
        return next((entry for entry in packages if entry.get("name") == local.name), None)

    def installed(self, names: Sequence[str] | None) -> list[Local]:
        """Return the packages of the tree that installing those called `names` (None: all members) installs."""
        if self.lock is None or names is None:
            return [local for local in self.locals if local.is_package]
        entries = {str(entry.get("name")): entry for entry in self.lock.get("package", ())}
        pending, seen = list(names), set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            pending += _named(entries.get(name, {}))
        return [local for local in self.locals if local.is_package and local.name in seen]


def _named(entry: object) -> Iterator[str]:
    """Yield the names in all dependency tables of a lockfile's entry."""
    if isinstance(entry, Mapping):
        for key in ("dependencies", "optional-dependencies", "dev-dependencies"):
            found = entry.get(key, ())
            lists = found.values() if isinstance(found, Mapping) else [found]
            yield from (str(item["name"]) for items in lists for item in items if "name" in item)


def find_project(start: str, view: View) -> Project:
    """Return the project that uv finds from the image path `start`; raises Declined."""
    directory, data = find_pyproject(start, view)
    root, root_data = directory, data
    if "workspace" not in table(data, "tool", "uv"):
        for parent in above(directory):
            found = load_toml(posixpath.join(parent, "pyproject.toml"), view)
            if found is not None and "workspace" in table(found, "tool", "uv"):
                root, root_data = parent, found
                break
    project = Project(root, view, None, [], load_toml(posixpath.join(root, "uv.lock"), view))
    _no_local_index(root, root_data, view)
    for path in (root, *_members(root, root_data, view)):
        _add(project, path)
        project.members.add(path)
    project.current = next((local for local in project.locals if local.directory == directory), None)
    if directory not in project.members:
        raise Declined(f"{directory} is not a member of the workspace at {root}", view.place(root))
    _add_path_sources(project)
    return project


def _members(root: str, data: Mapping[str, Any], view: View) -> list[str]:
    """Return the directories of a workspace's members; raises Declined for patterns that are not followed."""
    workspace = table(data, "tool", "uv", "workspace")
    patterns = [str(pattern).removeprefix("./").strip("/") for pattern in workspace.get("members", ())]
    excluded = [str(pattern).removeprefix("./").strip("/") for pattern in workspace.get("exclude", ())]
    for pattern in (*patterns, *excluded):
        if set(pattern) & set("{}[]!\\") or ".." in pattern.split("/"):
            place = view.place(posixpath.join(root, "pyproject.toml"))
            raise Declined(f"its workspace uses the pattern {pattern}", place)
    found = set()
    for path, is_link in files_below(root, view) if patterns else ():
        names = posixpath.relpath(path, root).split("/")
        if is_link and view.is_dir(path) and any(matches(names, p.split("/"), partly=True) for p in patterns):
            raise Declined(f"{path} is a symbolic link where its workspace is", view.place(path))
        is_member = names[-1] == "pyproject.toml" and any(matches(names[:-1], p.split("/")) for p in patterns)
        if is_member and not any(matches(names[:-1], p.split("/")) for p in excluded):
            found.add(posixpath.dirname(path))
    return sorted(found - {root})


def _add(project: Project, directory: str) -> None:
    data = load_toml(posixpath.join(directory, "pyproject.toml"), project.view)
    if data is not None and (name := table(data, "project").get("name")):
        project.locals.append(Local(canonical(str(name)), directory, data))


def _add_path_sources(project: Project) -> None:
    """Add the packages that lie in the tree besides the members, by the lockfile; raises Declined."""
    place = project.view.place(project.lock_path)
    if project.lock is None:
        for local in project.locals:
            for name, source in table(local.data, "tool", "uv", "sources").items():
                if any("path" in one for one in (source if isinstance(source, list) else [source])):
                    where = project.view.place(posixpath.join(local.directory, "pyproject.toml"))
                    raise Declined(f"{name} is a local path, and no uv.lock tells what belongs to it", where)
        return
    known = {local.directory for local in project.locals}
    for entry in project.lock.get("package", ()):
        source = entry.get("source", {})
        for kind in _LOCAL_SOURCES:
            if kind in source:
                directory = join(project.root, str(source[kind]))
                if directory is None:
                    raise Declined(f"where {source[kind]} lies is not known", place)
                if directory not in known:
                    _add_outside(project, str(entry.get("name")), directory)


def _add_outside(project: Project, name: str, directory: str) -> None:
    data = load_toml(posixpath.join(directory, "pyproject.toml"), project.view)
    if data is None and not project.view.exists(directory):
        place = project.view.place(project.lock_path)
        raise Declined(f"{name} lies in {directory}, which is not in the build context", place)
    # Without a pyproject.toml it is a setup.py's, which is built.
    project.locals.append(Local(name, directory, {"build-system": {}} if data is None else data))


def _no_local_index(root: str, data: Mapping[str, Any], view: View) -> None:
    """Decline packages that are looked for in a directory."""
    own = load_toml(posixpath.join(root, "uv.toml"), view)
    name = "pyproject.toml" if own is None else "uv.toml"
    settings = table(data, "tool", "uv") if own is None else own
    places = [settings.get("index-url"), *settings.get("extra-index-url", ()), *settings.get("find-links", ())]
    places += [one.get("url") for one in settings.get("index", ()) if isinstance(one, Mapping)]
    for place in places:
        if place is not None and not is_remote(str(place)):
            raise Declined(f"it looks for packages in {place}", view.place(posixpath.join(root, name)))


def archives(project: Project) -> Iterator[Read]:
    """Yield the archives and directories of packages that the lockfile names; raises Declined for what is not read."""
    place = project.view.place(project.lock_path)
    for entry in project.lock.get("package", ()) if project.lock else ():
        source = entry.get("source", {})
        for kind in ("path", "registry"):
            value = str(source.get(kind, ""))
            if value and not is_remote(value):
                path = join(project.root, value)
                if path is None:
                    raise Declined(f"where {value} lies is not known", place)
                yield Read(path, "the lockfile names it", required=True)
        if str(source.get("git", "")) and not is_remote(str(source["git"])):
            raise Declined(f"what cloning {source['git']} reads is not known", place)


def reads(
    project: Project, installed: Sequence[Local], *, frozen: bool, editable: bool
) -> tuple[list[Read], list[Write]]:
    """Return what a sync that installs the packages `installed` of the tree reads, and what it leaves in them.

    Raises Declined where that cannot be listed.
    """
    view = project.view
    found = [Read(posixpath.join(project.root, "pyproject.toml"), "the project's manifest", required=True)]
    if project.lock is not None:
        found.append(Read(project.lock_path, "the lockfile", required=True))
    for directory in (project.root, *above(project.root)):
        found += [Read(posixpath.join(directory, name), "uv's settings") for name in CONFIGURATION]
        found.append(Read(posixpath.join(directory, "pyproject.toml"), "uv looks for a workspace there"))
    for directory in sorted(project.members - {project.root}):
        found.append(Read(posixpath.join(directory, "pyproject.toml"), "a member's manifest", required=True))
        found += [Read(posixpath.join(directory, name), "uv's settings") for name in CONFIGURATION]
    writes: list[Write] = []
    for local in project.locals:
        builds = local in installed or not (frozen or local.is_static(project.entry(local)))
        if builds:
            mine, outputs = project_reads(local.directory, view, editable)
            found += mine
            writes += [Write(path, "building the project leaves it there") for path in outputs]
        elif not frozen and local.directory not in project.members:
            found.append(Read(posixpath.join(local.directory, "pyproject.toml"), "a dependency's manifest", True))
    return [*found, *archives(project)], writes
