"""Who needs a path of the build context: the COPYs, ADDs and bind mounts of every Dockerfile with this context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Place
from ..source import gopattern, ignorefile
from ..source.dockerfile import Dockerfile, Instruction
from .build import Build
from .context import Context
from .runs import mounts


@dataclass(frozen=True, slots=True)
class Source:
    """A path of the context that an instruction names, cleaned; `raw` as written; `"."` is all of it."""

    path: str
    raw: str
    where: Place


def sources(build: Build) -> Iterator[Source]:
    """Yield the sources of all Dockerfiles that may be built from this context, this one's first."""
    for path, dockerfile in build.dockerfiles:
        yield from named_sources(path, dockerfile)


def named_sources(path: str, dockerfile: Dockerfile) -> Iterator[Source]:
    """Yield what the Dockerfile at `path` takes from its context: of COPY, ADD and bind mounts, ONBUILD too."""
    for instruction in dockerfile.instructions:
        carrier = instruction.inner if instruction.keyword == "ONBUILD" and instruction.inner else instruction
        yield from _named(path, carrier)


def _named(path: str, instruction: Instruction) -> Iterator[Source]:
    where = Place(path, instruction.first)
    if instruction.keyword in ("COPY", "ADD") and not instruction.flag("from"):
        for word in instruction.words[:-1]:
            yield Source(_clean(word.text), word.text, where)
    elif instruction.keyword == "RUN":
        for mount in mounts(instruction):
            if mount.kind == "bind" and "from" not in mount.options:
                yield Source(_clean(mount.source or "."), mount.source or ".", where)


def _clean(text: str) -> str:
    return posixpath.normpath(text.strip("\"'").lstrip("/") or ".")


def needed(build: Build, sample: str) -> Source | None:
    """Return the source that names `sample` (a context path) or something below it, more narrowly than a parent does.

    A broad source such as ``.`` or ``src`` does not count: it copies what there is. A source with a
    variable counts if it could name the path.
    """
    for source in sources(build):
        if "$" in source.path:
            fixed = source.path.partition("$")[0].rstrip("/")
            if _with_variables(source.path).fullmatch(sample) or fixed == sample or fixed.startswith(sample + "/"):
                return source
        elif set(source.path) & set("*?["):
            if _wildcard_names(source.path, sample):
                return source
        elif (
            source.path == sample
            or source.path.startswith(sample + "/")
            or (sample.startswith(source.path + "/") and _inside_ignored(source.path))
        ):
            return source
    return None


def _with_variables(path: str) -> re.Pattern[str]:
    """Return what a source with variables can name: a variable stands for anything."""
    parts = re.split(r"\$\{[^}]*\}|\$\w+", path)
    return re.compile(".*".join(map(re.escape, parts)))


def _wildcard_names(pattern: str, sample: str) -> bool:
    # `COPY * ./` is as broad as a directory; only what a pattern spells out counts as asked for.
    if pattern.startswith(sample + "/"):
        return True
    parts, names = pattern.split("/"), sample.split("/")
    if all(re.fullmatch(r"[*?]+", part) for part in parts):
        return False
    if "**" in parts:
        return True  # at any depth
    try:
        regex = gopattern.match_regex(pattern)
    except ValueError:
        return False  # the builder refuses it
    return regex.fullmatch("/".join(names[: len(parts)])) is not None


def _inside_ignored(source: str) -> bool:
    """Tell whether `source` lies in what is ignored as a rule (COPY node_modules/x …)."""
    return any(part in ("node_modules", ".git", "venv", ".venv") for part in source.split("/"))


def excludes(context: Context, lines: tuple[str, ...], sample: str) -> bool:
    """Tell whether the context's ignore file, with `lines` appended, excludes `sample`."""
    if not lines:
        return context.ignore is not None and context.ignore.excludes(sample)
    text = (context.ignore.text if context.ignore else "").rstrip("\r\n")
    return ignorefile.parse("\n".join((text, *lines))).excludes(sample)


def revives(context: Context, line: str) -> bool:
    """Tell whether the ignore file has a `!` line for something that `line` would exclude again."""
    if context.ignore is None:
        return False
    mine = ignorefile.parse(line)
    return any(
        mine.excludes(re.sub(r"[*?]+", "x", pattern.text)) for pattern in context.ignore.patterns if pattern.negated
    )


def relied_on(build: Build, directory: str, installs: re.Pattern[str]) -> Source | None:
    """Return a broad COPY of a stage that installs nothing itself, and so may run what lies in `directory`.

    Such a stage takes the dependencies that are in the tree of whoever builds it; `installs` matches commands that
    install.
    """
    for path, dockerfile in build.dockerfiles:
        for text, sources_ in _stage_texts(path, dockerfile):
            broad = next((s for s in sources_ if s.path == "." or directory.startswith(s.path + "/")), None)
            supplied = re.search(rf"--from=\S+ [^\n]*{re.escape(posixpath.basename(directory))}", text)
            if broad and not supplied and not installs.search(text):
                return broad
    return None


def _stage_texts(path: str, dockerfile: Dockerfile) -> Iterator[tuple[str, list[Source]]]:
    """Yield the text of each stage, with what it takes from the context."""
    stages: list[list[Instruction]] = []
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            stages.append([])
        elif stages:
            stages[-1].append(instruction)
    for lines in stages:
        if lines:
            text = "\n".join(dockerfile.source(line.span) for line in lines)
            yield text, [source for line in lines for source in _named(path, line)]
