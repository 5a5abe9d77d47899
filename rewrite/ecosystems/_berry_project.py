"""The settings of Yarn 2 and later: .yarnrc.yml files and ``YARN_*`` variables.

Facts: Yarn's documentation of .yarnrc.yml, and runs of 3.8 and 4.5 in the lab. Until 3 the cache is .yarn/cache in the
project, filled from a mirror in the global folder; since 4 it is in the global folder itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..model import Declined
from . import Read
from ._members import above
from ._node_package import Package
from ._node_yaml import load

# Settings that name no file and decide on nothing that is read or written, or on what is followed here.
_KNOWN = frozenset(
    "nodeLinker yarnPath plugins enableGlobalCache enableMirror enableScripts enableImmutableInstalls"
    " compressionLevel nmMode nmHoistingLimits nmSelfReferences packageExtensions npmScopes npmRegistries"
    " npmRegistryServer npmAuthToken npmAuthIdent npmAlwaysAuth npmPublishAccess npmPublishRegistry"
    " npmAuditRegistry npmMinimalAgeGate npmPreapprovedPackages catalog catalogs supportedArchitectures"
    " enableTelemetry telemetryInterval telemetryUserId enableInlineBuilds enableInlineHunks enableHardenedMode"
    " logFilters checksumBehavior httpTimeout httpRetry networkConcurrency cloneConcurrency taskPoolMode"
    " taskPoolConcurrency pnpMode pnpFallbackMode pnpIgnorePatterns pnpEnableInlining pnpEnableEsmLoader"
    " pnpShebang defaultSemverRangePrefix defaultProtocol defaultLanguageName preferInteractive preferReuse"
    " preferTruncatedLines preferAggregateCacheInfo preferDeferredVersions enableStrictSsl enableNetwork"
    " enableProgressBars progressBarStyle enableTimers enableColors enableHyperlinks enableMessageNames"
    " enableTransparentWorkspaces enableOfflineMode enableStrictSettings unsafeHttpWhitelist changesetBaseRefs"
    " changesetIgnorePatterns approvedGitRepositories winLinkType tsEnableAutoTypes initFields initScope"
    " bstatePath ignoreCwd ignoreNode networkSettings httpProxy httpsProxy immutablePatterns localPatches"
    " virtualFolder".split()
)
_VERSION = re.compile(r"(?:yarn@|yarn-)(?P<major>\d+)")


@dataclass(frozen=True, slots=True)
class BerrySettings:
    """The settings in force for a project; `major` is Yarn's version, None if it is not known."""

    values: Mapping[str, Any]
    major: int | None

    def on(self, name: str, default: bool = False) -> bool:
        """Tell whether a switch is on."""
        value = self.values.get(name, default)
        return value is True or str(value).lower() in ("true", "1")

    @property
    def linker(self) -> str:
        """How packages are laid out: ``pnp``, ``node-modules`` or ``pnpm``."""
        return str(self.values.get("nodeLinker", "pnp"))

    @property
    def in_project(self) -> bool:
        """Whether the cache is in the project; where the version is not known it is taken for the global one."""
        return not self.on("enableGlobalCache", self.major is None or self.major > 3)


def berry_settings(directory: str, view: View, env: Mapping[str, str | None]) -> BerrySettings:
    """Return what holds in `directory`; raises Declined for a setting that is not known."""
    found: dict[str, Any] = {}
    home = env.get("HOME")
    for place in (*((home,) if home else ()), *reversed([directory, *above(directory)])):
        path = posixpath.join(place, ".yarnrc.yml")
        for name, value in load(view.read(path), view.place(path)).items():
            if name not in _KNOWN:
                raise Declined(f"what {name} in .yarnrc.yml changes is not followed", view.place(path))
            if name == "plugins":
                _check_plugins(value, directory, view)
            found[name] = value
    for variable, value in env.items():
        words = variable.lower().split("_")
        name = words[1] + "".join(word.title() for word in words[2:]) if len(words) > 1 else ""
        if words[0] != "yarn" or name in ("version", "globalFolder"):
            continue
        if name not in _KNOWN - {"plugins", "yarnPath"} or value is None:
            raise Declined(f"what the variable {variable} changes is not followed")
        found[name] = value
    return BerrySettings(found, _major(directory, view, found))


def _check_plugins(value: object, directory: str, view: View) -> None:
    for plugin in value if isinstance(value, list) else ():
        spec = plugin.get("spec", "") if isinstance(plugin, dict) else plugin
        if not str(spec).startswith("@yarnpkg/plugin-"):
            premise = f"what the plugin {spec} does is not known"
            raise Declined(premise, view.place(posixpath.join(directory, ".yarnrc.yml")))


def _major(directory: str, view: View, values: Mapping[str, Any]) -> int | None:
    texts = [str(values.get("yarnPath", ""))]
    for place in (directory, *above(directory)):
        package = Package.parse(place, view)
        texts.append(str(package.data.get("packageManager", "")) if package else "")
    return next((int(match["major"]) for text in texts if (match := _VERSION.search(text))), None)


def berry_reads(directory: str) -> Iterator[Read]:
    """Yield what Yarn itself is, and what it reads beside the manifests."""
    for name in (".yarn/releases", ".yarn/plugins", ".yarn/patches", ".env.yarn"):
        yield Read(posixpath.join(directory, name), "Yarn reads it")
