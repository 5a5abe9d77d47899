"""Yarn 2 and later (berry): ``yarn install`` and ``yarn workspaces focus`` with each linker; the global cache.

Facts: Yarn's documentation and runs of 3.8 and 4.5 in the lab. Members have their preinstall, install and postinstall
run, never prepare. With Plug'n'Play .pnp.cjs leads into the cache, which so must stay in the image (class C); with
node_modules nothing leads there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, proved
from . import NEVER, CachePlace, CachePlan, Command, Need, Read, ScriptEdit, Site, Tool, Write, no_clean, no_fetch
from ._berry_project import BerrySettings, berry_reads, berry_settings
from ._members import above
from ._node_cache import home_of, is_root, mount_at, mount_elsewhere, no_npx, refilled, runs_until, seen
from ._node_dependencies import judge_unmarked
from ._node_line import Line, unwrapped
from ._node_package import Install, Manager, Package
from ._node_workspaces import no_workspace_above, workspace_members
from ._npm_settings import load_settings, settings_reads
from ._yarn_project import common_reads, kind_of, locked_names

NAME = "yarn-berry"
IGNORE = "node"
TOOLS = (
    Tool(
        "yarn (berry)",
        "Node",
        ("package.json", ".yarnrc.yml"),
        ("yarn.lock",),
        ("yarn install", "yarn", "yarn workspaces focus"),
        (
            CachePlace(
                "~/.yarn/berry/cache",
                "A",
                "with nodeLinker: node-modules, or where the project has its own cache, which this one fills",
                "YARN_GLOBAL_FOLDER",
            ),
            CachePlace("~/.yarn/berry/cache with Plug'n'Play", "C", ".pnp.cjs leads into it", "YARN_GLOBAL_FOLDER"),
        ),
        "Yarn's documentation of yarn install, .yarnrc.yml and caching; runs of 3.8 and 4.5",
        needs=(Need("yarn install", ("yarn.lock",), ("--immutable",)),),
    ),
)
INSTALLING = CONFIGURES = NEVER  # yarn.py's hold for every Yarn

_SWITCHES = frozenset(
    "-A --immutable --no-immutable --immutable-cache --check-cache --check-resolutions --refresh-lockfile"
    " --inline-builds --json --frozen-lockfile --all --production --mirror --silent --non-interactive"
    " --prefer-offline".split()
)
_VALUED = frozenset({"--mode", "--cwd", "--network-timeout", "--registry"})
_MANAGER = Manager("Yarn", ("yarn.lock",), (".yarnrc.yml",), *(("preinstall", "install", "postinstall"),) * 2)
_INSTALL = frozenset({"", "install"})


def _line(step: Step) -> Line:
    return Line.read(step, _SWITCHES, _VALUED, {"-A": "--all"})


def _is_install(step: Step) -> bool:
    try:
        line = _line(step)
    except Declined:
        return step.words[1:2] == ("install",)
    return line.subcommand in _INSTALL or (line.subcommand, *line.operands[:1]) == ("workspaces", "focus")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a command of Yarn 2 or later does; yarn.py speaks for all others."""
    step = unwrapped(step)
    if step.program != "yarn":
        return None
    installs = _is_install(step)
    title = "yarn install" if installs else f"yarn {step.words[1] or ''}".strip()
    try:
        root = step.cwd
        if installs or step.words[1:2] == ("cache",):
            line = _line(step)
            root = line.root(step, "--cwd")
        if root is None or kind_of(root, view) == "classic":
            return None
        if not installs and step.words[1:3] == ("cache", "clean"):
            return _cleaning(step, view, root)
        if not installs:
            raise Declined(f"what {title} reads and writes depends on the project")
        return _install(step, view, line, root)
    except Declined as declined:
        return Command(NAME, title, installs, declined=declined, project=not installs)


def _cleaning(step: Step, view: View, root: str) -> Command:
    reads = (*berry_reads(root), *common_reads(root), Read(posixpath.join(root, ".yarnrc.yml"), "Yarn reads it"))
    if berry_settings(root, view, step.env).in_project:
        raise Declined("it cleans the project's own cache")
    return Command(NAME, "yarn cache clean", reads=reads, writes=tuple(_home_writes(step)))


def _home_writes(step: Step) -> Iterator[Write]:
    home = step.env.get("HOME") or "/root"
    yield Write(_global_folder(step), "Yarn keeps its cache", local=False)
    yield Write(posixpath.join(home, ".cache"), "corepack and install scripts keep what they download", local=False)


def _global_folder(step: Step) -> str:
    for name, tail in (("YARN_GLOBAL_FOLDER", ""), ("XDG_DATA_HOME", "/yarn/berry")):
        if name in step.env:
            value = step.env[name]
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(value + tail)
    return posixpath.normpath(f"{step.env.get('HOME') or '/root'}/.yarn/berry")


