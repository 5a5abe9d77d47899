"""Which files of the project a program reads when it runs, as far as its sources name them; secrets never go along."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from ..build.paths import inside, outermost
from ..build.secrets import is_secret
from ..model import Declined, Obligation, Place, assumed
from . import COMPLETE
from ._candidate import Candidate

# Never of use to a program: what describes the project to people, tools and the builder.
_ASIDE = re.compile(
    r"(?:\A|/)(?:\.(?!(?:git)?keep\Z)[^/]+|Dockerfile[^/]*|Containerfile[^/]*|docker-compose[^/]*|compose\.ya?ml|Makefile"
    r"|[^/]*\.(?:md|rst|mk)|LICEN[CS]E[^/]*|NOTICE|CHANGELOG[^/]*|OWNERS|CODEOWNERS|Jenkinsfile|Procfile|Taskfile[^/]*"
    r"|renovate\.json|sonar-project\.properties|go\.(?:mod|sum|work|work\.sum)|package(?:-lock)?\.json|yarn\.lock"
    r"|pnpm-lock\.yaml|tsconfig[^/]*\.json)\Z"
    r"|(?:\A|/)(?:\.[^/]+|node_modules|vendor|testdata|tests?|__tests__|docs?|examples?|scripts|charts|deploy\w*|k8s|helm"
    r"|terraform|build|dist|bin|tmp|coverage)/"
)
_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`([^`]*)`|\'((?:[^\'\\\n]|\\.)*)\'')


@dataclass(frozen=True)
class Project:
    """The project's files in the image: `home` is the directory that holds them, `sources` matches what is compiled.

    `workdir` is where the program starts; a path in its sources is seen from there, or from `home`.
    """

    candidate: Candidate
    home: str
    workdir: str
    sources: re.Pattern[str]
    _texts: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def files(self) -> tuple[tuple[str, str], ...]:
        """Return the image path and the context path of each file of the project."""
        return self._files

    @cached_property
    def _files(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._found())

    def _found(self) -> Iterator[tuple[str, str]]:
        context = self.candidate.build.context
        for copy in self.candidate.view.copies:
            for mapping in copy.mappings:
                if not mapping.is_dir:
                    if inside(mapping.destination, self.home):
                        yield mapping.destination, mapping.source
                    continue
                for entry in context.files(mapping.source):
                    tail = posixpath.relpath(entry.path, mapping.source)
                    path = posixpath.normpath(posixpath.join(mapping.destination, tail))
                    if inside(path, self.home):
                        yield path, entry.path

    def texts(self) -> dict[str, str]:
        """Return the sources' texts by context path, tests left out."""
        if not self._texts:
            for _, path in self.files():
                if self.sources.search(path):
                    self._texts[path] = self.candidate.build.context.read(path) or ""
        return self._texts

    def find(self, pattern: re.Pattern[str]) -> tuple[re.Match[str], Place] | None:
        """Return the first place in the sources that matches."""
        for path, text in self.texts().items():
            match = pattern.search(text)
            if match:
                return match, Place(path, text.count("\n", 0, match.start()) + 1)
        return None

    def data(self) -> tuple[str, ...]:
        """Return all files of the project that may be data: neither sources nor what is only for people and tools.

        Directories are named as a whole where all that is in them may go along.
        """
        return self.grouped(path for path, source in self.files() if not self._aside(source))

    def named(self) -> tuple[str, ...]:
        """Return the files and directories of the project that a string names: in its sources, what is started, ENV.

        Raises Declined for a secret among them.
        """
        literals: dict[str, Place] = dict(self._given())
        for path, text in self.texts().items():
            for match in _LITERAL.finditer(text):
                value = next(filter(None, match.groups()), "")
                if value and len(value) < 200 and re.search(r"[\w)]", value):
                    literals.setdefault(value, Place(path, text.count("\n", 0, match.start()) + 1))
        below: dict[str, list[tuple[str, str]]] = {}
        for file, source in self.files():
            for path in (file, *map(str, PurePosixPath(file).parents)) if not self.sources.search(source) else ():
                below.setdefault(path, []).append((file, source))
        found: set[str] = set()
        for value, place in literals.items():
            fixed = re.split(r"[*?\[{%$]", value)[0]
            fixed = fixed if fixed == value else fixed.rpartition("/")[0]
            fixed = re.sub(r"\A(?:\.\./)+", "", fixed)  # as from a directory of the sources
            for start in dict.fromkeys((self.workdir, self.home)):
                path = posixpath.normpath(posixpath.join(start, fixed)) if fixed else ""
                for file, source in below.get(path, ()) if path not in (self.home, self.workdir, "/") else ():
                    if is_secret(self.candidate.build.context, source):
                        raise Declined(f"the program names {value}, which holds a secret: {source}", place)
                    if file == path or not _ASIDE.search(posixpath.relpath(file, path)):
                        found.add(file)
        return self.grouped(found)

    def _given(self) -> Iterator[tuple[str, Place]]:
        """Yield the parts of arguments and of variables that may name files."""
        candidate = self.candidate
        for call in candidate.calls:
            for word in (word for words in (*call.others, call.words) for word in words[1:]):
                if posixpath.normpath(posixpath.join(self.workdir, word)) in (self.home, self.workdir):
                    raise Declined("the program is given its whole directory", call.where)
                yield from ((part, call.where) for part in re.split(r"[=,:;]", word))
        where = candidate.build.place(candidate.stage.from_)
        for value in candidate.stage.end.env.values():
            yield from ((part, where) for part in re.split(r"[=,:;]", value or ""))

    def _aside(self, source: str) -> bool:
        context = self.candidate.build.context
        return (
            bool(self.sources.search(source) or _ASIDE.search(source)) or is_secret(context, source) or is_test(source)
        )

    def _placeholders(self) -> set[str]:
        """Return the files that git needs to keep a directory which is empty otherwise."""
        below: dict[str, list[str]] = {}
        for path, _ in self.files():
            below.setdefault(posixpath.dirname(path), []).append(path)
        keeps = {f"{directory}/{name}" for directory in below for name in (".gitkeep", ".keep", ".gitignore")}
        return {names[0] for directory, names in below.items() if len(names) == 1 and names[0] in keeps} - {
            f"{self.home}/.gitignore"
        }

    def grouped(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return `paths` with whole directories in the place of all that is in them.

        What git ignores is left out, as it may not be there elsewhere, and in a directory it may go along.
        """
        from pathspec import GitIgnoreSpec

        context = self.candidate.build.context
        ignored = GitIgnoreSpec.from_lines((context.read_ignored(".gitignore") or "").splitlines())
        absent = {path for path, source in self.files() if ignored.match_file(source)}
        wanted = set(paths) - absent
        secret = {path for path, source in self.files() if is_secret(context, source)}
        alone = {path for path, _ in self.files() if _HARMLESS.search(path)} | absent
        everything = [path for path, _ in self.files() if path not in alone or path in secret]
        wanted |= self._placeholders()
        found: dict[str, None] = {}
        for path in sorted(wanted):
            if any(inside(path, other) for other in found):
                continue
            whole, parent = path, posixpath.dirname(path)
            while parent != self.home and inside(parent, self.home):
                if not all(file in wanted for file in everything if inside(file, parent)):
                    break
                whole, parent = parent, posixpath.dirname(parent)
            found[whole] = None
        return tuple(found)


def project_in(candidate: Candidate, home: str | None, sources: re.Pattern[str]) -> Project:
    """Return the project that is built in the image directory `home`; raises Declined if that is none of its own."""
    if home in (None, "", "/") or str(home).startswith("%"):
        raise Declined("the project is not built in a directory of its own")
    outer = [path for path in candidate.homes if inside(str(home), path) and not path.startswith("%")]
    top = min(outer, key=len, default=str(home))
    return Project(candidate, top, candidate.stage.end.workdir or "/", sources)


# Beside a program's data these may go along.
_HARMLESS = re.compile(r"/(?:\.(?!git/)[^/]+|[^/]+\.md|LICENSE[^/]*)\Z|/\.well-known/")


def is_test(path: str) -> bool:
    """Tell whether a source file is a test by its name."""
    return bool(
        re.search(r"_test\.\w+\Z|\.(?:test|spec)\.\w+\Z|(?:\A|/)test_[^/]*\Z|(?:\A|/)(?:__tests__|testdata)/", path)
    )


def uses_secret(project: Project, asks: re.Pattern[str]) -> None:
    """Raise Declined if the program reads `.env`, as `asks` finds, and the image has one."""
    context = project.candidate.build.context
    held = [source for _, source in project.files() if is_secret(context, source)]
    env = next((path for path in held if posixpath.basename(path).startswith(".env")), "")
    found = project.find(asks) if env else None
    if found:
        raise Declined(f"the program reads {env}, which may hold secrets, and would not find it", found[1])


def reading(
    project: Project, env_file: re.Pattern[str], whole: re.Pattern[str], unnamed: re.Pattern[str]
) -> tuple[tuple[str, ...], Obligation]:
    """Return which files of the project the program reads, and how far that is known.

    `env_file` finds where sources read a `.env`, `whole` where they serve or walk the whole directory, for which it
    raises Declined, and `unnamed` where they open what is named elsewhere, so that all data files go along.
    """
    uses_secret(project, env_file)
    found = project.find(whole)
    if found:
        raise Declined("the program serves or walks its whole directory", found[1])
    opened = project.find(unnamed)
    known = (*project.named(), *(project.data() if opened else ()))
    paths = outermost(known)
    listed = ", ".join(paths) or "none"
    if opened is None:
        files = len(project.texts())
        doubt = f"of the paths in {files} source files these are files of it: {listed}; modules may read more"
        return paths, assumed(COMPLETE, doubt)
    doubt = f"{opened[0][0]}…) opens what is named elsewhere; all data files of the project go along: {listed}"
    return paths, assumed(COMPLETE, doubt, opened[1])
