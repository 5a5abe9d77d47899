"""bun: ``bun install`` with workspaces, patches and bunfig.toml; its cache.

Facts: bun's documentation (install, bunfig.toml, lifecycle, cache) and runs of 1.2 in the lab. Members have their
preinstall, install and postinstall run, the root prepare too; install scripts of dependencies run for those that the
project trusts and for bun's own list. A member's executables become 0777. Files are copied from a cache on another file
system.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.runs import Step
from ..model import Declined, assumed, proved
from . import CachePlace, CachePlan, Command, Need, Read, ScriptEdit, Site, Tool, Write, no_clean, no_fetch
from ._node_cache import home_of, is_root, mount_at, mount_elsewhere, no_npx, refilled, seen
from ._node_dependencies import judge_unmarked
from ._node_line import Line, global_install
from ._node_package import Install, Manager, Package, strings
from ._node_workspaces import no_workspace_above, workspace_members
from ._npm_settings import load_settings, settings_reads

NAME = "bun"
IGNORE = "node"
TOOLS = (
    Tool(
        "bun",
        "Node",
        ("package.json", "bunfig.toml"),
        ("bun.lock", "bun.lockb"),
        ("bun install", "bun add -g"),
        (
            CachePlace(
                "~/.bun/install/cache",
                "A",
                "bun copies from it on another file system; for other users moved to /tmp",
                "BUN_INSTALL_CACHE_DIR",
            ),
        ),
        "bun's documentation of bun install, bunfig.toml and lifecycle scripts; runs of 1.2",
        needs=(Need("bun install", ("bun.lock", "bun.lockb"), ("--frozen-lockfile",)),),
    ),
)
INSTALLING = re.compile(r"\bbun\b(?![^\n;&|]*\s(?:-g|--global)\b)[^\n;&|]*?\b(?:i|install|ci)\b")
CONFIGURES = re.compile(r"\bbunfig\b")

_SWITCHES = frozenset(
    "-p -g -d -f -y --production --frozen-lockfile --ignore-scripts --no-save --save --no-progress --no-summary"
    " --verbose --silent --no-verify --force --no-cache --global --dev --optional --exact --trust --lockfile-only"
    " --save-text-lockfile --version --help --prefer-offline".split()
)
_VALUED = frozenset(
    "--cwd --registry --backend --concurrent-scripts --network-concurrency --omit --filter --linker --config -c"
    " --cache-dir --cafile --ca --cpu --os".split()
)
_SPELLINGS = {"-p": "--production", "-g": "--global", "-c": "--config"}
_INSTALL = frozenset({"install", "i", "ci"})
_DECLINED = ("--config", "--cafile", "--ca", "--lockfile-only")
_MEMBER_SCRIPTS = ("preinstall", "install", "postinstall")
_MANAGER = Manager(
    "bun",
    ("bun.lock", "bun.lockb", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"),
    (".npmrc", "bunfig.toml"),
    (*_MEMBER_SCRIPTS, "preprepare", "prepare", "postprepare"),
    _MEMBER_SCRIPTS,
    0o777,
)
# Of bunfig.toml's [install]: what names no file and makes nothing read or written elsewhere.
_HARMLESS = frozenset(
    "registry scopes frozenLockfile production optional dev peer exact saveTextLockfile concurrentScripts"
    " linkWorkspacePackages minimumReleaseAge minimumReleaseAgeExcludes auto prefer logLevel".split()
)
_DOTENV = tuple(
    f".env{mode}{local}" for mode in ("", ".production", ".development", ".test") for local in ("", ".local")
)


def _line(step: Step) -> Line:
    return Line.read(step, _SWITCHES, _VALUED, _SPELLINGS)


def recognise(step: Step, view: View) -> Command | None:
    """Return what a bun command does; only installs are followed."""
    if step.program != "bun":
        return None
    title = f"bun {step.words[1] or ''}".strip() if len(step.words) > 1 else "bun"
    installs = step.words[1:2] and step.words[1] in _INSTALL
    try:
        line = _line(step)
        installs = line.subcommand in _INSTALL and not line.on("--global")
        if line.on("--global") and line.subcommand in _INSTALL | {"add"}:
            return _global(step, view, line)
        if not installs:
            raise Declined(f"what {title} reads and writes depends on the project")
        return _install(step, view, line)
    except Declined as declined:
        return Command(NAME, title, bool(installs), declined=declined, project=not installs)


def _home_writes(step: Step) -> tuple[Write, ...]:
    home = step.env.get("HOME") or "/root"
    places = {posixpath.join(home, ".bun"), posixpath.join(home, ".cache"), posixpath.dirname(_cache_directory(step))}
    return tuple(Write(path, "bun keeps its cache", local=False) for path in sorted(places))


def _global(step: Step, view: View, line: Line) -> Command:
    settings = load_settings(step, view, None, {})
    reads = tuple(settings_reads(settings, str(step.cwd or "/"), step, view))
    writes = (Write("/usr/local", "bun's global prefix"), *_home_writes(step))
    return global_install(Command(NAME, "bun add -g"), line.operands, reads, writes, not line.on("--ignore-scripts"))


def _install(step: Step, view: View, line: Line) -> Command:
    root = line.root(step, "--cwd")
    if root is None:
        raise Declined("the directory that bun runs in is not known")
    if line.operands:
        raise Declined(
            f"bun {line.subcommand} {line.operands[0]} changes package.json, which a later COPY would put back"
        )
    for option in _DECLINED:
        if option in line.options:
            raise Declined(f"what {option} makes bun read and write is not followed")
    package = Package.parse(root, view)
    if package is None:
        raise Declined(f"{root}/package.json is not a readable file of the build context")
    no_workspace_above(root, view)
    table = bunfig(root, view)
    scripts = {"--ignore-scripts": ""} if line.on("--ignore-scripts") else {}
    settings = load_settings(step, view, root, scripts)
    install = Install(_MANAGER, package, view, settings, step.env)
    install.reads += (*_reads(root, view, package), *settings_reads(settings, root, step, view))
    install.writes += _home_writes(step)
    frozen = line.subcommand == "ci" or line.on("--frozen-lockfile") or table.get("frozenLockfile") is True
    if not frozen:
        install.writes += (Write(root_lock, "bun install may rewrite it", local=False) for root_lock in _locks(package))
    install.gather(workspace_members(package, view))
    judge_unmarked(install)
    install.check()
    return install.command(NAME, "bun install")


def _locks(package: Package) -> Iterator[str]:
    for name in ("bun.lock", "bun.lockb"):
        yield package.path(name)


def _reads(root: str, view: View, package: Package) -> Iterator[Read]:
    for name in _DOTENV:
        # bun puts them into the environment that .npmrc and bunfig.toml take variables from.
        if view.exists(path := posixpath.join(root, name)):
            yield Read(path, "bun reads it")
    for patch in strings(package.data.get("patchedDependencies")):
        yield Read(package.path(patch), "a patch of a dependency", required=True)


def bunfig(root: str, view: View) -> dict[str, object]:
    """Return what bunfig.toml says of installs; raises Declined for what is not known."""
    path = posixpath.join(root, "bunfig.toml")
    try:
        found = tomllib.loads(view.read(path) or "").get("install", {})
    except tomllib.TOMLDecodeError:
        raise Declined("it cannot be read as TOML", view.place(path)) from None
    table: dict[str, object] = found if isinstance(found, dict) else {"": found}
    for name, value in table.items():
        if name not in _HARMLESS and (name, value) != ("linker", "hoisted"):
            raise Declined(f"what install.{name} in bunfig.toml changes is not followed", view.place(path))
    return table


def cache(site: Site) -> CachePlan | None:
    """Return how a bun install uses a mount over bun's cache."""
    step = site.step
    if step.program != "bun" or not (_INSTALL | {"add"}) & set(step.words):
        return None
    line = _line(step)
    is_global = line.on("--global") and line.subcommand == "add"
    root = line.root(step, "--cwd")
    if line.subcommand not in _INSTALL and not is_global:
        return None
    if root is None:
        raise Declined("the directory that bun runs in is not known")
    seen(site, root, "bunfig.toml")
    bunfig(root, site.view)
    home_of(site, "bun")
    if line.options.keys() & {"--cache-dir", "--no-cache", "--backend", "--linker"}:
        raise Declined("the command has its own wishes for bun's cache")
    edits: list[ScriptEdit] = []
    if is_root(site) or "BUN_INSTALL_CACHE_DIR" in step.env:
        mount = mount_at(site, _cache_directory(step))
        proof = proved(f"bun keeps its cache in {mount.target}", "HOME and BUN_INSTALL")
    else:
        mount, edit = mount_elsewhere(site, "BUN_INSTALL_CACHE_DIR", "bun")
        edits, proof = [edit], proved("BUN_INSTALL_CACHE_DIR is set for this command only", f"uid {mount.uid}")
    return CachePlan(
        "keep bun's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount,),
        tuple(edits),
        (mount.target,),
        (
            proof,
            refilled("bun"),
            # Seen in the lab with bun 1.2: a copy of a package's manifest, under a name that is never the same.
            assumed("nobody minds a file in /tmp", "bun may leave one there where its cache is on another file system"),
            *no_npx(site),
        ),
    )


def _cache_directory(step: Step) -> str:
    places = (
        ("BUN_INSTALL_CACHE_DIR", ""),
        ("BUN_INSTALL", "/install/cache"),
        ("XDG_CACHE_HOME", "/.bun/install/cache"),
    )
    for name, tail in places:
        if name in step.env:
            value = step.env[name]
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(value + tail)
    return posixpath.normpath(f"{step.env.get('HOME') or '/root'}/.bun/install/cache")


def cleaned(step: Step) -> Sequence[str]:
    """Return bun's cache directory for ``bun pm cache rm``."""
    if step.program != "bun" or step.words[1:] != ("pm", "cache", "rm"):
        return ()
    try:
        return (_cache_directory(step),)
    except Declined:
        return ()


fetch = no_fetch
clean = no_clean
