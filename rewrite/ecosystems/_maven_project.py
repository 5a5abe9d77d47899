"""What Maven reads to know a project: its pom.xml files, their parents and modules, and what these name.

Facts: Maven's documentation of the POM (inheritance, aggregation, profiles, system scope), of core extensions and
of settings. A goal that only resolves runs no plugin of the project; only an extension could make Maven read more,
and a profile that looks for files. A parent that comes from a repository is not seen here, and may have such profiles.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from ..build.build import View
from ..build.paths import join
from ..model import Declined, Obligation, assumed, proved
from . import Read
from ._xml import Document, every, read_xml, text_of

# Extensions and plugins with extensions that look at no file of the project when Maven starts (their documentation).
_EXTENSIONS = re.compile(
    r"kr\.motd\.maven:os-maven-plugin|org\.apache\.maven\.wagon:.*|org\.apache\.felix:maven-bundle-plugin"
    r"|org\.sonatype\.plugins:nexus-staging-maven-plugin|org\.sonatype\.central:central-publishing-maven-plugin"
    r"|org\.xolstice\.maven\.plugins:protobuf-maven-plugin|(?:io\.quarkus(?:\.platform)?):quarkus-maven-plugin"
    r"|org\.apache\.maven\.plugins:maven-.*-plugin|com\.google\.cloud\.artifactregistry:artifactregistry-maven-wagon"
)
# Parents whose profiles ask for no file; their documentation.
KNOWN_PARENTS = frozenset({"org.springframework.boot:spring-boot-starter-parent"})
_BASEDIR = re.compile(r"\$\{(?:project\.|pom\.)?basedir\}")
_PROPERTY = re.compile(r"\$\{([^}]+)\}")
# Maven itself says which version of these it takes: the bindings of its lifecycles, and its super POM.
_BOUND = re.compile(
    r"org\.apache\.maven\.plugins:maven-(?:antrun|assembly|clean|compiler|dependency|deploy|ear|ejb|install|jar|plugin|rar"
    r"|release|resources|site|surefire|war)-plugin"
)
_CHANGES = re.compile(r".*-SNAPSHOT|LATEST|RELEASE|[\[(].*")
BUILDS = ("build", "profiles/profile/build")
PLUGINS = tuple(f"{build}/{where}/plugin" for build in BUILDS for where in ("plugins", "pluginManagement/plugins"))
REPOSITORIES = tuple(
    f"{profile}{kind}/{one}"
    for profile in ("", "profiles/profile/")
    for kind, one in (("repositories", "repository"), ("pluginRepositories", "pluginRepository"))
)


@dataclass
class Project:
    """A project as Maven reads it from the pom at the image path `top`.

    `poms` are the files that were read, by path; `reads` also hold those that are looked for only; `unseen` are the
    parents that come from a repository; `directories` the repositories that lie in the project.
    """

    view: View
    top: str
    poms: dict[str, Document] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, view: View, top: str) -> Project:
        """Read the pom at `top` and all that it leads to; raises Declined if that cannot be followed."""
        project = cls(view, top)
        project._visit(top, "the project's pom", True)
        for pom in project.poms.values():
            project._judge(pom)
        return project

    @property
    def modules(self) -> bool:
        """Whether the project has several modules."""
        return any(
            True for pom in self.poms.values() for _ in every(pom.root, "modules/module", "profiles/profile/modules")
        )

    @property
    def asks_environment(self) -> bool:
        """Whether a pom names environment variables, or one that is not seen may."""
        seen = any("env." in pom.text for pom in self.poms.values())
        return seen or any(parent.rpartition(":")[0] not in KNOWN_PARENTS for parent in self.unseen)

    @property
    def coordinates(self) -> str:
        """The top project's group and artifact, "" where they are not plain."""
        root = self.poms[self.top].root
        found = f"{text_of(root, 'groupId') or text_of(root, 'parent/groupId')}.{text_of(root, 'artifactId')}"
        return found if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", found) else ""

    def proof(self) -> Iterator[Obligation]:
        """Yield what it rests on that the reads are all that a goal reads which only resolves."""
        for parent in self.unseen:
            claim = f"the parent {parent.rpartition(':')[0]} asks for no file of the project"
            if parent.rpartition(":")[0] in KNOWN_PARENTS:
                yield proved(claim, "its profiles are known")
            else:
                yield assumed(claim, "it comes from a repository and was not read")
        yield proved(
            "no plugin of the project runs", "the goal only resolves; no profile and no extension asks for files"
        )

    def changing(self) -> str:
        """Return a version whose content may change at any time, "" if no pom names one of another project."""
        own = {self._identity(pom.root) for pom in self.poms.values()}
        for pom in self.poms.values():
            for element in pom.root.iter():
                given = text_of(element, "version")
                version = self.resolve(given, pom)
                # The enforcer asks for a Java or a Maven by a range of versions, too: neither is an artifact.
                if element is pom.root or element.find("artifactId") is None:
                    continue
                if version is not None and not _CHANGES.fullmatch(version):
                    continue
                if self._name(element, pom) not in own:
                    return f"{text_of(element, 'artifactId')} {given}"
        return ""

    def newest(self) -> str:
        """Return a plugin of which Maven takes the newest version, "" if none; an unseen parent may name one."""
        plugins = [(pom, plugin) for pom in self.poms.values() for plugin in every(pom.root, *PLUGINS)]
        versioned = {self._plugin(plugin, pom) for pom, plugin in plugins if text_of(plugin, "version")}
        names = [self._plugin(plugin, pom) for pom, plugin in plugins if not self.unseen]
        return next((name for name in names if name not in versioned and not _BOUND.fullmatch(name)), "")

    def _plugin(self, plugin: Element, pom: Document) -> str:
        group = self.resolve(text_of(plugin, "groupId"), pom) or "org.apache.maven.plugins"
        return f"{group}:{self.resolve(text_of(plugin, 'artifactId'), pom)}"

    def makes(self, element: Element, pom: Document) -> bool:
        """Tell whether a dependency may be one of the project's own modules."""
        name = self._name(element, pom)
        return name.startswith(":") or name in {self._identity(one.root) for one in self.poms.values()}

    def _identity(self, root: Element) -> str:
        return f"{text_of(root, 'groupId') or text_of(root, 'parent/groupId')}:{text_of(root, 'artifactId')}"

    def _name(self, element: Element, pom: Document) -> str:
        names = [self.resolve(text_of(element, name), pom) or "" for name in ("groupId", "artifactId")]
        return ":".join(names)

    def resolve(self, text: str, pom: Document) -> str | None:
        """Return `text` with properties and the pom's directory put in, None if one is not known."""
        root = self._property_table()
        known = {"project.version": text_of(pom.root, "version") or text_of(pom.root, "parent/version")}
        known["project.parent.version"] = text_of(pom.root, "parent/version")
        known["project.groupId"] = text_of(pom.root, "groupId") or text_of(pom.root, "parent/groupId")
        text = _BASEDIR.sub(posixpath.dirname(pom.path), text)
        for _ in range(8):
            text, count = _PROPERTY.subn(lambda m: known.get(m[1]) or root.get(m[1]) or m[0], text)
            if not count:
                break
        return None if "${" in text else text

    def _property_table(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for pom in self.poms.values():
            for element in every(pom.root, "properties/*", "profiles/profile/properties/*"):
                value = text_of(element)
                # With several values it is one of them; which one is not known.
                found[element.tag] = value if found.get(element.tag, value) == value else ""
        return found

    def _visit(self, path: str, why: str, required: bool) -> None:
        if path in self.poms:
            return
        self.reads.append(Read(path, why, required))
        pom = read_xml(self.view, path)
        if pom is None:
            if required:
                raise Declined(f"{path} is not a readable file of the build context")
            return
        if text_of(pom.root, "modelVersion") not in ("4.0.0", ""):
            raise Declined("its model version is not known", pom.place("modelVersion"))
        self.poms[path] = pom
        self._parent(pom)
        for optional, where in ((False, "modules/module"), (True, "profiles/profile/modules/module")):
            for element in pom.root.iterfind(where):
                self._module(pom, text_of(element), optional)

    def _module(self, pom: Document, name: str, optional: bool) -> None:
        target = None if "${" in name or not name else join(posixpath.dirname(pom.path), name.replace("\\", "/"))
        if target is None:
            raise Declined(f"the module {name!r} depends on a property", pom.place(name))
        if not target.endswith(".xml") or self.view.is_dir(target):
            target = f"{target}/pom.xml"
        self._visit(target, f"a module of {pom.where.path}", not optional)

    def _parent(self, pom: Document) -> None:
        parent = pom.root.find("parent")
        if parent is None:
            return
        given = parent.find("relativePath")
        relative = "../pom.xml" if given is None else text_of(given)
        if "${" in relative:
            raise Declined("the path of its parent depends on a property", pom.place("relativePath"))
        target = join(posixpath.dirname(pom.path), relative) if relative else None
        if target and self.view.is_dir(target):
            target = f"{target}/pom.xml"
        local = self.poms.get(target) if target else None
        if target and not local:
            self._visit(target, f"the parent of {pom.where.path}", False)
            local = self.poms.get(target)
        identity = f"{text_of(parent, 'groupId')}:{text_of(parent, 'artifactId')}"
        if local is None or self._identity(local.root) != identity:
            self.unseen.append(f"{identity}:{text_of(parent, 'version')}")

    def _judge(self, pom: Document) -> None:
        """Add what a pom makes Maven read beside other poms; raises Declined where that is not known."""
        if pom.root.find("profiles/profile/activation/file") is not None:
            line = "<exists>" if "<exists>" in pom.text else "<missing>"
            raise Declined("a profile is chosen by the files that are there", pom.place(line))
        for extension in every(pom.root, *(f"{build}/extensions/extension" for build in BUILDS)):
            self._extension(extension, pom)
        for plugin in every(pom.root, *PLUGINS):
            if text_of(plugin, "extensions") not in ("", "false"):
                self._extension(plugin, pom)
            if text_of(plugin, "artifactId") == "maven-dependency-plugin":
                self._configured(plugin, pom)
        for path in (text_of(element) for element in pom.root.iter("systemPath")):
            found = self.resolve(path, pom)
            if found is None or not found.startswith("/"):
                raise Declined(f"where {path} lies is not known", pom.place(path))
            self.reads.append(Read(posixpath.normpath(found), f"{pom.where.path} names it", True))
        for url in (text_of(one, "url") for one in every(pom.root, *REPOSITORIES)):
            self._repository(url, pom)
        target = f"{posixpath.dirname(pom.path)}/target"
        if self.view.exists(target):
            raise Declined("the context has build output, which Maven may take a module from", self.view.place(target))

    def _extension(self, element: Element, pom: Document) -> None:
        group = text_of(element, "groupId") or "org.apache.maven.plugins"
        name = f"{self.resolve(group, pom)}:{text_of(element, 'artifactId')}"
        if not _EXTENSIONS.fullmatch(name):
            premise = f"what the extension {name} reads is not known"
            raise Declined(premise, pom.place(text_of(element, "artifactId")))

    def _configured(self, plugin: Element, pom: Document) -> None:
        runs_by_default = [
            one for one in plugin.iterfind("executions/execution") if text_of(one, "id") == "default-cli"
        ]
        if plugin.find("configuration") is not None or runs_by_default:
            raise Declined("it configures the plugin that resolves", pom.place("maven-dependency-plugin"))

    def _repository(self, url: str, pom: Document) -> None:
        """Take a repository in a directory for read, from whichever module inherits it."""
        if re.match(r"https?://", url):
            return
        for heir in self.poms.values():
            found = self.resolve(url, heir)
            if found is None:
                raise Declined(f"where the repository {url} lies is not known", pom.place(url))
            if re.match(r"https?:|s3:|gs:|gcs:|artifactregistry:|scp:|sftp:", found):
                return
            path = re.sub(r"\Afile:/*", "/", found)
            if not re.match(r"file:/", found) or "/.." in path:
                raise Declined(f"where the repository {url} lies is not known", pom.place(url))
            self.reads.append(Read(posixpath.normpath(path), f"a repository of {pom.where.path}"))
            self.directories.append(path)
