"""How often the files of a build context and the values in its Dockerfile change, by the latest commits in git."""

from __future__ import annotations

import os
import posixpath
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..source import dockerfile as syntax
from .git import git
from .paths import inside

_MOST = 1000
_LOG = (f"--max-count={_MOST}", "--no-merges", "--no-renames", "--no-ext-diff", "-z", "--name-only", "--format=%x01")
# With fewer commits that touch the context nothing is concluded from what they leave alone.
_ENOUGH = 20
_MOST_REVISIONS = 100


@dataclass(frozen=True, slots=True)
class History:
    """The latest commits below a directory, without merges: the paths that each touched, the latest commit first.

    `tracked` are the files of the latest commit; `cut` tells whether a shallow clone has left out commits.
    """

    commits: tuple[frozenset[str], ...] = ()
    tracked: frozenset[str] = frozenset()
    cut: bool = False

    @property
    def tells(self) -> bool:
        """Whether there are enough commits to conclude from."""
        return not self.cut and len(self.commits) >= _ENOUGH

    def changes(self, paths: Iterable[str]) -> int:
        """Return how many commits touched one of `paths`; a directory stands for all below it."""
        wanted = [("" if path in ("", ".") else posixpath.normpath(path)) for path in paths]
        return sum(any(not want or inside(path, want) for path in commit for want in wanted) for commit in self.commits)


@dataclass(frozen=True, slots=True)
class Revisions:
    """A Dockerfile as its latest commits left it, the latest first: for each, what ARG and ENV give to variables."""

    values: tuple[dict[tuple[str, str], tuple[str | None, ...]], ...] = ()

    def changes(self, keyword: str, name: str) -> int:
        """Return how many commits gave a variable other values where `keyword` sets it."""
        key = keyword, name
        return sum(
            key in later and key in earlier and later[key] != earlier[key] for later, earlier in pairwise(self.values)
        )


def read_revisions(path: Path) -> Revisions:
    """Return the revisions of a Dockerfile along the first parents; none where git knows none."""
    log = ("--literal-pathspecs", "log", "--first-parent", f"--max-count={_MOST_REVISIONS}", "--format=%H")
    if "\n" in path.name:
        return Revisions()
    try:
        commits = git(path.parent, *log, "HEAD", "--", path.name).split()
        asked = b"".join(b"%s:./%s\n" % (commit, os.fsencode(path.name)) for commit in commits)
        texts = list(_blobs(git(path.parent, "cat-file", "--batch", stdin=asked)))
    except (OSError, subprocess.SubprocessError):
        return Revisions()
    return Revisions(tuple(_values(text.decode("utf-8", "surrogateescape")) for text in texts))


def _blobs(batch: bytes) -> Iterator[bytes]:
    """Yield the contents in what ``git cat-file --batch`` prints, nothing for what is missing."""
    while batch:
        head, _, batch = batch.partition(b"\n")
        kind, _, size = head.rpartition(b" ")
        if kind.endswith(b" blob"):
            yield batch[: int(size)]
            batch = batch[int(size) + 1 :]


def _values(text: str) -> dict[tuple[str, str], tuple[str | None, ...]]:
    """Return the values that each ARG and ENV of a Dockerfile gives to each variable, in their order."""
    found: dict[tuple[str, str], tuple[str | None, ...]] = {}
    for line in syntax.parse(text).instructions:
        for pair in line.pairs if line.keyword in ("ARG", "ENV") else ():
            found[line.keyword, pair.key] = (*found.get((line.keyword, pair.key), ()), pair.value)
    return found


def read_history(directory: Path) -> History:
    """Return the history of a directory; an empty one where there is no repository, or no git that reads it."""
    try:
        asked = os.fsdecode(git(directory, "rev-parse", "--is-shallow-repository", "--show-prefix"))
        log = os.fsdecode(git(directory, "log", *_LOG, "HEAD", "--"))
        tracked = os.fsdecode(git(directory, "ls-tree", "-r", "-z", "--name-only", "HEAD"))
    except (OSError, subprocess.SubprocessError):
        return History()
    shallow, _, below = asked.removesuffix("\n").partition("\n")
    commits = tuple(_commits(log))
    mine = (frozenset(path.removeprefix(below) for path in commit if path.startswith(below)) for commit in commits)
    cut = shallow == "true" and len(commits) < _MOST
    return History(tuple(commit for commit in mine if commit), frozenset(tracked.split("\0")[:-1]), cut)


def _commits(log: str) -> Iterator[set[str]]:
    """Yield the paths of each commit: `log` has a mark for each, then a line end, and all ends in NUL."""
    for part in log.split("\x01\0")[1:]:
        yield {path for path in part.removeprefix("\n").split("\0") if path}
