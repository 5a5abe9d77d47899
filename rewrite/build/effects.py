"""What well-known commands read and write, and which instructions a COPY may be moved past.

A command that is not listed here is unknown; nothing is concluded from its name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..source.shelltree import Compound, Redirect, commands_of
from .paths import SYSTEM, join
from .runs import Run, Step


@dataclass(frozen=True, slots=True)
class Effect:
    """The image paths a command reads and writes; directories stand for all below them.

    `environment` tells whether it may read any environment variable, named in its text or not.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    environment: bool = False

_UNCERTAIN = re.compile(r"([*?]|\[[^]]*\]|\{[^}]*\}|\$\{[^}]*\}|\$\w+|\$\([^)]*\)|`[^`]*`)")


class Unknown(ValueError):
    """What a command reads or writes cannot be listed."""


NOTHING = Effect()
_SILENT = frozenset(": true false set export unset exit umask shift return cd pwd id whoami uname date sleep which type command"
                    " hash break continue readonly local trap ulimit dpkg-query nproc arch".split())  # fmt: skip


def effect(step: Step) -> Effect | None:
    """Return the effect of a simple command, redirections included; None if it is not known."""
    try:
        found = _program(step)
        return _with_redirects(found, step) if found else None
    except Unknown:
        return None


def compounds(run: Run) -> tuple[Compound, ...]:
    """Return the compound commands of a RUN that test or compute by themselves: ``[[ ]]``, ``case``, ``(( ))``."""
    if run.script is None:
        return ()
    found = (command for command in commands_of(run.script) if isinstance(command, Compound))
    return tuple(command for command in found if command.kind in ("test", "case", "arith"))


def redirected(step: Step) -> Effect:
    """Return what the redirections of a command read and write; raises Unknown."""
    return _with_redirects(NOTHING, step)


def _with_redirects(found: Effect, step: Step) -> Effect:
    reads, writes = list(found.reads), list(found.writes)
    for redirect in step.simple.redirects:
        if redirect.operator in ("<<", "<<-", "<<<") or _is_descriptor(redirect):
            continue
        target = redirect.target.expand(step.env.get)
        path = join(step.cwd, target) if target else None
        if path is None:
            raise Unknown
        if path.startswith("/dev/"):
            continue
        (reads if redirect.operator == "<" else writes).append(path)
    return Effect(tuple(reads), tuple(writes), found.environment)


def _is_descriptor(redirect: Redirect) -> bool:
    return redirect.operator in (">&", "<&") and bool(re.fullmatch(r"\d+|-", redirect.target.value or ""))


def _program(step: Step) -> Effect | None:
    if not step.simple.words:
        return NOTHING
    program = step.program
    if program is None:
        return None
    rest = step.words[1:]
    if program in _SILENT or (rest and all(word in ("--version", "-v", "-V", "version") for word in rest)):
        return NOTHING
    if program in ("echo", "printf"):
        return NOTHING
    handler = _HANDLERS.get(program)
    if program == "python" or re.fullmatch(r"python3(\.\d+)?", program):
        handler = _venv
    return handler(step) if handler else None


def _operands(step: Step, valued: Sequence[str] = ()) -> list[str]:
    """Return the operands as image paths; raises Unknown if one is not known or a pattern."""
    found, skip = [], False
    for word in step.words[1:]:
        if word is None:
            raise Unknown
        if skip or (word.startswith("-") and word != "-"):
            skip = not skip and word in valued
            continue
        path = join(step.cwd, word)
        if path is None or set(word) & set("*?"):
            raise Unknown
        found.append(path)
    return found


def _writes(step: Step) -> Effect:
    return Effect(writes=tuple(_operands(step, ("-m", "-d", "-t"))))


def _remove(step: Step) -> Effect:
    found = removed(step)
    operands = [word for word in step.simple.words[1:] if not word.raw.startswith("-")]
    if len(found) != len(operands):
        raise Unknown
    return Effect(writes=found)


def _reads(step: Step) -> Effect:
    return Effect(tuple(_operands(step)))


def _owner(step: Step) -> Effect:
    # The first operand is an owner or a mode, unless an option gives the reference.
    words = [word for word in step.words[1:] if word is None or not word.startswith("-")]
    paths = [join(step.cwd, word) if word else None for word in words[1:]]
    if None in paths or any(set(str(path)) & set("*?") for path in paths):
        raise Unknown
    return Effect(tuple(map(str, paths)), tuple(map(str, paths)))


def _transfer(step: Step) -> Effect:
    *sources, target = _operands(step)
    moved = sources if step.program == "mv" else []
    return Effect(tuple(sources), (target, *moved))


def _link(step: Step) -> Effect:
    *_, target = _operands(step)
    return Effect(writes=(target,))


def _system(step: Step) -> Effect:
    if None in step.words or any(str(word).startswith(("./", "/")) for word in step.words[1:]):
        raise Unknown
    return Effect(("/etc",), SYSTEM)


def _dpkg(step: Step) -> Effect:
    if step.words[1:2] and step.words[1] in ("--print-architecture", "--compare-versions", "-l", "-L", "-s", "-S"):
        return NOTHING
    return Effect(("/etc", *_operands(step)), SYSTEM)


