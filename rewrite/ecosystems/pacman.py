"""pacman, the package manager of Arch Linux: what its commands read and write, and a mount over its packages.

Facts: pacman(8), pacman.conf(5). Downloaded packages stay in ``/var/cache/pacman/pkg``, which exists in the image
(``CacheDir``); the repositories' lists lie elsewhere, in ``/var/lib/pacman/sync``, and stay in the image. A cached
package is checked against the list's checksum and fails the install if it is another of that name, so
that only images of Arch's own repositories may share the mount. ``-Sc`` and ``-Scc`` do nothing else than to clean
the cache as long as no repository was taken out of pacman.conf.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..build.build import View
from ..build.effects import effect
from ..build.options import Argument, arguments
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import NEVER, CachePlace, CachePlan, Command, MountSpec, Read, Site, Tool, no_clean, no_fetch
from . import recognise as recognise_any
from ._system import file_named, is_remote, package_words, system_writes

NAME = "pacman"
IGNORE = ""
CACHE = "/var/cache/pacman/pkg"
TOOLS = (
    Tool(
        "pacman",
        "System",
        installs=("pacman -S", "pacman -Syu", "pacman -U"),
        caches=(CachePlace(CACHE, "A", "packages only; the repositories' lists lie elsewhere", "", "locked"),),
        source="pacman(8), pacman.conf(5)",
    ),
)
INSTALLING = CONFIGURES = NEVER

_OPERATIONS = {
    "--database": "-D",
    "--deptest": "-T",
    "--files": "-F",
    "--query": "-Q",
    "--remove": "-R",
    "--sync": "-S",
    "--upgrade": "-U",
}
_LONG = {"--clean": "-c", "--downloadonly": "-w", "--refresh": "-y", "--sysupgrade": "-u"}
_SWITCHES = frozenset(
    "-D -F -Q -R -S -T -U -V -h -c -d -e -g -i -k -l -m -n -o -p -q -s -t -u -v -w -y --noconfirm --confirm --needed"
    " --noprogressbar --nodeps --asdeps --asexplicit --quiet --verbose --debug --noscriptlet --cascade --nosave"
    " --recursive --unneeded --disable-download-timeout --version --help --groups --info --list --search --native"
    " --foreign --unrequired --deps --explicit --check --owns --dbonly --print --sandbox --disable-sandbox".split()
) | {*_OPERATIONS, *_LONG}
_VALUED = frozenset(
    "-b -r --arch --cachedir --color --config --dbpath --gpgdir --hookdir --ignore --ignoregroup --logfile --overwrite"
    " --assume-installed --root --sysroot --print-format".split()
)
_CONFIGURATION = (
    Read("/etc/pacman.conf", "pacman's configuration"),
    Read("/etc/pacman.d", "the mirrors and keys"),
)
_MOVED = frozenset("-b -r --arch --cachedir --config --dbpath --root --sysroot".split())
# Arch's own images, whatever their variant.
_ARCH = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:archlinux|archlinux/archlinux)(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]+)?\Z"
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A pacman command line: its operation (``-S``), all its options in their short form, its operands."""

    operation: str
    options: frozenset[str]
    found: tuple[Argument, ...]

    @classmethod
    def read(cls, step: Step) -> _Line | None:
        """Read the words of `step`, None if it is not pacman's; raises Declined for an option that is not known."""
        if step.program != "pacman":
            return None
        found = arguments(package_words(step), 1, _SWITCHES, _VALUED)
        options = {_OPERATIONS.get(item.option, _LONG.get(item.option, item.option)) for item in found if item.option}
        operations = options & set(_OPERATIONS.values())
        if len(operations) > 1:
            raise Declined("it has two operations")
        return cls("".join(operations), frozenset(options), tuple(found))

    @property
    def installs(self) -> bool:
        """Whether it fetches packages."""
        operands = any(not argument.option for argument in self.found)
        asks = {"-c", "-g", "-i", "-l", "-p", "-s", "--print", "--search", "--info", "--list", "--groups"}
        return self.operation in ("-S", "-U") and not self.options & asks and (operands or bool(self.options & {"-u"}))


