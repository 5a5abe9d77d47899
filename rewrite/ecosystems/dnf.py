"""dnf and its kin (dnf5, yum, microdnf): what they read and write, and a cache of packages beside the image.

Facts: dnf(8), dnf.conf(5), dnf5(8), dnf5-caching(7); the source of dnf 4, dnf5 5.2 and microdnf 3.10, which
says:

- Packages are deleted after the transaction unless ``keepcache`` is on, which is off by default. microdnf takes
  ``--setopt=keepcache=1`` since 3.7; the yum of before dnf takes no ``--refresh``.
- The cache lies in ``/var/cache/dnf``, ``/var/cache/libdnf5`` (dnf5) or ``/var/cache/yum`` (microdnf);
  ``--setopt=cachedir=`` moves it in all three, for root too. Somewhere else it is out of the way of ``dnf clean all``
  and ``rm``, which stay as they are.
- Metadata is used for up to two days (``metadata_expire``) as it is. ``--refresh`` asks whether it still is what the
  repository has, so that the choice is that of a RUN with no cache; it also makes a RUN of its own for
  ``makecache`` no hazard, as apt's is.
- A repository's part of the cache is named after its address, with release and architecture in it
  (``ConfigRepo::get_unique_id``); packages are checked against the metadata.
- Scripts of packages run in the environment of dnf.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..build.build import View
from ..build.options import Argument, arguments
from ..build.paths import overlap
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import (
    NEVER,
    CachePlace,
    CachePlan,
    CleanPlan,
    Command,
    MountSpec,
    Read,
    ScriptEdit,
    Site,
    Tool,
    base_identity,
    no_fetch,
)
from ._cleaning import emptied, last_of
from ._rpm_images import keeps_packages
from ._system import file_named, is_remote, lines_of, none_moved, package_words, system_writes

NAME = "dnf"
IGNORE = ""
# Outside of dnf's own directories, which many a RUN removes: a mount in there would be busy.
PACKAGES = "/var/cache/dnf-rpms"
_PLACE = CachePlace(PACKAGES, "A", "a directory of its own, which `dnf clean all` does not empty", "", "locked")
_LEFT = tuple(rf"/var/cache/{name}/[^/]+" for name in ("dnf", "libdnf5", "yum"))
TOOLS = tuple(
    Tool(name, "System", installs=installs, caches=(_PLACE,), source=source, leftovers=_LEFT)
    for name, installs, source in (
        ("dnf", ("dnf install", "dnf update", "dnf group install", "dnf builddep"), "dnf(8), dnf.conf(5)"),
        ("dnf5", ("dnf5 install", "dnf5 upgrade"), "dnf5(8), dnf5-caching(7)"),
        ("microdnf", ("microdnf install", "microdnf update"), "microdnf 3.10"),
        ("yum", ("yum install", "yum update"), "dnf(8), where the image's yum is dnf"),
    )
)
INSTALLING = CONFIGURES = NEVER

PROGRAMS = frozenset({"dnf", "dnf5", "microdnf", "yum"})
_INSTALLS = frozenset(
    "install localinstall in reinstall rei update upgrade up update-to upgrade-to localupdate upgrade-minimal"
    " update-minimal up-min downgrade dg distro-sync distrosync dsync swap groupinstall builddep build-dep".split()
)
_GROUPS = frozenset("group groups grp module environment".split())
_OTHERS = frozenset(
    "remove erase rm autoremove clean makecache mc check-update check-upgrade check list ls info if search se provides"
    " whatprovides repolist repoinfo repo repoquery rq deplist mark copr config-manager versionlock updateinfo advisory"
    " needs-restarting groupremove grouplist leaves help history".split()
)
_SWITCHES = frozenset(
    "-y -q -v -b -C -4 -6 -h --assumeyes --assumeno --quiet --verbose --version --nodocs --no-docs --noplugins"
    " --no-plugins --skip-broken --skip-unavailable --help --allowerasing --best --nobest --no-best --cacheonly"
    " --debugsolver --showduplicates --obsoletes --enable --disable --save --noautoremove --no-autoremove --nogpgcheck"
    " --no-gpgchecks --refresh --downloadonly --bugfix --enhancement --newpackage --security --set-enabled"
    " --set-disabled --allow-downgrade --no-allow-downgrade --allow-vendor-change --no-allow-vendor-change --all"
    " --installed --available --with-optional --overwrite --unneeded --latest-limit --create-missing-dir"
    " --skip-file-locks --show-new-leaves --transient".split()
)
_VALUED = frozenset(
    "-c -d -e -x -R --config --debuglevel --errorlevel --exclude --excludepkgs --disableexcludes --disableexcludepkgs"
    " --enablerepo --disablerepo --enable-repo --disable-repo --repo --repoid --releasever --releasever-major"
    " --releasever-minor --installroot --forcearch --color --comment --advisory --advisories --bz --bzs --cve --cves"
    " --sec-severity --secseverity --advisory-severities --repofrompath --downloaddir --destdir --add-repo"
    " --from-repofile --rpmverbosity --disableplugin --enableplugin --disable-plugin --enable-plugin --setopt --setvar"
    " --qf --queryformat --randomwait --from-repo --define -D --spec --srpm".split()
)
_CONFIGURATION = (
    Read("/etc/dnf", "dnf's configuration"),
    Read("/etc/yum", "yum's configuration"),
    Read("/etc/yum.conf", "yum's configuration"),
    Read("/etc/yum.repos.d", "the repositories"),
    Read("/etc/pki", "the repositories' keys"),
)
_MOVED = {
    "-C": "it works from the cache in the image",
    "--cacheonly": "it works from the cache in the image",
    "--installroot": "it installs under another root, which has a cache of its own",
    "--downloadonly": "it only downloads packages, for another command to take",
    "-c": "another configuration may move the cache",
    "--config": "another configuration may move the cache",
}
_CACHES = ("/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5")
_REMOVES = frozenset({"remove", "erase", "rm", "autoremove"})
_KEEP = f" --setopt=cachedir={PACKAGES} --setopt=keepcache=1"
_SETTINGS = ("keepcache", "cachedir", "metadata_expire", "persistdir", "/etc/dnf/dnf.conf", "/etc/yum.conf")


@dataclass(frozen=True, slots=True)
class _Line:
    """A command line of dnf: its program, its subcommand, and all arguments."""

    program: str
    subcommand: str
    found: tuple[Argument, ...]

    @classmethod
    def read(cls, step: Step) -> _Line | None:
        """Read the words of `step`, None if it is not dnf's; raises Declined for an option that is not known."""
        program = "dnf config-manager" if step.program == "yum-config-manager" else step.program
        if program is None or program.split()[0] not in PROGRAMS:
            return None
        found = arguments(package_words(step), 1, _SWITCHES, _VALUED)
        first = next((argument.value for argument in found if not argument.option), "")
        return cls(program.split()[0], "config-manager" if " " in program else first, tuple(found))

    @property
    def options(self) -> dict[str, str]:
        """The options, each with its last value."""
        return {argument.option: argument.value for argument in self.found if argument.option}

    @property
    def operands(self) -> tuple[str, ...]:
        """What follows the subcommand."""
        return tuple(argument.value for argument in self.found if not argument.option)[1:]

    @property
    def installs(self) -> bool:
        """Whether it fetches packages."""
        verbs = {"install", "update", "upgrade", "switch-to"}
        return self.subcommand in _INSTALLS or (
            self.subcommand in _GROUPS and bool(self.operands[:1]) and self.operands[0] in verbs
        )


