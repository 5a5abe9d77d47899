"""apt and apt-get: package lists, downloaded packages, and docker-clean.

Facts: apt.conf(5), apt-get(8); seen in the lab with Debian 12: docker-clean deletes only
``/var/cache/apt/archives``, so packages kept in another ``Dir::Cache::archives`` survive it and the
image is the same to the byte, logs apart; ``apt`` needs ``APT::Keep-Downloaded-Packages`` as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..build.build import View
from ..build.effects import effect, may_remove
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import inside, join, overlap
from ..build.runs import Run, Step
from ..model import Declined, Obligation, assumed, proved
from ..source.dockerfile import Instruction
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
    Write,
    base_identity,
    no_fetch,
)
from . import recognise as recognise_any
from ._cleaning import emptied
from ._system import package_words, system_writes

NAME = "apt"
IGNORE = ""
TOOLS = (
    Tool(
        "apt",
        "System",
        installs=("apt-get install", "apt install"),
        caches=(
            CachePlace(
                "/var/cache/apt", "A", "packages are kept in a directory of their own, docker-clean stays", "", "locked"
            ),
            CachePlace("/var/lib/apt/lists", "A", "only where the RUN itself removes the lists", "", "locked"),
        ),
        source="apt.conf(5), apt-get(8)",
    ),
)
INSTALLING = CONFIGURES = NEVER

STATE = "/var/lib/apt"
LISTS = "/var/lib/apt/lists"
CACHE = "/var/cache/apt"
# Outside of apt's own directory, which many a RUN removes: a mount in there would be busy.
ARCHIVES = "/var/cache/apt-debs"
INSTALLS = frozenset({"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "satisfy"})

_OTHERS = frozenset(
    "update clean autoclean autoremove autopurge remove purge check auto-remove list search show policy".split()
)
_SWITCHES = frozenset(
    "-y -q -qq -f -m -u -U -V -b -s -d -h -v --yes --assume-yes --assume-no --quiet --no-install-recommends"
    " --install-recommends --no-install-suggests --install-suggests --allow-unauthenticated --allow-downgrades"
    " --allow-remove-essential --allow-change-held-packages --allow-releaseinfo-change --allow-insecure-repositories"
    " --no-allow-insecure-repositories --force-yes --fix-broken --fix-missing --fix-policy --ignore-missing"
    " --ignore-hold --reinstall --purge --auto-remove --autoremove --no-auto-remove --no-upgrade --only-upgrade"
    " --no-remove --no-download --download-only --print-uris --show-progress --no-show-progress --show-upgraded"
    " --error-on --trivial-only --simulate --dry-run --with-new-pkgs --update --verbose-versions --arch-only"
    " --indep-only --list-cleanup --no-list-cleanup".split()
)
_VALUED = frozenset(
    "-o -c -t -a -P --option --config-file --target-release --default-release --host-architecture --build-profiles"
    " --solver".split()
)
# In the arguments of another program: sudo, sh -c, xargs; or in a RUN that cannot be read.
_INSTALLING = re.compile(r"\bapt(?:-get)?\b[^&;|]*\b(?:install|upgrade|dist-upgrade|build-dep)\b")
# Official images whose tags are all of one distribution; those of buildpack-deps, for one, are not.
_ONE_DISTRIBUTION = frozenset("debian golang nginx node perl php python ruby rust ubuntu".split())


def parse(step: Step) -> tuple[str, list[Argument]] | None:
    """Return the subcommand and all arguments of an apt command, None if `step` is not one; raises UnknownOption."""
    if step.program not in ("apt-get", "apt"):
        return None
    found = arguments(package_words(step), 1, _SWITCHES, _VALUED)
    return next((argument.value for argument in found if not argument.option), ""), found


def recognise(step: Step, view: View) -> Command | None:
    """Return what an apt command does: it reads apt's configuration and writes the system's directories."""
    if step.program == "apt-mark":
        return Command(NAME, "apt-mark", writes=(Write("/var/lib", "apt's and dpkg's databases"),))
    try:
        parsed = parse(step)
    except UnknownOption as error:
        return Command(NAME, "apt-get", declined=error)
    if parsed is None:
        return None
    subcommand, found = parsed
    if subcommand not in INSTALLS | _OTHERS:
        return Command(NAME, f"apt-get {subcommand}", declined=Declined(f"apt-get {subcommand} is not known"))
    reads = [Read("/etc/apt", "apt's configuration"), Read("/etc/dpkg", "dpkg's configuration")]
    for argument in found:
        local = not argument.option and (argument.value.endswith(".deb") or argument.value.startswith((".", "/")))
        if local or argument.option in ("-c", "--config-file"):
            path = join(step.cwd, argument.value)
            if path is None or set(path) & set("*?[$"):
                return Command(
                    NAME, "apt-get install", True, declined=Declined(f"where {argument.value} lies is not known")
                )
            reads.append(Read(path, "the command names it", required=True))
    return Command(NAME, f"apt-get {subcommand}", subcommand in INSTALLS, tuple(reads), tuple(system_writes()))


def cache(site: Site) -> CachePlan | None:
    """Return how the installs of a RUN with its own ``apt-get update`` use mounts for packages and lists.

    The lists keep to the layer where a mount over them could be noticed; the packages never need to.
    """
    commands = [(step, _known(step)) for step in site.run.steps] if _known(site.step) else []
    installs = [step for step, entry in commands if entry and entry[0] in INSTALLS]
    if site.step not in installs[:1] or _mounted(site.run):
        return None  # the first install of a RUN speaks for all
    if not any(entry and entry[0] == "update" for _, entry in commands[: site.run.steps.index(site.step)]):
        raise Declined("the package lists it uses come from another step: apt-get update must be in the same RUN")
    _archives_unread(site, installs)
    if any(step.cwd is None or inside(step.cwd, CACHE) for step in site.run.steps):
        raise Declined("a command works in apt's cache, or where it works is not known")
    identity, proof = _identity(site)
    lists = _lists_proof(site)
    targets = (ARCHIVES, LISTS) if lists else (ARCHIVES,)
    untouched = proved("the package lists stay as the RUN leaves them", "no mount lies over them")
    clean = proved(
        "docker-clean stays in the image and deletes nothing of the mount", f"it names {CACHE}/archives only"
    )
    return CachePlan(
        "keep apt's lists and packages in cache mounts" if lists else "keep apt's packages in a cache mount",
        "after an edit of the package list only what is new is downloaded",
        (MountSpec(ARCHIVES, "locked", identity), *([MountSpec(LISTS, "locked")] if lists else [])),
        tuple(_kept(step) for step in installs),
        targets,
        (proof, clean, lists or untouched),
    )


def _known(step: Step) -> tuple[str, list[Argument]] | None:
    return parse(step)


def _kept(step: Step) -> ScriptEdit:
    """Tell an install where its packages are kept; apt, other than apt-get, deletes them unless told not to."""
    keep = " -o APT::Keep-Downloaded-Packages=true" if step.program == "apt" else ""
    return ScriptEdit(step.simple.words[0].span, f"{keep} -o Dir::Cache::archives={ARCHIVES}")


def _mounted(run: Run) -> bool:
    """Tell whether the RUN has mounts over apt's directories already."""
    return any(overlap(mount.target, path) for mount in run.mounts if mount.target for path in (CACHE, STATE, ARCHIVES))


