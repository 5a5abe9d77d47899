"""The packages that poetry, uv and pipenv install by their lockfiles: all of them, those that others need as well.

Facts: the lockfiles themselves as the tools write them; their documentation of groups and extras. A wheel for ``none``
and ``any`` holds nothing that is compiled.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..build.runs import Step
from ..ecosystems._poetry_line import Line as PoetryLine
from ..ecosystems._poetry_project import Project as PoetryProject
from ..ecosystems._python_project import canonical, table
from ..ecosystems._uv_settings import switched
from ..ecosystems._uv_sync import Sync
from ..model import Declined

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_MAIN = "main"
_PURE = re.compile(r"-none-any\.whl\Z")


@dataclass(frozen=True, slots=True)
class Locked:
    """What a lockfile has of the packages that are installed: their `names`, and which of them are `pure` Python."""

    names: frozenset[str]
    pure: frozenset[str] = frozenset()

    def __or__(self, other: Locked) -> Locked:
        return Locked(self.names | other.names, self.pure | other.pure)


def locked(names: Iterable[str], entries: Mapping[str, Mapping[str, Any]]) -> Locked:
    """Return the packages with what they need in turn, by the entries of the lockfile."""
    pending, found = [canonical(name) for name in names], set[str]()
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += _needs(entries.get(name, {}))
    pure = {name for name in found for file in _files(entries.get(name, {})) if _PURE.search(file)}
    return Locked(_without_bundled(found), frozenset(pure))


def _without_bundled(names: set[str]) -> frozenset[str]:
    """Return the names without psycopg's where its wheel brings the library."""
    return frozenset(names - ({"psycopg"} if "psycopg-binary" in names else set()))


def _needs(entry: Mapping[str, Any]) -> Iterator[str]:
    needed = entry.get("dependencies", ())
    for one in needed:
        # Poetry's is a table by names, uv's a list of tables.
        name = str(one.get("name", "")) if isinstance(one, Mapping) else str(one)
        if found := _NAME.match(name):
            yield canonical(found[0])
    if not isinstance(needed, Mapping):
        for extra in table(entry, "optional-dependencies").values():
            yield from (canonical(str(one["name"])) for one in extra if isinstance(one, Mapping) and "name" in one)


def _files(entry: Mapping[str, Any]) -> Iterator[str]:
    for one in (*entry.get("files", ()), *entry.get("wheels", ())):
        if isinstance(one, Mapping):
            yield posixpath.basename(str(one.get("file") or one.get("url") or one.get("path") or one.get("filename")))


def _entries(lock: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    # Poetry has had the files in a table of their own.
    older = table(lock, "metadata", "files")
    named = {str(entry.get("name")): entry for entry in lock.get("package", ())}
    return {canonical(name): {"files": older.get(name, ()), **entry} for name, entry in named.items()}


def _named(requirements: object) -> Iterator[str]:
    for one in requirements if isinstance(requirements, Sequence) and not isinstance(requirements, str) else ():
        if found := _NAME.match(str(one)):
            yield found[0]


def of_poetry(project: PoetryProject, line: PoetryLine, step: Step) -> Locked:
    """Return what ``poetry install`` and ``sync`` install; raises Declined."""
    place = project.view.place(project.path("pyproject.toml"))
    if project.lock is None:
        raise Declined("there is no poetry.lock in the build context that says what is installed", place)
    if any(step.words.count(option) > 1 for option in ("--only", "--with", "--without")):
        raise Declined("an option that names groups is given more than once")
    groups = dict(_poetry_groups(project.data))
    optional = table(project.data, "tool", "poetry", "group")
    only, wanted, left = (set(_list(line.options.get(name, ""))) for name in ("--only", "--with", "--without"))
    if line.on("--no-dev"):
        left.add("dev")
    chosen = only or {
        name
        for name in groups
        if name not in left
        and (name in wanted or line.on("--all-groups") or not table(optional, name).get("optional", False))
    }
    chosen = set() if line.on("--only-root") else chosen
    names = [name for group in chosen for name in groups.get(group, ())]
    if _MAIN in chosen and line.on("-E", "--extras", "--all-extras"):
        extras = (
            table(project.data, "tool", "poetry", "extras"),
            table(project.data, "project", "optional-dependencies"),
        )
        names += [name for extra in extras for listed in extra.values() for name in _named(listed)]
    return locked(names, _entries(project.lock))


def _list(value: str) -> list[str]:
    return [part for part in re.split(r"[\s,]+", value) if part]


def _poetry_groups(data: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    poetry = table(data, "tool", "poetry")
    main = [
        name
        for name, wanted in table(poetry, "dependencies").items()
        if name != "python" and not (isinstance(wanted, Mapping) and wanted.get("optional"))
    ]
    yield _MAIN, [*main, *_named(table(data, "project").get("dependencies"))]
    found: dict[str, list[str]] = {}
    for name, group in table(poetry, "group").items():
        found.setdefault(name, []).extend(table(group, "dependencies"))
    for name, listed in table(data, "dependency-groups").items():
        found.setdefault(name, []).extend(_named(listed))
    if legacy := table(poetry, "dev-dependencies"):
        found.setdefault("dev", []).extend(legacy)
    yield from found.items()


def of_uv(sync: Sync) -> Locked:
    """Return what ``uv sync`` installs; raises Declined."""
    project, line = sync.project, sync.line
    if project.lock is None:
        raise Declined("there is no uv.lock in the build context that says what is installed")
    entries = _entries(project.lock)
    members = [one.name for one in project.locals if one.directory in project.members]
    named = [canonical(name) for name in line.values("--package")]
    if not named and project.current and not line.on("--all-packages"):
        named = [project.current.name]
    groups = [entries.get(name, {}).get("dev-dependencies", {}) for name in named or members]
    chosen = _uv_groups(sync, {name for one in groups for name in one})
    names = [str(item["name"]) for one in groups for name in chosen & one.keys() for item in one[name]]
    if not line.on("--only-dev", "--only-group"):
        names += named or members
    found = locked(names, entries)
    return Locked(found.names, found.pure | {one.name for one in project.locals})


def _uv_groups(sync: Sync, known: set[str]) -> set[str]:
    """Return the dependency groups that are installed, of those of the lockfile."""
    step, line = sync.step, sync.line
    only = {"dev"} if line.on("--only-dev") else set(line.values("--only-group"))
    if only:
        return only
    data = sync.project.current.data if sync.project.current else {}
    defaults = table(data, "tool", "uv").get("default-groups", ["dev"])
    chosen = known if defaults == "all" or line.on("--all-groups") else {str(name) for name in defaults}
    if switched(step, line, "--no-default-groups", "UV_NO_DEFAULT_GROUPS") and not line.on("--all-groups"):
        chosen = set()
    if switched(step, line, "--no-dev", "UV_NO_DEV"):
        chosen = chosen - {"dev"}
    return (chosen | set(line.values("--group")) | ({"dev"} if line.on("--dev") else set())) - set(
        line.values("--no-group")
    )


def of_pipenv(root: str, view: View, develop: bool) -> Locked:
    """Return what pipenv installs of the lockfile in the image directory `root`; raises Declined."""
    path = posixpath.join(root, "Pipfile.lock")
    try:
        data = json.loads(view.read(path) or "")
    except ValueError:
        raise Declined("there is no Pipfile.lock in the build context that says what is installed") from None
    groups = (group for name, group in data.items() if name != "_meta" and (develop or name != "develop"))
    return Locked(_without_bundled({canonical(name) for group in groups for name in group}))
