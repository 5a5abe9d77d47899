"""Composer's plugins: what those that are known read and write of the project during an install.

Facts: the plugins' own documentation. Under ``--no-scripts`` composer tells its plugins of no install, package or
autoloader event (Composer's Installer, InstallationManager and AutoloadGenerator), so that most have nothing to do.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..model import Declined, assumed, proved
from . import Read, Write
from ._composer_project import Mode, Project, lock_path

# They look at composer.json and write in the vendor directory, or only add commands.
_QUIET_NAMES = """
composer/package-versions-deprecated drupal/core-project-message drupal/core-vendor-hardening
ergebnis/composer-normalize hirak/prestissimo infection/extension-installer ocramius/package-versions
pestphp/pest-plugin php-http/discovery phpstan/extension-installer symfony/thanks
"""
QUIET = frozenset(_QUIET_NAMES.split())
# They act on install and package events only.
_SILENT_WITHOUT_SCRIPTS = frozenset({"dealerdirect/phpcodesniffer-composer-installer", "drupal/core-composer-scaffold"})
# composer itself puts packages of these types into the vendor directory.
_VENDORED = frozenset(
    "library metapackage project composer-plugin composer-installer symfony-bundle php-ext phpstan-extension"
    " phpcodesniffer-standard composer-runtime-api".split()
)


def judge_plugins(project: Project, mode: Mode) -> list[str]:
    """Note what the plugins of the lockfile read and write; return their names. Raises Declined for unknown ones."""
    if not mode.plugins:
        project.proof.append(proved("no plugin of composer runs", "--no-plugins"))
        return []
    names = []
    for entry in project.plugins(mode):
        name = str(entry.get("name", "")).lower()
        names.append(name)
        if name in QUIET or (not mode.scripts and name in _SILENT_WITHOUT_SCRIPTS):
            continue
        handler = _KNOWN.get(name)
        if handler is None:
            where = project.view.place(lock_path(project.manifest))
            raise Declined(f"what composer's plugin {name} reads and writes is not known", where)
        handler(project, mode, entry)
    known = ", ".join(names)
    project.proof.append(proved("no plugin of composer reads anything else", f"known: {known}" if known else "none"))
    return names


def _flex(project: Project, mode: Mode, entry: Mapping[str, Any]) -> None:
    if mode.scripts:
        raise Declined("Symfony Flex runs recipes, which write into the project", project.place())
    name = project.env.get("SYMFONY_LOCKFILE") if "SYMFONY_LOCKFILE" in project.env else "symfony.lock"
    project.reads.append(Read(project.path(name or "$"), "Symfony Flex reads it"))


def _runtime(project: Project, mode: Mode, entry: Mapping[str, Any]) -> None:
    template = project.table("extra").get("runtime")
    path = template.get("autoload_template") if isinstance(template, dict) else None
    if isinstance(path, str):
        project.reads.append(Read(project.path(path), "Symfony's runtime makes the autoloader from it"))


def _installers(project: Project, mode: Mode, entry: Mapping[str, Any]) -> None:
    """composer/installers: packages of some types go to the places that ``extra.installer-paths`` names."""
    paths = project.table("extra").get("installer-paths")
    rules = paths if isinstance(paths, dict) else {}
    for package in project.packages(mode):
        kind, name = str(package.get("type", "library")), str(package.get("name", ""))
        if kind in _VENDORED:
            continue
        tags = {f"type:{kind}", name, f"vendor:{name.partition('/')[0]}"}
        target = next((path for path, wanted in rules.items() if isinstance(wanted, list) and tags & set(wanted)), None)
        fixed = target.partition("{")[0] if target else ""
        if not fixed.strip("./"):
            raise Declined(f"where composer/installers puts {name} is not known", project.place("installer-paths"))
        directory = fixed if fixed.endswith("/") or "{" not in str(target) else posixpath.dirname(fixed)
        project.writes.append(Write(project.path(directory.rstrip("/")), f"composer installs {kind} packages"))


def _patches(project: Project, mode: Mode, entry: Mapping[str, Any]) -> None:
    """cweagans/composer-patches 1: a patch that is missing is left out in silence, unless told otherwise."""
    if not str(entry.get("version", "")).lstrip("v").startswith("1."):
        raise Declined("composer-patches 2 keeps a lockfile of its own", project.place())
    extra = project.table("extra")
    found = [extra.get("patches")]
    if isinstance(file := extra.get("patches-file"), str):
        path = project.path(file)
        project.reads.append(Read(path, "composer-patches reads it", required=True))
        try:
            found.append(json.loads(project.view.read(path) or "").get("patches"))
        except (ValueError, AttributeError):
            raise Declined("the list of patches cannot be read", project.view.place(path)) from None
    for package in project.packages(mode):
        own = package.get("extra")
        found.append(own.get("patches") if isinstance(own, dict) else None)
    for value in (text for item in found for text in _strings(item)):
        if "://" not in value:
            project.reads.append(Read(project.path(value), "a patch that composer-patches applies"))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


_KNOWN: dict[str, Callable[[Project, Mode, Mapping[str, Any]], None]] = {
    "composer/installers": _installers,
    "cweagans/composer-patches": _patches,
    "symfony/flex": _flex,
    "symfony/runtime": _runtime,
}


def judge_twice(project: Project, names: list[str]) -> None:
    """Judge an install in two halves, whose second finds nothing left to install; raises Declined."""
    for name in names:
        if name == "symfony/flex":
            claim = "Symfony Flex has no recipe left to run"
            project.proof.append(assumed(claim, "a package that symfony.lock does not name would get no recipe"))
        elif name == "cweagans/composer-patches":
            raise Declined("composer-patches patches only what it sees being installed", project.place())
        elif name not in QUIET | {"composer/installers", "symfony/runtime"}:
            raise Declined(f"what {name} does if nothing is left to install is not known", project.place())
