"""Gradle: its caches, and what the wrapper needs to fetch Gradle itself.

Facts: Gradle's documentation (command line, wrapper, directories that Gradle uses, dependency caching), and a mount
through the gradle image's link from root's home to its user's, seen in the lab. Build scripts are programs: what they
read cannot be listed, so that nothing of a build is moved; ``gradlew --version`` runs none of them. Where Gradle's home
is follows Java's ``user.home``, which is the account's own, not HOME.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..build.build import View
from ..build.images import ROOT
from ..build.options import arguments
from ..build.paths import join
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation, Place, assumed, proved
from . import CachePlace, CachePlan, Command, Fetch, MountSpec, Need, Read, Site, Tool, Write, no_clean
from ._shared_cache import Tool as CacheTool
from ._shared_cache import all_seen, as_it_was_copied, family, mounts_in_home, no_layer, no_other_mount

NAME = "gradle"
IGNORE = "jvm"
TOOLS = (
    Tool(
        "gradle",
        "JVM",
        ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "libs.versions.toml"),
        ("gradle.lockfile",),
        ("./gradlew --version",),
        (
            CachePlace(
                "~/.gradle/caches",
                "B",
                "every later Gradle command reads it; init.d and gradle.properties beside it stay visible",
                "GRADLE_USER_HOME",
                "locked",
            ),
            CachePlace(
                "~/.gradle/wrapper",
                "B",
                "every later ./gradlew runs what it holds; in a layer of its own where that can be",
                "GRADLE_USER_HOME",
                "locked",
            ),
        ),
        "Gradle's documentation of the command line, the wrapper and the directories that Gradle uses",
        needs=(Need("gradle", ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")),),
    ),
)
INSTALLING = re.compile(r"\bgradlew?\s")
CONFIGURES = re.compile(r"\.gradle/(?:init\.d|init\.gradle|gradle\.properties)")

_SWITCHES = frozenset(
    "-v -version --version -V --show-version -h -? --help -q --quiet -i --info -d --debug -w --warn -s --stacktrace -S"
    " --full-stacktrace --no-daemon --daemon --foreground --stop --status --offline --refresh-dependencies -U"
    " --parallel --no-parallel --build-cache --no-build-cache --configuration-cache --no-configuration-cache -a"
    " --continue --no-continue --no-rebuild -m --dry-run --rerun-tasks --scan --no-scan --profile -t --continuous"
    " --configure-on-demand --no-configure-on-demand --write-locks --no-watch-fs --watch-fs --export-keys"
    " --rerun".split()
)
_VALUED = frozenset(
    "-b --build-file -c --settings-file -p --project-dir -g --gradle-user-home -I --init-script -x --exclude-task -D"
    " --system-prop -P --project-prop --console --warning-mode --max-workers --project-cache-dir --include-build"
    " --configuration-cache-problems --priority -M --write-verification-metadata -F --dependency-verification --tests"
    " --update-locks --args --configuration".split()
)
_VERSION = frozenset({"-v", "-version", "--version"})
_RESOLVES = frozenset({"dependencies", "resolveDependencies", "downloadDependencies", "buildEnvironment"})
_WRAPPER = re.compile(r"org\.gradle\.wrapper\.GradleWrapperMain|Gradle start up script|gradle-wrapper\.jar")
# Versions whose content may change: Gradle looks for that once a day.
_CHANGING = re.compile(
    r"^(?!\s*version\b).*(?:-SNAPSHOT\b|\blatest\.(?:release|integration)|[cC]hanging\s*=|[:.]\+[\"']|[\"']\+[\"']"
    r"|:[\[(]\d[^\"']*,)",
    re.MULTILINE,
)


def _start(step: Step) -> int | None:
    if step.program in ("gradle", "gradlew"):
        return 1
    word = step.words[1] if step.program in ("sh", "bash", "ash", "dash") and len(step.words) > 1 else None
    return 2 if word and posixpath.basename(word) == "gradlew" else None


def is_gradle(step: Step) -> bool:
    """Tell whether a command is Gradle's or its wrapper's, run directly or by a shell."""
    return _start(step) is not None


_TOOL = CacheTool(
    "Gradle",
    re.compile(r"(?<![\w./:-])gradlew?\b(?![/.:-])|/gradlew\b"),
    is_gradle,
    ("gradle",),
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A command line: its tasks, its options, and the image path of the wrapper's script if that runs."""

    tasks: tuple[str, ...]
    options: dict[str, str]
    wrapper: str | None

    @classmethod
    def read(cls, step: Step) -> _Line:
        """Read the words of `step`; raises Declined for what is not known."""
        start = _start(step) or 1
        found = arguments(step.words, start, _SWITCHES, _VALUED)
        word = step.words[start - 1] or ""
        script = join(step.cwd, word) if posixpath.basename(word) == "gradlew" else None
        if script is None and posixpath.basename(word) == "gradlew":
            raise Declined("the directory that Gradle runs in is not known")
        tasks = tuple(argument.value for argument in found if not argument.option)
        return cls(tasks, {argument.option: argument.value for argument in found if argument.option}, script)

    @property
    def asks_version(self) -> bool:
        """Whether Gradle only shows its version, and evaluates no build script."""
        return not self.tasks and bool(_VERSION & self.options.keys())


