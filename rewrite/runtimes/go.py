"""Go: the binary on distroless where it is static and started without a shell, else on slim Debian or on Alpine.

Facts: pkg.go.dev/cmd/go (names of outputs), pkg.go.dev/cmd/cgo (without a C compiler CGO_ENABLED is 0), the golang
image's Dockerfiles, distroless' README (static has certificates, time zones, /tmp, and no shell). A binary linked to
an older glibc runs on a newer one, so Debian's suite is never older than that of the golang image.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ..build.runs import Run, Step
from ..ecosystems import _go_command as command_lines
from ..model import Declined, Obligation, Place, assumed, proved
from . import Carried, Runtime
from ._bases import Reference, reference
from ._binaries import base_of, called, distribution_of
from ._calls import STARTERS
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, DISTROLESS, Distribution, account_known, installed, needed
from ._files import Project, project_in, reading
from ._go_outputs import Output, outputs

NAME = "go"

_SOURCES = re.compile(r"(?<!_test)\.go\Z")
_BUILD_ONLY = re.compile(
    r"CGO_\w+|GO(?:OS|ARCH|ARM|ARM64|AMD64|PROXY|PRIVATE|FLAGS|SUMDB|NOSUMDB|NOPROXY|PATH|BIN)|GO111MODULE|GOCACHE|GOMODCACHE|GOTOOLCHAIN"
)
_CGO = re.compile(r'^\s*(?:import\s+)?"C"\s*$', re.MULTILINE)
# Modules that are written in C for the most part, by their import paths.
_CGO_MODULES = re.compile(
    r"github\.com/(?:mattn/go-sqlite3|confluentinc/confluent-kafka-go|libgit2/git2go|h2non/bimg|davidbyttow/govips"
    r"|linxGnu/grocksdb|tecbot/gorocksdb|gotk3|go-gl|veandco/go-sdl2|godror|mattn/go-oci8|DataDog/go-libddwaf)\b"
    r"|gopkg\.in/(?:confluentinc|gographics|goracle)\S*|gocv\.io|duckdb/duckdb-go|marcboeker/go-duckdb"
)
_TOOLCHAIN = re.compile(
    r'"go/(?:build|importer)"|"golang\.org/x/tools/go/packages"|\bruntime\.GOROOT\(|\bplugin\.Open\('
)
_EXECUTES = re.compile(r"\bexec\.(?:Command(?:Context)?|LookPath)\(")
_PROGRAM = re.compile(r'\bexec\.(?:Command\(|CommandContext\([^,"\n]+,|LookPath\()\s*"([^"\\]+)"')
_READS = re.compile(
    r"\b(?:os\.(?:Open|OpenFile|ReadFile|ReadDir|DirFS|Stat)|ioutil\.Read(?:File|Dir)|http\.(?:Dir|ServeFile)"
    r"|filepath\.(?:Glob|Walk|WalkDir)|\w*[tT]emplate\w*\.Parse(?:Files|Glob)|viper\.\w+|gotenv\.\w+)\("
    r"(?!\s*[\"`])"
)
_WHOLE = re.compile(
    r'\b(?:http\.Dir|os\.DirFS|filepath\.Walk|filepath\.WalkDir|\.Static)\(\s*(?:"/",\s*)?"(?:\.|\./|)"'
)
_ENV_FILE = re.compile(r'godotenv\.|gotenv\.|"\.env[^"]*"|AutomaticEnv\(|AddConfigPath\(')
_ZONES = re.compile(r"\btime\.LoadLocation\(")
_ZONES_INSIDE = re.compile(r'"time/tzdata"')
_CERTIFICATES = re.compile(r'"(?:net/http|crypto/tls|crypto/x509|net/smtp)"')
_REQUIRES = re.compile(r"^\s*(?:require\s+)?[\w.-]+\.[\w-]+/\S+\s+v\d", re.MULTILINE)
_HARMLESS = frozenset({"version", "env", "vet", "test", "fmt", "list", "generate", "clean", "mod", "get", "help"})


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a Go program; None where no go command builds it."""
    image = reference(candidate.stage)
    if image.name != "golang" or not candidate.stage.base.official:
        return None
    return _Go(candidate, image).runtime()


