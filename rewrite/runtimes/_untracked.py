"""Files that git ignores: they lie in a developer's tree and not in CI's, so that no COPY may name them.

A reading of .gitignore that is good enough for that: `*` also crosses a slash, which only ever ignores more.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase


def untracked(text: str) -> Callable[[str], bool]:
    """Return what tells of a path, relative to the directory of the .gitignore `text`, whether git ignores it."""
    rules = []
    for line in text.split("\n"):
        line = line.strip()
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").rstrip("/")
            rules.append((pattern.lstrip("/"), "/" in pattern, line.startswith("!")))

    def ignored(path: str) -> bool:
        parts = path.split("/")
        heads = ["/".join(parts[: at + 1]) for at in range(len(parts))]
        verdict = False
        for pattern, anchored, negated in rules:
            if any(fnmatchcase(one, pattern) for one in (heads if anchored else parts)):
                verdict = not negated
        return verdict

    return ignored
