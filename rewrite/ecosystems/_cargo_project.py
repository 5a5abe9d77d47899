"""The packages of a cargo workspace: their manifests, and the files that stand for their sources in an empty build.

Facts: The Cargo Book, "Workspaces", "Cargo Targets", "Build Scripts"; seen with cargo 1.95: a manifest without any
target, or with a declared one whose file is missing, is an error for every command of the workspace.
"""

from __future__ import annotations

import fnmatch
import posixpath
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..build.build import View
from ..build.paths import inside, join
from ..model import Declined

_TABLES = ("dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies")
# Lints that an empty crate may cause.
_CAUSED = frozenset({"missing_docs", "unused_crate_dependencies", "warnings", "unused", "unused_extern_crates"})


@dataclass(frozen=True, slots=True)
class Package:
    """A package in the image directory `directory`."""

    directory: str
    name: str
    manifest: Mapping[str, Any]
    programs: tuple[str, ...]
    libraries: tuple[str, ...]
    binaries: frozenset[str]


@dataclass
class Project:
    """A workspace, or a package alone, at `root`, and its packages by directory."""

    view: View
    root: str
    lock: Mapping[str, int] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)

    @classmethod
    def load(cls, directory: str, view: View) -> Project | None:
        """Return the project that cargo finds from `directory`, None if there is no manifest; raises Declined."""
        start = _above(directory, view)
        if start is None:
            return None
        project = cls(view, _root(start, view))
        project._lock()
        for place in (*project._members(), start):
            project._take(place)
        return project

    @property
    def manifests(self) -> list[str]:
        """The manifests of all packages, that of the workspace first."""
        found = dict.fromkeys([self.root, *self.packages])
        return [posixpath.join(directory, "Cargo.toml") for directory in found]

    def _lock(self) -> None:
        path = posixpath.join(self.root, "Cargo.lock")
        text = self.view.read(path)
        if text is None:
            raise Declined("the build context has no Cargo.lock that says what is built")
        try:
            found = self.view.context.once((tomllib, text), lambda: tomllib.loads(text)).get("package", [])
        except tomllib.TOMLDecodeError:
            raise Declined("Cargo.lock cannot be read", self.view.place(path)) from None
        names = [str(one.get("name")) for one in found]
        self.lock = {name: names.count(name) for name in names}

    def _members(self) -> Iterator[str]:
        """Yield the directories of the workspace's members, the root's own if it is a package."""
        manifest = _manifest(self.root, self.view)
        workspace = manifest.get("workspace", {})
        excluded = [str(join(self.root, one)) for one in workspace.get("exclude", [])]
        if "package" in manifest:
            yield self.root
        for pattern in workspace.get("members", []):
            found = list(self._matching(str(pattern)))
            if not found:
                raise Declined(f"no member of the workspace matches {pattern}", self._place(self.root))
            yield from (place for place in found if not any(inside(place, one) for one in excluded))
        _no_overrides(manifest, self._place(self.root))
        yield from self._paths(self.root, workspace)

    def _matching(self, pattern: str) -> Iterator[str]:
        path = join(self.root, pattern)
        if path is None or "**" in pattern:
            raise Declined(f"the workspace's member {pattern} is not followed", self._place(self.root))
        if not set(pattern) & set("*?["):
            yield path
            return
        base = self.view.context_path(self.root)
        for entry in self.view.context.files(base or "."):
            if posixpath.basename(entry.path) == "Cargo.toml":
                relative = posixpath.relpath(posixpath.dirname(entry.path) or ".", base or ".")
                directory = posixpath.normpath(posixpath.join(self.root, relative))
                parts, names = posixpath.normpath(pattern).split("/"), relative.split("/")
                if len(parts) == len(names) and all(map(fnmatch.fnmatchcase, names, parts)):
                    yield directory

    def _take(self, directory: str) -> None:
        """Add the package in `directory` and those that it depends on by path."""
        if directory in self.packages:
            return
        manifest = _manifest(directory, self.view)
        if "package" not in manifest:
            return
        _no_overrides(manifest, self._place(directory))
        self.packages[directory] = package = _package(directory, manifest, self.view)
        if self.lock.get(package.name, 0) != 1:
            premise = f"Cargo.lock has {self.lock.get(package.name, 0)} packages named {package.name}"
            raise Declined(premise, self._place(directory))
        _no_lints(manifest, self._place(directory))
        for path in self._paths(directory, manifest):
            self._take(path)
        for target in manifest.get("target", {}).values():
            for path in self._paths(directory, target):
                self._take(path)

    def _paths(self, directory: str, tables: Mapping[str, Any]) -> Iterator[str]:
        for table in _TABLES:
            for name, wanted in tables.get(table, {}).items():
                if isinstance(wanted, dict) and "path" in wanted:
                    path = join(directory, str(wanted["path"]))
                    if path is None or not self.view.exists(posixpath.join(path, "Cargo.toml")):
                        premise = f"{name} is at {wanted['path']}, which has no Cargo.toml in the build context"
                        raise Declined(premise, self._place(directory))
                    yield path

    def _place(self, directory: str) -> Any:
        return self.view.place(posixpath.join(directory, "Cargo.toml"))


