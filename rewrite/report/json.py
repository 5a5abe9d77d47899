"""All that is known of a run, for programs: keys sorted, ASCII only, nothing left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..errors import DockerfixError
from ..model import Defect, Obligation, Place, Proposal, Refusal, Result

VERSION = 1


def render(results: Sequence[Result], errors: Sequence[DockerfixError], patch: str, *, written: bool = False) -> str:
    """Return one JSON document, with `patch` as its `diff`; `version` grows when the meaning of a key changes.

    Bytes of a Dockerfile that are not UTF-8 appear as lone surrogates (`\\udc80` to `\\udcff`).
    """
    document = {
        "version": VERSION,
        "written": written,
        "files": [_result(result) for result in results],
        "errors": [{"message": e.message, "path": e.path, "line": e.line, "hint": e.hint} for e in errors],
        "diff": patch,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _result(result: Result) -> dict[str, Any]:
    return {
        "path": result.path,
        "context": result.context,
        "warnings": list(result.warnings),
        "changes": [{"path": c.path, "before": c.before, "after": c.after} for c in result.changes],
        "applied": [_proposal(proposal) for proposal in result.applied],
        "offered": [_proposal(proposal) for proposal in result.offered],
        "refusals": [_refusal(refusal) for refusal in result.refusals],
        "defects": [_defect(defect) for defect in result.defects],
    }


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        "rewrite": proposal.rewrite,
        "title": proposal.title,
        "reason": proposal.reason,
        "tier": str(proposal.tier),
        "where": _place(proposal.where),
        "proof": [_obligation(obligation) for obligation in proposal.proof],
        "notes": list(proposal.notes),
        "edits": [
            {"path": edit.path, "start": edit.span.start, "end": edit.span.end, "text": edit.text}
            for edit in proposal.edits
        ],
    }


def _obligation(obligation: Obligation) -> dict[str, Any]:
    return {
        "claim": obligation.claim,
        "status": obligation.status.name.lower(),
        "evidence": obligation.evidence,
        "where": _place(obligation.where),
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "rewrite": refusal.rewrite,
        "where": _place(refusal.where),
        "premise": refusal.premise,
        "because": _place(refusal.because),
    }


def _defect(defect: Defect) -> dict[str, Any]:
    return {"rewrite": defect.rewrite, "where": _place(defect.where), "message": defect.message}


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else {"path": place.path, "line": place.line}
