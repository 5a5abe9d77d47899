"""One unified diff over all changed files, which `git apply` and `patch -p1` accept."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from ..model import Change, Result
from .colour import paint

_NO_NEWLINE = "\\ No newline at end of file\n"


def render(changes: Sequence[Change], colour: bool = False) -> str:
    """Return the diff of `changes`, in their order; empty if no text differs."""
    return "".join(_coloured(_file(change)) if colour else "".join(_file(change)) for change in changes)


def compatible(results: Iterable[Result]) -> tuple[list[Change], list[str]]:
    """Return the changes that one diff can hold, and the paths of the Dockerfiles whose changes it cannot.

    Two Dockerfiles with one build context may each want its ignore file to differ; the later one has to wait.
    """
    changes: dict[str, Change] = {}
    left_out = []
    for result in results:
        if any(changes.get(change.path, change) != change for change in result.changes):
            left_out.append(result.path)
        else:
            changes |= {change.path: change for change in result.changes}
    return list(changes.values()), left_out


def _file(change: Change) -> Iterator[str]:
    """Yield the header and the hunks of one file, each line with its end."""
    if change.before == change.after:
        return
    path = change.path.lstrip("/")
    old, new = _name(f"a/{path}"), _name(f"b/{path}")
    yield f"diff --git {old} {new}\n"
    if change.before is None:
        yield "new file mode 100644\n"
    if change.before is None and not change.after:
        return
    yield f"--- {'/dev/null' if change.before is None else old + _after_name(old)}\n"
    yield f"+++ {new}{_after_name(new)}\n"
    hunks = difflib.unified_diff(_lines(change.before or ""), _lines(change.after))
    for line in list(hunks)[2:]:
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """Split after each "\\n" and nowhere else, as git and patch do."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _name(name: str) -> str:
    """Quote a file name as git does, which it needs only for a few characters."""
    if not any(character in '"\\' or character < " " for character in name):
        return name
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(c, c if c >= " " else f"\\{ord(c):03o}") for c in name) + '"'


def _after_name(name: str) -> str:
    """Return the tab that ends a name with blanks in it, without which patch stops at the first blank."""
    return "\t" if " " in name and not name.startswith('"') else ""


def _coloured(lines: Iterable[str]) -> str:
    """Colour as git does; the line's end stays outside, since terminals fill the rest of the line otherwise."""
    styles = {"+++": "bold", "---": "bold", "dif": "bold", "new": "bold", "@@ ": "cyan"}
    painted = []
    for line in lines:
        style = styles.get(line[:3]) or {"+": "green", "-": "red"}.get(line[0])
        painted.append(paint(line[:-1], style, True) + "\n" if style else line)
    return "".join(painted)
