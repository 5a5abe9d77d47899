"""Who a RUN runs as: the account behind USER, from the base image's facts or the stage's own ``useradd``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..source import shell
from ..source.dockerfile import Instruction
from .images import ROOT, Account
from .options import Argument, UnknownOption, arguments
from .stages import Stage, State, shell_dialect

_CREATES = frozenset({"useradd", "adduser"})
_CHANGES = frozenset({"usermod", "userdel", "deluser", "vipw", "chsh"})
# useradd of shadow; adduser of Debian and of BusyBox, whose options differ but do not clash here.
_USERADD = (
    "-m -M -r -U -N -l -o --create-home --no-create-home --system --user-group --no-user-group --no-log-init"
    " --non-unique",
    "-b -c -d -e -f -g -G -k -K -p -s -u --base-dir --comment --home-dir --home --gid --groups --skel --shell --uid"
    " --password --key --expiredate --inactive",
)
_ADDUSER = (
    "-D -S -H --system --disabled-password --disabled-login --no-create-home --group --quiet --force-badname"
    " --allow-bad-names",
    "-h -u -G -g -s -k --home --uid --gid --ingroup --gecos --comment --shell --firstuid --lastuid",
)


def account(stage: Stage, instruction: Instruction) -> Account | None:
    """Return the account that `instruction` of `stage` runs as, or None if it is not known."""
    user = stage.state(instruction).user
    if user is None or (user == "" and not stage.base.official):
        return None
    name = (user or "root").partition(":")[0]
    if name in ("root", "0"):
        return ROOT
    known = {entry.name: entry for entry in stage.base.accounts}
    for level, line in stage.up_to(instruction):
        if line.keyword == "RUN":
            _apply(line, level.state(line), known)
    found = known.get(name)
    if found is None and name.isdigit():
        found = next((entry for entry in known.values() if entry.uid == int(name)), None)
    return found


def _apply(instruction: Instruction, state: State, known: dict[str, Account]) -> None:
    """Change `known` as a RUN may change the accounts; forget all where that cannot be followed."""
    if instruction.json is not None:
        return
    if instruction.heredocs or shell_dialect(state) is None:
        known.clear()  # its text is not at hand
        return
    try:
        script = shell.parse(instruction.body.text)
    except shell.NotUnderstood:
        if any(word in instruction.body.text for word in (*_CREATES, *_CHANGES)):
            known.clear()
        return
    for words in _commands(script, state):
        program = (words[0] or "").rpartition("/")[2]
        if program in _CHANGES:
            known.clear()
        elif program in _CREATES:
            entry = _created(words)
            if entry:
                known[entry.name] = entry


def _commands(script: shell.Script, state: State) -> Iterator[list[str | None]]:
    for simple in shell.simples(script):
        if simple.words:
            yield [word.expand(state.env.get) for word in simple.words]


def _arguments(words: Sequence[str | None]) -> list[Argument]:
    table = _USERADD if (words[0] or "").endswith("useradd") else _ADDUSER
    return arguments(words, 1, table[0].split(), table[1].split())


def _created(words: Sequence[str | None]) -> Account | None:
    """Return the account that a useradd or adduser makes; its home is None where the tool's default is not known."""
    try:
        found = _arguments(words)
    except UnknownOption:
        return None
    options = {item.option: item.value for item in found if item.option}
    names = [item.value for item in found if not item.option]
    if len(names) != 1:
        return None  # `adduser USER GROUP` creates nobody
    is_useradd = (words[0] or "").endswith("useradd")
    uid = options.get("-u", options.get("--uid", ""))
    gid = options.get("-g", options.get("--gid", "")) if is_useradd else options.get("--gid", "")
    home = _home(options, is_useradd)
    if home is None and not options.keys() & {"-b", "--base-dir", "--system", "-r", "-K", "--key"}:
        home = f"/home/{names[0]}"
    if is_useradd:
        exists = bool(options.keys() & {"-m", "--create-home"})
    else:
        exists = not options.keys() & {"-H", "--no-create-home", "--system", "-S"}
    return Account(names[0], _number(uid), _number(gid), home, exists and home is not None)


def _home(options: dict[str, str], is_useradd: bool) -> str | None:
    names = ("-d", "--home-dir", "--home") if is_useradd else ("-h", "--home")
    return next((options[name] for name in names if name in options), None)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def home_of(words: Sequence[str | None]) -> str | None:
    """Return the home that a command which makes users or groups names, "" if none; None if it cannot be read."""
    if None in words:
        return None
    if (words[0] or "").rpartition("/")[2] not in _CREATES:
        return ""
    try:
        options = {item.option: item.value for item in _arguments(words) if item.option}
    except UnknownOption:
        return None
    if options.keys() & {"-b", "--base-dir", "-k", "--skel"}:
        return None
    return _home(options, (words[0] or "").endswith("useradd")) or ""
