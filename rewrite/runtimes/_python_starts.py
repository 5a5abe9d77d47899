"""Programs that ``poetry run``, ``uv run`` and ``pipenv run`` start, without the tool, which a small image has not.

Facts: the tools' documentation, and runs in the lab. They put the environment's programs first in PATH, name it in
VIRTUAL_ENV, and start the program: poetry and pipenv in their own place, uv as a child that it passes signals on to.
uv installs first what is missing, reads a ``.env`` only if told so, starts a ``.py`` with Python; pipenv reads a
``.env``, and starts the scripts of its Pipfile by their names.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..ecosystems._python_project import load_toml, table
from ..model import Declined, Obligation, Place, assumed, proved
from . import Edited
from ._calls import Call
from ._candidate import Candidate

_TOOLS = frozenset({"poetry", "uv", "pipenv"})
# Of no effect on what runs, once everything is installed.
_SILENT = frozenset(
    "--frozen --locked --no-sync --no-dev --offline --quiet -q --no-progress --no-cache -n --no-env-file"
    " --no-default-groups --no-editable --".split()
)
_ENDS = frozenset("gunicorn uvicorn hypercorn daphne granian waitress-serve celery fastapi".split())
_INLINE = re.compile(r"^# /// script", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Started:
    """What is started, the tool left out, and what has to be `edited` so that it is."""

    calls: tuple[Call, ...]
    edited: tuple[Edited, ...]
    proof: tuple[Obligation, ...]


def bare(words: Sequence[str]) -> tuple[str, ...] | None:
    """Return a command without the tool that runs it, None if none does; raises Declined for options of it."""
    tool = posixpath.basename(words[0]) if words else ""
    if tool not in _TOOLS or words[1:2] != ("run",):
        return None
    at = 2
    while at < len(words) and (words[at] in _SILENT if tool == "uv" else words[at] == "--"):
        at += 1
    rest = tuple(words[at:])
    if tool == "uv" and rest[:1] in (("-m",), ("--module",)):
        return ("python", "-m", *rest[1:])
    if not rest or rest[0].startswith(("-", "$")):
        raise Declined(f"what `{' '.join(words[: at + 1])}` starts is not followed")
    return ("python", *rest) if tool == "uv" and rest[0].endswith(".py") else rest


def started(candidate: Candidate, root: str, part: bool) -> Started:
    """Return what the image starts without the tools, whose project is in the image directory `root`.

    `part` tells that the build has not installed all of it.
    Raises Declined where the tool does more than that.
    """
    calls, cuts, proof = [], list[tuple[tuple[str, ...], tuple[str, ...]]](), dict[str, Obligation]()
    for call in candidate.calls:
        inner = []
        for words in (*call.others, call.words):
            rest = _bare(words, call.where)
            if rest is not None:
                _same(candidate, words, rest, root, call)
                if part and "uv" in posixpath.basename(words[0]):
                    raise Declined("`uv run` would install packages of the tree when it starts", call.where)
                cuts.append((words, rest))
                proof |= _proof(words, rest, call.where)
            inner.append(words if rest is None else rest)
        calls.append(replace(call, others=tuple(inner[:-1]), words=inner[-1]))
    return Started(tuple(calls), tuple(_edits(candidate, cuts)), tuple(proof.values()))


def _bare(words: tuple[str, ...], where: Place) -> tuple[str, ...] | None:
    try:
        return bare(words)
    except Declined as declined:
        raise Declined(declined.premise, where) from None


def _same(candidate: Candidate, words: tuple[str, ...], rest: tuple[str, ...], root: str, call: Call) -> None:
    """Raise Declined where the tool starts something else than what is named, or reads more."""
    tool, where = posixpath.basename(words[0]), call.where
    if call.script:
        raise Declined(
            f"the script {call.script} starts `{' '.join(words[:3])}`, and the final image has no {tool}", where
        )
    if candidate.stage.end.workdir != root:
        raise Declined(f"which project {tool} takes is not known where the program starts", where)
    path = candidate.path(rest[0])
    text = candidate.read(path) if path else None
    if text and (text.startswith("#!") or path.endswith(".sh")):
        raise Declined(f"{tool} starts the script {rest[0]}, and what that needs is not followed", where)
    env = candidate.stage.end.env
    if tool == "uv":
        given = next((name for name in ("UV_ENV_FILE", "UV_WITH", "UV_PYTHON") if env.get(name, "") != ""), "")
        if given:
            raise Declined(f"{given} says what `uv run` reads or takes", where)
        if any(_INLINE.search(candidate.read(path) or "") for word in rest if (path := candidate.path(word))):
            raise Declined("the script names its own requirements, for which uv makes another environment", where)
    if tool == "pipenv":
        scripts = table(load_toml(f"{root}/Pipfile", candidate.view) or {}, "scripts")
        if rest[0] in scripts:
            raise Declined(f"{rest[0]} is a script of the Pipfile", where)
        if env.get("PIPENV_DONT_LOAD_ENV", "") == "" and candidate.view.exists(f"{root}/.env"):
            raise Declined("pipenv reads .env, which may hold secrets", where)


def _proof(words: tuple[str, ...], rest: tuple[str, ...], where: Place) -> dict[str, Obligation]:
    tool, program = posixpath.basename(words[0]), posixpath.basename(rest[0])
    claim = f"{program} runs as `{tool} run` would run it"
    yes = f"{tool} starts it in its own place, with the environment's variables, which the final image has"
    if tool != "uv":
        return {claim: proved(claim, yes, where)}
    ends = (
        "ends on SIGTERM as the first process, too"
        if program in _ENDS
        else "may not end on SIGTERM as the first process"
    )
    return {
        claim: assumed(claim, f"uv would first install what is missing, and pass signals on; {program} {ends}", where)
    }


def _edits(candidate: Candidate, cuts: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Iterator[Edited]:
    """Yield how the instructions are changed; raises Declined if they are not written as they are understood."""
    dockerfile, done = candidate.build.dockerfile, 0
    for line in candidate.effective("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        text, edits = dockerfile.source(line.span), {}
        for words, rest in dict.fromkeys(cuts):
            kept = next(at for at in range(len(words)) if words[at:] == rest[len(rest) - len(words[at:]) :])
            added = rest[: len(rest) - (len(words) - kept)]
            for pattern, new in _spellings(words[:kept], words[kept], added):
                for match in re.finditer(pattern, text):
                    edits[match.span(1)] = new
        done += len(edits)
        for (start, end), new in edits.items():
            yield Edited(line, start, end, new)
    if done != len(cuts):
        raise Declined("how the program is started cannot be written without the tool", candidate.start.where)


def _spellings(gone: Sequence[str], first: str, added: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield how the tool may be written in an instruction, in group 1, before the program, and what takes its place."""
    strings = [re.escape(json.dumps(word)) for word in gone]
    comma = r"\s*,\s*"
    yield (
        f"({comma.join(strings)}{comma})(?={re.escape(json.dumps(first))})",
        "".join(f"{json.dumps(word)}, " for word in added),
    )
    plain = r"[ \t]+".join(map(re.escape, gone))
    yield rf"(?<![\w/.-])({plain}[ \t]+)(?={re.escape(first)}(?![\w-]))", "".join(f"{word} " for word in added)
