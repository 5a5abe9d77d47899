"""What pip is asked to install: requirements files and all they name, projects and archives of the tree.

Facts: pip's documentation (requirements file format, VCS support, local project installs) and its
source: lines end where `str.splitlines` says so; a comment ends a continued line; ``${NAME}`` stands for
a variable that is set and not empty; ``-r`` and ``-c`` are relative to their file, ``--find-links`` to
their file first, and everything else to the working directory.
"""

from __future__ import annotations

import codecs
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from ..build.build import View
from ..build.options import UnknownOption, arguments
from ..build.paths import join
from ..model import Declined, Obligation, assumed
from . import Read, Write
from ._python_project import project_reads

_SWITCHES = frozenset(
    "--no-index --prefer-binary --require-hashes --pre -Z --always-unzip --use-wheel --no-use-wheel"
    " --allow-all-external --process-dependency-links --no-allow-external --no-allow-insecure".split()
)
_VALUED = frozenset(
    "-r -c -e -f -i --requirement --constraint --editable --find-links --index-url --pypi-url --extra-index-url"
    " --no-binary --only-binary --trusted-host --use-feature --allow-external --allow-insecure"
    " --allow-unverified --hash".split()
)
KINDS = {
    "-r": "requirements", "--requirement": "requirements", "-c": "requirements", "--constraint": "requirements",
    "--build-constraint": "requirements", "-e": "editable", "--editable": "editable", "-f": "links",
    "--find-links": "links", "-i": "index", "--index-url": "index", "--pypi-url": "index",
    "--extra-index-url": "index", "--cert": "file", "--client-cert": "file", "--group": "group",
}  # fmt: skip
_COMMENT = re.compile(r"(?:^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.(?:gz|bz2|xz|lz|lzma))\Z", re.IGNORECASE)
_REMOTE = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?(?!(?:[a-z]+\+)?file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^]]*\])?\s*")
_DIRECT = re.compile(_NAMED.pattern + r"@\s*(?P<url>[a-z][a-z0-9+.-]*:.*)", re.IGNORECASE)


def is_remote(value: str) -> bool:
    """Tell whether a URL names another machine."""
    return _REMOTE.match(value) is not None


def requirement_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines of a requirements file with their 1-based numbers: joined, without comments."""
    first, parts = 0, list[str]()
    lines = _decoded(text).splitlines()
    for number, line in enumerate(lines, 1):
        first = first if parts else number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            if number < len(lines):
                continue
        else:
            parts.append(f" {line}" if comment else line)
        joined, parts = _COMMENT.sub("", "".join(parts)).strip(), []
        if joined:
            yield first, joined


def _decoded(text: str) -> str:
    """Decode UTF-16, which PowerShell's ``pip freeze >`` writes and pip reads."""
    raw = text.encode("utf-8", "surrogateescape")
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    return text.removeprefix("\ufeff")


