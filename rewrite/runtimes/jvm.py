"""JVM: the jar that Maven or Gradle makes, on Eclipse Temurin's JRE of the same version and system.

Spring Boot's jar goes along in layers, so that an edit of the sources leaves the libraries' layer as it is.

Facts: the Dockerfiles of the images maven, gradle and eclipse-temurin (all stand on the latter's JDK, at
/opt/java/openjdk; the JRE has the same tags with ``jre`` for ``jdk``), Temurin's list of what its JRE leaves out (the
compiler, jshell, attaching to another JVM, the tools but keytool), Spring Boot's documentation of external settings.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from ..build.paths import join, outermost
from ..build.runs import Run, Step
from ..ecosystems import _maven_line as maven
from ..ecosystems import gradle
from ..model import Declined, Obligation, assumed, proved
from . import Carried, Runtime
from ._bases import Reference, reference
from ._calls import Call
from ._candidate import Candidate
from ._distribution import ALPINE, DEBIAN, Distribution, account_known, installed, needed
from ._files import Project, project_in, reading
from ._jars import Archive, archive, standalone
from ._spring_layers import Layered, layered

NAME = "jvm"

_TEMURIN = re.compile(r"(?P<version>\d+[\w.+-]*?)(?:-jdk)?(?P<suffix>(?:-(?:alpine(?:-[\d.]+)?|noble|jammy|focal))?)")
_MAVEN = re.compile(r"(?:[\d.]+-)?eclipse-temurin-(?P<version>\d+)(?P<suffix>(?:-(?:alpine|noble|jammy|focal))?)")
_GRADLE = re.compile(r"(?:[\d.]+-)?jdk-?(?P<version>\d+)(?P<suffix>(?:-(?:alpine|noble|jammy|focal))?)")
_TAGS = {"eclipse-temurin": _TEMURIN, "maven": _MAVEN, "gradle": _GRADLE}
# The versions that have a JRE under all these tags.
_VERSIONS = frozenset({"8", "11", "17", "21", "25"})
_JAVA = frozenset({"java", "keytool", "jfr"})
_PACKAGES = frozenset({"package", "verify", "install", "deploy"})
_ASSEMBLES = frozenset(
    {"build", "assemble", "bootJar", "bootWar", "jar", "war", "shadowJar", "quarkusBuild", "buildFatJar"}
)

_SOURCES = re.compile(r"\.(?:java|kts?|groovy|scala|gradle)\Z")
_ASIDE = re.compile(
    r"(?:\A|/)(?:pom\.xml|mvnw(?:\.cmd)?|gradlew(?:\.bat)?|gradle\.properties|settings[^/]*\.xml|lombok\.config"
    r"|gradle(?:/.*)?|config/(?:checkstyle|pmd|spotbugs)(?:/.*)?|checkstyle[^/]*)\Z"
)
_INSIDE = re.compile(r"(?:\A|/)src/(?:main|test)(?:/|\Z)")
_BUILD_ONLY = re.compile(r"MAVEN_\w+|M2_\w+|MVN_\w+|GRADLE_\w+")
_JDK = re.compile(
    r"\bToolProvider\.|\bjavax\.tools\b|\bcom\.sun\.(?:tools|jdi|source)\b|\bjdk\.jshell\b|\bVirtualMachine\.attach"
    r"|\bSystem\.load(?:Library)?\(|\bByteBuddyAgent\b"
)
_LIBRARIES = re.compile(r"\b(?:jasperreports|playwright|selenium-java)\b")
_EXECUTES = re.compile(r"\bnew ProcessBuilder\(|\bgetRuntime\(\)\s*\.exec\(|\bProcessBuilder\(|\bsys\.process\b")
_READS = re.compile(
    r"\b(?:new\s+)?(?:File|FileInputStream|FileReader|FileSystemResource|RandomAccessFile|Paths\.get|Path\.of"
    r"|Files\.(?:lines|readAllLines|readString|readAllBytes|newInputStream|newBufferedReader|list|walk))\(\s*(?![\"\s])"
    r"|[\"']file:[^\"']*[\"']"
)
_WHOLE = re.compile(
    r'\b(?:new File|Paths\.get|Path\.of|externalLocation\w*|addResourceLocations)\(\s*"(?:file:)?(?:\.|\./|)"'
)
_ENV_FILE = re.compile(r"\bDotenv\b|\bdotenv\b|spring-dotenv|\.env\b[\"']")
_FRAMEWORK = re.compile(r"spring-boot|org\.springframework\.boot|io\.quarkus|io\.micronaut")


def plan(candidate: Candidate) -> Runtime | None:
    """Return the runtime of a JVM program; None where the image is none of Maven's, Gradle's or Temurin's."""
    image = reference(candidate.stage)
    if image.name not in _TAGS or not candidate.stage.base.official:
        return None
    program = _Jvm(candidate, image)
    # A JDK whose jar comes from the context has no build to split off.
    return program.runtime() if program.builds or image.name != "eclipse-temurin" else None


