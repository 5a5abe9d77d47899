"""The base images of a Dockerfile, and the Dockerfile on other ones.

Podman takes no ``--build-context`` for a base image whose name has a variable in it, and nothing but its base image
tells a build from another one's layers. So the images that stand in for the base images are put into the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..build.stages import stages
from ..source import dockerfile
from ..source.dockerfile import Dockerfile
from ..source.edits import Edit, Span, apply
from ..source.words import LexError, Lookup, unquote


@dataclass(frozen=True, slots=True)
class Base:
    """A base image in a FROM: `written` at `span` of the text; `reference` is the image, None if only podman knows it.

    `head` is the Dockerfile up to that name, without the stages before it.
    """

    span: Span
    written: str
    reference: str | None
    head: str


def bases(text: str, arguments: Mapping[str, str]) -> Iterator[Base]:
    """Yield the base images of a Dockerfile that is built with `arguments`; a stage is none.

    A name that may be a stage's, depending on a value that only podman knows (TARGETARCH), is taken for one.
    """
    tree = dockerfile.parse(text)
    known = _known(tree, arguments)
    first = next((line.span.start for line in tree.instructions if line.keyword == "FROM"), len(text))
    for stage in stages(tree):
        if stage.parent or not stage.from_.words:
            continue
        word = stage.from_.words[0]
        reference = _value(word.text, tree.escape, known.get)
        if stage.candidates and (reference is None or any(other.called(reference) for other in stage.candidates)):
            continue
        head = text[:first] + text[stage.from_.span.start : word.span.start]
        yield Base(word.span, word.text, reference, head)


def on_other_bases(text: str, names: Mapping[Span, str]) -> str:
    """Return the Dockerfile with other names for its base images."""
    return apply(text, (Edit("", span, name) for span, name in names.items()))


def _known(tree: Dockerfile, arguments: Mapping[str, str]) -> Mapping[str, str]:
    """Return the values that every FROM sees, as far as they are known: the arguments, and defaults above them all."""
    found = dict(arguments)
    for instruction in tree.instructions:
        if instruction.keyword == "FROM":
            break
        for pair in instruction.pairs if instruction.keyword == "ARG" else ():
            value = None if pair.value is None else _value(pair.value, tree.escape, found.get)
            if value is not None:
                found.setdefault(pair.key, value)
    return found


def _value(raw: str, escape: str, lookup: Lookup) -> str | None:
    """Return a word without its quotes and variables; None if a variable is not known, or for what podman refuses."""
    try:
        return unquote(raw, escape, lookup)
    except LexError:
        return None
