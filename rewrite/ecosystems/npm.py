"""npm: ``npm ci`` and ``npm install`` with lockfile, workspaces, local dependencies and lifecycle scripts; npm's cache.

Facts: npm's documentation (scripts, package-lock.json, workspaces, config) and runs of npm 11 in the
lab: ``prepare`` runs under ``--omit=dev`` too; a member's ``bin`` is linked only if the file is there,
and is made executable; ``npm install`` may rewrite the lockfile, ``npm ci`` never does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, CleanPlan, Command, Need, Site, Tool, Write, no_fetch
from ._cleaning import last_of
from ._node_cache import clean_plan, configured, home_of, mount_at, no_npx, not_offline, refilled
from ._node_dependencies import judge_dependencies, left_out
from ._node_line import Line, global_install
from ._node_package import Install, Manager, Package
from ._node_workspaces import no_workspace_above, workspace_members
from ._npm_settings import Settings, load_settings, settings_reads

NAME = "npm"
IGNORE = "node"
TOOLS = (
    Tool(
        "npm",
        "Node",
        ("package.json",),
        ("package-lock.json", "npm-shrinkwrap.json"),
        ("npm ci", "npm install", "npm install -g"),
        (CachePlace("~/.npm", "A", "npm only ever fills it again", "npm_config_cache"),),
        "npm's documentation of scripts, package-lock.json, workspaces and config",
        needs=(
            Need("npm ci", ("package-lock.json", "npm-shrinkwrap.json")),
            Need("npm run", ("package.json",)),
        ),
    ),
)
# An install of the project itself; one with -g brings a tool.
INSTALLING = re.compile(
    r"\bnpm\b(?![^\n;&|]*\s(?:-g|--global|--location=global)\b)[^\n;&|]*?\b(?:ci|i|install|clean-install)\b"
)
# Settings, but for those that only name a registry or how to talk to it.
CONFIGURES = re.compile(
    r"\bnpmrc\b|\bnpm +(?:config +)?set +(?!(?:registry|fund|audit|update-notifier|loglevel|progress"
    r"|strict-ssl|fetch-\S+|maxsockets|unsafe-perm|cache|@\S+:registry|//\S+)\b)"
)

_SWITCH_NAMES = """
-s -q -d -f -g -D -E -O -P -S -y -h -v --silent --quiet --verbose --global --force --production --no-audit --audit
--no-fund --fund --legacy-peer-deps --no-legacy-peer-deps --strict-peer-deps --ignore-scripts --no-ignore-scripts
--prefer-offline --offline --prefer-online --no-optional --optional --unsafe-perm --no-progress --progress
--no-package-lock --package-lock --no-save --save --save-dev --save-exact --save-optional --save-prod --workspaces
--no-workspaces --include-workspace-root --no-update-notifier --update-notifier --yes --foreground-scripts
--engine-strict --no-engine-strict --no-bin-links --legacy-bundling --global-style --install-links --no-install-links
--no-color --color --build-from-source --allow-root --no-shrinkwrap --version --help --no-strict-ssl --strict-ssl
--no-production --prefer-dedupe --no-audit-level
"""
_VALUED_NAMES = """
-C -L -w --loglevel --registry --prefix --cache --workspace --maxsockets --fetch-retries --fetch-retry-mintimeout
--fetch-retry-maxtimeout --fetch-retry-factor --fetch-timeout --network-timeout --install-strategy --cpu --os --libc
--userconfig --before --tag --target --location --network-concurrency --audit-level --logs-max --only --omit --include
--cache-min --cache-max --proxy --https-proxy --noproxy
"""
_SWITCHES = frozenset(_SWITCH_NAMES.split())
_VALUED = frozenset(_VALUED_NAMES.split())
_SPELLINGS = {"-C": "--prefix", "-L": "--location", "-g": "--global", "-w": "--workspace"}
_INSTALL = frozenset({"install", "i", "in", "ins", "add", "isntall"})
_CI = frozenset({"ci", "clean-install", "ic", "install-clean", "isntall-clean"})
# Settings that say which groups of dependencies are installed.
_GROUPS = ("also", "dev", "include", "omit", "only", "production")
_QUIET = frozenset({"get", "root", "bin", "help", "ping", "view", "prefix", "version"})
_CLEANING = frozenset({"clean", "clear", "rm"})
_PROJECT = frozenset("run run-script exec start".split())

_MANAGER = Manager("npm", ("npm-shrinkwrap.json", "package-lock.json"), ("yarn.lock", ".npmrc"))


def _line(step: Step) -> Line:
    return Line.read(step, _SWITCHES, _VALUED, _SPELLINGS)


def recognise(step: Step, view: View) -> Command | None:
    """Return what an npm command does; installs into a project and with ``-g`` are told apart."""
    if step.program != "npm":
        return None
    try:
        line = _line(step)
    except Declined as declined:
        return Command(NAME, "npm", bool((_INSTALL | _CI) & set(step.words)), declined=declined)
    title = f"npm {line.subcommand}".strip()
    installs = line.subcommand in _INSTALL | _CI
    try:
        if not installs:
            return _other(step, view, line, title)
        root = line.root(step, "--prefix")
        settings = load_settings(step, view, None, line.options)
        if settings.on("global") or settings.values.get("location") == "global":
            return _global(step, view, line, settings)
        if root is None:
            raise Declined("the directory that npm runs in is not known")
        return _local(step, view, line, root)
    except Declined as declined:
        return Command(NAME, title, installs, declined=declined, project=line.subcommand in _PROJECT)


def _other(step: Step, view: View, line: Line, title: str) -> Command:
    """Return the effect of a command that installs nothing; raises Declined if it is not known."""
    verb = line.operands[0] if line.operands else ""
    writes = _home_writes(step, load_settings(step, view, None, line.options))
    if line.subcommand == "cache" and verb in _CLEANING | {"verify", "ls", "list"}:
        return Command(NAME, title, writes=writes)
    if line.subcommand in ("config", "c", "set"):
        verb, keys = ("set", line.operands) if line.subcommand == "set" else (verb, line.operands[1:])
        scope = line.options.get("--location", "user")
        is_elsewhere = scope in ("user", "global") and "--userconfig" not in line.options
        if verb not in ("get", "list", "ls", "set", "delete") or not is_elsewhere:
            raise Declined("it may change the project's .npmrc")
        if any("file" in key.partition("=")[0] for key in keys):
            raise Declined("it makes npm read a file")
        home = step.env.get("HOME") or "/root"
        return Command(NAME, title, writes=(*writes, Write(f"{home}/.npmrc", "npm's settings", local=False)))
    if not line.subcommand or (line.subcommand in _QUIET and not (line.subcommand == "version" and line.operands)):
        return Command(NAME, title, writes=writes)
    raise Declined(f"what npm {line.subcommand} reads and writes depends on the project")


def _home_writes(step: Step, settings: Settings) -> tuple[Write, ...]:
    home = step.env.get("HOME") or "/root"
    cache = settings.path("cache") or posixpath.join(home, ".npm")
    return (
        Write(cache, "npm keeps its cache", local=False),
        Write(posixpath.join(home, ".cache"), "install scripts keep what they download", local=False),
        Write(posixpath.join(home, ".node-gyp"), "node-gyp keeps headers", local=False),
    )


def _global(step: Step, view: View, line: Line, settings: Settings) -> Command:
    prefix = settings.path("prefix")
    places = ("/usr/local", "/usr/lib/node_modules", *([prefix] if prefix else []))
    writes = (*(Write(path, "npm's global prefix") for path in places), *_home_writes(step, settings))
    reads = tuple(settings_reads(settings, str(step.cwd or "/"), step, view))
    command = Command(NAME, "npm install -g")
    return global_install(command, line.operands, reads, writes, not settings.on("ignore-scripts"))


def _local(step: Step, view: View, line: Line, root: str) -> Command:
    is_ci = line.subcommand in _CI
    title = "npm ci" if is_ci else "npm install"
    if line.operands:
        raise Declined(f"{title} {line.operands[0]} changes package.json, which a later COPY would put back")
    settings = load_settings(step, view, root, line.options)
    for name in ("global", "dry-run", "package-lock-only"):
        if settings.values.get(name, "false") != "false":
            raise Declined(f"npm's setting {name} is on")
    package = Package.parse(root, view)
    if package is None:
        raise Declined(f"{root}/package.json is not a readable file of the build context")
    no_workspace_above(root, view)
    install = Install(_MANAGER, package, view, settings, step.env, is_ci)
    install.reads += settings_reads(settings, root, step, view)
    install.writes += _home_writes(step, settings)
    if _leaves_development_out(install):
        named = [word or "" for earlier in view.before(step) for word in earlier.words]
        install.absent = frozenset(name for name in left_out(install) if not any(name in word for word in named))
    install.gather(workspace_members(package, view))
    if install.scripts:
        judge_dependencies(install)
    else:
        install.proof.append(proved("no script runs during the install", "ignore-scripts is on"))
    if not is_ci and settings.on("package-lock", default=True):
        install.writes += _rewritten(install)
    install.check()
    return install.command(NAME, title)


def _leaves_development_out(install: Install) -> bool:
    """Tell whether development dependencies are certainly not installed, by any version of npm that can install."""
    given = {name: install.settings.values.get(name) for name in _GROUPS if name in install.settings.values}
    if given == {"omit": "dev"}:
        # npm 6 does not know --omit, and does not install from such a lockfile either.
        lock = install.view.read(install.lock or "") or ""
        return install.replaced and re.search(r'"lockfileVersion":\s*3\b', lock) is not None
    return given == {"production": "true"} or (not given and install.env.get("NODE_ENV") == "production")


def _rewritten(install: Install) -> Iterator[Write]:
    """Yield the lockfiles that ``npm install`` may write: a later COPY puts the context's own back over them."""
    lock = install.lock or install.root.path("package-lock.json")
    yield Write(lock, "npm install may rewrite it", local=False)
    if install.view.exists(path := install.root.path("yarn.lock")):
        yield Write(path, "npm install keeps it up to date", local=False)


