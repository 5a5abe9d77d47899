"""Maven: what resolves a project's dependencies before its sources are there, and the local repository.

Facts: Maven's documentation (POM, settings, ``.mvn``, wrapper, dependency plugin), and builds with Maven 3.8 in the
lab: ``dependency:go-offline`` reads poms only, and fails for a module that another one needs and that is not built yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.paths import join
from ..build.runs import Run, Step
from ..model import Declined, Obligation, assumed, proved
from . import CachePlace, CachePlan, Command, Fetch, Need, Read, Site, Tool, Write, no_clean, parents_stand
from ._maven_fetch import layer_command
from ._maven_line import Line, is_maven, line_reads, own_wrapper, project_directory, read_line
from ._maven_project import Project
from ._shared_cache import Tool as CacheTool
from ._shared_cache import all_seen, as_it_was_copied, family, mounts_in_home, no_layer, no_other_mount
from ._xml import read_xml, text_of

NAME = "maven"
IGNORE = "jvm"
TOOLS = (
    Tool(
        "maven",
        "JVM",
        ("pom.xml",),
        (),
        ("mvn dependency:go-offline", "mvn dependency:resolve", "./mvnw dependency:go-offline"),
        (
            CachePlace(
                "~/.m2/repository",
                "B",
                "every later Maven command reads it, settings.xml stays visible; a layer where no mount can be",
                "maven.repo.local",
                "locked",
            ),
            CachePlace(
                "~/.m2/wrapper", "B", "every later ./mvnw runs the Maven that it holds", "MAVEN_USER_HOME", "locked"
            ),
        ),
        "Maven's documentation of the POM, settings, .mvn and the dependency plugin; builds in the lab",
        needs=(Need("mvn", ("pom.xml",)),),
    ),
)
INSTALLING = re.compile(r"\bmvnw?\b")
# The settings' file is read where it is used, see _maven_line; what makes one on the way is not.
CONFIGURES = re.compile(r"\.m2/settings(?:-security)?\.xml|\.mavenrc")

_DEPENDENCY = r"(?:dependency|org\.apache\.maven\.plugins:maven-dependency-plugin(?::[\w.-]+)?)"
_RESOLVES = re.compile(rf"{_DEPENDENCY}:(go-offline|resolve|resolve-plugins)")
_INSTALLS = re.compile(r"install|deploy|(?:install|org\.apache\.maven\.plugins:maven-install-plugin(?::[\w.-]+)?):.*")
_PHASES = frozenset(
    "clean validate generate-sources process-sources generate-resources process-resources compile process-classes"
    " test-compile test prepare-package package pre-integration-test integration-test verify install deploy".split()
)
_TOOL = CacheTool("Maven", re.compile(r"\bmvnw?\b"), is_maven, ("maven",))


def recognise(step: Step, view: View) -> Command | None:
    """Return what a Maven command does; those that only resolve are worth a layer, all others run the project."""
    if not is_maven(step):
        return None
    try:
        line = read_line(step, view)
    except Declined as declined:
        return Command(NAME, "mvn", declined=declined, project=True)
    title = " ".join(("mvn", *map(_short, line.goals)))
    if not line.goals and {"-v", "-h"} & line.options.keys():
        return Command(NAME, title, writes=tuple(_writes(step, line)))
    resolves = bool(line.goals) and all(_RESOLVES.fullmatch(goal) for goal in line.goals)
    try:
        if not resolves:
            raise Declined("the plugins of the build may read any file of the project")
        return _resolving(step, view, line, title)
    except Declined as declined:
        return Command(NAME, title, resolves, declined=declined, project=not resolves)


def _short(goal: str) -> str:
    match = _RESOLVES.fullmatch(goal)
    return f"dependency:{match[1]}" if match else goal


def _resolving(step: Step, view: View, line: Line, title: str) -> Command:
    reads = list(line_reads(step, view, line))
    project = Project.load(view, _pom(step, line))
    proof = tuple(project.proof())
    found: dict[Read, None] = dict.fromkeys([*project.reads, *reads])
    writes = tuple(_writes(step, line))
    texts = [view.read(read.path) or "" for read in reads]
    environment = project.asks_environment or any("env." in text for text in texts)
    return Command(NAME, title, True, tuple(found), writes, proof=proof, environment=environment)


def _pom(step: Step, line: Line) -> str:
    directory = project_directory(step)
    given = join(step.cwd, line.options["-f"]) if "-f" in line.options else None
    if given and given.endswith(".xml"):
        return given
    if directory is None:
        raise Declined("the directory that Maven runs in is not known")
    return f"{directory.rstrip('/')}/pom.xml"


def _writes(step: Step, line: Line) -> Iterator[Write]:
    for home in dict.fromkeys((step.env.get("HOME") or "/root", "/root")):
        yield Write(f"{home}/.m2", "Maven keeps its repository", local=False)
    moved = line.properties.get("maven.repo.local")
    if moved is not None:
        path = join(step.cwd, moved)
        if path is None or "$" in moved:
            raise Declined("where maven.repo.local lies is not known")
        yield Write(path, "Maven keeps its repository")
    if "-l" in line.options:
        log = join(step.cwd, line.options["-l"])
        if log is None:
            raise Declined("where -l writes is not known")
        yield Write(log, "Maven's log")


def cache(site: Site) -> CachePlan | None:
    """Return how a Maven command uses a mount over the local repository."""
    if not is_maven(site.step):
        return None
    line = read_line(site.step, site.view)
    if not line.goals and {"-v", "-h"} & line.options.keys():
        return None
    if line.offline:
        raise Declined("Maven works offline, from the repository that is in the image")
    commands = tuple(_commands(site))
    _no_layer(site, commands)
    no_layer(site, _TOOL)
    id, kept = _installed(site, commands)
    mounts = mounts_in_home(site, ".m2", _parts(site), _home(site, line), id)
    no_other_mount(site, _TOOL, [mount.target for mount in mounts])
    return CachePlan(
        "keep what Maven downloads in a cache mount",
        "after an edit of a source file or a pom only what is new is downloaded",
        mounts,
        directories=tuple(mount.target for mount in mounts),
        proof=(
            proved(
                f"Maven's local repository is in {mounts[0].target}", "its options, settings and variables were read"
            ),
            *all_seen(site, _TOOL),
            *kept,
            _unchanging(site, line),
        ),
        shared=True,
    )


def _parts(site: Site) -> tuple[str, ...]:
    """Return what to mount: the repository, and for the wrapper the directory in which it keeps Maven itself."""
    account = site.account
    in_home = account is not None and account.home == site.run.home and "MAVEN_USER_HOME" not in site.step.env
    used = [
        own_wrapper(step, site.build.view(stage, run.instruction)) for stage, run in family(site) for step in run.steps
    ]
    return ("repository", "wrapper") if in_home and any(used) else ("repository",)


def _commands(site: Site) -> Iterator[tuple[Run, Line]]:
    """Yield the Maven commands that may find the repository; raises Declined for one that cannot be read."""
    for stage, run in family(site):
        view = site.build.view(stage, run.instruction)
        yield from ((run, read_line(step, view)) for step in run.steps if is_maven(step))


def _home(site: Site, line: Line) -> str:
    """Return the HOME that holds the repository; raises Declined if it lies elsewhere, or is all that Maven may use."""
    if "maven.repo.local" in line.properties or "settings.localRepository" in line.properties:
        raise Declined("maven.repo.local moves the repository")
    account = site.account
    if account is None or account.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where the repository lies")
    for option, path in (("-s", f"{account.home}/.m2/settings.xml"), ("-gs", "")):
        given = line.options.get(option)
        place = join(site.step.cwd, given) if given else path
        settings = read_xml(site.view, place) if place else None
        if given and settings is None:
            raise Declined(f"the settings that {option} names cannot be read, and may move the repository")
        if settings and text_of(settings.root, "localRepository"):
            raise Declined("the settings move the repository", settings.place("localRepository"))
        if settings and text_of(settings.root, "offline") == "true":
            raise Declined("the settings keep Maven offline", settings.place("offline"))
    return account.home


def _no_layer(site: Site, commands: Sequence[tuple[Run, Line]]) -> None:
    """Decline where a command only resolves: it is for a layer of its own."""
    for run, line in commands:
        if line.goals and all(map(_RESOLVES.fullmatch, line.goals)):
            premise = "what resolves is for a layer of its own, which reaches a CI runner where a mount does not"
            raise Declined(premise, site.build.place(run.instruction))


def _installed(site: Site, commands: Sequence[tuple[Run, Line]]) -> tuple[str, tuple[Obligation, ...]]:
    """Return the id of a mount into which Maven installs the project itself ("" if it does not), with the proof."""
    installing = [(run, line) for run, line in commands if any(map(_INSTALLS.fullmatch, line.goals))]
    if not installing:
        return "", ()
    where = site.build.place(installing[0][0].instruction)
    if len({id(run) for run, _ in commands}) > 1:
        premise = "it installs into the repository what another RUN may need, and a mount may be emptied in between"
        raise Declined(premise, where)
    if any("-pl" in line.options and "-am" not in line.options for _, line in installing):
        raise Declined("-pl without -am could take a module that an earlier build has left in the mount", where)
    try:
        coordinates = Project.load(site.view, _pom(site.step, installing[0][1])).coordinates
    except Declined:
        coordinates = ""
    claim = "no other project finds what this one installs"
    if coordinates:
        return f"m2-{coordinates}", (proved(claim, f"the mount has an id of its own, {coordinates}"),)
    return "", (assumed(claim, "the project's name is not known, and the mount is everybody's", where),)


def _unchanging(site: Site, line: Line) -> Obligation:
    """Judge whether Maven could take from the mount what it would have looked for anew."""
    claim = "Maven finds in the mount what it would download"
    try:
        project = Project.load(site.view, _pom(site.step, line))
    except Declined as declined:
        return assumed(claim, f"what the project depends on is not known: {declined.premise}", declined.because)
    if project.directories:
        raise Declined("artifacts come from a directory of the project, where one of the same version may change")
    unseen = next((name for name in project.unseen if name.endswith("-SNAPSHOT")), "")
    newest = project.newest()
    changing = project.changing() or unseen or (newest and f"the newest version of {newest}")
    if changing and "-U" not in line.options:
        return assumed(claim, f"{changing} may change, and Maven looks for that once a day only")
    return proved(claim, "what has a version does not change")


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``mvn clean`` cleans the project only."""
    return ()


