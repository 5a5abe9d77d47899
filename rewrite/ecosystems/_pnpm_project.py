"""A pnpm workspace: pnpm-workspace.yaml and what package.json and .npmrc say to pnpm.

Facts: pnpm's documentation (pnpm-workspace.yaml, settings, .pnpmfile.cjs) and runs of 7 to 12 in the lab. Since 10 only
the dependencies that the project allows run their install scripts, and settings are in pnpm-workspace.yaml, before in
.npmrc.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..model import Declined, Place
from . import Read
from ._members import above, files_below
from ._node_package import Package, strings
from ._node_workspaces import workspace_members
from ._node_yaml import load
from ._npm_settings import Settings

WORKSPACE = "pnpm-workspace.yaml"
PNPMFILES = (".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js")
# A hook that does more than look at the manifest that it is given.
_REACHES = re.compile(
    r"\brequire\b|\bimport\b|\bprocess\b(?!\.env\b)|\b(?:eval|Function|globalThis|__dirname|__filename)\b"
)

# Settings that name no file and decide on nothing that is read or written, or on what is followed here.
_KNOWN = frozenset(
    "packages catalog catalogs overrides patched-dependencies only-built-dependencies never-built-dependencies"
    " ignored-built-dependencies allow-builds dangerously-allow-all-builds package-extensions"
    " peer-dependency-rules allowed-deprecated-versions allow-unused-patches allow-non-applied-patches"
    " ignored-optional-dependencies supported-architectures update-config audit-config required-scripts hoist"
    " hoist-pattern public-hoist-pattern shamefully-hoist hoist-workspace-packages auto-install-peers"
    " dedupe-peer-dependents dedupe-direct-deps dedupe-peers strict-peer-dependencies"
    " resolve-peers-from-workspace-root link-workspace-packages prefer-workspace-packages save-workspace-protocol"
    " save-prefix save-exact include-workspace-root ignore-workspace-root-check ignore-workspace-cycles"
    " disallow-workspace-cycles engine-strict node-version manage-package-manager-versions package-manager-strict"
    " package-manager-strict-version prefer-frozen-lockfile verify-deps-before-run strict-dep-builds"
    " minimum-release-age minimum-release-age-exclude trust-policy trust-policy-exclude block-exotic-subdeps"
    " resolution-mode registry-supports-time-field network-concurrency child-concurrency fetch-retries"
    " fetch-timeout fetch-retry-factor fetch-retry-mintimeout fetch-retry-maxtimeout catalog-mode"
    " cleanup-unused-catalogs node-linker ignore-scripts side-effects-cache package-import-method store-dir"
    " enable-global-virtual-store enable-pre-post-scripts shell-emulator optimistic-repeat-install"
    " exclude-links-from-lockfile lockfile-include-tarball-url peers-suffix-max-length"
    " virtual-store-dir-max-length verify-store-integrity strict-store-pkg-content-check ignore-compatibility-db"
    " update-notifier ignore-patch-failures recursive-install registries registry deploy-all-files"
    " force-legacy-deploy inject-workspace-packages sync-injected-deps-after-scripts shared-workspace-lockfile"
    " lockfile".split()
)
# Settings that would make pnpm read or write elsewhere than it does by default.
_ELSEWHERE = (
    "modules-dir virtual-store-dir lockfile-dir pnpmfile global-pnpmfile git-branch-lockfile config-dependencies"
    " only-built-dependencies-file script-shell use-node-version"
).split()


@dataclass(frozen=True, slots=True)
class Workspace:
    """What pnpm-workspace.yaml says, its settings by their names in .npmrc; `place` is where they stand."""

    root: Package
    values: Mapping[str, Any]
    view: View
    place: Place

    @classmethod
    def read(cls, root: Package, view: View) -> Workspace:
        """Read the workspace's file beside `root`, if there is one; raises Declined."""
        for directory in above(root.directory):
            path = posixpath.join(directory, WORKSPACE)
            if view.exists(path):
                raise Declined(f"{root.directory} may be a member of the workspace at {directory}", view.place(path))
        path = root.path(WORKSPACE)
        place = view.place(path)
        values = {_kebab(key): value for key, value in load(view.read(path), place).items()}
        for key in sorted(values.keys() - _KNOWN):
            raise Declined(f"what {key} in {WORKSPACE} changes is not followed", place)
        return cls(root, values, view, place)

    def settings(self, key: str) -> Iterator[Any]:
        """Yield what the workspace's file and the root's package.json say under `key`, as kebab or camel case."""
        if key in self.values:
            yield self.values[key]
        for name, value in self.root.table("pnpm").items():
            if _kebab(name) == key:
                yield value

    def members(self) -> Iterator[Package]:
        """Yield the members of the workspace; raises Declined."""
        patterns = [str(one) for one in self.values.get("packages") or ()]
        for path, _ in files_below(self.root.directory, self.view):
            name, names = posixpath.basename(path), path.split("/")
            if name in ("package.yaml", "package.json5") and "node_modules" not in names and patterns:
                raise Declined("a package may have its manifest in another format", self.view.place(path))
        wanted = [one for one in patterns if not one.startswith("!") and one != "."]
        return workspace_members(self.root, self.view, wanted, [one[1:] for one in patterns if one.startswith("!")])

    def patches(self) -> Iterator[Read]:
        """Yield the patches of dependencies."""
        for table in self.settings("patched-dependencies"):
            for path in strings(table):
                yield Read(self.root.path(path), "a patch of a dependency", required=True)

    def specifiers(self) -> Iterator[str]:
        """Yield versions of dependencies that stand outside of the dependencies of a package.json."""
        for key in ("overrides", "catalog", "catalogs"):
            for table in self.settings(key):
                yield from strings(table)

    def check(self, settings: Settings) -> None:
        """Decline settings that make pnpm read or write elsewhere; `settings` are those of .npmrc and the command."""
        for key in _ELSEWHERE:
            if key in settings.values or any(True for _ in self.settings(key)):
                raise Declined(f"what pnpm's setting {key} changes is not followed", self.place)
        linker = next((str(value) for value in self.settings("node-linker")), settings.values.get("node-linker"))
        if linker not in (None, "isolated", "hoisted"):
            raise Declined(f"what the node-linker {linker} writes is not followed", self.place)
        for key, default in (("inject-workspace-packages", False), ("shared-workspace-lockfile", True)):
            if self.on(settings, key, default) is not default:
                raise Declined(f"what pnpm's setting {key} changes is not followed", self.place)

    def injected(self, packages: list[Package]) -> None:
        """Decline if a member is installed as a copy of its files."""
        for package in packages:
            for meta in package.table("dependenciesMeta").values():
                if isinstance(meta, dict) and meta.get("injected"):
                    place = self.view.place(package.path("package.json"))
                    raise Declined("a member of the workspace is injected, with all of its files", place)

    def on(self, settings: Settings, key: str, default: bool = False) -> bool:
        """Tell whether a switch is on; the command and .npmrc win over the workspace's file."""
        found = next((str(value).lower() == "true" for value in self.settings(key)), default)
        return settings.on(key, found) if key in settings.values else found

    def builds(self, major: int | None) -> set[str] | None:
        """Return the dependencies whose install scripts may run, None if that may be all; `major` is pnpm's version."""
        if major is None or major < 10 or any(True for _ in self.settings("never-built-dependencies")):
            return None
        if any(value for value in self.settings("dangerously-allow-all-builds")):
            return None
        found = {name for value in self.settings("only-built-dependencies") for name in strings(value)}
        for value in self.settings("only-built-dependencies"):
            found |= {str(name) for name in value} if isinstance(value, list) else set()
        for table in self.settings("allow-builds"):
            found |= {str(name) for name, allowed in table.items() if allowed} if isinstance(table, dict) else set()
        return {re.sub(r"(?<=.)@.*", "", name) for name in found}


def pnpmfile(root: Package, view: View) -> str | None:
    """Return the path of the project's hooks, None if there are none; raises Declined if they may read other files."""
    for name in PNPMFILES:
        path = root.path(name)
        if view.exists(path):
            if _REACHES.search(view.read(path) or "require"):
                raise Declined(f"{name} may read other files", view.place(path))
            return path
    return None


def pnpm_major(root: Package) -> int | None:
    """Return the major version of pnpm that packageManager asks for."""
    match = re.match(r"pnpm@(\d+)", str(root.data.get("packageManager", "")))
    return int(match[1]) if match else None


def _kebab(name: object) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", str(name)).lower()
