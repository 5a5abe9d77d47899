"""dotnet: what ``restore`` reads before the sources are there, and NuGet's packages folder.

Facts: Microsoft's documentation of the dotnet commands, of MSBuild and of NuGet. Projects with PackageReference use
their packages from the global packages folder, and a build with ``--no-restore`` fails where one is missing
(NETSDK1064). NuGet's locks are files in the container, so that two builds that share the folder must take turns.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.paths import join
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation, proved
from . import CachePlace, CachePlan, Command, Fetch, Read, Site, Tool, Write, no_clean
from ._dotnet_line import Line, is_dotnet, read_line
from ._msbuild import MOVING, PROJECT, Projects, names_in, tool_manifests
from ._shared_cache import Tool as CacheTool
from ._shared_cache import all_seen, family, mounts_in_home, no_layer, no_other_mount

NAME = "dotnet"
IGNORE = "dotnet"
TOOLS = (
    Tool(
        "dotnet",
        ".NET",
        ("*.csproj", "*.fsproj", "*.vbproj", "*.sln", "*.slnx", "Directory.Build.props", "Directory.Packages.props"),
        ("packages.lock.json",),
        ("dotnet restore", "dotnet tool restore", "dotnet workload install", "dotnet tool install -g"),
        (
            CachePlace(
                "~/.nuget/packages",
                "B",
                "builds use the packages from this folder; not where a restore has a layer of its own",
                "NUGET_PACKAGES",
                "locked",
            ),
        ),
        "Microsoft's documentation of dotnet restore, MSBuild and NuGet",
    ),
)
INSTALLING = re.compile(r"\bdotnet\s+(?:restore|build|publish|test|pack|run|msbuild)\b")
CONFIGURES = re.compile(
    r"\bdotnet\s+nuget\s+(?:add|update)\s+source\b(?![^\n;&|]*https?://)|\bdotnet\s+nuget\s+config\b"
)

_BUILDS = frozenset({"build", "publish", "pack", "test", "run", "msbuild", "watch"})
_RESTORING = frozenset({"build", "publish", "pack", "test"})
# They do not work with the packages folder.
_ELSEWHERE = ("nuget ", "new ", "dev-certs ", "sln ", "workload ", "tool install")
_TOOL = CacheTool("dotnet", re.compile(r"\bdotnet[\"',\s]+(?![\w./-]*\.dll\b)|\bdotnet-\w"), is_dotnet)


def recognise(step: Step, view: View) -> Command | None:
    """Return what a dotnet command does; restores and tools are worth a layer, builds run the project's targets."""
    if step.program != "dotnet":
        return None
    if not is_dotnet(step):
        reads = tuple(_global_json(step))
        return Command(NAME, "dotnet", reads=reads, writes=tuple(_home_writes(step)))
    verb = " ".join(word or "" for word in step.words[1:2])
    try:
        line = read_line(step)
        verb = line.verb
        return _command(step, view, line)
    except Declined as declined:
        installs = verb in ("restore", "tool restore", "workload install", "workload restore", "tool install")
        return Command(NAME, f"dotnet {verb}", installs, declined=declined, project=not installs)


def _command(step: Step, view: View, line: Line) -> Command:
    title, cwd = f"dotnet {line.verb}", step.cwd
    if cwd is None:
        raise Declined("the directory that it runs in is not known")
    projects = Projects(view)
    projects.configuration(cwd)
    writes = [*_home_writes(step)]
    if line.verb == "restore":
        _restore(step, view, line, projects)
        writes += _restored(step, line, projects)
    elif line.verb == "tool restore" and "--tool-manifest" not in line.options:
        projects.reads |= dict.fromkeys(tool_manifests(view, cwd))
    elif line.verb in ("workload install", "tool install") and _from_the_net(line):
        writes += [Write(path, "the SDK's workloads") for path in ("/usr/share/dotnet", "/usr/lib/dotnet")]
        if "--tool-path" in line.options:
            writes.append(Write(_path(step, line.options["--tool-path"]), "the tool's own directory"))
    else:
        raise Declined("targets of the project run, and may read any of its files")
    reads = tuple(projects.reads)
    return Command(NAME, title, True, reads, tuple(dict.fromkeys(writes)), environment=True)


def _from_the_net(line: Line) -> bool:
    """Tell whether an install of workloads or of a global tool names nothing of the project."""
    local = line.verb == "tool install" and not {"--global", "--tool-path"} & line.options.keys()
    sources = [
        line.options[name]
        for name in ("--source", "--add-source", "--configfile", "--tool-manifest")
        if name in line.options
    ]
    return not local and all(re.match(r"https?://", source) for source in sources)