def cache(site: Site) -> CachePlan | None:
    """Return how an npm install uses a mount over npm's cache."""
    step = site.step
    if step.program != "npm" or not (_INSTALL | _CI) & set(step.words):
        return None
    line = _line(step)
    settings = load_settings(step, site.view, line.root(step, "--prefix"), line.options)
    if line.subcommand not in _INSTALL | _CI or settings.on("offline"):
        return None
    if "--cache" in line.options:
        raise Declined("--cache is given already")
    home_of(site, "npm")
    target, reason = _cache_directory(site, settings, line.root(step, "--prefix"))
    mount = mount_at(site, target)
    not_offline(site, "npm")
    return CachePlan(
        "keep npm's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount,),
        (),
        (target,),
        (proved(f"npm keeps its cache in {target}", reason), refilled("npm"), *no_npx(site)),
    )


def _cache_directory(site: Site, settings: Settings, root: str | None) -> tuple[str, str]:
    for name, value in site.step.env.items():
        if name.lower() == "npm_config_cache":
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(value), f"{name}={value}"
    if "cache" in settings.values:
        path = f"{root}/.npmrc"
        raise Declined("a .npmrc moves npm's cache", site.view.place(path) if site.view.exists(path) else None)
    configured(site, "npm", "cache")
    home = site.run.home or "/root"  # known wherever a mount is to lie there
    return posixpath.normpath(f"{home}/.npm"), f"HOME is {home}"


