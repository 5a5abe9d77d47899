"""ENV and ARG that set several variables: taking some of them out, for a line of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model import Declined
from ..source.dockerfile import Dockerfile, Instruction, Pair
from ..source.edits import Span
from ..source.words import variables


def mentions(pairs: Sequence[Pair], escape: str) -> set[str]:
    """Return the variables that keys and values of `pairs` name."""
    texts = (text.replace("'", " ").replace('"', " ") for pair in pairs for text in (pair.key, pair.value or ""))
    return {name for text in texts for name in variables(text, escape)}


def check_split(dockerfile: Dockerfile, instruction: Instruction, taken: Sequence[Pair]) -> None:
    """Check that `instruction` may be cut in two, `taken` below the rest; raises Declined.

    All values of one ENV or ARG see what was set before it, and not each other.
    """
    rest = [pair for pair in instruction.pairs if pair not in taken]
    keyword = instruction.keyword
    what = ", ".join(pair.key for pair in taken)
    if instruction.comments:
        raise Declined(f"comments stand between {what} and what else the {keyword} sets")
    if any("$" in pair.key or "\n" in dockerfile.source(pair.span) for pair in instruction.pairs):
        raise Declined(f"the {keyword} cannot be cut in two")
    for first, second in ((taken, rest), (rest, taken)):
        found = mentions(first, instruction.escape) & {pair.key for pair in second}
        if found:
            raise Declined(f"{first[0].key} is made from {min(found)}, which the same {keyword} sets")


def taken_out(instruction: Instruction, taken: Sequence[Pair]) -> Iterator[Span]:
    """Yield what to delete so that `instruction` no longer sets `taken`; at least one other pair stays."""
    pairs = instruction.pairs
    stays = next(at for at, pair in enumerate(pairs) if pair not in taken)
    if stays:
        yield Span(pairs[0].span.start, pairs[stays].span.start)
    for before, pair in zip(pairs[stays:], pairs[stays + 1 :], strict=False):
        if pair in taken:
            yield Span(before.span.end, pair.span.end)


def own_line(dockerfile: Dockerfile, instruction: Instruction, taken: Sequence[Pair]) -> str:
    """Return the line that sets `taken` alone."""
    texts = [dockerfile.source(pair.span) for pair in taken]
    return " ".join([instruction.written, *texts]) + dockerfile.newline
