"""apk, Alpine's package manager: what its commands read and write, and a cache of packages beside the image.

Facts: apk(8), apk-add(8), apk-cache(5); the source of apk-tools 2.7 to 2.14 and 3.0, which says:

- Packages are kept only in a cache directory that is not the built-in ``/var/cache/apk``: one that exists at
  ``/etc/apk/cache``, or that ``--cache-dir`` names, be it the same place (``setup_cache``, ``apk_db_cache_active``).
  So the option alone makes a mount a cache, and no link is left in the image.
- ``--no-cache`` fetches the index into memory; without it the index stays in ``/var/cache/apk``. With ``-U`` it is
  fetched anew, whatever the cache holds. ``apk add`` renews one that is missing or older than four hours by
  itself since 2.10 (``cache-max-age``): a RUN of its own for ``apk update`` is no hazard, as apt's is.
- A cached package is named after its checksum, a cached index after its address, since 2.12 (Alpine 3.13) with
  the architecture in it.
- Before 3.0 apk writes ``installed`` into the cache, with those installed packages that no repository offers any
  more, and the next apk that reads it may choose from them. No image may be built from another's list,
  so it is kept out by a directory of that name: apk does not mind that it can neither read nor write it.
- Scripts of packages see no environment but PATH (``environment`` in ``apk_ipkg_run_script``; 3.0: ``--preserve-env``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..build import effects
from ..build.build import View
from ..build.options import Argument, arguments
from ..build.paths import inside
from ..build.runs import Run, Step
from ..model import Declined, Obligation, assumed, proved
from ..source.shell import Word
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
from ._alpine import alpine_is_known
from ._cleaning import emptied
from ._system import file_named, is_remote, lines_of, none_moved, package_words, system_writes

NAME = "apk"
IGNORE = ""
CACHE = "/var/cache/apk"
TOOLS = (
    Tool(
        "apk",
        "System",
        installs=("apk add", "apk upgrade", "apk fix"),
        caches=(CachePlace(CACHE, "A", "--cache-dir makes a mount there a cache, without a link", "", "locked"),),
        source="apk(8), apk-cache(5), apk-tools 2.14 and 3.0",
    ),
)
INSTALLING = CONFIGURES = NEVER

_INSTALLS = frozenset({"add", "upgrade", "fix"})
_QUERIES = frozenset("info list search policy version stats audit dot verify query".split())
_KNOWN = _INSTALLS | _QUERIES | {"del", "update"}
# `--update` is an abbreviation that everybody uses.
_SWITCHES = frozenset(
    "--allow-untrusted -f --force --force-binary-stdout --force-broken-world --force-missing-repositories"
    " --force-non-repository --force-old-apk --force-overwrite --force-refresh -h --help -i --interactive"
    " --no-interactive --no-cache --no-check-certificate --no-network --no-progress --print-arch --progress --purge"
    " -q --quiet -U --update-cache --update -v --verbose -V --version --no-logfile --clean-protected"
    " --no-commit-hooks --no-scripts -s --simulate --initdb -l --latest --no-chown -u --upgrade -r --rdepends"
    " -a --available --ignore --no-self-upgrade --prune --self-upgrade-only -d --depends --directory-permissions"
    " --reinstall -x --xattr".split()
)
_QUERY_SWITCHES = _SWITCHES | frozenset(
    "--all -L --contents -R --description -e --installed -P --provides --size -t --triggers -w --webpage -W --who-owns"
    " --license --replaces -I -O --orphaned --upgradable -o --origin -c --check -m --manifest -n --exact".split()
)
_VALUED = frozenset(
    "--arch --cache-dir --cache-max-age --keys-dir --progress-fd --repositories-file -X --repository -p --root"
    " --timeout --wait".split()
)
_ADD_VALUED = _VALUED | {"-t", "--virtual"}
_FILES = {
    "--keys-dir": "the command names it",
    "--repositories-file": "the command names it",
    "-X": "it is a repository",
    "--repository": "it is a repository",
}
_MOVED = {
    "--cache-dir": "it names a cache directory already",
    "--cache-max-age": "it says how old a cached index may be",
    "--root": "it installs under another root",
    "-p": "it installs under another root",
    "--no-network": "it takes what the cache in the image holds",
    "--simulate": "it installs nothing",
    "-s": "it installs nothing",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """An apk command line: its subcommand, options, and operands."""

    subcommand: str
    found: tuple[Argument, ...]

    @classmethod
    def read(cls, step: Step) -> _Line | None:
        """Read the words of `step`, None if it is not apk's; raises Declined for an option that is not known."""
        if step.program != "apk":
            return None
        words = package_words(step)
        # As apk does: the first word that is a command's name, wherever it stands.
        subcommand = next((word for word in words[1:] if word in _KNOWN), "")
        switches = _QUERY_SWITCHES if subcommand in _QUERIES else _SWITCHES
        found = arguments(words, 1, switches, _ADD_VALUED if subcommand == "add" else _VALUED)
        first = next((argument.value for argument in found if not argument.option), "")
        if first != subcommand:
            raise Declined(f"apk {first} is not known")
        return cls(subcommand, tuple(found))

    @property
    def options(self) -> dict[str, Argument]:
        """The options, each where it stands last."""
        return {argument.option: argument for argument in self.found if argument.option}

    @property
    def operands(self) -> tuple[str, ...]:
        """What follows the subcommand."""
        return tuple(argument.value for argument in self.found if not argument.option)[1:]

    @property
    def installs(self) -> bool:
        """Whether it may fetch packages."""
        return self.subcommand in _INSTALLS


