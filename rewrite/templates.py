"""The templates directory: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


def directory() -> Path:
    """Return the directory of the templates."""
    return next(path for path in (_HERE / "templates", _HERE.parent / "templates") if path.is_dir())


def data(name: str) -> dict[str, Any]:
    """Return the content of a TOML file, empty if there is none of that name."""
    path = directory() / name
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def render(name: str, **values: object) -> str:
    """Return a template filled with `values`, which are escaped in ``*.html.j2``; an undefined name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(directory()),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=select_autoescape(["html.j2"]),
    )
    return environment.get_template(name).render(**values)