@dataclass(frozen=True)
class _Jvm:
    candidate: Candidate
    image: Reference

    def runtime(self) -> Runtime:
        """Return the final stage; raises Declined."""
        candidate, base = self.candidate, self.base
        if not self.builds:
            raise Declined("no RUN makes a jar by Maven or Gradle")
        others = (*candidate.made(self._mine), *candidate.brought())
        scripts = candidate.scripts
        archives = tuple(self._archives(others))
        self._alone()
        distribution = self._distribution()
        account_known(candidate, distribution)
        names = frozenset(posixpath.basename(path) for path in others)
        packages = (*needed(candidate, distribution, names), *installed(candidate, distribution, False))
        data, read = reading(self.project, _ENV_FILE, _WHOLE, _READS)
        if not self.project.find(re.compile(r"[\"'](?:\./)?src/main")):
            data = tuple(path for path in data if not _INSIDE.search(path))
        home = len(self.project.home) + 1
        paths = (*(path for path in data if not _ASIDE.search(path[home:])), *self._settings())
        beside = (*scripts, *paths, *others)
        layers = self._layers(archives, beside)
        carried = outermost(dict.fromkeys((*(() if layers else (one.whole for one in archives)), *beside)))
        return Runtime(
            f"the jar {'in layers ' if layers else ''}on {base}",
            base,
            distribution,
            (*(layers.carried if layers else ()), *map(Carried, carried)),
            tuple(sorted(set(packages))),
            stages=(layers.stage,) if layers else (),
            edited=layers.edited if layers else (),
            build_only=_BUILD_ONLY,
            proof=(read, *self._proof(), *(self._proof_of_layers() if layers else ())),
        )

    def _layers(self, archives: tuple[Archive, ...], beside: tuple[str, ...]) -> Layered | None:
        """Return the layers of Spring Boot's jar, None where it is none, or more than the jar may be started."""
        given = " ".join(word for _, step in self.builds for word in step.words if word)
        if len(set(archives)) != 1 or "spring-boot" in given:
            return None
        jar = archives[0]
        view = self.candidate.build.view(self.candidate.stage, self.builds[-1][0].instruction)
        return layered(self.project, view, jar.path, self._build_files(), beside) if jar.path == jar.whole else None

    def _proof_of_layers(self) -> Iterator[Obligation]:
        where = self.candidate.start.where
        yield assumed(
            "the program starts as the jar does",
            "it has the same main class and libraries, which no longer lie in the jar: a library may look there",
            where,
        )

    @cached_property
    def builds(self) -> tuple[tuple[Run, Step], ...]:
        """The commands of Maven and Gradle that make archives; raises Declined for one that may not run."""
        found: list[tuple[Run, Step]] = []
        for run, step in self.candidate.steps:
            words = {(word or "").rpartition(":")[2] for word in step.words[1:]}
            if found and self._mine(run, step) and "clean" in words and not words & (_PACKAGES | _ASSEMBLES):
                raise Declined("what was built is removed again", self.candidate.build.step_place(run, step))
            if (maven.is_maven(step) and words & _PACKAGES) or (gradle.is_gradle(step) and words & _ASSEMBLES):
                if step.top is None or step.item.operator == "||":
                    raise Declined("whether the command runs is not known", self.candidate.build.step_place(run, step))
                found.append((run, step))
        return tuple(found)

    @staticmethod
    def _mine(run: Run, step: Step) -> bool:
        """Judge Maven and Gradle: what they leave outside of the project is of no use to a JRE."""
        return maven.is_maven(step) or gradle.is_gradle(step)

    @cached_property
    def base(self) -> str:
        """The JRE of the image's version and system; raises Declined where its tag does not tell both."""
        tag = _TAGS[self.image.name].fullmatch(self.image.tag) if self.image.certain else None
        if tag is None or re.split(r"[^\d]", tag["version"])[0].replace("8u", "8") not in _VERSIONS:
            raise Declined(
                "which JRE goes with the image is not known", self.candidate.build.place(self.candidate.stage.from_)
            )
        registry = self.image.image.rpartition("/")[0]
        return f"{registry + '/' if registry else ''}eclipse-temurin:{tag['version']}-jre{tag['suffix']}"

    def _distribution(self) -> Distribution:
        family = ALPINE if self.image.alpine else replace(DEBIAN, name="Ubuntu")
        return replace(family, programs=family.programs | _JAVA)

    def _archives(self, others: tuple[str, ...]) -> Iterator[Archive]:
        """Yield what the JVMs are started with; raises Declined if one starts with anything but a jar of the build."""
        copied = {
            join(step.cwd, step.words[-1] or "$")
            for _, step in self.candidate.steps
            if step.program in ("cp", "mv") and step.top is not None and re.search(r"\.[jw]ar\Z", step.words[-1] or "")
        }
        found, env = False, self.candidate.stage.end.env
        for name in env:
            if name == "JAVA_HOME" or re.search(r"-javaagent|-agent(?:lib|path)|-Xbootclasspath", env[name] or ""):
                raise Declined(f"{name} names what the JRE may not have", self.candidate.start.where)
        for call in self.candidate.calls:
            for words in (*call.others, call.words):
                name = posixpath.basename(words[0]) if words else ""
                if name in (
                    "mvn",
                    "mvnw",
                    "gradle",
                    "gradlew",
                    "jshell",
                    "javac",
                    "jcmd",
                    "jmap",
                    "jstack",
                    "jps",
                    "jlink",
                ):
                    raise Declined(f"{name} is started, which a JRE has not", call.where)
                if name != "java":
                    continue
                if words[0] not in (
                    "java",
                    "/opt/java/openjdk/bin/java",
                    "$JAVA_HOME/bin/java",
                    "${JAVA_HOME}/bin/java",
                ):
                    raise Declined(f"{words[0]} is started, which may not be the JRE's", call.where)
                found = True
                yield self._archive(call, words, copied | set(others))
        if not found:
            raise Declined("the program is not started by java", self.candidate.start.where)

    def _archive(self, call: Call, words: tuple[str, ...], copied: set[str | None]) -> Archive:
        if "-jar" not in words or words.index("-jar") + 1 >= len(words):
            raise Declined("java is started with classes, and what they need is not known", call.where)
        at = words.index("-jar")
        for word in words[1:at]:
            if re.match(
                r"-(?:javaagent|agent|Xbootclasspath|cp\b|classpath)|--(?:class-path|module-path|patch)|@|-Dloader",
                word,
            ):
                raise Declined(f"java is started with {word}, which may need more than the jar", call.where)
        path = posixpath.normpath(posixpath.join(self.candidate.stage.end.workdir or "%", words[at + 1]))
        if path in copied:
            return Archive(path, path)
        view = self.candidate.build.view(self.candidate.stage, self.builds[-1][0].instruction)
        moves = [step for _, step in self.candidate.steps if step.program == "mv"]
        made = archive(view, path, frozenset(self._properties())) if not moves and "$" not in path else None
        if made is None:
            raise Declined(f"{words[at + 1]} is started, which no known command makes", call.where)
        return made

    def _properties(self) -> Iterator[str]:
        """Yield the properties that the commands set; raises Declined for another pom and for a choice of modules."""
        for run, step in self.builds:
            place = self.candidate.build.step_place(run, step)
            view = self.candidate.build.view(self.candidate.stage, run.instruction)
            if None in step.words:
                raise Declined("the command depends on what is not known", place)
            if maven.is_maven(step):
                line = maven.read_line(step, view)
                if {"-f", "-pl", "-P"} & line.options.keys():
                    raise Declined("which modules and profiles are built is not followed", place)
                yield from line.properties
            for word in step.words:
                found = re.match(r"(?:-P|-D|--project-prop=)([\w.]+)", word or "")
                if found and gradle.is_gradle(step):
                    yield found[1]

    @cached_property
    def project(self) -> Project:
        """The project's files; raises Declined if they are not in one known directory."""
        directories = {step.cwd for _, step in self.builds}
        home = next(iter(directories)) if len(directories) == 1 else None
        return project_in(self.candidate, home, _SOURCES)

    def _alone(self) -> None:
        """Raise Declined where a jar on a JRE is not all that the program needs."""
        project = self.project
        standalone(self.candidate.view, project.home)
        for pattern, premise in (
            (_JDK, "the program needs what a JRE has not"),
            (_EXECUTES, "the program starts others"),
        ):
            found = project.find(pattern)
            if found:
                raise Declined(f"{premise}: {found[0][0]}", found[1])
        for text in self._build_files():
            unfit = _LIBRARIES.search(text)
            if unfit:
                raise Declined(f"{unfit[0]} needs more than a JRE", self.candidate.start.where)

    def _build_files(self) -> Iterator[str]:
        for _, source in self.project.files():
            if source.endswith(("pom.xml", ".gradle", ".gradle.kts", ".versions.toml")):
                yield self.candidate.build.context.read(source) or ""

    def _settings(self) -> Iterator[str]:
        """Yield the settings that frameworks look for beside the program."""
        if not any(_FRAMEWORK.search(text) for text in self._build_files()):
            return
        workdir = self.candidate.stage.end.workdir or "/"
        for path, _ in self.project.files():
            tail = posixpath.relpath(path, workdir)
            if re.fullmatch(r"(?:config/)?(?:application|bootstrap)[\w-]*\.(?:ya?ml|properties)", tail):
                yield path

    def _proof(self) -> Iterator[Obligation]:
        where = self.candidate.start.where
        yield proved(
            "the jar holds all classes", "no build file gives its manifest a class path, and java -jar has no other"
        )
        yield assumed(
            "no library needs the JDK",
            "one may compile classes, attach to a JVM or start programs of the system when it runs",
            where,
        )