def _archives_unread(site: Site, installs: Sequence[Step]) -> None:
    """Raise Declined where apt's own archive directory is moved, or where somebody may look for packages in it."""
    for step in site.run.steps:
        if any(option in (word or "") for word in step.words for option in ("Dir::Cache", "Dir::State", "RootDir")):
            raise Declined("apt's directories are moved already", site.build.step_place(site.run, step))
    for step in installs:
        if any(argument.option in ("-d", "--download-only") for argument in (_known(step) or ("", []))[1]):
            raise Declined(
                "it only downloads packages, for another command to take", site.build.step_place(site.run, step)
            )
    for stage in site.build.stages:
        for instruction in stage.instructions:
            run = site.build.run(instruction) if instruction.keyword == "RUN" else None
            text = _without_removals(run) if run else instruction.body.text
            if instruction.keyword in ("RUN", "COPY", "ADD") and f"{CACHE}/archives" in text:
                raise Declined(
                    "another step names the directory of the downloaded packages", site.build.place(instruction)
                )


def _without_removals(run: Run, steps: Sequence[Step] | None = None) -> str:
    """Return the text of a RUN without its rm commands, or those of them that are in `steps`."""
    text = run.text.text
    for step in reversed(run.steps):
        if step.program == "rm" and (steps is None or step in steps):
            text = text[: step.simple.span.start] + text[step.simple.span.end :]
    return text


def _identity(site: Site) -> tuple[str, Obligation]:
    """Keep the packages of each base image apart: apt takes a cached file of the right name and size as it is."""
    claim = "no other distribution's packages share the mount"
    base = base_identity(site)
    if base:
        return f"apt-{base}", proved(claim, f"its id names the base image {base}")
    name = site.stage.lineage[-1].from_.words[0].text.partition(":")[0]
    if name in _ONE_DISTRIBUTION:
        return f"apt-{name}", proved(claim, f"its id names {name}, whose tags are all of one distribution")
    return "", assumed(claim, "the base image depends on a build argument")


