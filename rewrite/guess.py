"""Is this the build context at all? What the Dockerfile copies, installs and names tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from . import ecosystems
from .build import context as contexts
from .build.build import Build, View
from .build.locate import repository_root
from .build.needs import named_sources
from .build.paths import inside, join
from .build.runs import Step
from .ecosystems import Need
from .source.dockerfile import Dockerfile

# With them a command looks elsewhere; without a value of their own they are options like any other.
_ELSEWHERE = frozenset(
    "-g --global -C --cwd --dir --prefix --project --directory --manifest-path -f --file -p --project-dir -d"
    " --working-dir --gemfile --location -modfile".split()
)
# They make what a later command finds.
_MAKERS = frozenset({"init", "new", "create", "clone", "mkdir", "touch", "mv", "cp", "tar", "unzip"})


def missing(dockerfile: Dockerfile, directory: Path) -> str | None:
    """Return a source that the Dockerfile copies by a plain name and `directory` has not; None if all are there."""
    for source in named_sources("", dockerfile):
        if not set(source.path) & set("*?[$<\\") and "://" not in source.raw and not (directory / source.path).exists():
            return source.raw
    return None


def better(dockerfile: Dockerfile, directory: Path) -> Path | None:
    """Return the nearest directory above, inside the repository, that has all sources; None if there is none."""
    root = repository_root(directory / "Dockerfile")
    for above in directory.resolve().parents:
        if not above.is_relative_to(root):
            return None
        if missing(dockerfile, above) is None:
            return above
    return None


def built_in(dockerfile: Dockerfile, directory: Path) -> Build:
    """Return the build as it is if `directory` is its context."""
    return Build("", dockerfile, contexts.load(directory, directory / "Dockerfile"))


def higher(build: Build, directory: Path) -> Path | None:
    """Return the nearest directory above that has what the RUNs install by, where `directory` has not; None if none.

    `build` is that of `built_in` for the same directory.
    """
    absent = list(_absent(build))
    root = repository_root(directory / "Dockerfile")
    for above in directory.resolve().parents if absent else ():
        if not above.is_relative_to(root):
            return None
        if all(any((above / path).exists() for path in paths) for paths in absent) and not missing(
            build.dockerfile, above
        ):
            return above
    return None


def named(build: Build, directory: Path) -> str | None:
    """Return the path of `directory` itself, if a step looks for that below what the context brings; None if none.

    `build` is that of `built_in` for the same directory.
    """
    own, root = directory.resolve(), repository_root(directory / "Dockerfile")
    ways = [own.relative_to(above).as_posix() for above in own.parents if above.is_relative_to(root)]
    for way in ways:
        if not (directory / way).exists() and any(inside(path, way) for path in _looked_for(build)):
            return way
    return None


def _absent(build: Build) -> Iterator[tuple[str, ...]]:
    """Yield the context paths, of each that a command needs one of, that are not in the context."""
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        for step in run.steps:
            if set(map(str, step.words)) & _MAKERS:
                return
            names = _needed(step)
            places = [path for name in names if step.cwd and (path := join(step.cwd, name))]
            paths = tuple(dict.fromkeys(path for place in places for path in _brought(view, place)))
            if paths and not any(map(build.context.exists, paths)):
                yield paths


def _needed(step: Step) -> tuple[str, ...]:
    words = [str(word) for word in step.words[1:]]
    options = {word.partition("=")[0] for word in words if word.startswith("-")}
    if options & _ELSEWHERE or None in step.words:
        return ()
    verb = next((word for word in words if not word.startswith("-")), "")
    needs = _needs().get(f"{step.program} {verb}") or _needs().get(step.program or "", ())
    return next((need.names for need in needs if not need.options or options.intersection(need.options)), ())


@cache
def _needs() -> Mapping[str, tuple[Need, ...]]:
    """Return by command what the ecosystems' tools need."""
    found = [need for one in ecosystems.discover() for tool in one.TOOLS for need in tool.needs]
    return {need.command: tuple(one for one in found if one.command == need.command) for need in found}


def _brought(view: View, place: str) -> Iterator[str]:
    """Yield the context paths that would be at an image path, where a COPY brings the directory that it lies in."""
    for copy in view.copies:
        path = copy.context_path(place)
        if path and any(mapping.is_dir for mapping in copy.mappings):
            yield path


def _is_path(step: Step, word: str) -> bool:
    """Tell whether a word is a path for certain: packages and users may be called like the directory, too."""
    return not word.startswith("-") and "://" not in word and ("/" in word or step.program == "cd")


def _looked_for(build: Build) -> Iterator[str]:
    """Yield the context paths at which the steps, and the COPYs from another stage, look below a broad COPY."""
    for stage, run in build.runs():
        view = build.view(stage, run.instruction)
        for step in run.steps:
            if set(map(str, step.words)) & _MAKERS:
                return
            for word in step.words[1:]:
                place = join(step.cwd, word) if word and _is_path(step, word) else None
                yield from _brought(view, place) if place else ()
    for stage in build.stages:
        for line in stage.instructions:
            source = line.flag("from") if line.keyword in ("COPY", "ADD") else None
            other = build.stage_called(source.value or "", stage) if source else None
            for path in (word.text for word in line.words[:-1]):
                place = join("/", path)
                if other and place:
                    yield from _brought(build.view(other, None), place)
