"""cargo: dependencies compiled in a layer of their own, the registry in a cache mount, cargo-chef where it is in use.

Facts: The Cargo Book ("Cargo Home", "cargo build", "cargo clean", "cargo install"); seen with cargo 1.95: after a build
with empty sources, ``cargo clean -p`` of the packages of the tree removes all that was made of these, so that sources
with whatever times are compiled, and the program is the same to the byte; the lock on downloads lies in CARGO_HOME
itself, outside of the mounts, so that these must be ``locked``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.paths import inside, join
from ..build.runs import Run, Step
from ..model import Declined, Obligation, proved
from . import CachePlace, CachePlan, Command, Fetch, MountSpec, Need, Read, Site, Tool, Write, no_clean
from ._cargo_line import (
    Line,
    cargo_home,
    configuration_reads,
    hosted,
    no_denials,
    read_line,
    settings,
    target_directory,
    working_directory,
)
from ._cargo_project import Package, Project
from ._private_cache import owner
from ._script_variables import assignments

NAME = "cargo"
IGNORE = "rust"
TOOLS = (
    Tool(
        "cargo",
        "Rust",
        ("Cargo.toml",),
        ("Cargo.lock",),
        ("cargo build", "cargo install", "cargo chef cook"),
        (
            CachePlace(
                "/usr/local/cargo/registry", "B", "where no layer holds the dependencies", "CARGO_HOME", "locked"
            ),
            CachePlace("/usr/local/cargo/git/db", "B", "where no layer holds the dependencies", "CARGO_HOME", "locked"),
            CachePlace("target", "C", "it holds the programs that are built", "CARGO_TARGET_DIR"),
        ),
        "The Cargo Book; cargo 1.95 in the lab",
        # What rustc told of itself, in the order of a hash map: two builds of one project differ in it.
        leftovers=(r"(?:/[^/]+)*/\.rustc_info\.json",),
        needs=(Need("cargo build", ("Cargo.toml",)),),
    ),
)
INSTALLING = re.compile(r"\bcargo\s+(?:\+\S+\s+)?(?:build|b|install|chef\s+cook|test|run|rustc)\b")
CONFIGURES = re.compile(r"\.cargo/config|/cargo/config|\$\{?CARGO_HOME\}?/config")

_DOWNLOADS = frozenset(
    {"build", "b", "test", "t", "check", "c", "clippy", "run", "r", "install", "fetch", "rustc", "doc"}
)
_PROJECT = frozenset({*_DOWNLOADS, "bench"})
_CHOOSES = frozenset({"--example", "--examples", "--test", "--tests", "--bench", "--benches", "--all-targets"})
_UNFOLLOWED = ("--config", "-Z", "--artifact-dir", "--out-dir", "--offline", "--frozen")
_NOTES = ("deps", "build", ".fingerprint", "incremental", "examples")
_EDITS_LOCK = frozenset({"update", "generate-lockfile", "add", "remove", "rm", "upgrade"})
BUILD = "cargo build"


def recognise(step: Step, view: View) -> Command | None:
    """Return what a command of cargo or rustup does: tools and cargo-chef's recipe are listed, the rest is declined."""
    if step.program == "rustup":
        return _rustup(step)
    if step.program != "cargo":
        return None
    try:
        line = read_line(step)
        return _command(step, line) if line else None
    except Declined as declined:
        return Command(NAME, "cargo", bool({"install", "build"} & set(step.words)), declined=declined, project=True)


def _command(step: Step, line: Line) -> Command:
    title = BUILD if line.subcommand == "b" else line.title
    if not line.subcommand:
        return Command(NAME, title)
    try:
        if line.subcommand == "install" and line.operands and not line.has("--path"):
            return _tools(step, line)
        if line.subcommand == "chef cook":
            return _cook(step, line)
    except Declined as declined:
        return Command(NAME, title, True, declined=declined)
    premise = "it looks for the sources of every package" if line.subcommand == "fetch" else "it reads the sources"
    fetches, project = line.subcommand == "fetch", line.subcommand in _PROJECT
    return Command(NAME, title, fetches, declined=Declined(premise), project=project)


def _rustup(step: Step) -> Command | None:
    """rustup works with the toolchain that the directory names."""
    if None in step.words or step.cwd is None:
        return None
    home = step.env.get("RUSTUP_HOME") or f"{step.env.get('HOME') or '/root'}/.rustup"
    reads = [*configuration_reads(step, step.cwd)]
    return Command(NAME, "rustup", True, tuple(reads), (Write(home, "rustup keeps toolchains", local=False),))