def recognise(step: Step, view: View) -> Command | None:
    """Return what a command does: it reads the configuration and the repositories, and writes the system."""
    try:
        line = _Line.read(step)
        if line is None:
            return None
        title = f"{line.program} {line.subcommand}".strip()
        if line.subcommand and line.subcommand not in _INSTALLS | _GROUPS | _OTHERS:
            raise Declined(f"{title} is not known")
        reads = (*_CONFIGURATION, *_files(step, line))
        writes = system_writes(line.options.get("--installroot"), step)
        return Command(NAME, title, line.installs, reads, tuple(writes), strangers=True)
    except Declined as declined:
        return Command(NAME, step.program or "dnf", bool(_INSTALLS & set(step.words)), declined=declined)


def _files(step: Step, line: _Line) -> Iterator[Read]:
    """Yield the files that a command names; raises Declined where one is not known."""
    if line.options.keys() & {"--downloadonly", "--downloaddir", "--destdir"}:
        raise Declined("it leaves packages in a directory")
    for argument in line.found:
        value = argument.value
        if argument.option == "--repofrompath":
            value = value.partition(",")[2]
        if argument.option == "--setopt":
            _only_a_value(*value.partition("=")[::2])
        named = argument.option in ("-c", "--config", "--repofrompath", "--add-repo", "--from-repofile")
        if (named or _is_file(argument)) and not is_remote(value):
            yield file_named(step, value, "the command names it")
    for operand in line.operands if line.subcommand not in ("copr", "module") else ():
        if "/" in operand and not is_remote(operand) and not operand.endswith((".rpm", ".spec")):
            if not operand.startswith("/"):
                raise Declined(f"what {operand} names is not known")
            yield Read(operand, "the command may name a file")


