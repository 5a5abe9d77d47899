""".NET: what ``dotnet publish`` writes, on the image aspnet, runtime or runtime-deps of the same version and system.

Facts: the Dockerfiles of dotnet-docker (the sdk image stands on aspnet; all have the same tags for Debian and Ubuntu;
sdk unsets the port that aspnet sets), Microsoft's documentation of ``dotnet publish`` and of the generic host (settings
and wwwroot are looked for in the working directory). Alpine's runtime has no ICU, where its sdk has.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..build.paths import inside, join, outermost
from ..build.runs import Run, Step
from ..build.secrets import is_secret
from ..ecosystems._dotnet_line import Line, read_line
from ..model import Declined, assumed
from . import Carried, Runtime
from ._bases import Reference, reference
from ._calls import Call
from ._candidate import Candidate
from ._distribution import DEBIAN, Distribution, account_known, installed, needed
from ._files import Project, reading

NAME = "dotnet"

_TAG = re.compile(r"(\d+\.\d+)((?:-(?:bookworm-slim|bullseye-slim|jammy|noble|focal))?)")
_HARMLESS = frozenset(
    {"restore", "build", "test", "tool restore", "tool install", "workload install", "format", "clean"}
)
_SOURCES = re.compile(r"\.(?:cs|fs|vb|cshtml|razor|resx|csproj|fsproj|vbproj|slnx?|props|targets)\Z")
_PROJECT = re.compile(r"\.(?:cs|fs|vb)proj\Z")
_ASIDE = re.compile(
    r"(?:\A|/)(?:(?:bin|obj|Properties)(?:/|\Z)|(?:global|launchSettings|dotnet-tools|packages\.lock)\.json\Z"
    r"|[nN]u[gG]et\.[cC]onfig\Z)"
)
_BUILD_ONLY = re.compile(r"NUGET_\w+|DOTNET_CLI_\w+|DOTNET_(?:NOLOGO|SKIP_FIRST_TIME_EXPERIENCE)|MSBUILD\w+")
_NEEDS_SDK = re.compile(
    r"\bProcess\.Start\(|\bnew ProcessStartInfo\(|\bnew Process\b|\bMSBuildLocator\b|\[DllImport\(|\[LibraryImport\("
)
_NATIVE = re.compile(
    r'Include="(?:System\.Drawing\.Common|SkiaSharp[\w.]*|Microsoft\.Playwright|PuppeteerSharp|Selenium[\w.]*|DinkToPdf'
    r'|Magick\.NET[\w.-]*|Microsoft\.Build[\w.]*|LibGit2Sharp)"'
)
_WEB = re.compile(r"Microsoft\.NET\.Sdk\.(?:Web|Razor|BlazorWebAssembly)|AspNetCore")
# Packages that are known to need no framework but the runtime's.
_PLAIN = re.compile(
    r"(?:Microsoft\.Extensions|System)\.[\w.]+|Newtonsoft\.Json|Npgsql|Dapper|Serilog(?:\.Sinks\.Console)?|CommandLineParser"
)
_PACKAGE = re.compile(r'<PackageReference\s+(?:Include|Update)="([^"]+)"')
_SELF_CONTAINED = re.compile(r"<(?:SelfContained|PublishAot|PublishSingleFile|PublishTrimmed|RuntimeIdentifiers?)>")
_READS = re.compile(
    r"\b(?:File\.(?:ReadAll\w+|Open\w*|ReadLines|Exists)|new (?:FileStream|StreamReader|PhysicalFileProvider)"
    r"|Path\.Combine|Directory\.(?:Get\w+|Enumerate\w+)|Add(?:Json|Xml|Ini|YamlFile)File)\(\s*(?![\"\s])"
)
_WHOLE = re.compile(
    r"\bPhysicalFileProvider\(\s*(?:Directory\.GetCurrentDirectory\(\)|[\w.]*ContentRootPath)\s*\)|\bUseDirectoryBrowser\("
    r'|\bDirectory\.(?:Get\w+|Enumerate\w+)\(\s*(?:"\.?/?"|Directory\.GetCurrentDirectory\(\))'
)
_ENV_FILE = re.compile(r"\bDotNetEnv\b|\bdotenv\.net\b|\bEnv\.Load\(|\"\.env\"")
_SETTINGS = re.compile(r"appsettings[\w.-]*\.json|wwwroot/.+|hosting\.json")


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a .NET program; None where the image is not the SDK's."""
    image = reference(candidate.stage)
    if not image.image.endswith("dotnet/sdk") or not candidate.stage.base.official:
        return None
    return _DotNet(candidate, image).runtime()


