"""A mix project: which files ``mix deps.get`` and ``mix deps.compile`` read.

Facts: Mix's documentation (Mix.Project, Mix.Tasks.Deps) and source (Mix.CLI): every task first runs mix.exs and, if it
is there, config/config.exs with what that imports, but never config/runtime.exs; deps.get writes mix.lock only where it
is not complete; deps.compile builds path dependencies, and the apps of an umbrella, too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..build.build import View
from ..build.paths import inside, join
from ..model import Declined, Obligation, proved
from . import Read
from ._elixir_source import judge, literal
from ._members import files_below

_PATH = re.compile(r'\bpath:\s*("(?P<path>[^"#\\]*)")?')
_GIT = re.compile(r'\bgit:\s*("(?P<url>[^"#\\]*)")?')
_ALIAS = re.compile(r"[\"']?\b(?:deps\.(?:get|compile|loadpaths|precompile)|loadconfig)[\"']?\s*(?::(?!:)|=>)")
_IMPORT = re.compile(r'\bimport_config\s*\(?\s*("(?P<name>[^"\n]*)")?')
_MOVED = ("deps_path", "build_path", "lockfile", "config_path")


@dataclass(slots=True)
class Project:
    """The mix project at the image path `root`; `reads` and `proof` grow as it is looked at.

    `mix_env` is what MIX_ENV says, None if that is not known.
    """

    root: str
    view: View
    mix_env: str | None
    reads: list[Read] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)
    environment: bool = False
    umbrella: bool = False
    local: list[str] = field(default_factory=list)

    def gather(self) -> None:
        """Collect what any task reads before it starts, and the manifests of all dependencies of the tree."""
        text = self._manifest(self.root)
        for key in _MOVED:
            if re.search(rf"\b{key}:", text):
                raise Declined(f"mix.exs moves the {key}", self.view.place(f"{self.root}/mix.exs"))
        self.reads.append(Read(f"{self.root}/mix.lock", "it says what is fetched"))
        self.reads.append(Read(f"{self.root}/.tool-versions", "version managers read it"))
        self._config()
        try:
            apps = literal(text, "apps_path")
        except ValueError:
            raise Declined(
                "where the umbrella's apps are is not known", self.view.place(f"{self.root}/mix.exs")
            ) from None
        if apps:
            self.umbrella = True
            self._apps(posixpath.join(self.root, apps))
        names = ", ".join(
            sorted({self.view.place(read.path).path for read in self.reads if self.view.exists(read.path)})
        )
        self.proof.append(proved("mix reads nothing else before it fetches", f"the programs in {names} were read"))

    def _manifest(self, directory: str, depth: int = 0) -> str:
        """Judge the mix.exs of a directory and those of its path dependencies; return its text."""
        path = posixpath.join(directory, "mix.exs")
        text = self._judged(path, directory)
        self.reads.append(Read(path, "mix runs it", required=True))
        if match := _ALIAS.search(text):
            raise Declined(f"mix.exs has an alias for {match[0].strip(':= >')}", self.view.place(path))
        for match in _GIT.finditer(text):
            if match["url"] is None or match["url"].startswith((".", "/", "file:", "~")):
                raise Declined("a dependency is cloned from the tree", self.view.place(path))
        for match in _PATH.finditer(text):
            target = join(directory, match["path"]) if match["path"] else None
            if target is None or depth > 5 or inside(self.root, target):
                raise Declined("where a dependency of the tree lies is not known", self.view.place(path))
            if target not in self.local:
                self.local.append(target)
                self.reads.append(Read(target, "a dependency of the tree", required=True))
                self._manifest(target, depth + 1)
        return text

    def _judged(self, path: str, cwd: str) -> str:
        """Return the text of a program that mix runs in `cwd`, and note what it looks at."""
        text = self.view.read(path)
        if text is None:
            raise Declined(f"{path} is not a readable file of the build context")
        found = judge(text, self.view.place(path))
        self.environment |= found.environment
        for name in found.files:
            self.reads.append(Read(posixpath.normpath(posixpath.join(cwd, name)), f"{path} reads it", True))
        return text

    def _config(self) -> None:
        """Note config/config.exs and what it imports."""
        queue = [posixpath.join(self.root, "config/config.exs")]
        seen: set[str] = set()
        while queue:
            path = queue.pop()
            if path in seen or not self.view.exists(path):
                continue
            seen.add(path)
            text = self._judged(path, self.root)
            self.reads.append(Read(path, "mix runs it"))
            for match in _IMPORT.finditer(text):
                queue += self._imported(path, match["name"])

    def _imported(self, path: str, name: str | None) -> Iterator[str]:
        if name is None:
            raise Declined("what the configuration imports is not known", self.view.place(path))
        if self.mix_env:
            name = re.sub(r"#\{(?:config_env|Mix\.env)(?:\(\))?\}", self.mix_env, name)
        parts = re.split(r"(#\{[^}]*\}|\*+)", name)
        pattern = re.compile("".join(".*" if part[:1] in ("#", "*") else re.escape(part) for part in parts))
        directory = posixpath.dirname(path)
        for found, is_link in sorted(files_below(directory, self.view)):
            if pattern.fullmatch(posixpath.relpath(found, directory)):
                if is_link:
                    raise Declined("a symbolic link is imported", self.view.place(found))
                yield found
        if ".." in name:
            raise Declined("the configuration imports from another directory", self.view.place(path))

    def _apps(self, directory: str) -> None:
        for path, is_link in sorted(files_below(directory, self.view)):
            if posixpath.basename(path) == "mix.exs" and posixpath.dirname(posixpath.dirname(path)) == directory:
                self._app(posixpath.dirname(path), is_link)

    def _app(self, directory: str, is_link: bool) -> None:
        path = posixpath.join(directory, "mix.exs")
        if is_link:
            raise Declined("an app of the umbrella is a symbolic link", self.view.place(path))
        text = self._manifest(directory)
        for key, wanted in (("config_path", "config/config.exs"), ("lockfile", "mix.lock"), ("deps_path", "deps")):
            try:
                value = literal(text, key)
            except ValueError:
                value = "?"
            if value and posixpath.normpath(posixpath.join(directory, value)) != posixpath.join(self.root, wanted):
                raise Declined(f"an app of the umbrella has another {key}", self.view.place(path))
