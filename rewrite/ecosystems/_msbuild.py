"""What NuGet's restore reads of .NET projects: project files, what they import, solutions and configuration.

Facts: Microsoft's documentation of MSBuild (Directory.Build.props and .targets, imports, property functions), of NuGet
(PackageReference, central package management, lock files, nuget.config) and of global.json. A restore evaluates the
project files and runs none of their targets but those that name the restore's own.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from ..build.build import View
from ..build.paths import join
from ..model import Declined
from . import Read
from ._xml import Document, read_xml

# Looked for from the project's directory upwards.
_INHERITED = ("Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props")
_SOLUTION = ("Directory.Solution.props", "Directory.Solution.targets")
CONFIGURATION = ("nuget.config", "NuGet.config", "NuGet.Config")
PROJECT = re.compile(r".*\.(?:cs|fs|vb)proj")
_SDK = re.compile(
    r"(?:Microsoft\.NET\.Sdk(?:\.\w+)*|MSTest\.Sdk|Aspire\.AppHost\.Sdk|Microsoft\.Build\.CentralPackageVersions)(?:/[\w.-]+)?"
)
# Properties that make the restore read or write elsewhere.
MOVING = re.compile(
    r"MSBuildProjectExtensionsPath|BaseIntermediateOutputPath|ArtifactsPath|UseArtifactsOutput|Restore(?:OutputPath|Sources"
    r"|PackagesPath|AdditionalProject\w+|ConfigFile|FallbackFolders|RootConfigDirectory|ProjectStyle|TaskAssemblyFile)"
    r"|NuGetLockFilePath|Directory(?:Build|Packages|Solution)\w*Path|Custom(?:Before|After)\w+|NuGetPackageRoot"
    r"|Import\w+|\w*Extension(?:s)?Path\w*|MSBuildSDKsPath|NuGetRestoreTargets",
    re.IGNORECASE,
)
# Targets that a restore does not run: a target that asks to run with one of these stays out of it.
_LATER = re.compile(
    r"(?:Before|After|Core|Pre|Post|_)*(?:Re)?(?:Build|Compile|Clean|Publish|Pack|Test|VSTest|Run|BuildEvent|Rebuild)"
    r"|PrepareForBuild|PrepareForPublish|PrepareResources|ComputeFilesToPublish|ComputeResolvedFilesToPublishList"
    r"|ResolveReferences|ResolveAssemblyReferences|GenerateNuspec|CopyFilesToOutputDirectory|AssignTargetPaths"
    r"|_?CopyFilesMarkedCopyLocal|GetFilesToPublish|BeforeResGen|ResolveStaticWebAssetsInputs|DebugEnsureNodeEnv"
    r"|GenerateAdditionalSources|GetAssemblyVersion|InitializeSourceControlInformation"
)
_FILES_OF_CODE = re.compile(
    r"\[System\.IO\.(?:File|Directory)\]|ReadAll(?:Text|Lines)|GetDirectoryNameOfFileAbove|\[Microsoft\.Win32"
)
_ABOVE = re.compile(r"\$\(\[MSBuild\]::GetPathOfFileAbove\(\s*['\"]?([\w.-]+)['\"]?\s*(?:,[^)]*(?:\)[^)]*)?)?\)\)")
_EXISTS = re.compile(r"(?i)\bexists\s*\(\s*'([^']*)'\s*\)")
_SLN = re.compile(r'^Project\("\{([^}]*)\}"\)\s*=\s*"[^"]*",\s*"([^"]*)"', re.MULTILINE)
_FOLDER = "2150E333-8FDC-42A3-9474-1A3956D46DE8"


@dataclass
class Projects:
    """The projects that a restore of one project or solution evaluates.

    `reads` are all files that count, looked for or there; `directories` those of the projects; `sources` the local
    directories that packages come from.
    """

    view: View
    reads: dict[Read, None] = field(default_factory=dict)
    directories: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)
    locked: bool = False
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def target(self, path: str) -> None:
        """Add the project or solution at an image path; raises Declined if what it reads cannot be listed."""
        if path.endswith(".sln"):
            self._solution(path, self._old_solution(path))
        elif path.endswith(".slnx"):
            document = read_xml(self.view, path)
            found = [element.get("Path") or "" for element in document.root.iter("Project")] if document else None
            self._solution(path, found)
        elif PROJECT.fullmatch(path):
            self._project(path, "the project", True)
        else:
            raise Declined(f"{posixpath.basename(path)} is no project or solution that is known")

    def configuration(self, directory: str) -> None:
        """Add nuget.config and global.json from `directory` upwards, and the response files that must not be there."""
        for above in _upwards(directory):
            for name in CONFIGURATION:
                self._read(f"{above}/{name}", "NuGet's configuration")
                self._sources(f"{above}/{name}")
            self._read(f"{above}/global.json", "it chooses the SDK")
            text = self.view.read(f"{above}/global.json")
            if text and '"paths"' in text:
                raise Declined("global.json names directories of SDKs", self.view.place(f"{above}/global.json"))
            if self.view.exists(f"{above}/Directory.Build.rsp"):
                raise Declined("a response file adds options", self.view.place(f"{above}/Directory.Build.rsp"))

    def _read(self, path: str, why: str, required: bool = False) -> None:
        self.reads[Read(posixpath.normpath(path), why, required)] = None

    def _old_solution(self, path: str) -> list[str] | None:
        text = self.view.read(path)
        if text is None:
            return None
        return [name for kind, name in _SLN.findall(text) if kind.upper() != _FOLDER]

    def _solution(self, path: str, projects: list[str] | None) -> None:
        if projects is None:
            raise Declined(f"{path} is not a readable file of the build context")
        directory, name = posixpath.split(path)
        self._read(path, "the solution", True)
        self.configuration(directory)
        extra = [f"{above}/{one}" for above in _upwards(directory) for one in _SOLUTION]
        for one in (*extra, f"{directory}/before.{name}.targets", f"{directory}/after.{name}.targets"):
            if self.view.exists(one):
                raise Declined("it adds targets to the solution", self.view.place(one))
            self._read(one, "it would add targets to the solution")
        for raw in projects:
            target = join(directory, raw.replace("\\", "/"))
            if target is None or not PROJECT.fullmatch(target):
                raise Declined(f"the solution holds {raw}, of which nothing is known", self.view.place(path))
            self._project(target, f"{name} names it", True)

    def _project(self, path: str, why: str, required: bool) -> None:
        if (path, path) in self._seen:
            return
        directory = posixpath.dirname(path)
        self._read(path, why, required)
        document = read_xml(self.view, path)
        if document is None:
            if required:
                raise Declined(f"{path} is not a readable file of the build context")
            return
        self.directories[directory] = None
        sdk = document.root.get("Sdk") or next((e.get("Name") or "" for e in document.root.iter("Sdk")), "")
        if not sdk or not all(_SDK.fullmatch(one.strip()) for one in sdk.split(";")):
            raise Declined(f"what a project of the SDK {sdk!r} reads is not known", document.where)
        self._read(f"{path}.user", "settings beside the project")
        for name in ("packages.lock.json", f"packages.{posixpath.splitext(posixpath.basename(path))[0]}.lock.json"):
            self._read(f"{directory}/{name}", "the lockfile")
            self.locked = self.locked or self.view.exists(f"{directory}/{name}")
        self.configuration(directory)
        self._judge(document, path)
        self._import(f"{path}.user", path)
        for above in _upwards(directory):
            for name in _INHERITED:
                self._read(f"{above}/{name}", "every project below it imports it")
                self._import(f"{above}/{name}", path)

    def _import(self, path: str, project: str) -> None:
        path = posixpath.normpath(path)
        document = read_xml(self.view, path) if (path, project) not in self._seen else None
        if document:
            self._judge(document, project)

    def _judge(self, document: Document, project: str) -> None:
        """Add what an MSBuild file makes a restore of `project` read; raises Declined where that is not known."""
        self._seen.add((document.path, project))
        if document.root.get("InitialTargets"):
            raise Declined("it runs targets first", document.place("InitialTargets"))
        for element in _evaluated(document.root):
            if element.tag == "Target":
                _not_at_restore(element, document)
                continue
            values = [*element.attrib.values(), element.text or ""]
            code = next((value for value in values if _FILES_OF_CODE.search(value)), None)
            if code or MOVING.fullmatch(element.tag):
                raise Declined(f"{code or element.tag} makes it read or write elsewhere", document.place(element.tag))
            for name in (name for value in values for name in _EXISTS.findall(value)):
                self._read(self._resolve(name, document, project), f"{document.where.path} asks for it")
            if element.tag == "Import" and not _SDK.fullmatch(element.get("Sdk") or ""):
                self._imported(element, document, project)
            elif element.tag in ("PackageReference", "PackageVersion", "PackageDownload") and "@(" in "".join(values):
                raise Declined("its packages are made of other items", document.place("@("))
            elif element.tag == "ProjectReference":
                for name in (element.get("Include") or "").split(";"):
                    if name.strip():
                        target = self._resolve(name, document, project)
                        self._project(target, f"{document.where.path} names it", False)

    def _imported(self, element: Element, document: Document, project: str) -> None:
        given = element.get("Project") or ""
        if element.get("Sdk"):
            raise Declined(f"what the SDK {element.get('Sdk')} reads is not known", document.place("Sdk="))
        above = _ABOVE.fullmatch(given)
        if above:
            for directory in _upwards(posixpath.dirname(document.path)):
                self._read(f"{directory}/{above[1]}", f"{document.where.path} looks for it")
                self._import(f"{directory}/{above[1]}", project)
            return
        path = self._resolve(given, document, project, posixpath.dirname(document.path))
        self._read(path, f"{document.where.path} imports it", not element.get("Condition"))
        self._import(path, project)

    def _resolve(self, text: str, document: Document, project: str, base: str = "") -> str:
        """Return the image path that `text` names, relative to the project's directory by default."""
        directory = posixpath.dirname(project)
        plain = text.strip().replace("\\", "/")
        for name, value in (
            ("MSBuildThisFileDirectory", posixpath.dirname(document.path).rstrip("/") + "/"),
            ("MSBuildProjectDirectory", directory),
            ("MSBuildProjectName", posixpath.splitext(posixpath.basename(project))[0]),
        ):
            plain = re.sub(rf"(?i)\$\({name}\)", lambda _, value=value: value, plain)  # type: ignore[misc]
        path = join(base or directory, plain) if plain and not set(plain) & set("$*?%@") else None
        if path is None:
            raise Declined(f"which file {text} names is not known", document.place(text))
        return path

    def _sources(self, path: str) -> None:
        """Add the directories that a nuget.config names as sources; raises Declined if it moves what is restored."""
        document = read_xml(self.view, path)
        for element in document.root.iter() if document else ():
            for add in element.iterfind("add"):
                key, value = add.get("key") or "", (add.get("value") or "").replace("\\", "/")
                if element.tag == "fallbackPackageFolders" or key.lower() in ("globalpackagesfolder", "repositorypath"):
                    raise Declined("it moves the packages", document.place(key) if document else None)
                if element.tag == "packageSources" and not re.match(r"https?://", value):
                    found = join(posixpath.dirname(path), value) if value and not set(value) & set("%$") else None
                    if found is None:
                        raise Declined(
                            f"where the source {key} lies is not known", document.place(key) if document else None
                        )
                    self._read(found, f"the source {key} of packages")
                    self.sources[found] = None


