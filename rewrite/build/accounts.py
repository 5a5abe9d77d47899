"""Who a RUN runs as: the account behind USER, from the base image's facts or the stage's own ``useradd``."""

from __future__ import annotations

from ..source import shell
from ..source.dockerfile import Instruction
from .images import ROOT, Account
from .stages import Stage, shell_dialect

_HOME_OPTIONS = ("-d", "--home-dir", "--home", "-h")
_UID_OPTIONS = ("-u", "--uid")
_WITH_VALUE = frozenset("-b -c -d -e -f -g -G -k -K -p -s -u -Z -h -S --base-dir --comment --home-dir --home --gid --groups"
                        " --shell --uid --ingroup --gecos --firstuid --lastuid --password --key --skel".split())  # fmt: skip


def account(stage: Stage, instruction: Instruction) -> Account | None:
    """Return the account that `instruction` of `stage` runs as, or None if it is not known."""
    user = stage.state(instruction).user
    if user is None or (user == "" and not stage.base.official):
        return None
    name = (user or "root").partition(":")[0]
    if name in ("root", "0"):
        return ROOT
    known = {entry.name: entry for entry in stage.base.accounts}
    for level in reversed(stage.lineage):
        for line in level.instructions:
            if line is instruction:
                break
            if line.keyword == "RUN":
                known.update((entry.name, entry) for entry in _created(level, line))
    found = known.get(name)
    if found is None and name.isdigit():
        found = next((entry for entry in known.values() if entry.uid == int(name)), None)
    return found


def _created(stage: Stage, instruction: Instruction) -> list[Account]:
    if instruction.json is not None or instruction.heredocs or shell_dialect(stage.state(instruction)) is None:
        return []
    try:
        script = shell.parse(instruction.body.text)
    except shell.NotUnderstood:
        return []
    found = []
    for simple in shell.simples(script):
        words = [word.expand(stage.state(instruction).env.get) for word in simple.words]
        if words and words[0] in ("useradd", "adduser", "/usr/sbin/useradd", "/usr/sbin/adduser"):
            made = str(words[0]).endswith("adduser") or bool({"-m", "--create-home"} & set(words))
            entry = _parse(words[1:], made)
            if entry:
                found.append(entry)
    return found


def _parse(words: list[str | None], made: bool) -> Account | None:
    """Read a useradd or adduser command line; the home is the tool's default unless given."""
    uid: int | None = None
    home: str | None = None
    names: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        if word is None:
            return None
        option, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        takes_value = option in _WITH_VALUE and not (option in ("-S",) or equals)
        if takes_value:
            index += 1
            value = (words[index] if index < len(words) else None) or ""
        if option in _UID_OPTIONS:
            uid = int(value) if value.isdigit() else None
        elif option in _HOME_OPTIONS:
            home = value or None
        elif not word.startswith("-"):
            names.append(word)
        index += 1
    if not names or (home is None and not made):
        return Account(names[0], uid, None, None, False) if names else None
    exists = made and not {"-H", "-M", "--no-create-home", "--system", "-S", "-r"} & set(words)
    return Account(names[0], uid, None, home or f"/home/{names[0]}", exists)