def recognise(step: Step, view: View) -> Command | None:
    """Return what an apk command does: it reads apk's configuration and writes the system's directories."""
    try:
        line = _Line.read(step)
        if line is None:
            return None
        title = f"apk {line.subcommand}".strip()
        if line.subcommand in _QUERIES or not line.subcommand:
            return Command(NAME, title, reads=(Read("/etc/apk", "apk's configuration"), *_files(step, line)))
        root = line.options.get("--root", line.options.get("-p"))
        writes = system_writes(root.value if root else None, step)
        reads = (Read("/etc/apk", "apk's configuration and world"), *_files(step, line))
        return Command(NAME, title, line.installs, reads, tuple(writes))
    except Declined as declined:
        return Command(NAME, "apk", bool(_INSTALLS & set(step.words)), declined=declined)


def _files(step: Step, line: _Line) -> Iterator[Read]:
    """Yield the files that a command names; raises Declined where one is not known."""
    for argument in line.found:
        if argument.option in _FILES and not is_remote(argument.value):
            yield file_named(step, argument.value, _FILES[argument.option])
    for operand in line.operands if line.installs else ():
        if is_remote(operand):
            continue
        if ".apk" in operand:
            yield file_named(step, operand, "the command names it")
        elif "/" in operand and not operand.startswith(("cmd:", "so:", "pc:", "/")):
            raise Declined(f"what {operand} names is not known")
        elif operand.startswith("/"):
            yield Read(operand, "the command may name a file")


def cache(site: Site) -> CachePlan | None:
    """Return how the installs of a RUN keep their packages in a mount over apk's own, otherwise empty directory."""
    lines = lines_of(site, _Line.read)
    if not lines:
        return None
    installs = [(step, line) for step, line in lines if line.installs]
    none_moved(site, installs, _MOVED)
    _no_other_cache(site)
    identity = base_identity(site)
    return CachePlan(
        "keep apk's packages in a cache mount",
        "after an edit of the package list only what is new is downloaded",
        (
            # Not the default id: a mount that somebody wrote by hand may hold a file called `installed`.
            MountSpec(CACHE, "locked", f"apk-packages-{identity or 'any-base'}"),
            MountSpec(posixpath.join(CACHE, "installed"), kind="tmpfs"),
        ),
        tuple(edit for step, line in installs for edit in _kept(step, line)),
        (CACHE,),
        (*_sound(site), _index(site, [line for _, line in lines])),
    )


