"""What single programs read and write, by their options and operands.

A program that is not listed here is unknown, and so is an option that its table does not hold; nothing is concluded
from a name. Directories stand for all below them, and a pattern for the directory that it looks into.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..source.shelltree import Word
from .accounts import home_of
from .options import Argument, UnknownOption, arguments
from .paths import SYSTEM, join
from .steps import Step


@dataclass(frozen=True, slots=True)
class Effect:
    """The image paths a command reads and writes; directories stand for all below them.

    `environment` tells whether it may read any environment variable, named in its text or not.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    environment: bool = False


class Unknown(ValueError):
    """What a command reads or writes cannot be listed."""


NOTHING = Effect()
BINARIES = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SILENT = _set(
    ": true false set export unset exit umask shift return cd pwd id whoami uname date sleep which type hash break"
    " continue readonly local ulimit dpkg-query nproc arch echo printf yes"
)
# Without a name to set they write all variables.
_LISTS_VARIABLES = _set("export set readonly declare typeset local")
# Their --version reads no file of a project, as that of yarn, cargo, go and others does.
_VERSIONED = _set(
    "bash cc cmake clang curl docker g++ gcc git java javac make node openssl perl php pip pip3 ruby wget"
)
_OWNER_SWITCHES = _set(
    "-R -v -f -c --recursive --verbose --quiet --silent --changes --preserve-root --no-preserve-root"
)
_VERSION = _set("--version -v -V -version version")


def program(step: Step) -> Effect:
    """Return what the program of `step` reads and writes; raises Unknown."""
    if not step.simple.words:
        return NOTHING
    name = step.program
    # A path may lead to a program of the project that only has the name.
    if name is None or posixpath.dirname(step.words[0] or "") not in ("", *BINARIES):
        raise Unknown
    is_python = re.fullmatch(r"python(3(\.\d+)?)?", name) is not None
    if name in _LISTS_VARIABLES and (len(step.words) == 1 or "-p" in step.words):
        return Effect(environment=True)
    # A pattern looks into a directory, and `date -r` at a file.
    if name in _SILENT and any(part.kind == "glob" for word in step.simple.words[1:] for part in word.parts):
        raise Unknown
    if name == "date" and any(
        word is None or word.startswith(("-r", "--ref", "-f", "--file")) for word in step.words[1:]
    ):
        raise Unknown
    if name in _SILENT or (name == "command" and step.words[1:2] == ("-v",)):
        return NOTHING
    if (is_python or name in _VERSIONED) and len(step.words) == 2 and step.words[1] in _VERSION:
        return NOTHING
    handler = _venv if is_python else _HANDLERS.get(name)
    if handler is None:
        raise Unknown
    try:
        return handler(step)
    except UnknownOption as error:
        raise Unknown(str(error)) from None


def path_of(step: Step, word: str | None) -> str:
    """Return the image path that a word names; raises Unknown."""
    path = join(step.cwd, word) if word else None
    if path is None:
        raise Unknown
    return path


def _operand(step: Step, word: Word, value: str | None) -> str:
    """Return the image path that an operand names, or the directory that its pattern looks into."""
    first = next((at for at, part in enumerate(word.parts) if part.kind == "glob"), None)
    if value is not None or first is None:
        return path_of(step, value)
    fixed = Word(word.span, word.raw, word.parts[:first]).expand(step.env.get) if first else ""
    if fixed is None or any(part.kind in ("variable", "substitution", "other") for part in word.parts[first:]):
        raise Unknown
    return path_of(step, fixed.rpartition("/")[0] + "/" if "/" in fixed else ".")


def _parse(step: Step, switches: str = "", valued: str = "") -> tuple[list[str], list[Argument]]:
    """Return the operands as image paths, and the options with values; raises Unknown or UnknownOption."""
    # Only the shape counts here; what a pattern or a variable in an operand becomes is for `_operand`.
    words = [word if word is not None or _is_option(step, at) else "?" for at, word in enumerate(step.words)]
    found = arguments(words, 1, _set(switches), _set(valued))
    operands = [
        _operand(step, step.simple.words[item.index], step.words[item.index]) for item in found if not item.option
    ]
    if any(item.option and item.value == "?" for item in found):
        raise Unknown
    return operands, [item for item in found if item.option]


def _is_option(step: Step, at: int) -> bool:
    # An unknown word that begins with a variable could become an option, unless it is known how it begins.
    word = step.simple.words[at]
    parts = word.parts
    if parts and parts[0].kind == "variable" and (start := Word(word.span, word.raw, parts[:1]).expand(step.env.get)):
        return start.startswith("-")
    return not parts or parts[0].kind not in ("literal", "glob", "tilde") or parts[0].text.startswith("-")


