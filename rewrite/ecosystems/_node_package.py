"""A package.json and all that installing it reads: members, local dependencies, bins, scripts, the lockfile."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from ..build.build import View
from ..build.paths import inside
from ..model import Declined, Obligation, Place, proved
from . import Command, Read, Write
from ._node_scripts import PROGRAMS, script_effects
from ._npm_settings import Settings

LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
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

    def scripts(self, names: Sequence[str]) -> dict[str, str]:
        """Return those of the scripts `names` that there are."""
        scripts = self.table("scripts")
        return {name: str(scripts[name]) for name in names if scripts.get(name)}

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

    def specifiers(self) -> Iterator[str]:
        """Yield the versions of the dependencies as written, those that others are overridden with included."""
        for group in (*_DEPENDENCIES, "overrides", "resolutions"):
            yield from strings(self.data.get(group))

    def path(self, *names: str) -> str:
        """Return the image path of a file of this package."""
        return posixpath.normpath(posixpath.join(self.directory, *names))


@dataclass(frozen=True, slots=True)
class Manager:
    """What differs between the package managers that install what a package.json asks for.

    `lockfiles` in the order in which one is in force; `files` are others that it reads beside the root's package.json.
    `root_scripts` and `member_scripts` are the lifecycle scripts of an install that it runs; `bin_mode` is
    what it makes of the permissions of a member's executable.
    """

    name: str
    lockfiles: tuple[str, ...]
    files: tuple[str, ...] = (".npmrc",)
    root_scripts: tuple[str, ...] = LIFECYCLE
    member_scripts: tuple[str, ...] = LIFECYCLE
    bin_mode: int = 0o755


@dataclass(slots=True)
class Install:
    """One package that a package manager installs from the tree, and what is gathered about it.

    `replaced` tells whether node_modules is emptied first. `packages` are the root, its workspace members and its local
    dependencies; `scripts` tells whether lifecycle scripts run, `scripts_run` which; `environment` whether one may read
    any variable, `strangers` whether install scripts of dependencies do; `variables` are what known ones read.
    `absent` are dependencies that it leaves out, and whose programs are nowhere else.
    """

    manager: Manager
    root: Package
    view: View
    settings: Settings
    env: Mapping[str, str | None]
    replaced: bool = False
    absent: frozenset[str] = frozenset()
    packages: list[Package] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)
    scripts_run: list[tuple[Package, str]] = field(default_factory=list)
    environment: bool = False
    strangers: bool = False
    variables: frozenset[str] = frozenset()

    @property
    def scripts(self) -> bool:
        """Whether lifecycle scripts run."""
        return not self.settings.on("ignore-scripts")

    @property
    def lock(self) -> str | None:
        """The path of the lockfile in force, None if the context brings none."""
        return next((path for name in self.manager.lockfiles if self.view.exists(path := self.root.path(name))), None)

    @property
    def place(self) -> Place:
        """Where the root's package.json stands."""
        return self.view.place(self.root.path("package.json"))

    def gather(self, members: Iterable[Package], specifiers: Iterable[str] = ()) -> None:
        """Collect reads, writes and proof; raises Declined where the list cannot be made.

        `members` are those of the workspace, `specifiers` are versions that stand outside of a package.json.
        """
        root, name = self.root, self.manager.name
        for file in ("package.json", *self.manager.lockfiles, *self.manager.files):
            self.reads.append(Read(root.path(file), f"{name} reads it", required=file == "package.json"))
        self.packages = [root, *members]
        self.writes.append(Write(root.path("node_modules"), f"{name} installs", replaced=self.replaced))
        for member in self.packages[1:]:
            self.reads.append(Read(member.path("package.json"), "a workspace member's manifest", required=True))
        count = len(self.packages) - 1
        self._local_dependencies(root, specifiers)
        for package in self.packages:  # grows on the way
            self._local_dependencies(package, package.specifiers())
        for package in self.packages[1:]:
            # Before 10.8 npm ci emptied only the root's node_modules.
            self.writes.append(Write(package.path("node_modules"), f"{name} installs"))
            self._bins(package)
        if self.scripts:
            self._lifecycles()
        if count:
            claim = f"the manifests of all {count} workspace members are copied"
            self.proof.append(proved(claim, "its workspaces", self.place))

    def check(self) -> None:
        """Decline if something is to be copied that lies where the install writes; call it last."""
        for read in self.reads:
            for write in self.writes:
                if write.local and inside(read.path, write.path) and self.view.exists(read.path):
                    premise = f"{read.path} ({read.why}) lies in {write.path}, where {write.why}"
                    raise Declined(premise, self.view.place(read.path))

    def command(self, ecosystem: str, title: str) -> Command:
        """Return what was gathered as the install `title`."""
        reads, writes = tuple(dict.fromkeys(self.reads)), tuple(dict.fromkeys(self.writes))
        environment = self.environment or None in self.settings.values.values()
        known = Command(ecosystem, title, True, reads, writes, None, tuple(self.proof), environment, self.strangers)
        return replace(known, variables=self.variables)

    def _bins(self, package: Package) -> None:
        """Copy executables along: they are linked only if they are there, and made executable."""
        if "bin" in package.table("directories"):
            raise Declined("a workspace member names a bin directory", self.view.place(package.path("package.json")))
        for file in package.bins.values():
            path = package.path(file)
            if not self.view.exists(path):
                continue  # it is missed before the change as well
            first = (self.view.read(path) or "").split("\n", 1)[0]
            if _mode(self.view, path) != self.manager.bin_mode or first.endswith("\r"):
                raise Declined(
                    f"{self.manager.name} changes the file {path} (a bin of {package.directory}) to make it executable,"
                    " and a later COPY would put it back",
                    self.view.place(path),
                )
            self.reads.append(Read(path, "a workspace member's executable"))

    def _local_dependencies(self, owner: Package, specifiers: Iterable[str]) -> None:
        for value in specifiers:
            if value.startswith("exec:"):
                raise Declined(f"a program of the project makes the dependency {value}", self.place)
            if value.startswith("patch:"):
                self._patched(owner, value)
                continue
            target = _local_target(value)
            if target is None:
                continue
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

    def _patched(self, owner: Package, value: str) -> None:
        """Add the files of a ``patch:`` version, as Yarn 2 and later write it; ``~/`` is the workspace's root."""
        _, _, files = unquote(value).partition("#")
        for file in files.partition("::")[0].split("&"):
            name = file.removeprefix("optional!")
            if "#" in name or not name:
                raise Declined(f"which files {value} names is not known", self.view.place(owner.path("package.json")))
            if not name.startswith(("builtin<", "~builtin<")):
                path = self.root.path(name[2:]) if name.startswith("~/") else owner.path(name)
                self.reads.append(Read(path, "a patch of a dependency", required=True))

    def _lifecycles(self) -> None:
        own = {name: package for package in self.packages[1:] for name in package.bins}
        for package in self.packages:
            path = package.path("binding.gyp")
            manager = self.manager
            scripts = package.scripts(manager.root_scripts if package is self.root else manager.member_scripts)
            if self.view.exists(path) and not {"install", "preinstall"} & scripts.keys():
                premise = f"a binding.gyp makes {manager.name} build the package from its sources"
                raise Declined(premise, self.view.place(path))
            for name, text in scripts.items():
                self._lifecycle(package, name, text)
        if self.environment and own.keys() & PROGRAMS:
            name = min(own.keys() & PROGRAMS)
            raise Declined(f"`{name}` is a program of the project", self.view.place(own[name].path("package.json")))

    def _lifecycle(self, package: Package, name: str, text: str) -> None:
        self.environment = True
        self.scripts_run.append((package, text))
        place = self._script_place(package, name)
        try:
            reads, writes = script_effects(text, package.directory, package.data, self.view, self.absent)
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
    if colon and scheme in ("file", "link", "portal"):
        return "/" + rest.lstrip("/") if rest.startswith("//") else rest
    if value.startswith((".", "/", "~/")) or (not colon and value.endswith(_ARCHIVES)):
        return value
    return None


def strings(value: object) -> Iterator[str]:
    """Yield the texts in a value of JSON or YAML, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