def _restore(step: Step, view: View, line: Line, projects: Projects) -> None:
    for name in line.properties:
        if MOVING.fullmatch(name):
            raise Declined(f"{name} makes it read or write elsewhere")
    for name in ("--lock-file-path", "--artifacts-path", "--root-config-directory"):
        if name in line.options:
            raise Declined(f"{name} makes it read or write elsewhere")
    if "--source" in line.options and not re.match(r"https?://", line.options["--source"]):
        raise Declined("its source of packages is a directory")
    if "--configfile" in line.options:
        projects.reads[Read(_path(step, line.options["--configfile"]), "--configfile names it", True)] = None
        if posixpath.basename(line.options["--configfile"]).lower() != "nuget.config":
            raise Declined("the file that --configfile names was not read")
        projects.configuration(posixpath.dirname(_path(step, line.options["--configfile"])))
    projects.target(_target(step, view, line))


def _target(step: Step, view: View, line: Line) -> str:
    """Return the image path of the project or solution that a command is for; raises Declined."""
    if len(line.operands) > 1:
        raise Declined("it names several projects")
    path = _path(step, line.operands[0] if line.operands else ".")
    if PROJECT.fullmatch(path) or path.endswith((".sln", ".slnx")):
        return path
    if line.operands and not view.is_dir(path):
        raise Declined(f"{line.operands[0]} is no project or solution that is known")
    names = names_in(view, path)
    found = sorted(name for name in names if re.search(r"\.(?:\w*proj|slnx?|slnf)\Z", name))
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        raise Declined(f"which project of {path} it takes is not known: there is {listed}")
    return posixpath.join(path, found[0])


def _path(step: Step, text: str) -> str:
    path = join(step.cwd, text.replace("\\", "/")) if "$" not in text else None
    if path is None:
        raise Declined(f"where {text} lies is not known")
    return path


def _restored(step: Step, line: Line, projects: Projects) -> Iterator[Write]:
    for directory in projects.directories:
        yield Write(f"{directory.rstrip('/')}/obj", "the restore keeps what it has found")
    places = (line.options.get("--packages"), step.env.get("NUGET_PACKAGES", ""))
    for place in (place for place in places if place != "" and place is not None):
        yield Write(_path(step, place), "the packages folder")
    if step.env.get("NUGET_PACKAGES", "") is None:
        raise Declined("NUGET_PACKAGES is not known")
    is_fixed = "--locked-mode" in line.options or line.properties.get("RestoreLockedMode", "").lower() == "true"
    if (projects.locked or "--use-lock-file" in line.options) and not is_fixed:
        for read in projects.reads:
            if read.path.endswith(".lock.json") and projects.view.exists(read.path):
                yield Write(read.path, "the restore may rewrite it", local=False)


def _home_writes(step: Step) -> Iterator[Write]:
    home = step.env.get("HOME") or "/root"
    for name in (".nuget", ".local/share/NuGet", ".dotnet", ".templateengine"):
        yield Write(f"{home}/{name}", "dotnet and NuGet keep packages, answers and state", local=False)
    yield Write("/tmp/NuGetScratch", "NuGet's temporary files", local=False)


def _global_json(step: Step) -> Iterator[Read]:
    directory = step.cwd or "/"
    while True:
        yield Read(f"{directory.rstrip('/')}/global.json", "it chooses the SDK")
        if directory in ("/", "%"):
            return
        directory = posixpath.dirname(directory)


def cache(site: Site) -> CachePlan | None:
    """Return how a dotnet command uses a mount over NuGet's packages folder."""
    step = site.step
    if not is_dotnet(step) or read_line(step).verb.startswith(_ELSEWHERE):
        return None
    if any(_in_a_layer(site, stage, run) for stage, run in family(site)):
        return None
    commands = tuple(_commands(site))
    _may_come_from_a_mount(site, commands)
    no_layer(site, _TOOL)
    if site.run.home is None:
        raise Declined("the user that this RUN runs as is not known, and with it where the packages folder lies")
    if step.env.get("NUGET_PACKAGES", "") != "":
        raise Declined("NUGET_PACKAGES moves the packages folder")
    mounts = mounts_in_home(site, ".nuget", ("packages",), site.run.home)
    no_other_mount(site, _TOOL, [mount.target for mount in mounts])
    return CachePlan(
        "keep NuGet's packages in a cache mount",
        "after an edit of a project file only new packages are downloaded",
        mounts,
        directories=tuple(mount.target for mount in mounts),
        proof=(
            proved(f"the packages folder is {mounts[0].target}", f"HOME is {site.run.home}, nothing moves it"),
            *all_seen(site, _TOOL),
            _not_in_the_image(site),
        ),
        shared=True,
    )


def _in_a_layer(site: Site, stage: Stage, run: Run) -> bool:
    """Tell whether the packages of some command of a RUN could have a layer of their own: that is better."""
    try:
        return any(fetch(Site(site.build, stage, run, step)) for step in run.steps)
    except Declined:
        return False


