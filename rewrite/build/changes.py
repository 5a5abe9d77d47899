"""Which files an instruction may change that an earlier COPY brought: what they hold is then no longer known."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ..source.dockerfile import Instruction
from ..source.words import LexError, unquote
from .copies import keeps_parents
from .paths import inside, join
from .runs import Run, Step
from .stages import State

# They change no file that their command line names.
_READERS = frozenset(
    "pip pip3 npm yarn pnpm uv cat ls test [ grep head tail wc chown chgrp chmod echo printf cd mkdir".split()
)


@dataclass(frozen=True, slots=True)
class Change:
    """Files that may have changed: those called one of `names`, and those in `directory`."""

    names: frozenset[str] = frozenset()
    directory: str | None = None

    def touches(self, path: str) -> bool:
        """Tell whether the file at an image path may have changed."""
        return posixpath.basename(path) in self.names or (self.directory is not None and inside(path, self.directory))


def run_change(run: Run) -> Change:
    """Return the names that the commands of a RUN mention, but for those that only read, and their own."""
    if run.script is None:
        return Change(_names(run.text.text))
    found: set[str] = set()
    for step in run.steps:
        if not _reads_only(step):
            # What a variable stands for is named somewhere else in the text, by a loop for one.
            found |= _names(run.text.text if None in step.words else " ".join(map(str, step.words[1:])))
        for redirect in step.simple.redirects:
            found |= _names(redirect.target.raw) if redirect.operator != "<" else set()
    return Change(frozenset(found))


def _reads_only(step: Step) -> bool:
    # `uv export -o requirements.txt` writes what it names.
    if any(re.match(r"-o|--output", word or "") for word in step.words[1:]):
        return False
    return step.program in _READERS or step.words[1:3] == ("-m", "pip")


def _names(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w.-]+", text))


def copy_change(instruction: Instruction, state: State) -> Change:
    """Return where a COPY writes whose sources are not plain files of the context."""
    if not instruction.words:
        return Change(directory="/")
    try:
        destination = unquote(instruction.words[-1].text, instruction.escape, state.lookup)
    except LexError:
        destination = None
    path = join(state.workdir, destination) if destination else None
    if path is None:
        return Change(directory="/")
    sources = instruction.words[:-1]
    # With --parents the file lies deeper.
    into = destination and destination.endswith("/") and not keeps_parents(instruction)
    if into and len(sources) == 1 and "." in posixpath.basename(sources[0].text):
        return Change(directory=posixpath.join(path, posixpath.basename(sources[0].text)))
    return Change(directory=path)
