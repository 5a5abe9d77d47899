"""Whether and where a RUN's pnpm can have its store in a cache mount."""

from __future__ import annotations

import posixpath
import re

from ..build.runs import Step
from ..model import Declined, Obligation, proved
from . import ScriptEdit, Site
from ._node_cache import configured, home_of, not_offline, runs_until
from ._node_line import unwrapped
from ._node_package import Package
from ._npm_settings import Settings
from ._pnpm_project import Workspace, pnpm_major

# The versions that are known to take --no-side-effects-cache, and to keep their store alike.
_MOUNTED = range(7, 11)


def check(site: Site, workspace: Workspace, settings: Settings) -> None:
    """Decline where node_modules would lead into the store, or where it is not known how pnpm deals with it."""
    home_of(site, "pnpm")
    if workspace.on(settings, "enable-global-virtual-store"):
        raise Declined("the global virtual store is on: node_modules leads into the store", workspace.place)
    method = settings.values.get("package-import-method", "auto")
    method = next((str(value) for value in workspace.settings("package-import-method")), method)
    if method not in ("auto", "copy", "clone-or-copy"):
        raise Declined(f"package-import-method is {method}, which cannot leave the mount", workspace.place)
    major = _major(site, workspace.root)
    if not major:
        raise Declined("neither packageManager nor a RUN tells which pnpm runs, or they do not agree")
    if major not in _MOUNTED:
        raise Declined(f"how pnpm {major} keeps its store is not known, only that of {_MOUNTED[0]} to {_MOUNTED[-1]}")
    for key in (
        "store-dir",
        "storeDir",
        "package-import",
        "packageImport",
        "enable-global",
        "enableGlobal",
        "virtual-",
    ):
        configured(site, "pnpm", key)
        configured(site, "npm", key)
    if any(str(value) == "install" for value in workspace.settings("verify-deps-before-run")):
        raise Declined("verify-deps-before-run makes the program install when it starts", workspace.place)
    not_offline(site, "pnpm")
    for run in site.later_runs:
        for step in run.steps:
            if unwrapped(step).program == "pnpm" and "fetch" in step.words:
                raise Declined("a later pnpm fetch fills the store", site.build.step_place(run, step))


def _major(site: Site, package: Package) -> int | None:
    """Return pnpm's major version: what packageManager and the RUNs up to here say, None if they do not agree."""
    found = {pnpm_major(package)} - {None}
    for run in runs_until(site):
        for step in run.steps:
            if step.program in ("npm", "corepack") and {"install", "i", "prepare", "add"} & set(step.words):
                for word in step.words:
                    if word == "pnpm" or (word or "").startswith("pnpm@"):
                        match = re.match(r"pnpm@\^?~?(\d+)", word or "")
                        found.add(int(match[1]) if match else 0)
    return found.pop() if len(found) == 1 else None


def store(site: Site, step: Step, settings: Settings, workspace: Workspace) -> tuple[str, str]:
    """Return where the store lies, and what says so; raises Declined."""
    if "store-dir" in settings.values or any(True for _ in workspace.settings("store-dir")):
        values = [str(value) for value in workspace.settings("store-dir")]
        path = settings.path("store-dir") if "store-dir" in settings.values else values[0]
        if not path or not path.startswith("/"):
            raise Declined("where pnpm's setting store-dir points to is not known")
        return posixpath.normpath(path), "its setting store-dir"
    for name, tail in (("PNPM_HOME", "store"), ("XDG_DATA_HOME", "pnpm/store")):
        if name in step.env:
            value = step.env[name]
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(f"{value}/{tail}"), f"{name}={value}"
    return posixpath.normpath(f"{site.run.home}/.local/share/pnpm/store"), f"HOME is {site.run.home}"


def without_side_effects(
    step: Step, workspace: Workspace, settings: Settings
) -> tuple[list[ScriptEdit], tuple[Obligation, ...]]:
    """Return the edit that keeps what install scripts make out of the store, with the proof."""
    claim = "what install scripts made for another image is not installed"
    off = "--no-side-effects-cache" in step.words or not workspace.on(settings, "side-effects-cache", True)
    if off or workspace.on(settings, "ignore-scripts") or "--ignore-scripts" in step.words:
        return [], (proved(claim, "the store keeps no such files, or no script runs"),)
    word = next(
        word
        for word, value in zip(step.simple.words, step.words, strict=True)
        if value in ("install", "i", "add", "deploy")
    )
    return [ScriptEdit(after=word.span, text=" --no-side-effects-cache")], (proved(claim, "--no-side-effects-cache"),)
