"""Maven: its command line with what files and variables add, and the poms that it reads."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from building import build

from rewrite import ecosystems
from rewrite.build.build import Build, View
from rewrite.ecosystems import Command
from rewrite.ecosystems._maven_line import Line, read_line
from rewrite.ecosystems._maven_project import Project
from rewrite.model import Declined, Status

Files = Mapping[str, str]


def pom(more: str = "", artifact: str = "a", version: str = "1") -> str:
    head = f"<modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>{artifact}</artifactId>"
    return f"<project>{head}<version>{version}</version>{more}</project>"


def make(files: Files, run: str, before: str = "") -> tuple[Build, View]:
    made = build(f"FROM maven:3.9\nWORKDIR /app\n{before}COPY . .\nRUN {run}\n", files)
    (stage,) = made.stages
    return made, made.view(stage, stage.instructions[-1])


def line(run: str, files: Files | None = None, before: str = "") -> Line:
    made, view = make(files or {"pom.xml": pom()}, run, before)
    return read_line(made.run(made.stages[0].instructions[-1]).steps[-1], view)


def command(files: Files, run: str = "mvn dependency:go-offline", before: str = "") -> Command:
    made, view = make(files, run, before)
    found = ecosystems.recognise(made.run(made.stages[0].instructions[-1]).steps[-1], view)
    assert found and found.ecosystem == "maven"
    return found


def project(files: Files) -> Project:
    return Project.load(make(files, "mvn")[1], "/app/pom.xml")


def reads(found: Command, files: Files) -> set[str]:
    assert found.declined is None, found.declined.premise
    paths = {read.path.removeprefix("/app/") for read in found.reads}
    return {name for name in files if any(name == path or name.startswith(f"{path}/") for path in paths)}


@pytest.mark.parametrize(
    ("run", "goals", "options"),
    [
        ("mvn -B -ntp package -DskipTests", ("package",), {"-B", "-ntp"}),
        ("mvn -Pprod,docker -pl core -am -T1C verify", ("verify",), {"-P", "-pl", "-am", "-T"}),
        ("mvn --offline --file pom.xml clean install", ("clean", "install"), {"-o", "-f"}),
        ("sh ./mvnw -q dependency:resolve", ("dependency:resolve",), {"-q"}),
    ],
)
def test_lines(run: str, goals: tuple[str, ...], options: set[str]) -> None:
    found = line(run)
    assert (found.goals, set(found.options)) == (goals, options)


def test_options_from_elsewhere() -> None:
    files = {"pom.xml": pom(), ".mvn/maven.config": "-o\n-Pci\n", ".mvn/jvm.config": "-Xmx1g -Dmaven.repo.local=/m2"}
    found = line("mvn -Dmaven.repo.local=/own package", files, "ENV MAVEN_ARGS='-B -q'\n")
    assert found.offline and {"-P", "-B", "-q"} <= set(found.options)
    assert found.properties["maven.repo.local"] == "/own"
    assert line("mvn package", files).properties["maven.repo.local"] == "/m2"


@pytest.mark.parametrize(
    ("run", "before", "premise"),
    [
        ("mvn --frobnicate package", "", "--frobnicate is not known"),
        ("mvn $GOALS", "ARG GOALS\n", "depends on a variable"),
        ("mvn package", "ARG MAVEN_ARGS\n", "MAVEN_ARGS is not known"),
        ("mvn package", "ENV MAVEN_OPTS=-javaagent:agent.jar\n", "adds code to Maven"),
    ],
)
def test_lines_that_are_not_known(run: str, before: str, premise: str) -> None:
    with pytest.raises(Declined, match=premise):
        line(run, before=before)


@pytest.mark.parametrize(
    "run",
    [
        "mvn -s none/${x}.xml dependency:resolve",
        "mvn -Dmaven.multiModuleProjectDirectory=/x dependency:resolve",
        "mvn -DoutputFile=deps.txt dependency:resolve",
        "mvn dependency:copy-dependencies",
        "mvn dependency:go-offline verify",
        "mvn exec:java",
    ],
)
def test_commands_that_are_declined(run: str) -> None:
    assert command({"pom.xml": pom()}, run).declined


def test_only_what_resolves_is_an_install() -> None:
    files = {"pom.xml": pom()}
    found = command(files, "mvn org.apache.maven.plugins:maven-dependency-plugin:3.6.1:go-offline")
    assert found.install and found.title == "mvn dependency:go-offline" and not found.project
    assert not command(files, "mvn package").install and command(files, "mvn package").project
    assert command(files, "mvn -version").declined is None


def test_modules_and_parents() -> None:
    parent = "<parent><groupId>g</groupId><artifactId>{}</artifactId><version>1</version>{}</parent>"
    files = {
        "pom.xml": pom("<modules><module>core</module><module>web/war.xml</module></modules>", "top"),
        "core/pom.xml": pom(parent.format("top", ""), "core"),
        "web/war.xml": pom(parent.format("base", "<relativePath>../base</relativePath>"), "web"),
        "base/pom.xml": pom(artifact="base"),
        "other/pom.xml": pom(artifact="other"),
        "core/src/A.java": "class A {}",
    }
    assert reads(command(files), files) == set(files) - {"other/pom.xml", "core/src/A.java"}
    assert project(files).unseen == [] and project(files).modules


def test_a_parent_of_another_name_comes_from_a_repository() -> None:
    parent = "<parent><groupId>g</groupId><artifactId>other</artifactId><version>1</version></parent>"
    files = {"x/pom.xml": pom(), "pom.xml": pom(), "app/pom.xml": pom(parent)}
    found = command(files, "mvn -f app dependency:resolve")
    assert [item.claim for item in found.proof if item.status == Status.ASSUMED]
    assert found.environment


@pytest.mark.parametrize(
    ("more", "premise"),
    [
        ("<modules><module>gone</module></modules>", "gone/pom.xml is not a readable file"),
        ("<modules><module>${m}</module></modules>", "depends on a property"),
        ("<repositories><repository><url>${my.repo}</url></repository></repositories>", "my.repo} lies is not known"),
        ("<repositories><repository><url>file:libs</url></repository></repositories>", "file:libs lies is not known"),
        ("<build><plugins><plugin><groupId>org.eclipse.tycho</groupId><artifactId>tycho-maven-plugin</artifactId>"
         "<extensions>true</extensions></plugin></plugins></build>", "what the extension org.eclipse.tycho"),
        ("<dependencies><dependency><systemPath>${j}/t.jar</systemPath></dependency></dependencies>", "t.jar lies"),
    ],
)  # fmt: skip
def test_poms_that_are_declined(more: str, premise: str) -> None:
    found = command({"pom.xml": pom(more)})
    assert found.declined and premise in found.declined.premise


@pytest.mark.parametrize("text", ["<project>", "<!DOCTYPE x><project/>", "<project>\udcff</project>"])
def test_files_that_are_no_plain_xml(text: str) -> None:
    assert command({"pom.xml": text}).declined


def test_properties_and_versions_that_change() -> None:
    one = "<dependency><groupId>o</groupId><artifactId>b</artifactId><version>{}</version></dependency>"
    dependency = f"<dependencies>{one}</dependencies>"
    properties = "<properties><v>2-SNAPSHOT</v></properties>"
    assert project({"pom.xml": pom(dependency.format("1.2"))}).changing() == ""
    assert project({"pom.xml": pom(properties + dependency.format("${v}"))}).changing() == "b ${v}"
    assert project({"pom.xml": pom(dependency.format("[1,2)"))}).changing() == "b [1,2)"
    own = dependency.replace("<groupId>o</groupId><artifactId>b", "<groupId>g</groupId><artifactId>a")
    assert project({"pom.xml": pom(own.format("1-SNAPSHOT"))}).changing() == ""


def test_environment_variables_that_a_pom_names() -> None:
    assert not command({"pom.xml": pom()}).environment
    assert command({"pom.xml": pom("<properties><v>${env.V}</v></properties>")}).environment