def _commands(site: Site) -> Iterator[tuple[Run, Line]]:
    for _, run in family(site):
        lines = [read_line(step) for step in run.steps if is_dotnet(step)]
        yield from ((run, line) for line in lines if not line.verb.startswith(_ELSEWHERE))


def _may_come_from_a_mount(site: Site, commands: Sequence[tuple[Run, Line]]) -> None:
    """Decline where a RUN needs packages that another has restored, or takes them from a directory."""
    for run, line in commands:
        mine = [other for one, other in commands if one is run]
        where = site.build.place(run.instruction)
        if line.verb in ("restore", "tool restore"):
            premise = "a restore is for a layer of its own, which reaches a CI runner where a mount does not"
            raise Declined(premise, where)
        before = mine[: next(at for at, other in enumerate(mine) if other is line)]
        if not line.restores and not any(other.verb in _BUILDS and other.restores for other in before):
            raise Declined("it needs what an earlier RUN has restored, and a mount may be emptied in between", where)
        if "--packages" in line.options:
            raise Declined("--packages moves the packages folder", where)
    for _, run in family(site):
        if CONFIGURES.search(run.text.text):
            raise Declined("packages may come from a directory, where one of the same version may change")
    projects = Projects(site.view)
    projects.configuration(site.step.cwd or "/")
    projects.configuration(f"{site.run.home or '/root'}/.nuget/NuGet")
    if projects.sources or any(not re.match("https?:", line.options.get("--source", "http:")) for _, line in commands):
        raise Declined("packages come from a directory, where one of the same version may change")


def _not_in_the_image(site: Site) -> Obligation:
    """Make sure that no image is built on the stage: what is not published may load packages from the folder."""
    build = site.build
    last = build.stages[-1]
    if last.may_stand_on(site.stage):
        raise Declined(
            "the image stands on this stage, and its program may load packages from the folder", build.place(last.from_)
        )
    return proved("no program of the image loads packages from the folder", "the image is not built on this stage")


def cleaned(step: Step) -> Sequence[str]:
    """Return the packages folder for ``dotnet nuget locals … --clear``."""
    words = step.words
    clears = step.program == "dotnet" and words[1:3] == ("nuget", "locals") and {"-c", "--clear"} & set(words)
    if not clears or not {"all", "global-packages"} & set(words) or step.env.get("NUGET_PACKAGES", "") != "":
        return ()
    return (f"{step.env.get('HOME') or '/root'}/.nuget/packages",)


def fetch(site: Site) -> Fetch | None:
    """Return ``dotnet restore`` for a command that would restore before it builds."""
    step, view = site.step, site.view
    if not is_dotnet(step):
        return None
    line = read_line(step)
    if line.verb not in _RESTORING or not line.restores or _restored_before(site):
        return None
    projects = Projects(view)
    projects.configuration(step.cwd or "/")
    _restore(step, view, line, projects)
    return Fetch(
        "dotnet restore",
        " ".join(("dotnet restore", *_restore_words(step, line))),
        "an edit of a source file no longer downloads the packages again",
        tuple(projects.reads),
        tuple(dict.fromkeys([*_home_writes(step), *_restored(step, line, projects)])),
        (proved("the restore evaluates the same projects", "it is for the same project, with the same options"),),
    )


def _restored_before(site: Site) -> bool:
    """Tell whether an earlier command of the stage has restored, in whatever directory."""
    runs = [site.build.run(line) for _, line in site.stage.before(site.run.instruction) if line.keyword == "RUN"]
    steps = [step for run in runs for step in run.steps]
    steps += site.run.steps[: site.run.steps.index(site.step)]
    return any(is_dotnet(step) and step.words[1] in ("restore", *_BUILDS) for step in steps)


def _restore_words(step: Step, line: Line) -> Iterator[str]:
    """Yield the words of a build that its restore takes, too; raises Declined for one that cannot be written again."""
    if any(value is not None and "$" in value for value in step.words):
        raise Declined("a word of the command holds a $")
    yield from map(_written, line.operands)
    for name in ("--runtime", "--arch", "--os", "--source", "--configfile"):
        if name in line.options:
            yield from (name, _written(line.options[name]))
    if "--use-current-runtime" in line.options:
        yield "--use-current-runtime"
    properties = dict(line.properties)
    if "--configuration" in line.options:
        properties.setdefault("Configuration", line.options["--configuration"])
    yield from (_written(f"-p:{name}={value}") for name, value in properties.items())


def _written(value: str) -> str:
    """Return a value as a word of the shell; a variable stands in it as it was written."""
    if re.fullmatch(r"[\w./@:+,=%-]+|(?:-p:\w+=)?(?:\$\w+|\$\{\w+\}|\"\$\w+\"|\"\$\{\w+\}\")", value):
        return value
    if set(value) & set("\"'$`\\"):
        raise Declined(f"{value} cannot be written in a command")
    return f'"{value}"'


clean = no_clean
