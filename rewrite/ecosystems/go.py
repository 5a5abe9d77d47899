"""go: modules, workspaces, vendored and replaced modules; ``go mod download`` as a layer, GOCACHE as a mount.

Facts: go.dev/ref/mod, ``go help cache``, ``go help install``, the golang image's Dockerfile. Modules stay in a layer:
every later go command reads them, an image whose CMD is ``go run`` too, and a CI runner that starts empty has the
layer but no mount. What go compiles is keyed by its inputs and is never read by anything else: that is
what the mount keeps. C libraries of the system are not part of that key.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build import effects
from ..build.build import View
from ..build.images import ROOT
from ..build.runs import Run, Step
from ..model import Declined, Obligation, assumed, proved
from . import CachePlace, CachePlan, Command, Fetch, MountSpec, Need, ScriptEdit, Site, Tool, Write, no_clean
from ._go_command import (
    FETCHING,
    Line,
    build_cache,
    configuration,
    fetching,
    flags,
    module_cache,
    module_mode,
    read_line,
)
from ._go_module import Modules, find_modules
from ._script_variables import assignments

NAME = "go"
IGNORE = "go"
TOOLS = (
    Tool(
        "go",
        "Go",
        ("go.mod", "go.work"),
        ("go.sum", "go.work.sum", "vendor/modules.txt"),
        ("go mod download", "go install NAME@VERSION", "go build"),
        (
            CachePlace("~/.cache/go-build", "A", "keyed by its inputs, read by go alone", "GOCACHE"),
            CachePlace(
                "/go/pkg/mod",
                "C",
                "later commands read it, and in a layer of go mod download it comes to an empty builder with the cache",
                "GOMODCACHE",
            ),
        ),
        "go.dev/ref/mod; go help cache; the golang image's Dockerfile",
        needs=(
            Need("go build", ("go.mod", "go.work")),
            Need("go mod", ("go.mod", "go.work")),
        ),
    ),
)
INSTALLING = re.compile(r"\bgo\s+(?:mod\s+(?:download|tidy|vendor)|build|install|get|test|run)\b")
# Settings, but for those that only say where modules come from, or for what to compile.
CONFIGURES = re.compile(
    r"\bgo\s+env\s+-w\s+(?!(?:GOPROXY|GOPRIVATE|GONOPROXY|GONOSUMDB|GOSUMDB|GOINSECURE|GO111MODULE|GOOS|GOARCH|CGO_ENABLED)=)"
)
DOWNLOAD = "go mod download"

_SILENT = frozenset({"version", "help", "env", ""})
_COMPILES = frozenset({"build", "install", "test", "vet", "run"})
_FETCHES = frozenset({*_COMPILES, "generate", "list", "mod tidy", "mod vendor"})
_PROJECT = frozenset({"test", "run", "generate", "tool"})
# Packages of Debian and Alpine that bring no C library for others to link.
_NO_LIBRARY = frozenset(
    "bash binutils build-base build-essential bzr ca-certificates coreutils curl file findutils g++ gcc gcompat git"
    " gnupg grep gzip jq libc-dev libc6-compat libc6-dev make mercurial musl musl-dev openssh openssh-client openssl"
    " patch protobuf protobuf-compiler protoc sed subversion tar tini tree tzdata unzip upx upx-ucl wget xz-utils"
    " zip".split()
)
_INSTALLERS = frozenset({"apk", "apt", "apt-get", "dnf", "microdnf", "yum", "zypper"})


def recognise(step: Step, view: View) -> Command | None:
    """Return what a go command does: downloads are listed, what compiles reads the sources, and so is declined."""
    if step.program != "go":
        return None
    try:
        line = read_line(step)
        return _command(step, view, line) if line else None
    except Declined as declined:
        installs = "download" in step.words[2:3] or step.words[1:2] == ("install",)
        return Command(NAME, "go", installs, declined=declined, project=True)


def _command(step: Step, view: View, line: Line) -> Command:
    project = line.subcommand.partition(" ")[0] in _PROJECT
    try:
        if line.subcommand in ("mod download", "mod verify"):
            return _download(step, view, line)
        if line.subcommand == "install" and line.operands and all("@" in operand for operand in line.operands):
            return _tools(step, line)
        if line.subcommand == "env" and {"w", "u"} & line.options.keys():
            home = step.env.get("HOME") or "/root"
            return Command(NAME, "go env -w", writes=(Write(f"{home}/.config/go", "go's settings", local=False),))
        if line.subcommand == "clean" and not line.operands and line.options.keys() <= _CLEANS and line.options:
            return Command(NAME, line.title, writes=tuple(_cleans(step, line)))
    except Declined as declined:
        return Command(NAME, line.title, True, declined=declined, project=project)
    if line.subcommand in _SILENT:
        return Command(NAME, line.title)
    return Command(NAME, line.title, declined=Declined(f"{line.title} reads the sources"), project=project)


def _cache_writes(step: Step) -> Iterator[Write]:
    yield Write(module_cache(step), "go keeps modules", local=False)
    yield Write(posixpath.join(posixpath.dirname(module_cache(step)), "sumdb"), "go keeps checksums", local=False)


def _download(step: Step, view: View, line: Line) -> Command:
    modules = _modules(step, view, line)
    if modules is None:
        raise Declined("no go.mod of the build context is in its directory, or above it")
    modules.gather()
    claim = f"{line.title} leaves go.sum as it is"
    missing = modules.unhashed()
    evidence = "it holds the hash of each module that go.mod lists"
    proof = assumed(claim, f"go.sum has no hash of {missing}") if missing else proved(claim, evidence)
    reads = (*modules.reads, *configuration(step))
    return Command(NAME, line.title, True, reads, tuple(_cache_writes(step)), proof=(proof,))


def _modules(step: Step, view: View, line: Line) -> Modules | None:
    if line.directory is None:
        raise Declined("the directory that go works in is not known")
    module_mode(line, step)
    if step.env.get("GO111MODULE", "") in ("off", None):
        raise Declined("GO111MODULE is off, or not known")
    return find_modules(line.directory, view, step.env.get("GOWORK", ""))


def _tools(step: Step, line: Line) -> Command:
    """``go install NAME@VERSION`` looks at no go.mod of the directory."""
    flags(step)
    path = step.env.get("GOPATH") or f"{step.env.get('HOME') or '/root'}/go"
    binaries = step.env.get("GOBIN") or f"{path}/bin"
    if not binaries.startswith("/") or None in (step.env.get("GOPATH", ""), step.env.get("GOBIN", "")):
        raise Declined("where go puts the program is not known")
    places = (Write(binaries, "go puts the program there", local=False), *_cache_writes(step))
    compiled = Write(build_cache(step)[0], "go keeps what it compiles", local=False)
    return Command(NAME, "go install", True, configuration(step), (*places, compiled))


_CLEANS = frozenset({"cache", "modcache", "testcache", "x"})


def _cleans(step: Step, line: Line) -> Iterator[Write]:
    if {"cache", "testcache"} & line.options.keys():
        yield Write(build_cache(step)[0], "go removes what it has compiled", local=False)
    if "modcache" in line.options:
        yield Write(module_cache(step), "go removes the modules", local=False)


def cache(site: Site) -> CachePlan | None:
    """Return how a command that compiles uses a mount over GOCACHE."""
    line = read_line(site.step)
    if line is None or line.subcommand not in _COMPILES or site.step.env.get("GOCACHE") == "off":
        return None
    if "a" in line.options or re.search(r"(?:^|\s)-a(?:\s|$)", flags(site.step)):
        raise Declined("-a makes go compile everything again")
    if site.account is None or site.run.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where go keeps what it compiles")
    for step in site.run.steps:
        if step.program == "go" and step.words[1:2] == ("clean",):
            raise Declined("the RUN cleans go's caches", site.build.step_place(site.run, step))
    edits: tuple[ScriptEdit, ...] = ()
    if site.account.name == ROOT.name:
        target, reason = build_cache(site.step)
        mount = MountSpec(target)
    else:
        target, reason, edits = _foreign(site)
        mount = MountSpec(target, uid=site.account.uid, gid=site.account.gid)
    return CachePlan(
        "keep what go compiles in a cache mount",
        "after an edit only the packages that have changed are compiled",
        (mount,),
        edits,
        (target,),
        (proved(f"go keeps what it compiles in {target}", reason), _c_libraries(site), *_tests(line)),
    )


def _foreign(site: Site) -> tuple[str, str, tuple[ScriptEdit, ...]]:
    """Return a directory outside of HOME: a mount's parents are made as root, which would close ~/.cache."""
    step, account = site.step, site.account
    if account is None or account.uid is None:
        raise Declined(f"the uid of {account.name if account else 'the user'} is not known, who could not write there")
    if step.env.get("GOCACHE", "") != "":
        target, reason = build_cache(step)
        if posixpath.dirname(target) not in ("/", "/tmp", "/var/tmp", "/var/cache", "/go"):
            raise Declined(f"{posixpath.dirname(target)} may not exist, and a mount would make it root's")
        return target, reason, ()
    target = "/tmp/.cache/go-build"
    for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR"):
        if target.startswith((step.env.get(name) or "-").rstrip("/") + "/"):
            raise Declined(f"{name} is {step.env[name]}, whose .cache would belong to root during the RUN")
    if step.item.pipeline.timed:
        raise Declined("`time` may be a program, which takes no variables for the one that it starts")
    edit = ScriptEdit(before=step.simple.words[0].span.start, text=f"GOCACHE={target} ")
    return target, f"GOCACHE says so, and the mount belongs to {account.name}", (edit,)