def _kept(step: Step, line: _Line) -> Iterator[ScriptEdit]:
    """Yield the edits that make an install keep its packages, and fetch the index whatever the cache holds."""
    refresh = "" if line.options.keys() & {"-U", "--update-cache", "--update"} else " -U"
    text = f"--cache-dir={CACHE}{refresh}"
    unkept = [argument.index for argument in line.found if argument.option == "--no-cache"]
    words = step.simple.words
    if unkept:
        yield ScriptEdit(words[unkept[0] - 1].span, text, delete=words[unkept[0]].span)
        yield from (ScriptEdit(words[at - 1].span, delete=words[at].span) for at in unkept[1:])
    else:
        yield ScriptEdit(_verb(step, line).span, f" {text}")


def _no_other_cache(site: Site) -> None:
    """Raise Declined where something has set up apk's cache, or works in it."""
    for _, line in [*site.stage.before(site.run.instruction), (site.stage, site.run.instruction)]:
        text = site.build.dockerfile.source(line.span)
        if line.keyword in ("RUN", "COPY", "ADD") and ("/etc/apk/cache" in text or "setup-apkcache" in text):
            raise Declined("apk has a cache directory already", site.build.place(line))
    for step in site.run.steps:
        if step.cwd is None or inside(step.cwd, CACHE):
            raise Declined("a command works in apk's cache, or where it works is not known")
    for run in site.later_runs:
        for step in run.steps:
            if step.program == "apk" and "--no-network" in step.words and "del" not in step.words:
                raise Declined("a later apk takes what the cache holds", site.build.step_place(run, step))


def _sound(site: Site) -> Iterator[Obligation]:
    """Yield why no package is installed that the original would not install."""
    yield proved("apk chooses from the index that the repositories have now", "-U fetches it, as --no-cache does")
    claim = "no other image's packages or indexes are taken for this one's"
    if alpine_is_known(site):
        names = "cached packages are named after their checksum, indexes after address and architecture"
        yield proved(claim, f"{names}; the list of installed ones is kept out")
    else:
        yield assumed(claim, "Alpine is taken to be 3.13 or newer; older ones name no architecture")


def _index(site: Site, lines: Sequence[_Line]) -> Obligation:
    """Return why nobody misses an index that the RUN may have left in its layer."""
    claim = "nobody needs the package index that the RUN left in its layer"
    if all("--no-cache" in line.options for line in lines if line.installs or line.subcommand == "update"):
        return proved(claim, "--no-cache left none")
    if _removed(site.run):
        return proved(claim, "the RUN removes it itself")
    if alpine_is_known(site):
        return proved(claim, "apk fetches one where there is none or an old one, since Alpine 3.10")
    return assumed(claim, "apk fetches one by itself since Alpine 3.10, which the image is taken to have")


def _removed(run: Run) -> bool:
    """Tell whether the RUN empties apk's directory behind its last apk."""
    last = max(at for at, step in enumerate(run.steps) if step.program == "apk")
    paths = [path for step in run.steps[last:] for path in effects.removed(step)]
    return run.aborts and any(inside(CACHE, path) for path in paths)


def cleaned(step: Step) -> Sequence[str]:
    """Return nothing: ``apk cache clean`` needs a cache that is set up, and ``rm`` is everybody's."""
    return ()


def clean(site: Site) -> CleanPlan | None:
    """Return how the installs of a RUN leave no index: ``--no-cache``, or ``rm`` where the RUN updates it by itself."""
    lines = lines_of(site, _Line.read)
    leaving = [(step, line) for step, line in lines if "--no-cache" not in line.options and _fetches(line)]
    if not leaving or emptied(site, CACHE, cleaned):
        return None
    none_moved(site, lines, _MOVED)
    _no_other_cache(site)
    title, proof = "keep apk's index out of the layer", (_index(site, [line for _, line in lines]),)
    if any(line.subcommand == "update" for _, line in leaving):
        return CleanPlan(title, (), f"rm -rf {CACHE}/*", None, (CACHE,), proof)
    edits = (ScriptEdit(_verb(step, line).span, " --no-cache") for step, line in leaving)
    return CleanPlan(title, tuple(edits), "", None, (CACHE,), proof)


def _fetches(line: _Line) -> bool:
    return line.installs or line.subcommand == "update"


def _verb(step: Step, line: _Line) -> Word:
    """Return the word of an apk command that is its subcommand."""
    return step.simple.words[next(argument.index for argument in line.found if not argument.option)]


fetch = no_fetch