def recognise(step: Step, view: View) -> Command | None:
    """Return what a Gradle command does: the wrapper's ``--version`` fetches Gradle, all others run build scripts."""
    if not is_gradle(step):
        return None
    name = "gradlew" if "gradlew" in (step.words[(_start(step) or 1) - 1] or "") else "gradle"
    try:
        line = _Line.read(step)
        if line.asks_version:
            reads = tuple(_wrapper_reads(step, view, line))
            title = f"{name} --version"
            return Command(NAME, title, bool(reads), reads, tuple(_wrapper_writes(step)), environment=True)
        title = " ".join((name, *line.tasks))
        premise = "build scripts are programs, and may read any file of the project"
        return Command(NAME, title, bool(_RESOLVES & set(line.tasks)), declined=Declined(premise), project=True)
    except Declined as declined:
        return Command(NAME, name, declined=declined, project=True)


def _wrapper_reads(step: Step, view: View, line: _Line) -> Iterator[Read]:
    """Yield what the wrapper reads to fetch Gradle and to show its version; nothing for an installed Gradle."""
    if line.wrapper is None:
        return
    for option in ("-g", "--gradle-user-home", "-p", "--project-dir", "-I", "--init-script", "-D", "--system-prop"):
        if option in line.options:
            raise Declined(f"{option} makes Gradle read or write elsewhere")
    _own_wrapper(view, line.wrapper)
    directory = posixpath.dirname(line.wrapper)
    yield Read(line.wrapper, "the wrapper", True)
    yield Read(posixpath.join(directory, "gradle/wrapper"), "it says which Gradle the wrapper fetches", True)
    for place in dict.fromkeys((directory, step.cwd or directory)):
        yield Read(posixpath.join(place, "gradle.properties"), "it may set properties of the wrapper")
        yield Read(posixpath.join(place, "gradle/gradle-daemon-jvm.properties"), "it says which Java Gradle wants")
    for home in _homes(step):
        yield from (Read(f"{home}/{name}", "Gradle's own settings") for name in ("gradle.properties", "init.d"))


def _own_wrapper(view: View, script: str) -> None:
    text = view.read(script)
    if text is None or not _WRAPPER.search(text):
        raise Declined("gradlew is not known to be Gradle's own wrapper", view.place(script))


def _homes(step: Step) -> tuple[str, ...]:
    moved = step.env.get("GRADLE_USER_HOME", "")
    if moved is None:
        raise Declined("GRADLE_USER_HOME is not known")
    return (
        (moved,)
        if moved
        else tuple(f"{home}/.gradle" for home in dict.fromkeys((step.env.get("HOME") or "/root", "/root")))
    )


def _wrapper_writes(step: Step) -> Iterator[Write]:
    for home in _homes(step):
        for name in ("wrapper", "native", "notifications", "daemon"):
            yield Write(f"{home}/{name}", "Gradle keeps itself there", local=False)


def cache(site: Site) -> CachePlan | None:
    """Return how a Gradle command uses mounts over its caches."""
    if not is_gradle(site.step):
        return None
    line = _Line.read(site.step)
    if line.asks_version:
        return None
    lines = tuple(_commands(site))
    if line.wrapper:
        _own_wrapper(site.view, line.wrapper)
    for run, other in lines:
        if "--offline" in other.options:
            raise Declined(
                "Gradle works offline, from the cache that is in the image", site.build.place(run.instruction)
            )
        if other.tasks and set(other.tasks) <= _RESOLVES:
            premise = "what resolves is for a layer of its own, which reaches a CI runner where a mount does not"
            raise Declined(premise, site.build.place(run.instruction))
    no_layer(site, _TOOL)
    mounts = _mounts(site, line, tuple(_parts(site, lines)))
    no_other_mount(site, _TOOL, [mount.target for mount in mounts])
    return CachePlan(
        "keep what Gradle downloads in cache mounts",
        "after an edit of a build script only what is new is downloaded",
        mounts,
        directories=tuple(mount.target for mount in mounts),
        proof=(
            proved(f"Gradle's caches are in {mounts[0].target}", "its options and variables were read"),
            *all_seen(site, _TOOL),
            *_kept(site, lines),
        ),
        shared=True,
    )


