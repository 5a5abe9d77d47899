"""pnpm: ``pnpm install`` and ``pnpm fetch`` with workspaces, catalogs, patches and hooks; its store.

Facts: pnpm's documentation and runs of 7 to 12 in the lab. All lifecycle scripts of the root and the members run, in
production too. Files are copied from a store on another file system, and node_modules/.modules.yaml names the store, so
that a mount must lie where the store is anyway. The store also keeps what install scripts have made, by platform and
version of Node only: an image with other libraries must not be given that, so --no-side-effects-cache goes with it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, Command, Need, Read, Site, Tool, Write, no_clean, no_fetch
from ._members import above
from ._node_cache import is_offline, mount_at, no_npx, seen
from ._node_dependencies import judge_names, judge_unmarked
from ._node_line import Line, global_install, unwrapped
from ._node_package import LIFECYCLE, Install, Manager, Package
from ._npm_settings import Settings, load_settings, settings_reads
from ._pnpm_project import PNPMFILES, WORKSPACE, Workspace, pnpm_major, pnpmfile
from ._pnpm_store import check, store, without_side_effects

_FROZEN = ("--frozen-lockfile",)
NAME = "pnpm"
IGNORE = "node"
TOOLS = (
    Tool(
        "pnpm",
        "Node",
        ("package.json", "pnpm-workspace.yaml"),
        ("pnpm-lock.yaml",),
        ("pnpm install", "pnpm fetch", "pnpm add -g"),
        (
            CachePlace(
                "~/.local/share/pnpm/store",
                "B",
                "later installs and deploys of the stage copy from it; the program does not, unless the global virtual"
                " store is on",
                "PNPM_HOME",
            ),
        ),
        "pnpm's documentation of install, fetch, settings and pnpm-workspace.yaml; runs of 7 to 12",
        # With the time of the last look for an update, and of each document of the registry.
        leftovers=(r"(?:/[^/]+)+/\.(?:cache|local/state)/pnpm",),
        needs=(
            Need("pnpm install", ("pnpm-lock.yaml",), _FROZEN),
            Need("pnpm i", ("pnpm-lock.yaml",), _FROZEN),
            Need("pnpm run", ("package.json",)),
        ),
    ),
)
INSTALLING = re.compile(r"\bpnpm\b(?![^\n;&|]*\s(?:-g|--global)\b)[^\n;&|]*?\b(?:i|install|ci|fetch)\b")
CONFIGURES = re.compile(
    r"\bpnpm-workspace\b|\bpnpm +(?:-\S+ +)*config +(?:--\S+ +)*set +(?!(?:--\S+ +)*(?:registry|store-dir|network-\S+"
    r"|fetch-\S+|strict-ssl|update-notifier|@\S+:registry|//\S+)\b)"
)

_SWITCHES = frozenset(
    "-P -D -O -r -w -g -s -h -v --frozen-lockfile --no-frozen-lockfile --prefer-frozen-lockfile --offline --prod"
    " --dev --prefer-offline --no-prefer-frozen-lockfile --production --no-optional --optional --ignore-scripts"
    " --force --silent --shamefully-hoist --no-shamefully-hoist --strict-peer-dependencies"
    " --no-strict-peer-dependencies --recursive --side-effects-cache --no-side-effects-cache --workspace-root"
    " --no-lockfile --lockfile --ignore-pnpmfile --color --unsafe-perm --aggregate-output --stream --no-color"
    " --verify-store-integrity --no-verify-store-integrity --global --hoist --no-hoist --engine-strict"
    " --no-engine-strict --version --help --yes --use-stderr --no-save --save-exact --fix-lockfile"
    " --ignore-workspace-root-check --include-workspace-root --no-bail --parallel --if-present"
    " --dangerously-allow-all-builds --legacy --no-verify-deps --confirm-modules-purge"
    " --no-confirm-modules-purge".split()
)
_VALUED = frozenset(
    "-C -F --dir --filter --filter-prod --reporter --loglevel --store-dir --network-concurrency"
    " --child-concurrency --registry --fetch-timeout --fetch-retries --fetch-retry-factor --fetch-retry-mintimeout"
    " --fetch-retry-maxtimeout --public-hoist-pattern --hoist-pattern --node-linker --package-import-method --cpu"
    " --os --libc --allow-build --workspace-concurrency --config.confirmModulesPurge"
    " --config.confirm-modules-purge".split()
)
_SPELLINGS = {
    "-C": "--dir",
    "-F": "--filter",
    "-P": "--prod",
    "--production": "--prod",
    "-g": "--global",
    "-s": "--silent",
}
_INSTALL = frozenset({"install", "i"})
_PROJECT = frozenset({"add", "config", "store", "setup", "prune", "deploy", "fetch", "env", "import"})


def _line(step: Step) -> Line:
    return Line.read(step, _SWITCHES, _VALUED, _SPELLINGS)


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pnpm command does; an install, a fetch and an ``add -g`` are followed."""
    step = unwrapped(step)
    if step.program != "pnpm":
        return None
    try:
        line = _line(step)
    except Declined as declined:
        installs = bool((_INSTALL | {"fetch"}) & set(step.words))
        return Command(NAME, "pnpm", installs, declined=declined, project=not installs)
    installs = line.subcommand in _INSTALL | {"fetch"}
    title = f"pnpm {line.subcommand}".strip()
    try:
        if installs and not line.on("--global"):
            return _install(step, view, line, title)
        return _other(step, view, line, title)
    except Declined as declined:
        return Command(
            NAME, title, installs, declined=declined, project=not installs and line.subcommand not in _PROJECT
        )


