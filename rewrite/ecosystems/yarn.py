"""Yarn 1 (classic): ``yarn install`` with workspaces, .yarnrc, offline mirror and lifecycle scripts; its cache.

Facts: Yarn 1's documentation and runs of 1.22 in the lab. Members and local dependencies have their preinstall, install
and postinstall run, the root's prepublish and prepare too unless ``--production`` is given. For root the cache lies
below /usr/local/share whatever HOME is. A frozen lockfile says nothing of members whose manifests are missing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, CleanPlan, Command, Need, Read, ScriptEdit, Site, Tool, Write, no_fetch
from ._cleaning import last_of
from ._node_cache import (
    clean_plan,
    configured,
    home_of,
    is_offline,
    is_root,
    mount_at,
    mount_elsewhere,
    no_npx,
    not_offline,
    refilled,
)
from ._node_dependencies import judge_unmarked
from ._node_line import Line, global_install, unwrapped
from ._node_package import LIFECYCLE, Install, Manager, Package
from ._node_workspaces import no_workspace_above, workspace_members
from ._npm_settings import load_settings, settings_reads
from ._yarn_project import ClassicSettings, classic_settings, common_reads, kind_of, locked_names

NAME = "yarn"
IGNORE = "node"
TOOLS = (
    Tool(
        "yarn (classic)",
        "Node",
        ("package.json",),
        ("yarn.lock",),
        ("yarn install", "yarn", "yarn global add"),
        (
            CachePlace(
                "/usr/local/share/.cache/yarn",
                "A",
                "Yarn copies from it; for other users ~/.cache/yarn, moved to /tmp",
                "YARN_CACHE_FOLDER",
                "locked",
            ),
        ),
        "Yarn 1's documentation of yarn install, .yarnrc and workspaces; runs of 1.22",
        leftovers=(r"/tmp/yarn--\d+-[\d.]+",),
        needs=(
            Need("yarn install", ("yarn.lock",), ("--frozen-lockfile",)),
            Need("yarn run", ("package.json",)),
        ),
    ),
)
# An install of the project itself; `yarn global add` brings a tool.
INSTALLING = re.compile(
    r"\byarn\b(?![^\n;&|]*\s(?:global|-g|--global)\b)[^\n;&|]*?\b(?:install|focus)\b"
    r"|(?:RUN(?:\s+--\S+(?:\s+\\)?)*|&&|;)\s+yarn(?=[ \t]*(?:$|[;&|])|[ \t]+(?:\\\n\s*)?-)"
)
# Settings, but for those that only name a registry or how to talk to it.
CONFIGURES = re.compile(
    r"\byarnrc\b|\byarn +(?:policies|plugin|set version|config +(?:--\S+ +)*set +(?!(?:registry|network-\S+|strict-ssl"
    r"|httpTimeout|npmRegistryServer|enableStrictSsl|enableTelemetry|ignore-engines|cache-folder|@\S+:registry)\b))"
)

_SWITCHES = frozenset(
    "-s -g -W -v -h -f -d -p -E --silent --frozen-lockfile --pure-lockfile --no-lockfile --production --prod"
    " --ignore-scripts --ignore-engines --ignore-optional --ignore-platform --non-interactive --no-progress"
    " --prefer-offline --offline --check-files --force --verbose --no-bin-links --bin-links --link-duplicates"
    " --skip-integrity-check --json --no-node-version-check --strict-semver --update-checksums --no-default-rc"
    " --no-emoji --emoji --ignore-workspace-root-check --exact --dev --version --help --all --no-audit --audit"
    " --global --latest --no-fund --interactive".split()
)
_VALUED = frozenset(
    "--network-timeout --network-concurrency --registry --cwd --cache-folder --mutex --modules-folder"
    " --preferred-cache-folder --global-folder --prefix --proxy --https-proxy --use-yarnrc --otp"
    " --scripts-prepend-node-path --level --groups --pattern".split()
)
_SPELLINGS = {"--prod": "--production", "-p": "--production", "-s": "--silent", "-f": "--force"}
_DECLINED = ("--modules-folder", "--use-yarnrc", "--no-default-rc", "--prefix")
_PROGRAMS = frozenset({"yarn", "yarnpkg"})
_INSTALL = frozenset({"", "install"})
_QUIET = frozenset({"help", "versions"})
_MEMBER_SCRIPTS = ("preinstall", "install", "postinstall")


def _line(step: Step) -> Line:
    return Line.read(step, _SWITCHES, _VALUED, _SPELLINGS)


def _is_install(step: Step) -> bool:
    """Tell whether a command installs into a project."""
    try:
        line = _line(step)
    except Declined:
        return step.words[1:2] == ("install",)
    return line.subcommand == "install" or not (line.subcommand or line.on("--version", "-v", "--help", "-h"))


def recognise(step: Step, view: View) -> Command | None:
    """Return what a command of Yarn 1 does; None if it is of another Yarn."""
    step = unwrapped(step)
    if step.program not in _PROGRAMS:
        return None
    installs = _is_install(step)
    try:
        line = _line(step)
        root = line.root(step, "--cwd")
    except Declined as declined:
        # The options of later Yarns are other ones.
        return None if _is_berry(step.cwd, view) else _unread(step, view, declined, installs)
    title = f"yarn {line.subcommand or 'install'}"
    try:
        if root is None:
            raise Declined("the directory that Yarn runs in is not known")
        if line.subcommand == "global" or line.on("--version", "-v"):
            return _outside(step, view, line, root)
        if kind_of(root, view) == "berry":
            return None
        if line.subcommand in _INSTALL:
            return _install(step, view, line, root)
        return _other(step, line, title)
    except Declined as declined:
        project = line.subcommand not in _INSTALL | {"cache", "config", "global", "add"}
        return Command(NAME, title, installs, declined=declined, project=project)


def _is_berry(directory: str | None, view: View) -> bool:
    try:
        return directory is not None and kind_of(directory, view) == "berry"
    except Declined:
        return False


def _unread(step: Step, view: View, declined: Declined, installs: bool) -> Command:
    """Return a command whose options are not known; that it is not known whose they are is the better reason."""
    try:
        kind_of(step.cwd or "", view)
    except Declined as unknown:
        declined = unknown if step.cwd is not None else declined
    return Command(NAME, "yarn", installs, declined=declined, project=not installs)


def _home_writes(step: Step) -> tuple[Write, ...]:
    home = step.env.get("HOME") or "/root"
    return (
        Write(_cache_directory(step, root=True), "Yarn keeps its cache", local=False),
        Write(posixpath.join(home, ".cache"), "Yarn and install scripts keep what they download", local=False),
        Write(posixpath.join(home, ".config/yarn"), "Yarn keeps its settings", local=False),
    )


def _outside(step: Step, view: View, line: Line, root: str) -> Command:
    """Return what ``yarn global add`` and ``yarn --version`` do; both look at the project's settings first."""
    reads = tuple(_settings_reads(root))
    if line.subcommand != "global":
        return Command(NAME, "yarn --version", reads=reads, writes=_home_writes(step))
    verb, *names = line.operands or ("",)
    if verb in ("bin", "dir", "list"):
        return Command(NAME, "yarn global", reads=reads, writes=_home_writes(step))
    if verb != "add" or "--prefix" in line.options:
        raise Declined(f"what yarn global {verb} changes is not known")
    settings = load_settings(step, view, None, {})
    places = ("/usr/local", posixpath.join(step.env.get("HOME") or "/root", ".yarn"))
    writes = (*(Write(path, "Yarn's global prefix") for path in places), *_home_writes(step))
    reads += tuple(settings_reads(settings, root, step, view))
    return global_install(Command(NAME, "yarn global add"), names, reads, writes, not line.on("--ignore-scripts"))


