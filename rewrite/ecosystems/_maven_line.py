"""Maven's command line, with what files and variables add to it.

Facts: ``mvn --help`` of Maven 3.9, and its documentation of ``.mvn`` (maven.config, jvm.config, extensions.xml) and of
the wrapper. Where Maven keeps what it downloads follows Java's ``user.home``, which is the account's own, not HOME.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..build.build import View
from ..build.options import arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import Read
from ._xml import every, read_xml, text_of

_SWITCHES = frozenset(
    "-am --also-make -amd --also-make-dependents -B --batch-mode -C --strict-checksums -c --lax-checksums -e --errors"
    " -fae --fail-at-end -ff --fail-fast -fn --fail-never -h --help -itr --ignore-transitive-repositories -llr"
    " --legacy-local-repository -N --non-recursive -nsu --no-snapshot-updates -ntp --no-transfer-progress -o --offline"
    " -q --quiet -U --update-snapshots -V --show-version -v -version --version -X --debug -npr -npu -up -cpu".split()
)
_VALUED = frozenset(
    "-b --builder -D --define -f --file -gs --global-settings -gt --global-toolchains -l --log-file -P"
    " --activate-profiles -pl --projects -rf --resume-from -s --settings -t --toolchains -T --threads --color".split()
)
_LONG = {"--file": "-f", "--settings": "-s", "--global-settings": "-gs", "--toolchains": "-t", "--log-file": "-l"}
_LONG |= {"--global-toolchains": "-gt", "--offline": "-o", "--define": "-D", "--projects": "-pl", "--also-make": "-am"}
_LONG |= {"--activate-profiles": "-P", "--version": "-v", "-version": "-v", "--help": "-h"}
_FILES = ("-s", "-gs", "-t", "-gt")
# Properties that make Maven, or the plugin that resolves, read or write elsewhere.
_MOVING = re.compile(
    r"maven\.(?:multiModuleProjectDirectory|ext\.class\.path|home|conf|user\.\w+|repo\.local\.\w+|project\.\w+)|user\.\w+"
    r"|outputFile|output\w+|mdep\..*|settings\..*|session\..*"
)
# What Maven's own wrapper scripts say of themselves.
_WRAPPER = re.compile(r"Apache Maven Wrapper|Maven2? Start Up Batch script|Maven Start Up Batch script")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line: its goals, its options by their short names (the last value counts), and its properties."""

    goals: tuple[str, ...]
    options: Mapping[str, str]
    properties: Mapping[str, str]

    @property
    def offline(self) -> bool:
        """Whether Maven may download nothing."""
        return "-o" in self.options


def is_maven(step: Step) -> bool:
    """Tell whether a command is Maven's or its wrapper's, run directly or by a shell."""
    return _start(step) is not None


def wrapper(step: Step) -> str | None:
    """Return the image path of the wrapper script that a command runs, None if it runs none."""
    start = _start(step)
    word = step.words[start - 1] if start else None
    if not word or posixpath.basename(word) != "mvnw":
        return None
    return join(step.cwd, word)


def own_wrapper(step: Step, view: View) -> str | None:
    """Return the same; raises Declined if the script is not known to be Maven's own."""
    script = wrapper(step)
    text = view.read(script) if script else None
    if script and (text is None or not _WRAPPER.search(text)):
        raise Declined("mvnw is not known to be Maven's own wrapper", view.place(script))
    return script


def _start(step: Step) -> int | None:
    if step.program in ("mvn", "mvnw"):
        return 1
    word = step.words[1] if step.program in ("sh", "bash", "ash", "dash") and len(step.words) > 1 else None
    return 2 if word and posixpath.basename(word) == "mvnw" else None


def read_line(step: Step, view: View) -> Line:
    """Read a command of Maven with MAVEN_ARGS and .mvn/maven.config; raises Declined for what is not known."""
    words: list[str | None] = list(step.words[_start(step) or 1 :])
    # Both come first, so that the command's own options count.
    for name in ("MAVEN_ARGS", "MAVEN_CONFIG") if wrapper(step) else ("MAVEN_ARGS",):
        value = step.env.get(name, "")
        if value is None:
            raise Declined(f"{name} is not known")
        # The maven image's own value names no option; the wrapper's first scripts passed it on, and failed.
        words = [*(value.split() if value != "/root/.m2" else ()), *words]
    base = base_directory(step, view)
    config = view.read(f"{base}/.mvn/maven.config") if base else None
    if config is not None:
        words = [*(word for line in config.split("\n") if not line.startswith("#") for word in line.split()), *words]
    found = arguments(words, 0, _SWITCHES, _VALUED)
    options: dict[str, str] = {}
    properties: dict[str, str] = {}
    for argument in found:
        option = _LONG.get(argument.option, argument.option)
        if option == "-D":
            name, _, value = argument.value.partition("=")
            properties[name] = value
        elif option:
            options[option] = argument.value
    goals = tuple(argument.value for argument in found if not argument.option)
    return Line(goals, options, {**_from_options(step, view, base), **properties})


