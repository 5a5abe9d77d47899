"""npm: ``npm ci`` and ``npm install`` with lockfile, workspaces, local dependencies and lifecycle scripts; npm's cache.

Facts: npm's documentation (scripts, package-lock.json, workspaces, config) and runs of npm 11 in the
lab: ``prepare`` runs under ``--omit=dev`` too; a member's ``bin`` is linked only if the file is there,
and is made executable; ``npm install`` may rewrite the lockfile, ``npm ci`` never does.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from ..build.build import View
from ..build.images import ROOT
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlan, Command, MountSpec, Read, Site, Write
from ._node_package import Package, load_package, npmrc

NAME = "npm"
MANIFESTS = ("package.json",)

_SWITCHES = frozenset(
    "-s -q -d -f -g -D -E -O -P -S -y -h -v --silent --quiet --verbose --global --force --production --only --omit --include"
    " --no-audit --audit --no-fund --fund --legacy-peer-deps --strict-peer-deps --ignore-scripts --prefer-offline --offline"
    " --prefer-online --no-optional --unsafe-perm --no-progress --progress --no-package-lock --package-lock --no-save --save"
    " --save-dev --save-exact --save-optional --save-prod --workspaces --include-workspace-root --no-update-notifier --yes"
    " --foreground-scripts --engine-strict --no-engine-strict --no-bin-links --legacy-bundling --install-links --no-color"
    " --build-from-source --allow-root --no-shrinkwrap --ddd --version --help --dry-run --no-strict-ssl --update-notifier"
    " --no-production --prefer-dedupe --no-audit-level --no-legacy-peer-deps --package-lock-only".split()
)
_VALUED = frozenset(
    "-C -w --loglevel --registry --prefix --cache --workspace --maxsockets --fetch-retries --fetch-retry-mintimeout"
    " --fetch-retry-maxtimeout --fetch-timeout --network-timeout --install-strategy --cpu --os --libc --userconfig"
    " --script-shell --before --tag --target --python --location --network-concurrency --audit-level --logs-max".split()
)
_INSTALL = frozenset({"install", "i", "in", "ins", "add", "isntall"})
_CI = frozenset({"ci", "clean-install", "ic", "install-clean"})


def recognise(step: Step, view: View) -> Command | None:
    """Return what an npm command does; installs into a project and with ``-g`` are told apart."""
    if step.program != "npm":
        return None
    try:
        found = arguments(step.words, 1, _SWITCHES, _VALUED)
    except UnknownOption as error:
        return Command(NAME, "npm", declined=Declined(str(error)))
    operands = [argument.value for argument in found if not argument.option]
    options = {argument.option: argument.value for argument in found if argument.option}
    subcommand = operands[0] if operands else ""
    if not subcommand or subcommand in ("cache", "config", "set", "get", "root", "bin", "help", "ping", "view", "version"):
        return Command(NAME, f"npm {subcommand}".strip(), writes=_home_writes(step, ".npmrc"))
    if subcommand not in _INSTALL | _CI:
        return Command(NAME, f"npm {subcommand}", declined=Declined(f"npm {subcommand} runs the project's own scripts or code"))
    try:
        if "-g" in options or "--global" in options or options.get("--location") == "global":
            return _global(step, operands[1:])
        return _local(step, view, subcommand in _CI, operands[1:], options)
    except Declined as declined:
        return Command(NAME, f"npm {subcommand}", True, declined=declined)


def _home_writes(step: Step, *more: str) -> tuple[Write, ...]:
    home = step.env.get("HOME") or "/root"
    return tuple(Write(posixpath.join(home, name), "npm's home files") for name in (".npm", *more))


def _user_reads(step: Step) -> list[Read]:
    home = step.env.get("HOME")
    names = (".npmrc", ".netrc", ".gitconfig", ".ssh") if home else ()
    reads = [Read(posixpath.join(str(home), name), "npm or git reads it from the home directory") for name in names]
    return [*reads, Read("/usr/local/etc/npmrc", "npm's global configuration")]


def _global(step: Step, operands: Sequence[str]) -> Command:
    for operand in operands:
        if operand.startswith((".", "/", "~", "file:")) or operand.endswith(".tgz"):
            raise Declined(f"npm install -g {operand} installs from the tree")
    if not operands:
        raise Declined("npm install -g without a name installs the tree itself")
    writes = (Write("/usr/local", "npm's global prefix"), Write("/usr/lib/node_modules", "npm's global prefix"))
    return Command(NAME, "npm install -g", True, tuple(_user_reads(step)), writes + _home_writes(step))


def _local(step: Step, view: View, is_ci: bool, operands: Sequence[str], options: dict[str, str]) -> Command:
    title = "npm ci" if is_ci else "npm install"
    if operands:
        raise Declined(f"{title} {operands[0]} changes package.json, which a later COPY would put back")
    for name in ("NODE_OPTIONS",):
        value = step.env.get(name, "")
        if value is None or any(flag in value for flag in ("--require", "-r ", "--import", "--loader")):
            raise Declined(f"{name} makes node load a file of the project")
    root = join(step.cwd, options.get("--prefix", options.get("-C", ".")))
    if root is None:
        raise Declined("the directory that npm runs in is not known")
    _no_workspace_above(root, view)
    package = load_package(root, view, "--ignore-scripts" in options, is_ci)
    reads = [*_user_reads(step), *package.reads]
    writes = [*_home_writes(step), *package.writes]
    proof = list(package.proof)
    if not is_ci and "--no-package-lock" not in options and npmrc(root, view).get("package-lock") != "false":
        # With a lockfile in the context a later COPY puts the original back over what npm wrote.
        writes.append(Write(posixpath.join(root, "package-lock.json"), "npm install may rewrite it", local=False))
    return Command(
        NAME, title, True, tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes)), None, tuple(proof), package.scripts
    )


def _no_workspace_above(root: str, view: View) -> None:
    """Decline if `root` may be a member of a workspace whose root lies above it: npm installs that one."""
    directory = posixpath.dirname(root)
    while directory not in ("", "/", "%"):
        above = Package.parse(directory, view)
        if above and above.workspaces:
            raise Declined(f"{root} may be a member of the workspace at {directory}", view.place(f"{directory}/package.json"))
        directory = posixpath.dirname(directory)


def cache(site: Site) -> CachePlan | None:
    """Return how an npm install uses a mount over npm's cache."""
    step = site.step
    if step.program != "npm":
        return None
    found = _parsed(step)
    operands = [argument.value for argument in found if not argument.option]
    options = {argument.option: argument.value for argument in found if argument.option}
    if not operands or operands[0] not in _INSTALL | _CI or "--offline" in options:
        return None
    if "--cache" in options:
        raise Declined("--cache is given already")
    if site.account is None or site.run.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where npm's cache lies")
    target, reason = _cache_directory(site, options)
    root = site.account.name == ROOT.name
    if not root and site.account.uid is None:
        raise Declined(f"the uid of the user {site.account.name} is not known, and a mount that it cannot write is of no use")
    if not root and not site.account.home_exists:
        raise Declined(f"the home directory of the user {site.account.name} may not exist, and a mount would make it root's")
    mount = MountSpec(target) if root else MountSpec(target, uid=site.account.uid, gid=site.account.gid)
    return CachePlan(
        "keep npm's downloads in a cache mount",
        "after an edit of the manifests only what is new is downloaded",
        (mount,),
        (),
        (target,),
        (
            proved(f"npm keeps its cache in {target}", reason),
            proved("no step and no program reads npm's cache", "npm only ever re-fills it (FACTS: class A)"),
        ),
    )


def _parsed(step: Step) -> list[Argument]:
    try:
        return arguments(step.words, 1, _SWITCHES, _VALUED)
    except UnknownOption as error:
        raise Declined(str(error)) from None


def _cache_directory(site: Site, options: dict[str, str]) -> tuple[str, str]:
    for name, value in site.step.env.items():
        if name.lower() == "npm_config_cache":
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(value), f"{name}={value}"
    root = join(site.step.cwd, options.get("--prefix", options.get("-C", ".")))
    if root and "cache" in npmrc(root, site.view):
        raise Declined("the project's .npmrc moves npm's cache", site.view.place(posixpath.join(root, ".npmrc")))
    return posixpath.normpath(f"{site.run.home}/.npm"), f"HOME is {site.run.home}"


def cleaned(step: Step) -> Sequence[str]:
    """Return npm's cache directory for ``npm cache clean``."""
    if step.program != "npm" or step.words[1:3] not in (("cache", "clean"), ("cache", "clear"), ("cache", "rm")):
        return ()
    return (f"{step.env.get('HOME')}/.npm",)
