"""A package.json and all that installing it reads: members, local dependencies, bins, scripts, the lockfile."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..build.build import View
from ..build.paths import inside
from ..model import Declined, Obligation, Place, proved
from . import Read, Write
from ._members import files_below, matches
from ._node_scripts import PROGRAMS, script_effects
from ._npm_settings import Settings

LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
LOCKFILES = ("npm-shrinkwrap.json", "package-lock.json")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_ARCHIVES = (".tgz", ".tar.gz", ".tar")


@dataclass(frozen=True, slots=True)
class Package:
    """One package.json at the image path `directory`."""

    directory: str
    data: Mapping[str, Any]

    @classmethod
    def parse(cls, directory: str, view: View) -> Package | None:
        """Return the package at `directory`; None if there is no readable package.json."""
        text = view.read(posixpath.join(directory, "package.json"))
        try:
            data = json.loads(text or "")
        except ValueError:
            return None
        return cls(posixpath.normpath(directory), data) if isinstance(data, dict) else None

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The patterns of the members' directories."""
        value = self.data.get("workspaces", ())
        patterns = value.get("packages", ()) if isinstance(value, dict) else value
        return tuple(str(pattern) for pattern in patterns) if isinstance(patterns, list | tuple) else ()

    @property
    def lifecycle(self) -> dict[str, str]:
        """The scripts that an install runs."""
        scripts = self.table("scripts")
        return {name: str(scripts[name]) for name in LIFECYCLE if scripts.get(name)}

    @property
    def bins(self) -> dict[str, str]:
        """The files of ``bin``, relative to the package, by the name of the command."""
        value = self.data.get("bin")
        if isinstance(value, str):
            value = {str(self.data.get("name", "")).rpartition("/")[2]: value}
        return {name: posixpath.normpath(str(file)) for name, file in value.items()} if isinstance(value, dict) else {}

    def table(self, key: str) -> Mapping[str, Any]:
        """Return the object under `key`, empty if there is none."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def dependencies(self) -> set[str]:
        """Return the names of what the package depends on."""
        return {name for group in _DEPENDENCIES for name in self.table(group)}

    def path(self, *names: str) -> str:
        """Return the image path of a file of this package."""
        return posixpath.normpath(posixpath.join(self.directory, *names))


@dataclass(slots=True)
class Install:
    """One package that npm installs from the tree, and what is gathered about it.

    `packages` are the root, its workspace members and its local dependencies; `scripts` tells whether
    lifecycle scripts run; `environment` whether one runs that may read any variable, `strangers` whether
    install scripts of dependencies do.
    """

    root: Package
    view: View
    settings: Settings
    env: Mapping[str, str | None]
    is_ci: bool
    packages: list[Package] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)
    environment: bool = False
    strangers: bool = False

    @property
    def scripts(self) -> bool:
        """Whether npm runs lifecycle scripts."""
        return not self.settings.on("ignore-scripts")

    @property
    def lock(self) -> str | None:
        """The path of the lockfile in force, None if the context brings none."""
        return next((path for name in LOCKFILES if self.view.exists(path := self.root.path(name))), None)

    def gather(self) -> None:
        """Collect reads, writes and proof; raises Declined where the list cannot be made."""
        root = self.root
        for name in ("package.json", *LOCKFILES, "yarn.lock", ".npmrc"):
            self.reads.append(Read(root.path(name), "npm reads it", required=name == "package.json"))
        self.packages = [root, *workspace_members(root, self.view)]
        self.writes.append(Write(root.path("node_modules"), "npm installs", replaced=self.is_ci))
        for member in self.packages[1:]:
            self.reads.append(Read(member.path("package.json"), "a workspace member's manifest", required=True))
        members = len(self.packages) - 1
        for package in self.packages:  # grows on the way
            self._local_dependencies(package)
        for package in self.packages[1:]:
            # Before 10.8 npm ci emptied only the root's node_modules.
            self.writes.append(Write(package.path("node_modules"), "npm installs"))
            self._bins(package)
        if self.scripts:
            self._lifecycles()
        if members:
            where = self.view.place(root.path("package.json"))
            claim = f"the manifests of all {members} workspace members are copied"
            self.proof.append(proved(claim, "its workspaces", where))

    def check(self) -> None:
        """Decline if something is to be copied that lies where the install writes; call it last."""
        for read in self.reads:
            for write in self.writes:
                if write.local and inside(read.path, write.path) and self.view.exists(read.path):
                    premise = f"{read.path} ({read.why}) lies in {write.path}, where {write.why}"
                    raise Declined(premise, self.view.place(read.path))

    def _bins(self, package: Package) -> None:
        """Copy executables along: npm links them only if they are there, and makes them executable."""
        if "bin" in package.table("directories"):
            raise Declined("a workspace member names a bin directory", self.view.place(package.path("package.json")))
        for file in package.bins.values():
            path = package.path(file)
            if not self.view.exists(path):
                continue  # npm misses it before the change as well
            first = (self.view.read(path) or "").split("\n", 1)[0]
            if _mode(self.view, path) != 0o755 or first.endswith("\r"):
                raise Declined(
                    f"npm changes the file {path} (a bin of {package.directory}) to make it executable,"
                    " and a later COPY would put it back",
                    self.view.place(path),
                )
            self.reads.append(Read(path, "a workspace member's executable"))

    def _local_dependencies(self, owner: Package) -> None:
        values = [value for group in (*_DEPENDENCIES, "overrides") for value in _strings(owner.data.get(group))]
        for target in filter(None, map(_local_target, values)):
            if target.startswith("~"):
                raise Declined("a dependency lies in the home directory", self.view.place(owner.path("package.json")))
            path = owner.path(target)
            if any(path == package.directory for package in self.packages):
                continue
            self.reads.append(Read(path, "a dependency from the tree", required=not target.endswith(_ARCHIVES)))
            if not self.view.is_dir(path):
                continue
            local = Package.parse(path, self.view)
            if local is None:
                raise Declined(f"the package.json of the local dependency {path} cannot be read", self.view.place(path))
            self.packages.append(local)

    def _lifecycles(self) -> None:
        own = {name: package for package in self.packages[1:] for name in package.bins}
        for package in self.packages:
            path = package.path("binding.gyp")
            if self.view.exists(path) and not {"install", "preinstall"} & package.lifecycle.keys():
                raise Declined("a binding.gyp makes npm build the package from its sources", self.view.place(path))
            for name, text in package.lifecycle.items():
                self._lifecycle(package, name, text)
        if self.environment and own.keys() & PROGRAMS:
            name = min(own.keys() & PROGRAMS)
            raise Declined(f"`{name}` is a program of the project", self.view.place(own[name].path("package.json")))

    def _lifecycle(self, package: Package, name: str, text: str) -> None:
        self.environment = True
        place = self._script_place(package, name)
        try:
            reads, writes = script_effects(text, package.directory, package.data, self.view)
        except Declined as declined:
            raise Declined(f"the {name} script runs `{text}`: {declined.premise}", place) from None
        self.reads += reads
        self.writes += writes
        what = ", ".join(read.path for read in reads if self.view.exists(read.path)) or "nothing of the project"
        self.proof.append(proved(f"the {name} script `{text}` reads {what}", "its programs are known", place))

    def _script_place(self, package: Package, name: str) -> Place:
        text = self.view.read(package.path("package.json")) or ""
        at = text.find(f'"{name}"', max(text.find('"scripts"'), 0))
        return self.view.place(package.path("package.json"), text.count("\n", 0, max(at, 0)) + 1)


def workspace_members(root: Package, view: View) -> Iterator[Package]:
    """Yield the members of the workspace at `root` that the view has, in the order of their directories.

    Raises Declined for patterns that npm may read in another way.
    """
    patterns = [pattern.removeprefix("./").strip("/") for pattern in root.workspaces]
    place = view.place(root.path("package.json"))
    for pattern in patterns:
        if pattern.startswith("!") or set(pattern) & set("{}()[]\\") or ".." in pattern.split("/"):
            raise Declined(f"its workspaces use the pattern {pattern}", place)
    found = []
    for path, is_link in files_below(root.directory, view) if patterns else ():
        names = posixpath.relpath(path, root.directory).split("/")
        if "node_modules" in names or names == ["package.json"]:
            continue
        leads = is_link and view.is_dir(path)
        if leads and any(matches(names, pattern.split("/"), partly=True) for pattern in patterns):
            raise Declined(f"{path} is a symbolic link where its workspaces are", view.place(path))
        if names[-1] == "package.json" and any(matches(names[:-1], pattern.split("/")) for pattern in patterns):
            found.append(posixpath.dirname(path))
    for directory in sorted(set(found)):
        member = Package.parse(directory, view)
        if member is None:
            raise Declined("a workspace member's package.json cannot be read", view.place(f"{directory}/package.json"))
        yield member


def _mode(view: View, path: str) -> int | None:
    """Return the permissions of the file at the image path, None if a COPY sets them in a way that is not read."""
    copy = next(copy for copy in view.copies if copy.context_path(path) is not None)
    flag = copy.instruction.flag("chmod")
    if flag:
        return int(flag.value, 8) if flag.value and set(flag.value) <= set("01234567") else None
    entry = view.context.tree.stat(view.context_path(path) or "")
    return entry.mode & 0o7777 if entry else None


def _local_target(value: str) -> str | None:
    """Return the path that a dependency's version names, None if it names no file."""
    scheme, colon, rest = value.partition(":")
    if colon and scheme in ("file", "link"):
        return "/" + rest.lstrip("/") if rest.startswith("//") else rest
    if value.startswith((".", "/", "~/")) or (not colon and value.endswith(_ARCHIVES)):
        return value
    return None


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
