"""pip: requirements files and everything they pull in, projects installed from the tree, pip's cache.

Facts: pip's documentation (requirements file format, ``pip install``, caching) and, for an empty
``PIP_NO_CACHE_DIR``, pip's configuration rule that empty settings count as unset (seen in the lab
with pip 23.0 and 26.3; ``0`` and ``off`` keep the cache disabled).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.images import ROOT
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, Obligation, proved
from . import CachePlan, Command, MountSpec, Read, ScriptEdit, Site, Write
from ._python_project import project_reads

NAME = "pip"
MANIFESTS = ("requirements.txt", "pyproject.toml", "setup.py", "setup.cfg")

_SWITCHES = frozenset(
    "-q -v -U -I -h --quiet --verbose --upgrade --user --no-cache-dir --no-deps --pre --require-hashes --no-index"
    " --ignore-installed --force-reinstall --compile --no-compile --disable-pip-version-check --prefer-binary"
    " --no-build-isolation --use-pep517 --no-use-pep517 --break-system-packages --no-warn-script-location"
    " --no-warn-conflicts --no-input --isolated --no-color --no-clean --require-virtualenv --dry-run"
    " --check-build-dependencies --ignore-requires-python --no-python-version-warning --debug --no-binary-enable-wheel-cache"
    " --eager --no-require-hashes --default-pip".split()
)
_VALUED = frozenset(
    "-r -c -e -i -f -t --requirement --constraint --build-constraint --editable --index-url --extra-index-url --find-links"
    " --target --prefix --root --src --cache-dir --timeout --default-timeout --retries --trusted-host --proxy --cert"
    " --client-cert --only-binary --no-binary --progress-bar --root-user-action --upgrade-strategy --platform"
    " --python-version --implementation --abi --global-option --config-settings -C --install-option --log --use-feature"
    " --use-deprecated --exists-action --python --report --group --keyring-provider --resume-retries"
    " --no-build-isolation-package --uploaded-prior-to".split()
)
_SYSTEM_BIN = ("/bin", "/usr/bin", "/usr/local/bin")
_LOCAL = re.compile(r"(?:\.{1,2}(?:/|\Z)|/|~/|file:)")
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz|tar)\Z")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pip command does; `install` is the only one whose layer matters."""
    start = _arguments_start(step)
    if start is None:
        return None
    try:
        found = arguments(step.words, start, _SWITCHES, _VALUED)
    except UnknownOption as error:
        return Command(NAME, "pip", declined=Declined(str(error)))
    operands = [argument for argument in found if not argument.option]
    if not operands:
        return Command(NAME, "pip")
    subcommand, *packages = operands
    if subcommand.value in ("cache", "config", "list", "freeze", "check", "show", "debug", "help", "--version"):
        return Command(NAME, f"pip {subcommand.value}")
    if subcommand.value == "uninstall":
        return Command(NAME, "pip uninstall", writes=_prefixes(step, view))
    if subcommand.value != "install":
        return Command(NAME, f"pip {subcommand.value}", declined=Declined(f"pip {subcommand.value} is not known"))
    return _install(step, view, found, packages)


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


def _install(step: Step, view: View, found: Sequence[Argument], packages: Sequence[Argument]) -> Command:
    writes = [*_prefixes(step, view), *_targets(step, found)]
    reads = list(_settings(step))
    try:
        for kind, value in _sources(step, found, packages):
            path = join(step.cwd, value) if kind != "package" else None
            if kind == "requirements":
                reads += _requirements(value, step, view, writes)
            elif kind == "links":
                if not _URL.match(value) or value.startswith("file:"):
                    reads.append(_local_path(value, step.cwd, "--find-links"))
            elif kind == "editable" or _is_local(value):
                reads += _local(value, step.cwd, view, writes, kind == "editable")
            elif kind == "file" and path:
                reads.append(Read(path, "an option names it"))
    except Declined as declined:
        return Command(NAME, "pip install", True, declined=declined)
    return Command(NAME, "pip install", True, tuple(dict.fromkeys(reads)), tuple(dict.fromkeys(writes)))


def _sources(step: Step, found: Sequence[Argument], packages: Sequence[Argument]) -> Iterator[tuple[str, str]]:
    kinds = {
        "-r": "requirements", "--requirement": "requirements", "-c": "requirements", "--constraint": "requirements",
        "--build-constraint": "requirements", "-e": "editable", "--editable": "editable", "-f": "links",
        "--find-links": "links", "--cert": "file", "--client-cert": "file",
    }  # fmt: skip
    for argument in found:
        if argument.option in kinds:
            yield kinds[argument.option], argument.value
        elif argument.option == "--group":
            raise Declined("--group reads dependency groups that are not followed")
    for argument in packages:
        yield "package", argument.value
    settings = {
        "PIP_REQUIREMENT": "requirements",
        "PIP_CONSTRAINT": "requirements",
        "PIP_BUILD_CONSTRAINT": "requirements",
        "PIP_EDITABLE": "editable",
        "PIP_FIND_LINKS": "links",
        "PIP_CERT": "file",
        "PIP_CLIENT_CERT": "file",
        "PIP_CONFIG_FILE": "file",
    }
    for name, kind in settings.items():
        if name in step.env:
            value = step.env[name]
            if value is None:
                raise Declined(f"{name} is set to a value that is not known")
            for part in value.split():
                yield kind, part


