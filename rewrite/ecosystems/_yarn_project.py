"""Which Yarn a project runs, and the settings of Yarn 1.

Facts: Yarn's documentation (.yarnrc, yarnPath, packageManager) and runs of 1.22, 3.8 and 4.5 in the lab. Which one runs
is told by the file that yarnPath names, by packageManager, by the lockfile and by .yarnrc.yml: they have to agree.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..build.build import View
from ..model import Declined
from . import Read
from ._members import above
from ._node_package import Package

Kind = Literal["classic", "berry"]
_RELEASE = re.compile(r"(?:\A|/)yarn-(?P<major>\d+)(?:\.[\w-]+)*\.c?js\Z")
_YARN_PATH = re.compile(r"""^\s*"?(?:yarn-path|yarnPath)"?\s*:?\s+["']?(?P<path>[^"'\s]+)["']?\s*$""", re.MULTILINE)
_RC_LINE = re.compile(r"""\s*(?:"(?P<quoted>[^"]+)"|(?P<key>[^\s":]+)):?\s+(?P<value>.*?)\s*\Z""")


def kind_of(directory: str, view: View) -> Kind:
    """Return which Yarn runs in `directory`; raises Declined where nothing tells, or files do not agree."""
    found = dict(_signals(directory, view))
    if not found:
        raise Declined(f"nothing in {directory} tells which Yarn runs: no yarn.lock, packageManager or .yarnrc.yml")
    if len(set(found.values())) > 1:
        texts = (f"{name} is of Yarn {'1' if kind == 'classic' else '2 or later'}" for name, kind in found.items())
        raise Declined(f"it is not known which Yarn runs: {', '.join(texts)}")
    return next(iter(found.values()))


def _signals(directory: str, view: View) -> Iterator[tuple[str, Kind]]:
    lock = view.read(posixpath.join(directory, "yarn.lock"))
    if lock is not None and lock.strip():
        yield "yarn.lock", "berry" if re.search(r"^__metadata:", lock, re.MULTILINE) else "classic"
    for place in (directory, *above(directory)):
        package = Package.parse(place, view)
        manager = re.match(r"yarn@(\d+)", str(package.data.get("packageManager", ""))) if package else None
        if manager:
            yield f"{place}/package.json", _by_major(manager[1])
        for name in (".yarnrc", ".yarnrc.yml"):
            text = view.read(posixpath.join(place, name))
            path = _YARN_PATH.search(text or "")
            release = _RELEASE.search(path["path"]) if path else None
            if path and not release:
                raise Declined(f"which Yarn {path['path']} is, is not known", view.place(posixpath.join(place, name)))
            if release:
                yield f"{place}/{name}", _by_major(release["major"])
            elif text is not None and name == ".yarnrc.yml":
                yield f"{place}/{name}", "berry"


def _by_major(number: str) -> Kind:
    return "classic" if int(number) < 2 else "berry"


def common_reads(directory: str) -> Iterator[Read]:
    """Yield what any Yarn and corepack look for above a package."""
    for place in above(directory):
        for name in ("package.json", ".yarnrc", ".yarnrc.yml", ".npmrc", ".yarn/releases"):
            yield Read(posixpath.join(place, name), "Yarn and corepack look for it in the directories above")


# Settings of Yarn 1 that name no file and switch nothing that is read or written.
_HARMLESS = frozenset(
    "registry network-timeout network-concurrency child-concurrency lastUpdateCheck disable-self-update-check"
    " save-prefix strict-ssl ignore-engines ignore-optional ignore-platform ignore-scripts frozen-lockfile"
    " pure-lockfile prefer-offline non-interactive silent no-progress workspaces-experimental"
    " yarn-offline-mirror-pruning unsafe-disable-integrity-migration version-tag-prefix version-git-tag"
    " version-git-message version-git-sign init-license init-version init-author-name init-author-email"
    " init-author-url email username user-agent proxy https-proxy https_proxy no-proxy production check-files"
    " add.exact install.frozen-lockfile install.pure-lockfile install.no-lockfile install.ignore-engines"
    " install.ignore-optional install.check-files install.production install.non-interactive"
    " install.prefer-offline install.network-timeout install.silent install.ignore-platform install.ignore-scripts"
    " add.ignore-scripts add.prefix run.silent".split()
)
_PATHS = frozenset({"yarn-path", "yarn-offline-mirror", "cafile", "cache-folder"})


@dataclass(frozen=True, slots=True)
class ClassicSettings:
    """The settings of .yarnrc files and of ``YARN_*`` variables, without leading dashes; paths are image paths."""

    values: Mapping[str, str]

    def on(self, name: str) -> bool:
        """Tell whether a switch is on for an install."""
        return "true" in (self.values.get(name), self.values.get(f"install.{name}"))

    def reads(self, view: View) -> Iterator[Read]:
        """Yield the files that the settings name."""
        for name in ("yarn-path", "cafile"):
            if name in self.values:
                yield Read(self.values[name], f"{name} in .yarnrc", required=name == "yarn-path")
        mirror = self.values.get("yarn-offline-mirror")
        if mirror and view.exists(mirror):
            yield Read(mirror, "the offline mirror")


def classic_settings(directory: str, view: View, home: str | None, env: Mapping[str, str | None]) -> ClassicSettings:
    """Return what the .yarnrc files of `directory`, of those above it and of `home` say; raises Declined."""
    found: dict[str, str] = {}
    for place in reversed((directory, *above(directory), *([home] if home else []))):
        path = posixpath.join(place, ".yarnrc")
        for line in (view.read(path) or "").split("\n"):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            match = _RC_LINE.match(line)
            key = (match["quoted"] or match["key"]).removeprefix("--") if match else ""
            if not match or not _known(key) or "${" in line:
                raise Declined(f"what `{line.strip()}` does is not followed", view.place(path))
            value = match["value"].strip("\"'")
            found[key] = posixpath.normpath(posixpath.join(place, value)) if key in _PATHS else value
    for name, variable in env.items():
        key = name.lower().removeprefix("yarn_").replace("_", "-")
        if not name.lower().startswith("yarn_") or key in ("version", "cache-folder"):
            continue
        if key not in _HARMLESS or variable is None:
            raise Declined(f"what the variable {name} changes is not followed")
        found[key] = variable
    return ClassicSettings(found)


def _known(key: str) -> bool:
    return key in _HARMLESS | _PATHS or key.startswith("//") or bool(re.fullmatch(r"@[\w.-]+:registry", key))


def locked_names(text: str) -> set[str]:
    """Return the names of the packages in a yarn.lock of either format."""
    return set(re.findall(r'^"?((?:@[^/@"\s]+/)?[^@"/\s:#]+)@', text, re.MULTILINE))