def _from_options(step: Step, view: View, base: str | None) -> Mapping[str, str]:
    """Return the properties that MAVEN_OPTS and .mvn/jvm.config set; raises Declined for code that they add."""
    found: dict[str, str] = {}
    texts = [step.env.get("MAVEN_OPTS", ""), (view.read(f"{base}/.mvn/jvm.config") or "") if base else ""]
    for text in (*texts, *(step.env.get(name, "") for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"))):
        if text is None:
            raise Declined("Java's options are not known")
        for word in text.split():
            if re.match(r"-javaagent|-agent|-Xbootclasspath|@|-cp\b|-classpath", word):
                raise Declined(f"{word} adds code to Maven")
            if word.startswith("-D"):
                name, _, value = word[2:].partition("=")
                found[name] = value
    return found


def base_directory(step: Step, view: View) -> str | None:
    """Return the directory whose .mvn counts: the nearest one above the project, or the project's own."""
    start = project_directory(step)
    directory = start
    while directory is not None:
        if view.exists(f"{directory}/.mvn"):
            return directory
        if directory in ("/", "%"):
            break
        directory = posixpath.dirname(directory)
    return start


def project_directory(step: Step) -> str | None:
    """Return the directory of the pom as the start script finds it, None if it is not known."""
    words = list(step.words)
    for at, word in enumerate(words):
        name, equals, value = (word or "").partition("=")
        if name in ("-f", "--file"):
            given = value if equals else words[at + 1] if at + 1 < len(words) else None
            target = join(step.cwd, given) if given else None
            return posixpath.dirname(target) if target and target.endswith(".xml") else target
    return step.cwd


def line_reads(step: Step, view: View, line: Line) -> Iterator[Read]:
    """Yield what Maven reads beside the poms: settings, .mvn, the wrapper; raises Declined where that is not known."""
    for name in line.properties:
        if _MOVING.fullmatch(name):
            raise Declined(f"{name} makes Maven read or write elsewhere")
    for option in _FILES:
        if option in line.options:
            path = None if "$" in line.options[option] else join(step.cwd, line.options[option])
            if path is None:
                raise Declined(f"which file {option} names is not known")
            yield Read(path, f"{option} names it", True)
            if option in ("-s", "-gs"):
                yield from _settings(view, path)
    for home in _homes(step):
        yield from (Read(f"{home}/{name}", "Maven's start script reads it") for name in (".mavenrc",))
        yield Read(f"{home}/.m2", "Maven's settings, extensions and toolchains")
        if "-s" not in line.options:
            yield from _settings(view, f"{home}/.m2/settings.xml")
    yield from _directories(step, view)
    script = own_wrapper(step, view)
    if script:
        yield Read(script, "the wrapper", True)


def _homes(step: Step) -> tuple[str, ...]:
    return tuple(dict.fromkeys((step.env.get("HOME") or "/root", "/root")))


def _directories(step: Step, view: View) -> Iterator[Read]:
    """Yield every .mvn that may count: the start script looks for it from the project upwards."""
    directory = project_directory(step)
    if directory is None:
        raise Declined("the directory that Maven runs in is not known")
    base = base_directory(step, view)
    extensions = read_xml(view, f"{base}/.mvn/extensions.xml")
    for extension in every(extensions.root, "extension") if extensions else ():
        name = f"{text_of(extension, 'groupId')}:{text_of(extension, 'artifactId')}"
        if not re.fullmatch(r"org\.apache\.maven\.wagon:.*|kr\.motd\.maven:os-maven-plugin", name):
            premise = f"what the extension {name} reads is not known"
            raise Declined(premise, view.place(f"{base}/.mvn/extensions.xml"))
    while True:
        yield Read(f"{directory.rstrip('/')}/.mvn", "Maven's options, extensions and wrapper")
        if directory in ("/", "%"):
            return
        directory = posixpath.dirname(directory)


def _settings(view: View, path: str) -> Iterator[Read]:
    """Yield the directories that settings name as repositories; raises Declined where they ask for files."""
    settings = read_xml(view, path)
    if settings is None:
        return
    if settings.root.find("profiles/profile/activation/file") is not None:
        raise Declined("a profile of the settings is chosen by the files that are there", settings.where)
    for url in settings.root.iter("url"):
        if re.match(r"file:|\$\{(?:project\.)?basedir", text_of(url)):
            raise Declined("the settings name a repository in a directory", settings.place(text_of(url)))
    yield Read(path, "Maven's settings")
