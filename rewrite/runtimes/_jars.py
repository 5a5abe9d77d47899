"""The archives that Maven and Gradle make: what they are called, and whether they stand alone.

Facts: Maven's documentation of the POM (``finalName``, packaging), of the archiver's manifest, of the assembly
plugin; Gradle's of ``archiveFileName`` and the Java plugin; Spring Boot's (``bootJar`` leaves the plain jar beside its
own); Quarkus' (``quarkus-app`` holds the jar and all that its manifest names). ``java -jar`` ignores every class path
but the one that the jar's manifest names.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..build.build import View
from ..ecosystems._maven_project import Project as Poms
from ..ecosystems._xml import text_of
from ..model import Declined, Place

# The jar's manifest would name files beside it.
_THIN = re.compile(r"addClasspath\b|classpathPrefix|Class-Path|copy-dependencies|copyDependencies|loader\.path")
_MORE_JARS = re.compile(r"maven-(?:source|javadoc)-plugin|<classifier>|shadedArtifactAttached|<goal>test-jar</goal>")
_RENAMES = re.compile(
    r"archives?(?:Base)?Name\b|archive(?:BaseName|Version|Classifier|Appendix)\b|libsDirName|destinationDir"
)
_FILE_NAME = re.compile(r"""\barchiveFileName(?:\.set)?\s*[(=]?\s*["']([\w.-]+)["']""")
_VERSION = re.compile(r"""^\s*version\s*=?\s*["']?([\w.-]+)["']?\s*$""", re.MULTILINE)
_ROOT = re.compile(r"""\brootProject\.name\s*=\s*["']([\w.-]+)["']""")


@dataclass(frozen=True, slots=True)
class Archive:
    """A jar or war at the image path `path`; `whole` is what has to go along: itself, or the directory around it."""

    path: str
    whole: str


def standalone(view: View, home: str) -> None:
    """Raise Declined if a build file below `home` makes jars that need files beside them."""
    base = view.context_path(home) or "."
    for entry in view.context.files(base if base != "" else "."):
        if entry.path.endswith(("pom.xml", ".gradle", ".gradle.kts")):
            text = view.context.read(entry.path) or ""
            found = _THIN.search(text)
            if found:
                line = text.count("\n", 0, found.start()) + 1
                raise Declined(f"the jar may need others beside it: {found[0]}", Place(entry.path, line))


def archive(view: View, wanted: str, given: frozenset[str]) -> Archive | None:
    """Return the archive that the image path or pattern `wanted` names, None if it is none of a build's.

    `given` are the properties that the command line sets. Raises Declined where the build files do not tell that it is
    made.
    """
    directory, name = posixpath.split(wanted)
    folder = posixpath.basename(directory)
    if name == "quarkus-run.jar" and folder == "quarkus-app":
        return Archive(wanted, directory)
    if folder == "target" and view.exists(f"{posixpath.dirname(directory)}/pom.xml"):
        found = tuple(_of_maven(view, f"{posixpath.dirname(directory)}/pom.xml", name, given))
    elif directory.endswith("/build/libs"):
        found = tuple(_of_gradle(view, posixpath.dirname(posixpath.dirname(directory)), name, given))
    else:
        return None
    matching = [one for one in found if fnmatch.fnmatchcase(one, name)]
    if len(matching) != 1:
        known = ", ".join(found) or "nothing"
        raise Declined(f"the build files do not tell that {name} is made alone: they name {known}")
    return Archive(f"{directory}/{matching[0]}", f"{directory}/{matching[0]}")


def _of_maven(view: View, path: str, wanted: str, given: frozenset[str]) -> Iterator[str]:
    """Yield the archives that a pom makes."""
    poms = Poms.load(view, path)
    pom = poms.poms[path]
    if len(list(pom.root.iter("finalName"))) > 1:
        raise Declined("the pom names its archive more than once", pom.place("finalName"))
    more = _MORE_JARS.search(pom.text)
    if more and "*" in wanted:
        raise Declined(f"the build may make several jars: {more[0]}", pom.place(more[0]))
    packaging = text_of(pom.root, "packaging") or "jar"
    if packaging not in ("jar", "war"):
        raise Declined(f"the pom's packaging is {packaging}", pom.place("packaging"))
    own = text_of(pom.root, "build/finalName")
    inherited = next((one for one in poms.poms.values() if one.root.find("build/finalName") is not None), None)
    if inherited and not own:
        raise Declined("another pom may name the archive", inherited.place("finalName"))
    artifact = text_of(pom.root, "artifactId")
    version = text_of(pom.root, "version") or text_of(pom.root, "parent/version")
    name = own or f"{artifact}-{version}"
    name = name.replace("${project.artifactId}", artifact).replace("${artifactId}", artifact)
    if given & {*re.findall(r"\$\{([^}]*)\}", name + version), "project.build.finalName", "finalName"}:
        raise Declined("the command line names the archive", pom.where)
    resolved = poms.resolve(name, pom)
    if not resolved:
        raise Declined(f"which file {name} names is not known", pom.place(name))
    yield f"{resolved}.{packaging}"
    if "jar-with-dependencies" in pom.text:
        yield f"{resolved}-jar-with-dependencies.jar"


def _of_gradle(view: View, home: str, wanted: str, given: frozenset[str]) -> Iterator[str]:
    """Yield the archives that a Gradle project makes."""
    root = home
    while root not in ("/", "%") and not _text(view, root, "settings.gradle"):
        root = posixpath.dirname(root)
    text = _text(view, home, "build.gradle")
    settings = _text(view, root, "settings.gradle")
    if given & {"version", "archiveFileName", "archivesBaseName"}:
        raise Declined("the command line names the archive", view.place(f"{home}/build.gradle"))
    if not text or not settings:
        raise Declined("no build.gradle and settings.gradle of the build context say what is built")
    named = _FILE_NAME.findall(text)
    if named:
        yield from named
        if "*" not in wanted:
            return
    if _RENAMES.search(text.replace("archiveFileName", "")) or "${" in wanted:
        raise Declined("build.gradle gives its archive another name", view.place(f"{home}/build.gradle"))
    own = _ROOT.search(settings)
    name = posixpath.basename(home) if root != home or not own else own[1]
    texts = (text, _text(view, root, "build.gradle"), view.read(f"{root}/gradle.properties") or "")
    versions = dict.fromkeys(version for one in texts for version in _VERSION.findall(one))
    if len(versions) > 1:
        raise Declined("several build files name a version", view.place(f"{home}/build.gradle"))
    stem = f"{name}-{next(iter(versions))}" if versions else name
    boot, plain = "org.springframework.boot" in text, re.search(r"enabled\s*=\s*false", text) is None
    yield f"{stem}.war" if re.search(r"\bwar\b", text) and wanted.endswith(".war") else f"{stem}.jar"
    if boot and plain:
        yield f"{stem}-plain.jar"
    if "shadow" in text:
        yield f"{stem}-all.jar"


def _text(view: View, directory: str, name: str) -> str:
    return view.read(f"{directory}/{name}") or view.read(f"{directory}/{name}.kts") or ""
