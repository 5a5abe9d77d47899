"""What a lifecycle script of package.json reads and writes, for the programs that are known; others are declined."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..build.build import View
from ..build.paths import inside
from ..model import Declined
from ..source import shell
from ..source.shelltree import commands_of
from . import Read, Write

Effects = tuple[list[Read], list[Write]]

# These look at no file, so that a word whose value is not known does no harm.
_BUILTIN = frozenset({"echo", "true", "false", ":", "exit", "printf"})
_NOTHING = frozenset({"is-ci", "only-allow", "opencollective-postinstall"})
_RUNNERS = frozenset({"npm", "yarn", "pnpm", "bun"})
_HARMLESS_VARIABLES = frozenset({"CI", "DEBUG", "FORCE_COLOR", "HUSKY", "NODE_ENV", "NO_COLOR"})
_NPX_SWITCHES = frozenset({"--yes", "-y", "--no", "--no-install", "--quiet", "-q", "--"})
_FILE_TESTS = frozenset(f"-{letter}" for letter in "bcdefghkLprsSuwx")
_DEPENDENCIES = ("dependencies", "devDependencies", "optionalDependencies")
_DEEPEST = 5
_GENERATOR = re.compile(r"^\s*generator\s+\w+\s*\{([^}]*)\}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Script:
    """Where a script runs: its package's directory and data; `depth` counts ``npm run`` inside ``npm run``.

    `absent` are programs that are not installed.
    """

    directory: str
    data: Mapping[str, Any]
    view: View
    absent: frozenset[str] = frozenset()
    depth: int = 0

    def path(self, name: str) -> str:
        return posixpath.normpath(posixpath.join(self.directory, name))


def script_effects(
    text: str, directory: str, data: Mapping[str, Any], view: View, absent: frozenset[str] = frozenset()
) -> Effects:
    """Return the reads and writes of the script `text`, run in `directory`; raises Declined if they are not known.

    `data` is the package.json that the script is from; of the programs that it calls, those of `absent` are not there.
    """
    return _text(text, _Script(directory, data, view, absent))


def _text(text: str, script: _Script) -> Effects:
    try:
        tree = shell.parse(text)
    except shell.NotUnderstood as error:
        raise Declined(f"it is not understood ({error.reason})") from None
    reads: list[Read] = []
    writes: list[Write] = []
    for command in commands_of(tree):
        _check_redirects(command.redirects)
        if isinstance(command, shell.Compound):
            if command.kind not in ("subshell", "brace", "if"):
                raise Declined("it tests or loops in a way that is not followed")
            continue
        for assignment in command.assignments:
            _check_variable(assignment.name)
        words = [word.value for word in command.words]
        # npx fetches what is not there.
        found = _command(_bare(words), replace(script, absent=frozenset()) if "npx" in words else script)
        reads += found[0]
        writes += found[1]
    return reads, writes


def _check_redirects(redirects: Sequence[shell.Redirect]) -> None:
    for redirect in redirects:
        target = redirect.target.value
        is_descriptor = redirect.operator in (">&", "<&") and target in ("1", "2")
        if target != "/dev/null" and not is_descriptor:
            raise Declined("it redirects to or from a file")


def _check_variable(name: str) -> None:
    if name not in _HARMLESS_VARIABLES:
        raise Declined(f"it sets {name}")


def _bare(words: list[str | None]) -> list[str | None]:
    """Drop what only starts another program: exec, npx and cross-env."""
    while words and words[0] in ("npx", "cross-env", "exec"):
        starter, *words = words
        while words and words[0] and starter != "exec":
            if starter == "npx" and words[0] not in _NPX_SWITCHES:
                if words[0].startswith("-"):
                    raise Declined(f"what npx {words[0]} runs is not known")
                words[0] = re.sub(r"(?<=.)@[\w.^~-]+\Z", "", words[0])
                break
            if starter == "cross-env":
                if "=" not in words[0]:
                    break
                _check_variable(words[0].partition("=")[0])
            words = words[1:]
    return words


def _command(words: Sequence[str | None], script: _Script) -> Effects:
    if not words:
        return [], []
    program = words[0]
    if program in ("test", "["):
        return _test(words[1:], script)
    if program in _BUILTIN:
        return [], []
    if None in words or program is None:
        raise Declined("a word of it depends on a variable")
    known = [str(word) for word in words]
    _check_origin(program, script)
    if program in _NOTHING or program in script.absent:
        return [], []
    if program in _RUNNERS:
        return _runner(known, script)
    handler = _HANDLERS.get(program)
    if handler is None:
        raise Declined(f"what `{program}` reads is not known")
    return handler(known, script)


def _check_origin(program: str, script: _Script) -> None:
    """Decline if the package takes `program` from elsewhere than the registry, or under another name."""
    for group in _DEPENDENCIES:
        table = script.data.get(group)
        version = str(table.get(program, "")) if isinstance(table, dict) else ""
        if ":" in version or "/" in version:
            raise Declined(f"`{program}` is {version}, not the package of that name")


def _runner(words: list[str], script: _Script) -> Effects:
    """Follow ``npm run NAME`` and its like; yarn and pnpm run programs of dependencies, too."""
    asked = Declined(f"what `{' '.join(words)}` runs is not known")
    operands = [word for word in words[1:] if word not in ("-s", "--silent", "--if-present")]
    scripts = script.data.get("scripts")
    is_run, is_yarn = operands[:1] in (["run"], ["run-script"]), words[0] in ("yarn", "pnpm")
    is_program = is_yarn and operands[:1] == ["exec"]
    operands = operands[1:] if is_run or is_program else operands
    name = operands[0] if operands else ""
    if script.depth > _DEEPEST or not name or not (is_run or is_yarn):
        raise asked
    is_script = isinstance(scripts, dict) and name in scripts and not is_program
    if not is_script and is_yarn and name in PROGRAMS:
        return _command(operands, script)
    if len(operands) != 1 or not isinstance(scripts, dict) or is_program:
        raise asked
    if not is_script and "--if-present" not in words:
        raise Declined(f"there is no script {name}")
    reads: list[Read] = []
    writes: list[Write] = []
    for each in (f"pre{name}", name, f"post{name}") if is_script else ():
        found = _text(str(scripts.get(each, "")), replace(script, depth=script.depth + 1))
        reads += found[0]
        writes += found[1]
    return reads, writes


def _test(words: Sequence[str | None], script: _Script) -> Effects:
    """Follow ``test`` and ``[``: whether a file is there decides what the script does."""
    reads: list[Read] = []
    writes: list[Write] = []
    for operator, operand in zip(words, [*words[1:], "]"], strict=True):
        if operator in ("-nt", "-ot", "-ef"):
            raise Declined("it compares files")
        if operator not in _FILE_TESTS or operand == "]":
            continue
        if operand is None:
            raise Declined("it tests for a file whose name is not known")
        path = script.path(operand)
        if inside(path, script.path(".git")):
            # With .git kept out of the context the answer is the same before and after.
            writes.append(Write(script.path(".git"), "a script looks for it"))
        elif not inside(path, script.path("node_modules")):
            reads.append(Read(path, "a script looks for it"))
    return reads, writes


def _patch_package(words: list[str], script: _Script) -> Effects:
    options = words[1:]
    patches = "patches"
    while options:
        option = options.pop(0)
        name, equals, value = option.partition("=")
        if name == "--patch-dir" and (equals or options):
            patches = value if equals else options.pop(0)
        elif option not in ("--error-on-fail", "--error-on-warn", "--use-yarn", "--partial"):
            raise Declined(f"what `patch-package {option}` does is not known")
    return [Read(script.path(patches), "patch-package applies it")], []


_PRISMA_OPTIONS = frozenset({"--no-engine", "--no-hints", "--data-proxy", "--accelerate", "--allow-no-models"})


def _prisma(words: list[str], script: _Script) -> Effects:
    if words[1:2] != ["generate"]:
        raise Declined("it is not `prisma generate`")
    configuration = script.data.get("prisma")
    schema = configuration.get("schema") if isinstance(configuration, dict) else None
    options = words[2:]
    while options:
        option = options.pop(0)
        name, equals, value = option.partition("=")
        if name == "--schema" and (equals or options):
            schema = value if equals else options.pop(0)
        elif option not in _PRISMA_OPTIONS:
            raise Declined(f"what `prisma generate {option}` reads is not known")
    return prisma_generate(script.directory, script.data, script.view, str(schema) if schema else None)


def prisma_generate(directory: str, data: Mapping[str, Any], view: View, schema: str | None) -> Effects:
    """Return what ``prisma generate`` reads and writes in `directory`; `schema` where it is given."""
    script = _Script(directory, data, view)
    kinds = ("ts", "js", "mts", "mjs", "cts", "cjs")
    for name in (f"{stem}.{kind}" for stem in ("prisma.config", ".config/prisma") for kind in kinds):
        if view.exists(path := script.path(name)):
            raise Declined("prisma's configuration is a program", view.place(path))
    # The generated client records where the .env files are, so that they count as read.
    reads = [Read(script.path(".env"), "prisma reads it"), Read(script.path("prisma/.env"), "prisma reads it")]
    if schema:
        folder = script.path(schema) if view.is_dir(script.path(schema)) else posixpath.dirname(script.path(schema))
        sources = [Read(script.path(schema), "prisma's schema", required=True)]
        reads.append(Read(posixpath.join(folder, ".env"), "prisma reads it"))
    else:
        sources = [Read(script.path(name), "prisma's schema") for name in ("prisma", "schema.prisma")]
    return sources + reads, _prisma_outputs(sources, script)


def _prisma_outputs(sources: Sequence[Read], script: _Script) -> list[Write]:
    found, view = [], script.view
    for source in sources:
        base = view.context_path(source.path)
        for entry in view.context.files(base) if base else ():
            if not entry.path.endswith(".prisma"):
                continue
            inner = posixpath.relpath(entry.path, base) if view.is_dir(source.path) else ""
            folder = posixpath.dirname(posixpath.normpath(posixpath.join(source.path, inner)))
            for block in _GENERATOR.findall(view.context.read(entry.path) or ""):
                found += _generator(block, folder, script)
    return found


def _generator(block: str, folder: str, script: _Script) -> list[Write]:
    settings = dict(re.findall(r"^\s*(provider|output)\s*=\s*(.*?)\s*(?://.*)?$", block, re.MULTILINE))
    provider = settings.get("provider", "").strip('"')
    if provider not in ("prisma-client-js", "prisma-client"):
        raise Declined(f"what the prisma generator {provider or '(none)'} does is not known")
    has_client = any("@prisma/client" in (script.data.get(group) or {}) for group in _DEPENDENCIES)
    if provider == "prisma-client-js" and not has_client:
        raise Declined("prisma would add @prisma/client to package.json by itself")
    output = settings.get("output")
    if output is None:
        return []
    if not re.fullmatch(r'"[^"]+"', output):
        raise Declined("where prisma writes its client depends on the environment")
    return [Write(posixpath.normpath(posixpath.join(folder, output.strip('"'))), "prisma's generated client")]


def _husky(words: list[str], script: _Script) -> Effects:
    if words[1:2] and words[1] in ("add", "init", "set", "uninstall"):
        raise Declined(f"`husky {words[1]}` changes files of the project")
    # Without .git husky does nothing and says so, with success: it is kept out of the context.
    return [], [Write(script.path(".git"), "husky sets git hooks")]


_HANDLERS: dict[str, Callable[[list[str], _Script], Effects]] = {
    "patch-package": _patch_package,
    "prisma": _prisma,
    "husky": _husky,
}
# The programs that a script may call, none of which may be the project's own.
PROGRAMS = frozenset({*_HANDLERS, *_NOTHING, "cross-env"})