def recognise(step: Step, view: View) -> Command | None:
    """Return what a pacman command does: it reads its configuration and the repositories, and writes the system."""
    if step.program == "pacman-key" and step.words[1:2] in (("--init",), ("--populate",)) and None not in step.words:
        return Command(NAME, "pacman-key", False, _CONFIGURATION, tuple(system_writes()))
    try:
        line = _Line.read(step)
        if line is None:
            return None
        if line.options & {"-w", "--cachedir", "--logfile", "--sysroot"}:
            raise Declined("it leaves files in a directory of their own")
        root = next((item.value for item in line.found if item.option in ("-r", "--root")), None)
        reads, writes = (*_CONFIGURATION, *_files(step, line)), tuple(system_writes(root, step))
        return Command(NAME, f"pacman {line.operation}".strip(), line.installs, reads, writes, strangers=True)
    except Declined as declined:
        return Command(NAME, "pacman", "-S" in str(step.words), declined=declined)


def _files(step: Step, line: _Line) -> Iterator[Read]:
    """Yield the files that a command names; raises Declined where one is not known."""
    for argument in line.found:
        named = argument.option in ("--config", "-b", "--dbpath", "--gpgdir", "--hookdir")
        local = not argument.option and line.operation == "-U" and not is_remote(argument.value)
        if named or local:
            yield file_named(step, argument.value, "the command names it")
        elif not argument.option and argument.value == "-":
            raise Declined("it reads packages from its input")


def cache(site: Site) -> CachePlan | None:
    """Return how the installs of a RUN keep packages in a mount over pacman's own directory."""
    own = _Line.read(site.step)
    if own is None or not own.installs or own.operation != "-S":
        return None
    for step in site.run.steps:
        line = _Line.read(step)
        if line and (line.options & (_MOVED | {"-w"}) or line.operation == "-U"):
            raise Declined(
                "pacman's directories are moved, or packages are files", site.build.step_place(site.run, step)
            )
    base = site.stage.base.reference
    match = _ARCH.match(base) if site.stage.base_certain else None
    if match is None:
        raise Declined(f"that {base} has only Arch's own repositories is not known, whose packages may share a mount")
    repositories = _own_repositories(site, base)
    return CachePlan(
        "keep pacman's packages in a cache mount",
        "after an edit of the package list only what is new is downloaded",
        (MountSpec(CACHE, "locked", "pacman-archlinux"),),
        (),
        (CACHE,),
        (
            repositories,
            proved("the repositories' lists stay in the image", "they lie in /var/lib/pacman/sync"),
            proved("no step and no program reads downloaded packages", "pacman fetches what is not there"),
        ),
    )


def _own_repositories(site: Site, base: str) -> Obligation:
    """Return why only Arch's own packages get into the mount; raises Declined where repositories may be added."""
    unknown = ""
    for level, line in [*site.stage.before(site.run.instruction), (site.stage, site.run.instruction)]:
        if line.keyword not in ("RUN", "COPY", "ADD"):
            continue
        text = site.build.dockerfile.source(line.span)
        run = site.build.run(line) if line.keyword == "RUN" else None
        if re.search(r"pacman\.(conf|d)|pacman-key\s+--(recv|add|lsign)|CacheDir", text) or (run and run.opaque):
            raise Declined("pacman's configuration may be changed", site.build.place(line))
        target = line.words[-1].text if line.words and line.keyword != "RUN" else ""
        path = posixpath.normpath(posixpath.join(level.state(line).workdir or "/etc", target))
        if line.keyword != "RUN" and ("$" in target or path == "/" or path.startswith("/etc")):
            raise Declined("pacman's configuration may be changed", site.build.place(line))
        view = site.build.view(level, line)
        for step in run.steps if run else ():
            if effect(step) is None and recognise_any(step, view) is None:
                unknown = step.program or "?"
    claim = "no other repository's package of the same name is in the mount"
    if unknown:
        return assumed(claim, f"`{unknown}` may add a repository")
    return proved(claim, f"{base} has Arch's own repositories only, and no step adds one")


def cleaned(step: Step) -> Sequence[str]:
    """Return pacman's cache for ``pacman -Sc`` and ``-Scc``."""
    try:
        line = _Line.read(step)
    except Declined:
        return ()
    cleans = line is not None and line.operation == "-S" and "-c" in line.options
    return (CACHE,) if line and cleans and all(item.option for item in line.found) else ()


fetch = no_fetch
clean = no_clean