@dataclass(frozen=True, slots=True)
class _Published:
    """A directory that ``dotnet publish`` writes, by which command."""

    path: str
    line: Line
    run: Run
    step: Step


@dataclass(frozen=True)
class _DotNet:
    candidate: Candidate
    image: Reference

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate, published = self.candidate, self.published
        others = (*candidate.made(self._mine), *candidate.brought())
        others = tuple(path for path in others if not inside(path, published.path))
        scripts = candidate.scripts
        own = frozenset(self._started())
        self._framework_dependent()
        distribution = self._distribution()
        account_known(candidate, distribution)
        packages = (*needed(candidate, distribution, own), *installed(candidate, distribution, True))
        for pattern, premise in (
            (_NEEDS_SDK, "the program starts others or loads C libraries"),
            (_NATIVE, "a package needs C libraries"),
        ):
            found = self.project.find(pattern)
            if found:
                raise Declined(f"{premise}: {found[0][0]}", found[1])
        data, read = reading(self.project, _ENV_FILE, _WHOLE, _READS)
        paths = (
            *(path for path in data if not _ASIDE.search(posixpath.relpath(path, self.project.home))),
            *self._settings(),
        )
        carried = dict.fromkeys((published.path, *scripts, *paths, *others))
        base = self._base()
        claim = "no package needs a program or library that only the SDK's image has"
        doubt = "what the packages look for when they run is not known"
        return Runtime(
            f"what is published on {base}",
            base,
            distribution,
            tuple(map(Carried, outermost(carried))),
            tuple(sorted(set(packages))),
            build_only=_BUILD_ONLY,
            proof=(read, assumed(claim, doubt, candidate.build.step_place(published.run, published.step))),
        )

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge dotnet's commands: what they make is known, or of no use to the program."""
        if step.program != "dotnet":
            return False
        verb = read_line(step).verb
        if verb not in _HARMLESS | {"publish", "", "--info", "--version"}:
            raise Declined(f"what `dotnet {verb}` makes is not known", self.candidate.build.step_place(run, step))
        return True

    @cached_property
    def published(self) -> _Published:
        """The one directory that is published to; raises Declined where it is not known, or holds more."""
        found = []
        for run, step in self.candidate.steps:
            if step.program != "dotnet" or step.words[1:2] != ("publish",):
                continue
            place = self.candidate.build.step_place(run, step)
            line = read_line(step)
            given = line.options.get("--output", "")
            path = join(step.cwd, given) if given and "$" not in given else None
            if step.top is None or step.item.operator == "||" or path is None or path.startswith("%"):
                raise Declined("which directory is published to is not known", place)
            if line.properties.keys() - {"UseAppHost", "Version", "Configuration", "DebugType", "DebugSymbols"}:
                raise Declined("what its properties change is not known", place)
            brought = [one.destination for copy in self.candidate.view.copies for one in copy.mappings]
            if any(inside(one, path) for one in brought) or path in ("/", *self._directories()):
                raise Declined(f"{path} holds more than what is published", place)
            found.append(_Published(path, line, run, step))
        if len(found) != 1:
            raise Declined(f"{len(found) or 'no'} `dotnet publish` of a RUN makes the program")
        return found[0]

    def _directories(self) -> Iterator[str]:
        """Yield the directories in which dotnet's commands run."""
        yield from (step.cwd or "" for _, step in self.candidate.steps if step.program == "dotnet")

    def _started(self) -> Iterator[str]:
        """Yield the program's names; raises Declined if something else than what is published is started."""
        found = False
        for call in self.candidate.calls:
            for words in (*call.others, call.words):
                program = self._program(call, words)
                if program:
                    found = True
                    yield posixpath.basename(words[0])
        if not found:
            raise Declined("what is started is not published", self.candidate.start.where)

    def _program(self, call: Call, words: tuple[str, ...]) -> bool:
        """Tell whether a command starts what is published; raises Declined for what needs the SDK."""
        if not words or posixpath.basename(words[0]) != "dotnet":
            return bool(words) and "/" in words[0] and inside(self.candidate.path(words[0]), self.published.path)
        if len(words) < 2 or not words[1].endswith(".dll"):
            raise Declined(f"`{' '.join(words[:2])}` needs the SDK", call.where)
        path = posixpath.normpath(posixpath.join(self.candidate.stage.end.workdir or "%", words[1]))
        if posixpath.dirname(path) != self.published.path or posixpath.basename(path) not in self._assemblies():
            raise Declined(f"{words[1]} is not what is published", call.where)
        return True

    def _assemblies(self) -> Iterator[str]:
        for path, source in self.project.files():
            if _PROJECT.search(path):
                text = self.candidate.build.context.read(source) or ""
                named = re.search(r"<AssemblyName>([\w.-]+)</AssemblyName>", text)
                yield f"{named[1] if named else posixpath.splitext(posixpath.basename(path))[0]}.dll"

    @cached_property
    def project(self) -> Project:
        """The project's files; raises Declined if they are not in one known directory."""
        homes = {path for path in self._directories() if path}
        home = posixpath.commonpath(homes) if homes and "" not in self._directories() else ""
        if home in ("", "/") or home.startswith("%"):
            raise Declined("the project is not built in a directory of its own")
        return Project(self.candidate, home, self.candidate.stage.end.workdir or "/", _SOURCES)

    def _texts(self) -> Iterator[str]:
        for path, text in self.project.texts().items():
            if _PROJECT.search(path) or path.endswith((".props", ".targets")):
                yield text

    def _framework_dependent(self) -> None:
        """Raise Declined where the program brings its own runtime, or a secret would be published."""
        options = self.published.line.options
        place = self.candidate.build.step_place(self.published.run, self.published.step)
        if options.keys() & {"--self-contained", "--runtime", "--arch", "--os", "--use-current-runtime"}:
            raise Declined("which runtime the program brings along is not followed", place)
        context = self.candidate.build.context
        for path, source in self.project.files():
            if is_secret(context, source) and not posixpath.basename(path).startswith(".env"):
                raise Declined(f"{source} may hold a secret, and be published", place)
        for text in self._texts():
            found = _SELF_CONTAINED.search(text)
            if found:
                raise Declined(f"which runtime the program brings along is not followed: {found[0]}", place)

    def _base(self) -> str:
        """The image to run on; raises Declined where its port would not be that of the SDK's image."""
        tag = _TAG.fullmatch(self.image.tag) if self.image.certain else None
        place = self.candidate.build.place(self.candidate.stage.from_)
        if tag is None:
            raise Declined("which runtime goes with the image is not known", place)
        packages = [name for text in self._texts() for name in _PACKAGE.findall(text)]
        web = any(_WEB.search(text) for text in self._texts())
        plain = not web and all(_PLAIN.fullmatch(name) for name in packages)
        ports = {"ASPNETCORE_URLS", *(["ASPNETCORE_HTTP_PORTS"] if self.image.version >= (8,) else [])}
        given = self.candidate.stage.end.env.keys() & ports
        if web and not given and "--urls" not in " ".join(self.candidate.start.words):
            raise Declined("no ENV says the port, which the image to run on sets and the SDK's does not", place)
        return f"{self.image.image.removesuffix('sdk')}{'runtime' if plain else 'aspnet'}:{tag[1]}{tag[2]}"

    def _distribution(self) -> Distribution:
        version = self.image.version
        accounts = DEBIAN.accounts | ({"app"} if version >= (8,) else set())
        return replace(DEBIAN, accounts=accounts, programs=DEBIAN.programs | {"dotnet"})

    def _settings(self) -> Iterator[str]:
        """Yield what the host looks for in the working directory."""
        workdir = self.candidate.stage.end.workdir or "/"
        wanted = [path for path, _ in self.project.files() if _SETTINGS.fullmatch(posixpath.relpath(path, workdir))]
        yield from self.project.grouped(wanted)
