"""pip: what ``install``, ``wheel`` and ``download`` read and write, and pip's cache.

Facts: pip's documentation (options, configuration, caching) and source; for an empty
``PIP_NO_CACHE_DIR``, pip's rule that empty settings count as unset (seen in the lab with pip 23.0 and
26.3; ``0`` and ``off`` keep the cache disabled).
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..build.build import View
from ..build.images import ROOT
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import CachePlan, Command, MountSpec, Read, ScriptEdit, Site, Write
from ._requirements import KINDS, Reader, is_remote

NAME = "pip"
MANIFESTS = ("requirements.txt", "pyproject.toml", "setup.py", "setup.cfg")

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
# Options whose value is a place that pip writes to.
_PLACES = {
    "-t": "--target", "-w": "--wheel-dir", "-d": "--dest", "-b": "--build", **{
        option: option for option in
        "--target --prefix --root --src --source --source-dir --source-directory --wheel-dir --dest --destination-dir"
        " --destination-directory --build --build-dir --build-directory --log --log-file --local-log --report".split()
    },
}  # fmt: skip
_SILENT = frozenset({"list", "freeze", "check", "show", "debug", "inspect", "index", "help", "cache"})
_DOWNLOADS = frozenset({"install", "wheel", "download"})
_SYSTEM_BIN = ("/bin", "/usr/bin", "/usr/local/bin")
_HOME_FILES = (".netrc", ".gitconfig", ".ssh", ".pydistutils.cfg", ".config/git")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pip command does; an install's layer is the one that matters."""
    start = _arguments_start(step)
    if start is None:
        return None
    try:
        found = arguments(_without_patterns(step), start, _SWITCHES, _VALUED)
        return _command(step, view, found)
    except UnknownOption as error:
        return Command(NAME, "pip", install=bool(_DOWNLOADS & set(step.words)), declined=Declined(str(error)))


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
            return _install(step, view, found, [], title)
        if subcommand in _DOWNLOADS:
            return replace(_install(step, view, found, operands[1:], title), install=True, environment=True)
    except Declined as declined:
        return Command(NAME, title, subcommand != "config", declined=declined)
    return Command(NAME, title, declined=Declined(f"{title} is not known"))


def _configured(step: Step, operands: Sequence[str]) -> Iterator[Write]:
    """Yield what ``pip config`` writes; declines settings that would make a later pip read or write elsewhere."""
    if operands[:1] == ["set"] and len(operands) == 3:
        option, value = "--" + operands[1].rpartition(".")[2].replace("_", "-"), operands[2]
        if option in _PLACES or (option in KINDS and not (KINDS[option] in ("index", "links") and is_remote(value))):
            raise Declined(f"it sets {operands[1]} for later commands")
    elif operands[:1] not in (["unset"], ["list"], ["get"], ["debug"]):
        raise Declined("what it changes is not known")
    for home in _homes(step):
        yield Write(posixpath.join(home, ".config/pip"), "pip's configuration")


def _install(step: Step, view: View, found: Sequence[Argument], packages: Sequence[str], title: str) -> Command:
    reader = Reader(view, step.cwd, step.env)
    reader.reads += _settings(step, view)
    reader.writes += _prefixes(step, view)
    given = [(argument.option, argument.value) for argument in found if argument.option]
    named = {_PLACES.get(option) for option, _ in given}
    if title in ("pip wheel", "pip download") and not {"--wheel-dir", "--dest"} & named:
        given.append(("--dest", "."))
    for option, value in (*given, *_environment(step, reader), *_configuration(step, view)):
        if option in KINDS:
            reader.take(KINDS[option], value)
        elif option in _PLACES:
            reader.writes.append(Write(_place(step, option, value), _PLACES[option]))
        elif option == "--python":
            environment = posixpath.dirname(posixpath.dirname(_place(step, option, value)))
            reader.writes += [Write(path, option) for path in (environment, _place(step, option, value))]
    for package in packages:
        reader.take("package", package)
    reads, writes, proof = dict.fromkeys(reader.reads), dict.fromkeys(reader.writes), dict.fromkeys(reader.proof)
    return Command(NAME, title, reads=tuple(reads), writes=tuple(writes), proof=tuple(proof))


