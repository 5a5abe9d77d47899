"""Ecosystems: one module for each package manager, found by discovery.

A module says which tools it knows (`TOOLS`) and which of their commands (`recognise`), what an install reads and
writes, where its cache lies (`cache`), and what could be fetched before the sources are there (`fetch`). Rewrites ask
all modules and know none of them.
"""

from __future__ import annotations

import importlib
import pkgutil
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, Protocol

from ..build.accounts import account
from ..build.build import Build, View
from ..build.images import Account
from ..build.paths import ALWAYS_THERE
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation
from ..source.edits import Span


@dataclass(frozen=True, slots=True)
class Read:
    """An image path that a command may read, and why; a directory stands for all below it.

    `required` files must come from somewhere the rewrite can see, others are read where they exist.
    """

    path: str
    why: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """An image path that a command writes, and why; a directory stands for all below it.

    `local`: developers have the like in their own tree. `replaced`: the command makes it anew,
    whatever was there.
    """

    path: str
    why: str
    local: bool = True
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """What a recognised command does.

    `title` names it as a person would. `install` tells whether it is worth a layer of its own before
    the sources. `declined` says why its reads or writes cannot be listed. `proof` holds what was found
    on the way. `environment` tells whether a program of the project may read any environment variable,
    `strangers` whether build or install scripts of packages run, which could do so too; `project` whether a program
    that the project chooses runs, of which nothing is known (``npm run build``). `variables` are those that known
    programs read besides.
    """

    ecosystem: str
    title: str
    install: bool = False
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    declined: Declined | None = field(default=None, compare=False)
    proof: tuple[Obligation, ...] = ()
    environment: bool = False
    strangers: bool = False
    project: bool = False
    variables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetch:
    """A command that fetches what a later command of the same stage needs, without the project's sources.

    `command` is shell text for the directory and the user of the command that asks; `title` names it as `recognise`
    does, `gain` says in one sentence what the layer saves; `reads` and `writes` as those of a `Command`: what it leaves
    in `writes` may be more than the later command would, unless it is `exact`; in `outputs` it leaves part of what that
    command makes. Where `command` has a line end, it may be continued. `environment` matches the names of the
    variables that it may read (None: any). `edits` spare the later command what the layer has done already.
    """

    title: str
    command: str
    gain: str
    reads: tuple[Read, ...]
    writes: tuple[Write, ...] = ()
    proof: tuple[Obligation, ...] = ()
    environment: re.Pattern[str] | None = None
    exact: bool = False
    outputs: tuple[Write, ...] = ()
    edits: tuple[ScriptEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class MountSpec:
    """A mount to add; `uid` and `gid` only for an account that is not root."""

    target: str
    sharing: str = ""
    id: str = ""
    uid: int | None = None
    gid: int | None = None
    kind: str = "cache"

    def __str__(self) -> str:
        parts = [f"type={self.kind}", f"target={self.target}"]
        parts += [f"id={self.id}"] if self.id else []
        parts += [f"sharing={self.sharing}"] if self.sharing else []
        parts += [f"{name}={value}" for name, value in (("uid", self.uid), ("gid", self.gid)) if value is not None]
        return "--mount=" + ",".join(parts)


@dataclass(frozen=True, slots=True)
class ScriptEdit:
    """An edit of a RUN's script: insert `text` before the offset `before` or behind the span `after`, or
    delete the word `delete` that follows the word `after`; with both, `text` takes the place of the word.
    """

    after: Span | None = None
    text: str = ""
    before: int | None = None
    delete: Span | None = None


@dataclass(frozen=True, slots=True)
class CachePlan:
    """How a command comes to use a cache mount.

    `edits` change the RUN's script; `directories` are the cache's image paths, which no
    other command may remove or read. `shared`: later commands of the tool read what the cache holds (class B of
    FACTS.md, section 3), so that all RUNs with a plan of this ecosystem get their mounts together, or none does.
    """

    title: str
    reason: str
    mounts: tuple[MountSpec, ...]
    edits: tuple[ScriptEdit, ...] = ()
    directories: tuple[str, ...] = ()
    proof: tuple[Obligation, ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class CleanPlan:
    """How a RUN comes to leave nothing of a tool's cache in its layer, where there are no mounts.

    `edits` change the RUN's script. `command` is put behind the command `behind`, which it needs to have run; without
    `behind` it is one that never fails, and is put behind the last command of the RUN. `directories` are the cache's
    image paths.
    """

    title: str
    edits: tuple[ScriptEdit, ...] = ()
    command: str = ""
    behind: Step | None = None
    directories: tuple[str, ...] = ()
    proof: tuple[Obligation, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """Where a command runs: its stage, its RUN, and the step itself."""

    build: Build
    stage: Stage
    run: Run
    step: Step

    @property
    def view(self) -> View:
        """The context's files in the image at this RUN."""
        return self.build.view(self.stage, self.run.instruction)

    @property
    def account(self) -> Account | None:
        """Who runs the command, None if that is not known."""
        return account(self.stage, self.run.instruction)

    @property
    def command(self) -> str:
        """The command's text with the assignments before it, lines joined, without redirections behind it."""
        simple = self.step.simple
        start = simple.assignments[0].span.start if simple.assignments else simple.words[0].span.start
        return self.run.text.text[start : simple.words[-1].span.end]

    @property
    def later_runs(self) -> tuple[Run, ...]:
        """The RUNs that find what this one leaves: behind it, and in the stages built on its stage."""
        return tuple(self.build.later_runs(self.stage, self.run.instruction))


def parents_stand(site: Site, plan: CachePlan) -> None:
    """Decline mounts whose parent directory podman before 5.6 would make, and leave in the image (seen with 4.3.1)."""
    targets = {mount.target for mount in plan.mounts}
    for target in targets if site.build.builder == "buildah" else ():
        parent = posixpath.dirname(target)
        if not ALWAYS_THERE.fullmatch(parent) and parent != site.run.home and parent not in targets:
            raise Declined(f"podman before 5.6 leaves the directory {parent} of a mount in the image")


def base_identity(site: Site) -> str | None:
    """Return a name for the base image that can be part of a mount's id, None if it depends on a build argument.

    The digest is left out: a cache has to outlive that.
    """
    words = site.stage.lineage[-1].from_.words
    reference = words[0].text.partition("@")[0] if words else "$"
    return None if "$" in reference else re.sub(r"[^A-Za-z0-9_.-]+", "-", reference)


@dataclass(frozen=True, slots=True)
class CachePlace:
    """A directory in which a tool keeps what it has downloaded or compiled, and what dockerfix does with it.

    `path` is an image path for root (``~`` is HOME); `variable` moves it. `kind` is the class of FACTS.md, section 3:
    ``A`` is never read again by the image, ``B`` by later commands of the tool only, ``C`` by the program or by the
    install's own output, so that it is never mounted; such a path may be one of the project. `why` says so in words.
    """

    path: str
    kind: Literal["A", "B", "C"]
    why: str
    variable: str = ""
    sharing: str = "shared"


@dataclass(frozen=True, slots=True)
class Need:
    """A command that fails where none of the files `names` lies in the directory that it runs in.

    `command` is a program, and what it is to do. With `options`, it does so if one of them is given.
    """

    command: str
    names: tuple[str, ...]
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as `dockerfix ecosystems` shows it: file names and commands as people write them.

    `family` is the language or "System"; `source` names the documentation that the facts are from. `leftovers` are
    regular expressions for the image paths of what it leaves behind under names, or with contents, that are never the
    same. `needs` are commands that tell by what they need whether a directory is the right one.
    """

    name: str
    family: str
    manifests: tuple[str, ...] = ()
    lockfiles: tuple[str, ...] = ()
    installs: tuple[str, ...] = ()
    caches: tuple[CachePlace, ...] = ()
    source: str = ""
    leftovers: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()


# For modules to assign where they have nothing of the kind.
NEVER = re.compile(r"(?!)")


def no_fetch(site: Site) -> Fetch | None:
    """Return nothing: the tool's own install is what is worth a layer."""
    return None


def no_cache(site: Site) -> CachePlan | None:
    """Return nothing: the tool keeps nothing that could be mounted."""
    return None


def cleans_nothing(step: Step) -> Sequence[str]:
    """Return nothing: no command of the tool cleans a cache that is mounted."""
    return ()


def no_clean(site: Site) -> CleanPlan | None:
    """Return nothing: what the tool keeps is no mere cache, or nobody has asked for it to go."""
    return None


class Ecosystem(Protocol):
    """What a module of this package offers; modules are the objects, there is no class to inherit.

    `IGNORE` names the file ``templates/ignore/IGNORE.toml`` with the lines for .dockerignore. `INSTALLING` matches
    commands, in a stage's text, that install what the project depends on; `CONFIGURES` a RUN's text that makes the
    tool read or write other files than it does by default.
    """

    NAME: str
    IGNORE: str
    TOOLS: tuple[Tool, ...]
    INSTALLING: re.Pattern[str]
    CONFIGURES: re.Pattern[str]

    def recognise(self, step: Step, view: View) -> Command | None:
        """Return what `step` does if it is one of this ecosystem's commands."""

    def cache(self, site: Site) -> CachePlan | None:
        """Return how `site.step` can use a cache mount; None: not its command; raises Declined."""

    def clean(self, site: Site) -> CleanPlan | None:
        """Return how the RUN of `site.step` can leave nothing of the cache; None: it leaves nothing; raises Declined.

        Of several commands of a RUN, one may speak for all.
        """

    def cleaned(self, step: Step) -> Sequence[str]:
        """Return the cache directories (image paths) that `step` does nothing but clean."""

    def fetch(self, site: Site) -> Fetch | None:
        """Return what could fetch, before the sources, what `site.step` fetches behind them; raises Declined."""


@cache
def discover() -> tuple[Ecosystem, ...]:
    """Return the modules of this package, by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)


def recognise(step: Step, view: View) -> Command | None:
    """Return what the first ecosystem that knows `step` says of it."""
    return view.once(step, _recognise)


def _recognise(step: Step, view: View) -> Command | None:
    for ecosystem in discover():
        command = ecosystem.recognise(step, view)
        if command:
            return command
    return None


def tools() -> tuple[Tool, ...]:
    """Return what is known, by family and name."""
    found = (tool for ecosystem in discover() for tool in ecosystem.TOOLS)
    return tuple(sorted(found, key=lambda tool: (tool.family, tool.name)))


@cache
def of_the_system() -> frozenset[str]:
    """Return the names of the ecosystems that install the system's packages."""
    return frozenset(one.NAME for one in discover() if any(tool.family == "System" for tool in one.TOOLS))


def manifests() -> frozenset[str]:
    """Return the names of all files that people edit to say what is installed."""
    return frozenset(name for tool in tools() for name in tool.manifests)


@cache
def installing() -> re.Pattern[str]:
    """Return what matches a command, in the text of a stage, that installs a project's dependencies."""
    return re.compile("|".join(f"(?:{one.INSTALLING.pattern})" for one in discover()), re.MULTILINE)


def configures(text: str) -> bool:
    """Tell whether a RUN's text makes some tool read or write other files than it does by default."""
    return any(one.CONFIGURES.search(text) for one in discover())