def _account(step: Step) -> Effect:
    home = next((step.words[at + 1] for at, word in enumerate(step.words[:-1]) if word in ("-d", "-h", "--home", "--home-dir")), None)
    return Effect((), ("/etc", "/home", "/var/mail", "/var/lib", *([home] if home else [])))


def _download(step: Step) -> Effect:
    """curl and wget: a file named by an option, or by the address's last part in the working directory."""
    if None in step.words:
        raise Unknown
    words = [str(word) for word in step.words[1:]]
    targets, reads = [], []
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        if word in ("-o", "--output", "--output-document", "-P", "--directory-prefix", "--output-dir"):
            targets.append(following)
        elif re.fullmatch(r"-[A-Za-z]*[oOP]", word) and word not in ("-o", "-P"):
            is_wget_or_o = step.program == "wget" or word.endswith("o")
            targets.append(following if is_wget_or_o and not word.endswith("P") else _basename(words))
        elif word.startswith(("-d", "--data", "-F", "-T", "--upload-file", "-K", "--config", "-i", "--input-file")):
            raise Unknown
    if step.program == "wget" and not targets:
        targets.append(_basename(words))
    paths = [join(step.cwd, target) for target in targets if target != "-"]
    if None in paths:
        raise Unknown
    return Effect(tuple(reads), tuple(map(str, paths)))


def _basename(words: Sequence[str]) -> str:
    urls = [word for word in words if "://" in word]
    name = posixpath.basename(urls[-1].partition("?")[0]) if urls else ""
    if not name or len(urls) > 1:
        raise Unknown
    return name


def _venv(step: Step) -> Effect | None:
    words = step.words
    if words[1:3] not in (("-m", "venv"), ("-m", "virtualenv")):
        return None
    return _made([str(word) for word in words[3:] if word is not None and not word.startswith("-")], step)


def _virtualenv(step: Step) -> Effect:
    return _made([str(word) for word in step.words[1:] if word is not None and not word.startswith("-")], step)


def _made(operands: Sequence[str], step: Step) -> Effect:
    paths = [join(step.cwd, operand) for operand in operands]
    if None in step.words or None in paths or len(paths) != 1:
        raise Unknown
    return Effect((), (str(paths[0]),))


def _git(step: Step) -> Effect | None:
    if step.words[1:3] == ("config", "--global") or step.words[1:3] == ("config", "--system"):
        return Effect((), (posixpath.join(step.env.get("HOME") or "/root", ".gitconfig"), "/etc/gitconfig"))
    return None


def removed(step: Step) -> tuple[str, ...]:
    """Return the image paths that an ``rm`` removes, a trailing ``/*`` left out; patterns elsewhere are not followed."""
    if step.program != "rm":
        return ()
    found = []
    for value, word in zip(step.words[1:], step.simple.words[1:], strict=True):
        raw = value if value is not None else re.sub(r"/\*\Z", "", word.raw)
        raw = re.sub(r"^(~|\$HOME|\$\{HOME\})(?=/|\Z)", lambda match: step.env.get("HOME") or match[0], raw)
        path = None if raw.startswith("-") or set(raw) & set("*?[$~{") else join(step.cwd, raw)
        found += [path] if path else []
    return tuple(found)


def may_remove(step: Step, path: str) -> bool:
    """Tell whether an ``rm`` may remove `path` itself or a directory above it.

    Patterns, braces and variables match whatever they could; only an operand that begins with a variable is taken for
    another path.
    """
    if step.program != "rm":
        return False
    candidates = (path, *map(str, PurePosixPath(path).parents))
    for value, word in zip(step.words[1:], step.simple.words[1:], strict=True):
        raw = word.raw.replace('"', "").replace("'", "") if value is None else value
        if raw.startswith(("-", "$", "~")):
            continue
        full = posixpath.join(step.cwd or "/", raw).rstrip("/") or "/"
        pieces = ["[^/]*" if piece in ("*", "?") else ".*" if index % 2 else re.escape(piece) for index, piece in
                  enumerate(_UNCERTAIN.split(full))]
        if any(re.fullmatch("".join(pieces), candidate) for candidate in candidates):
            return True
    return False


_HANDLERS: dict[str, Callable[[Step], Effect | None]] = {
    "mkdir": _writes,
    "touch": _writes,
    "rmdir": _writes,
    "rm": _remove,
    "cat": _reads,
    "ls": _reads,
    "test": _reads,
    "chown": _owner,
    "chmod": _owner,
    "chgrp": _owner,
    "cp": _transfer,
    "mv": _transfer,
    "ln": _link,
    "apk": _system,
    "yum": _system,
    "dnf": _system,
    "microdnf": _system,
    "zypper": _system,
    "ldconfig": _system,
    "locale-gen": _system,
    "update-locale": _system,
    "update-ca-certificates": _system,
    "dpkg": _dpkg,
    "dpkg-reconfigure": _system,
    "corepack": _system,
    "useradd": _account,
    "adduser": _account,
    "usermod": _account,
    "groupadd": _account,
    "addgroup": _account,
    "groupmod": _account,
    "curl": _download,
    "wget": _download,
    "virtualenv": _virtualenv,
    "git": _git,
}