def _other(step: Step, line: Line, title: str) -> Command:
    verb = line.operands[0] if line.operands else ""
    if line.subcommand == "cache" and verb in ("clean", "dir", "list"):
        return Command(NAME, title, writes=_home_writes(step))
    if line.subcommand in _QUIET or (line.subcommand == "config" and verb in ("get", "list")):
        return Command(NAME, title, writes=_home_writes(step))
    if line.subcommand == "config" and verb in ("set", "delete"):
        home = step.env.get("HOME") or "/root"
        paths = (f"{home}/.yarnrc", "/usr/local/share/.yarnrc")
        return Command(NAME, title, writes=tuple(Write(path, "Yarn's settings", local=False) for path in paths))
    raise Declined(f"what {title} reads and writes depends on the project")


def _settings_reads(root: str) -> Iterator[Read]:
    for name in ("package.json", ".yarnrc", ".yarnrc.yml", ".npmrc", ".yarn/releases"):
        yield Read(posixpath.join(root, name), "Yarn reads it")
    yield from common_reads(root)


def _install(step: Step, view: View, line: Line, root: str) -> Command:
    title = "yarn install"
    if line.operands:
        raise Declined(f"{title} {line.operands[0]} is not what Yarn 1 knows")
    for option in _DECLINED:
        if option in line.options:
            raise Declined(f"what {option} makes Yarn read and write is not followed")
    package = Package.parse(root, view)
    if package is None:
        raise Declined(f"{root}/package.json is not a readable file of the build context")
    no_workspace_above(root, view)
    own = classic_settings(root, view, step.env.get("HOME"), step.env)
    scripts = {"--ignore-scripts": ""} if line.on("--ignore-scripts") or own.on("ignore-scripts") else {}
    settings = load_settings(step, view, root, scripts)
    if package.table("installConfig").get("pnp") or own.on("plugnplay"):
        raise Declined("Plug'n'Play is on", view.place(package.path("package.json")))
    install = Install(_manager(line, own, step), package, view, settings, step.env)
    install.reads += (*_settings_reads(root), *own.reads(view), *settings_reads(settings, root, step, view))
    install.writes += _home_writes(step)
    install.writes += _rewritten(install, own, line)
    install.gather(workspace_members(package, view))
    if line.on("--ignore-scripts") or own.on("ignore-scripts"):
        install.proof.append(proved("no script runs during the install", "ignore-scripts is on"))
    else:
        judge_unmarked(install, locked_names(view.read(package.path("yarn.lock")) or ""))
    install.check()
    return install.command(NAME, title)


