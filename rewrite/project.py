"""Open Dockerfiles with all that is around them: the build context, who says so, and the Dockerfiles that share it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import guess
from .build import context as contexts
from .build.build import Build
from .build.context import Context
from .build.history import History, read_history, read_revisions
from .build.images import Resolved
from .build.locate import Located, Locator, find_dockerfiles, repository_root
from .build.stages import stages
from .errors import SourceError, UsageError
from .paths import shown
from .settings import Settings
from .source import dockerfile as syntax


@dataclass(frozen=True, slots=True)
class Request:
    """A Dockerfile to fix: `text` is given for standard input; `name` is how it is shown."""

    path: Path | None
    text: str | None
    name: str

    @property
    def place(self) -> Path:
        """Where the Dockerfile lies, or would lie."""
        return self.path or Path(self.name)


@dataclass
class Session:
    """What the requests of one run share.

    `ignores` are ignore files that an earlier one has changed, by path; `resolve` says what a base image is.
    """

    ignores: dict[str, str] = field(default_factory=dict)
    resolve: Callable[[str], Resolved] | None = None
    _locator: Locator = field(default_factory=Locator)
    _located: dict[Path, Located] = field(default_factory=dict)
    _around: dict[Path, tuple[Path, ...]] = field(default_factory=dict)
    _built: dict[Path, dict[Path, list[Path]]] = field(default_factory=dict)
    _before: Context | None = None
    _sharing: dict[tuple[Path, Path], dict[Path, tuple[str, syntax.Dockerfile]]] = field(default_factory=dict)
    _parsed: dict[Path, syntax.Dockerfile] = field(default_factory=dict)
    _histories: dict[Path, Callable[[], History]] = field(default_factory=dict)

    def open(self, request: Request, settings: Settings) -> Build:
        """Return the build of a request; raises a DockerfixError if it cannot be read."""
        text = read(request.place) if request.text is None else request.text
        dockerfile = syntax.parse(text)
        directory, evidence, builder, doubt = self._context(request.place, dockerfile, settings)
        context = contexts.load(directory, request.place.absolute(), beside=builder != "legacy")
        ignore_file = Path(context.ignore_path).absolute()
        place = request.place.absolute()
        inside = ignore_file.is_relative_to(directory.absolute())
        name = shown(ignore_file)
        context = replace(context, ignore_path=name, label=f"{shown(directory)} ({evidence})")
        ignore_text = self.ignores.get(name, context.ignore.text if context.ignore else None)
        if ignore_text is not None and (context.ignore is None or context.ignore.text != ignore_text):
            context = context.with_ignore(ignore_text)
        context = self._before = self._as_before(context)
        return Build(
            request.name,
            dockerfile,
            context,
            ignore_text,
            self._siblings(request, directory),
            builder,
            ignore_file.relative_to(directory.absolute()).as_posix() if inside else "",
            doubt or (f"{name} is a symbolic link to a file of another use" if ignore_file.is_symlink() else ""),
            self._resolved(dockerfile),
            settings.mounts,
            self._history(directory),
            functools.cache(functools.partial(read_revisions, place)),
            place.relative_to(directory.absolute()).as_posix() if place.is_relative_to(directory.absolute()) else "",
            self._locate(request.place).mentions,
        )

    def _as_before(self, context: Context) -> Context:
        """Return a context with what the request before has found out of it, if that had the same one."""
        before = self._before
        if before is None or (before.tree, before.ignore_path) != (context.tree, context.ignore_path):
            return context
        return replace(before, label=context.label) if before.ignore == context.ignore else context

    def _history(self, directory: Path) -> Callable[[], History]:
        """Return what gives the history of a directory, which is read once."""
        key = directory.absolute()
        return self._histories.setdefault(key, functools.cache(functools.partial(read_history, key)))

    def _resolved(self, dockerfile: syntax.Dockerfile) -> dict[str, Resolved] | None:
        """Return what is said of the images that the Dockerfile is built on, None if nobody is to be asked.

        An image that a digest names already is asked for only where FROM names a platform.
        """
        if self.resolve is None or dockerfile.problems:
            return None
        froms = [stage.from_ for stage in stages(dockerfile) if not stage.parent and stage.from_.words]
        bases = {line.words[0].text for line in froms if "@" not in line.words[0].text or line.flag("platform")}
        named = sorted(base for base in bases if "$" not in base and base.lower() != "scratch")
        told = {base: self.resolve(base) for base in named}
        # Under the name too that a base image has once it is pinned.
        return told | {f"{base}@{one.digest}": one for base, one in told.items() if one.digest and "@" not in base}

    def _context(self, path: Path, dockerfile: syntax.Dockerfile, settings: Settings) -> tuple[Path, str, str, str]:
        """Return the context's directory, who says so, the builder, and why it may be another."""
        located = self._locate(path)
        directory, evidence = located.context, located.evidence
        builder = settings.builder or located.builder or "buildkit"
        if settings.context is not None:
            directory = Path(settings.context)
            if not directory.is_dir():
                raise UsageError("the build context is not a directory", settings.context)
            return directory, "as given", builder, ""
        if located.others:
            also = ", ".join(map(shown, located.others))
            return directory, evidence, builder, f"it is built with another context as well: {also}"
        if located.stated or directory == repository_root(path):
            return directory, evidence, builder, ""
        if absent := guess.missing(dockerfile, directory):
            above, found = guess.better(dockerfile, directory), "what it copies lies there"
            why = f"{absent} is not in {shown(directory)}"
        else:
            build = guess.built_in(dockerfile, directory)
            above, found = guess.higher(build, directory), "what it installs by lies there"
            own = None if above else guess.named(build, directory)
            why = f"a step looks for {own} below {shown(directory)}" if own else ""
        if above:
            return above, found, builder, ""
        doubt = f"the build context is not known for certain: {why}; name it with --context" if why else ""
        return directory, evidence, builder, doubt

    def _locate(self, path: Path) -> Located:
        key = path.absolute()
        if key not in self._located:
            self._located[key] = self._locator.locate(path)
        return self._located[key]

    def _siblings(self, request: Request, directory: Path) -> tuple[tuple[str, syntax.Dockerfile], ...]:
        """Return the other Dockerfiles that may be built from `directory`: those in it, those that are said to be."""
        own, key = request.place.absolute(), (repository_root(request.place), directory)
        if key not in self._sharing:
            self._sharing[key] = {other.absolute(): (shown(other), self._parse(other)) for other in self._from(*key)}
        return tuple(found for other, found in self._sharing[key].items() if other != own and not found[1].problems)

    def _from(self, root: Path, directory: Path) -> Iterator[Path]:
        """Yield the Dockerfiles below `directory`, and those of the repository at `root` that are built from there."""
        for place in (root, directory):
            if place not in self._around:
                self._around[place] = tuple(find_dockerfiles(place))
        if root not in self._built:
            self._built[root] = {}
            for other in self._around[root]:
                self._built[root].setdefault(self._locate(other).context, []).append(other)
        inside = self._around[directory]
        yield from inside
        beneath = set(inside)
        yield from (other for other in self._built[root].get(directory.resolve(), ()) if other not in beneath)

    def _parse(self, path: Path) -> syntax.Dockerfile:
        if path not in self._parsed:
            self._parsed[path] = syntax.parse(read(path))
        return self._parsed[path]


def read(path: Path) -> str:
    """Return the text of a file, bytes that are not UTF-8 as surrogates; raises SourceError."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise SourceError(error.strerror or "cannot be read", shown(path)) from None