def _place(step: Step, option: str, value: str) -> str:
    path = None if value.startswith("~") else join(step.cwd, value)
    if path is None:
        raise Declined(f"where {option} {value} lies is not known")
    return path


def _environment(step: Step, reader: Reader) -> Iterator[tuple[str, str]]:
    """Yield the options that ``PIP_*`` variables give."""
    for name, value in step.env.items():
        option = "--" + name.removeprefix("PIP_").lower().replace("_", "-")
        if not name.startswith("PIP_") or option not in (*KINDS, *_PLACES, "--python"):
            continue
        if value is None and KINDS.get(option) == "index":
            reader.proof.append(assumed(f"{name} names a server", "it is set to a value that is not known"))
        elif value is None:
            raise Declined(f"{name} is set to a value that is not known")
        else:
            for part in value.split():
                yield option, part


def _config_paths(step: Step) -> Iterator[str]:
    yield from ("/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/usr/local/pip.conf", "/usr/pip.conf")
    for home in _homes(step):
        yield from (posixpath.join(home, ".pip/pip.conf"), posixpath.join(home, ".config/pip/pip.conf"))
    for name, tail in (("PIP_CONFIG_FILE", ""), ("XDG_CONFIG_HOME", "pip/pip.conf"), ("VIRTUAL_ENV", "pip.conf")):
        value = step.env.get(name, "")
        path = join(step.cwd, posixpath.join(value, tail)) if value else None
        if value is None or (value and path is None):
            raise Declined(f"{name} is set to a value that is not known")
        if path:
            yield path


def _configuration(step: Step, view: View) -> Iterator[tuple[str, str]]:
    """Yield the options that the project's own pip.conf gives, if a COPY puts one where pip looks."""
    for path in _config_paths(step):
        text = view.read(path)
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text or "")
        except configparser.Error:
            raise Declined("pip's configuration cannot be read", view.place(path)) from None
        for section in parser.sections():
            for key, value in parser.items(section):
                option = "--" + key.replace("_", "-")
                if option in (*KINDS, *_PLACES):
                    yield from ((option, part) for part in value.split())


def _settings(step: Step, view: View) -> Iterator[Read]:
    """Yield the files that pip, and git under it, read without being told to; declines code that Python starts with."""
    for path in _config_paths(step):
        yield Read(path, "pip's configuration")
    homes = _homes(step) or [mapping.destination for copy in view.copies for mapping in copy.mappings if mapping.is_dir]
    for home in homes:
        for name in _HOME_FILES:
            yield Read(posixpath.join(home, name), "pip or git reads it from the home directory")
    for entry in (step.env.get("PYTHONPATH") or "").split(":"):
        directory = join(step.cwd, entry) if entry else None
        for name in ("sitecustomize.py", "usercustomize.py"):
            if directory and view.exists(posixpath.join(directory, name)):
                raise Declined(f"Python runs {name} of PYTHONPATH", view.place(posixpath.join(directory, name)))


def _homes(step: Step) -> list[str]:
    home = step.env.get("HOME")
    return [home] if home else []


def _prefixes(step: Step, view: View) -> Iterator[Write]:
    """Yield where pip installs: the interpreter's prefix, an environment named by the program, PATH or VIRTUAL_ENV."""
    for path in ("/usr/local", "/usr/lib", "/usr/bin"):
        yield Write(path, "pip's prefix")
    program = step.words[0] or ""
    if "/" not in program and step.env.get("PATH", "") is None:
        raise Declined("PATH is set to a value that is not known")
    entries = [posixpath.dirname(program)] if "/" in program else (step.env.get("PATH") or "").split(":")
    for directory in (join(step.cwd, entry) for entry in entries if entry):
        if directory and directory.endswith("/bin") and directory not in _SYSTEM_BIN and _holds_python(directory, view):
            yield Write(posixpath.dirname(directory), "the environment that pip installs into")
    for name in ("VIRTUAL_ENV", "PYTHONUSERBASE", "PIP_CACHE_DIR", "XDG_CACHE_HOME"):
        value = step.env.get(name)
        place = join(step.cwd, value) if value else None
        if place:
            yield Write(place, name)
    for home in _homes(step):
        for folder in (".local", ".cache"):
            yield Write(posixpath.join(home, folder), "pip's user directory")


