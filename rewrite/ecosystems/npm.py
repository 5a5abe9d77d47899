"""npm: ``npm ci`` and ``npm install`` with lockfile, workspaces, local dependencies and lifecycle scripts; npm's cache.

Facts: npm's documentation (scripts, package-lock.json, workspaces, config) and runs of npm 11 in the
lab: ``prepare`` runs under ``--omit=dev`` too; a member's ``bin`` is linked only if the file is there,
and is made executable; ``npm install`` may rewrite the lockfile, ``npm ci`` never does.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..build.build import View
from ..build.images import ROOT
from ..build.options import UnknownOption, arguments
from ..build.paths import join
from ..build.runs import Run, Step
from ..model import Declined, Obligation, assumed, proved
from . import CachePlace, CachePlan, Command, MountSpec, Site, Tool, Write, no_fetch
from ._members import above
from ._node_dependencies import judge_dependencies
from ._node_package import Install, Package
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
    ),
)
# An install of the project itself; one with -g brings a tool.
INSTALLING = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)\b(?![^\n;&|]*\s(?:-g|--global|--location=global)\b)[^\n;&|]*?\b(?:ci|i|install|clean-install)\b"
    r"|(?:RUN|&&|;)\s+yarn(?:\s|$)"
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
_QUIET = frozenset({"get", "root", "bin", "help", "ping", "view", "prefix", "version"})
_CLEANING = frozenset({"clean", "clear", "rm"})
_PROJECT = frozenset("run run-script exec start".split())

# Programs that people install globally, and whose install scripts look at no project.
_TOOL_NAMES = """
@angular/cli @nestjs/cli @vue/cli bower concurrently corepack cross-env dotenv-cli eslint forever grunt-cli gulp
gulp-cli http-server jest knex lerna mocha node-gyp nodemon npm npm-check-updates npm-run-all pm2 pnpm prettier prisma
rimraf sequelize-cli serve ts-node tsx turbo typescript vite webpack webpack-cli yarn
"""
_TOOLS = frozenset(_TOOL_NAMES.split())


@dataclass(frozen=True, slots=True)
class _Line:
    """An npm command line: what it is told to do, and its options in their long form."""

    subcommand: str
    operands: tuple[str, ...]
    options: Mapping[str, str]

    @classmethod
    def read(cls, step: Step) -> _Line:
        """Read the words of `step`; raises Declined for an option that is not known."""
        try:
            found = arguments(step.words, 1, _SWITCHES, _VALUED)
        except UnknownOption as error:
            raise Declined(str(error)) from None
        options: dict[str, str] = {}
        operands: list[str] = []
        switch, at = "", -1
        for argument in found:
            option = _SPELLINGS.get(argument.option, argument.option)
            if option:
                options[option] = argument.value
                switch, at = (option, argument.index) if option in _SWITCHES and not argument.value else ("", -1)
            elif argument.value in ("true", "false") and argument.index == at + 1:
                options[switch] = argument.value
            else:
                operands.append(argument.value)
        return cls(operands[0] if operands else "", tuple(operands[1:]), options)

    def root(self, step: Step) -> str | None:
        """Return the directory whose package.json npm looks for first, None if it is not known."""
        return join(step.cwd, self.options.get("--prefix", "."))


def recognise(step: Step, view: View) -> Command | None:
    """Return what an npm command does; installs into a project and with ``-g`` are told apart."""
    if step.program != "npm":
        return None
    try:
        line = _Line.read(step)
    except Declined as declined:
        return Command(NAME, "npm", bool((_INSTALL | _CI) & set(step.words)), declined=declined)
    title = f"npm {line.subcommand}".strip()
    installs = line.subcommand in _INSTALL | _CI
    try:
        if not installs:
            return _other(step, view, line, title)
        root = line.root(step)
        settings = load_settings(step, view, None, line.options)
        if settings.on("global") or settings.values.get("location") == "global":
            return _global(step, view, line, settings)
        if root is None:
            raise Declined("the directory that npm runs in is not known")
        return _local(step, view, line, root)
    except Declined as declined:
        return Command(NAME, title, installs, declined=declined, project=line.subcommand in _PROJECT)


def _other(step: Step, view: View, line: _Line, title: str) -> Command:
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


def _global(step: Step, view: View, line: _Line, settings: Settings) -> Command:
    for operand in line.operands:
        if operand.startswith((".", "/", "~", "file:")) or operand.endswith((".tgz", ".tar.gz", ".tar")):
            raise Declined(f"npm install -g {operand} installs from the tree")
    if not line.operands:
        raise Declined("npm install -g without a name installs the tree itself")
    prefix = settings.path("prefix")
    places = ("/usr/local", "/usr/lib/node_modules", *([prefix] if prefix else []))
    writes = (*(Write(path, "npm's global prefix") for path in places), *_home_writes(step, settings))
    reads = tuple(settings_reads(settings, str(step.cwd or "/"), step, view))
    claim = "no install script of a global package reads the project"
    unknown = [name for name in map(_unversioned, line.operands) if name not in _TOOLS]
    if settings.on("ignore-scripts"):
        proof = proved(claim, "scripts are not run")
    elif unknown:
        proof = assumed(claim, f"what {', '.join(unknown)} and what they need do is not known")
    else:
        proof = proved(claim, f"{', '.join(map(_unversioned, line.operands))}: known")
    return Command(NAME, "npm install -g", True, reads, writes, None, (proof,), not settings.on("ignore-scripts"))


def _unversioned(operand: str) -> str:
    scope, _, name = operand.rpartition("/")
    return f"{scope}/{name.partition('@')[0]}" if scope else name.partition("@")[0]


def _local(step: Step, view: View, line: _Line, root: str) -> Command:
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
    _no_workspace_above(root, view)
    install = Install(package, view, settings, step.env, is_ci)
    install.reads += settings_reads(settings, root, step, view)
    install.writes += _home_writes(step, settings)
    install.gather()
    if install.scripts:
        judge_dependencies(install)
    else:
        install.proof.append(proved("no script runs during the install", "ignore-scripts is on"))
    if not is_ci and settings.on("package-lock", default=True):
        install.writes += _rewritten(install)
    install.check()
    reads, writes = tuple(dict.fromkeys(install.reads)), tuple(dict.fromkeys(install.writes))
    environment = install.environment or None in settings.values.values()
    return Command(NAME, title, True, reads, writes, None, tuple(install.proof), environment, install.strangers)


def _rewritten(install: Install) -> Iterator[Write]:
    """Yield the lockfiles that ``npm install`` may write: a later COPY puts the context's own back over them."""
    lock = install.lock or install.root.path("package-lock.json")
    yield Write(lock, "npm install may rewrite it", local=False)
    if install.view.exists(path := install.root.path("yarn.lock")):
        yield Write(path, "npm install keeps it up to date", local=False)


