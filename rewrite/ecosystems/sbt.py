"""sbt: its caches. What a build reads cannot be listed: build.sbt and project/ are programs.

Facts: sbt's documentation (command line, directories, offline mode) and coursier's (cache, and that it looks for
changing versions once a day). Where the caches are follows Java's ``user.home``, which is the account's own, not HOME.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.images import ROOT
from ..build.runs import Step
from ..model import Declined, Obligation, Place, assumed, proved
from . import CachePlace, CachePlan, Command, MountSpec, Site, Tool, no_clean, no_fetch
from ._shared_cache import Tool as CacheTool
from ._shared_cache import all_seen, family, no_layer, no_other_mount

NAME = "sbt"
IGNORE = "jvm"
TOOLS = (
    Tool(
        "sbt",
        "JVM",
        ("build.sbt",),
        (),
        (),
        (
            CachePlace("~/.cache/coursier", "B", "every later sbt command reads it", "COURSIER_CACHE", "locked"),
            CachePlace("~/.ivy2/cache", "B", "the same; ~/.ivy2/local beside it stays in the image", "", "locked"),
            CachePlace("~/.sbt/boot", "B", "sbt itself; its settings and credentials stay visible", "", "locked"),
        ),
        "sbt's documentation of the command line and its directories, coursier's of its cache",
    ),
)
INSTALLING = re.compile(r"(?<![\w./-])sbt\s")
CONFIGURES = re.compile(r"\.sbt/(?:repositories|\.credentials|1\.0)")

_DIRECTORIES = (".cache/coursier", ".ivy2/cache", ".sbt/boot")
# Properties and variables that move the caches, or make sbt use nothing else.
_MOVING = re.compile(
    r"sbt\.(?:boot|ivy|global|coursier|offline)|coursier\.cache|user\.home|\boffline\b|-(?:sbt-boot|sbt-dir|ivy)\b"
)
_VARIABLES = ("COURSIER_CACHE", "XDG_CACHE_HOME", "SBT_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS")
_RESOLVES = frozenset({"update", "updateClassifiers", "dependencyTree", "reload"})
_CHANGING = re.compile(
    r"^(?!\s*(?:ThisBuild\s*/\s*)?version\b).*(?:-SNAPSHOT\b|\blatest\.\w+|\.changing\b)", re.MULTILINE
)


def _is_sbt(step: Step) -> bool:
    return step.program == "sbt"


_TOOL = CacheTool("sbt", re.compile(r"(?<![\w./:-])sbt\b(?![/.:-])|/sbt\b(?![/:])"), _is_sbt)


def recognise(step: Step, view: View) -> Command | None:
    """Return that a command of sbt runs the project's programs; one that only resolves would be worth a layer."""
    if not _is_sbt(step):
        return None
    tasks = [word or "" for word in step.words[1:] if not (word or "").startswith("-")]
    title = " ".join(("sbt", *tasks))
    declined = Declined("build.sbt and project/ are programs, and may read any file of the project")
    return Command(NAME, title, bool(tasks) and set(tasks) <= _RESOLVES, declined=declined, project=True)


def cache(site: Site) -> CachePlan | None:
    """Return how an sbt command uses mounts over its caches."""
    step, account = site.step, site.account
    if not _is_sbt(step):
        return None
    if account is None or account.name != ROOT.name:
        raise Declined("sbt does not run as root, and a mount's parents, ~/.cache, ~/.ivy2 and ~/.sbt, belong to root")
    for _, run in family(site):
        for other in filter(_is_sbt, run.steps):
            _in_place(site, other)
    no_layer(site, _TOOL)
    targets = tuple(posixpath.join(account.home or "/root", name) for name in _DIRECTORIES)
    no_other_mount(site, _TOOL, targets)
    return CachePlan(
        "keep what sbt downloads in cache mounts",
        "after an edit of the build only what is new is downloaded",
        tuple(MountSpec(target, "locked") for target in targets),
        directories=targets,
        proof=(
            proved(f"sbt's caches are in {', '.join(targets)}", "its options, variables and files were read"),
            *all_seen(site, _TOOL),
            _unchanging(site),
        ),
        shared=True,
    )


def _in_place(site: Site, step: Step) -> None:
    """Decline if the caches may lie elsewhere, or are all that sbt may use."""
    texts = [*step.words[1:], *(step.env.get(name, "") for name in _VARIABLES[2:])]
    if any(text is None or _MOVING.search(text) for text in texts):
        raise Declined("an option may move sbt's caches, or keep it offline")
    for name in _VARIABLES[:2]:
        if step.env.get(name, "") != "":
            raise Declined(f"{name} moves coursier's cache")
    for path, text in _files(site):
        found = _MOVING.search(text)
        if found:
            place = Place(path, text.count("\n", 0, found.start()) + 1)
            raise Declined(f"`{found[0]}` may move sbt's caches, or keep it offline", place)


def _files(site: Site) -> Iterator[tuple[str, str]]:
    """Yield the files of the build, by context path: options, settings, and the build's own programs."""
    for entry in site.build.context.files():
        name = posixpath.basename(entry.path)
        if (
            name in (".sbtopts", ".jvmopts")
            or name.endswith(".sbt")
            or re.search(r"\bproject/[^/]*\.scala\Z", entry.path)
        ):
            yield entry.path, site.build.context.read(entry.path) or ""


def _unchanging(site: Site) -> Obligation:
    claim = "sbt finds in the mount what it would download"
    for path, text in _files(site):
        found = _CHANGING.search(text)
        if found:
            place = Place(path, text.count("\n", 0, found.end()) + 1)
            return assumed(claim, f"`{found[0].strip()}` may change, and sbt looks for that once a day", place)
    return proved(claim, "no file of the build names a version that changes")


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``sbt clean`` cleans the project only."""
    return ()


fetch = no_fetch
clean = no_clean
