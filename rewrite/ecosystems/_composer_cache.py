"""composer's cache: class A, except where git's mirrors in it would be seen in a clone.

Facts: Composer's Factory and Config (where the cache lies: ``COMPOSER_CACHE_DIR`` before settings, ``COMPOSER_HOME``,
else what depends on whether /etc/xdg is there) and its documentation of the command line. ``--no-cache`` only makes the
cache directory ``/dev/null``; archives are kept by name and reference, and their checksums looked at.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from ..build.runs import Run, Step
from ..model import Declined, Obligation, proved
from . import CachePlan, MountSpec, ScriptEdit, Site
from ._composer_line import CLEAN, DOWNLOADS, INSTALL, Line, read_line, start
from ._composer_project import CACHES, Project
from ._private_cache import directory, mounted, owner


def cache(site: Site) -> CachePlan | None:
    """Return how a composer command that downloads uses a mount over composer's cache."""
    step = site.step
    at = start(step)
    if at is None or not DOWNLOADS & set(step.words[at:]):
        return None
    line = read_line(step, at)
    if line.subcommand not in DOWNLOADS or line.has("--dry-run", "--download-only") or mounted(site, "composer"):
        return None
    if step.env.get("COMPOSER_DISABLE_NETWORK", "") not in ("", "0"):
        return None
    who = owner(site, "composer's cache")
    target, prefix, reason = _cache_directory(site)
    if who.uid is not None and posixpath.dirname(target) != "/tmp" and not prefix:
        raise Declined(
            f"{posixpath.dirname(target)} may not exist or belong to another user, and a mount would make it root's"
        )
    edits = list(_enable(site, line, prefix))
    proof = [proved(f"composer keeps its cache in {target}", reason), *who.proof, *_unneeded(site)]
    return CachePlan(
        "keep composer's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (MountSpec(target, "locked", uid=who.uid, gid=who.gid),),
        tuple(edits),
        (target,),
        tuple(proof),
    )


def _cache_directory(site: Site) -> tuple[str, str, str]:
    """Return composer's cache, what the command needs before it to use that, and why it lies there."""
    env = site.step.env
    for name, tail in (("COMPOSER_CACHE_DIR", ""), ("COMPOSER_HOME", "/cache")):
        value = env.get(name, "")
        if value == "":
            continue
        if value is None or not value.startswith("/") or value.startswith("/dev/"):
            raise Declined(f"{name} is not a directory that is known")
        _not_moved(site, name == "COMPOSER_CACHE_DIR")
        return posixpath.normpath(value + tail), "", f"{name}={value}"
    _not_moved(site, True)
    root = site.account is not None and site.account.uid == 0
    path = f"{site.run.home}/.cache/composer" if root else directory(site, "composer")
    if site.step.item.pipeline.timed:
        raise Declined("`time` may be a program, which takes no variables for the one that it starts")
    return (
        posixpath.normpath(path),
        f"COMPOSER_CACHE_DIR={path} ",
        "the command is told so; by default it depends on /etc/xdg",
    )


def _not_moved(site: Site, by_variable: bool) -> None:
    """Decline if composer.json moves parts of the cache, or if all of it is moved and no variable says otherwise."""
    keys = CACHES[1:4] if by_variable else CACHES[:4]
    try:
        config = Project.load(site.step.cwd or "/", site.view, site.step.env).table("config")
    except Declined:
        config = {}
    for key in keys:
        if key in config or any(f"{key}" in run.text.text for run in _earlier(site)):
            raise Declined(f"the setting {key} moves composer's cache")


def _earlier(site: Site) -> Iterator[Run]:
    for _, line in site.stage.before(site.run.instruction):
        if line.keyword == "RUN":
            yield site.build.run(line)
    yield site.run


def _enable(site: Site, line: Line, prefix: str) -> Iterator[ScriptEdit]:
    words = site.step.simple.words
    if line.has("--no-cache"):
        _archives(site, line)
        for before, word, value in zip(words, words[1:], site.step.words[1:], strict=False):
            if value == "--no-cache":
                yield ScriptEdit(before.span, delete=word.span)
    if prefix:
        yield ScriptEdit(before=words[0].span.start, text=prefix)


def _archives(site: Site, line: Line) -> None:
    """Decline if something may be cloned: a clone from the cache's mirror is another than one from the net."""
    project = Project.load(line.cwd(site.step), site.view, site.step.env)
    source = line.has("--prefer-source") or line.options.get("--prefer-install", "dist") != "dist"
    if line.subcommand not in INSTALL or source or not project.archives_only():
        raise Declined("--no-cache is given, and packages that are cloned differ with a cache")


def _unneeded(site: Site) -> Iterator[Obligation]:
    """Yield the proof that nobody misses what the mount keeps out of the image; raises Declined."""
    for run in site.later_runs:
        for step in run.steps:
            if start(step) is not None and step.env.get("COMPOSER_DISABLE_NETWORK", "") not in ("", "0"):
                raise Declined("a later composer works offline, from the cache", site.build.step_place(run, step))
    yield proved("no step and no program reads composer's cache", "composer only ever fills it again")


def cleaned(step: Step) -> Sequence[str]:
    """Return composer's cache directory for ``composer clear-cache``."""
    at = start(step)
    if at is None or not CLEAN & set(step.words[at:]) or "--gc" in step.words:
        return ()
    for name, tail in (("COMPOSER_CACHE_DIR", ""), ("COMPOSER_HOME", "/cache")):
        if value := step.env.get(name):
            return (posixpath.normpath(value + tail),)
    return ()