def _commands(site: Site) -> Iterator[tuple[Run, _Line]]:
    for _, run in family(site):
        yield from ((run, _Line.read(step)) for step in run.steps if is_gradle(step))


def _parts(site: Site, lines: Sequence[tuple[Run, _Line]]) -> Iterator[str]:
    """Yield the directories to mount: Gradle itself only where it cannot have a layer of its own."""
    yield "caches"
    in_a_layer = any(_in_a_layer(site, stage, run) for stage, run in family(site))
    if any(line.wrapper for _, line in lines) and not in_a_layer and not any(line.asks_version for _, line in lines):
        yield "wrapper"


def _in_a_layer(site: Site, stage: Stage, run: Run) -> bool:
    try:
        return any(fetch(Site(site.build, stage, run, step)) for step in run.steps)
    except Declined:
        return False


def _mounts(site: Site, line: _Line, parts: tuple[str, ...]) -> tuple[MountSpec, ...]:
    moved = site.step.env.get("GRADLE_USER_HOME", "")
    options = " ".join(site.step.env.get(name) or "" for name in ("GRADLE_OPTS", "JAVA_OPTS", "JAVA_TOOL_OPTIONS"))
    given = {"-g", "--gradle-user-home"} & line.options.keys() or "user.home" in options + " ".join(
        line.options.values()
    )
    account = site.account
    if moved is None or given:
        raise Declined("where Gradle's home is moved to is not known")
    if account is None or account.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where Gradle's home lies")
    if not moved:
        return mounts_in_home(site, ".gradle", parts, account.home)
    if account.name != ROOT.name or not moved.startswith("/"):
        raise Declined(f"{moved} may not belong to {account.name}, and a mount's parents belong to root")
    return tuple(MountSpec(posixpath.join(posixpath.normpath(moved), part), "locked") for part in parts)


def _kept(site: Site, lines: Sequence[tuple[Run, _Line]]) -> Iterator[Obligation]:
    """Yield what is known of what the mount keeps beside fixed versions: outputs of tasks, versions that change."""
    context = site.build.context
    on = next((site.build.place(run.instruction) for run, line in lines if "--build-cache" in line.options), None)
    changing: tuple[str, Place] | None = None
    for entry in context.files():
        name = posixpath.basename(entry.path)
        if name == "gradle.properties" or name.endswith((".gradle", ".gradle.kts", ".versions.toml")):
            text = context.read(entry.path) or ""
            if re.search(r"org\.gradle\.caching\s*=\s*true|\bbuildCache\s*\{", text):
                on = on or Place(entry.path)
            found = _CHANGING.search(text)
            if found and changing is None:
                changing = found[0].strip(), Place(entry.path, text.count("\n", 0, found.end()) + 1)
    claim = "no output of a task is taken from an earlier build"
    if on:
        yield assumed(claim, "Gradle's build cache is on, and lies in the mount", on)
    else:
        yield proved(claim, "Gradle's build cache is off, as it is by default")
    claim = "Gradle finds in the mount what it would download"
    if changing:
        yield assumed(claim, f"`{changing[0]}` may change, and Gradle looks for that once a day", changing[1])
    else:
        yield proved(claim, "no build script names a version that changes")


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``gradle clean`` cleans the project only."""
    return ()


def fetch(site: Site) -> Fetch | None:
    """Return the wrapper's ``--version``, which fetches Gradle itself, for the stage's first use of the wrapper."""
    step, account = site.step, site.account
    if not is_gradle(step):
        return None
    line = _Line.read(step)
    if line.wrapper is None or line.asks_version or "--offline" in line.options or _ran_before(site):
        return None
    # For others the whole of Gradle's home is mounted: see mounts_in_home.
    if account is None or account.name != ROOT.name:
        return None
    as_it_was_copied(site, line.wrapper)
    words = [word.raw for word in step.simple.words[: _start(step)]]
    return Fetch(
        "gradlew --version",
        " ".join((*words, "--version")),
        "an edit of a source file no longer downloads Gradle itself again",
        tuple(_wrapper_reads(step, site.view, line)),
        tuple(_wrapper_writes(step)),
        (proved("the wrapper's --version evaluates no build script", "Gradle's documentation"),),
    )


def _ran_before(site: Site) -> bool:
    runs = [site.build.run(line) for _, line in site.stage.before(site.run.instruction) if line.keyword == "RUN"]
    steps = [step for run in runs for step in run.steps]
    return any(map(is_gradle, (*steps, *site.run.steps[: site.run.steps.index(site.step)])))


clean = no_clean
