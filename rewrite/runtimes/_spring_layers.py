"""Spring Boot's jar taken apart into layers: libraries, which few edits change, and what the project itself compiles.

Facts: Spring Boot's documentation of container images and of its plugins, and runs in the lab (2.7, 3.2, 3.5). Since
2.4 a jar holds the list of its layers and the tool that extracts them. Since 3.3 that leaves a jar that starts as
before, with its libraries in ``lib`` beside it; earlier ones start by a class of the loader. All four directories are
made, even if they stay empty. A jar with a launch script cannot be extracted.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..build import effects
from ..build.build import View
from ..build.paths import SYSTEM, inside, overlap
from ..ecosystems._maven_project import Project as Poms
from ..ecosystems._xml import text_of
from ..model import Declined
from . import Carried, Edited, Extra
from ._candidate import Candidate
from ._files import Project

_STAGE = "layers"
_PLACE = "/layers"
_LAYERS = ("dependencies", "spring-boot-loader", "snapshot-dependencies", "application")
_PLUGIN = "spring-boot-maven-plugin"
_ALWAYS_ON = re.compile(r"<layers>\s*<enabled>\s*true\s*</enabled>\s*</layers>")
# Another form of jar, other layers, or no tool in it.
_OTHER = re.compile(
    r"<(?:layout|layers|includeTools|includeLayerTools|requiresUnpack|classifier|embeddedLaunchScript|loaderImplementation)\b"
    r"|<executable>\s*true|\brepackage\.skip\b|\bPropertiesLauncher\b|spring-boot-thin|\bthinJar\b|<artifactId>spring-boot-loader"
    r"|\blayered\b|\blaunchScript\b|\brequiresUnpack\b|\bincludeTools\b|\barchiveClassifier\b|\bloaderImplementation\b"
    r"|\bbootJar\b[^}]*\benabled\b"
)
_GRADLE_PLUGIN = re.compile(
    r"""\bid\s*\(?\s*["']org\.springframework\.boot["']\s*\)?\s*version\s*\(?\s*["'](\d+(?:\.\d+)+)[\w.-]*["']"""
)
# What a program may learn of the form of its jar.
_LOOKS = re.compile(
    r"\bgetProtectionDomain\b|\bgetCodeSource\b|BOOT-INF|java\.class\.path|\bLaunched(?:URL)?ClassLoader\b"
    r"|\b(?:Jar|War)Launcher\b|\bnew (?:Jar|Zip)File\("
)
_LOOKS_EARLIER = re.compile(r"\bApplicationHome\b|\bgetImplementation(?:Version|Title|Vendor)\b|MANIFEST\.MF")


@dataclass(frozen=True, slots=True)
class Layered:
    """A jar in layers: the stage that extracts them, what goes along, and how the start changes."""

    stage: Extra
    carried: tuple[Carried, ...]
    edited: tuple[Edited, ...]


def layered(project: Project, view: View, jar: str, build_files: Iterable[str], taken: Iterable[str]) -> Layered | None:
    """Return the layers of the jar at an image path, None where it is not known to have Spring Boot's usual ones.

    `build_files` are their texts. `taken` are the paths beside it that are taken over.
    """
    candidate, directory = project.candidate, posixpath.dirname(jar)
    version = _version(view, jar)
    if version < (2, 4) or version >= (5,) or not jar.endswith(".jar"):
        return None
    if any(_OTHER.search(_ALWAYS_ON.sub("", text)) for text in build_files):
        return None
    if project.find(_LOOKS) or (version < (3, 3) and project.find(_LOOKS_EARLIER)):
        return None
    if any(effects.may_remove(step, jar) for _, step in candidate.steps) or not _by_root(candidate):
        return None
    to = directory if version >= (3, 3) else jar.removesuffix(".jar")
    libraries = f"{directory}/lib" if version >= (3, 3) else to
    if directory == "/" or any(inside(libraries, path) for path in SYSTEM):
        return None
    if any(overlap(path, libraries) for path in taken):
        return None
    edited: tuple[Edited, ...] = ()
    if version < (3, 3):
        launcher = "org.springframework.boot.loader.{}JarLauncher".format("launch." if version >= (3, 2) else "")
        edited = tuple(_edits(candidate, jar, to, launcher))
        if not edited:
            return None
    tool = "tools -jar {} extract --layers" if version >= (3, 3) else "layertools -jar {} extract"
    extract = f"RUN java -Djarmode={tool.format(jar)} --destination {_PLACE}"
    return Layered(
        Extra(_STAGE, "", (extract,)),
        tuple(Carried(f"{_PLACE}/{layer}/", f"{to}/", _STAGE) for layer in _LAYERS),
        edited,
    )


def _by_root(candidate: Candidate) -> bool:
    """Tell whether the build ends as root, who may write to the directory of the layers."""
    stage = candidate.stage
    last = [line for line in stage.instructions if line.keyword in ("RUN", "COPY", "ADD")][-1]
    return stage.state(last).user in ("", "0", "root")


def _version(view: View, jar: str) -> tuple[int, ...]:
    """Return the version of the plugin that makes a jar, () where it is not known."""
    directory = posixpath.dirname(jar)
    home = posixpath.dirname(directory)
    if posixpath.basename(directory) == "target":
        found = _of_maven(view, f"{home}/pom.xml")
    elif directory.endswith("/build/libs"):
        found = _of_gradle(view, posixpath.dirname(home))
    else:
        return ()
    return tuple(map(int, found.split(".")[:3])) if re.fullmatch(r"\d+(\.\d+)+", found) else ()


def _of_maven(view: View, path: str) -> str:
    try:
        poms = Poms.load(view, path)
    except Declined:
        return ""
    plugins = [
        (pom, plugin)
        for pom in poms.poms.values()
        for plugin in pom.root.iterfind("build/plugins/plugin")
        if text_of(plugin, "artifactId") == _PLUGIN
    ]
    starters = [
        pom for pom in poms.poms.values() if text_of(pom.root, "parent/artifactId") == "spring-boot-starter-parent"
    ]
    repackaged = any(goal.text == "repackage" for _, plugin in plugins for goal in plugin.iter("goal"))
    if not plugins or not (starters or repackaged):
        return ""
    own = [poms.resolve(text_of(plugin, "version"), pom) or "" for pom, plugin in plugins]
    inherited = [poms.resolve(text_of(pom.root, "parent/version"), pom) or "" for pom in starters]
    found = set(filter(None, own)) or set(inherited)
    return next(iter(found)).removesuffix(".RELEASE") if len(found) == 1 else ""


def _of_gradle(view: View, home: str) -> str:
    names = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
    if not any("org.springframework.boot" in (view.read(f"{home}/{name}") or "") for name in names[:2]):
        return ""
    places = {home, posixpath.dirname(home)}
    found = {
        match[1]
        for place in places
        for name in names
        for match in _GRADLE_PLUGIN.finditer(view.read(f"{place}/{name}") or "")
    }
    return next(iter(found)) if len(found) == 1 else ""


def _edits(candidate: Candidate, jar: str, to: str, launcher: str) -> Iterator[Edited]:
    """Yield how CMD and ENTRYPOINT start the loader's class in place of the jar; nothing if another one starts it."""
    dockerfile, words = candidate.build.dockerfile, candidate.start.words
    if any("-jar" in call.words for call in candidate.calls if call != candidate.start) or "-jar" not in words:
        return
    name = words[words.index("-jar") + 1]
    for line in candidate.effective("ENTRYPOINT", "CMD"):
        text = dockerfile.source(line.span)
        exec_form = re.search(rf"\"-jar\"\s*,\s*{re.escape(json.dumps(name))}", text)
        plain = re.search(rf"(?<=\s)-jar[ \t]+{re.escape(name)}(?![\w./*-])", text)
        if exec_form and not plain:
            yield Edited(line, *exec_form.span(), f'"-cp", "{to}", "{launcher}"')
        elif plain and not exec_form:
            yield Edited(line, *plain.span(), f"-cp {to} {launcher}")
