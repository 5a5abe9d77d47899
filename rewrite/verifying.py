"""The command ``dockerfix verify``: every Dockerfile that was asked for is proved, and reported in the forms wanted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from . import writer
from .errors import DockerfixError, UsageError
from .proving import ProofOptions, Prover
from .report import colour
from .report.proof import html, json, markdown, text
from .run import ERROR, NOTHING, Options, Run, output
from .verify.outcome import Verification

Render = Callable[[Sequence[Verification]], str]
FORMATS: dict[str, Render] = {"json": json.render, "markdown": markdown.render, "html": html.render}
ENDINGS = {".json": "json", ".md": "markdown", ".html": "html"}


@dataclass(frozen=True, slots=True)
class Reports:
    """Where the findings go: `format` (``text`` or a key of `FORMATS`) to standard output; `files` by their endings."""

    format: str = "text"
    files: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise `UsageError` for a file of no known ending, before anything is built."""
        for path in self.files:
            if Path(path).suffix not in ENDINGS:
                raise UsageError(f"a report ends in {', '.join(ENDINGS)}", path)


def verify_all(options: Options, proof: ProofOptions, reports: Reports) -> int:
    """Verify all Dockerfiles that `options` name; return the exit code: the worst of theirs, or 2 after an error."""
    reports.check()
    run = Run(options)
    found: list[Verification] = []
    with Prover(proof) as prover:
        for request in run.requests():
            try:
                found.append(prover.prove(request, run.settings_for(request.place)))
            except DockerfixError as error:
                run.fail(error)
    _report(found, options, reports)
    return ERROR if run.errors else max((verification.exit_code for verification in found), default=NOTHING)


def _report(found: Sequence[Verification], options: Options, reports: Reports) -> None:
    """Print and write the findings."""
    for path in reports.files:
        try:
            Path(path).write_bytes(writer.encode(FORMATS[ENDINGS[Path(path).suffix]](found)))
        except OSError as error:
            raise UsageError(f"cannot be written: {error.strerror or error}", path) from error
    if reports.format == "text":
        wanted = colour.wanted(options.color, sys.stdout, os.environ)
        look = text.Look(options.verbosity, wanted)
        if sys.stdout.isatty():
            look = replace(look, width=shutil.get_terminal_size().columns)
        output(text.render(found, look))
    else:
        output(FORMATS[reports.format](found))