def _c_libraries(site: Site) -> Obligation:
    """Judge whether a C library could change without go noticing: its key holds the compiler, not the headers."""
    claim = "no C library changes behind go's cache"
    if site.step.env.get("CGO_ENABLED", "") == "0":
        return proved(claim, "CGO_ENABLED is 0")
    for run, step in _before(site):
        if step.program in _INSTALLERS:
            unknown = next(iter(sorted(_packages(step) - _NO_LIBRARY)), "")
        else:
            known = step.program == "go" or effects.effect(step) is not None
            unknown = "" if known else f"`{step.program or step.simple.words[0].raw}`"
        if unknown:
            return assumed(claim, f"{unknown} may bring one, which cgo may use", site.build.step_place(run, step))
    return proved(claim, "none is installed beside the base image's, and the compiler's version is part of go's key")


def _packages(step: Step) -> set[str]:
    """Return the packages that a command of a system's package manager installs; options' values may be among them."""
    words = [word or "?" for word in step.words]
    at = next((at for at, word in enumerate(words) if word in ("install", "add")), len(words))
    valued = ("-o", "-t", "-X", "--virtual", "--repository", "--target-release")
    operands = [word for before, word in zip(words[at:], words[at + 1 :], strict=False) if before not in valued]
    return {re.split("[=<>~]", word)[0] for word in operands if not word.startswith("-")}


