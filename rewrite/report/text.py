"""The summary for people: per file what changes and why, what was declined and why, and the totals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..model import Obligation, Place, Proposal, Refusal, Result, Status, Tier
from .colour import paint


@dataclass(frozen=True, slots=True)
class Look:
    """How to tell it: `verbosity` is -1 (the changes alone), 0, or 1 (with the proofs); `written` says it is done."""

    verbosity: int = 0
    colour: bool = False
    written: bool = False


def render(results: Sequence[Result], look: Look) -> str:
    """Return the summary of all files, and the totals as its last lines."""
    lines = [line for result in results for line in _file(result, look)]
    if look.verbosity >= 0:
        lines += totals(results, look)
    return "".join(f"{line}\n" for line in lines)


def render_names(results: Sequence[Result], look: Look) -> str:
    """Return the changed files alone, a line each, and the totals."""
    verb = _verb(look)
    lines = [paint(f"{verb} {change.path}", "bold", look.colour) for result in results for change in result.changes]
    if look.verbosity >= 0:
        lines += totals(results, look)
    return "".join(f"{line}\n" for line in lines)


def totals(results: Sequence[Result], look: Look) -> list[str]:
    """Return one line of numbers, and one on the proposals that `--review` would apply, if there are any."""
    applied = sum(len(result.applied) for result in results)
    declined = sum(len(result.refusals) for result in results)
    defects = sum(len(result.defects) for result in results)
    review = sum(1 for result in results for p in result.offered if p.tier == Tier.REVIEW)
    counts = [_count(applied, "change") + (" written" if look.written else "")]
    counts += [f"{declined} declined"] if declined else []
    counts += [_count(defects, "defect") + " of dockerfix itself"] if defects else []
    lines = [f"{_count(len(results), 'file')}: {', '.join(counts)}"]
    if review:
        more = f"{_count(review, 'more change')} {'needs' if review == 1 else 'need'} a person's eye"
        lines.append(paint(f"{more}: --review applies {'it' if review == 1 else 'them'} too", "yellow", look.colour))
    return lines


def _file(result: Result, look: Look) -> Iterator[str]:
    """Yield the lines on one Dockerfile; nothing if there is nothing to say."""
    for proposal in result.applied:
        yield from _proposal(_verb(look), "green", proposal, look)
    if look.verbosity < 0:
        return
    for proposal in result.offered:
        yield from _proposal(str(proposal.tier), "yellow" if proposal.tier else "cyan", proposal, look)
    for refusal in result.refusals:
        yield _refusal(refusal, look)
    yield from (f"{paint('warning', 'yellow', look.colour)}: {warning}" for warning in result.warnings)
    for defect in result.defects:
        yield _line(defect.where, "defect", "red", f"{defect.message}; its edits were dropped", defect.rewrite, look)
    if look.verbosity > 0 and result.context:
        yield f"{result.path}: build context {result.context}"


def _proposal(label: str, style: str, proposal: Proposal, look: Look) -> Iterator[str]:
    yield _line(proposal.where, label, style, proposal.title, proposal.rewrite, look)
    if look.verbosity < 0:
        return
    yield f"    {proposal.reason}"
    shown = proposal.proof if look.verbosity > 0 else _unproved(proposal.proof)
    yield from (f"    {_obligation(obligation, look)}" for obligation in shown)
    yield from (f"    note: {note}" for note in proposal.notes)


def _unproved(proof: Iterable[Obligation]) -> tuple[Obligation, ...]:
    return tuple(obligation for obligation in proof if obligation.status != Status.PROVED)


def _obligation(obligation: Obligation, look: Look) -> str:
    styles = {Status.PROVED: "green", Status.ASSUMED: "yellow", Status.REFUTED: "red"}
    status = paint(obligation.status.name.lower(), styles[obligation.status], look.colour)
    support = ", ".join(str(part) for part in (obligation.evidence, obligation.where) if part)
    return f"{status}: {obligation.claim}" + (f" ({support})" if support else "")


def _refusal(refusal: Refusal, look: Look) -> str:
    because = f" ({refusal.because})" if refusal.because else ""
    return _line(refusal.where, "declined", "dim", f"{refusal.premise}{because}", refusal.rewrite, look)


def _line(where: Place, label: str, style: str, message: str, rewrite: str, look: Look) -> str:
    name = paint(f"[{rewrite}]", "dim", look.colour)
    return f"{paint(str(where), 'bold', look.colour)}: {paint(label, style, look.colour)}: {message} {name}"


def _verb(look: Look) -> str:
    return "changed" if look.written else "would change"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
