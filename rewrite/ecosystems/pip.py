"""pip: what ``install``, ``wheel`` and ``download`` read and write, and pip's cache.

Facts: pip's documentation (options, configuration, caching) and source; for an empty
``PIP_NO_CACHE_DIR``, pip's rule that empty settings count as unset (seen in the lab with pip 23.0 and
26.3; ``0`` and ``off`` keep the cache disabled).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..build.build import View
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, CachePlan, CleanPlan, Command, ScriptEdit, Site, Tool, Write, no_fetch
from ._cleaning import emptied
from ._pip_settings import PLACES, configuration, environment, homes, prefixes, settings
from ._python_cache import Switch, cache_directory, cache_home, enable, pip_plan
from ._requirements import KINDS, Reader, is_remote

NAME = "pip"
IGNORE = "python"
TOOLS = (
    Tool(
        "pip",
        "Python",
        ("requirements.txt", "pyproject.toml", "setup.py", "setup.cfg"),
        (),
        ("pip install", "pip wheel", "pip download"),
        (
            CachePlace(
                "~/.cache/pip",
                "A",
                "its downloads (http, http-v2); not the wheels that it builds, which depend on flags and libraries",
                "PIP_CACHE_DIR",
            ),
        ),
        "pip's documentation of options, configuration and caching",
    ),
)
INSTALLING = re.compile(r"\b(?:pip3?|venv|virtualenv)\b")
# Settings, but for those that only name an index or how to talk to it.
CONFIGURES = re.compile(
    r"\bpip3? +config +(?:--\S+ +)*set +(?!\S*\.(?:index-url|extra-index-url|trusted-host|timeout|retries|no-cache-dir"
    r"|disable-pip-version-check|root-user-action|break-system-packages|no-warn-script-location|progress-bar)\b)"
    r"|\bpip\.conf\b"
)

_SWITCHES = frozenset(
    "-q -v -U -I -h -V -y --quiet --verbose --upgrade --user --no-user --no-cache-dir --no-cache --no-deps --pre"
    " --no-dependencies --require-hashes --no-index --ignore-installed --force-reinstall --compile --no-compile --yes"
    " --prefer-binary --disable-pip-version-check --no-build-isolation --use-pep517 --no-use-pep517 --no-clean"
    " --break-system-packages --no-warn-script-location --no-warn-conflicts --no-input --isolated --no-color --debug"
    " --require-virtualenv --require-venv --dry-run --check-build-dependencies --ignore-requires-python --no-verify"
    " --no-python-version-warning --global --site --version --help --egg --process-dependency-links".split()
)
_VALUED = frozenset(
    "-r -c -e -i -f -t -w -d -b -C --requirement --constraint --build-constraint --editable --index-url --pypi-url"
    " --extra-index-url --find-links --target --prefix --root --src --source --source-dir --source-directory"
    " --wheel-dir --dest --destination-dir --destination-directory --build --build-dir --build-directory --cache-dir"
    " --timeout --default-timeout --retries --trusted-host --proxy --cert --client-cert --only-binary --no-binary"
    " --progress-bar --root-user-action --upgrade-strategy --platform --python-version --implementation --abi"
    " --global-option --build-option --config-settings --config-setting --install-option --log --log-file --local-log"
    " --use-feature --use-deprecated --exists-action --python --report --group --keyring-provider"
    " --resume-retries --format".split()
)
_SILENT = frozenset({"list", "freeze", "check", "show", "debug", "inspect", "index", "help", "cache"})
_DOWNLOADS = frozenset({"install", "wheel", "download"})


_OFF = Switch(("--no-cache-dir", "--no-cache"), "PIP_NO_CACHE_DIR", "''", "pip takes an empty value as unset")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pip command does; an install's layer is the one that matters."""
    if _arguments_start(step) is None:
        return None
    try:
        return _command(step, view, given(step))
    except UnknownOption as error:
        return Command(NAME, "pip", install=bool(_DOWNLOADS & set(step.words)), declined=Declined(str(error)))


def given(step: Step) -> tuple[Argument, ...]:
    """Return the operands and options of a pip command, the subcommand first; raises UnknownOption."""
    start = _arguments_start(step)
    return () if start is None else tuple(arguments(_without_patterns(step), start, _SWITCHES, _VALUED))


def _arguments_start(step: Step) -> int | None:
    program = step.program or ""
    if re.fullmatch(r"pip(?:[23](?:\.\d+)?)?", program):
        return 1
    if re.fullmatch(r"python(?:[23](?:\.\d+)?)?", program):
        for index, word in enumerate(step.words[1:], 1):
            if word == "-m":
                return index + 2 if index + 1 < len(step.words) and step.words[index + 1] == "pip" else None
            if word is None or not re.fullmatch(r"-[bBdEiIOPqsSuvx]+", word):
                return None
    return None


def _without_patterns(step: Step) -> list[str | None]:
    """Return the words with file patterns such as ``vendor/*.whl`` as they are written."""
    words = list(step.words)
    for index, word in enumerate(step.simple.words):
        if words[index] is None and all(part.kind in ("literal", "glob") for part in word.parts):
            words[index] = "".join(part.text for part in word.parts)
    return words


