"""Where an instruction's text begins and ends when it is moved: with the comment above it and the blank lines below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..source.dockerfile import Dockerfile, Instruction, Trivia
from ..source.edits import Span


@dataclass(frozen=True, slots=True)
class Block:
    """An instruction with the comment lines directly above it: `body`; `whole` has the blank lines below, too.

    `gap` is the text of these blank lines; `removal` is what to delete so that blank lines do not pile up. `lonely`
    tells whether nothing or a blank line stands above.
    """

    body: Span
    whole: Span
    gap: str
    removal: Span
    lonely: bool


def block_of(dockerfile: Dockerfile, instruction: Instruction) -> Block:
    """Return the block of `instruction`. Comments that a blank line sets apart belong to nobody."""
    nodes = dockerfile.nodes
    index = nodes.index(instruction)
    first = index
    while first > 0 and _is(nodes[first - 1], "comment"):
        first -= 1
    last = index + 1
    while last < len(nodes) and _is(nodes[last], "blank"):
        last += 1
    start, end = nodes[first].span.start, nodes[last - 1].span.end
    body, whole = Span(start, instruction.span.end), Span(start, end)
    lonely = first == 0 or _is(nodes[first - 1], "blank")
    return Block(body, whole, dockerfile.source(Span(instruction.span.end, end)), whole if lonely else body, lonely)


def removals(dockerfile: Dockerfile, instructions: Sequence[Instruction]) -> Iterator[Span]:
    """Yield what to delete to take `instructions` out, in their order; those that follow each other go as one."""
    blocks = [block_of(dockerfile, instruction) for instruction in instructions]
    while blocks:
        first = last = blocks.pop(0)
        while blocks and blocks[0].body.start == last.body.end:
            last = blocks.pop(0)
        yield Span(first.removal.start, (last.whole if first.lonely else last.body).end)


def start_above_orders(dockerfile: Dockerfile, instruction: Instruction) -> int:
    """Return where lines can go in above `instruction` so that no comment meant for it, or for it alone, is cut off.

    Comments directly above stay with it; so do dockerfix's own, which blank lines may set apart.
    """
    nodes = dockerfile.nodes
    start = block_of(dockerfile, instruction).body.start
    for node in reversed(nodes[: nodes.index(instruction)]):
        if not isinstance(node, Trivia) or node.kind == "directive":
            break
        if node.kind == "comment" and ORDER.search(dockerfile.source(node.span)):
            start = min(start, node.span.start)
    return start


def ended(text: str, newline: str) -> str:
    """Return the text of whole lines, with a line end behind the last one too."""
    return text if text.endswith("\n") else text + newline


# Comments that tell dockerfix or the builder's checks what to do with the instruction below.
ORDER = re.compile(r"#\s*(?:dockerfix:|check\s*=)")


def _is(node: object, kind: str) -> bool:
    return isinstance(node, Trivia) and node.kind == kind
