"""Comments that switch rewrites off: `# dockerfix: ignore[=NAME,…]` above an instruction, `# dockerfix: ignore-file`.

Blank lines and other comments may stand between the comment and its instruction: BuildKit shows the comment directly
above a FROM or ARG as its description. What follows after a blank is free text, a place for the reason.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

_COMMENT = re.compile(r"\s*#\s*dockerfix:\s*(?P<order>.*)")
_NAME = r"[A-Za-z0-9][\w-]*"
_IGNORE = re.compile(rf"ignore(?:\s*=\s*(?P<names>{_NAME}(?:\s*,\s*{_NAME})*))?(?=\s|$)")
_IGNORE_FILE = re.compile(r"ignore-file(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Suppressions:
    """What a Dockerfile's comments switch off.

    `instructions` maps the index of an instruction to the names hidden there (None: all). `unknown` are the words
    after `dockerfix:` that name no rewrite or are no order at all, each with its line: a typo must not be silent.
    """

    spans: tuple[tuple[int, int], ...] = ()
    file: bool = False
    instructions: Mapping[int, frozenset[str] | None] = field(default_factory=lambda: MappingProxyType({}))
    unknown: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, text: str, instruction_lines: Sequence[tuple[int, int]], known: Collection[str]) -> Suppressions:
        """Read the comments between the instructions, whose first and last lines (1-based) are in source order."""
        spans = tuple(instruction_lines)
        inside = {line for first, last in spans for line in range(first, last + 1)}
        starts = [first for first, _ in spans]
        whole_file = False
        hidden: dict[int, frozenset[str] | None] = {}
        unknown: list[tuple[str, int]] = []
        for number, line in enumerate(text.split("\n"), 1):
            comment = None if number in inside else _COMMENT.match(line)
            if comment is None:
                continue
            order = comment["order"].rstrip()
            if _IGNORE_FILE.match(order):
                whole_file = True
            elif ignore := _IGNORE.match(order):
                names = frozenset(re.split(r"\s*,\s*", ignore["names"])) if ignore["names"] else None
                unknown += [(name, number) for name in sorted(names or ()) if name not in known]
                index = bisect_left(starts, number)
                before = hidden.get(index, frozenset())
                hidden[index] = None if names is None or before is None else before | names
            else:
                unknown.append((order, number))
        return cls(spans, whole_file, MappingProxyType(hidden), tuple(unknown))

    def hides(self, rewrite: str, line: int) -> bool:
        """Tell whether `rewrite` is switched off for the instruction that `line` (1-based) belongs to."""
        if self.file:
            return True
        index = bisect_left([last for _, last in self.spans], line)
        if index == len(self.spans) or line < self.spans[index][0] or index not in self.instructions:
            return False
        names = self.instructions[index]
        return names is None or rewrite in names