def _manager(line: Line, settings: ClassicSettings, step: Step) -> Manager:
    """Return what Yarn does; in production the root's prepare is left out."""
    value = line.options.get("--production", settings.values.get("production", ""))
    given = "--production" in line.options and value != "false"
    production = given or value == "true" or ("--production" not in line.options and _in_production(step))
    scripts = _MEMBER_SCRIPTS if production else LIFECYCLE
    return Manager("yarn", ("yarn.lock",), (".npmrc", ".yarnrc"), scripts, _MEMBER_SCRIPTS)


def _in_production(step: Step) -> bool:
    return step.env.get("NODE_ENV") == "production"


def _rewritten(install: Install, settings: ClassicSettings, line: Line) -> Iterator[Write]:
    names = ("frozen-lockfile", "pure-lockfile", "no-lockfile")
    if not any(line.on(f"--{name}") or settings.on(name) for name in names):
        yield Write(install.root.path("yarn.lock"), "yarn install may rewrite it", local=False)
    mirror = settings.values.get("yarn-offline-mirror")
    if mirror and not install.view.exists(mirror):
        yield Write(mirror, "Yarn fills its offline mirror")


def cache(site: Site) -> CachePlan | None:
    """Return how an install of Yarn 1 uses a mount over its cache."""
    step = unwrapped(site.step)
    if step.program not in _PROGRAMS or not _fills(step):
        return None
    if _is_berry(step.cwd, site.view):
        return None
    line = _line(step)
    root = line.root(step, "--cwd")
    if is_offline(step):
        return None
    if root is None:
        raise Declined("the directory that Yarn runs in is not known")
    if _is_install(step) and kind_of(root, site.view) == "berry":
        return None
    home = home_of(site, "Yarn")
    if "--cache-folder" in line.options:
        raise Declined("--cache-folder is given already")
    if "cache-folder" in classic_settings(root, site.view, home, step.env).values:
        raise Declined("a .yarnrc moves Yarn's cache")
    configured(site, "yarn", "cache-folder")
    not_offline(site, "yarn")
    moved = _variable(step) is not None
    edits: list[ScriptEdit] = []
    if is_root(site) or moved:
        target = _cache_directory(step, is_root(site))
        mount = mount_at(site, target, "locked")
        proof = proved(f"Yarn keeps its cache in {target}", "YARN_CACHE_FOLDER" if moved else "it runs as root")
    else:
        mount, edit = mount_elsewhere(site, "YARN_CACHE_FOLDER", "yarn", "locked")
        target, edits = mount.target, [edit]
        proof = proved("YARN_CACHE_FOLDER is set for this command only", f"the mount belongs to uid {mount.uid}")
    return CachePlan(
        "keep Yarn's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount,),
        tuple(edits),
        (target,),
        (proof, refilled("Yarn"), *no_npx(site)),
    )


