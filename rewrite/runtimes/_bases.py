"""References of official images taken apart, and the small images that go with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..build.stages import Stage

SUITES = ("buster", "bullseye", "bookworm", "trixie")
_TAGGED = re.compile(r"(?P<image>[^@]*?)(?::(?P<tag>[^:/@]*))?(?:@.*)?\Z")


@dataclass(frozen=True, slots=True)
class Reference:
    """What FROM names: `image` is the repository as written, `name` its last part, `tag` "" where there is none.

    `written` is the tag as it stands there, with its variables; `certain` tells whether no argument can change it.
    """

    image: str
    tag: str
    written: str
    certain: bool

    @property
    def name(self) -> str:
        """The image's name without registry and repository."""
        return self.image.rpartition("/")[2]

    @property
    def alpine(self) -> bool:
        """Whether it is one of Alpine."""
        return "alpine" in self.tag

    @property
    def suite(self) -> str:
        """Debian's suite, "" where the tag names none."""
        return next((suite for suite in SUITES if re.search(rf"(?:\A|-){suite}\b", self.tag)), "")

    @property
    def version(self) -> tuple[int, ...]:
        """The version that the tag begins with, empty where it begins with none or an argument says it."""
        found = re.match(r"\d+(?:\.\d+)*", self.tag)
        return tuple(map(int, found[0].split("."))) if found and self.certain else ()


def reference(stage: Stage) -> Reference:
    """Return what a stage stands on."""
    written = _TAGGED.match(stage.from_.words[0].text) if stage.from_.words else None
    known = _TAGGED.match(stage.base.reference)
    tag = (known and known["tag"]) or ""
    return Reference((known and known["image"]) or "", tag, (written and written["tag"]) or "", stage.base_certain)