def _home_writes(step: Step) -> tuple[Write, ...]:
    home = step.env.get("HOME") or "/root"
    places = [posixpath.join(home, name) for name in (".local", ".cache", ".config/pnpm")]
    places += [value for name in ("PNPM_HOME", "XDG_DATA_HOME") if (value := step.env.get(name))]
    return tuple(Write(path, "pnpm keeps its store and its state", local=False) for path in places)


def _other(step: Step, view: View, line: Line, title: str) -> Command:
    verb, writes = line.operands[0] if line.operands else "", _home_writes(step)
    root = line.root(step, "--dir") or "/"
    project = tuple(Read(posixpath.join(root, name), "pnpm reads it") for name in ("package.json", ".npmrc", WORKSPACE))
    if line.subcommand == "add" and line.on("--global"):
        reads = (*project, *settings_reads(load_settings(step, view, None, {}), root, step, view))
        scripts = not line.on("--ignore-scripts")
        return global_install(Command(NAME, "pnpm add -g"), line.operands, reads, writes, scripts)
    if (line.subcommand, verb) in (("store", "prune"), ("store", "path"), ("config", "get"), ("config", "list")):
        return Command(NAME, title, reads=project, writes=writes)
    if line.subcommand == "config" and verb == "set" and "--location" not in line.options:
        home = step.env.get("HOME") or "/root"
        return Command(NAME, title, writes=(*writes, Write(f"{home}/.npmrc", "pnpm's settings", local=False)))
    if not line.subcommand and (line.on("--version", "-v", "--help", "-h")):
        return Command(NAME, title, reads=project, writes=writes)
    raise Declined(f"what {title} reads and writes depends on the project")


def _install(step: Step, view: View, line: Line, title: str) -> Command:
    root = line.root(step, "--dir")
    if root is None:
        raise Declined("the directory that pnpm runs in is not known")
    if line.operands:
        raise Declined(f"{title} {line.operands[0]} changes package.json, which a later COPY would put back")
    if any("[" in value for name, value in line.options.items() if name.startswith("--filter")):
        raise Declined("the filter asks git which members have changed")
    package = Package.parse(root, view)
    if package is None:
        raise Declined(f"{root}/package.json is not a readable file of the build context")
    workspace = Workspace.read(package, view)
    settings = load_settings(step, view, root, _settings_of(line))
    workspace.check(settings)
    is_fetch, manager = line.subcommand == "fetch", _MANAGER
    if is_fetch or workspace.on(settings, "ignore-scripts"):
        manager = replace(manager, root_scripts=(), member_scripts=())
    install = Install(manager, package, view, settings, step.env)
    install.reads += (*_reads(step, view, root, settings, line), *workspace.patches())
    install.environment = any(view.exists(package.path(name)) for name in PNPMFILES)
    install.writes += (*_home_writes(step), *_rewritten(install, line, settings))
    install.gather(() if is_fetch else workspace.members(), workspace.specifiers())
    workspace.injected(install.packages)
    install.reads += (Read(one.path(".npmrc"), "pnpm reads it") for one in install.packages[1:])
    _judge(install, workspace)
    install.check()
    return install.command(NAME, title)