def _before(site: Site) -> Iterator[tuple[Run, Step]]:
    for _, line in site.stage.before(site.run.instruction):
        if line.keyword == "RUN":
            run = site.build.run(line)
            yield from ((run, step) for step in run.steps)
    for step in site.run.steps:
        if step is site.step:
            return
        yield site.run, step


def _tests(line: Line) -> Iterator[Obligation]:
    if line.subcommand == "test":
        claim = "no test is left out that has to run"
        if "count" in line.options or "c" in line.options:
            yield proved(claim, "-count makes go run all of them")
        else:
            yield assumed(claim, "go takes results from its cache where no input of a test has changed")


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: a RUN that cleans go's caches gets no mount."""
    return ()


def fetch(site: Site) -> Fetch | None:
    """Return ``go mod download`` for a command that would download the modules itself."""
    step = site.step
    line = read_line(step)
    if line is None or line.subcommand not in _FETCHES or any("@" in operand for operand in line.operands):
        return None
    mode = module_mode(line, step)
    if mode == "vendor" or step.env.get("GO111MODULE", "") == "off":
        return None
    modules = _modules(step, site.view, line)
    if modules is None or (modules.vendored() and mode != "mod") or not modules.requires:
        return None
    if step.env.get("GOPROXY", "") == "off":
        raise Declined("GOPROXY is off: the modules are there already")
    if not any(site.view.exists(posixpath.join(main.directory, "go.sum")) for main in modules.mains):
        raise Declined("the build context has no go.sum, which says what is downloaded")
    _kept(site)
    modules.gather()
    command = f"{assignments(site, fetching)}go{_directory(line)} mod download"
    return Fetch(
        DOWNLOAD,
        command,
        "an edit of a source file no longer downloads the modules again",
        (*modules.reads, *configuration(step)),
        tuple(_cache_writes(step)),
        (modules.hashed(),),
        FETCHING,
    )


def _directory(line: Line) -> str:
    if "C" not in line.options:
        return ""
    if not re.fullmatch(r"[\w./@+-]+", line.options["C"]):
        raise Declined("the directory of -C cannot be written in a command")
    return f" -C {line.options['C']}"


def _kept(site: Site) -> None:
    """Decline if a later command removes the modules, which a layer of their own would keep."""
    directory = module_cache(site.step)
    for run in (site.run, *site.later_runs):
        for step in run.steps:
            cleans = step.program == "go" and step.words[1:2] == ("clean",) and "-modcache" in step.words
            if cleans or effects.may_remove(step, directory):
                raise Declined("it removes the modules, which a layer would keep", site.build.step_place(run, step))


clean = no_clean