def _upwards(directory: str) -> Iterator[str]:
    """Yield a directory and those above it, the root as "" so that names can be added."""
    while True:
        yield directory.rstrip("/")
        if directory in ("/", "%", ""):
            return
        directory = posixpath.dirname(directory)


def _evaluated(root: Element) -> Iterator[Element]:
    """Yield the elements that an evaluation looks at: not what is inside of targets."""
    for element in root:
        yield element
        if element.tag != "Target":
            yield from _evaluated(element)


def _not_at_restore(target: Element, document: Document) -> None:
    hooks = [*(target.get("BeforeTargets") or "").split(";"), *(target.get("AfterTargets") or "").split(";")]
    name = target.get("Name") or ""
    unknown = next((hook.strip() for hook in hooks if hook.strip() and not _LATER.fullmatch(hook.strip())), "")
    if unknown or re.search(r"(?i)restore|CollectPackage|CollectCentral", name):
        raise Declined(f"the target {name} may run in the restore", document.place(name))


def names_in(view: View, directory: str) -> frozenset[str]:
    """Return the names of the context's files that lie in an image directory."""
    found: set[str] = set()
    for copy in view.copies:
        for mapping in copy.mappings:
            if not mapping.is_dir:
                if posixpath.dirname(mapping.destination) == directory:
                    found.add(posixpath.basename(mapping.destination))
                continue
            path = copy.context_path(directory)
            if path is not None and view.context.is_dir(path):
                prefix = "" if path == "." else f"{path}/"
                found |= {entry.path[len(prefix) :] for entry in view.context.files(path if prefix else "")}
    return frozenset(name for name in found if "/" not in name)


def tool_manifests(view: View, directory: str) -> Iterator[Read]:
    """Yield where ``dotnet tool restore`` looks for a manifest."""
    for above in _upwards(directory):
        for name in (".config/dotnet-tools.json", "dotnet-tools.json"):
            text = view.read(f"{above}/{name}")
            yield Read(f"{above}/{name}", "it names the tools")
            if text is not None:
                try:
                    json.loads(text.removeprefix("\ufeff"))
                except ValueError:
                    raise Declined("it is no JSON", view.place(f"{above}/{name}")) from None
