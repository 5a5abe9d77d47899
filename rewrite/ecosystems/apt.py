"""apt and apt-get: package lists, downloaded packages, and docker-clean.

Facts: apt.conf(5), apt-get(8); seen in the lab with Debian 12: docker-clean deletes only
``/var/cache/apt/archives``, so packages kept in another ``Dir::Cache::archives`` survive it and the
image is the same to the byte, logs apart; ``apt`` needs ``APT::Keep-Downloaded-Packages`` as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..build.build import View
from ..build.effects import removed
from ..build.options import Argument, UnknownOption, arguments
from ..build.paths import SYSTEM, inside, join
from ..build.runs import Step
from ..model import Declined, Obligation, assumed, proved
from . import CachePlan, Command, MountSpec, Read, ScriptEdit, Site, Write

NAME = "apt"
MANIFESTS = ()

LISTS = "/var/lib/apt/lists"
ARCHIVES = "/var/cache/apt/debs"

_SWITCHES = frozenset(
    "-y -q -qq -f -m -u -V -b -s -d -h -v --yes --assume-yes --assume-no --quiet --no-install-recommends"
    " --install-recommends --no-install-suggests --install-suggests --allow-unauthenticated --allow-downgrades --only-upgrade"
    " --allow-remove-essential --allow-change-held-packages --allow-releaseinfo-change --allow-insecure-repositories"
    " --force-yes --fix-broken --fix-missing --ignore-missing --reinstall --purge --auto-remove --autoremove --no-upgrade"
    " --no-download --print-uris --show-progress --no-show-progress --error-on --download-only --trivial-only"
    " --simulate --dry-run --with-new-pkgs --update -U --no-allow-insecure-repositories --verbose-versions".split()
)
_VALUED = frozenset("-o -c -t -a --option --config-file --target-release --default-release --host-architecture".split())
_INSTALLS = frozenset({"install", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "satisfy"})
_OTHERS = frozenset({"update", "clean", "autoclean", "autoremove", "remove", "purge", "check", "auto-remove", "mark"})


def parse(step: Step) -> tuple[str, list[Argument]] | None:
    """Return the subcommand and all arguments of an apt command, None if `step` is not one; raises UnknownOption."""
    if step.program not in ("apt-get", "apt"):
        return None
    found = arguments(step.words, 1, _SWITCHES, _VALUED)
    return next((argument.value for argument in found if not argument.option), ""), found


def recognise(step: Step, view: View) -> Command | None:
    """Return what an apt command does: it reads apt's configuration and writes the system's directories."""
    try:
        parsed = parse(step)
    except UnknownOption as error:
        return Command(NAME, "apt-get", declined=Declined(str(error)))
    if parsed is None:
        return None
    subcommand, found = parsed
    if subcommand not in _INSTALLS | _OTHERS:
        return Command(NAME, f"apt-get {subcommand}", declined=Declined(f"apt-get {subcommand} is not known"))
    reads = [Read("/etc/apt", "apt's configuration"), Read("/etc/dpkg", "dpkg's configuration")]
    for argument in found:
        local = not argument.option and (argument.value.endswith(".deb") or argument.value.startswith((".", "/")))
        if local or argument.option in ("-c", "--config-file"):
            path = join(step.cwd, argument.value)
            if path is None:
                return Command(NAME, "apt-get install", True, declined=Declined(f"where {argument.value} lies is not known"))
            reads.append(Read(path, "the command names it", required=True))
    writes = tuple(Write(path, "packages and maintainer scripts") for path in SYSTEM)
    return Command(NAME, f"apt-get {subcommand}", subcommand in _INSTALLS, tuple(reads), writes)


def cache(site: Site) -> CachePlan | None:
    """Return how the installs of a RUN with its own ``apt-get update`` use mounts for lists and packages."""
    parsed = _known(site.step)
    if parsed is None or parsed[0] not in _INSTALLS:
        return None
    steps = site.run.steps
    position = steps.index(site.step)
    commands = [(step, _known(step)) for step in steps]
    if any(entry and entry[0] in _INSTALLS for _, entry in commands[:position]):
        return None  # the first install of the RUN speaks for all
    if not any(entry and entry[0] == "update" for _, entry in commands[:position]):
        raise Declined("the package lists it uses come from another step: apt-get update must be in the same RUN")
    if any(option in (word or "") for step in steps for word in step.words for option in ("Dir::Cache", "Dir::State")):
        raise Declined("apt's directories are moved already")
    edits = []
    for step, entry in commands:
        if entry and entry[0] in _INSTALLS:
            keep = " -o APT::Keep-Downloaded-Packages=true" if step.program == "apt" else ""
            text = f"{keep} -o Dir::Cache::archives={ARCHIVES}"
            edits.append(ScriptEdit(step.simple.words[0].span, text))
    identity, proof = _identity(site)
    return CachePlan(
        "keep apt's lists and packages in cache mounts",
        "after an edit of the package list only what is new is downloaded, and the lists stay out of the layer",
        (MountSpec(ARCHIVES, "locked", identity), MountSpec(LISTS, "locked")),
        tuple(edits),
        (ARCHIVES, LISTS),
        (
            proof,
            proved("docker-clean stays in the image and deletes nothing of the mount", "it names /var/cache/apt/archives only"),
            *_later_uses(site),
        ),
    )


def _known(step: Step) -> tuple[str, list[Argument]] | None:
    try:
        return parse(step)
    except UnknownOption as error:
        raise Declined(str(error)) from None


def _identity(site: Site) -> tuple[str, Obligation]:
    """Keep the packages of each base image apart: apt takes a cached file of the right name and size as it is."""
    claim = "no other distribution's packages share the mount"
    reference = site.stage.base.reference
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", reference).strip("-")
    if not site.stage.base_certain or "$" in reference or not slug:
        return "", assumed(claim, "the base image depends on a build argument")
    return f"apt-{slug}", proved(claim, f"its id names the base image {reference}")


def _later_uses(site: Site) -> Sequence[Obligation]:
    """Make sure that nothing later installs from the lists that the RUN would have left in the image."""
    claim = "no later step uses the package lists of this one"
    if any(inside(LISTS, path) for step in site.run.steps for path in removed(step)):
        return (proved(claim, "the RUN removes them itself"),)
    for run in site.later_runs:
        if run.opaque:
            return (assumed(claim, f"a later RUN cannot be read: {run.opaque}", site.build.place(run.instruction)),)
        fresh = False
        for step in run.steps:
            entry = _known(step)
            if entry and entry[0] == "update":
                fresh = True
            elif entry and entry[0] in _INSTALLS and not fresh:
                raise Declined("a later step installs from the lists of this one", site.build.place(run.instruction))
            elif step.program in ("sh", "bash", "add-apt-repository", "curl", "wget") or "/" in (step.words[0] or "./"):
                if not fresh:
                    return (assumed(claim, f"what `{step.program}` does is not known", site.build.place(run.instruction)),)
    return (proved(claim, "every later install updates them first"),)


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``apt-get clean`` leaves the mounts alone, and ``rm`` is everybody's."""
    return ()
