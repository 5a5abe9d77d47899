"""Leave the values of secrets out of what is shown: ``ENV TOKEN=…`` and ``ARG TOKEN=…`` with a value of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ..model import Result

MASK = "***"
# A value that is a word (``postgres``) stands for other things elsewhere; one like this does not.
_UNMISTAKABLE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])\S{12,}")


def masked(result: Result) -> Result:
    """Return a result to show instead of `result`: every text in it has a mask for each secret of its Dockerfile."""
    if not result.secrets:
        return result
    shown: Result = _over(replace(result, secrets=()), _mask(result.secrets))
    return shown


def _mask(secrets: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    patterns = [rf"(?<!\w)({re.escape(name)}[\"']?\s*[=\s]\s*[\"']?){re.escape(value)}" for name, value in secrets]
    patterns += [rf"(?<!\w)(){re.escape(value)}" for _, value in secrets if _UNMISTAKABLE.fullmatch(value)]
    expressions = [re.compile(pattern) for pattern in patterns]

    def hide(text: str) -> str:
        for expression in expressions:
            text = expression.sub(rf"\1{MASK}", text)
        return text

    return hide


def _over(value: Any, hide: Callable[[str], str]) -> Any:
    """Return `value` with all texts in it as `hide` leaves them."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, tuple):
        return tuple(_over(item, hide) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{item.name: _over(getattr(value, item.name), hide) for item in fields(value)})
    return value
