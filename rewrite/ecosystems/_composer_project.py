"""A composer.json with its lockfile, and all that ``composer install`` reads and writes of the project.

Facts: Composer's documentation (03-cli, 04-schema, 06-config, 05-repositories) and source; runs of Composer 2.5 in the
lab: an install from a lockfile looks at no repository of composer.json; the autoloader that it writes without
optimisation does not depend on the sources, with it or with a classmap it does; the executables of a path package get
the mode 0755 in place; ``vendor/composer/installed.php`` holds the commit of a project whose .git is there, and an
install that finds every package in place writes it anew.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..build.build import View
from ..build.paths import inside, join
from ..model import Declined, Obligation, Place, proved
from . import Read, Write
from ._members import above

# Settings of composer.json that make it read and write nothing else.
_QUIET_NAMES = """
allow-missing-requirements allow-plugins apcu-autoloader archive-dir archive-format audit autoloader-suffix bearer
bin-compat bitbucket-expose-hostname bitbucket-oauth bump-after-update cache-files-maxsize cache-files-ttl
cache-read-only cache-ttl classmap-authoritative custom-headers disable-tls discard-changes forgejo-domains
forgejo-token github-domains github-expose-hostname github-oauth github-protocols gitlab-domains gitlab-oauth
gitlab-protocol gitlab-token htaccess-protect http-basic notify-on-install optimize-autoloader platform platform-check
preferred-install prepend-autoloader process-timeout secure-http secure-svn-domains sort-packages source-fallback
store-auths update-with-minimal-changes use-github-api use-include-path use-parent-dir
"""
_QUIET = frozenset(_QUIET_NAMES.split())
CACHES = ("cache-dir", "cache-files-dir", "cache-repo-dir", "cache-vcs-dir", "data-dir", "home")
# The scripts of these events run during an install from a lockfile; so do the plugins that listen to them.
EVENTS = """
init command pre-command-run pre-install-cmd post-install-cmd pre-operations-exec pre-package-install
post-package-install pre-package-update post-package-update pre-package-uninstall
post-package-uninstall pre-file-download post-file-download pre-pool-create
""".split()
DUMP_EVENTS = ("pre-autoload-dump", "post-autoload-dump")
_PLUGIN_TYPES = frozenset({"composer-plugin", "composer-installer"})


@dataclass(frozen=True, slots=True)
class Mode:
    """How an install is asked for: development packages (None: not known), scripts, plugins, the autoloader.

    `again`: another install follows behind the sources, which writes anew what depends on them.
    """

    dev: bool | None = True
    scripts: bool = True
    plugins: bool = True
    autoloader: bool = True
    optimised: bool = False
    again: bool = False


@dataclass(slots=True)
class Project:
    """The project whose manifest is the image path `manifest`; `cwd` is where composer runs.

    `reads`, `writes` and `proof` grow as it is looked at.
    """

    cwd: str
    manifest: str
    data: Mapping[str, Any]
    lock_data: Mapping[str, Any] | None
    view: View
    env: Mapping[str, str | None]
    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)

    @classmethod
    def load(cls, cwd: str, view: View, env: Mapping[str, str | None]) -> Project:
        """Return the project that composer finds in `cwd`; raises Declined if its files cannot be read."""
        name = env.get("COMPOSER", "composer.json")
        if not name or name.startswith("~") or (manifest := join(cwd, name)) is None:
            raise Declined("the file that COMPOSER names is not known")
        data = _object(view, manifest)
        if data is None:
            raise Declined(f"{manifest} is not a readable file of the build context")
        lock = lock_path(manifest)
        lock_data = _object(view, lock)
        if lock_data is None and view.exists(lock):
            raise Declined("the lockfile cannot be read", view.place(lock))
        return cls(cwd, manifest, data, lock_data, view, env)

    def table(self, key: str) -> Mapping[str, Any]:
        """Return the object under `key`, empty if there is none."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def place(self, text: str = "") -> Place:
        """Return where composer.json says `text`, the whole file if it does not."""
        source = self.view.read(self.manifest) or ""
        at = source.find(json.dumps(text)) if text else -1
        return self.view.place(self.manifest, source.count("\n", 0, at) + 1 if at >= 0 else 0)

    def path(self, name: str) -> str:
        """Return the image path that the project's files mean by `name`; raises Declined if it is not known."""
        found = None if name.startswith(("~", "$")) else join(self.cwd, name)
        if found is None or "$" in name:
            raise Declined(f"where {name} lies is not known", self.place(name))
        return found

    @property
    def vendor(self) -> str:
        """The directory of the packages."""
        return self._directory("vendor-dir", "COMPOSER_VENDOR_DIR", "vendor")

    @property
    def bin(self) -> str:
        """The directory of the packages' executables."""
        return self._directory("bin-dir", "COMPOSER_BIN_DIR", f"{self.vendor}/bin")

    def _directory(self, key: str, variable: str, default: str) -> str:
        value = self.env.get(variable, "")
        if value is None:
            raise Declined(f"the value of {variable} is not known")
        value = value or self.table("config").get(key)
        return self.path(str(value).replace("{$vendor-dir}", self.vendor) if value else default)

    def packages(self, mode: Mode) -> Iterator[Mapping[str, Any]]:
        """Yield the entries of the lockfile that an install takes."""
        lock = self.lock_data or {}
        for key in ("packages", "packages-dev") if mode.dev is not False else ("packages",):
            entries = lock.get(key)
            yield from (entry for entry in entries or () if isinstance(entry, dict))

    def plugins(self, mode: Mode) -> list[Mapping[str, Any]]:
        """Return the locked packages that are plugins of composer."""
        return [entry for entry in self.packages(mode) if entry.get("type") in _PLUGIN_TYPES]

    def archives_only(self) -> bool:
        """Tell whether every locked package is an archive, or of the tree, so that none is cloned."""
        entries = list(self.packages(Mode()))
        preferred = self.table("config").get("preferred-install", "dist")
        return preferred in ("dist", "auto") and bool(self.lock_data) and all(entry.get("dist") for entry in entries)

    def gather(self, mode: Mode) -> None:
        """Collect what an install of this mode reads and writes, but for scripts and plugins; raises Declined."""
        self._settings()
        self.reads += [
            Read(self.manifest, "composer reads it", required=True),
            Read(lock_path(self.manifest), "composer installs what it says"),
            Read(posixpath.join(posixpath.dirname(self.manifest), "auth.json"), "composer reads it"),
        ]
        if self.lock_data is None:
            premise = "there is no composer.lock, so that which plugins run, and what they read, is not known"
            raise Declined(premise, self.place())
        if not mode.again:
            self._unversioned()
        self.writes += [
            Write(self.vendor, "composer installs"),
            *([] if inside(self.bin, self.vendor) else [Write(self.bin, "composer links executables")]),
        ]
        for repository in self._repositories():
            if repository.get("type") == "artifact":
                self.reads.append(Read(self.path(str(repository.get("url", ""))), "an artifact repository"))
        for entry in self.packages(mode):
            self._local(entry)

    def _settings(self) -> None:
        config = self.table("config")
        for key in config:
            if key in ("vendor-dir", "bin-dir", *CACHES):
                continue
            if key == "lock" and config[key] is True:
                continue
            if key not in _QUIET:
                raise Declined(f"what composer's setting {key} makes it read is not known", self.place(key))
        if "merge-plugin" in self.table("extra"):
            raise Declined("composer-merge-plugin reads other manifests", self.place("merge-plugin"))

    def _unversioned(self) -> None:
        """Decline if composer asks git for the version and the commit of the project itself."""
        if self.data.get("version") or self.env.get("COMPOSER_ROOT_VERSION"):
            return
        for directory in (self.cwd, *above(self.cwd)):
            if self.view.exists(found := posixpath.join(directory, ".git")):
                raise Declined("composer asks git for the project's version and commit", self.view.place(found))

    def _repositories(self) -> Iterator[Mapping[str, Any]]:
        found = self.data.get("repositories", [])
        for entry in found.values() if isinstance(found, dict) else found:
            if isinstance(entry, dict) and "type" in entry:
                yield entry

    def _local(self, entry: Mapping[str, Any]) -> None:
        """Note the files of the tree that a locked package is taken from."""
        for key in ("dist", "source"):
            origin = entry.get(key)
            if not isinstance(origin, dict):
                continue
            url, kind = str(origin.get("url", "")), origin.get("type")
            if url.startswith("file:"):
                raise Declined(f"{entry.get('name')} is taken from {url}", self.view.place(lock_path(self.manifest)))
            if kind != "path" and (not url or "://" in url or url.startswith("git@")):
                continue
            path = self.path(url)
            self.reads.append(Read(path, f"the lockfile takes {entry.get('name')} from there", required=True))
            if kind == "path" and entry.get("bin"):
                premise = f"composer makes the executables of {path} executable, and a later COPY would put them back"
                raise Declined(premise, self.view.place(path))

    def judge_scripts(self, mode: Mode) -> None:
        """Decline if a script of composer.json runs during the install."""
        if not mode.scripts:
            self.proof.append(proved("no script of composer.json runs", "--no-scripts"))
            return
        scripts = self.table("scripts")
        for event in (*EVENTS, *(DUMP_EVENTS if mode.autoloader else ())):
            lines = scripts.get(event)
            for line in [lines] if isinstance(lines, str) else lines or ():
                raise Declined(f"the {event} script runs `{line}`", self.place(event))
        self.proof.append(proved("no script of composer.json runs", "it has none for what an install does"))

    def judge_autoloader(self, mode: Mode) -> None:
        """Decline if the autoloader that the install writes depends on the sources."""
        if not mode.autoloader:
            return
        config = self.table("config")
        if mode.optimised or config.get("optimize-autoloader") or config.get("classmap-authoritative"):
            raise Declined("the optimised autoloader lists the classes of the sources", self.place("autoload"))
        for key in ("autoload", "autoload-dev") if mode.dev is not False else ("autoload",):
            if self.table(key).get("classmap"):
                raise Declined("the autoloader's classmap lists the classes of the sources", self.place("classmap"))
        self.proof.append(proved("the autoloader does not depend on the sources", "no classmap, not optimised"))


def lock_path(manifest: str) -> str:
    """Return the lockfile of a manifest."""
    return manifest[: -len("json")] + "lock" if manifest.endswith(".json") else f"{manifest}.lock"


def _object(view: View, path: str) -> Mapping[str, Any] | None:
    try:
        data = json.loads(view.read(path) or "")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