def _holds_python(directory: str, view: View) -> bool:
    """Tell whether a ``bin`` may be an environment's; one that the project brings without a Python is its own."""
    names = (posixpath.join(directory, name) for name in ("python", "python3", "pip", "../pyvenv.cfg"))
    return not view.is_dir(directory) or any(view.exists(posixpath.normpath(name)) for name in names)


def cache(site: Site) -> CachePlan | None:
    """Return how a pip command that downloads uses a mount over pip's cache, whatever switched the cache off before."""
    start = _arguments_start(site.step)
    values = site.step.words
    if start is None or not _DOWNLOADS & set(values[start:]) or "--no-index" in values:
        return None
    if any(value is not None and value.startswith("--cache-dir") for value in values):
        raise Declined("--cache-dir is given already")
    if site.account is None or site.run.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where pip's cache lies")
    prefix = ""
    if site.account.name == ROOT.name:
        mount = MountSpec(_cache_directory(site.step))
        proof = [proved("pip runs as root and keeps its cache there", f"HOME is {site.run.home}")]
    elif site.account.uid is None:
        raise Declined(f"the uid of the user {site.account.name} is not known, who could not write to the mount")
    else:
        mount = _foreign_mount(site, site.account.uid, site.account.gid)
        prefix = f"PIP_CACHE_DIR={mount.target} "
        proof = [proved(f"the mount belongs to {site.account.name}", f"uid {site.account.uid}")]
    edits, found = _enable(site.step, prefix)
    return CachePlan(
        "keep pip's downloads and built wheels in a cache mount",
        "after an edit of the requirements only what is new is downloaded and built",
        (mount,),
        tuple(edits),
        (mount.target,),
        (*proof, *found, proved("no step and no program reads pip's cache", "pip only ever fills it again")),
    )


def _foreign_mount(site: Site, uid: int, gid: int | None) -> MountSpec:
    """Return a mount outside of HOME: its parents are made as root, and ~/.cache would be closed to the user."""
    target = "/tmp/.cache/pip"
    for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR"):
        if target.startswith((site.step.env.get(name) or "-").rstrip("/") + "/"):
            raise Declined(f"{name} is {site.step.env[name]}, whose .cache would belong to root during the RUN")
    if any(assignment.name == "PIP_CACHE_DIR" for assignment in site.step.simple.assignments):
        raise Declined("PIP_CACHE_DIR is set for this command")
    return MountSpec(target, uid=uid, gid=gid)


def _cache_directory(step: Step) -> str:
    env = step.env
    for name, tail in (("PIP_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/pip")):
        if env.get(name, "") != "":
            value = env[name]
            if value is None or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(value + tail)
    return posixpath.normpath(f"{env.get('HOME') or '/root'}/.cache/pip")


def _enable(step: Step, prefix: str) -> tuple[list[ScriptEdit], list[Obligation]]:
    """Return the edits that make pip use its cache, with what they rest on."""
    edits, proof = [], []
    words = step.simple.words
    for before, word, value in zip(words, words[1:], step.words[1:], strict=False):
        if value in ("--no-cache-dir", "--no-cache"):
            edits.append(ScriptEdit(before.span, delete=word.span))
            proof.append(proved(f"{value} only kept the cache out of the layer, as the mount does now"))
    if any(assignment.name == "PIP_NO_CACHE_DIR" for assignment in step.simple.assignments):
        raise Declined("PIP_NO_CACHE_DIR is set for this command")
    if step.env.get("PIP_NO_CACHE_DIR", "") != "":
        prefix = "PIP_NO_CACHE_DIR='' " + prefix
        proof.append(proved("ENV PIP_NO_CACHE_DIR stays as it is", "pip takes an empty value as unset"))
    if prefix:
        edits.append(ScriptEdit(before=words[0].span.start, text=prefix))
    return edits, proof


def cleaned(step: Step) -> Sequence[str]:
    """Return pip's cache directory for ``pip cache purge``."""
    start = _arguments_start(step)
    if start is None or step.words[start:] != ("cache", "purge"):
        return ()
    try:
        return (_cache_directory(step),)
    except Declined:
        return ()