def _settings(step: Step) -> Iterator[Read]:
    """Files that pip, and git under it, read without being told to."""
    home = step.env.get("HOME")
    if home:
        for name in (".config/pip", ".pip", ".netrc", ".gitconfig", ".ssh"):
            yield Read(posixpath.join(home, name), "pip or git reads it from the home directory")
    for path in ("/etc/pip.conf", "/etc/xdg/pip"):
        yield Read(path, "pip's configuration")


def _prefixes(step: Step, view: View) -> tuple[Write, ...]:
    """Where pip installs: the interpreter's prefix, a virtual environment named by the program, PATH or VIRTUAL_ENV."""
    found = [Write("/usr/local", "pip's prefix"), Write("/usr/lib", "pip's prefix"), Write("/usr/bin", "pip's prefix")]
    program = step.words[0] or ""
    if "/" in program:
        path = join(step.cwd, program)
        found += [Write(posixpath.dirname(posixpath.dirname(path)), "the environment of this pip")] if path else []
    environment = step.env.get("VIRTUAL_ENV")
    if environment:
        path = join(step.cwd, environment)
        found += [Write(path, "VIRTUAL_ENV")] if path else []
    for entry in (step.env.get("PATH") or "").split(":"):
        # A bin directory that the project brings is its own, not an environment's.
        if entry.startswith("/") and entry.endswith("/bin") and entry not in _SYSTEM_BIN and not view.is_dir(entry):
            found.append(Write(posixpath.dirname(posixpath.normpath(entry)), "an environment first in PATH"))
    home = step.env.get("HOME")
    if home:
        found += [Write(posixpath.join(home, name), "pip's user directory") for name in (".local", ".cache")]
    return tuple(found)


def _targets(step: Step, found: Sequence[Argument]) -> Iterator[Write]:
    for argument in found:
        if argument.option in ("-t", "--target", "--prefix", "--root", "--src", "--report", "--log"):
            path = join(step.cwd, argument.value)
            if path is None:
                raise Declined(f"where {argument.option} {argument.value} lies is not known")
            yield Write(path, argument.option)


def _is_local(value: str) -> bool:
    target = value.partition(" @ ")[2].strip() or value
    if _VCS.match(target) or (_URL.match(target) and not target.startswith("file:")):
        return False
    return bool(_LOCAL.match(target) or _ARCHIVE.search(target.partition("[")[0]) or "/" in target.partition(";")[0])


def _local_path(value: str, cwd: str | None, why: str) -> Read:
    path = re.sub(r"^file:(?://(?:localhost)?(?=/))?", "", value.partition("#")[0])
    found = join(cwd, path)
    if found is None or "$" in path or path.startswith("~"):
        raise Declined(f"where {value} lies is not known")
    return Read(found, why, required=True)


def _local(value: str, cwd: str | None, view: View, writes: list[Write], editable: bool) -> list[Read]:
    """Return the reads of installing a project directory or an archive from the tree."""
    target = (value.partition(" @ ")[2].strip() or value).partition(";")[0].strip()
    if _VCS.match(target) or (_URL.match(target) and not target.startswith("file:")):
        # An editable VCS requirement is cloned into src/ of the working directory.
        path = join(cwd, "src")
        writes.append(Write(path or "/", "an editable VCS requirement is cloned there"))
        return []
    target = re.sub(r"\[[^]]*\]\Z", "", target)
    read = _local_path(target, cwd, "a requirement from the tree")
    if _ARCHIVE.search(target):
        return [read]
    reads, outputs = project_reads(read.path, view, editable)
    writes += [Write(path, "building the project leaves it there") for path in outputs]
    return reads


def _requirements(name: str, step: Step, view: View, writes: list[Write]) -> list[Read]:
    if _URL.match(name) and not name.startswith("file:"):
        return []
    pending, seen, reads = [(_local_path(name, step.cwd, "pip install -r").path, step.cwd)], set(), []
    while pending:
        path, _ = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        text = view.read(path)
        if text is None:
            raise Declined(f"{path} is not a file of the build context, so what it asks for is not known")
        reads.append(Read(path, "a requirements file", required=True))
        for number, line in requirement_lines(text):
            try:
                for kind, value in _requirement(line, path):
                    if kind == "nested" and not _URL.match(value):
                        nested = join(posixpath.dirname(path), value)
                        if nested is None:
                            raise Declined(f"where {value} lies is not known")
                        pending.append((nested, step.cwd))
                    elif kind == "links" and not _URL.match(value):
                        # Relative to the requirements file first, to the working directory else.
                        reads.append(_local_path(value, posixpath.dirname(path), "--find-links"))
                        reads.append(_local_path(value, step.cwd, "--find-links"))
                    elif kind in ("editable", "local"):
                        reads += _local(value, step.cwd, view, writes, kind == "editable")
            except Declined as declined:
                raise Declined(declined.premise, declined.because or view.place(path, number)) from None
    return reads


