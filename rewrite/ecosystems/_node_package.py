"""A package.json and all that installing it reads: members, local dependencies, bins, scripts, the lockfile."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..build.build import View
from ..model import Declined, Obligation, assumed, proved
from . import Read, Write
from ._node_scripts import script_effects

LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")

# Install scripts that build or fetch for their own directory and look at nothing of the project.
_SELF_CONTAINED = frozenset(
    "@apollo/protobufjs @bufbuild/buf @esbuild/linux-x64 @fortawesome/fontawesome-common-types @fortawesome/fontawesome-svg-core"
    " @fortawesome/free-brands-svg-icons @fortawesome/free-regular-svg-icons @fortawesome/free-solid-svg-icons"
    " @mongodb-js/zstd @parcel/watcher @prisma/engines @sentry/profiling-node @swc/core @tailwindcss/oxide @tensorflow/tfjs-node"
    " argon2 bcrypt better-sqlite3 bufferutil canvas core-js core-js-pure cpu-features deasync dtrace-provider es5-ext esbuild"
    " fsevents iltorb kerberos leveldown libpq lmdb lz4 msgpackr-extract node-sass protobufjs re2 segfault-handler sharp"
    " sodium-native sqlite3 ssh2 styled-components swagger-ui snappy tree-sitter unrs-resolver utf-8-validate uws vue-demi weak-napi"
    " zeromq zlib-sync".split()
)


def npmrc(root: str, view: View) -> dict[str, str]:
    """Return the settings of the project's .npmrc, keys and values as written."""
    text = view.read(posixpath.join(root, ".npmrc")) or ""
    found = {}
    for line in text.split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";")):
            found[key.strip()] = value.strip().strip("\"'")
    return found


@dataclass
class Package:
    """One package.json at the image path `directory`, and what was gathered from it."""

    directory: str
    data: Mapping[str, Any]
    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)
    scripts: bool = False

    @classmethod
    def parse(cls, directory: str, view: View) -> Package | None:
        """Return the package at `directory`; None if there is no readable package.json."""
        text = view.read(posixpath.join(directory, "package.json"))
        if text is None:
            return None
        try:
            data = json.loads(text)
        except ValueError:
            return None
        return cls(directory, data) if isinstance(data, dict) else None

    @property
    def workspaces(self) -> tuple[str, ...]:
        """The patterns of the members' directories."""
        value = self.data.get("workspaces", ())
        patterns = value.get("packages", ()) if isinstance(value, dict) else value
        return tuple(str(pattern) for pattern in patterns) if isinstance(patterns, list | tuple) else ()

    @property
    def lifecycle(self) -> dict[str, str]:
        """The scripts that an install runs."""
        scripts = self.data.get("scripts") or {}
        return {name: str(scripts[name]) for name in LIFECYCLE if name in scripts}

    @property
    def bins(self) -> tuple[str, ...]:
        """The files of ``bin``, relative to the package."""
        value = self.data.get("bin")
        files = [value] if isinstance(value, str) else list(value.values()) if isinstance(value, dict) else []
        return tuple(posixpath.normpath(str(name)) for name in files)

    def path(self, *names: str) -> str:
        """Return the image path of a file of this package."""
        return posixpath.normpath(posixpath.join(self.directory, *names))


def load_package(root: str, view: View, ignore_scripts: bool, is_ci: bool) -> Package:
    """Return the package at `root` with everything that installing it reads and writes.

    Raises Declined where that list cannot be made.
    """
    package = Package.parse(root, view)
    if package is None:
        raise Declined(f"{root}/package.json is not a readable file of the build context")
    settings = npmrc(root, view)
    ignore_scripts = ignore_scripts or settings.get("ignore-scripts") == "true"
    for name in ("package.json", "package-lock.json", "npm-shrinkwrap.json", ".npmrc"):
        package.reads.append(Read(package.path(name), "npm reads it", required=name == "package.json"))
    if "cafile" in settings:
        package.reads.append(Read(package.path(settings["cafile"]), "cafile in .npmrc"))
    package.writes.append(Write(package.path("node_modules"), "npm installs", replaced=is_ci))
    members = list(_members(package, view))
    for member in members:
        package.reads.append(Read(member.path("package.json"), "a workspace member's manifest", required=True))
        package.writes.append(Write(member.path("node_modules"), "npm installs", replaced=is_ci))
        _bins(package, member, view)
    for owner in (package, *members):
        _local_dependencies(package, owner, view)
        if view.exists(owner.path("binding.gyp")) and not ignore_scripts and "install" not in owner.lifecycle:
            raise Declined("a binding.gyp makes npm build the package from its sources", view.place(owner.path("binding.gyp")))
        if not ignore_scripts:
            _scripts(package, owner, view)
    if not ignore_scripts:
        _dependency_scripts(package, view)
    if members:
        package.proof.append(proved(f"the manifests of all {len(members)} workspace members are copied", "package.json"))
    return package


def _members(package: Package, view: View) -> Iterator[Package]:
    base = view.context_path(package.directory)
    for pattern in package.workspaces:
        if pattern.startswith("!"):
            raise Declined("its workspaces use a negated pattern", view.place(package.path("package.json")))
        clean = posixpath.normpath(posixpath.join(base or ".", pattern))
        for found in view.context.glob(f"{clean}/package.json"):
            if "node_modules" in found.split("/"):
                continue
            tail = posixpath.relpath(posixpath.dirname(found), base or ".")
            member = Package.parse(package.path(tail), view)
            if member is None:
                raise Declined("a workspace member's package.json cannot be read", view.place(package.path(tail, "package.json")))
            yield member