def _mkdir(step: Step) -> Effect:
    return Effect(writes=tuple(_parse(step, "-p -v --parents --verbose", "-m --mode")[0]))


def _touch(step: Step) -> Effect:
    return Effect(writes=tuple(_parse(step, "-a -c -m -h --no-create", "-t -d --date")[0]))


def _remove(step: Step) -> Effect:
    switches = "-r -R -f -v -d -i -I --recursive --force --verbose --dir --preserve-root --no-preserve-root"
    return Effect(writes=tuple(_parse(step, switches if step.program == "rm" else "--ignore-fail-on-non-empty")[0]))


def _reads(step: Step) -> Effect:
    operands, _ = _parse(step, "-a -A -e -h -l -n -t -u -v -1 -d -r -R -S -F -E -T -s -b -i -Z")
    return Effect(tuple(operands) or ((path_of(step, "."),) if step.program == "ls" else ()))


def _test(step: Step) -> Effect:
    """``test`` and ``[``: the operands of file tests; all others are strings."""
    words = list(step.words[1:])
    found = []
    for at, word in enumerate(words):
        if word in ("-nt", "-ot", "-ef") and at:
            found += [path_of(step, words[at - 1])]
        if word in ("-nt", "-ot", "-ef") or (word and re.fullmatch(r"-[bcdefghkLOprsSuwxGN]", word)):
            found += [path_of(step, words[at + 1] if at + 1 < len(words) else None)]
    return Effect(tuple(found))


def _owner(step: Step) -> Effect:
    """chown, chgrp and chmod: an owner or a mode, then paths."""
    words = step.words
    options = {at: word for at, word in enumerate(words) if word is not None and word.startswith("-")}
    for word in options.values():
        if word not in _OWNER_SWITCHES and {f"-{letter}" for letter in word[1:]} - _OWNER_SWITCHES:
            raise Unknown  # --reference, or a mode such as -x
    indexes = [at for at in range(1, len(words)) if at not in options][1:]
    paths = tuple(_operand(step, step.simple.words[at], words[at]) for at in indexes)
    if not paths:
        raise Unknown
    return Effect(paths, paths)


def _transfer(step: Step) -> Effect:
    switches = "-r -R -a -f -v -p -d -i -n -u -L -P -H --recursive --archive --force --verbose --no-clobber --update"
    operands, _ = _parse(step, f"{switches} --dereference --no-dereference", "")
    if len(operands) < 2:
        raise Unknown
    *sources, target = operands
    return Effect(tuple(sources), (target, *(sources if step.program == "mv" else ())))


def _install(step: Step) -> Effect:
    operands, _ = _parse(step, "-D -v -p -c", "-m -o -g --mode --owner --group")
    if len(operands) < 2:
        raise Unknown
    return Effect(tuple(operands[:-1]), (operands[-1],))


def _link(step: Step) -> Effect:
    operands, _ = _parse(step, "-s -f -n -v --symbolic --force --no-dereference --verbose")
    if len(operands) < 2:
        raise Unknown  # the link's name is then the target's, in the working directory
    return Effect(tuple(operands[:-1]), (operands[-1],))


def _system(step: Step) -> Effect:
    """Programs of the system's own set-up: they read the system and write it."""
    if any(word is None or "/" in word for word in step.words[1:]):
        raise Unknown
    return Effect(SYSTEM, SYSTEM, environment=True)


def _corepack(step: Step) -> Effect:
    if step.words[1:2] in (("enable",), ("disable",)) and None not in step.words:
        return Effect((), SYSTEM)
    names = [word for word in step.words[2:] if word != "--activate"]
    if (
        step.words[1:2] != ("prepare",)
        or not names
        or any(not name or "@" not in name or "/" in name for name in names)
    ):
        raise Unknown  # without a name it reads package.json
    home = path_of(step, step.env.get("HOME"))
    return Effect((), (*SYSTEM, posixpath.join(home, ".cache/node")), environment=True)


def _dpkg(step: Step) -> Effect:
    if step.words[1:2] and step.words[1] in ("--print-architecture", "--compare-versions", "-l", "-L", "-s", "-S"):
        return NOTHING
    operands, _ = _parse(step, "-i --install --force-all --force-depends --configure -a --purge -P -r")
    return Effect((*SYSTEM, *operands), SYSTEM, environment=True)


def _account(step: Step) -> Effect:
    home = home_of(step.words)
    if home is None:
        raise Unknown
    return Effect(("/etc",), ("/etc", "/home", "/var/mail", "/var/lib", *([path_of(step, home)] if home else [])))


