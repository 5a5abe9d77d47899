"""Project files that are XML: read from the context, never with a document type or an entity of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ..build.build import View
from ..model import Declined, Place


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file at the image path `path`; the tags of `root` have lost their namespaces."""

    path: str
    text: str
    root: Element
    where: Place

    def place(self, text: str) -> Place:
        """Return the place of the first line that holds `text`, the whole file's where none does."""
        lines = (number for number, line in enumerate(self.text.split("\n"), 1) if text and text in line)
        return Place(self.where.path, next(lines, 0))


def read_xml(view: View, path: str) -> Document | None:
    """Return the file at an image path, None if no COPY brings it; raises Declined for what is not known plain XML."""
    text, where = view.read(path), view.place(path)
    if text is None and view.exists(path) and not view.is_dir(path):
        raise Declined(f"what {path} holds is not known: a RUN may have changed it", where)
    if text is None:
        return None
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text):
        raise Declined(f"{where.path} has a document type, whose entities may come from elsewhere", where)
    try:
        root = ElementTree.fromstring(text.removeprefix("\ufeff"))
    except (ElementTree.ParseError, ValueError) as error:
        raise Declined(f"{where.path} cannot be read as XML: {error}", where) from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return Document(path, text, root, where)


def text_of(element: Element | None, path: str = "") -> str:
    """Return the text of an element, or of the one at `path` below it; "" where there is none."""
    found = element.find(path) if element is not None and path else element
    return (found.text or "").strip() if found is not None else ""


def every(element: Element, *paths: str) -> Iterator[Element]:
    """Yield what is found at each of `paths` below `element`."""
    for path in paths:
        yield from element.iterfind(path)