def _no_workspace_above(root: str, view: View) -> None:
    """Decline if `root` may be a member of a workspace whose root lies above it: npm installs that one."""
    for directory in above(root):
        package = Package.parse(directory, view)
        if package and package.workspaces:
            place = view.place(posixpath.join(directory, "package.json"))
            raise Declined(f"{root} may be a member of the workspace at {directory}", place)


def cache(site: Site) -> CachePlan | None:
    """Return how an npm install uses a mount over npm's cache."""
    step = site.step
    if step.program != "npm" or not (_INSTALL | _CI) & set(step.words):
        return None
    line = _Line.read(step)
    settings = load_settings(step, site.view, line.root(step), line.options)
    if line.subcommand not in _INSTALL | _CI or settings.on("offline"):
        return None
    if "--cache" in line.options:
        raise Declined("--cache is given already")
    account, home = site.account, site.run.home
    if account is None or home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where npm's cache lies")
    target, reason = _cache_directory(site, settings, line.root(step))
    root = account.name == ROOT.name
    if not root and account.uid is None:
        raise Declined(f"the uid of {account.name} is not known, and a mount that it cannot write is of no use")
    if not root and (not account.home_exists or posixpath.dirname(target) != account.home):
        premise = f"{posixpath.dirname(target)} may not exist or not belong to {account.name}"
        raise Declined(f"{premise}, and a mount would make it root's")
    mount = MountSpec(target) if root else MountSpec(target, uid=account.uid, gid=account.gid)
    return CachePlan(
        "keep npm's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount,),
        (),
        (target,),
        (proved(f"npm keeps its cache in {target}", reason), *_unneeded(site)),
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
    for run in _until(site):
        for step in run.steps:
            if (
                step.program == "npm"
                and "set" in step.words
                and any((w or "cache").startswith("cache") for w in step.words)
            ):
                raise Declined("npm config moves npm's cache", site.build.step_place(run, step))
    return posixpath.normpath(f"{site.run.home}/.npm"), f"HOME is {site.run.home}"


def _until(site: Site) -> Iterator[Run]:
    """Yield the RUNs of the stage and of those below it, up to the site's own."""
    for stage in site.stage.lineage:
        for instruction in stage.instructions:
            if instruction.keyword == "RUN":
                yield site.build.run(instruction)
            if instruction is site.run.instruction:
                break


def _unneeded(site: Site) -> Iterator[Obligation]:
    """Yield the proof that nobody misses what the mount keeps out of the image; raises Declined."""
    for run in (site.run, *site.later_runs):
        for step in run.steps:
            if step.program == "npm" and _is_offline(step):
                raise Declined("a later npm works offline, from the cache", site.build.step_place(run, step))
    yield proved("no step and no program reads npm's cache", "npm only ever re-fills it (FACTS: class A)")
    package = Package.parse(site.step.cwd or "", site.view)
    known = package.dependencies() if package else set()
    for step in site.run.steps:
        operands = [word for word in step.words[1:] if word and not word.startswith("-")]
        if step.program == "npx" and operands and operands[0] not in known:
            where = site.build.step_place(site.run, step)
            doubt = "what npx fetches itself would be kept out of the image"
            yield assumed(f"npx finds {operands[0]} in node_modules", doubt, where)


def _is_offline(step: Step) -> bool:
    return "--offline" in step.words or any(name.lower() == "npm_config_offline" for name in step.env)


def cleaned(step: Step) -> Sequence[str]:
    """Return npm's cache directory for ``npm cache clean``."""
    if step.program != "npm" or step.words[1:2] != ("cache",) or not _CLEANING & set(step.words[2:]):
        return ()
    moved = next((value for name, value in step.env.items() if name.lower() == "npm_config_cache"), None)
    path = moved or (f"{step.env['HOME']}/.npm" if step.env.get("HOME") else None)
    return (posixpath.normpath(path),) if path else ()


fetch = no_fetch
