"""pip-tools: ``pip-sync`` installs what requirements files say and nothing else, ``pip-compile`` writes such files.

Facts: pip-tools' documentation: both use pip and its settings, and pip's cache; without an operand ``pip-sync`` takes
requirements.txt, ``pip-compile`` what it finds of requirements.in, setup.py, pyproject.toml and setup.cfg.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from ..build.build import View
from ..build.options import Argument, UnknownOption, arguments
from ..build.runs import Step
from ..model import Declined
from . import NEVER, CachePlan, Command, Read, Site, Tool, Write, cleans_nothing, no_clean, no_fetch
from ._members import image_path
from ._pip_settings import configuration, environment, homes, prefixes, settings
from ._python_cache import Switch, cache_home, enable, pip_plan
from ._requirements import KINDS, Reader

NAME = "pip-tools"
IGNORE = "python"
TOOLS = (
    Tool(
        "pip-tools",
        "Python",
        ("requirements.in", "requirements.txt"),
        ("requirements.txt",),
        ("pip-sync",),
        (),
        "pip-tools' documentation; its cache is pip's",
    ),
)
INSTALLING = re.compile(r"\bpip-sync\b")
CONFIGURES = NEVER

_SWITCHES = frozenset(
    "-a --ask -n --dry-run --force --no-index -q --quiet -v --verbose --user --no-config --version -h --help --pre"
    " --rebuild --emit-find-links --emit-index-url --emit-trusted-host --emit-options --no-emit-options --no-header"
    " --no-annotate --header --annotate -U --upgrade --generate-hashes --reuse-hashes --no-reuse-hashes --allow-unsafe"
    " --no-allow-unsafe --strip-extras --no-strip-extras --build-isolation --no-build-isolation --no-emit-index-url"
    " --no-emit-trusted-host --no-emit-find-links --all-extras --all-build-deps".split()
)
_VALUED = frozenset(
    "-f --find-links -i --index-url --extra-index-url --trusted-host --cert --client-cert --python-executable --config"
    " --pip-args -o --output-file -P --upgrade-package --extra -c --constraint --annotation-style --resolver"
    " --newline --max-rounds --unsafe-package --no-emit-package --build-deps-for --only-build-deps".split()
)
_OFF = Switch((), "PIP_NO_CACHE_DIR", "''", "pip takes an empty value as unset")


def recognise(step: Step, view: View) -> Command | None:
    """Return what ``pip-sync`` and ``pip-compile`` do."""
    if step.program not in ("pip-sync", "pip-compile"):
        return None
    is_sync = step.program == "pip-sync"
    try:
        found = arguments(step.words, 1, _SWITCHES, _VALUED)
        return _command(step, view, found, is_sync)
    except UnknownOption as error:
        return Command(NAME, step.program, is_sync, declined=error)
    except Declined as declined:
        return Command(NAME, step.program, is_sync, declined=declined)


def _command(step: Step, view: View, found: Sequence[Argument], is_sync: bool) -> Command:
    operands = [item.value for item in found if not item.option]
    given = [(item.option, item.value) for item in found if item.option]
    named = {option for option, _ in given}
    if {"--pip-args", "--config", "--build-deps-for", "--only-build-deps"} & named:
        raise Declined("what its options make pip read is not known")
    reader = Reader(view, step.cwd, step.env)
    reader.reads += settings(step, view)
    for name in (".pip-tools.toml", "pyproject.toml"):
        reader.reads.append(Read(image_path(step, name), "it holds settings of pip-tools"))
    for option, value in (*given, *environment(step, reader), *configuration(step, view)):
        if option in KINDS:
            reader.take(KINDS[option], value)
    if not operands and not is_sync:
        raise Declined("what it compiles depends on what is there")
    for operand in operands or ["requirements.txt"]:
        if not operand.endswith((".txt", ".in")):
            raise Declined(f"what {operand} asks for is not known")
        reader.take("requirements", operand)
    reader.writes += prefixes(step, view) if is_sync else [_output(step, operands, given, reader)]
    reader.writes += [Write(posixpath.join(home, ".cache"), "its cache", local=False) for home in homes(step)]
    reads, writes, proof = dict.fromkeys(reader.reads), dict.fromkeys(reader.writes), dict.fromkeys(reader.proof)
    return Command(
        NAME,
        str(step.program),
        is_sync,
        tuple(reads),
        tuple(writes),
        None,
        tuple(proof),
        reader.environment,
        strangers=True,
    )


def _output(step: Step, operands: Sequence[str], given: Sequence[tuple[str, str]], reader: Reader) -> Write:
    """Return what ``pip-compile`` writes; it keeps the versions that are there."""
    named = [value for option, value in given if option in ("-o", "--output-file")]
    path = image_path(step, named[-1] if named else re.sub(r"\.in\Z", "", operands[0]) + ".txt")
    reader.reads.append(Read(path, "it keeps the versions that are there"))
    return Write(path, "pip-compile writes it", local=False)


def cache(site: Site) -> CachePlan | None:
    """Return how ``pip-sync`` uses mounts over pip's cache."""
    if site.step.program != "pip-sync":
        return None
    if any(word is None or word.startswith("--pip-args") for word in site.step.words):
        raise Declined("--pip-args may tell pip where its cache lies, or to have none")
    home = cache_home(site, "pip", "pip", "PIP_CACHE_DIR")
    edits, found = enable(site.step, home, _OFF)
    return pip_plan("pip", home, edits, found)


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
