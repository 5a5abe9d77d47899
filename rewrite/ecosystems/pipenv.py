"""pipenv: ``install`` and ``sync`` from Pipfile and its lockfile, into the system or an environment; its cache.

Facts: pipenv's documentation (commands, configuration, Pipfile) and traces of pipenv 2026.10 in the lab: it opens
Pipfile, Pipfile.lock, pylock.toml and .env, takes a ``.venv`` that is there, and runs pip with ``PIP_CACHE_DIR`` set to
its own cache directory. ``--clear`` removes that directory.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..build.build import View
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlace, CachePlan, Command, Read, Site, Tool, Write, cleans_nothing, no_clean, no_fetch
from ._members import above
from ._pip_settings import configuration, environment, prefixes
from ._pip_settings import settings as pip_reads
from ._python_cache import Switch, cache_home, enable, pip_plan
from ._python_environment import home_writes
from ._python_project import load_toml, table
from ._requirements import KINDS, Reader, is_remote
from ._verb_line import Line, Syntax

NAME = "pipenv"
IGNORE = "python"
TOOLS = (
    Tool(
        "pipenv",
        "Python",
        ("Pipfile",),
        ("Pipfile.lock",),
        ("pipenv install", "pipenv sync"),
        (
            CachePlace(
                "~/.cache/pipenv",
                "A",
                "pip's downloads in it (http, http-v2); not the wheels that pip builds",
                "PIPENV_CACHE_DIR",
            ),
        ),
        "pipenv's documentation of commands and configuration",
    ),
)
INSTALLING = re.compile(r"\bpipenv\b")
CONFIGURES = NEVER

_SWITCHES = frozenset(
    "--system --deploy --dev -d --pre --verbose -v --quiet -q --clear --ignore-pipfile --skip-lock --keep-outdated"
    " --sequential --bare --clean --site-packages --no-site-packages --two --three --all --selective-upgrade --hash"
    " --dev-only --exclude-markers --exclude-index --no-lock --from-pipfile --version --help -h --venv --py --where"
    " --support".split()
)
_VALUED = frozenset(
    "--python --pypi-mirror -r --requirements -e --editable --extra-pip-args --categories --category --extras"
    " --resolver --config-settings -i --index".split()
)
_INSTALLS = frozenset({"install", "sync"})
_PROJECT = frozenset({"run", "shell", "scripts"})
_VARIABLES = re.compile(
    r"PIPENV_(?:VENV_IN_PROJECT|CACHE_DIR|NOSPIN|HIDE_EMOJIS|IGNORE_VIRTUALENVS|YES|TIMEOUT|INSTALL_TIMEOUT|PYPI_MIRROR"
    r"|DEFAULT_PYTHON_VERSION|SKIP_LOCK|SYSTEM|DEPLOY|VERBOSITY|DONT_LOAD_ENV|MAX_SUBPROCESS|COLORBLIND|MAX_RETRIES|DEV"
    r"|SITE_PACKAGES|CUSTOM_VENV_NAME|CONCURRENCY|VERBOSE|QUIET|NOINHERIT|RESOLVE_VCS|SKIP_VALIDATION|VERSION)"
)
_OFF = Switch((), "PIP_NO_CACHE_DIR", "''", "pip takes an empty value as unset")
_SYNTAX = Syntax("pipenv", _SWITCHES, _VALUED, _VARIABLES)


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pipenv command does; an install's layer is the one that matters."""
    verb = _SYNTAX.verb_of(step)
    if verb is None:
        return None
    title = f"pipenv {verb}".strip()
    if verb in _PROJECT:
        return Command(NAME, title, declined=Declined(f"what {title} reads depends on the project"), project=True)
    try:
        return _command(step, view, _SYNTAX.read(step), title)
    except Declined as declined:
        return Command(NAME, title, verb in _INSTALLS, declined=declined)


