"""What bundler reads of a project: Gemfile, lockfile, gems of the tree, vendored archives.

Facts: Bundler's documentation (gemfile(5), bundle-install, bundle-cache) and source (SharedHelpers, CLI::Install,
Source::Path): gemspecs of path gems are run in their own directory, their executables get the mode 0755 in place, and
an install that is not frozen updates Gemfile.lock and vendor/cache.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..build.build import View
from ..build.paths import inside, join
from ..model import Declined, Obligation, proved
from . import Read
from ._gemfile import Gemfile, parse_gemfile
from ._members import above, files_below

# What lets a gemspec look outside of its own directory, or run something.
_OUTSIDE = re.compile(
    r"%x|\b(?:system|exec|spawn|fork|eval|instance_eval|class_eval|Open3|Bundler|Rails|Gem::Package|getwd|pwd|home)\b"
    r"|[\"'](?:/|~)"
)
_GIT = re.compile(r"`git ls-files[^`]*`|IO\.popen\(%w\[git ls-files[^\]]*\]")
_PROCESS = re.compile(r"`|\bpopen\b")
_PARENT = re.compile(
    r"(?P<how>File\.expand_path\(\s*|require_relative[ (]+)?[\"'](?P<path>[^\"'\n]*\.\.[^\"'\n]*)[\"']"
)
_REQUIRED = re.compile(
    r"\b(?:require|require_relative|load)[ (]+(?:File\.expand_path\(\s*)?[\"'](?P<path>[\w./-]+)[\"']"
)
_DEEPEST = 5


@dataclass(slots=True)
class Project:
    """The project whose Gemfile is the image path `gemfile`; `reads` and `proof` grow as it is looked at."""

    gemfile: str
    view: View
    reads: list[Read] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)
    environment: bool = False

    @classmethod
    def find(cls, cwd: str | None, given: str | None, view: View) -> Project:
        """Return the project of ``BUNDLE_GEMFILE`` (`given`, "" if it is not set) or of `cwd`; raises Declined."""
        if cwd is None or given is None:
            raise Declined("the directory that bundler runs in is not known")
        if given:
            found = join(cwd, given)
        else:
            names = [name for name in ("Gemfile", "gems.rb") if view.exists(posixpath.join(cwd, name))]
            if len(names) > 1:
                raise Declined("there are a Gemfile and a gems.rb", view.place(posixpath.join(cwd, "gems.rb")))
            found = posixpath.join(cwd, names[0]) if names else None
        if found is None or view.read(found) is None:
            raise Declined(f"the Gemfile of {cwd} is not a readable file of the build context")
        return cls(found, view)

    @property
    def root(self) -> str:
        """The directory of the Gemfile, which everything else is relative to."""
        return posixpath.dirname(self.gemfile)

    @property
    def lock(self) -> str:
        """The path of the lockfile."""
        is_new = posixpath.basename(self.gemfile) == "gems.rb"
        return self.gemfile.removesuffix("rb") + "locked" if is_new else f"{self.gemfile}.lock"

    @property
    def lock_text(self) -> str | None:
        """The lockfile's text, None if the context brings none."""
        return self.view.read(self.lock)

    def clones(self) -> bool:
        """Tell whether a gem may come from a git repository; raises Declined if that cannot be told."""
        lock = self.lock_text
        if lock is not None:
            return bool(re.search(r"^(?:GIT|PLUGIN SOURCE)$", lock, re.MULTILINE))
        return self.parsed().git

    def parsed(self) -> Gemfile:
        """Return what the Gemfile names; raises Declined if it is not plain."""
        return parse_gemfile(self.view.read(self.gemfile) or "", self.view.place(self.gemfile).path)

    def gather(self, frozen: bool) -> None:
        """Collect what an install reads; raises Declined where the list cannot be made."""
        gemfile = self.parsed()
        self.reads += [
            Read(self.gemfile, "bundler reads it", required=True),
            Read(self.lock, "bundler installs what it says"),
            *(Read(self._path(name), "the Gemfile reads it", required=True) for name in gemfile.files),
            *(Read(self._path(name), "version managers read it") for name in (".ruby-version", ".tool-versions")),
            *(Read(self._path(f".bundle/{name}"), "bundler's settings") for name in ("config", "plugin")),
        ]
        if gemfile.gemspecs:
            raise Declined("the gemspec of the project looks at its sources", self.view.place(self.gemfile))
        if self.lock_text is not None and re.search(r"^PLUGIN SOURCE$", self.lock_text, re.MULTILINE):
            raise Declined("a plugin of bundler is a source of gems", self.view.place(self.lock))
        self._platforms(frozen)
        cache = self._path("vendor/cache")
        if self.view.exists(cache):
            if not frozen:
                raise Declined(
                    "bundler updates vendor/cache, which a later COPY would put back", self.view.place(cache)
                )
            self.reads.append(Read(cache, "bundler installs the gems that are there"))
        for path in dict.fromkeys(map(self._path, gemfile.paths)):
            self._path_gem(path)
        self.proof.append(proved("the Gemfile reads no other file", "it holds plain declarations only"))

    def _platforms(self, frozen: bool) -> None:
        """Decline if the install has to add the image's system to the lockfile, which a later COPY would take back."""
        section = re.search(r"^PLATFORMS\n((?: +\S+\n)*)", self.lock_text or "", re.MULTILINE)
        names = section[1].split() if section else []
        if names and not frozen and not any(name == "ruby" or "linux" in name for name in names):
            premise = f"the lockfile is for {', '.join(names)} only, and bundler adds the image's system to it"
            raise Declined(premise, self.view.place(self.lock))

    def _path(self, name: str) -> str:
        found = None if name.startswith("~") else join(self.root, name)
        if found is None:
            raise Declined(f"where {name} lies is not known", self.view.place(self.gemfile))
        return found

    def _path_gem(self, path: str) -> None:
        """Note a directory of gems of the tree, and judge their gemspecs."""
        if inside(self.root, path):
            raise Declined(f"the gem at {path} is the project itself", self.view.place(self.gemfile))
        self.reads.append(Read(path, "a gem of the tree", required=True))
        specs = [
            name
            for name, _ in files_below(path, self.view)
            if name.endswith(".gemspec") and posixpath.relpath(name, path).count("/") <= 2
        ]
        if not specs:
            raise Declined(f"there is no gemspec in {path}", self.view.place(path))
        for spec in sorted(specs):
            self._gemspec(spec)

    def _gemspec(self, spec: str) -> None:
        directory = posixpath.dirname(spec)
        place = self.view.place(spec)
        text = self.view.read(spec) or ""
        if "executables" in text and any(self.view.exists(posixpath.join(directory, name)) for name in ("exe", "bin")):
            premise = f"bundler makes the executables of {directory} executable, and a later COPY would put them back"
            raise Declined(premise, place)
        asks_git = False
        for path, source in _sources(spec, self.view):
            where = self.view.place(path)
            asks_git |= bool(_GIT.search(source))
            rest = _GIT.sub("", source)
            if _OUTSIDE.search(rest) or _PROCESS.search(rest):
                raise Declined(f"what {where.path} looks at is not known", where)
            for match in _PARENT.finditer(rest):
                base = path if "expand_path" in (match["how"] or "") else posixpath.dirname(path)
                target = posixpath.normpath(posixpath.join(base, match["path"]))
                if not match["how"] or not inside(target, directory):
                    raise Declined(f"{where.path} looks outside of its directory", where)
            self.environment |= "ENV" in rest
        if asks_git:
            for parent in (directory, *above(directory)):
                if self.view.exists(found := posixpath.join(parent, ".git")):
                    raise Declined("the gemspec asks git for the files", self.view.place(found))
        self.proof.append(proved(f"the gemspec of {directory} stays inside its directory", "its text was read", place))


def _sources(spec: str, view: View) -> Iterator[tuple[str, str]]:
    """Yield the gemspec and the files of its gem that it loads, with their texts."""
    found: Mapping[str, None] = {spec: None}
    queue, directory = [spec], posixpath.dirname(spec)
    for _ in range(_DEEPEST):
        following = []
        for path in queue:
            text = view.read(path)
            if text is None:
                raise Declined(f"{path} cannot be read", view.place(path))
            yield path, text
            for match in _REQUIRED.finditer(text):
                for base in (posixpath.dirname(path), path, directory, posixpath.join(directory, "lib")):
                    target = posixpath.normpath(posixpath.join(base, match["path"]))
                    target = target if target.endswith(".rb") else f"{target}.rb"
                    if target not in found and inside(target, directory) and view.exists(target):
                        found = {**found, target: None}
                        following.append(target)
        queue = following
    if queue:
        raise Declined(f"{spec} loads more than is followed", view.place(spec))
