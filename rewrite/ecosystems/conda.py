"""conda, mamba and micromamba: environments from environment.yml with its pip section, lists of packages, lockfiles.

Facts: conda's and micromamba's documentation (none of it was run in the lab, which reaches no channel). No cache mount:
conda notes in ``conda-meta`` whether each package was linked or copied and from where, and a mount over ``pkgs``, which
hard links do not leave, would change that and hide the base image's own packages.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, assumed
from . import CachePlace, CachePlan, CleanPlan, Command, Read, Site, Tool, Write, cleans_nothing, no_fetch
from ._cleaning import emptied, last_of
from ._conda_files import environment_file, package_list
from ._pip_settings import environment, settings
from ._python_environment import home_writes
from ._requirements import KINDS, Reader

NAME = "conda"
IGNORE = "python"
TOOLS = (
    Tool(
        "conda",
        "Python",
        ("environment.yml", "environment.yaml"),
        ("conda-lock.yml", "conda-linux-64.lock"),
        ("conda env create", "conda env update", "conda install", "mamba install", "micromamba install"),
        (
            CachePlace(
                "/opt/conda/pkgs",
                "C",
                "environments are linked to it, and conda-meta says so for each package",
                "CONDA_PKGS_DIRS",
            ),
        ),
        "conda's and micromamba's documentation of environments and configuration",
    ),
)
INSTALLING = re.compile(r"\b(?:conda|mamba|micromamba)\b")
CONFIGURES = re.compile(
    r"\b(?:conda|mamba|micromamba) +config\b[^&;|]*(?:--file|--env|pkgs_dirs|envs_dirs)|\b\.?condarc\b"
)

_SWITCHES = frozenset(
    "-y -q -v -h -V --yes --quiet --verbose --help --version --no-deps --only-deps --force --force-reinstall --prune"
    " --freeze-installed --no-update-deps --update-deps --update-all --all --no-pin --copy --always-copy"
    " --override-channels --strict-channel-priority --no-channel-priority --json --dry-run -d --download-only -k"
    " --insecure --no-default-packages --use-local --no-rc --no-env --no-py-pin --py-pin --allow-uninstall"
    " --no-allow-uninstall --allow-downgrade --experimental --retry-clean-cache".split()
)
_VALUED = frozenset(
    "-n -p -f -c -r --name --prefix --file --channel --solver --platform --subdir --root-prefix --rc-file --category"
    " --channel-priority --repodata-fn --experimental-solver".split()
)
_PROGRAMS = frozenset({"conda", "mamba", "micromamba"})
_INSTALLS = frozenset({"install", "create", "update", "upgrade", "env create", "env update"})
_SILENT = frozenset(
    {"", "init", "info", "list", "search", "activate", "deactivate", "env list", "shell", "clean", "config", "help"}
)
_YAML = (".yml", ".yaml")
_PLACES = ("MAMBA_ROOT_PREFIX", "CONDA_PREFIX", "CONDA_ENVS_DIRS", "CONDA_ENVS_PATH", "CONDA_PKGS_DIRS", "CONDA_DIR")
_PACKAGES = re.compile(r"(?:conda|mamba|forge)[^/]*/pkgs\Z")
_ITS_BINARIES = re.compile(r"(?:conda|mamba|forge)\d*/(?:bin|condabin)\Z")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a conda, mamba or micromamba command does; an install's layer is the one that matters."""
    verb = _verb(step)
    if verb is None:
        return None
    title = f"{step.program} {verb}".strip()
    if verb == "run":
        return Command(NAME, title, declined=Declined(f"what {title} starts is not followed"), project=True)
    try:
        if verb in _SILENT and None not in step.words:
            return Command(NAME, title, writes=tuple(_written(step, ())))
        if verb not in _INSTALLS:
            raise Declined(f"{title} is not known")
        found = arguments(step.words, 1, _SWITCHES, _VALUED)
        return _command(step, view, found, verb, title)
    except UnknownOption as error:
        return Command(NAME, title, verb in _INSTALLS, declined=error)
    except Declined as declined:
        return Command(NAME, title, verb in _INSTALLS, declined=declined)


def _verb(step: Step) -> str | None:
    """Return the command in `step`, of one word or of two behind ``env``; None if it is none of conda's."""
    if step.program not in _PROGRAMS:
        return None
    operands = [word for word in step.words[1:] if word is not None and not word.startswith("-")]
    return " ".join(operands[: 2 if operands[:1] == ["env"] else 1])


