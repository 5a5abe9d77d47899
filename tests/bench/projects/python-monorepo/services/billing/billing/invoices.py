"""Invoices and their totals."""

from dataclasses import dataclass
from functools import reduce

from money import Money


@dataclass(frozen=True)
class Line:
    """One line of an invoice."""

    text: str
    cents: int
    count: int = 1


def total(lines: list[Line]) -> Money:
    """Return what an invoice of these lines comes to."""
    return reduce(Money.__add__, (Money(line.cents * line.count) for line in lines), Money(0))