def requirement_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines of a requirements file with their 1-based numbers: joined, without comments."""
    lines = [line.rstrip("\r") for line in text.lstrip("\ufeff").split("\n")]
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        # A comment line does not continue, and a continued line is joined before comments are cut.
        while line.endswith("\\") and not line.lstrip().startswith("#") and index + 1 < len(lines):
            index += 1
            line = line[:-1] + lines[index]
        index += 1
        line = re.sub(r"(^|\s+)#.*$", "", line).strip()
        if line:
            yield number, line


def _requirement(line: str, path: str) -> Iterator[tuple[str, str]]:
    if re.search(r"\$\{[A-Z0-9_]+\}", line) and _is_local(line):
        raise Declined("a path in it depends on the environment")
    if not line.startswith("-"):
        requirement = re.split(r"\s+--(?:hash|global-option|config-settings)\b", line)[0].strip()
        if _is_local(requirement):
            yield "local", requirement
        return
    try:
        words: list[str | None] = list(shlex.split(line))
        found = arguments(words, 0, _SWITCHES, _VALUED)
    except (ValueError, UnknownOption) as error:
        raise Declined(f"the line {line!r} is not understood: {error}") from None
    for argument in found:
        if argument.option in ("-r", "--requirement", "-c", "--constraint"):
            yield "nested", argument.value
        elif argument.option in ("-e", "--editable"):
            yield "editable", argument.value
        elif argument.option in ("-f", "--find-links"):
            yield "links", argument.value


def cache(site: Site) -> CachePlan | None:
    """Return how `pip install` uses a mount over pip's cache, whatever switched the cache off before."""
    start = _arguments_start(site.step)
    values = site.step.words
    if start is None or "install" not in values[start:] or "--no-index" in values:
        return None
    if any(value is not None and value.startswith("--cache-dir") for value in values):
        raise Declined("--cache-dir is given already")
    if site.account is None or site.run.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where pip's cache lies")
    prefix, proof = "", []
    target = _cache_directory(site)
    if site.account.name == ROOT.name:
        mount = MountSpec(target)
        proof.append(proved("pip runs as root and keeps its cache there", f"HOME is {site.run.home}"))
    elif site.account.uid is None:
        raise Declined(f"the uid of the user {site.account.name} is not known, and a mount that it cannot write is of no use")
    else:
        # The parents of a mount's target are made as root, and ~/.cache would be unwritable during the RUN.
        mount = MountSpec("/tmp/.cache/pip", uid=site.account.uid, gid=site.account.gid)
        prefix = f"PIP_CACHE_DIR={mount.target} "
        proof.append(proved(f"the mount belongs to {site.account.name}", f"uid {site.account.uid}"))
    edits, found = _enable(site.step, prefix)
    return CachePlan(
        "keep pip's downloads and built wheels in a cache mount",
        "after an edit of the requirements only what is new is downloaded and built",
        (mount,),
        tuple(edits),
        (mount.target,),
        (*proof, *found, proved("no step and no program reads pip's cache", "pip only ever re-fills it (FACTS: class A)")),
    )


def _cache_directory(site: Site) -> str:
    env = site.step.env
    for name, tail in (("PIP_CACHE_DIR", ""), ("XDG_CACHE_HOME", "/pip")):
        if name in env:
            value = env[name]
            if not value or not value.startswith("/"):
                raise Declined(f"{name} is not a path that is known")
            return posixpath.normpath(value + tail)
    return posixpath.normpath(f"{site.run.home}/.cache/pip")


def _enable(step: Step, prefix: str) -> tuple[list[ScriptEdit], list[Obligation]]:
    """Return the edits that make pip use its cache, with what they rest on."""
    edits, proof = [], []
    words = step.simple.words
    for before, word, value in zip(words, words[1:], step.words[1:], strict=False):
        if value == "--no-cache-dir":
            edits.append(ScriptEdit(before.span, delete=word.span))
            proof.append(proved("--no-cache-dir only kept the cache out of the layer, as the mount does now"))
    if any(assignment.name == "PIP_NO_CACHE_DIR" for assignment in step.simple.assignments):
        raise Declined("PIP_NO_CACHE_DIR is set for this command")
    if step.env.get("PIP_NO_CACHE_DIR", "") != "":
        prefix = "PIP_NO_CACHE_DIR= " + prefix
        proof.append(proved("ENV PIP_NO_CACHE_DIR stays as it is; pip takes an empty value as unset", "pip's configuration"))
    if prefix:
        edits.append(ScriptEdit(before=words[0].span.start, text=prefix))
    return edits, proof


def cleaned(step: Step) -> Sequence[str]:
    """Return pip's cache directory for ``pip cache purge``."""
    start = _arguments_start(step)
    if start is None or step.words[start:] != ("cache", "purge"):
        return ()
    return (f"{step.env.get('HOME')}/.cache/pip",)
