"""The install scripts of dependencies: which are known to look at nothing of the project, and which do look.

The lockfile marks the dependencies that have one (``hasInstallScript``, npm 7 and later).
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..model import Declined, Place, assumed, proved
from . import Read, Write
from ._members import above
from ._node_package import Install, Package
from ._node_scripts import prisma_generate
from ._node_variables import install_script_variables, script_variables

CLAIM = "no install script of a dependency reads what is not copied"

_COMPILED = """
@discordjs/opus @mongodb-js/zstd @parcel/watcher @serialport/bindings-cpp @tensorflow/tfjs-node argon2 bcrypt
better-sqlite3 bufferutil canvas cpu-features deasync dtrace-provider fibers fsevents grpc grpc-tools heapdump iltorb
isolated-vm keccak kerberos keytar leveldown libpq libxmljs lmdb lz4 microtime msgpackr-extract node-expat node-pty
node-sass re2 secp256k1 segfault-handler sharp snappy sodium-native sqlite3 ssh2 tree-sitter ttf2woff2 usb
utf-8-validate weak-napi zeromq zlib-sync
"""
_FETCHED = """
@biomejs/biome @bufbuild/buf @prisma/engines @sentry/cli @swc/core @tailwindcss/oxide chromedriver cwebp-bin dprint
electron esbuild ffmpeg-static gifsicle jpegtran-bin mozjpeg optipng-bin phantomjs-prebuilt pngquant-bin prisma
unrs-resolver workerd
"""
_PRINTING = """
@apollo/protobufjs @fortawesome/fontawesome-common-types @fortawesome/fontawesome-svg-core
@fortawesome/free-brands-svg-icons @fortawesome/free-regular-svg-icons @fortawesome/free-solid-svg-icons @nestjs/core
core-js core-js-pure es5-ext nodemon protobufjs vue-demi yarn
"""
# Install scripts that build, fetch, print or choose a variant of themselves, in their own directory or the user's
# cache, and look at nothing of the project but its package.json.
_SELF_CONTAINED = frozenset((_COMPILED + _FETCHED + _PRINTING).split())


def judge_dependencies(install: Install) -> None:
    """Add what the dependencies' install scripts read, and the proof or the doubt; raises Declined.

    npm's lockfile says which dependencies have one.
    """
    lock = install.lock
    place = install.view.place(lock or install.root.path("package.json"))
    entries = _entries(install, lock)
    if entries is None:
        judge_unmarked(install)
        return
    _check_entries(install, entries)
    named = [(_name(key, entry), entry) for key, entry in entries.items() if _is_marked(key, entry)]
    marked = [(name, entry) for name, entry in named if name not in install.absent]
    before = install.strangers
    judge_names(install, {name for name, _ in marked}, {name for name, entry in marked if _is_foreign(entry)}, place)
    install.strangers = before
    _judge_variables(install, entries)


def left_out(install: Install) -> frozenset[str]:
    """Return the development dependencies that npm's lockfile needs for nothing else, and whose programs are nowhere.

    The install is one without development dependencies.
    """
    entries = _entries(install, install.lock) or {}
    root = install.root.directory
    directories = [*above(root), *(() if install.replaced else (root,))]
    if any(install.view.is_dir(posixpath.join(directory, "node_modules/.bin")) for directory in directories):
        return frozenset()
    kept: set[str] = set()
    for key, entry in entries.items():
        if key and not entry.get("dev"):
            kept.update((_name(key, entry), *_programs(entry)))
    return frozenset(_name(key, entry) for key, entry in entries.items() if entry.get("dev")) - kept


def _programs(entry: Mapping[str, Any]) -> Iterable[str]:
    programs = entry.get("bin")
    return programs if isinstance(programs, dict) else ()


def judge_unmarked(install: Install, locked: Iterable[str] = ()) -> None:
    """Do the same where nothing tells which dependencies have an install script; `locked` are the lockfile's names."""
    place = install.view.place(install.lock or install.root.path("package.json"))
    names = {*locked, *(name for each in install.packages for name in each.dependencies())}
    doubt = "the lockfile does not mark them" if install.lock else "no lockfile tells which dependencies have one"
    install.strangers = True
    install.proof.append(assumed(CLAIM, doubt, place))
    _follow(install, names)


def judge_names(install: Install, names: set[str], foreign: set[str], place: Place) -> None:
    """Do the same where only the install scripts of the packages `names` run; those of `foreign` are not known by name.

    `place` is what says so.
    """
    unknown = sorted((names - _SELF_CONTAINED - _READERS.keys()) | foreign)
    install.strangers = install.strangers or bool(names)
    if unknown:
        install.proof.append(assumed(CLAIM, f"what these do is not known: {', '.join(unknown)}", place))
    else:
        known = f"of those that run, {', '.join(sorted(names))} are known" if names else "none runs"
        install.proof.append(proved(CLAIM, known, place))
    _follow(install, names)


def _follow(install: Install, names: set[str]) -> None:
    if names:
        install.reads.append(Read(install.root.path(".prebuild-installrc"), "prebuild-install reads it"))
    for name in sorted(names & _READERS.keys()):
        _READERS[name](install)