@dataclass(frozen=True)
class _Go:
    candidate: Candidate
    image: Reference

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate = self.candidate
        if candidate.start.program == "go":
            raise Declined("the program is compiled when the container starts", candidate.start.where)
        if not self.outputs:
            raise Declined("no `go build` or `go install` of a RUN makes a program")
        others = (*candidate.made(self._mine), *candidate.brought())
        scripts = candidate.scripts
        binaries = self._started(self.outputs)
        self._toolchain()
        distribution = self._distribution()
        account_known(candidate, distribution)
        names = frozenset(posixpath.basename(path) for path in (*binaries, *others))
        kept = installed(candidate, distribution, self._linked)
        if kept and distribution is DEBIAN and not self.image.suite:
            raise Declined(f"which suite of Debian {kept[0]} comes from is not known, as the tag names none")
        packages = (
            *needed(candidate, distribution, names),
            *self._programs(distribution),
            *kept,
            *self._extras(distribution),
        )
        if packages and not distribution.install:
            raise Declined(f"{packages[0]} cannot be installed in a distroless image")
        data, read = reading(self.project, _ENV_FILE, _WHOLE, _READS)
        carried = [Carried(path, target) for path, target in binaries.items()]
        carried += [Carried(path) for path in dict.fromkeys((*scripts, *data, *others)) if path not in binaries]
        return Runtime(
            f"the Go binary on {called(distribution)}",
            self._base(distribution),
            distribution,
            tuple(carried),
            tuple(sorted(set(packages))),
            build_only=_BUILD_ONLY,
            proof=(read, self._loads(distribution)),
        )

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge the go commands: what they make is known, or of no use to the program."""
        if step.program != "go":
            return False
        line = command_lines.read_line(step)
        verb = line.subcommand.partition(" ")[0] if line else ""
        if verb not in _HARMLESS | {"build", "install"}:
            raise Declined(f"what `go {verb}` makes is not known", self.candidate.build.step_place(run, step))
        return True

    @cached_property
    def outputs(self) -> tuple[Output, ...]:
        """The binaries that go commands make, tools of other modules only where they are started."""
        if not any(step.program == "go" for _, step in self.candidate.steps):
            return ()
        started = {call.program for call in self.candidate.calls}
        found = outputs(self.candidate, self.project, self._compiler)
        return tuple(one for one in found if not one.tool or posixpath.basename(one.path) in started)

    def _started(self, outputs: tuple[Output, ...]) -> dict[str, str]:
        """Return the binaries with their places in the final image; raises Declined if none of them is started."""
        found: dict[str, str] = {}
        starts = set()
        for call in self.candidate.calls:
            word = call.words[0] if call.words else ""
            by_name = "/" not in word
            for output in outputs:
                path = output.path
                reached = posixpath.dirname(path) in ("/go/bin", "/usr/local/go/bin")
                if by_name and posixpath.basename(path) == word and reached:
                    found[path] = f"/usr/local/bin/{word}"
                if (by_name and posixpath.basename(path) == word) or (
                    not by_name and self.candidate.path(word) == path
                ):
                    starts.add(path)
        for output in outputs:
            found.setdefault(output.path, "")
        if not starts:
            raise Declined("what is started is none of the binaries that go makes", self.candidate.start.where)
        return found

    @cached_property
    def project(self) -> Project:
        """The project's files; raises Declined if they are not in one known directory."""
        directories = {step.cwd for _, step in self.candidate.steps if step.program == "go"}
        roots = [path for path in directories if path]
        home = posixpath.commonpath(roots) if roots and len(roots) == len(directories) else ""
        return project_in(self.candidate, home, _SOURCES)

    def _toolchain(self) -> None:
        found = self.project.find(_TOOLCHAIN)
        if found:
            raise Declined(f"the program uses the Go toolchain: {found[0][0]}", found[1])

    @cached_property
    def _compiler(self) -> bool:
        """Whether a C compiler is there: Debian's golang image has one, Alpine's gets one."""
        words = {word for _, step in self.candidate.steps for word in step.words if step.program == "apk"}
        return not self.image.alpine or bool(words & {"gcc", "g++", "build-base", "clang"})

    @cached_property
    def _linked(self) -> bool:
        """Whether the binary may load libraries of the system other than libc."""
        if not any(output.cgo for output in self.outputs):
            return False
        modules = self.candidate.read(f"{self.project.home}/go.mod") or ""
        return bool(self.project.find(_CGO) or _CGO_MODULES.search(modules)) or bool(_REQUIRES.search(modules))

    @cached_property
    def _static(self) -> bool:
        return not any(output.cgo for output in self.outputs)

    def _distribution(self) -> Distribution:
        executes = self.project.find(_EXECUTES) is not None
        return distribution_of(self.candidate, self.image, static=self._static, executes=executes)

    def _base(self, distribution: Distribution) -> str:
        # The golang image's own suite where its tag names none: never an older one, for the sake of glibc.
        named = self.image.version
        suite = self.image.suite or ("bookworm" if (1, 0) < named < (1, 24) else "trixie")
        return base_of(distribution, self.image, suite)

    def _programs(self, distribution: Distribution) -> Iterator[str]:
        """Yield the packages of the programs that the sources start."""
        for path, text in self.project.texts().items():
            calls, named = len(_EXECUTES.findall(text)), _PROGRAM.findall(text)
            if calls > len(named):
                found = _EXECUTES.search(text)
                line = text.count("\n", 0, found.start()) + 1 if found else 0
                raise Declined("the program starts another one, whose name is not written there", Place(path, line))
            for name in named:
                if name in STARTERS:
                    raise Declined(f"the program starts others by `{name}`, which are not read", Place(path))
                if "/" in name or (name not in distribution.programs and name not in distribution.packages):
                    raise Declined(f"which package brings `{name}` is not known, which the program starts", Place(path))
                if name not in distribution.programs:
                    yield distribution.packages[name]

    def _extras(self, distribution: Distribution) -> Iterator[str]:
        """Yield certificates and time zones, which the golang image has in one way or another."""
        if distribution is DISTROLESS:
            return
        modules = self.candidate.read(f"{self.project.home}/go.mod") or ""
        if _REQUIRES.search(modules) or self.project.find(_CERTIFICATES):
            yield "ca-certificates"
        zone = "TZ" in self.candidate.stage.end.env or self.project.find(_ZONES)
        if zone and not self.project.find(_ZONES_INSIDE):
            yield "tzdata"

    def _loads(self, distribution: Distribution) -> Obligation:
        claim = "the binary finds the libraries that it loads"
        if self._static:
            evidence = "without cgo it loads none"
            return proved(claim, evidence, self.candidate.build.step_place(self.outputs[0].run, self.outputs[0].step))
        if distribution is ALPINE or not self._linked:
            return proved(claim, "it may be linked to libc, which is there in the same or a newer version")
        return assumed(claim, "a module may use C libraries of the golang image that are not listed as packages")
