"""zypper, SUSE's package manager: what its commands read and write, and why its cache is not mounted.

Facts: zypper(8). Packages are kept only for a repository whose own settings say so (``addrepo --keep-packages``,
``modifyrepo --keep-packages``), which are files of the image; no option of ``install`` does. What would be left, the
metadata, is renewed only for repositories with autorefresh, which ``addrepo`` leaves off: a mount would hand
old metadata to later builds, of packages that the mirrors have dropped since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..build.build import View
from ..build.options import Argument, arguments
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import NEVER, CachePlan, CleanPlan, Command, Read, Site, Tool, cleans_nothing, no_fetch
from ._cleaning import emptied, last_of
from ._system import file_named, is_remote, lines_of, package_words, system_writes

NAME = "zypper"
IGNORE = ""
_CACHE = "/var/cache/zypp"
_WHY = "packages are kept only where the image's repositories say so, and metadata without autorefresh grows old"
TOOLS = (
    Tool(
        "zypper",
        "System",
        installs=("zypper install", "zypper update", "zypper dup", "zypper patch"),
        source="zypper(8)",
        leftovers=(rf"{_CACHE}/[^/]+",),
    ),
)
INSTALLING = CONFIGURES = NEVER

_INSTALLS = frozenset(
    "install in update up dist-upgrade dup patch source-install si install-new-recommends inr verify ve".split()
)
_OTHERS = frozenset(
    "remove rm refresh ref clean cc addrepo ar removerepo rr modifyrepo mr renamerepo nr repos lr addlock al removelock"
    " rl locks ll search se info if list-updates lu list-patches lp patch-check pchk packages pa patterns pt products"
    " pd what-provides wp addservice as refresh-services refs services ls needs-rebooting versioncmp vcmp help".split()
)
_SWITCHES = frozenset(
    "-n -q -v -t -y -l -f -d -A -r -h -u -e -k -K -g -G -p -x -m -i -I -a -s --non-interactive --quiet"
    " --verbose --no-confirm --gpg-auto-import-keys --no-gpg-checks --gpgcheck --no-color --no-refresh"
    " --no-recommends --recommends --auto-agree-with-licenses --auto-agree-with-product-licenses --force"
    " --force-resolution --no-force-resolution --allow-unsigned-rpm --allow-downgrade --no-allow-downgrade"
    " --allow-name-change --allow-arch-change --allow-vendor-change --no-allow-vendor-change --oldpackage --dry-run"
    " --download-only --download-in-advance --download-in-heaps --download-as-needed --replacefiles --clean-deps"
    " --no-clean-deps --details --all --enable --disable --refresh --no-keep-packages --keep-packages --check"
    " --no-check --metadata --raw-metadata --capability --name --with-update --with-optional --without-optional"
    " --ignore-unknown --non-interactive-include-reboot-patches --releasever-only --installed-only"
    " --not-installed-only --no-abbrev --skip-interactive --updatestack-only --force-build --force-download"
    " --build-only --download-only --help --version --xmlout --terse --no-cd --no-remote --disable-repositories".split()
)
_VALUED = frozenset(
    "-c --config --repo --from --type --priority --root --installroot --releasever --plus-repo --plus-content --product"
    " --userdata --cache-dir --raw-cache-dir --solv-cache-dir --pkg-cache-dir --reposd-dir --category --severity"
    " --bugzilla --bz --cve --issues --download --gpgcheck-strict --solver-focus".split()
)
_CONFIGURATION = (
    Read("/etc/zypp", "zypper's configuration and repositories"),
    Read("/etc/products.d", "the products"),
)


@dataclass(frozen=True, slots=True)
class _Line:
    """A zypper command line: its subcommand, and all arguments."""

    subcommand: str
    found: tuple[Argument, ...]

    @classmethod
    def read(cls, step: Step) -> _Line | None:
        """Read the words of `step`, None if it is not zypper's; raises Declined for an option that is not known."""
        if step.program != "zypper":
            return None
        words = package_words(step)
        # `-r`, `-t` and `-p` take a value with some subcommands only.
        subcommand = next((word for word in words[1:] if word in _INSTALLS | _OTHERS), "")
        letters = (
            {"-r", "-t"} if subcommand in _INSTALLS | {"search", "se", "remove", "rm", "ref", "refresh"} else set()
        )
        letters |= {"-p"} if subcommand in ("addrepo", "ar", "modifyrepo", "mr") else set()
        found = arguments(words, 1, _SWITCHES - letters, _VALUED | letters)
        first = next((argument.value for argument in found if not argument.option), "")
        if first != subcommand:
            raise Declined(f"zypper {first} is not known")
        return cls(subcommand, tuple(found))

    @property
    def installs(self) -> bool:
        """Whether it fetches packages."""
        return self.subcommand in _INSTALLS