_CURL_SWITCHES = (
    "-f -s -S -L -k -v -g -I -O -4 -6 -# --fail --silent --show-error --location --insecure --verbose --compressed"
    " --create-dirs --retry-connrefused --retry-all-errors --tlsv1.2 --tlsv1.3 --http1.1 --remote-name --progress-bar"
    " --fail-with-body --globoff --head --ipv4 --no-progress-meter"
)
_CURL_VALUED = (
    "-o -H -A -e -x -X -m -u -w -y -Y --output --header --user-agent --proto --proto-redir --retry --retry-delay"
    " --retry-max-time --connect-timeout --max-time --url --request --user --output-dir"
)
_WGET_SWITCHES = (
    "-q -v -nv -nc -c -N -4 -6 --quiet --no-verbose --no-check-certificate --show-progress --continue --no-clobber"
    " --https-only --no-cache --content-on-error --no-hsts"
)
_WGET_VALUED = (
    "-O -o -P -T -t -U -w --output-document --output-file --directory-prefix --timeout --tries --user-agent --progress"
    " --header --waitretry --retry-on-http-error --secure-protocol"
)


def _download(step: Step) -> Effect:
    """curl and wget: a file named by an option, or by the address's last part."""
    is_curl = step.program == "curl"
    tables = (_CURL_SWITCHES, _CURL_VALUED) if is_curl else (_WGET_SWITCHES, _WGET_VALUED)
    if None in step.words:
        raise Unknown
    found = arguments(step.words, 1, _set(tables[0]), _set(tables[1]))
    options = {item.option: item.value for item in found}
    urls = [item.value for item in found if item.option in ("", "--url")]
    if any(url.startswith("file:") for url in urls) or any(
        item.option and item.value.startswith("@") for item in found
    ):
        raise Unknown
    directory = options.get("--output-dir") or options.get("-P") or options.get("--directory-prefix") or "."
    outputs = ("-o", "--output") if is_curl else ("-O", "--output-document")
    targets = [item.value for item in found if item.option in outputs]
    if {"-O", "--remote-name"} & options.keys() if is_curl else not targets:
        targets += [_basename(url) for url in urls]
    logs = [] if is_curl else [item.value for item in found if item.option in ("-o", "--output-file")]
    paths = [path_of(step, posixpath.join(directory, target)) for target in targets if target != "-"]
    paths += [path_of(step, log) for log in logs if log != "-"]
    return Effect((), tuple(path for path in paths if not path.startswith("/dev/")), environment=True)


def _basename(url: str) -> str:
    name = posixpath.basename(re.split(r"[?#]", url)[0]) if url.count("/") > 2 and "://" in url else ""
    if not name or set(name) & set("{[%"):
        raise Unknown
    return name


def _venv(step: Step) -> Effect:
    if step.words[1:3] not in (("-m", "venv"), ("-m", "virtualenv")):
        raise Unknown
    return _made(step, 3)


def _virtualenv(step: Step) -> Effect:
    return _made(step, 1)


def _made(step: Step, start: int) -> Effect:
    switches = _set("--system-site-packages --copies --symlinks --clear --upgrade-deps --without-pip --no-download -q")
    found = arguments(step.words, start, switches, _set("--prompt -p --python"))
    operands = [item.value for item in found if not item.option]
    if len(operands) != 1:
        raise Unknown
    return Effect((), (path_of(step, operands[0]),), environment=True)


def _git(step: Step) -> Effect:
    if step.words[1:3] == ("config", "--system"):
        return Effect((), ("/etc/gitconfig",))
    if step.words[1:3] != ("config", "--global"):
        raise Unknown
    home = path_of(step, step.env.get("HOME"))
    return Effect((), (posixpath.join(home, ".gitconfig"), posixpath.join(home, ".config/git")))


_HANDLERS: dict[str, Callable[[Step], Effect]] = {
    "mkdir": _mkdir,
    "touch": _touch,
    "rm": _remove,
    "rmdir": _remove,
    "cat": _reads,
    "ls": _reads,
    "test": _test,
    "[": _test,
    "cp": _transfer,
    "mv": _transfer,
    "install": _install,
    "ln": _link,
    "corepack": _corepack,
    "dpkg": _dpkg,
    "curl": _download,
    "wget": _download,
    "virtualenv": _virtualenv,
    "git": _git,
    **dict.fromkeys(("chown", "chmod", "chgrp"), _owner),
    **dict.fromkeys(("useradd", "adduser", "groupadd", "addgroup", "groupmod"), _account),
    **dict.fromkeys(("dpkg-reconfigure", "ldconfig", "locale-gen", "update-locale", "update-ca-certificates"), _system),
}