_MANAGER = Manager("pnpm", ("pnpm-lock.yaml",), (".npmrc", WORKSPACE), (*LIFECYCLE, "pnpm:devPreinstall"), LIFECYCLE)


def _settings_of(line: Line) -> Mapping[str, str]:
    """Return the options that are settings, too."""
    names = ("--ignore-scripts", "--store-dir", "--node-linker", "--package-import-method", "--registry")
    return {name: line.options[name] for name in names if name in line.options}


def _reads(step: Step, view: View, root: str, settings: Settings, line: Line) -> Iterator[Read]:
    if not line.on("--ignore-pnpmfile"):
        path = pnpmfile(Package(root, {}), view)
        if path:
            yield Read(path, "pnpm's hooks")
    for place in above(root):
        for name in ("package.json", ".npmrc"):
            yield Read(posixpath.join(place, name), "pnpm and corepack look for it in the directories above")
    yield from settings_reads(settings, root, step, view)


def _rewritten(install: Install, line: Line, settings: Settings) -> Iterator[Write]:
    frozen = line.on("--frozen-lockfile") or settings.on("frozen-lockfile") or line.subcommand == "fetch"
    if not frozen or line.on("--fix-lockfile"):
        yield Write(install.root.path("pnpm-lock.yaml"), "pnpm install may rewrite it", local=False)


def _judge(install: Install, workspace: Workspace) -> None:
    """Add what the dependencies' install scripts read: since pnpm 10 only those run that the project allows."""
    if workspace.on(install.settings, "ignore-scripts"):
        install.proof.append(proved("no script runs during the install", "ignore-scripts is on"))
        return
    allowed = workspace.builds(pnpm_major(install.root))
    if allowed is None:
        judge_unmarked(install)
        return
    tables = [package.table(group) for package in install.packages for group in ("dependencies", "devDependencies")]
    specs = {name: str(table[name]) for table in tables for name in table}
    foreign = {name for name in allowed if re.search(r"^(?!npm:|catalog:|workspace:).*[:/]", specs.get(name, ""))}
    judge_names(install, allowed, foreign, workspace.place)


def cache(site: Site) -> CachePlan | None:
    """Return how a pnpm command that installs uses a mount over the store."""
    step = unwrapped(site.step)
    if step.program != "pnpm" or not {"install", "i", "fetch", "add", "deploy"} & set(step.words):
        return None
    line = _line(step)
    if line.subcommand == "fetch":
        raise Declined("pnpm fetch fills the store in a layer, for RUNs and builders that have no mount")
    if line.subcommand not in ("install", "i", "deploy") and not (line.subcommand == "add" and line.on("--global")):
        return None
    root = line.root(step, "--dir")
    if root is None:
        raise Declined("the directory that pnpm runs in is not known")
    if is_offline(step):
        raise Declined("it works offline, from the store that is in the image")
    seen(site, root, "package.json", WORKSPACE, ".npmrc")
    package = Package.parse(root, site.view) or Package(root, {})
    workspace = Workspace.read(package, site.view)
    settings = load_settings(step, site.view, root, _settings_of(line))
    check(site, workspace, settings)
    workspace.check(settings)
    path, why = store(site, step, settings, workspace)
    edits, proof = without_side_effects(step, workspace, settings)
    return CachePlan(
        "keep pnpm's store in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount_at(site, path),),
        tuple(edits),
        (path,),
        (
            proved(f"pnpm's store is {path}", why),
            *proof,
            proved("no program reads the store", "from another file system pnpm copies; all installs have the mount"),
            *no_npx(site),
        ),
        shared=True,
    )


def cleaned(step: Step) -> Sequence[str]:
    """Return the store for ``pnpm store prune``."""
    step = unwrapped(step)
    if step.program != "pnpm" or step.words[1:] != ("store", "prune"):
        return ()
    home = step.env.get("PNPM_HOME")
    if home:
        return (posixpath.normpath(f"{home}/store"),)
    return (posixpath.normpath(f"{step.env['HOME']}/.local/share/pnpm/store"),) if step.env.get("HOME") else ()


fetch = no_fetch
clean = no_clean
