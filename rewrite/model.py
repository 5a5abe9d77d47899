"""What a rewrite returns: proposals with their proof, and refusals with the premise that failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from .source.edits import Edit


class Status(IntEnum):
    """What is known of a claim; the order is that of `Tier`, whose value the weakest status gives."""

    REFUTED = 0
    ASSUMED = 1
    PROVED = 2


class Tier(IntEnum):
    """How far a proposal can be trusted; computed from its proof, never declared."""

    ADVICE = 0
    REVIEW = 1
    SAFE = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file and a line (1-based; 0 for the whole file)."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Obligation:
    """One claim of a proof in plain words, what is known of it, and the evidence or the doubt."""

    claim: str
    status: Status
    evidence: str = ""
    where: Place | None = None


def proved(claim: str, evidence: str = "", where: Place | None = None) -> Obligation:
    """Return an obligation that the rules or the files that were read establish."""
    return Obligation(claim, Status.PROVED, evidence, where)


def assumed(claim: str, doubt: str, where: Place | None = None) -> Obligation:
    """Return an obligation that could not be established; `doubt` says what is not known."""
    return Obligation(claim, Status.ASSUMED, doubt, where)


def refuted(claim: str, evidence: str, where: Place | None = None) -> Obligation:
    """Return an obligation that the evidence contradicts."""
    return Obligation(claim, Status.REFUTED, evidence, where)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that a rewrite offers: all its edits or none.

    `reason` is one sentence on what the reader gains; `notes` are facts worth knowing that prove
    nothing (bytes saved, secrets found). `stages` are the bases of the stages that it adds behind the last one.
    """

    rewrite: str
    title: str
    reason: str
    where: Place
    edits: tuple[Edit, ...]
    proof: tuple[Obligation, ...]
    notes: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    @property
    def tier(self) -> Tier:
        """The weakest obligation's; a proposal without proof or without an edit is advice."""
        if not self.edits:
            return Tier.ADVICE
        return Tier(min((o.status for o in self.proof), default=Status.REFUTED))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rewrite that could have applied at `where`, and the premise that could not be established.

    `because` is the place of the evidence, where that is another than `where`.
    """

    rewrite: str
    where: Place
    premise: str
    because: Place | None = None


class Declined(Exception):
    """Raised inside a rewrite to decline; the rewrite turns it into a `Refusal`."""

    def __init__(self, premise: str, because: Place | None = None) -> None:
        super().__init__(premise)
        self.premise = premise
        self.because = because


@dataclass(frozen=True, slots=True)
class Change:
    """A file's text before (None: it did not exist) and after."""

    path: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Defect:
    """A rewrite whose result failed the self-check, or that raised: its edits were dropped."""

    rewrite: str
    where: Place
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one Dockerfile.

    `applied` are the proposals behind `changes`, in the order of application; `offered` those whose
    tier was not asked for (review, advice); `context` is the build context and who names it;
    `warnings` are words in comments that mean nothing. `secrets` are the values that nobody is to be shown, with the
    names of their variables. All text is decoded with surrogateescape.
    """

    path: str
    changes: tuple[Change, ...] = ()
    applied: tuple[Proposal, ...] = ()
    offered: tuple[Proposal, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    defects: tuple[Defect, ...] = ()
    context: str = ""
    warnings: tuple[str, ...] = ()
    secrets: tuple[tuple[str, str], ...] = field(default=(), repr=False)