def _command(step: Step, view: View, found: Sequence[Argument]) -> Command:
    operands = [argument.value for argument in found if not argument.option]
    subcommand = operands[0] if operands else ""
    title = f"pip {subcommand}".strip()
    if not subcommand or subcommand in _SILENT:
        return Command(NAME, title)
    try:
        if subcommand == "config":
            return Command(NAME, title, writes=tuple(_configured(step, operands[1:])))
        if subcommand == "uninstall":
            return replace(_install(step, view, found, [], title), strangers=False)
        if subcommand in _DOWNLOADS:
            return replace(_install(step, view, found, operands[1:], title), install=True)
    except Declined as declined:
        return Command(NAME, title, subcommand != "config", declined=declined)
    return Command(NAME, title, declined=Declined(f"{title} is not known"))


def _configured(step: Step, operands: Sequence[str]) -> Iterator[Write]:
    """Yield what ``pip config`` writes; declines settings that would make a later pip read or write elsewhere."""
    if operands[:1] == ["set"] and len(operands) == 3:
        option, value = "--" + operands[1].rpartition(".")[2].replace("_", "-"), operands[2]
        if option in PLACES or (option in KINDS and not (KINDS[option] in ("index", "links") and is_remote(value))):
            raise Declined(f"it sets {operands[1]} for later commands")
    elif operands[:1] not in (["unset"], ["list"], ["get"], ["debug"]):
        raise Declined("what it changes is not known")
    for home in homes(step):
        yield Write(posixpath.join(home, ".config/pip"), "pip's configuration")


def _install(step: Step, view: View, found: Sequence[Argument], packages: Sequence[str], title: str) -> Command:
    reader = Reader(view, step.cwd, step.env)
    reader.reads += settings(step, view)
    reader.writes += prefixes(step, view)
    given = [(argument.option, argument.value) for argument in found if argument.option]
    named = {PLACES.get(option) for option, _ in given}
    if title in ("pip wheel", "pip download") and not {"--wheel-dir", "--dest"} & named:
        given.append(("--dest", "."))
    for option, value in (*given, *environment(step, reader), *configuration(step, view)):
        if option in KINDS:
            reader.take(KINDS[option], value)
        elif option in PLACES:
            reader.writes.append(Write(_place(step, option, value), PLACES[option]))
        elif option == "--python":
            interpreter = _place(step, option, value)
            prefix = posixpath.dirname(posixpath.dirname(interpreter))
            reader.writes += [Write(path, option) for path in (prefix, interpreter)]
    for package in packages:
        reader.take("package", package)
    reads, writes, proof = dict.fromkeys(reader.reads), dict.fromkeys(reader.writes), dict.fromkeys(reader.proof)
    return Command(
        *(NAME, title, False, tuple(reads), tuple(writes)),
        proof=tuple(proof),
        environment=reader.environment,
        strangers=reader.builds or not _only_wheels(given),
    )


def _only_wheels(options: Sequence[tuple[str, str]]) -> bool:
    """Tell whether pip takes nothing but wheels from the index, so that no package's build script runs.

    ``:all:`` on the command line clears what variables and configuration files say (pip's `FormatControl`).
    """
    wanted = [value for option, value in options if option == "--only-binary"]
    refused = any(option == "--no-binary" for option, _ in options)
    return wanted == [":all:"] and not refused


def _place(step: Step, option: str, value: str) -> str:
    path = None if value.startswith("~") else join(step.cwd, value)
    if path is None:
        raise Declined(f"where {option} {value} lies is not known")
    return path


def cache(site: Site) -> CachePlan | None:
    """Return how a pip command that downloads uses a mount over pip's cache, whatever switched the cache off before."""
    start = _arguments_start(site.step)
    values = site.step.words
    if start is None or not _DOWNLOADS & set(values[start:]) or "--no-index" in values:
        return None
    if any(value is not None and value.startswith("--cache-dir") for value in values):
        raise Declined("--cache-dir is given already")
    home = cache_home(site, "pip", NAME, "PIP_CACHE_DIR")
    edits, found = enable(site.step, home, _OFF)
    return pip_plan("pip", home, edits, found)


def cleaned(step: Step) -> Sequence[str]:
    """Return pip's cache directory for ``pip cache purge``."""
    start = _arguments_start(step)
    if start is None or step.words[start:] != ("cache", "purge"):
        return ()
    try:
        return (cache_directory(step, NAME, "PIP_CACHE_DIR"),)
    except Declined:
        return ()


def clean(site: Site) -> CleanPlan | None:
    """Return how a pip command that downloads keeps nothing: ``--no-cache-dir``, unless something said so before."""
    step = site.step
    start = _arguments_start(step)
    at = next((at for at, word in enumerate(step.words) if word in _DOWNLOADS), None) if start is not None else None
    if start is None or at is None or at < start:
        return None
    given = {(word or "").partition("=")[0] for word in step.words}
    if given & {*_OFF.options, "--cache-dir"} or step.env.get(_OFF.variable, "") != "":
        return None
    directory = cache_directory(step, NAME, "PIP_CACHE_DIR")
    if emptied(site, directory, cleaned):
        return None
    edit = ScriptEdit(step.simple.words[at].span, " --no-cache-dir")
    proof = proved("no step and no program reads pip's cache", "pip only ever fills it again (FACTS: class A)")
    return CleanPlan("keep pip's cache out of the layer", (edit,), directories=(directory,), proof=(proof,))


fetch = no_fetch