def _lists_proof(site: Site) -> Obligation | None:
    """Return why the lists may live in a mount; None if that could be noticed.

    Lists that stay in the image are left there: an image that is built on it may install from them.
    """
    run = site.run
    removals = [step for step in run.steps if _removes_lists(step)]
    if STATE in _without_removals(run, removals) or any(may_remove(step, LISTS) for step in run.steps):
        return None
    if not all(_parsed(step) or _harmless(step, site.view) for step in run.steps if step not in removals):
        return None  # installers remove the lists, and a mount would be busy
    if not removals or not run.aborts or any(step.top is None for step in removals):
        return None  # the lists stay in the image, or their removal could not be taken out of the script
    updates = [at for at, step in enumerate(run.steps) if (_known(step) or ("",))[0] == "update"]
    if run.steps.index(removals[-1]) > updates[-1] and _none_before(site):
        return proved("no step finds package lists", "the RUN removes them itself, and none were there before")
    return None


def _removes_lists(step: Step) -> bool:
    """Tell whether an ``rm`` empties the lists, and touches nothing else of apt's state."""
    words = [word.raw for word in step.simple.words if STATE in word.raw]
    return step.program == "rm" and bool(words) and all(word == f"{LISTS}/*" for word in words)


def _none_before(site: Site) -> bool:
    """Tell whether no lists can be there when the RUN begins: official images come without."""
    return site.stage.base.official and all(
        _leaves_none(site, instruction) for _, instruction in site.stage.before(site.run.instruction)
    )


def _leaves_none(site: Site, instruction: Instruction) -> bool:
    if instruction.keyword in ("COPY", "ADD"):
        target = instruction.words[-1].text if instruction.words else ""
        return not overlap(target if target.startswith(("/", "%")) else "/srv", LISTS)
    if instruction.keyword != "RUN":
        return True
    run = site.build.run(instruction)
    fetched = bool(run.opaque)
    for step in run.steps:
        entry = _parsed(step)
        if entry and entry[0] == "update":
            fetched = not any(inside(LISTS, mount.target) for mount in run.mounts if mount.kind == "cache")
        elif _removes_lists(step) and run.aborts:
            fetched = False
        elif entry is None and not _harmless(step, site.build.view(site.stage, site.run.instruction)):
            return False
    return not fetched


def _parsed(step: Step) -> tuple[str, list[Argument]] | None:
    """Return what `parse` does; a command that it does not understand may be an update."""
    try:
        return parse(step)
    except UnknownOption:
        return "update", []


def _harmless(step: Step, view: View) -> bool:
    """Tell whether a command is known and neither fetches package lists nor uses them."""
    found = effect(step)
    if found is not None:
        return not any(inside(path, STATE) for path in (*found.reads, *found.writes))
    return recognise_any(step, view) is not None


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``apt-get clean`` leaves the mounts alone, and ``rm`` is everybody's."""
    return ()


def clean(site: Site) -> CleanPlan | None:
    """Return how a RUN that updates the lists removes them; raises Declined where a later one installs from them."""
    steps = site.run.steps
    updates = [step for step in steps if (_parsed(step) or ("",))[0] == "update" and "update" in step.words]
    if site.step not in updates[:1]:
        return None  # the first update of a RUN speaks for all
    last = replace(site, step=updates[-1])
    if emptied(last, LISTS, cleaned):
        return None
    if not any((_parsed(step) or ("",))[0] in INSTALLS for step in steps):
        raise Declined("it fetches the lists for others")
    for line in site.stage.instructions:
        if line.keyword == "ONBUILD" and "apt" in line.body.text:
            raise Declined("ONBUILD may install from the lists", site.build.place(line))
    doubts = [doubt for run in site.later_runs if (doubt := _later(site, run))]
    claim = "nobody installs packages in the image, or in one built on it, without apt-get update"
    doubts.append(assumed(claim, "the lists are not there any more"))
    title = "remove apt's package lists in the RUN that fetches them"
    return CleanPlan(title, (), f"rm -rf {LISTS}/*", None, (LISTS,), tuple(doubts))


def _later(site: Site, run: Run) -> Obligation | None:
    """Return the doubt whether a later RUN needs the lists, None if it does not; raises Declined if it does."""
    place, claim = site.build.place(run.instruction), "no later step needs the lists"
    source = site.build.dockerfile.source(run.instruction.span)
    if run.opaque:
        named = _INSTALLING.search(source)
        if named and "update" not in source[: named.start()]:
            raise Declined("a later RUN uses the lists, and does not update them", place)
        return assumed(claim, f"a RUN cannot be read: {run.opaque}", place)
    for step in run.steps:
        entry = _parsed(step)
        if entry and "update" in step.words:
            return None
        wrapped = entry is None and _INSTALLING.search(" ".join(word.raw for word in step.simple.words))
        if wrapped and "update" in wrapped.string[: wrapped.start()]:
            return None
        if wrapped or (entry and entry[0] not in ("clean", "autoclean", "autoremove", "autopurge", "remove", "purge")):
            raise Declined("a later RUN uses the lists, and does not update them", site.build.step_place(run, step))
        if entry is None and not _harmless(step, site.view):
            return assumed(claim, f"`{step.program or '?'}` may use them", site.build.step_place(run, step))
    return None


fetch = no_fetch
