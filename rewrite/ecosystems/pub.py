"""pub: ``dart pub get`` in a layer of its own, never without the one behind the sources.

Facts: Dart's documentation (``dart pub get``, pubspec, workspaces, the dart image's Dockerfile) and pub's Entrypoint:
``dart run`` takes ``.dart_tool/package_config.json`` for out of date where pubspec.yaml is newer, which it is once a
COPY brings it behind a cached ``pub get``. The packages in PUB_CACHE are what the program is built from: class C.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..build.build import View
from ..build.options import arguments
from ..build.paths import inside, join
from ..build.runs import Step
from ..model import Declined, proved
from . import NEVER, CachePlace, Command, Fetch, Read, Site, Tool, Write, cleans_nothing, no_cache, no_clean
from ._node_yaml import load

NAME = "pub"
IGNORE = "dart"
TOOLS = (
    Tool(
        "pub",
        "Dart",
        ("pubspec.yaml",),
        ("pubspec.lock",),
        ("dart pub get",),
        (
            CachePlace(
                "~/.pub-cache", "C", "package_config.json points there: later commands compile from it", "PUB_CACHE"
            ),
        ),
        "Dart's documentation of pub get, pubspec and workspaces; pub's Entrypoint",
    ),
)
INSTALLING = re.compile(r"\b(?:dart +pub|flutter +pub|flutter +packages|pub) +(?:get|upgrade)\b")
CONFIGURES = NEVER

_SWITCHES = frozenset(
    "--offline --enforce-lockfile --no-example --example --precompile --no-precompile -v --verbose".split()
)
_VALUED = frozenset("-C --directory".split())


def _get(step: Step) -> int | None:
    """Return the index behind ``get`` of a ``dart pub get``, None if `step` is something else."""
    for words in (("dart", "pub", "get"), ("pub", "get")):
        if (step.program, *step.words[1 : len(words)]) == words:
            return len(words)
    return None


def recognise(step: Step, view: View) -> Command | None:
    """Return what a command of Dart or Flutter does; none can be listed as it stands."""
    if step.program not in ("dart", "flutter", "pub"):
        return None
    words = [word for word in step.words[1:] if word]
    title = (
        " ".join([str(step.program), *words[:2]]) if words[:1] == ["pub"] else f"{step.program} {' '.join(words[:1])}"
    )
    if words in (["--version"], ["--disable-analytics"]):
        return Command(
            NAME, title, writes=(Write(f"{step.env.get('HOME') or '/root'}/.dart-tool", "its settings", False),)
        )
    if _get(step) is not None:
        premise = "package_config.json has to be newer than pubspec.yaml, which a COPY below it would bring"
        return Command(NAME, title, True, declined=Declined(premise))
    if step.program == "flutter":
        return Command(NAME, title, "pub" in words, declined=Declined("flutter writes into the project"), project=True)
    return Command(NAME, title, declined=Declined("what it reads depends on the project"), project=True)


def fetch(site: Site) -> Fetch | None:
    """Return the ``dart pub get`` of a RUN behind the sources."""
    step, at = site.step, _get(site.step)
    if at is None:
        return None
    found = arguments(step.words, at, _SWITCHES, _VALUED)
    options = {item.option: item.value for item in found if item.option}
    if "--offline" in options:
        return None
    if "--example" in options or "--precompile" in options:
        raise Declined("it gets more than the project's own packages")
    root = join(step.cwd, options.get("-C", options.get("--directory", ".")))
    cache_home = step.env.get("PUB_CACHE", f"{site.run.home or '/root'}/.pub-cache")
    if root is None or not cache_home or not cache_home.startswith("/"):
        raise Declined("where pub reads and writes is not known")
    reads = tuple(dict.fromkeys(_reads(root, site.view, "--no-example" in options)))
    simple = step.simple
    start = simple.assignments[0].span.start if simple.assignments else simple.words[0].span.start
    return Fetch(
        " ".join(map(str, (step.program, *step.words[1:at]))),
        site.run.text.text[start : simple.words[-1].span.end],
        "an edit of a source file no longer downloads the packages again",
        reads,
        (
            Write(posixpath.join(root, ".dart_tool"), "pub keeps what it has found"),
            Write(posixpath.normpath(cache_home), "pub keeps packages", local=False),
        ),
        (
            proved(
                "the pub get behind the sources leaves what it left before", "it finds every package of pubspec.lock"
            ),
        ),
        exact=True,
    )


def _reads(root: str, view: View, no_example: bool) -> Iterator[Read]:
    lock = f"{root}/pubspec.lock"
    if not view.exists(lock):
        raise Declined(
            "there is no pubspec.lock that says which versions are fetched", view.place(f"{root}/pubspec.yaml")
        )
    if not no_example and view.exists(f"{root}/example/pubspec.yaml"):
        raise Declined("pub gets the packages of the example, too", view.place(f"{root}/example/pubspec.yaml"))
    yield Read(lock, "it says what is fetched", required=True)
    queue, seen = [root], set[str]()
    while queue:
        directory = queue.pop()
        if directory in seen:
            continue
        seen.add(directory)
        for name in ("pubspec.yaml", "pubspec_overrides.yaml"):
            path = f"{directory}/{name}"
            yield Read(path, "pub reads it", required=name == "pubspec.yaml")
            data = load(view.read(path), view.place(path))
            if name == "pubspec.yaml" and not data:
                raise Declined(f"{path} is not a readable file of the build context")
            queue += _directories(directory, data, view)


def _directories(directory: str, data: Mapping[str, Any], view: View) -> Iterator[str]:
    """Yield the directories of the tree whose pubspecs belong to one; raises Declined for what is not known."""
    place = view.place(f"{directory}/pubspec.yaml")
    named: list[object] = list(data.get("workspace") or ())
    for group in ("dependencies", "dev_dependencies", "dependency_overrides"):
        table = data.get(group)
        for value in table.values() if isinstance(table, dict) else ():
            if isinstance(value, dict) and "sdk" in value:
                raise Declined("a package of the SDK (Flutter's) is needed", place)
            if isinstance(value, dict) and "path" in value:
                named.append(value["path"])
            git = value.get("git") if isinstance(value, dict) else None
            url = git.get("url") if isinstance(git, dict) else git
            if url is not None and ("://" not in str(url) and not str(url).startswith("git@")):
                raise Declined("a package is cloned from the tree", place)
    for name in named:
        target = join(directory, name) if isinstance(name, str) and not set(name) & set("*?[]{}~") else None
        if target is None or (inside(directory, target) and target != directory):
            raise Declined(f"where the package {name} lies is not known", place)
        yield target


cache = no_cache
cleaned = cleans_nothing


clean = no_clean