def _install(step: Step, view: View, line: Line, root: str) -> Command:
    is_focus = line.subcommand == "workspaces"
    if not is_focus and (line.subcommand not in _INSTALL or line.operands):
        raise Declined(f"what yarn {line.subcommand} reads and writes depends on the project")
    package = Package.parse(root, view)
    if package is None:
        raise Declined(f"{root}/package.json is not a readable file of the build context")
    no_workspace_above(root, view)
    for place in above(root):
        if view.exists(path := posixpath.join(place, "yarn.lock")):
            raise Declined(f"{root} may be part of the project at {place}", view.place(path))
    own = berry_settings(root, view, step.env)
    settings = load_settings(step, view, None, {})
    members = list(workspace_members(package, view))
    nested = next((member for member in members if member.workspaces), None)
    if nested:
        raise Declined("a member has members of its own", view.place(nested.path("package.json")))
    install = Install(_MANAGER, package, view, settings, step.env)
    install.reads += (*berry_reads(root), *common_reads(root), *settings_reads(settings, root, step, view))
    install.writes += (*_home_writes(step), *_outputs(install, own, line))
    install.gather(members, _catalogs(own))
    _judge(install, own, line)
    install.check()
    return install.command(NAME, "yarn workspaces focus" if is_focus else "yarn install")


def _catalogs(settings: BerrySettings) -> Iterator[str]:
    for table in (settings.values.get("catalog"), *(settings.values.get("catalogs") or {}).values()):
        yield from (str(value) for value in table.values()) if isinstance(table, dict) else ()


def _outputs(install: Install, own: BerrySettings, line: Line) -> Iterator[Write]:
    """Yield what Yarn writes into the project beside node_modules."""
    root, view = install.root, install.view
    yield Write(root.path(".yarn/install-state.gz"), "Yarn keeps the state of the install")
    if own.linker == "pnp":
        for name in (".pnp.cjs", ".pnp.loader.mjs", ".yarn/unplugged", ".yarn/build-state.yml"):
            yield Write(root.path(name), "Yarn installs for Plug'n'Play")
    cache = root.path(".yarn/cache")
    if view.exists(cache):
        # Yarn only ever adds archives, which a COPY below leaves in place.
        install.reads.append(Read(cache, "the project's own cache"))
    elif own.in_project:
        yield Write(cache, "Yarn keeps its cache")
    if not line.on("--immutable", "--frozen-lockfile") and not own.on("enableImmutableInstalls"):
        yield Write(root.path("yarn.lock"), "yarn install may rewrite it", local=False)


def _judge(install: Install, own: BerrySettings, line: Line) -> None:
    if line.options.get("--mode") == "skip-build":
        install.proof.append(proved("no script runs during the install", "--mode=skip-build"))
    elif not own.on("enableScripts", True):
        install.proof.append(proved("no install script of a dependency runs", "enableScripts is off"))
    else:
        judge_unmarked(install, locked_names(install.view.read(install.root.path("yarn.lock")) or ""))


def cache(site: Site) -> CachePlan | None:
    """Return how an install of Yarn 2 or later uses a mount over the global cache."""
    step = unwrapped(site.step)
    if step.program != "yarn" or not _is_install(step):
        return None
    try:
        line = _line(step)
        root = line.root(step, "--cwd")
        if root is None or kind_of(root, site.view) == "classic":
            return None
    except Declined:
        return None  # yarn.py says so
    seen(site, root, "package.json", ".yarnrc.yml")
    own = berry_settings(root, site.view, step.env)
    home_of(site, "Yarn")
    _apart(site, own)
    edits: list[ScriptEdit] = []
    if is_root(site) or "YARN_GLOBAL_FOLDER" in step.env:
        mount = mount_at(site, f"{_global_folder(step)}/cache")
        proof = proved(f"Yarn keeps its cache in {mount.target}", "its global folder")
    else:
        mount, edit = mount_elsewhere(site, "YARN_GLOBAL_FOLDER", "yarn-berry")
        edits, proof = [edit], proved("YARN_GLOBAL_FOLDER is set for this command only", "nothing leads there")
    return CachePlan(
        "keep Yarn's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount,),
        tuple(edits),
        (mount.target,),
        (proof, refilled("Yarn"), *no_npx(site)),
    )


def _apart(site: Site, own: BerrySettings) -> None:
    """Decline where the image leads into the cache, or a command needs what the mount hides."""
    if not own.in_project and own.linker != "node-modules":
        raise Declined(f"nodeLinker is {own.linker}, which leads from the image into the cache (FACTS: class C)")
    if str(own.values.get("nmMode", "classic")) != "classic":
        raise Declined("nmMode links into the cache's directory")
    if not own.on("enableNetwork", True) or own.on("enableOfflineMode"):
        raise Declined("the network is off: Yarn needs the cache that is in the image")
    for run in runs_until(site):
        for step in map(unwrapped, run.steps):
            if (
                step.program == "yarn"
                and step.words[1:2] in (("config",), ("set",), ("plugin",))
                and "get" not in step.words
            ):
                raise Declined("an earlier command changes Yarn's settings", site.build.step_place(run, step))
    for run in (site.run, *site.later_runs):
        for step in run.steps:
            place = site.build.step_place(run, step)
            if (step.env.get("YARN_ENABLE_NETWORK") or "1") in ("0", "false"):
                raise Declined("a later yarn works offline, from the cache", place)
            if run is site.run and own.in_project and step.program == "yarn" and step.words[1:2] == ("cache",):
                raise Declined("yarn cache would touch the project's own cache and this one", place)


def cleaned(step: Step) -> Sequence[str]:
    """Return the global cache for ``yarn cache clean``; `cache` declines where that is not the cache it cleans."""
    step = unwrapped(step)
    if step.program != "yarn" or step.words[1:] not in (("cache", "clean"), ("cache", "clean", "--all")):
        return ()
    try:
        return (f"{_global_folder(step)}/cache",)
    except Declined:
        return ()


fetch = no_fetch
clean = no_clean
