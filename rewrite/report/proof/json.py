"""All that the builds have shown, for programs: keys sorted, ASCII only, nothing left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...verify.compare import Difference
from ...verify.outcome import Scenario, Side, StepTime, Timing, Verification

VERSION = 1


def render(verifications: Sequence[Verification]) -> str:
    """Return one JSON document; `version` grows when the meaning of a key changes.

    Times are seconds, sizes bytes. Bytes of names and logs that are not UTF-8 appear as lone surrogates (`\\udc80` to
    `\\udcff`).
    """
    document = {"version": VERSION, "verifications": [_verification(verification) for verification in verifications]}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _verification(verification: Verification) -> dict[str, Any]:
    return {
        "path": verification.path,
        "verdict": str(verification.verdict),
        "exit_code": verification.exit_code,
        "engine": verification.engine,
        "context": verification.context,
        "differences": [_difference(difference) for difference in verification.differences],
        "before": _side(verification.before),
        "after": _side(verification.after),
        "scenarios": [_scenario(scenario) for scenario in verification.scenarios],
        "speed_up": verification.speed_up,
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "path": difference.path,
        "what": difference.what,
        "before": difference.before,
        "after": difference.after,
        "cause": difference.cause,
        "edit": difference.edit,
    }


def _side(side: Side) -> dict[str, Any]:
    return {"image_bytes": side.image_bytes, "log": side.log}


def _scenario(scenario: Scenario) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "title": scenario.title,
        "before": _timing(scenario.before),
        "after": _timing(scenario.after),
        "skipped": scenario.skipped,
        "ratio": scenario.ratio,
    }


def _timing(timing: Timing | None) -> dict[str, Any] | None:
    if timing is None:
        return None
    return {
        "seconds": list(timing.seconds),
        "median": timing.median,
        "spread": timing.spread,
        "steps": [_step(step) for step in timing.steps],
        "sent": timing.sent,
    }


def _step(step: StepTime) -> dict[str, Any]:
    return {"name": step.name, "seconds": step.seconds, "cached": step.cached, "internal": step.internal}