def _tools(step: Step, line: Line) -> Command:
    """``cargo install NAME`` compiles a program from the registry, or of another repository."""
    if step.cwd is None or line.has("--config", "-Z", "--target-dir"):
        raise Declined("what it reads or writes is not known")
    writes = [Write(cargo_home(step), "cargo keeps its programs and downloads there", local=False)]
    root = line.options.get("--root")
    place = join(step.cwd, root) if root else None
    writes += [Write(place, "--root names it", local=False)] if place else []
    return Command(NAME, line.title, True, configuration_reads(step, step.cwd), tuple(writes), strangers=True)


def _cook(step: Step, line: Line) -> Command:
    recipe = join(step.cwd, line.options.get("--recipe-path", "recipe.json"))
    if step.cwd is None or recipe is None or line.has(*_UNFOLLOWED):
        raise Declined("what it reads or writes is not known")
    target = Write(target_directory(step, line, step.cwd), "cargo builds there")
    reads = (Read(recipe, "cargo-chef's recipe", required=True), *configuration_reads(step, step.cwd))
    home = Write(cargo_home(step), "cargo keeps what it downloads there", local=False)
    return Command(NAME, line.title, True, reads, (target, home), strangers=True)


def cache(site: Site) -> CachePlan | None:
    """Return how cargo uses a mount over its downloads, where no layer holds the dependencies."""
    line = read_line(site.step)
    if line is None or line.subcommand not in _DOWNLOADS | {"chef cook"}:
        return None
    _no_layer(site)
    home = cargo_home(site.step)
    if line.has("--offline", "--frozen") or site.step.env.get("CARGO_NET_OFFLINE", "false") != "false":
        raise Declined("cargo works offline, from what is in the image")
    if site.run.home is None or (home != "/usr/local/cargo" and home != f"{site.run.home}/.cargo"):
        raise Declined("it is not known who CARGO_HOME belongs to")
    account = owner(site, "what cargo downloads")
    if account.uid is not None:
        raise Declined("cargo does not run as root, and a mount's parent directories would be root's")
    mounts = tuple(MountSpec(f"{home}/{name}", "locked") for name in ("registry", "git/db"))
    return CachePlan(
        "keep what cargo downloads in cache mounts",
        "cargo downloads only what it has not seen before",
        mounts,
        directories=tuple(mount.target for mount in mounts),
        proof=(
            proved("every cargo command that needs the downloads has the mounts", "all RUNs with cargo were read"),
            proved("no two builds write the mounts at once", "they are locked"),
            _not_started(site),
        ),
        shared=True,
    )


def _no_layer(site: Site) -> None:
    """Decline if a RUN of the stage brings the dependencies in a layer, which a mount would leave empty."""
    for run, step in _steps(site):
        line = read_line(step)
        if line and line.subcommand not in ("", "install"):
            cooked = line.subcommand in ("chef cook", "fetch", "vendor")
            if cooked or (line.subcommand in ("build", "b") and not _has_sources(site, run)):
                premise = f"{line.title} keeps the dependencies in a layer, which a CI runner that starts empty has"
                raise Declined(premise, site.build.step_place(run, step))


def _steps(site: Site) -> Iterator[tuple[Run, Step]]:
    """Yield the readable commands of the stage and of those that it stands on."""
    for stage in site.stage.lineage:
        for line in stage.instructions:
            if line.keyword == "RUN":
                run = site.build.run(line)
                yield from ((run, step) for step in run.steps)


def _not_started(site: Site) -> Obligation:
    """Decline if a program that the image starts may be cargo, which needs what the mounts hold."""
    for stage in site.build.stages:
        for line in stage.instructions if stage.may_stand_on(site.stage) else ():
            if line.keyword in ("CMD", "ENTRYPOINT", "HEALTHCHECK") and re.search(r"\bcargo\b|\.sh\b", line.body.text):
                raise Declined("the image may start cargo, which needs what is downloaded", site.build.place(line))
    return proved("the image does not start cargo", "every CMD and ENTRYPOINT was read")


def _has_sources(site: Site, run: Run) -> bool:
    """Tell whether sources have been copied when a RUN of the stage begins."""
    stage = next(level for level in site.stage.lineage if run.instruction in level.instructions)
    return _sourced(site.build.view(stage, run.instruction))


def _sourced(view: View) -> bool:
    """Tell whether a COPY has brought any source file."""
    sources = (mapping.source for copy in view.copies for mapping in copy.mappings)
    return any(entry.path.endswith(".rs") for source in sources for entry in view.context.files(source))


