"""Rust: the binary on slim Debian of the same suite, on Alpine, or on distroless where it is linked to musl.

Facts: The Cargo Book (places and names of what is built, "cargo install"), the rust image's Dockerfiles
(CARGO_HOME/bin is in PATH, certificates are there), rustc's platform notes (for musl all is linked statically by
default). Debian's slim images have libgcc. A binary linked to an older glibc runs on a newer one, never the other way
round.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ..build.paths import join
from ..build.runs import Run, Step
from ..ecosystems._cargo_line import Line, cargo_home, read_line, settings, target_directory, working_directory
from ..ecosystems._cargo_project import Package
from ..ecosystems._cargo_project import Project as Workspace
from ..model import Declined, Obligation, Place, assumed, proved
from . import Carried, Runtime
from ._bases import Reference, reference
from ._binaries import base_of, called, distribution_of
from ._candidate import Candidate
from ._crates import DEVELOPMENT, files, libraries
from ._distribution import ALPINE, DEBIAN, DISTROLESS, Distribution, account_known, installed, needed
from ._files import Project, is_test, project_in, reading

NAME = "rust"

_SOURCES = re.compile(r"\.rs\Z")
_ASIDE = re.compile(
    r"(?:\A|/)(?:Cargo\.(?:toml|lock)|build\.rs|(?:rust-toolchain|rustfmt|clippy|deny|cross)(?:\.toml)?)\Z"
)
_BUILD_ONLY = re.compile(
    r"CARGO_\w+|RUST(?:FLAGS|UP_\w+|_VERSION|C\w*)|SQLX_OFFLINE|PKG_CONFIG\w*|OPENSSL_(?:DIR|STATIC|LIB_DIR|INCLUDE_DIR)"
    r"|CC|CXX|C(?:XX)?FLAGS|LDFLAGS"
)
_HARMLESS = frozenset(
    {"", "test", "t", "check", "c", "clippy", "fmt", "fetch", "clean", "chef cook", "chef prepare", "tree", "audit"}
)
_LINKS = re.compile(r"#\[link\(|cargo::?rustc-link-(?:lib|search|arg)|\bpkg_config::")
_TOOLCHAIN = re.compile(r'(?<!concat!\()\benv!\(\s*"OUT_DIR"|\btrybuild::|\blibloading::|\bdlopen2?::')
_PROCESSES = re.compile(r"\bprocess::(?:\{[^}]*\bCommand\b|Command\b|\*)|\b(?:duct|xshell|subprocess)::")
_EXECUTES = re.compile(r"\bCommand::new\(|\bcmd!\(|\bExec::cmd\(")
_PROGRAM = re.compile(r'\bCommand::new\(\s*"([^"\\]+)"')
_READS = re.compile(
    r"\b(?:File::open|OpenOptions::new|fs::(?:read|read_to_string|read_dir|metadata)|NamedFile::open|Files::new"
    r"|Serve(?:Dir|File)::new|FileServer::\w+|Tera::new|fs::(?:dir|file)|with_name|Template::fairing|Figment::\w+"
    r"|Toml::file|WalkDir::new|glob)\(\s*(?![\"\s])|\benv!\(\s*\"CARGO_MANIFEST_DIR\"|\bwith_name\(|\bTemplate::fairing\("
)
_WHOLE = re.compile(
    r'\b(?:Files::new\(\s*"[^"]*",|Serve(?:Dir)::new\(|fs::read_dir\(|fs::dir\(|WalkDir::new\(|FileServer::from\()'
    r'\s*"(?:\.|\./|)"'
)
_ENV_FILE = re.compile(r"\bdotenv(?:y|_flow)?\b")
_ZONES = re.compile(r"\bLocal::now\(|\bchrono::Local\b|\bOffsetDateTime::now_local\b")
_ROCKET = re.compile(r"\brocket::|#\[rocket::|#\[launch\]")


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a Rust program; None where the image is none of Rust's."""
    image = reference(candidate.stage)
    if image.name != "rust" or not candidate.stage.base.official:
        return None
    return _Rust(candidate, image).runtime()


@dataclass(frozen=True, slots=True)
class _Output:
    """A program that a cargo command makes; `target` is the triple that the command names, "" for its own."""

    path: str
    target: str
    step: Step
    run: Run