def cleaned(step: Step) -> Sequence[str]:
    """Return npm's cache directory for ``npm cache clean``."""
    if step.program != "npm" or step.words[1:2] != ("cache",) or not _CLEANING & set(step.words[2:]):
        return ()
    moved = next((value for name, value in step.env.items() if name.lower() == "npm_config_cache"), None)
    path = moved or (f"{step.env['HOME']}/.npm" if step.env.get("HOME") else None)
    return (posixpath.normpath(path),) if path else ()


def clean(site: Site) -> CleanPlan | None:
    """Return how the installs of a RUN leave nothing in npm's cache: ``npm cache clean --force`` behind the last."""
    installs = [step for step in site.run.steps if step.program == "npm" and (_INSTALL | _CI) & set(step.words)]
    if site.step not in installs[:1]:
        return None  # the first install of a RUN speaks for all
    for step in installs:
        if "--cache" in _line(step).options:
            raise Declined("--cache names another cache", site.build.step_place(site.run, step))
        if any(word == "npm" or (word or "npm@").startswith("npm@") for word in step.words[1:]):
            raise Declined("it installs another npm, which may not clean the cache of this one")
    target, _ = _cache_directory(site, load_settings(site.step, site.view, None, {}), None)
    return clean_plan(site, "npm", last_of(site, {"npm"}), target, cleaned, "npm cache clean --force")


fetch = no_fetch
