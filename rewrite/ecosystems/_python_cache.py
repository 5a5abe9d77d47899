"""Where a Python package manager's cache lies, for whoever runs it, and what keeps it from being used.

Facts: the tools' documentation: all keep their cache in ``$XDG_CACHE_HOME`` or ``~/.cache``, and each has a variable
that moves it. A mount's parents are made as root, so that for another user the cache is moved out of HOME. pip and what
starts it keep downloads in ``http`` and (since pip 23.3) ``http-v2``; the wheels that they build lie beside these.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..build.images import ROOT
from ..build.runs import Step
from ..model import Declined, Obligation, proved
from . import CachePlan, MountSpec, ScriptEdit, Site


@dataclass(frozen=True, slots=True)
class CacheHome:
    """A cache directory for one command: `variable` moves it there if `moved`; `uid` and `gid` for its mounts."""

    directory: str
    variable: str
    moved: bool
    uid: int | None
    gid: int | None
    proof: Obligation

    @property
    def prefix(self) -> str:
        """The assignment that the command needs before it, with a blank, or nothing."""
        return f"{self.variable}={self.directory} " if self.moved else ""

    def mount(self, *names: str) -> MountSpec:
        """Return a cache mount for a directory below this one."""
        return MountSpec(posixpath.join(self.directory, *names), uid=self.uid, gid=self.gid)


def cache_home(site: Site, tool: str, name: str, variable: str) -> CacheHome:
    """Return where `tool`, which calls its directory `name`, keeps its cache at `site`; raises Declined."""
    if site.account is None or site.run.home is None:
        raise Declined(f"the user that this RUN runs as is not known, and with it where {tool}'s cache lies")
    if site.account.name == ROOT.name:
        claim = proved(f"{tool} runs as root and keeps its cache there", f"HOME is {site.run.home}")
        return CacheHome(cache_directory(site.step, name, variable), variable, False, None, None, claim)
    if site.account.uid is None:
        raise Declined(f"the uid of the user {site.account.name} is not known, who could not write to the mount")
    claim = proved(f"the mount belongs to {site.account.name}", f"uid {site.account.uid}")
    directory = _outside_home(site, name, variable)
    return CacheHome(directory, variable, True, site.account.uid, site.account.gid, claim)


def cache_directory(step: Step, name: str, variable: str) -> str:
    """Return the cache directory that the variables in force name, or root's; raises Declined."""
    for key, tail in ((variable, ""), ("XDG_CACHE_HOME", f"/{name}")):
        if step.env.get(key, "") != "":
            value = step.env[key]
            if value is None or not value.startswith("/"):
                raise Declined(f"{key} is not a path that is known")
            return posixpath.normpath(value + tail)
    return posixpath.normpath(f"{step.env.get('HOME') or '/root'}/.cache/{name}")


def _outside_home(site: Site, name: str, variable: str) -> str:
    """Return a directory outside of HOME: a mount's parents are made as root, which would close ~/.cache."""
    directory = f"/tmp/.cache/{name}"
    for key in ("HOME", "XDG_CACHE_HOME", "TMPDIR"):
        if directory.startswith((site.step.env.get(key) or "-").rstrip("/") + "/"):
            raise Declined(f"{key} is {site.step.env[key]}, whose .cache would belong to root during the RUN")
    if any(assignment.name == variable for assignment in site.step.simple.assignments):
        raise Declined(f"{variable} is set for this command")
    return directory


@dataclass(frozen=True, slots=True)
class Switch:
    """What switches a tool's cache off: `options`, and a `variable` that `value` takes back, for the reason `why`."""

    options: Collection[str]
    variable: str = ""
    value: str = ""
    why: str = ""


def enable(step: Step, home: CacheHome, switch: Switch) -> tuple[list[ScriptEdit], list[Obligation]]:
    """Return the edits that make a command use its cache, with what they rest on; raises Declined."""
    edits, proof, prefix = [], [], home.prefix
    words = step.simple.words
    for before, word, value in zip(words, words[1:], step.words[1:], strict=False):
        if value in switch.options:
            edits.append(ScriptEdit(before.span, delete=word.span))
            proof.append(proved(f"{value} only kept the cache out of the layer, as the mount does now"))
    if any(assignment.name == switch.variable for assignment in step.simple.assignments):
        raise Declined(f"{switch.variable} is set for this command")
    if step.env.get(switch.variable, "") != "":
        prefix = f"{switch.variable}={switch.value} " + prefix
        proof.append(proved(f"ENV {switch.variable} stays as it is", switch.why))
    if prefix and step.item.pipeline.timed:
        raise Declined("`time` may be a program, which takes no variables for the one that it starts")
    if prefix:
        edits.append(ScriptEdit(before=words[0].span.start, text=prefix))
    return edits, proof


def kept_downloads(
    tool: str, home: CacheHome, edits: Sequence[ScriptEdit], proof: Sequence[Obligation], names: Sequence[str]
) -> CachePlan:
    """Return the plan for a cache of which only `names`, where downloads lie, are kept, and not the wheels built."""
    return CachePlan(
        f"keep {tool}'s downloads in {'cache mounts' if len(names) > 1 else 'a cache mount'}",
        "after an edit of the requirements only what is new is downloaded",
        (MountSpec(home.directory, kind="tmpfs"), *(home.mount(name) for name in names)),
        tuple(edits),
        (home.directory, *(f"{home.directory}/{name}" for name in names)),
        (
            home.proof,
            *proof,
            proved(f"no step and no program reads {tool}'s cache", f"{tool} only ever fills it again"),
            proved(
                "no wheel that was built by other flags, or against other libraries, is installed",
                f"only downloads are kept; what {tool} builds goes to the tmpfs with the rest",
            ),
        ),
    )


def pip_plan(tool: str, home: CacheHome, edits: Sequence[ScriptEdit], proof: Sequence[Obligation]) -> CachePlan:
    """Return the plan for a cache that pip fills."""
    return kept_downloads(tool, home, edits, proof, ("http", "http-v2"))
