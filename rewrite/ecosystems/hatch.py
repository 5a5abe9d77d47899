"""hatch: environments from pyproject.toml or hatch.toml, and the requirements that it shows; the rest runs code.

Facts: hatch's documentation (environments, configuration): an environment installs the project itself unless it says
``skip-install`` or ``detached``, may run commands around that, and lies in ``~/.local/share/hatch``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..build.build import View
from ..build.options import arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlan, Command, Read, Site, Tool, Write, cleans_nothing, no_clean, no_fetch
from ._pip_settings import settings
from ._python_environment import home_writes
from ._python_project import find_pyproject, load_toml, project_reads, table

NAME = "hatch"
IGNORE = "python"
TOOLS = (
    Tool(
        "hatch",
        "Python",
        ("pyproject.toml", "hatch.toml"),
        (),
        ("hatch env create",),
        (),
        "hatch's documentation of environments; pip's or uv's cache is used, and not mounted here",
    ),
)
INSTALLING = re.compile(r"\bhatch\b")
CONFIGURES = NEVER

_SWITCHES = frozenset(
    "-v --verbose -q --quiet --color --no-color --interactive --no-interactive -h --help --version -p --project-only -e"
    " --env-only --all".split()
)
_VALUED = frozenset("--env --project --data-dir --cache-dir --config -f --feature".split())
_SILENT = frozenset({"", "config", "status", "env show", "env find", "self", "python install", "python find"})
_PLACES = ("HATCH_DATA_DIR", "HATCH_CACHE_DIR")
_VARIABLES = frozenset({*_PLACES, "HATCH_VERBOSE", "HATCH_QUIET", "HATCH_INTERACTIVE", "HATCH_ENV"})
_RUNS = ("pre-install-commands", "post-install-commands", "matrix", "template", "env-include", "path", "builder")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a hatch command does; most run code of the project."""
    if step.program != "hatch":
        return None
    operands = [word for word in step.words[1:] if word is not None and not word.startswith("-")]
    verb = " ".join(operands[: 2 if operands[:1] in (["env"], ["dep"], ["python"]) else 1])
    title = f"hatch {verb}".strip()
    if verb in _SILENT:
        return Command(NAME, title, writes=tuple(home_writes(step)))
    if verb not in ("env create", "dep show"):
        return Command(NAME, title, declined=Declined(f"what {title} reads depends on the project"), project=True)
    try:
        return _command(step, view, verb, title)
    except Declined as declined:
        return Command(NAME, title, verb == "env create", declined=declined)


def _command(step: Step, view: View, verb: str, title: str) -> Command:
    for name, value in step.env.items():
        if name.startswith("HATCH_") and name not in _VARIABLES and value != "":
            raise Declined(f"what {name} makes hatch read is not known")
    found = arguments(step.words, 1, _SWITCHES, _VALUED)
    if any(item.option in ("--project", "--data-dir", "--config", "--cache-dir") for item in found):
        raise Declined("what its options make it read is not known")
    operands = [item.value for item in found if not item.option][2:]
    root, data, own = _project(step, view)
    reads = [*_files(root), *settings(step, view)]
    writes = list(home_writes(step))
    for name in _PLACES:
        path = join(step.cwd, step.env[name] or "$") if step.env.get(name, "") != "" else ""
        if path is None or "$" in path:
            raise Declined(f"{name} is not a path that is known")
        writes += [Write(path, name)] if path else []
    builds = "dynamic" in table(data, "project")
    if verb == "env create":
        builds = _check(root, view, own, operands[0] if operands else step.env.get("HATCH_ENV") or "default") or builds
    if builds:
        mine, outputs = project_reads(root, view, editable=True)
        reads += mine
        writes += [Write(output, "building the project leaves it there") for output in outputs]
    found_reads, places = tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes))
    return Command(NAME, title, verb == "env create", found_reads, places, None, (), builds, strangers=True)


def _project(step: Step, view: View) -> tuple[str, Mapping[str, Any], Mapping[str, Any]]:
    """Return the project's directory, its pyproject.toml, and hatch's settings in it or beside it; raises Declined."""
    if step.cwd is None:
        raise Declined("the directory that hatch runs in is not known")
    root, data = find_pyproject(step.cwd, view)
    own = load_toml(posixpath.join(root, "hatch.toml"), view)
    return root, data, table(data, "tool", "hatch") if own is None else own


def _files(root: str) -> Iterator[Read]:
    yield Read(posixpath.join(root, "pyproject.toml"), "the project's manifest", required=True)
    yield Read(posixpath.join(root, "hatch.toml"), "hatch's settings")


def _check(root: str, view: View, own: Mapping[str, Any], name: str) -> bool:
    """Tell whether creating the environment `name` installs the project; raises Declined if it does something else."""
    place = view.place(posixpath.join(root, "pyproject.toml"))
    environments = [table(own, "envs", one) for one in (name, "default")]
    if "env" in own:
        raise Declined("it has plugins for environments", place)
    for settings_ in environments:
        ran = [key for key in _RUNS if key in settings_]
        if ran or settings_.get("type", "virtual") != "virtual":
            raise Declined(
                f"its environment has {ran[0] if ran else 'a type of its own'}, which is not followed", place
            )
        if "file:" in str(settings_) or "{root" in str(settings_):
            raise Declined("its environment names files of the tree", place)
    merged = {**environments[1], **environments[0]}
    return not (merged.get("skip-install") or merged.get("detached"))


def cache(site: Site) -> CachePlan | None:
    """Return nothing: hatch has no option that tells which installer's cache it fills."""
    return None


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