def entries(line: str, env: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """Yield what a logical line asks for, as pairs of a kind (see `KINDS`; "package") and a value."""
    line = _VARIABLE.sub(lambda match: env.get(match[1]) or match[0], line)
    requirement = re.split(r"(?:^| )-", line, maxsplit=1)[0].strip()
    if requirement:
        yield "package", requirement
        return
    try:
        words: list[str | None] = list(shlex.split(line))
        found = arguments(words, 0, _SWITCHES, _VALUED)
    except (ValueError, UnknownOption) as error:
        raise Declined(f"the line {line!r} is not understood: {error}") from None
    for argument in found:
        if argument.option in KINDS:
            yield KINDS[argument.option], argument.value


@dataclass
class Reader:
    """Collects what one pip command reads and writes for what it is asked to install.

    `environment` is set once code of the project runs, which may read any variable; `builds` once something is asked
    for that may come as sources, whatever ``--only-binary`` says of the index.
    """

    view: View
    cwd: str | None
    env: Mapping[str, str | None]
    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    proof: list[Obligation] = field(default_factory=list)
    environment: bool = False
    builds: bool = False

    def take(self, kind: str, value: str, base: str | None = None) -> None:
        """Follow one thing that pip is given; relative paths start at `base` (default: the working directory)."""
        if kind == "requirements":
            self._requirements(value)
        elif kind == "package":
            self._package(value)
        elif kind == "editable":
            self._editable(value)
        elif kind == "links":
            self._links(value, base)
        elif kind == "index":
            self._index(value)
        elif kind == "group":
            self._group(value)
        elif kind == "file":
            self.reads.append(Read(self._path(value, self.cwd), "an option names it"))

    def _path(self, value: str, base: str | None) -> str:
        path = value.partition("#")[0]
        if path.lower().startswith("file:"):
            path = unquote(re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", path, flags=re.IGNORECASE))
        found = None if "${" in path or path.startswith("~") or "subdirectory=" in value else join(base, path)
        if found is None:
            raise Declined(f"where {value} lies is not known")
        return found

    def _requirements(self, name: str) -> None:
        pending, seen = [(name, self.cwd)], set()
        while pending:
            value, base = pending.pop()
            if is_remote(value):
                claim = f"{value} asks for no file of the project"
                self.proof.append(assumed(claim, "it is on another machine"))
                self.builds = True
                continue
            path = self._path(value, base)
            if path in seen:
                continue
            seen.add(path)
            text = self.view.read(path)
            if text is None:
                raise Declined(f"{path} is not a file of the build context, or no longer as it was copied")
            self.reads.append(Read(path, "a requirements file", required=True))
            directory = posixpath.dirname(path)
            pending += [(nested, directory) for nested in self._file(path, text)]

    def _file(self, path: str, text: str) -> Iterator[str]:
        """Follow the lines of a requirements file, and yield the files that it includes."""
        for number, line in requirement_lines(text):
            self.builds |= "-binary" in line
            try:
                for kind, value in entries(line, self.env):
                    if kind == "requirements":
                        yield value
                    else:
                        self.take(kind, value, posixpath.dirname(path))
            except Declined as declined:
                raise Declined(declined.premise, declined.because or self.view.place(path, number)) from None

    def _package(self, value: str) -> None:
        direct = _DIRECT.match(value)
        target = (direct["url"] if direct else value).partition("; " if direct else ";")[0].strip()
        if is_remote(target):
            self.builds = True
            return
        named = _NAMED.match(target)
        if "${" in target and not (named and target[named.end() :].startswith(("=", "<", ">", "!", "~"))):
            raise Declined(f"what {target} stands for depends on the environment")
        target = re.sub(r"\s*\[[^]]*\]\Z", "", target)
        if _ARCHIVE.search(target.partition("#")[0]):
            self._archive(target)
        elif "/" in target or target.startswith((".", "file:")):
            self._project(target, editable=False)

    def _archive(self, target: str) -> None:
        """Take an archive, or all of its directory for a pattern that the shell expands."""
        path = self._path(target, self.cwd)
        self.builds |= not path.endswith(".whl")
        if set(path) & set("*?["):
            path = posixpath.dirname(path)
            if set(path) & set("*?["):
                raise Declined(f"the files that {target} stands for are not known")
        self.reads.append(Read(path, "it is installed from there"))

    def _editable(self, value: str) -> None:
        self.builds = True
        direct = _DIRECT.match(value)
        target = (direct["url"] if direct else value).partition(";")[0].strip()
        if not is_remote(target):
            self._project(re.sub(r"\[[^]]*\]\Z", "", target), editable=True)
            return
        path = join(self.cwd, "src")
        if path is None:
            raise Declined(f"where {value} is cloned to is not known")
        self.writes.append(Write(path, "an editable VCS requirement is cloned there"))

    def _project(self, target: str, *, editable: bool) -> None:
        self.builds = True
        if re.match(r"[a-z]+\+", target, re.IGNORECASE):
            raise Declined(f"what cloning {target} reads is not known")
        path = self._path(target, self.cwd)
        if set(path) & set("*?["):
            # Files that no COPY of the context brings come from elsewhere, and stay where they are.
            directory = re.sub(r"/[^/]*[*?[].*", "", path) or "/"
            if self.view.exists(directory) or directory == "/":
                raise Declined(f"the files that {target} stands for are not known")
            return
        reads, outputs = project_reads(path, self.view, editable)
        self.environment = True
        self.reads += reads
        self.writes += [Write(output, "building the project leaves it there") for output in outputs]

    def _links(self, value: str, base: str | None) -> None:
        if is_remote(value):
            return
        beside = join(base, value) if base and not value.startswith("file:") else None
        path = beside if beside and self.view.exists(beside) else self._path(value, self.cwd)
        self.reads.append(Read(path, "--find-links"))

    def _index(self, value: str) -> None:
        if "${" in value and not is_remote(value):
            raise Declined(f"what {value} stands for depends on the environment")
        if not is_remote(value):
            self.reads.append(Read(self._path(value, self.cwd), "it is the index"))

    def _group(self, value: str) -> None:
        path = self._path(value.rpartition(":")[0] or "pyproject.toml", self.cwd)
        text = self.view.read(path)
        if text is None or "file:" in text:
            raise Declined(f"what the dependency groups of {path} ask for is not known", self.view.place(path))
        self.reads.append(Read(path, "it holds the dependency groups", required=True))