def _present(view: View, package: Package) -> bool:
    return any(view.exists(posixpath.join(package.directory, one)) for one in (*package.programs, *package.libraries))


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: what cargo removes is what it builds."""
    return ()


def fetch(site: Site) -> Fetch | None:
    """Return a build of the dependencies, with empty sources in the place of the project's own."""
    step = site.step
    line = read_line(step)
    if line is None or line.subcommand not in ("build", "b") or line.operands or not _sourced(site.view):
        return None
    directory = working_directory(step, line)
    project = Project.load(directory, site.view)
    if project is None or not any(_present(site.view, package) for package in project.packages.values()):
        return None
    if any((other := read_line(one)) and other.subcommand == "chef cook" for _, one in _steps(site)):
        return None
    _buildable(site, line, directory, project)
    target = target_directory(step, line, project.root)
    home = cargo_home(step)
    reads = [Read(path, "it names the packages", required=True) for path in project.manifests]
    reads.append(Read(posixpath.join(project.root, "Cargo.lock"), "it says what is built", required=True))
    profile = line.options.get("--profile") or ("release" if line.released else "debug")
    triple = line.options.get("--target")
    places = [f"{target}/{profile}", *([f"{target}/{triple}/{profile}"] if triple else [])]
    notes = [Write(f"{place}/{name}", "cargo's notes", local=False) for place in places for name in _NOTES]
    downloads = [Write(f"{home}/{name}", "cargo's downloads", local=False) for name in ("registry", "git")]
    return Fetch(
        BUILD,
        _script(site, line, project),
        "an edit of a source file no longer compiles the dependencies again",
        (*reads, *configuration_reads(step, directory)),
        (*downloads, *notes),
        (
            proved(
                "the dependencies are compiled as before", "by the same command, manifests, Cargo.lock and settings"
            ),
            proved("nothing of the empty sources is left", "cargo clean -p removes what was built of each package"),
        ),
        outputs=(Write(target, "cargo builds there"),),
    )


def _buildable(site: Site, line: Line, directory: str, project: Project) -> None:
    """Decline where an empty build may fail, or may leave something else than the real one."""
    step = site.step
    for option in (*_UNFOLLOWED, *_CHOOSES):
        if line.has(option):
            raise Declined(f"{option} is not followed")
    found = settings(step, site.view, directory)
    target = line.options.get("--target") or step.env.get("CARGO_BUILD_TARGET", "") or ""
    if (target or step.env.get("CARGO_BUILD_TARGET", "") is None) and not hosted(target):
        raise Declined(f"an empty program may not link for {target or 'a target that is not known'}")
    if step.env.get("CARGO_NET_OFFLINE", "false") != "false" or found.get("net", {}).get("offline"):
        raise Declined("cargo works offline")
    no_denials(step)
    wanted = line.options.get("--bin")
    if wanted and not any(wanted in package.binaries for package in project.packages.values()):
        raise Declined(f"no package has a program {wanted}")
    for run, other in _steps(site):
        mine = read_line(other) if other.program == "cargo" else None
        if mine and mine.subcommand in _EDITS_LOCK:
            raise Declined("Cargo.lock is changed by a RUN", site.build.step_place(run, other))
    if site.account is None or (site.account.name != "root" and set(project.packages) != {project.root}):
        raise Declined("it is not known that the user may write in the directories of all packages")
    before = site.build.view(site.stage, site.stage.instructions[0])
    if before.copies:
        raise Declined("a stage below this one brings files of the project")


def _script(site: Site, line: Line, project: Project) -> str:
    """Return the commands: empty sources, the build, and the removal of both."""
    cwd = site.step.cwd or "/"
    packages = list(project.packages.values())
    programs = [_word(posixpath.join(one.directory, path), cwd) for one in packages for path in one.programs]
    libraries = [_word(posixpath.join(one.directory, path), cwd) for one in packages for path in one.libraries]
    programs = [path for path in programs if path not in libraries]
    own = {_word(one.directory, cwd) for one in packages}
    made = {posixpath.dirname(path) or "." for path in (*programs, *libraries)}
    tops = {
        _word(posixpath.join(one.directory, path.partition("/")[0]), cwd)
        for one in packages
        for path in (*one.programs, *one.libraries)
    }
    prefix = assignments(site, lambda name, value: True)
    build = " ".join(word.raw for word in site.step.simple.words)
    if "\n" in build:
        raise Declined("the command is spread over lines in a way that is not followed")
    directories = " ".join(sorted(path for path in made if path not in own))
    lines = [f"mkdir -p {directories}"] if directories else []
    if len(programs) == 1:
        lines.append(f"echo 'fn main() {{}}' > {programs[0]}")
    elif programs:
        lines.append(f"for path in {' '.join(programs)}; do echo 'fn main() {{}}' > $path; done")
    lines += [f"touch {' '.join(libraries)}"] if libraries else []
    lines += [prefix + build, prefix + line.cleaning([one.name for one in packages])]
    return " &&\n".join([*lines, f"rm -r {' '.join(sorted(tops))}"])


def _word(path: str, cwd: str) -> str:
    path = posixpath.normpath(path)
    word = (
        posixpath.relpath(path, cwd) if inside(path, cwd) or path.partition("/")[0] == cwd.partition("/")[0] else path
    )
    if not re.fullmatch(r"[\w./@+-]+", word) or word.startswith("-"):
        raise Declined(f"the path {path} cannot be written in a command")
    return word


clean = no_clean