def _above(directory: str, view: View) -> str | None:
    while not view.exists(posixpath.join(directory, "Cargo.toml")):
        parent = posixpath.dirname(directory)
        if parent in (directory, ""):
            return None
        directory = parent
    return directory


def _root(start: str, view: View) -> str:
    """Return the workspace's root for the package in `start`: the nearest manifest upwards with a workspace."""
    manifest = _manifest(start, view)
    named = manifest.get("package", {}).get("workspace")
    if isinstance(named, str):
        return join(start, named) or start
    directory: str | None = start
    while directory is not None:
        if "workspace" in _manifest(directory, view):
            return directory
        parent = posixpath.dirname(directory)
        directory = _above(parent, view) if parent not in ("", directory) else None
    return start


def _manifest(directory: str, view: View) -> dict[str, Any]:
    path = posixpath.join(directory, "Cargo.toml")
    text = view.read(path)
    try:
        if text is not None:
            return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pass
    raise Declined(f"{path} is not a readable file of the build context", view.place(path))


def _no_overrides(manifest: Mapping[str, Any], place: Any) -> None:
    """Decline where a package of the tree replaces one that others need: it cannot be left empty."""
    for table in (manifest.get("replace", {}), *manifest.get("patch", {}).values()):
        if any(isinstance(one, dict) and "path" in one for one in table.values()):
            raise Declined("a package of the tree replaces one that dependencies need", place)
    if "cargo-features" in manifest:
        raise Declined("cargo-features are not followed", place)
    _no_lints(manifest.get("workspace", {}), place)


def _no_lints(manifest: Mapping[str, Any], place: Any) -> None:
    for name, level in (
        manifest.get("lints", {}).get("rust", {}).items() if isinstance(manifest.get("lints"), dict) else ()
    ):
        strict = level.get("level") if isinstance(level, dict) else level
        if name in _CAUSED and strict in ("deny", "forbid"):
            raise Declined(f"the lint {name} may forbid an empty crate", place)


def _package(directory: str, manifest: Mapping[str, Any], view: View) -> Package:
    """Return a package with the files that its targets need; raises Declined for one outside of its directory."""
    package = manifest["package"]
    name = str(package.get("name"))
    programs: dict[str, None] = {}
    libraries: dict[str, None] = {}
    binaries: set[str] = set()
    script = package.get("build", "build.rs")
    if isinstance(script, list):
        raise Declined("a package has several build scripts", view.place(f"{directory}/Cargo.toml"))
    if isinstance(script, str) and view.exists(posixpath.join(directory, script)):
        programs[script] = None
    library = manifest.get("lib", {})
    path = str(library.get("path", "src/lib.rs"))
    if library or view.exists(posixpath.join(directory, path)):
        libraries[path] = None
    for kind, folder in (("bin", "src/bin"), ("example", "examples"), ("test", "tests"), ("bench", "benches")):
        for target in manifest.get(kind, []):
            programs[_path(directory, str(target.get("name")), target.get("path"), kind, folder, view)] = None
            binaries |= {str(target.get("name"))} if kind == "bin" else set()
    if view.exists(posixpath.join(directory, "src/main.rs")):
        programs["src/main.rs"] = None
        binaries.add(name)
    base = view.context_path(posixpath.join(directory, "src/bin"))
    for entry in view.context.files(base) if base and view.context.is_dir(base) else ():
        tail = posixpath.relpath(entry.path, base)
        if tail.endswith(".rs") and (tail.count("/") == 0 or (tail.count("/") == 1 and tail.endswith("/main.rs"))):
            programs[f"src/bin/{tail}"] = None
            binaries.add(tail.partition("/")[0].removesuffix(".rs"))
    for one in (*programs, *libraries):
        if posixpath.normpath(one).startswith(("..", "/")) or not all(c.isalnum() or c in "_-./" for c in one):
            raise Declined(
                f"the target {one} is not a plain path in its package", view.place(f"{directory}/Cargo.toml")
            )
    return Package(directory, name, manifest, tuple(programs), tuple(libraries), frozenset(binaries))


def _path(directory: str, name: str, given: Any, kind: str, folder: str, view: View) -> str:
    """Return the file of a declared target."""
    if isinstance(given, str):
        return given
    candidates = [f"{folder}/{name}.rs", f"{folder}/{name}/main.rs", *(["src/main.rs"] if kind == "bin" else [])]
    return next((one for one in candidates if view.exists(posixpath.join(directory, one))), candidates[0])
