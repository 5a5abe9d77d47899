"""The builder's own checks (`docker build --check`): where a comment switches one off, and advice on what stays."""

from __future__ import annotations

import re

from ..build.build import Build
from ..model import Proposal, refuted
from ..source.dockerfile import Instruction

_ORDER = re.compile(r"check\s*=\s*(\S+)", re.IGNORECASE)


def is_skipped(build: Build, instruction: Instruction, rule: str) -> bool:
    """Tell whether the file's ``# check=skip=…``, or one above the instruction, switches the check off."""
    orders = [match[1] for comment in comments_above(build, instruction) if (match := _ORDER.match(comment))]
    orders.append(build.dockerfile.directive("check") or "")
    return any({"all", rule} & _named(order, "skip") for order in orders)


def is_enabled(build: Build, rule: str) -> bool:
    """Tell whether the file's ``# check=experimental=…`` switches an experimental check on."""
    return bool({"all", rule} & _named(build.dockerfile.directive("check") or "", "experimental"))


def comments_above(build: Build, instruction: Instruction) -> list[str]:
    """Return the comments that the builder takes for those of an instruction, which blank lines do not set apart.

    A comment without a word does: the builder forgets what stands above it.
    """
    found: list[str] = []
    for node in build.dockerfile.nodes[: build.dockerfile.nodes.index(instruction)]:
        if isinstance(node, Instruction):
            found = []
        elif node.kind == "comment":
            text = build.dockerfile.source(node.span).strip()[1:].strip()
            found = [*found, text] if text else []
    return found


def advice(
    name: str,
    build: Build,
    instruction: Instruction,
    title: str,
    claim: str,
    evidence: str,
    other: Instruction | None = None,
) -> Proposal:
    """Return what a person has to see to, as only a person knows what was meant; `other` is what is in its way."""
    place = build.place(instruction)
    gain = "docker build --check warns of it, and only a person knows what was meant"
    return Proposal(name, title, gain, place, (), (refuted(claim, evidence, build.place(other or instruction)),))


def _named(order: str, option: str) -> set[str]:
    """Return the rules that an option of a check order names."""
    parts = (part.partition("=") for part in order.split(";"))
    return {rule.strip() for key, _, rules in parts if key.strip() == option for rule in rules.split(",")}