def _command(step: Step, view: View, line: Line, title: str) -> Command:
    if line.verb == "":
        return Command(NAME, title, writes=tuple(home_writes(step)))
    if line.verb not in (*_INSTALLS, "lock", "requirements", "verify"):
        raise Declined(f"{title} is not known")
    if line.operands or line.on("-e", "--editable", "-r", "--requirements", "-i", "--index"):
        raise Declined(f"{title} with a package changes Pipfile, which a later COPY would put back")
    root = root_of(step, view)
    reader = Reader(view, root, step.env)
    reader.reads += [*_files(root, view), *pip_reads(step, view)]
    for option, value in (*environment(step, reader), *configuration(step, view)):
        if option in KINDS:
            reader.take(KINDS[option], value)
    lock = posixpath.join(root, "Pipfile.lock")
    if line.verb in _INSTALLS:
        _packages(reader, root, view, line)
        why = "pipenv keeps the environment there"
        reader.writes += [Write(posixpath.join(root, ".venv"), why), *prefixes(step, view), *home_writes(step)]
    if line.verb == "lock" or (line.verb == "install" and not line.on("--deploy", "--ignore-pipfile", "--skip-lock")):
        reader.writes.append(Write(lock, f"{title} may rewrite it", local=False))
    reads, writes, proof = dict.fromkeys(reader.reads), dict.fromkeys(reader.writes), dict.fromkeys(reader.proof)
    installs = line.verb in _INSTALLS
    return Command(
        NAME, title, installs, tuple(reads), tuple(writes), None, tuple(proof), reader.environment, strangers=True
    )


def root_of(step: Step, view: View) -> str:
    """Return the directory whose Pipfile pipenv finds; raises Declined."""
    if step.cwd is None:
        raise Declined("the directory that pipenv runs in is not known")
    for directory in (step.cwd, *above(step.cwd)):
        if view.exists(posixpath.join(directory, "Pipfile")):
            return directory
    raise Declined(f"{step.cwd} holds no Pipfile of the build context")


def _files(root: str, view: View) -> Iterator[Read]:
    """Yield what pipenv opens of a project."""
    yield Read(posixpath.join(root, "Pipfile"), "the project's manifest", required=True)
    for name, why in (("Pipfile.lock", "the lockfile"), ("pylock.toml", "a lockfile"), (".env", "pipenv loads it")):
        yield Read(posixpath.join(root, name), why)
    for directory in (root, *above(root)):
        yield Read(posixpath.join(directory, ".python-version"), "pyenv chooses the Python by it")


def _packages(reader: Reader, root: str, view: View, line: Line) -> None:
    """Take the packages of the tree that Pipfile and the lockfile name; raises Declined."""
    place = view.place(posixpath.join(root, "Pipfile"))
    data = load_toml(posixpath.join(root, "Pipfile"), view)
    if data is None:
        raise Declined("Pipfile is not a readable file of the build context", place)
    for source in data.get("source", ()):
        if not is_remote(str(source.get("url"))):
            raise Declined(f"it looks for packages in {source.get('url')}", place)
    groups = [table(data, name) for name in data if name not in ("source", "requires", "scripts", "pipenv")]
    if not line.on("--skip-lock"):
        groups += _locked(root, view)
    for group in groups:
        for name, wanted in group.items():
            for kind in ("path", "file"):
                value = str(wanted.get(kind, "")) if isinstance(wanted, Mapping) else ""
                if value and not is_remote(value):
                    kinds = "editable" if wanted.get("editable") else "package"
                    reader.take(kinds, value if "/" in value or value.startswith(".") else f"./{value}")
                elif value and "$" in value:
                    raise Declined(f"where {name} comes from depends on a variable", place)


def _locked(root: str, view: View) -> list[Mapping[str, Any]]:
    path = posixpath.join(root, "Pipfile.lock")
    text = view.read(path)
    if text is None and not view.exists(path):
        return []
    try:
        data = json.loads(text or "")
    except ValueError:
        raise Declined("Pipfile.lock cannot be read, or is no longer as it was copied", view.place(path)) from None
    return [group for name, group in data.items() if name != "_meta" and isinstance(group, dict)]


def cache(site: Site) -> CachePlan | None:
    """Return how an install uses mounts over the cache that pipenv gives to pip."""
    if _SYNTAX.verb_of(site.step) not in _INSTALLS:
        return None
    line = _SYNTAX.read(site.step)
    if line.on("--clear"):
        raise Declined("--clear removes the cache's directory, in which the mount would be busy")
    if "cache-dir" in line.options.get("--extra-pip-args", ""):
        raise Declined("--extra-pip-args tell pip where its cache lies, or to have none")
    home = cache_home(site, "pipenv", NAME, "PIPENV_CACHE_DIR")
    edits, found = enable(site.step, home, _OFF)
    return pip_plan("pipenv", home, edits, found)


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
