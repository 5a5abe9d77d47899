"""What could resolve a Maven project before its sources are there: the dependency plugin's ``go-offline``.

Facts: builds in the lab. The plugin's version 2.8, which Maven 3.8 takes by default, fails for a module that another
one needs; 3.6.1 and 3.8.1 leave out what the project makes itself. go-offline resolves every plugin that the project
names, also one that the build never runs: if that cannot be downloaded, it fails where the build would not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.runs import Step
from ..model import Declined, Obligation, proved
from . import Site
from ._maven_line import Line, wrapper
from ._maven_project import BUILDS, KNOWN_PARENTS, PLUGINS, REPOSITORIES, Project
from ._xml import every, text_of

GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:go-offline"
# Groups whose plugins are published in the central repository, so that go-offline finds them wherever a build does.
_PUBLISHED = re.compile(
    r"org\.(?:apache\.maven\.plugins|springframework\.boot|codehaus\.mojo|jacoco|graalvm\.buildtools|flywaydb|liquibase"
    r"|openapitools|sonarsource\.scanner\.maven|jetbrains\.kotlin)|io\.quarkus(?:\.platform)?|com\.google\.cloud\.tools"
    r"|com\.github\.eirslett|com\.diffplug\.spotless|com\.spotify|io\.fabric8|pl\.project13\.maven|io\.github\.git-commit-id"
)
_IMAGE = re.compile(r"(?:docker\.io/)?(?:library/)?maven(?::(?P<version>[\w.-]+))?(?:@.*)?")
_RECENT = re.compile(r"(?:latest|3|4)(?:-.*)?|3\.(?:9|[1-9]\d)(?:\..*|-.*)?|3\.8\.[1-9].*|4\..*")
_SWITCHES = ("-B", "-q", "-ntp", "-e", "-V", "--batch-mode", "--quiet", "--no-transfer-progress", "-U", "-am")
_VALUED = ("-f", "-P", "-pl", "-D", "--file", "--activate-profiles", "--projects", "--define")
_GLUED = re.compile(r"-[DP]\w|--(?:file|projects)=")
_USELESS = ("-X", "-fae", "-ff", "-fn", "-T1C", "-T2C", "--fail-at-end", "--fail-fast", "--fail-never", "-nsu")


def layer_command(site: Site, line: Line, project: Project) -> tuple[str, tuple[Obligation, ...]]:
    """Return the command that resolves the project, with its proof; raises Declined where it could fail."""
    step = site.step
    homes = ("/root", step.env.get("HOME") or "/root")
    mounted = any(".m2" in mount.target for mount in site.run.mounts if mount.kind != "cache")
    given = {"-s", "-gs"} & line.options.keys()
    if given or mounted or any(site.view.exists(f"{home}/.m2/settings.xml") for home in homes):
        raise Declined("settings choose where Maven downloads from, and go-offline may not find all plugins there")
    return " ".join(_words(step)), (_recent(site), *_resolvable(project), *project.proof())


def _recent(site: Site) -> Obligation:
    """Make sure of Maven 3.6.3 or later, which the dependency plugin needs."""
    claim, script = "Maven can run the dependency plugin", wrapper(site.step)
    if script:
        directory = script.rpartition("/")[0]
        path = f"{directory}/.mvn/wrapper/maven-wrapper.properties"
        found = re.search(r"apache-maven-([\d.]+)-", site.view.read(path) or "")
        if found and _RECENT.fullmatch(found[1]):
            return proved(claim, f"the wrapper's is {found[1]}", site.view.place(path))
    else:
        match = _IMAGE.fullmatch(site.stage.base.reference)
        if match and _RECENT.fullmatch(match["version"] or "latest"):
            return proved(claim, f"the image is {site.stage.base.reference}")
    raise Declined("Maven is not known to be recent enough to resolve a project that is not built yet")


def _resolvable(project: Project) -> Iterator[Obligation]:
    """Yield the proof that what go-offline resolves beyond the build is there for everybody; raises Declined."""
    for parent in project.unseen:
        if parent.rpartition(":")[0] not in KNOWN_PARENTS:
            raise Declined(f"the plugins of the parent {parent}, all of which go-offline resolves, are not known")
    for pom in project.poms.values():
        if next(every(pom.root, *REPOSITORIES), None) is not None:
            raise Declined("it names repositories, and go-offline may not find all plugins", pom.place("epositor"))
        if pom.root.find("reporting") is not None:
            raise Declined("go-offline would resolve the plugins of its reports", pom.place("<reporting>"))
        if text_of(pom.root, "packaging") == "maven-plugin":
            raise Declined("the project makes a plugin, which is not there yet", pom.place("maven-plugin"))
        for plugin in every(pom.root, *PLUGINS, *(f"{build}/extensions/extension" for build in BUILDS)):
            group = project.resolve(text_of(plugin, "groupId") or "org.apache.maven.plugins", pom)
            if not group or not (_PUBLISHED.fullmatch(group) or plugin.tag == "extension"):
                premise = f"whether the plugin {group}:{text_of(plugin, 'artifactId')} can be downloaded is not known"
                raise Declined(premise, pom.place(text_of(plugin, "artifactId")))
            for dependency in every(plugin, "dependencies/dependency"):
                if project.makes(dependency, pom):
                    name = text_of(dependency, "artifactId")
                    raise Declined(f"a plugin needs the module {name}, which is not built yet", pom.place(name))
    yield proved("go-offline finds every plugin that the project names", "they are published for everybody")


def _words(step: Step) -> Iterator[str]:
    """Yield the command as it is written, with the goal in place of its own; raises Declined for what has no place."""
    words = [word.raw for word in step.simple.words]
    start = next(at for at, word in enumerate(words) if re.search(r"\bmvnw?[\"']?\Z", word)) + 1
    yield from words[:start]
    follows = False
    for raw, value in zip(words[start:], step.words[start:], strict=True):
        if follows or raw in _VALUED or raw in _SWITCHES or _GLUED.match(raw):
            yield raw
        elif value is None or (raw.startswith("-") and raw not in _USELESS):
            raise Declined(f"what {raw} is for in a command that resolves is not known")
        follows = raw in _VALUED and not follows
    yield GOAL
