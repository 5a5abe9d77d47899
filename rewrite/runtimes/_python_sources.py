"""What the sources of a Python program tell of what it needs beside packages: libraries, compilers, other programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..model import Declined, Place
from ._calls import STARTERS
from ._distribution import Distribution
from ._files import Project
from ._python_packages import brings

SOURCES = re.compile(r"\.pyw?\Z")
PYTHONS = re.compile(r"(?:python|pip)(?:3(?:\.\d+)?)?")
_TK = re.compile(r"^\s*(?:import|from)\s+(?:tkinter|turtle|customtkinter)\b", re.MULTILINE)
_COMPILES = re.compile(r"\bpyximport\b|\bcpp_extension\b|\btorch\.compile\(|\bset_source\(|\bffibuilder\b")
_LIBRARY = re.compile(r"\bfind_library\(|\bCDLL\(|\bcdll\.|\bdlopen\(")
_STARTS = re.compile(
    r"\b(?:subprocess\.(?:run|call|getoutput|getstatusoutput)|(?:subprocess\.)?(?:check_call|check_output|Popen)"
    r"|os\.(?:system|popen|exec[lv]\w*|spawn\w+|posix_spawnp?)|(?:asyncio\.)?create_subprocess_(?:exec|shell))\("
    r"(?:\s*\[?\s*(?:(?P<self>sys\.executable)\b|(?P<quote>[\"'])(?P<name>[\w.+-]+)(?: [^\"'|;&`$()\n]*)?(?P=quote)))?"
)
_STARTS_UNSEEN = re.compile(
    r"^\s*(?:from\s+subprocess\s+import\s+.*\b(?:run|call|getoutput)\b|from\s+os\s+import\s+.*\b(?:system|popen)\b"
    r"|(?:import|from)\s+(?:sh|plumbum|pexpect|invoke|fabric|delegator|envoy)\b)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Sources:
    """The sources of all of `projects`."""

    projects: tuple[Project, ...]

    def find(self, pattern: re.Pattern[str]) -> tuple[re.Match[str], Place] | None:
        """Return the first place that matches."""
        return next((found for project in self.projects if (found := project.find(pattern))), None)

    def check(self, small: bool) -> None:
        """Raise Declined for what they need and the slim image has not; `small`: it was built on one."""
        found = self.find(_COMPILES)
        if found:
            raise Declined("the program compiles C code", found[1])
        found = self.find(_LIBRARY)
        if found:
            raise Declined("the program loads libraries by itself", found[1])
        found = None if small else self.find(_TK)
        if found:
            raise Declined("the program needs Tk, which the slim image has not", found[1])

    def children(self, distribution: Distribution, packages: frozenset[str]) -> Iterator[str]:
        """Yield the distribution's packages of the programs that they start; raises Declined.

        `packages` are those of Python, which bring programs too.
        """
        unseen = self.find(_STARTS_UNSEEN)
        if unseen:
            raise Declined("the program starts others, whose names are not written there", unseen[1])
        for project in self.projects:
            for path, text in project.texts().items():
                for match in _STARTS.finditer(text):
                    name, place = match["name"] or "", Place(path, text.count("\n", 0, match.start()) + 1)
                    if name in STARTERS:
                        raise Declined(f"the program starts others by `{name}`, which are not read", place)
                    if (
                        match["self"]
                        or PYTHONS.fullmatch(name)
                        or name in distribution.programs
                        or brings(packages, name)
                    ):
                        continue
                    if name not in distribution.packages:
                        premise = f"which package brings `{name}` is not known, which the program starts"
                        raise Declined(
                            premise if name else "the program starts another one, whose name is not written there",
                            place,
                        )
                    yield distribution.packages[name]