def _judge_variables(install: Install, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Find out which variables the scripts read: the dependencies' own, and those of the tree's packages."""
    found: set[str] = set()
    versions: dict[str, str] = {}
    for key, entry in entries.items():
        name, version = _name(key, entry), "" if _is_foreign(entry) else str(entry.get("version", ""))
        if key == f"node_modules/{name}":
            versions[name] = version
        if _is_marked(key, entry):
            read = install_script_variables(name, version)
            install.strangers |= read is None
            found |= read or frozenset()
    known = [script_variables(text, package.table("scripts"), versions) for package, text in install.scripts_run]
    install.environment = install.environment and None in known
    install.variables |= found.union(*(read for read in known if read))


def _entries(install: Install, lock: str | None) -> dict[str, Mapping[str, Any]] | None:
    """Return the lockfile's entries by their path; None if it does not say which have an install script."""
    try:
        text = install.view.read(lock) or "" if lock else ""
        packages = install.view.context.once((json, text), lambda: json.loads(text))["packages"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(packages, dict):
        return None
    return {str(key): entry for key, entry in packages.items() if isinstance(entry, dict)}


def _check_entries(install: Install, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare the lockfile's packages and archives of the tree with what was found; raises Declined."""
    known = {package.directory for package in install.packages}
    for key, entry in entries.items():
        path = install.root.path(key)
        if "node_modules" not in key.split("/") and path not in known and install.view.exists(f"{path}/package.json"):
            place = install.view.place(str(install.lock))
            raise Declined(f"the lockfile names the package {key}, which package.json does not", place)
        resolved = entry.get("resolved")
        if isinstance(resolved, str) and resolved.startswith("file:"):
            install.reads.append(Read(install.root.path(resolved.removeprefix("file:")), "the lockfile names it"))


def _is_marked(key: str, entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("hasInstallScript")) and "node_modules/" in key


def _name(key: str, entry: Mapping[str, Any]) -> str:
    return str(entry.get("name") or key.rpartition("node_modules/")[2])


def _is_foreign(entry: Mapping[str, Any]) -> bool:
    """Tell whether a package is not from a registry, so that its name says nothing."""
    return str(entry.get("resolved", "")).startswith(("git", "file:", "ssh:"))


def _started_in(install: Install) -> list[Package]:
    """Return the packages, and the directory that npm was started in (INIT_CWD), which ``--prefix`` does not change."""
    cwd = install.settings.cwd
    if cwd is None or any(package.directory == cwd for package in install.packages):
        return install.packages
    return [*install.packages, Package.parse(cwd, install.view) or Package(cwd, {})]


def _reads_prisma(install: Install) -> None:
    """@prisma/client generates from the schema of the directory that npm was started in."""
    for package in _started_in(install):
        schema = package.table("prisma").get("schema")
        data = {**package.data, "dependencies": {"@prisma/client": ""}}
        reads, writes = prisma_generate(package.directory, data, install.view, str(schema) if schema else None)
        install.reads += (read for read in reads if install.view.exists(read.path))
        install.writes += writes


def _reads_puppeteer(install: Install) -> None:
    stems = (".puppeteerrc", ".config/puppeteerrc", "puppeteer.config")
    names = [f"{stem}{end}" for stem in stems for end in ("", ".json", ".yaml", ".yml", ".js", ".cjs", ".mjs", ".ts")]
    for path in (package.path(name) for package in install.packages for name in names):
        if install.view.exists(path):
            raise Declined("what puppeteer's configuration makes it write is not followed", install.view.place(path))


def _reads_msw(install: Install) -> None:
    if any("msw" in package.data for package in _started_in(install)):
        raise Declined("msw writes its worker into the project", install.view.place(install.root.path("package.json")))


def _reads_nx(install: Install) -> None:
    if install.view.exists(path := install.root.path("nx.json")):
        raise Declined("nx's install script reads the whole workspace", install.view.place(path))


def _reads_sveltekit(install: Install) -> None:
    place = install.view.place(install.root.path("package.json"))
    raise Declined("the install script of @sveltejs/kit generates files from the project", place)


def _reads_firebase(install: Install) -> None:
    if install.env.get("FIREBASE_WEBAPP_CONFIG", "") != "":
        raise Declined("FIREBASE_WEBAPP_CONFIG may name a file of the project")


def _reads_git(install: Install) -> None:
    # Without .git they do nothing: it is kept out of the context.
    for directory in above(install.root.directory):
        if install.view.exists(path := posixpath.join(directory, ".git")):
            raise Declined("git hooks are set in a directory above the package", install.view.place(path))
    install.writes.append(Write(install.root.path(".git"), "a dependency's install script sets git hooks"))


# Install scripts that look at the project: what they read or write there.
_READERS: dict[str, Callable[[Install], None]] = {
    "@firebase/util": _reads_firebase,
    "@prisma/client": _reads_prisma,
    "@sveltejs/kit": _reads_sveltekit,
    "husky": _reads_git,
    "lefthook": _reads_git,
    "msw": _reads_msw,
    "nx": _reads_nx,
    "pre-commit": _reads_git,
    "puppeteer": _reads_puppeteer,
    "simple-git-hooks": _reads_git,
    "yorkie": _reads_git,
}