def _variable(step: Step) -> str | None:
    """Return what moves the cache; raises Declined if it is not known where to."""
    for name, value in step.env.items():
        if name.lower() in ("yarn_cache_folder", "npm_config_cache_folder"):
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return value
    return None


def _cache_directory(step: Step, root: bool) -> str:
    moved = step.env.get("YARN_CACHE_FOLDER")
    if moved:
        return posixpath.normpath(moved)
    base = step.env.get("XDG_CACHE_HOME")
    if "XDG_CACHE_HOME" in step.env and not (base or "").startswith("/"):
        raise Declined("XDG_CACHE_HOME is not a path that is known")
    home = "/usr/local/share" if root else step.env.get("HOME") or "/root"
    return posixpath.normpath(f"{base or home + '/.cache'}/yarn")


def cleaned(step: Step) -> Sequence[str]:
    """Return root's cache directory for ``yarn cache clean``; that of others is not what their mount covers."""
    step = unwrapped(step)
    if step.program not in _PROGRAMS or step.words[1:3] != ("cache", "clean"):
        return ()
    if any(word is None or (not word.startswith("-") or word == "--mirror") for word in step.words[3:]):
        return ()
    try:
        return (_cache_directory(step, root=True),)
    except Declined:
        return ()


def clean(site: Site) -> CleanPlan | None:
    """Return how the installs of a RUN leave nothing in the cache of Yarn 1: ``yarn cache clean`` behind the last."""
    installs = [step for step in site.run.steps if step.program in _PROGRAMS and _fills(step)]
    if site.step not in installs[:1] or _is_berry(site.step.cwd, site.view):
        return None  # the first install of a RUN speaks for all
    root = _line(site.step).root(site.step, "--cwd")
    if root is None or kind_of(root, site.view) == "berry":
        raise Declined("which Yarn it is, is not known")
    for step in installs:
        if "--cache-folder" in _line(step).options:
            raise Declined("--cache-folder names another cache", site.build.step_place(site.run, step))
    home = home_of(site, "Yarn")
    if "cache-folder" in classic_settings(root, site.view, home, site.step.env).values:
        raise Declined("a .yarnrc moves Yarn's cache")
    configured(site, "yarn", "cache-folder")
    target = _variable(site.step) or _cache_directory(site.step, is_root(site))
    return clean_plan(site, "Yarn", last_of(site, _PROGRAMS), target, cleaned, "yarn cache clean")


def _fills(step: Step) -> bool:
    """Tell whether a command fills Yarn's cache."""
    return _is_install(step) or step.words[1:3] == ("global", "add")


fetch = no_fetch
