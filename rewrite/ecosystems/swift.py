"""swift: ``swift package resolve`` of a plain Package.swift, before ``swift build``.

Facts: Swift Package Manager's documentation (PackageDescription, resolved versions) and Vapor's own Dockerfile, which
resolves with nothing but Package.swift and Package.resolved. A manifest is a program, but one that imports only
PackageDescription can read no file. ``.build`` holds what is built, and is never mounted.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ..build.build import View
from ..build.options import arguments
from ..build.paths import inside, join
from ..build.runs import Step
from ..model import Declined, proved
from . import NEVER, CachePlace, Command, Fetch, Read, Site, Tool, Write, cleans_nothing, no_cache, no_clean
from ._members import files_below

NAME = "swift"
IGNORE = "swift"
TOOLS = (
    Tool(
        "swift",
        "Swift",
        ("Package.swift",),
        ("Package.resolved",),
        ("swift package resolve", "swift build"),
        (CachePlace(".build", "C", "checkouts and the program itself"),),
        "Swift Package Manager's documentation, Vapor's Dockerfile",
    ),
)
INSTALLING = re.compile(r"\bswift +package +(?:\S+ +)*?(?:resolve|update)\b|\bswift +build\b")
CONFIGURES = NEVER

_SWITCHES = frozenset(
    "--skip-update --force-resolved-versions --only-use-versions-from-resolved-file -v --verbose --static-swift-stdlib"
    " --disable-automatic-resolution --disable-sandbox --enable-test-discovery --build-tests --show-bin-path -q --quiet"
    " --disable-dependency-cache --enable-dependency-cache".split()
)
_VALUED = frozenset("-c --configuration -j --jobs --product --target -Xswiftc -Xlinker -Xcc -Xcxx --arch".split())
_FORCED = ("--force-resolved-versions", "--only-use-versions-from-resolved-file", "--disable-automatic-resolution")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(r"\bimport\s+(?:(?:class|enum|func|let|protocol|struct|typealias|var)\s+)?(?P<module>\w+)")
_MODULES = frozenset({"PackageDescription", "CompilerPluginSupport"})
_LOCAL = re.compile(r"\.package\(\s*(?:name:\s*\"[^\"]*\"\s*,\s*)?(?P<key>path|url|id):\s*(?P<value>\"[^\"\\]*\")?")


def _package_verb(step: Step) -> str | None:
    """Return "resolve", "build" …, None if `step` is no command of Swift."""
    if step.program != "swift":
        return None
    words = [word for word in step.words[1:] if word]
    if words[:1] == ["package"]:
        return next((word for word in words[1:] if not word.startswith("-")), "package")
    return words[0] if words else ""


def recognise(step: Step, view: View) -> Command | None:
    """Return what a command of Swift does; builds read the sources."""
    verb = _package_verb(step)
    if verb is None:
        return None
    if verb in ("", "--version", "-version", "--help"):
        return Command(NAME, "swift")
    title = f"swift package {verb}" if step.words[1:2] == ("package",) else f"swift {verb}"
    try:
        if verb != "resolve":
            raise Declined(
                f"{title} reads the sources" if verb in ("build", "test", "run") else "what it does is not known"
            )
        options = _options(step, 2)
        reads = tuple(dict.fromkeys(_reads(step, view)))
        proof = proved("Package.swift reads no file", "it imports nothing but PackageDescription")
        return Command(NAME, title, True, reads, tuple(_writes(step, view, options)), proof=(proof,))
    except Declined as declined:
        return Command(NAME, title, verb in ("resolve", "update"), declined=declined, project=verb != "resolve")


def _options(step: Step, at: int) -> frozenset[str]:
    # `$([ -f ./Package.resolved ] && echo "--force-resolved-versions" || true)` stands for that option or for nothing.
    words = [word for word, one in zip(step.words, step.simple.words, strict=True) if not _conditional(word, one.raw)]
    found = arguments(words, at, _SWITCHES, _VALUED)
    return frozenset(item.option for item in found if item.option)


def _conditional(word: str | None, raw: str) -> bool:
    return word is None and bool(
        re.fullmatch(r'\$\(\[ -f (?:\./)?Package\.resolved \] && echo "?--[\w-]+"? \|\| true\)', raw)
    )


def _writes(step: Step, view: View, options: frozenset[str]) -> Iterator[Write]:
    home = step.env.get("HOME") or "/root"
    yield Write(posixpath.join(step.cwd or "/", ".build"), "swift builds")
    for name in (".cache/org.swift.swiftpm", ".swiftpm", ".config/swiftpm"):
        yield Write(posixpath.join(home, name), "swift keeps its cache", local=False)
    if not options & set(_FORCED):
        yield Write(posixpath.join(step.cwd or "/", "Package.resolved"), "swift may bring it up to date", local=False)


def _reads(step: Step, view: View) -> Iterator[Read]:
    if step.cwd is None:
        raise Declined("the directory that swift runs in is not known")
    manifests = [
        path
        for path, _ in files_below(step.cwd, view)
        if posixpath.dirname(path) == step.cwd
        and re.fullmatch(r"Package(?:@swift-[\d.]+)?\.swift", posixpath.basename(path))
    ]
    yield Read(f"{step.cwd}/Package.swift", "it says what is needed", required=True)
    yield Read(f"{step.cwd}/Package.resolved", "it says which versions")
    yield Read(f"{step.cwd}/.swiftpm/configuration", "mirrors and registries")
    for path in sorted(manifests):
        yield Read(path, "a manifest for one version of the tools")
        yield from _manifest(path, view)


def _manifest(path: str, view: View) -> Iterator[Read]:
    """Yield the packages of the tree that a manifest names; raises Declined where it is more than declarations."""
    place = view.place(path)
    text = view.read(path)
    if text is None:
        raise Declined(f"{path} cannot be read", place)
    bare = _COMMENT.sub("", re.sub(r'"[^"\n]*"', lambda match: match[0].replace("//", "/ /"), text))
    modules = {match["module"] for match in _IMPORT.finditer(bare)}
    if modules - _MODULES or "gitInformation" in bare or '"""' in bare or '#"' in bare:
        raise Declined(f"{place.path} looks at more than itself", place)
    if "Context." in bare or "binaryTarget" in bare:
        raise Declined(f"{place.path} depends on more than packages", place)
    for match in _LOCAL.finditer(bare):
        value = (match["value"] or "").strip('"')
        if not value or (match["key"] == "url" and not re.match(r"https?:/ ?/|ssh:/ ?/|git@", value)):
            raise Declined("where a package comes from is not known", place)
        if match["key"] == "path":
            target = join(posixpath.dirname(path), value)
            if target is None or inside(posixpath.dirname(path), target):
                raise Declined(f"where the package {value} lies is not known", place)
            yield Read(target, "a package of the tree", required=True)
            yield from _manifest(f"{target}/Package.swift", view)


def fetch(site: Site) -> Fetch | None:
    """Return the resolve that a ``swift build`` starts with."""
    step = site.step
    if _package_verb(step) not in ("build", "test"):
        return None
    _options(step, 1)
    lock = f"{step.cwd}/Package.resolved"
    if not site.view.exists(lock):
        raise Declined("there is no Package.resolved that says which versions are fetched")
    return Fetch(
        "swift package resolve",
        "swift package resolve",
        "an edit of a source file no longer fetches the packages again",
        tuple(dict.fromkeys(_reads(step, site.view))),
        (Write(posixpath.join(step.cwd or "/", ".build"), "swift keeps the packages there"),),
        (proved("Package.swift reads no file", "it imports nothing but PackageDescription"),),
    )


cache = no_cache
cleaned = cleans_nothing


clean = no_clean
