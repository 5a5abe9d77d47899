"""go's command lines, its environment, and where it keeps modules and compiled packages.

Facts: ``go help build``, ``testflag``, ``environment``, ``cache``; cmd/go stops reading flags at the first operand.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import Read

_SWITCHES = frozenset(
    "a n race msan asan cover v work x linkshared modcacherw trimpath buildvcs json i d u e m versions deps test"
    " find export compiled short failfast fullpath c benchmem artifacts cache modcache testcache fuzzcache r diff w"
    " changed fix t h help".split()
)
_VALUED = frozenset(
    "C p covermode coverpkg asmflags buildmode compiler gccgoflags gcflags installsuffix ldflags mod modfile overlay"
    " pgo pkgdir tags toolexec o exec f reuse go compat run bench count timeout coverprofile cpu parallel skip shuffle"
    " list benchtime blockprofile blockprofilerate cpuprofile memprofile memprofilerate mutexprofile"
    " mutexprofilefraction outputdir trace vet fuzz fuzztime fuzzminimizetime vettool outdir".split()
)
# The variables that go, and the version control programs that it starts, look at when they fetch modules.
FETCHING = re.compile(
    r"GO\w*|GIT_\w+|SSH_\w+|HG\w*|SVN_\w+|BZR\w*|FOSSIL\w*|HOME|XDG_CONFIG_HOME|PATH|NETRC|(?i:\w*_proxy)|SSL_\w+"
    r"|CURL_\w+|LD_\w+|TMPDIR"
)
# Those of them that say nothing of which modules are fetched, nor from where.
_UNRELATED = frozenset({"GOOS", "GOARCH", "GOARM", "GOARM64", "GOAMD64", "GO386", "GOCACHE", "GOBIN", "GOEXPERIMENT"})


@dataclass(frozen=True, slots=True)
class Line:
    """A go command line: ``go mod download`` is the subcommand ``mod download``; options without their dashes.

    `directory` is where go works (an image path), None where that is not known.
    """

    subcommand: str
    operands: tuple[str, ...]
    options: Mapping[str, str]
    directory: str | None

    @property
    def title(self) -> str:
        """The command as a person would name it."""
        return f"go {self.subcommand}".strip()


def read_line(step: Step) -> Line | None:
    """Return what a go command says, None if `step` is not one; raises Declined for an option that is not known."""
    if step.program != "go":
        return None
    words = [
        value if value is not None else word.raw for value, word in zip(step.words, step.simple.words, strict=True)
    ]
    subcommand, at = (words[1] if len(words) > 1 else ""), 2
    if subcommand in ("mod", "work", "tool", "telemetry") and len(words) > 2:
        subcommand, at = f"{subcommand} {words[2]}", 3
    options: dict[str, str] = {}
    while at < len(words) and words[at].startswith("-") and words[at] not in ("-", "--"):
        name, equals, value = words[at].lstrip("-").partition("=")
        if name in _VALUED and not equals:
            at += 1
            value = words[at] if at < len(words) else ""
        elif name not in _VALUED and name not in _SWITCHES:
            raise Declined(f"the option {words[at]} is not known")
        options[name] = value
        at += 1
    if at < len(words) and words[at].startswith(("$", '"$', "`")) and step.words[at] is None:
        raise Declined(f"what {words[at]} adds to the command is not known")
    if any("$" in options.get(name, "") for name in ("C", "mod", "modfile", "overlay")):
        raise Declined("an option that says where modules are depends on a variable")
    directory = join(step.cwd, options.get("C", "."))
    return Line(subcommand, tuple(words[at:]), options, directory)


def flags(step: Step) -> str:
    """Return GOFLAGS; raises Declined if it is not known."""
    value = step.env.get("GOFLAGS", "")
    if value is None:
        raise Declined("GOFLAGS is not known")
    return value


def module_mode(line: Line, step: Step) -> str:
    """Return ``-mod``'s value, "" if it is not given; raises Declined for other files than go.mod."""
    mode = ""
    for flag in [*flags(step).split(), *(f"-{name}={value}" for name, value in line.options.items())]:
        name, _, value = flag.lstrip("-").partition("=")
        if name in ("modfile", "overlay"):
            raise Declined(f"-{name} makes go read other files")
        mode = value if name == "mod" else mode
    return mode


def module_cache(step: Step) -> str:
    """Return the directory in which go keeps modules; raises Declined if it is not known."""
    for name, tail in (("GOMODCACHE", ""), ("GOPATH", "/pkg/mod"), ("HOME", "/go/pkg/mod")):
        value = step.env.get(name, "")
        if value is None or (value and not value.startswith("/")) or ":" in (value or ""):
            raise Declined(f"{name} is not a path that is known")
        if value:
            return posixpath.normpath(value + tail)
    raise Declined("HOME is not known, and with it where go keeps modules")


def build_cache(step: Step) -> tuple[str, str]:
    """Return the directory in which go keeps compiled packages, and what says so; raises Declined if not known."""
    for name, tail in (("GOCACHE", ""), ("XDG_CACHE_HOME", "/go-build"), ("HOME", "/.cache/go-build")):
        value = step.env.get(name, "")
        if value is None or (value and not value.startswith("/")):
            raise Declined(f"{name} is not a path that is known")
        if value:
            return posixpath.normpath(value + tail), f"{name} is {value}"
    raise Declined("HOME is not known, and with it where go keeps what it compiles")


def configuration(step: Step) -> tuple[Read, ...]:
    """Return the files outside of the project that go and git read when they fetch modules."""
    home = step.env.get("HOME") or "/root"
    config = step.env.get("XDG_CONFIG_HOME") or f"{home}/.config"
    named = [value for name in ("GOENV", "NETRC", "GIT_CONFIG_GLOBAL") if (value := step.env.get(name))]
    places = [
        f"{config}/go",
        f"{config}/git",
        *(f"{home}/{name}" for name in (".gitconfig", ".netrc", ".ssh", ".hgrc")),
    ]
    return tuple(Read(path, "go or git reads it") for path in [*places, *named] if path.startswith("/"))


def fetching(name: str, value: str | None) -> bool:
    """Tell whether a variable matters to a fetch of modules; GOFLAGS does for the modes of the files."""
    if name == "GOFLAGS":
        return "modcacherw" in (value or "modcacherw")
    return FETCHING.fullmatch(name) is not None and name not in _UNRELATED
