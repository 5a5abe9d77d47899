"""What a lifecycle script of package.json reads and writes, for the programs that are known; others are declined."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..build.build import View
from ..model import Declined
from ..source import shell
from . import Read, Write

Effects = tuple[list[Read], list[Write]]
_NOTHING = frozenset({"echo", "true", ":", "exit", "is-ci", "only-allow", "printf", "test", "[", "opencollective-postinstall"})


def script_effects(text: str, directory: str, data: Mapping[str, Any], view: View, depth: int = 0) -> Effects:
    """Return the reads and writes of the script `text`, run in `directory`; raises Declined if they are not known."""
    try:
        script = shell.parse(text)
    except shell.NotUnderstood as error:
        raise Declined(f"it is not understood ({error.reason})") from None
    reads: list[Read] = []
    writes: list[Write] = []
    for simple in shell.simples(script):
        if simple.redirects and any(word.target.value != "/dev/null" and ">" in word.operator for word in simple.redirects):
            if any(word.target.value not in ("/dev/null", "1", "2") for word in simple.redirects):
                raise Declined("it redirects to a file")
        words = _bare([word.value for word in simple.words])
        found = _effects(words, directory, data, view, depth)
        reads += found[0]
        writes += found[1]
    return reads, writes


def _bare(words: list[str | None]) -> list[str | None]:
    """Drop what only starts another program: npx and cross-env."""
    while words and words[0] in ("npx", "cross-env", "exec"):
        is_env = words[0] == "cross-env"
        words = words[1:]
        while words and words[0] and (words[0].startswith("-") or (is_env and re.match(r"\w+=", words[0]))):
            words = words[1:]
    return words


def _effects(words: Sequence[str | None], directory: str, data: Mapping[str, Any], view: View, depth: int) -> Effects:
    if not words:
        return [], []
    program = words[0]
    if None in words or program is None:
        raise Declined("a word of it depends on a variable")
    known = [str(word) for word in words]
    if program in _NOTHING:
        return [], []
    if program == "npm" and known[1:2] in (["run"], ["run-script"]) and len(known) == 3 and depth < 5:
        scripts = data.get("scripts") or {}
        if known[2] in scripts:
            return script_effects(str(scripts[known[2]]), directory, data, view, depth + 1)
    handler = _PROGRAMS.get(program)
    if handler is None:
        raise Declined(f"what `{program}` reads is not known")
    return handler(known, directory, data, view)


def _patch_package(words: list[str], directory: str, data: Mapping[str, Any], view: View) -> Effects:
    patches = _option(words, "--patch-dir") or "patches"
    if _option(words, "--reverse") is not None:
        raise Declined("it reverses patches")
    return [Read(posixpath.normpath(posixpath.join(directory, patches)), "patch-package applies it")], []


def _prisma(words: list[str], directory: str, data: Mapping[str, Any], view: View) -> Effects:
    if words[1:2] != ["generate"]:
        raise Declined("it is not `prisma generate`")
    for name in ("prisma.config.ts", "prisma.config.js", ".config/prisma.ts"):
        if view.exists(posixpath.join(directory, name)):
            raise Declined("prisma's configuration is a program", view.place(posixpath.join(directory, name)))
    configured = (data.get("prisma") or {}).get("schema") if isinstance(data.get("prisma"), dict) else None
    schema = _option(words, "--schema") or configured
    if schema:
        path = posixpath.normpath(posixpath.join(directory, schema))
        reads = [Read(path, "prisma's schema", required=True)]
    else:
        path = posixpath.join(directory, "prisma")
        reads = [Read(path, "prisma's schema"), Read(posixpath.join(directory, "schema.prisma"), "prisma's schema")]
    return reads, _prisma_outputs(reads, view)


def _prisma_outputs(reads: Sequence[Read], view: View) -> list[Write]:
    found = []
    for read in reads:
        base = view.context_path(read.path)
        names = [entry.path for entry in view.context.files(base)] if base and view.is_dir(read.path) else [base] if base else []
        for name in names:
            if not name.endswith(".prisma"):
                continue
            folder = read.path if view.is_dir(read.path) else posixpath.dirname(read.path)
            inner = posixpath.relpath(posixpath.dirname(name), base) if view.is_dir(read.path) else "."
            for output in re.findall(r"^\s*output\s*=\s*\"([^\"]+)\"", view.context.read(name) or "", re.MULTILINE):
                found.append(Write(posixpath.normpath(posixpath.join(folder, inner, output)), "prisma's generated client"))
    return found


def _husky(words: list[str], directory: str, data: Mapping[str, Any], view: View) -> Effects:
    # Without .git husky does nothing, so it is kept out of the context: nothing to read, nothing written.
    return [], [Write(posixpath.join(directory, ".git"), "husky sets git hooks"),
                Write(posixpath.join(directory, ".husky/_"), "husky sets git hooks")]  # fmt: skip


def _option(words: list[str], name: str) -> str | None:
    for index, word in enumerate(words):
        if word == name:
            return words[index + 1] if index + 1 < len(words) else ""
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


_PROGRAMS: dict[str, Callable[[list[str], str, Mapping[str, Any], View], Effects]] = {
    "patch-package": _patch_package,
    "prisma": _prisma,
    "husky": _husky,
}