def _only_a_value(name: str, value: str) -> None:
    """Raise Declined for a setting that moves a directory, or that names a place on this machine."""
    if name.endswith("dir") or value.startswith(("/", "file:")):
        raise Declined(f"--setopt={name}={value} names a place")


def _is_file(argument: Argument) -> bool:
    return not argument.option and argument.value.endswith((".rpm", ".spec"))


def cache(site: Site) -> CachePlan | None:
    """Return how the installs of a RUN keep metadata and packages in a mount, beside dnf's own directory."""
    installs = [(step, line) for step, line in lines_of(site, _Line.read) if line.installs]
    if not installs:
        return None
    if any(overlap(mount.target, "/var/cache") for mount in site.run.mounts if mount.target.startswith("/var")):
        return None
    none_moved(site, installs, _MOVED)
    for _, line in installs:
        keeps_packages(site, line.program)
    _as_by_default(site)
    _online(site)
    identity = base_identity(site)
    return CachePlan(
        "keep dnf's packages and metadata in a cache mount",
        "after an edit of the package list only what is new is downloaded",
        (MountSpec(PACKAGES, "locked", f"dnf-{identity}" if identity else ""),),
        tuple(_kept(step) for step, _ in installs),
        (PACKAGES,),
        tuple(_sound(identity)),
    )


def _kept(step: Step) -> ScriptEdit:
    """Tell an install where the packages are kept, and to ask whether the metadata still is the repository's."""
    return ScriptEdit(step.simple.words[0].span, f"{_KEEP} --refresh")


def _as_by_default(site: Site) -> None:
    """Raise Declined where the Dockerfile may have changed where the cache lies, or what is kept."""
    for _, line in [*site.stage.before(site.run.instruction), (site.stage, site.run.instruction)]:
        # What dockerfix has added to another RUN holds for that one only.
        text = site.build.dockerfile.source(line.span).replace(_KEEP, "")
        for setting in _SETTINGS if line.keyword in ("RUN", "COPY", "ADD") else ():
            if setting in text:
                raise Declined(f"{setting} is set or changed already", site.build.place(line))


def _online(site: Site) -> None:
    """Raise Declined where a later command takes what the cache in the image holds."""
    for run in site.later_runs:
        for step in run.steps:
            if step.program in PROGRAMS and {"-C", "--cacheonly"} & set(step.words):
                raise Declined("a later dnf works from the cache in the image", site.build.step_place(run, step))


def _sound(identity: str | None) -> Iterator[Obligation]:
    """Yield why the same packages are installed, and nobody misses what the mount keeps out of the image."""
    yield proved("the newest packages of the repositories are chosen", "--refresh checks the metadata of the mount")
    yield proved("commands that clean dnf's cache do not empty the mount", "it lies outside of dnf's own directories")
    yield proved("nobody needs the packages or the metadata in the image", "dnf fetches metadata that is not there")
    claim = "no other distribution's packages share the mount"
    if identity:
        yield proved(claim, f"its id names the base image {identity}")
    else:
        yield assumed(claim, "the base image depends on a build argument")


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``dnf clean`` leaves the mount alone, and ``rm`` is everybody's."""
    return ()


def clean(site: Site) -> CleanPlan | None:
    """Return how the installs of a RUN leave no packages and no metadata: ``dnf clean all`` behind the last dnf."""
    lines = lines_of(site, _Line.read)
    installs = [(step, line) for step, line in lines if line.installs]
    if not installs:
        return None
    if any(line.subcommand == "clean" for _, line in lines[lines.index(installs[-1]) :]):
        return None
    if any(emptied(site, path, cleaned) for path in _CACHES):
        return None
    none_moved(site, lines, _MOVED)
    for step, line in lines:
        if line.subcommand in _REMOVES and any(name.startswith(tuple(PROGRAMS)) for name in line.operands):
            raise Declined("it removes dnf itself", site.build.step_place(site.run, step))
    _as_by_default(site)
    _online(site)
    last = last_of(site, PROGRAMS)
    title = f"clean {last.program}'s cache in the RUN that fills it"
    proof = proved("nobody needs the packages or the metadata in the image", "dnf fetches metadata that is not there")
    return CleanPlan(title, (), f"{last.simple.words[0].raw} clean all", last, _CACHES, (proof,))


fetch = no_fetch