def recognise(step: Step, view: View) -> Command | None:
    """Return what a zypper command does: it reads the configuration and the repositories, and writes the system."""
    try:
        line = _Line.read(step)
        if line is None:
            return None
        options = {argument.option: argument.value for argument in line.found if argument.option}
        if "--download-only" in options or any(name.endswith("-dir") for name in options):
            raise Declined("it leaves packages or metadata in a directory")
        root = options.get("--root", options.get("--installroot"))
        reads, writes = (*_CONFIGURATION, *_files(step, line)), tuple(system_writes(root, step))
        return Command(NAME, f"zypper {line.subcommand}".strip(), line.installs, reads, writes, strangers=True)
    except Declined as declined:
        return Command(NAME, "zypper", bool(_INSTALLS & set(step.words)), declined=declined)


def _files(step: Step, line: _Line) -> Iterator[Read]:
    """Yield the files and local repositories that a command names; raises Declined where one is not known."""
    for argument in line.found:
        if argument.option in ("-c", "--config", "--plus-repo") and not is_remote(argument.value):
            yield file_named(step, argument.value, "the command names it")
    operands = [argument.value for argument in line.found if not argument.option][1:]
    for operand in operands:
        local = operand.startswith((".", "/", "~", "dir:", "iso:", "file:")) or operand.endswith((".rpm", ".repo"))
        if local and not is_remote(operand):
            if operand.startswith(("~", "dir:", "iso:")):
                raise Declined(f"where {operand} lies is not known")
            yield file_named(step, operand, "the command names it")


def cache(site: Site) -> CachePlan | None:
    """Return nothing, and decline for an install: see the module's docstring."""
    line = _Line.read(site.step)
    if line is None or not line.installs:
        return None
    raise Declined(f"zypper's cache does not go into a mount: {_WHY}")


def clean(site: Site) -> CleanPlan | None:
    """Return how the installs of a RUN leave no packages and no metadata: ``zypper clean -a`` behind the last."""
    lines = lines_of(site, _Line.read)
    installs = [(step, line) for step, line in lines if line.installs]
    if not installs:
        return None
    behind = lines[lines.index(installs[-1]) :]
    if any(line.subcommand in ("clean", "cc") for _, line in behind) or emptied(site, _CACHE, cleaned):
        return None
    for step, line in lines:
        for argument in line.found:
            if argument.option in ("--root", "--installroot") or argument.option.endswith("-dir"):
                raise Declined(f"{argument.option} moves the cache", site.build.step_place(site.run, step))
    last = last_of(site, {"zypper"})
    command = f"{last.simple.words[0].raw} clean -a"
    return CleanPlan("clean zypper's cache in the RUN that fills it", (), command, last, (_CACHE,), (_refetched(site),))


def _refetched(site: Site) -> Obligation:
    """Return why no later step misses the metadata; raises Declined."""
    claim = "no later step misses zypper's metadata"
    for run in site.later_runs:
        for step in run.steps:
            if step.program == "zypper":
                place = site.build.step_place(run, step)
                if "--no-refresh" in step.words:
                    raise Declined("a later zypper works from the metadata that is there", place)
                return assumed(claim, "zypper fetches what is not there, which was not seen in a build", place)
    return proved(claim, "no later RUN names zypper, and at run time it fetches what is not there")


cleaned = cleans_nothing
fetch = no_fetch
