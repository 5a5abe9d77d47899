"""go.mod, go.sum and go.work: which files a go command reads to know its modules, and what it would download.

Facts: go.dev/ref/mod ("go.mod files", "Workspaces", "Module graph pruning", "go.sum files"). Since ``go 1.17`` a
go.mod lists every module that a build needs, and ``go mod download`` fetches just those; go.sum holds the hash of a
module's archive only if somebody's go command has downloaded it, else that of its go.mod alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..build.build import View
from ..build.paths import join
from ..model import Declined, Obligation, assumed, proved
from . import Read

# What go.mod and go.work may hold that says nothing of where modules are.
_SILENT = frozenset({"toolchain", "godebug", "retract", "tool", "ignore"})
_TOKEN = re.compile(r'//.*|=>|[()]|"(?:[^"\\]|\\.)*"|`[^`]*`|[^\s()"`]+')


@dataclass(frozen=True, slots=True)
class Version:
    """A module at a version; `version` is "" where none is written."""

    path: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class ModuleFile:
    """A go.mod or go.work in the image directory `directory`; `go` is its language version, `name` its module's."""

    directory: str
    name: str = ""
    go: tuple[int, ...] = (1, 16)
    requires: tuple[Version, ...] = ()
    replaces: tuple[tuple[Version, Version], ...] = ()
    excludes: tuple[Version, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def pruned(self) -> bool:
        """Whether it lists all modules that a build needs."""
        return self.go >= (1, 17)


def parse(directory: str, name: str, view: View) -> ModuleFile:
    """Return the file `name` of an image directory; raises Declined for what is not understood."""
    path = posixpath.join(directory, name)
    text = view.read(path)
    if text is None:
        raise Declined(f"{path} is not a file of the build context as it is there", view.place(path))
    go: tuple[int, ...] = (1, 16)
    found: dict[str, list[list[str]]] = {"module": [], "require": [], "replace": [], "exclude": [], "use": []}
    for number, verb, words in _statements(text):
        if verb == "go" and len(words) == 1 and re.fullmatch(r"\d+(?:\.\d+)*(?:rc\d+|beta\d+)?", words[0]):
            go = tuple(int(part) for part in re.findall(r"\d+", words[0])[:2])
        elif verb in found:
            found[verb].append(words)
        elif verb not in _SILENT:
            raise Declined(f"{verb!r} in {name} is not understood", view.place(path, number))
    try:
        return ModuleFile(
            directory,
            "".join(name for (name,) in found["module"]),
            go,
            tuple(Version(*words) for words in found["require"]),
            tuple(_replacement(words) for words in found["replace"]),
            tuple(Version(*words) for words in found["exclude"]),
            tuple(use for (use,) in found["use"]),
        )
    except (TypeError, ValueError):
        raise Declined(f"{name} is not understood", view.place(path)) from None


def _statements(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Yield each statement's line, its verb and its words; blocks in parentheses are taken apart."""
    block = ""
    for number, line in enumerate(text.split("\n"), 1):
        words = [token for token in _TOKEN.findall(line.rstrip("\r")) if not token.startswith("//")]
        words = [word[1:-1] if word[0] in '"`' and len(word) > 1 else word for word in words]
        if block and words == [")"]:
            block = ""
        elif block and words:
            yield number, block, words
        elif words[1:] == ["("]:
            block = words[0]
        elif words:
            yield number, words[0], words[1:]


def _replacement(words: list[str]) -> tuple[Version, Version]:
    at = words.index("=>")
    return Version(*words[:at]), Version(*words[at + 1 :])


def is_local(replacement: Version) -> bool:
    """Tell whether a replacement is a directory."""
    return replacement.path.startswith(("./", "../", "/")) or replacement.path in (".", "..")


@dataclass
class Modules:
    """The main modules that a go command in a directory works on, and the workspace they are in, if any."""

    view: View
    mains: list[ModuleFile]
    work: ModuleFile | None = None
    reads: list[Read] = field(default_factory=list)

    @property
    def root(self) -> str:
        """The directory of go.work, or of the only go.mod."""
        return (self.work or self.mains[0]).directory

    @property
    def requires(self) -> list[Version]:
        """What go downloads, replacements taken into account; raises Declined where a directory has no go.mod."""
        found: dict[Version, None] = {}
        excluded = {one for main in self.mains for one in main.excludes}
        for main in self.mains:
            for version in main.requires:
                replacement = self._replacement(version, main)
                if version not in excluded and not (replacement and is_local(replacement)):
                    found[replacement or version] = None
        return [version for version in found if version.path not in {main.name for main in self.mains}]

    def _replacement(self, version: Version, main: ModuleFile) -> Version | None:
        for file in (self.work, main, *self.mains):
            for old, new in file.replaces if file else ():
                if old.path == version.path and old.version in ("", version.version):
                    return new
        return None

    def vendored(self) -> bool:
        """Tell whether go takes the dependencies from the tree by itself."""
        since = (1, 22) if self.work else (1, 14)
        go = self.work.go if self.work else self.mains[0].go
        return go >= since and self.view.exists(posixpath.join(self.root, "vendor", "modules.txt"))

    def gather(self) -> None:
        """List what go reads to know its modules; raises Declined where a directory has no go.mod in the context."""
        files = [*([self.work] if self.work else []), *self.mains]
        for file in files:
            name = "go.work" if file is self.work else "go.mod"
            self.reads.append(Read(posixpath.join(file.directory, name), "it names the modules", required=True))
            sums = "go.work.sum" if file is self.work else "go.sum"
            self.reads.append(Read(posixpath.join(file.directory, sums), "it holds the modules' hashes"))
            for _, new in file.replaces:
                if is_local(new):
                    self._local(file, new.path)

    def _local(self, file: ModuleFile, target: str) -> None:
        path = join(file.directory, posixpath.join(target, "go.mod"))
        if path is None or target.startswith("/") or not self.view.exists(path):
            place = self.view.place(posixpath.join(file.directory, "go.work" if file is self.work else "go.mod"))
            raise Declined(f"a module is replaced by {target}, which has no go.mod in the build context", place)
        self.reads.append(Read(path, f"a module is replaced by {target}", required=True))

    def hashed(self) -> Obligation:
        """Return whether all that is downloaded has been downloaded by whoever wrote go.sum."""
        claim = "every module that go.mod lists can be downloaded"
        missing = self.unhashed()
        if missing:
            return assumed(claim, f"go.sum has no hash of {missing}, so the build may not need it")
        old = next((main for main in self.mains if not main.pruned), None)
        if old:
            doubt = "before go 1.17, what the build does not need of a module's own dependencies is downloaded, too"
            return assumed(claim, doubt, self.view.place(posixpath.join(old.directory, "go.mod")))
        return proved(claim, "go.sum holds the hash of each one's archive: it was downloaded before")

    def unhashed(self) -> str:
        """Return a module that is to be downloaded and whose archive go.sum does not know, "" if there is none."""
        hashes = self._hashes()
        found = (f"{version.path} {version.version}" for version in self.requires)
        return next((name for name in found if name not in hashes), "")

    def _hashes(self) -> set[str]:
        places = [posixpath.join(main.directory, "go.sum") for main in self.mains]
        places += [posixpath.join(self.work.directory, "go.work.sum")] if self.work else []
        texts = [self.view.read(place) or "" for place in places]
        return {" ".join(line.split()[:2]) for text in texts for line in text.split("\n") if line.strip()}


def find_modules(directory: str, view: View, workspace: str | None) -> Modules | None:
    """Return the modules that a go command in `directory` works on, None if no go.mod is there.

    `workspace` is GOWORK's value, "" if it is unset, None if it is not known.
    """
    if workspace is None:
        raise Declined("GOWORK is not known")
    if workspace not in ("", "off", "auto"):
        raise Declined("GOWORK names a file")
    work = _above(directory, "go.work", view) if workspace != "off" else None
    if work is not None:
        file = parse(work, "go.work", view)
        places = [join(work, use) for use in file.uses]
        mains = [parse(place, "go.mod", view) for place in places if place is not None]
        if len(mains) < len(file.uses) or not mains:
            raise Declined("go.work uses a directory that is not known", view.place(posixpath.join(work, "go.work")))
        return Modules(view, mains, file)
    root = _above(directory, "go.mod", view)
    return Modules(view, [parse(root, "go.mod", view)]) if root is not None else None


def _above(directory: str, name: str, view: View) -> str | None:
    """Return the nearest directory from `directory` upwards that has a file `name`."""
    while not view.exists(posixpath.join(directory, name)):
        parent = posixpath.dirname(directory)
        if parent == directory or not parent:
            return None
        directory = parent
    return directory
