"""The proof as one self-contained page: nothing is loaded, no script runs, and a picture shows each scenario."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from markupsafe import Markup

from ... import __version__, templates
from ...verify.outcome import Verification
from . import wording
from .picture import pictures
from .printable import cleaned


def render(verifications: Sequence[Verification]) -> str:
    """Return the page, which can be encoded as UTF-8 whatever was built."""
    style = (templates.directory() / "verify.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return templates.render(
        "verify.html.j2",
        verifications=[cleaned(verification) for verification in verifications],
        version=__version__,
        # The policy allows this style sheet and no other, nor any style attribute.
        style=Markup(style),
        style_hash=f"sha256-{digest}",
        wording=wording,
        pictures=pictures,
    )