def _command(step: Step, view: View, found: Sequence[Argument], verb: str, title: str) -> Command:
    operands = [item.value for item in found if not item.option][len(verb.split()) :]
    if any(item.option in ("--use-local", "--rc-file") for item in found) or step.env.get("CONDARC", "") != "":
        raise Declined("what its options make it read is not known")
    reader = Reader(view, step.cwd, step.env)
    for value in (item.value for item in found if item.option in ("-c", "--channel")):
        if "file:" in value or value.startswith((".", "/", "~")):
            raise Declined(f"it looks for packages in {value}")
    for operand in operands:
        if re.search(r"^[./~]|^file:|\.(?:conda|tar\.bz2)$", operand):
            raise Declined(f"{operand} is in the tree")
    files = [item.value for item in found if item.option in ("-f", "--file")]
    for name in files or (["environment.yml"] if verb.startswith("env") else []):
        _take(name, step, reader)
    reader.reads += [*settings(step, view), *_settings(step, view)]
    for option, value in environment(step, reader):
        if option in KINDS:
            reader.take(KINDS[option], value)
    reads, writes = dict.fromkeys(reader.reads), dict.fromkeys([*reader.writes, *_written(step, found)])
    proof = tuple(dict.fromkeys(reader.proof))
    return Command(NAME, title, True, tuple(reads), tuple(writes), None, proof, reader.environment, strangers=True)


def _take(name: str, step: Step, reader: Reader) -> None:
    path = join(step.cwd, name)
    if path is None or "://" in name:
        raise Declined(f"where {name} lies is not known")
    if name.endswith(("-lock.yml", "-lock.yaml")) or not name.endswith(_YAML):
        package_list(path, reader)
    else:
        environment_file(path, reader)


def _settings(step: Step, view: View) -> Iterator[Read]:
    """Yield the settings that conda finds; declines those of the project, which may name files."""
    prefixes = [write.path for write in _written(step, ())]
    homes = [step.env["HOME"]] if step.env.get("HOME") else []
    for directory in ("/etc/conda", "/var/lib/conda", *prefixes, *homes):
        for name in (".condarc", "condarc", ".mambarc"):
            path = posixpath.join(str(directory), name)
            if view.exists(path):
                raise Declined("a COPY brings settings of conda that are not followed", view.place(path))
            yield Read(path, "conda's settings")


def _written(step: Step, found: Sequence[Argument]) -> Iterator[Write]:
    """Yield where environments and packages go; raises Declined."""
    values = [item.value for item in found if item.option in ("-p", "--prefix", "-r", "--root-prefix")]
    for name in _PLACES:
        values += [step.env[name] or "$"] if step.env.get(name, "") != "" else []
    program = step.words[0] or ""
    paths = [posixpath.dirname(program)] if "/" in program else (step.env.get("PATH") or "").split(":")
    values += [posixpath.dirname(path) for path in paths if _ITS_BINARIES.search(path)]
    for value in ("/opt/conda", *values):
        path = join(step.cwd, value)
        if path is None or "$" in value:
            raise Declined("where conda keeps its environments is not known")
        yield Write(path, "conda keeps environments and packages there")
    yield from home_writes(step)
    if step.env.get("HOME"):
        for name in (".conda", ".mamba", ".condarc", ".mambarc", "micromamba", ".bashrc"):
            yield Write(posixpath.join(step.env["HOME"] or "/", name), "conda keeps its own files there", local=False)


def cache(site: Site) -> CachePlan | None:
    """Return nothing; raises Declined for an install."""
    if _verb(site.step) in _INSTALLS:
        raise Declined("conda notes how each package was linked, which a mount over its packages would change")
    return None


def clean(site: Site) -> CleanPlan | None:
    """Return how the installs of a RUN leave no archives, and no packages that no environment is linked to."""
    steps = site.run.steps
    installs = [step for step in steps if _verb(step) in _INSTALLS]
    if site.step not in installs[:1]:
        return None  # the first install of a RUN speaks for all
    written = [posixpath.join(write.path, "pkgs") for write in _written(site.step, ())]
    packages = [path for path in written if _PACKAGES.search(path)]
    behind = steps[steps.index(installs[-1]) :]
    if any(_verb(step) == "clean" for step in behind) or any(emptied(site, path, cleaned) for path in packages):
        return None
    for run in (site.run, *site.later_runs):
        for step in run.steps:
            if _verb(step) is not None and "--offline" in step.words:
                raise Declined("it works from the packages that are there", site.build.step_place(run, step))
    last = last_of(site, _PROGRAMS)
    if _verb(last) not in _INSTALLS:
        raise Declined(f"`{last.program} {_verb(last)}` follows the install", site.build.step_place(site.run, last))
    doubt = "conda's `allow_softlinks`, which is off by default, would make such links"
    return CleanPlan(
        "remove conda's archives and unused packages in the RUN that brings them",
        (),
        f"{last.simple.words[0].raw} clean -afy",
        last,
        tuple(packages),
        (assumed("no environment holds a symbolic link to a package", doubt),),
    )


cleaned = cleans_nothing
fetch = no_fetch
