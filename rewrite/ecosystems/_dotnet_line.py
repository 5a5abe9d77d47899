"""dotnet's command line: its commands, the options of restore, build, publish and the like, and MSBuild's switches.

Facts: Microsoft's documentation of the dotnet commands and of MSBuild's command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..build.options import arguments
from ..build.runs import Step

_SWITCHES = frozenset(
    "--no-restore --no-build --no-incremental --nologo -nologo --no-logo --self-contained --sc --no-self-contained"
    " --force --no-cache --no-http-cache --ignore-failed-sources --no-dependencies --interactive --disable-parallel"
    " --use-lock-file --locked-mode --force-evaluate --use-current-runtime --ucr --disable-build-servers"
    " --include-symbols --include-source -g --global --local --prerelease --allow-downgrade --list-tests --blame -m"
    " --create-manifest-if-needed --graph --no-launch-profile --version --info --list-sdks --list-runtimes -h --help"
    " --skip-manifest-update --serviceable --allow-roll-forward".split()
)
_VALUED = frozenset(
    "-c --configuration -f --framework -r --runtime -a --arch --os -o --output -v --verbosity -s --source --configfile"
    " --packages --lock-file-path --version-suffix --manifest -p --property -l --logger --filter --collect --settings"
    " --results-directory --artifacts-path --tl --project --tool-path --add-source --tool-manifest -e --environment"
    " --root-config-directory --launch-profile --temp-dir".split()
)
_LONG = {
    "-c": "--configuration",
    "-r": "--runtime",
    "-a": "--arch",
    "-o": "--output",
    "-s": "--source",
    "-p": "--property",
}
_LONG |= {"-g": "--global", "--sc": "--self-contained", "--ucr": "--use-current-runtime", "-f": "--framework"}
# MSBuild's switches that change nothing of what is read; they take a value behind a colon.
_MSBUILD = re.compile(
    r"[-/]{1,2}(?:m|maxcpucount|clp|consoleloggerparameters|nr|nodereuse|tl|bl|binarylogger|warnaserror)(?::.*)?"
)
_PROPERTY = re.compile(r"(?:/|--?)(?:p|property):(.*)", re.DOTALL)
# What a value that is not known cannot change: which files are read.
_ANY_VALUE = frozenset(
    {"-c", "--configuration", "-r", "--runtime", "-a", "--arch", "--os", "-v", "--verbosity", "--version-suffix"}
)
SILENT = frozenset({"--info", "--version", "--list-sdks", "--list-runtimes", "help", "--help", "-h"})


@dataclass(frozen=True, slots=True)
class Line:
    """A command: `verb` (``restore``, ``tool restore``), its operands, its options by their long names.

    `properties` maps what ``-p:`` sets. A value that is not known stands there as it is written.
    """

    verb: str
    operands: tuple[str, ...]
    options: Mapping[str, str]
    properties: Mapping[str, str]

    @property
    def restores(self) -> bool:
        """Whether the command restores, itself or before it builds."""
        return not {"--no-restore", "--no-build"} & self.options.keys()


def is_dotnet(step: Step) -> bool:
    """Tell whether a command is dotnet's, and more than a question."""
    return step.program == "dotnet" and step.words[1:2] != () and step.words[1] not in SILENT


def read_line(step: Step) -> Line:
    """Read the words of a dotnet command; raises Declined for what is not known."""
    words = list(_words(step))
    verb, start = (words[0] if words else "") or "", 1
    if verb in ("tool", "workload", "nuget", "dev-certs", "ef", "new", "sln", "package", "add") and len(words) > 1:
        verb, start = f"{verb} {words[1]}", 2
    found = arguments(words, start, _SWITCHES, _VALUED)
    options: dict[str, str] = {}
    properties: dict[str, str] = {}
    operands: list[str] = []
    at = -1
    for argument in found:
        option = _LONG.get(argument.option, argument.option)
        if option == "--property":
            for pair in argument.value.removeprefix(":").split(";"):
                name, _, value = pair.partition("=")
                properties[name] = value
        elif option:
            options[option] = argument.value.removeprefix(":")
            at = argument.index if option == "--self-contained" else -1
        elif argument.value in ("true", "false") and argument.index == at + 1:
            options["--self-contained"] = argument.value
        else:
            operands.append(argument.value)
    return Line(verb, tuple(operands), options, properties)


def _words(step: Step) -> Iterator[str | None]:
    """Yield the words behind ``dotnet``, MSBuild's switches as options; a value that may be any as it is written."""
    before: str | None = ""
    for word, value in zip(step.simple.words[1:], step.words[1:], strict=True):
        text = word.raw if value is None and (before in _ANY_VALUE or _PROPERTY.fullmatch(word.raw)) else value
        match = _PROPERTY.fullmatch(text or "")
        if match:
            yield f"-p{match[1]}"
        elif not _MSBUILD.fullmatch(text or ""):
            yield text
        before = value