def fetch(site: Site) -> Fetch | None:
    """Return ``go-offline`` for a build whose stage ends before the image, and that has resolved nothing before.

    It is for builds that can have no mount. In the benchmark's Maven project go-offline downloads 222 jars where
    ``package`` needs 125, and Maven is started twice: a cold build, and one after an edit of the pom, takes 1.6 times
    as long, for one of 1/1.9 after an edit of a source file, and of 1/1.3 with an imported cache. With a mount a
    cold build takes as long as before, both edits come to half of it, and an imported cache gains nothing.
    """
    step, view = site.step, site.view
    if not is_maven(step) or _has_mounts(site):
        return None
    line = read_line(step, view)
    # Another goal may put into the repository what the project needs, as install:install-file does.
    if line.offline or not line.goals or not set(line.goals) <= _PHASES or _ran_before(site):
        return None
    if site.build.stages[-1].may_stand_on(site.stage):
        raise Declined("the image is built on this stage, and go-offline downloads more than the build")
    script = own_wrapper(step, view)
    if script:
        as_it_was_copied(site, script)
    project = Project.load(view, _pom(step, line))
    reads = dict.fromkeys([*project.reads, *line_reads(step, view, line)])
    command, proof = layer_command(site, line, project)
    return Fetch(
        "mvn dependency:go-offline",
        command,
        "an edit of a source file downloads little again: go-offline knows all but what plugins choose when they run",
        tuple(reads),
        tuple(_writes(step, line)),
        proof,
    )


def _has_mounts(site: Site) -> bool:
    """Tell whether every Maven command that may find the site's repository has, or can have, a mount over it."""
    if not site.build.mounts or site.build.no_cache_mounts:
        return False
    sites = [Site(site.build, stage, run, step) for stage, run in family(site) for step in run.steps]
    try:
        for one in sites:
            plan = cache(one)
            if plan:
                parents_stand(one, plan)
    except Declined:
        return False
    return True


def _ran_before(site: Site) -> bool:
    """Tell whether an earlier command of the stage was Maven's."""
    runs = [site.build.run(line) for _, line in site.stage.before(site.run.instruction) if line.keyword == "RUN"]
    steps = [step for run in runs for step in run.steps]
    return any(map(is_maven, (*steps, *site.run.steps[: site.run.steps.index(site.step)])))


clean = no_clean