def _bins(package: Package, member: Package, view: View) -> None:
    """Copy a member's executables along: npm links them only if they are there, and makes them executable."""
    if "directories" in member.data and "bin" in member.data["directories"]:
        raise Declined("a workspace member names a bin directory", view.place(member.path("package.json")))
    for name in member.bins:
        path = member.path(name)
        found = view.context_path(path)
        entry = view.context.tree.stat(found) if found else None
        if entry is None:
            raise Declined(f"the executable {path} of a workspace member is not in the build context")
        text = view.context.read(found or "") or ""
        if entry.mode & 0o111 != 0o111 or text.split("\n", 1)[0].endswith("\r"):
            raise Declined(
                f"npm changes the file {path} (a member's bin) to make it executable, and a later COPY would put it back",
                view.place(path),
            )
        package.reads.append(Read(path, "a workspace member's executable"))


def _local_dependencies(package: Package, owner: Package, view: View) -> None:
    for group in (*_DEPENDENCIES, "overrides"):
        for value in _strings(owner.data.get(group) or {}):
            scheme, colon, target = value.partition(":")
            if value.startswith(("./", "../", "/", "~/")):
                target = value
            elif not colon or scheme not in ("file", "link"):
                continue
            path = owner.path(target.removeprefix("//"))
            package.reads.append(Read(path, "a dependency from the tree", required=True))
            if not view.is_dir(path):
                continue
            local = Package.parse(path, view)
            if local is None or local.lifecycle or local.bins or view.exists(local.path("binding.gyp")):
                raise Declined(f"the local dependency {path} has scripts or executables of its own", view.place(path))
            package.writes.append(Write(local.path("node_modules"), "npm installs"))
            _nested_local(local, view)


def _nested_local(local: Package, view: View) -> None:
    for group in _DEPENDENCIES:
        if any(value.startswith(("file:", "link:", ".", "/")) for value in _strings(local.data.get(group) or {})):
            raise Declined("a local dependency has local dependencies of its own", view.place(local.path("package.json")))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)


def _scripts(package: Package, owner: Package, view: View) -> None:
    for name, text in owner.lifecycle.items():
        package.scripts = True
        try:
            reads, writes = script_effects(text, owner.directory, owner.data, view)
        except Declined as declined:
            raise Declined(f"the {name} script runs `{text}`: {declined.premise}", _script_place(owner, name, view)) from None
        package.reads += reads
        package.writes += writes
        what = ", ".join(read.path for read in reads) or "nothing of the project"
        package.proof.append(proved(f"the {name} script `{text}` reads {what}", "", _script_place(owner, name, view)))


def _script_place(owner: Package, name: str, view: View) -> Any:
    text = view.read(owner.path("package.json")) or ""
    at = text.find(f'"{name}"', max(text.find('"scripts"'), 0))
    return view.place(owner.path("package.json"), text.count("\n", 0, max(at, 0)) + 1)


def _dependency_scripts(package: Package, view: View) -> None:
    """Judge the install scripts of the dependencies by the lockfile, which marks them."""
    lock = next((path for name in ("npm-shrinkwrap.json", "package-lock.json") if view.exists(path := package.path(name))), None)
    claim = "no install script of a dependency reads the project"
    if lock is None:
        package.proof.append(assumed(claim, "there is no lockfile that tells which dependencies have one"))
        return
    try:
        entries = json.loads(view.read(lock) or "")["packages"]
    except (ValueError, KeyError, TypeError):
        package.proof.append(assumed(claim, "the lockfile does not mark them", view.place(lock)))
        return
    names = {
        str(entry.get("name") or key.rpartition("node_modules/")[2])
        for key, entry in entries.items()
        if entry.get("hasInstallScript") and "node_modules/" in key
    }
    unknown = sorted(names - _SELF_CONTAINED - _READERS.keys())
    for name in sorted(names & _READERS.keys()):
        _READERS[name](package, view)
    if unknown:
        package.proof.append(assumed(claim, f"what these do is not known: {', '.join(unknown)}", view.place(lock)))
    else:
        known = f"of those with one, {', '.join(sorted(names))} are known" if names else "none has one"
        package.proof.append(proved(claim, known, view.place(lock)))


def _reads_prisma(package: Package, view: View) -> None:
    reads, writes = script_effects("prisma generate", package.directory, package.data, view)
    package.reads += reads
    package.writes += writes


def _reads_puppeteer(package: Package, view: View) -> None:
    names = [f".puppeteerrc{suffix}" for suffix in ("", ".cjs", ".js", ".json", ".yaml", ".yml", ".ts")]
    names += [f"puppeteer.config{suffix}" for suffix in (".js", ".cjs", ".ts")]
    package.reads += [Read(package.path(name), "puppeteer's install script reads it") for name in names]


def _reads_msw(package: Package, view: View) -> None:
    if "msw" in package.data:
        raise Declined("msw writes its worker into the project", view.place(package.path("package.json")))


def _reads_git(package: Package, view: View) -> None:
    package.writes.append(Write(package.path(".git"), "a dependency's install script sets git hooks"))


# Install scripts that look at the project: what they read or write there.
_READERS = {
    "@prisma/client": _reads_prisma,
    "prisma": lambda package, view: None,
    "puppeteer": _reads_puppeteer,
    "msw": _reads_msw,
    "husky": _reads_git,
    "yorkie": _reads_git,
    "simple-git-hooks": _reads_git,
    "lefthook": _reads_git,
    "pre-commit": _reads_git,
}