@dataclass(frozen=True)
class _Rust:
    candidate: Candidate
    image: Reference

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate = self.candidate
        for call in candidate.calls:
            if call.program in ("cargo", "rustup", "rustc", "bacon"):
                raise Declined("the program is compiled when the container starts", call.where)
        if not self.outputs:
            raise Declined("no `cargo build` or `cargo install --path` of a RUN makes a program")
        others = (*candidate.made(self._mine), *candidate.brought())
        scripts = candidate.scripts
        binaries = self._started()
        for unsafe, claim in (
            (_TOOLCHAIN, "the program needs what only the build has"),
            (_LINKS, "a C library is linked"),
        ):
            found = self.project.find(unsafe)
            if found:
                raise Declined(f"{claim}: {found[0][0]}", found[1])
        distribution = self._distribution()
        account_known(candidate, distribution)
        names = frozenset(posixpath.basename(path) for path in (*binaries, *others))
        loaded = tuple(self._libraries(distribution))
        packages = (
            *needed(candidate, distribution, names),
            *self._programs(distribution),
            *installed(candidate, distribution, not self._static, DEVELOPMENT),
            *loaded,
        )
        if packages and not distribution.install:
            raise Declined(f"{packages[0]} cannot be installed in a distroless image")
        data, read = reading(self.project, _ENV_FILE, _WHOLE, _READS)
        data = tuple(path for path in (*data, *self._settings()) if not _ASIDE.search(path))
        carried = [Carried(path, target) for path, target in binaries.items()]
        carried += [Carried(path) for path in dict.fromkeys((*scripts, *data, *others)) if path not in binaries]
        return Runtime(
            f"the Rust program on {called(distribution)}",
            self._base(distribution),
            distribution,
            tuple(carried),
            tuple(sorted(set(packages))),
            build_only=_BUILD_ONLY,
            proof=(read, *self._loads(distribution, loaded)),
        )

    def _mine(self, run: Run, step: Step) -> bool:
        """Judge the commands of the toolchain: what they make is known, or of no use to the program."""
        if step.program == "rustup":
            return True
        line = read_line(step)
        if line is None:
            return False
        if line.subcommand not in _HARMLESS | {"build", "b", "install"}:
            place = self.candidate.build.step_place(run, step)
            raise Declined(f"what `{line.title}` makes is not known", place)
        return True

    @cached_property
    def outputs(self) -> tuple[_Output, ...]:
        """The programs that cargo makes of the project."""
        found: dict[str, _Output] = {}
        for run, step in self.candidate.steps:
            line = read_line(step)
            if line and (line.subcommand in ("build", "b") or (line.subcommand == "install" and line.has("--path"))):
                for output in self._made(run, step, line):
                    found[output.path] = output
        return tuple(found.values())

    def _made(self, run: Run, step: Step, line: Line) -> Iterator[_Output]:
        place = self.candidate.build.step_place(run, step)
        if step.top is None or step.item.operator == "||":
            raise Declined("whether the command runs is not known", place)
        if None in step.words or line.has("-Z", "--config", "--out-dir", "--artifact-dir", "--example", "--examples"):
            raise Declined("where cargo puts the program is not known", place)
        directory = working_directory(step, line)
        view = self.candidate.build.view(self.candidate.stage, run.instruction)
        workspace = self._workspace(directory)
        found = settings(step, view, directory).get("build", {})
        triple = line.options.get("--target") or step.env.get("CARGO_BUILD_TARGET", "") or found.get("target") or ""
        names = set(self._names(step, line, workspace, directory))
        if line.subcommand == "install":
            root = line.options.get("--root") or step.env.get("CARGO_INSTALL_ROOT", "") or cargo_home(step)
            top = join(step.cwd, f"{root}/bin")
        else:
            profile = line.options.get("--profile") or ("release" if line.released else "debug")
            profile = {"dev": "debug", "test": "debug", "bench": "release"}.get(profile, profile)
            top = posixpath.join(target_directory(step, line, workspace.root), triple, profile)
        if top is None:
            raise Declined("where cargo puts the program is not known", place)
        yield from (_Output(f"{top}/{name}", triple, step, run) for name in names)

    def _names(self, step: Step, line: Line, workspace: Workspace, directory: str) -> Iterator[str]:
        """Yield the names of the programs that a command builds, as far as the manifests tell."""
        words = [word or "" for word in step.words]
        wanted = [after for word, after in pairwise(words) if word == "--bin"]
        wanted += [word.removeprefix("--bin=") for word in words if word.startswith("--bin=")]
        packages = workspace.packages
        chosen: list[Package] = list(packages.values())
        if line.packages:
            chosen = [one for one in packages.values() if one.name in line.packages]
        elif directory in packages and not line.has("--workspace", "--all"):
            chosen = [packages[directory]]
        yield from (name for one in chosen for name in one.binaries if not wanted or name in wanted)

    def _workspace(self, directory: str) -> Workspace:
        found = Workspace.load(directory, self.candidate.view)
        if found is None:
            raise Declined("no Cargo.toml of the build context says what is built")
        return found

    def _started(self) -> dict[str, str]:
        """Return the programs that are started, with their places in the final image; raises Declined if none is."""
        places = {output.path for output in self.outputs}
        for _, step in self.candidate.steps:
            operands = [join(step.cwd, word) or "" for word in step.words[1:] if word and not word.startswith("-")]
            if step.program in ("cp", "mv", "install") and len(operands) == 2 and operands[0] in places:
                source, target = operands
                is_directory = (step.words[-1] or "").endswith(("/", ".")) or target in self._directories
                places -= {source} if step.program == "mv" else set()
                places.add(f"{target}/{posixpath.basename(source)}" if is_directory else target)
        found: dict[str, str] = {}
        for call in self.candidate.calls:
            word = call.words[0] if call.words else ""
            for path in places:
                name, directory = posixpath.basename(path), posixpath.dirname(path)
                if "/" in word and self.candidate.path(word) == path:
                    found[path] = ""
                elif word == name and directory.endswith("/cargo/bin"):
                    found[path] = f"/usr/local/bin/{name}"
                elif word == name and directory in ("/usr/local/bin", "/usr/bin", "/bin"):
                    found[path] = ""
        if not found:
            raise Declined("what is started is none of the programs that cargo makes", self.candidate.start.where)
        if any(found.values()) and "$PATH" not in (self.candidate.stage.end.env.get("PATH") or "$PATH"):
            raise Declined("PATH is set as a whole, and may not lead to the program")
        return found

    @cached_property
    def _directories(self) -> tuple[str, ...]:
        mappings = [one.destination for copy in self.candidate.view.copies for one in copy.mappings if one.is_dir]
        return (*self.candidate.homes, *mappings, "/usr/local/bin", "/usr/bin", "/bin")

    @cached_property
    def project(self) -> Project:
        """The project's files; raises Declined if they are not in one known directory."""
        output = self.outputs[-1]
        line = read_line(output.step)
        home = self._workspace(working_directory(output.step, line)).root if line else ""
        return project_in(self.candidate, home, _SOURCES)

    @cached_property
    def _lock(self) -> tuple[str, str]:
        """Cargo.lock's context path and text."""
        line = read_line(self.outputs[-1].step)
        root = self._workspace(working_directory(self.outputs[-1].step, line)).root if line else ""
        path = self.candidate.view.context_path(f"{root}/Cargo.lock") or ""
        return path, self.candidate.build.context.read(path) or ""

    @cached_property
    def _static(self) -> bool:
        """Whether all is linked statically, as for musl by default."""
        flags = [step.env.get("RUSTFLAGS", "") or "" for _, step in self.candidate.steps]
        for path in ("config.toml", "config"):
            flags.append(self.candidate.read(f"{self.project.home}/.cargo/{path}") or "")
        musl = all("musl" in output.target or (self.image.alpine and not output.target) for output in self.outputs)
        return musl and not any("-crt-static" in flag for flag in flags)

    def _distribution(self) -> Distribution:
        executes = any(_PROCESSES.search(text) for text in self.project.texts().values())
        return distribution_of(self.candidate, self.image, static=self._static, executes=executes)

    @property
    def _suite(self) -> str:
        """Debian's suite of the rust image, "" where it is not known."""
        version = self.image.version
        default = "bookworm" if (1, 72) <= version < (1, 89) else "trixie" if version >= (1, 90) else ""
        return self.image.suite or ("trixie" if len(version) < 2 and self.image.certain else default)

    def _base(self, distribution: Distribution) -> str:
        if distribution is DEBIAN and self._suite in ("", "buster"):
            raise Declined("which of Debian's suites the rust image stands on is not known")
        return base_of(distribution, self.image, self._suite)

    def _programs(self, distribution: Distribution) -> Iterator[str]:
        """Yield the packages of the programs that the sources start."""
        for path, text in self.project.texts().items():
            if not _PROCESSES.search(text) or path.endswith("build.rs") or is_test(path) or "tests/" in path:
                continue
            calls, named = _EXECUTES.findall(text), _PROGRAM.findall(text)
            if len(calls) > len(named):
                raise Declined("the program starts another one, whose name is not written there", Place(path))
            for name in named:
                if name not in distribution.programs and name not in distribution.packages:
                    raise Declined(f"which package brings `{name}` is not known, which the program starts", Place(path))
                if name not in distribution.programs:
                    yield distribution.packages[name]

    def _libraries(self, distribution: Distribution) -> Iterator[str]:
        """Yield the packages of C libraries, certificates and time zones."""
        path, text = self._lock
        if not self._static:
            found = tuple(libraries(text, path, self._suite))
            if distribution is ALPINE:
                raise Declined("which libraries a program loads that is not linked statically is not known")
            yield from found
        if distribution is DISTROLESS:
            return
        yield from files(text)
        if "TZ" in self.candidate.stage.end.env or self.project.find(_ZONES):
            yield "tzdata"

    def _settings(self) -> Iterator[str]:
        """Yield what Rocket reads without being told."""
        if self.project.find(_ROCKET):
            for name in ("Rocket.toml", "templates"):
                path = f"{self.candidate.stage.end.workdir}/{name}"
                if self.candidate.view.exists(path):
                    yield path

    def _loads(self, distribution: Distribution, packages: tuple[str, ...]) -> Iterator[Obligation]:
        claim = "the program finds the libraries that it loads"
        output = self.outputs[-1]
        place = self.candidate.build.step_place(output.run, output.step)
        if self._static:
            yield proved(claim, "for musl all is linked statically", place)
            return
        doubt = f"what the crates of Cargo.lock are known to load is installed: {', '.join(packages) or 'nothing'}"
        yield assumed(claim, doubt, Place(self._lock[0]))
        if distribution is DEBIAN and not self.image.suite:
            yield assumed(
                f"the image of the tag stands on Debian {self._suite}",
                "its tag names no suite, and may move on to a newer one",
                self.candidate.build.place(self.candidate.stage.from_),
            )
