"""YAML files of a project that hold a table of settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model import Declined, Place


def load(text: str | None, place: Place) -> Mapping[str, Any]:
    """Return the table that `text` holds, empty for None; raises Declined, at `place`, if it is something else."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(text or "")
    except (YAMLError, ValueError, TypeError, RecursionError):
        raise Declined("it cannot be read as YAML", place) from None
    if found is not None and not isinstance(found, dict):
        raise Declined("it is no table of settings", place)
    return found or {}
