"""ccache: its directory in a cache mount, where a Dockerfile compiles through it already.

Facts: ccache's manual: results are kept by the compiler, its options and all that it reads; ``CCACHE_DIR`` names the
directory (by default ``~/.ccache`` if that is there, else ``~/.cache/ccache``); ``CCACHE_COMPILERCHECK=content`` tells
compilers apart by what they are, not by their time and size, which two images may share.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.images import ROOT
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import (
    NEVER,
    CachePlace,
    CachePlan,
    Command,
    MountSpec,
    ScriptEdit,
    Site,
    Tool,
    Write,
    base_identity,
    no_clean,
    no_fetch,
)
from ._private_cache import directory, mounted, owner

NAME = "ccache"
IGNORE = "c"
TOOLS = (
    Tool(
        "ccache",
        "C and C++",
        (),
        (),
        ("ccache gcc", "ccache g++"),
        (
            CachePlace(
                "~/.cache/ccache",
                "A",
                "results of compilers, which ccache keeps by all that they depend on",
                "CCACHE_DIR",
            ),
        ),
        "ccache's manual",
    ),
)
INSTALLING = NEVER
CONFIGURES = NEVER

_BUILDERS = frozenset("make gmake ninja samu cmake meson gcc g++ cc c++ clang clang++ ccache".split())
_TELLS = frozenset("-s -z -p -V -h --show-stats --zero-stats --show-config --version --help".split())
_SETS = re.compile(r"-M|-F|-o|--max-size|--max-files|--set-config")
_LINKS = re.compile(r"(?:^|:)/usr/lib(?:64)?/ccache(?:/bin)?(?::|$)")
_LAUNCHERS = ("CC", "CXX", "CMAKE_C_COMPILER_LAUNCHER", "CMAKE_CXX_COMPILER_LAUNCHER", "USE_CCACHE")


def recognise(step: Step, view: View) -> Command | None:
    """Return what ccache does where it is not a compiler's: show or set something."""
    if step.program != "ccache":
        return None
    home = step.env.get("HOME") or "/root"
    places = (step.env.get("CCACHE_DIR") or "", f"{home}/.ccache", f"{home}/.cache/ccache", f"{home}/.config/ccache")
    first = step.words[1] if len(step.words) > 1 else None
    if first in _TELLS or (first and _SETS.match(first) and None not in step.words):
        writes = tuple(Write(path, "ccache keeps its cache", local=False) for path in places if path.startswith("/"))
        return Command(NAME, "ccache", writes=writes)
    return Command(NAME, "ccache", declined=Declined("what a compiler reads and writes is not followed"))


def _compiles(step: Step) -> bool:
    """Tell whether a command may compile; configuring tries the compiler, too."""
    if step.program == "ccache":
        return not (set(step.words) & _TELLS or any(_SETS.match(word or "") for word in step.words[1:2]))
    return step.program in _BUILDERS


def _through_ccache(site: Site) -> str:
    """Return how the compilers are called through ccache, "" if nothing says that they are."""
    step = site.step
    if step.program == "ccache" or any("ccache" in (word or "") for word in step.words):
        return "the command names it"
    if _LINKS.search(step.env.get("PATH") or ""):
        return "PATH begins with its links"
    for name in _LAUNCHERS:
        if "ccache" in (step.env.get(name) or ""):
            return f"{name} names it"
    for other in site.view.before(step):
        if other.program in ("cmake", "meson", "configure") and any("ccache" in (word or "") for word in other.words):
            return f"{other.program} was told so"
    return ""


def cache(site: Site) -> CachePlan | None:
    """Return how a command that compiles through ccache keeps ccache's directory in a mount."""
    step = site.step
    if not _compiles(step) or step.env.get("CCACHE_DISABLE", "") != "" or mounted(site, "ccache"):
        return None
    how = _through_ccache(site)
    if not how:
        return None
    who = owner(site, "ccache's directory")
    target, prefix = _directory(site)
    if who.uid is not None and not target.startswith("/tmp/"):
        raise Declined(f"{posixpath.dirname(target)} may belong to another user, and a mount would make it root's")
    identity = base_identity(site)
    if identity is None:
        raise Declined("the base image depends on a build argument, and with it the compilers")
    if "CCACHE_COMPILERCHECK" not in step.env:
        prefix += "CCACHE_COMPILERCHECK=content "
    if step.item.pipeline.timed:
        raise Declined("`time` may be a program, which takes no variables for the one that it starts")
    home = site.run.home or "/root"
    return CachePlan(
        "keep ccache's directory in a cache mount",
        "after an edit only what has changed is compiled",
        (MountSpec(target, id=f"ccache-{identity}", uid=who.uid, gid=who.gid),),
        (ScriptEdit(before=step.simple.words[0].span.start, text=prefix),) if prefix else (),
        tuple(dict.fromkeys((target, f"{home}/.ccache", f"{home}/.cache/ccache"))),
        (proved(f"compilers run through ccache, which keeps its results in {target}", how), *who.proof, *_same(step)),
    )


def _directory(site: Site) -> tuple[str, str]:
    """Return ccache's directory and the assignment that the command needs to use it."""
    for name in site.step.env:
        if name.startswith("CCACHE_") and name in ("CCACHE_CONFIGPATH", "CCACHE_REMOTE_STORAGE", "CCACHE_READONLY"):
            raise Declined(f"{name} tells ccache to look elsewhere")
    given = site.step.env.get("CCACHE_DIR", "")
    if given is None or (given and not given.startswith("/")):
        raise Declined("CCACHE_DIR is not a path that is known")
    if given:
        return posixpath.normpath(given), ""
    root = site.account is not None and site.account.name == ROOT.name
    path = posixpath.normpath(f"{site.run.home}/.cache/ccache") if root else directory(site, "ccache")
    return path, f"CCACHE_DIR={path} "


def _same(step: Step) -> Iterator[Obligation]:
    sloppy = step.env.get("CCACHE_SLOPPINESS", "")
    claim = "a result from the cache is what the compiler would make"
    if sloppy:
        yield assumed(claim, f"CCACHE_SLOPPINESS={sloppy}")
    elif step.env.get("CCACHE_COMPILERCHECK", "content") in ("content", None):
        yield proved(claim, "it is kept by the compiler's content, its options and all that it reads")
    else:
        yield assumed(claim, f"compilers are told apart by {step.env['CCACHE_COMPILERCHECK']}")


def cleaned(step: Step) -> Sequence[str]:
    """Return ccache's directories for ``ccache -C``."""
    if step.program != "ccache" or step.words[1:] not in (("-C",), ("--clear",)):
        return ()
    given, home = step.env.get("CCACHE_DIR"), step.env.get("HOME") or "/root"
    return (posixpath.normpath(given),) if given else (f"{home}/.cache/ccache",)


fetch = no_fetch
clean = no_clean
