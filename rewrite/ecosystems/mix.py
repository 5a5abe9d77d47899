"""mix: ``deps.get`` and ``deps.compile`` of an Elixir project, hex and rebar; hex's cache of packages.

Facts: Mix's and Hex's documentation (Mix.Tasks.Deps, environment variables, ``mix hex.config``) and source (Mix.CLI;
Hex.SCM: packages lie in ``$HEX_HOME/packages`` by repository, and are used only if the registry's checksum is theirs;
``$HEX_HOME/hex.config`` holds repositories and keys, so that only packages is mounted); phx.gen.release's Dockerfile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..build.build import View
from ..build.options import arguments
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, Command, Fetch, MountSpec, Need, Read, Site, Tool, Write, cleans_nothing, no_clean
from ._mix_project import Project
from ._private_cache import owner

NAME = "mix"
IGNORE = "elixir"
TOOLS = (
    Tool(
        "mix",
        "Elixir",
        ("mix.exs",),
        ("mix.lock",),
        ("mix deps.get", "mix deps.compile", "mix local.hex"),
        (
            CachePlace(
                "~/.hex/packages", "A", "archives, which hex checks against its registry before use", "HEX_HOME"
            ),
            CachePlace("~/.mix", "C", "hex and rebar themselves, which later commands run", "MIX_HOME"),
        ),
        "Mix's and Hex's documentation, Mix.CLI, Hex.SCM",
        needs=(Need("mix deps.get", ("mix.exs",)),),
    ),
)
INSTALLING = re.compile(r"\bmix\b[^\n;&|]*?\bdeps\.(?:get|update)\b")
CONFIGURES = re.compile(r"(?!)")  # hex's settings name servers and keys only

_SWITCH_NAMES = """
--force --check-locked --no-archives-check --skip-umbrella-children --skip-local-deps --include-children --if-missing
--no-compile --all
"""
_SWITCHES = frozenset(_SWITCH_NAMES.split())
_VALUED = frozenset("--only --target --sha512".split())
# Its variables that name no file of a project.
_VARIABLE_NAMES = """
MIX_ENV MIX_TARGET MIX_HOME MIX_QUIET MIX_DEBUG MIX_PROFILE MIX_TEST_PARTITION MIX_OS_DEPS_COMPILE_PARTITION_COUNT
MIX_OS_CONCURRENCY_LOCK MIX_REBAR3 MIX_ARCHIVES MIX_DEPS_PATH MIX_BUILD_PATH MIX_BUILD_ROOT
"""
_VARIABLES = frozenset(_VARIABLE_NAMES.split())
_FLAGS = ("ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "ELIXIR_ERL_OPTIONS", "ERL_COMPILER_OPTIONS", "ERL_LIBS")
_LOCAL = frozenset({"local.hex", "local.rebar", "local.public_keys"})
_HEX = frozenset({"hex.repo", "hex.config", "hex.organization", "hex.info"})


def _tasks(step: Step) -> list[list[str | None]]:
    """Return the tasks of a mix command, each with its arguments: one, or those of ``mix do a, b`` and ``a + b``."""
    words = list(step.words[1:])
    if words[:1] != ["do"]:
        return [words]
    found: list[list[str | None]] = [[]]
    for word in words[1:]:
        if word == "+":
            found.append([])
        elif word is not None and word.endswith(","):
            found[-1].append(word[:-1])
            found.append([])
        else:
            found[-1].append(word)
    return [task for task in found if task]


def recognise(step: Step, view: View) -> Command | None:
    """Return what a mix command does."""
    if step.program != "mix":
        return None
    tasks = _tasks(step)
    names = [task[0] or "?" for task in tasks if task]
    title = f"mix {' + '.join(names)}"
    installs = bool({"deps.get", "deps.compile", *_LOCAL} & set(names))
    try:
        _environment(step)
        return _together(title, [_task(step, view, task) for task in tasks])
    except Declined as declined:
        known = all(name.startswith(("deps", "local.", "hex.")) for name in names)
        return Command(NAME, title, installs, declined=declined, project=not known)


def _together(title: str, found: Sequence[Command]) -> Command:
    first = found[0]
    for other in found[1:]:
        first = replace(
            first,
            install=first.install or other.install,
            reads=tuple(dict.fromkeys((*first.reads, *other.reads))),
            writes=tuple(dict.fromkeys((*first.writes, *other.writes))),
            proof=tuple(dict.fromkeys((*first.proof, *other.proof))),
            environment=first.environment or other.environment,
            strangers=first.strangers or other.strangers,
        )
    return replace(first, title=title)


def _environment(step: Step) -> None:
    for name, value in step.env.items():
        unknown = name.startswith("MIX_") and name not in _VARIABLES
        if unknown or (
            name in ("MIX_DEPS_PATH", "MIX_BUILD_PATH", "MIX_BUILD_ROOT") and not (value or "").startswith("/")
        ):
            raise Declined(f"what {name} makes mix read or write is not known")
        if name in _FLAGS and not re.fullmatch(r"(?:\+\w+(?: \w+)?\s*)*", value if value is not None else "-"):
            raise Declined(f"what {name} makes Erlang load is not known")


def _task(step: Step, view: View, words: Sequence[str | None]) -> Command:
    found = arguments(words, 1, _SWITCHES, _VALUED)
    name, options = str(words[0] if words else ""), {item.option for item in found}
    title = f"mix {name}"
    if name in ("", "help", "--version", "-v", "--help"):
        return Command(NAME, title)
    if step.cwd is None:
        raise Declined("the directory that mix runs in is not known")
    homes = tuple(_homes(step))
    if name in _LOCAL or name in _HEX:
        return _tool(step, view, title, homes, [item.value for item in found if not item.option])
    if name not in ("deps.get", "deps.compile"):
        raise Declined(f"what {title} reads and writes depends on the project")
    project = Project(step.cwd, view, step.env.get("MIX_ENV", "dev"))
    project.gather()
    project.reads.append(Read(f"{step.env.get('HOME') or '/root'}/.mix/config.exs", "mix runs it"))
    writes = [*homes, Write(_place(step, "MIX_DEPS_PATH", "deps"), "mix fetches dependencies")]
    writes += [Write(path, "mix builds") for path in _builds(step)]
    if name == "deps.get":
        if "--check-locked" in options:
            project.proof.append(proved("mix.lock stays as it is", "--check-locked"))
        else:
            writes.append(Write(f"{step.cwd}/mix.lock", "mix deps.get may complete it", local=False))
    elif project.umbrella and "--skip-umbrella-children" not in options:
        raise Declined("deps.compile builds the apps of the umbrella, too", view.place(f"{step.cwd}/mix.exs"))
    return Command(
        NAME,
        title,
        True,
        tuple(dict.fromkeys(project.reads)),
        tuple(dict.fromkeys(writes)),
        proof=tuple(dict.fromkeys(project.proof)),
        environment=project.environment or name == "deps.compile",
        strangers=name == "deps.compile",
    )


def _tool(step: Step, view: View, title: str, homes: tuple[Write, ...], operands: Sequence[str]) -> Command:
    """Return the effect of a task that only brings or configures a tool: it runs mix.exs, and needs nothing of it."""
    if any("/" in operand and "://" not in operand for operand in operands):
        raise Declined(f"{title} installs from the tree")
    path = f"{step.cwd}/mix.exs"
    if view.exists(path):
        project = Project(step.cwd or "/", view, step.env.get("MIX_ENV", "dev"))
        project.gather()
    return Command(NAME, title, title.startswith("mix local."), (), homes, strangers=False)


def _homes(step: Step) -> Iterator[Write]:
    home = step.env.get("HOME") or "/root"
    given = [step.env.get(name) or "" for name in ("MIX_HOME", "HEX_HOME", "MIX_REBAR3", "MIX_ARCHIVES")]
    names = (".mix", ".hex", ".cache/rebar3", ".config/rebar3", ".cache/erlang")
    for path in (*(posixpath.join(home, name) for name in names), *(path for path in given if path.startswith("/"))):
        yield Write(path, "mix, hex and rebar keep their own", local=False)


def _place(step: Step, variable: str, default: str) -> str:
    return posixpath.normpath(posixpath.join(step.cwd or "/", step.env.get(variable) or default))


def _builds(step: Step) -> Iterator[str]:
    names = [name for name in ("MIX_BUILD_PATH", "MIX_BUILD_ROOT") if step.env.get(name)]
    yield from (_place(step, name, "_build") for name in names)
    if not names:
        yield _place(step, "MIX_BUILD_ROOT", "_build")


def cache(site: Site) -> CachePlan | None:
    """Return how ``mix deps.get`` keeps the packages of hex in a mount."""
    step = site.step
    if step.program != "mix" or not any(task[:1] == ["deps.get"] for task in _tasks(step)):
        return None
    if step.env.get("HEX_OFFLINE", "") not in ("", "0", "false"):
        return None
    for name in ("MIX_XDG", "HEX_REPOS_KEY"):
        if step.env.get(name, "") != "":
            raise Declined(f"with {name} it is not known where hex's packages lie")
    who = owner(site, "hex's cache")
    given = step.env.get("HEX_HOME", "")
    if given is None or (given and not given.startswith("/")):
        raise Declined("HEX_HOME is not a path that is known")
    if who.uid is not None:
        raise Declined("a mount in a user's ~/.hex would make that root's", site.build.step_place(site.run, step))
    _one_repository(site)
    for run in site.later_runs:
        for later in run.steps:
            if later.program == "mix" and later.env.get("HEX_OFFLINE", "") not in ("", "0", "false"):
                raise Declined("a later mix works offline, from the cache", site.build.step_place(run, later))
    target = posixpath.normpath(f"{given or posixpath.join(site.run.home or '/root', '.hex')}/packages")
    return CachePlan(
        "keep hex's packages in a cache mount",
        "after an edit of mix.lock only what is new is downloaded",
        (MountSpec(target, "locked"),),
        (),
        (target,),
        (
            proved(f"hex keeps packages in {target}", f"HEX_HOME={given}" if given else f"HOME is {site.run.home}"),
            proved("no step and no program reads hex's packages", "hex unpacks them, checks them, and fetches again"),
        ),
    )


def _one_repository(site: Site) -> None:
    """Decline if packages are not all of the one public repository: others may share a name."""
    path = posixpath.join(site.step.cwd or "/", "mix.lock")
    lock = site.view.read(path)
    if lock is None:
        raise Declined("there is no mix.lock that names the repositories of the packages")
    for line in lock.split("\n"):
        if "{:hex," in line and not re.search(r'\], "hexpm"(?:, "[0-9a-f]+")?\}', line):
            raise Declined("a package is from another repository than hexpm", site.view.place(path))


def fetch(site: Site) -> Fetch | None:
    """Return the ``deps.get`` of a ``mix do`` that goes on with tasks of the project."""
    step = site.step
    tasks = _tasks(step) if step.program == "mix" else []
    found = recognise(step, site.view)
    if len(tasks) < 2 or tasks[0][0] != "deps.get" or found is None or not found.declined:
        return None
    command = _together("mix deps.get", [_task(step, site.view, tasks[0])])
    words = [str(word) for word in tasks[0]]
    if any(not re.fullmatch(r"[\w.=-]+", word) for word in words):
        raise Declined("a word of the command depends on a variable that is not known")
    simple = step.simple
    start = simple.assignments[0].span.start if simple.assignments else simple.words[0].span.start
    prefix = site.run.text.text[start : simple.words[0].span.end]
    return Fetch(
        "mix deps.get",
        f"{prefix} {' '.join(words)}",
        "an edit of a source file no longer fetches the dependencies again",
        command.reads,
        tuple(write for write in command.writes if write.local),
        (*command.proof, proved("the command below finds every dependency in place", "mix.lock")),
        exact=True,
    )


cleaned = cleans_nothing


clean = no_clean
