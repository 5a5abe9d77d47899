"""Deno: ``deno install`` and ``deno ci`` of what deno.json and package.json name; DENO_DIR is never mounted.

Facts: Deno's documentation (deno install, deno ci, deno.json, environment variables), and deno_docker's of the image:
what is downloaded lies in DENO_DIR, and the program reads it there each time it starts (class C). ``deno cache``,
``compile`` and an entry point follow the imports of the sources, which are not followed here.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, Command, Read, Site, Tool, Write, cleans_nothing, no_clean, no_fetch
from ._members import above
from ._node_line import Line
from ._node_package import LIFECYCLE, Package, strings
from ._npm_settings import load_settings, settings_reads

NAME = "deno"
IGNORE = "node"
TOOLS = (
    Tool(
        "deno",
        "Node",
        ("deno.json", "deno.jsonc", "package.json"),
        ("deno.lock",),
        ("deno install", "deno ci"),
        (CachePlace("~/.cache/deno", "C", "the program reads its modules there when it starts", "DENO_DIR"),),
        "Deno's documentation of deno install, deno ci and deno.json; deno_docker's README",
    ),
)
INSTALLING = re.compile(r"\bdeno\b(?![^\n;&|]*\s(?:-g|--global)\b)[^\n;&|]*?\b(?:install|ci)\b")
CONFIGURES = re.compile(r"\bdeno\.jsonc?\b")

_SWITCHES = frozenset("-q --quiet --frozen --frozen-lockfile --no-lock --prod --production --allow-import".split())
_VALUED = frozenset({"--node-modules-dir"})
_FILES = ("package.json", "deno.json", "deno.jsonc", "deno.lock", ".npmrc")
# Of deno.json: what names no file that an install reads.
_HARMLESS = frozenset(
    "imports scopes tasks lint fmt test bench compilerOptions exclude unstable nodeModulesDir name version"
    " exports license publish compile permissions minimumDependencyAge $schema lock".split()
)


def _line(step: Step) -> Line:
    return Line.read(step, _SWITCHES, _VALUED, {"--frozen-lockfile": "--frozen", "--production": "--prod"})


def recognise(step: Step, view: View) -> Command | None:
    """Return what a deno command does; only installs of what the manifests name are followed."""
    if step.program != "deno":
        return None
    subcommand = step.words[1] if len(step.words) > 1 else ""
    title = f"deno {subcommand or ''}".strip()
    installs = subcommand in ("install", "ci", "cache")
    try:
        if subcommand not in ("install", "ci"):
            raise Declined(f"what {title} reads follows from the sources")
        line = _line(step)
        if line.operands:
            raise Declined(f"{title} {line.operands[0]} follows the imports of a source, or adds a package")
        return _install(step, view, line, title)
    except Declined as declined:
        return Command(NAME, title, installs, declined=declined, project=not installs)


def _install(step: Step, view: View, line: Line, title: str) -> Command:
    root = step.cwd
    if root is None:
        raise Declined("the directory that deno runs in is not known")
    for place in above(root):
        for name in _FILES[:3]:
            if view.exists(path := posixpath.join(place, name)):
                raise Declined(f"{root} may be a member of the workspace at {place}", view.place(path))
    package = Package.parse(root, view) or Package(root, {})
    if package.workspaces or package.scripts(LIFECYCLE) or any(map(_is_local, package.specifiers())):
        raise Declined("package.json has members, scripts or local dependencies", view.place(package.path(_FILES[0])))
    _check(root, view)
    settings = load_settings(step, view, root, {})
    reads = [Read(posixpath.join(root, name), "deno reads it") for name in _FILES]
    reads += settings_reads(settings, root, step, view)
    writes = [Write(_deno_dir(step), "deno keeps what it downloads", local=False)]
    writes.append(Write(posixpath.join(root, "node_modules"), "deno installs", replaced=line.subcommand == "ci"))
    if line.subcommand != "ci" and not line.on("--frozen"):
        writes.append(Write(posixpath.join(root, "deno.lock"), "deno install may rewrite it", local=False))
    proof = proved("no install script of a dependency runs", "deno runs none that --allow-scripts does not name")
    return Command(NAME, title, True, tuple(reads), tuple(writes), None, (proof,))


def _check(root: str, view: View) -> None:
    """Decline if deno.json makes an install read more than the manifests."""
    for name in _FILES[1:3]:
        path = posixpath.join(root, name)
        if not view.exists(path):
            continue
        data = _json(view.read(path), path, view)
        for key in sorted(data.keys() - _HARMLESS):
            raise Declined(f"what {key} in {name} changes is not followed", view.place(path))
        if data.get("lock") not in (None, True, False) and not _plain_lock(data["lock"]):
            raise Declined(f"{name} has its lockfile in another place", view.place(path))
        for value in (*strings(data.get("imports")), *strings(data.get("scopes"))):
            if _is_local(value) and not value.endswith("/"):
                raise Declined(f"the import {value} may be a source, which an install follows", view.place(path))


def _plain_lock(value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= {"frozen"}


def _is_local(value: str) -> bool:
    return value.startswith((".", "/", "file:", "link:", "portal:"))


def _json(text: str | None, path: str, view: View) -> Mapping[str, Any]:
    try:
        data = json.loads(text or "")
    except ValueError:
        raise Declined("it cannot be read as JSON without comments", view.place(path)) from None
    if not isinstance(data, dict):
        raise Declined("it is no table of settings", view.place(path))
    return data


def _deno_dir(step: Step) -> str:
    for name, tail in (("DENO_DIR", ""), ("XDG_CACHE_HOME", "/deno")):
        value = step.env.get(name)
        if value:
            return posixpath.normpath(posixpath.join("/", value + tail))
    return posixpath.normpath(f"{step.env.get('HOME') or '/root'}/.cache/deno")


def cache(site: Site) -> CachePlan | None:
    """Decline for what downloads: the program needs DENO_DIR."""
    if site.step.program == "deno" and site.step.words[1:2] in (("install",), ("ci",), ("cache",)):
        raise Declined("the program reads its modules in DENO_DIR, which must stay in the image (FACTS: class C)")
    return None


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
