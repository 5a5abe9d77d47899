"""One run of the command: from paths and options to reports and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import writer
from .errors import DockerfixError, UsageError
from .model import Change, Result
from .paths import NAMES, dockerfiles_below, shown
from .report import colour, diff, text
from .report.masking import masked
from .settings import Settings, load

if TYPE_CHECKING:
    from .build.images import Resolved
    from .fix import Request
    from .proving import ProofOptions
    from .verify.outcome import Verification

STDIN = "-"
NOTHING, CHANGES, ERROR = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; `flags` are the settings given on it, which replace those of the configuration file.

    With `proof` a result is written only if the builds prove it. `resolve` says who is asked for the digests and
    platforms of base images (``engine``, ``registry``; empty: nobody).
    """

    paths: tuple[str, ...] = (".",)
    diff: bool = False
    write: bool = False
    check: bool = False
    json: bool = False
    color: str = "auto"
    verbosity: int = 0
    stdin_filename: str = "Dockerfile"
    proof: ProofOptions | None = None
    resolve: str = ""
    flags: dict[str, Any] = field(default_factory=dict)

    @property
    def stdin(self) -> bool:
        """Whether the Dockerfile comes from standard input."""
        return self.paths == (STDIN,)


class Run:
    """Collects the results and errors of one run; errors are told at once, so that none is lost with the run."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.results: list[Result] = []
        self.errors: list[DockerfixError] = []
        self.verifications: list[Verification] = []
        self._stdin = ""
        self._load = functools.cache(load)
        self._resolve: Callable[[str], Resolved] | None = None

    def __call__(self) -> int:
        """Do it, and return the exit code."""
        from .fix import fix_files

        requests = self.requests()
        self._resolve = self._resolver()
        if self.options.proof is not None:
            self._write_proved(requests, self.options.proof)
        else:
            for outcome in fix_files(requests, self.settings_for, self._resolve):
                with self._telling():
                    self._take(outcome)
        self._report()
        if self.errors:
            return ERROR
        remaining = not self.options.write and any(result.changes for result in self.results)
        return CHANGES if remaining or any(found.exit_code for found in self.verifications) else NOTHING

    def _resolver(self) -> Callable[[str], Resolved] | None:
        """Return what asks about base images, None if nobody is to be asked."""
        if not self.options.resolve:
            return None
        from .resolving import resolver

        return resolver(self.options.resolve, lambda what: output(f"warning: {what}\n", err=True))

    def settings_for(self, dockerfile: Path) -> Settings:
        """Return the settings for one Dockerfile, the flags included."""
        return replace(self._load(dockerfile.parent), **self.options.flags)

    def fail(self, error: DockerfixError) -> None:
        """Tell an error, but the same one (of a configuration file, say) only once."""
        if str(error) not in map(str, self.errors):
            self.errors.append(error)
            complain(error, self.options.color)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Tell an error of one Dockerfile, and go on."""
        try:
            yield
        except DockerfixError as error:
            self.fail(error)

    def _write_proved(self, requests: Iterable[Request], options: ProofOptions) -> None:
        """Write each result that is proved by builds; one at a time, as they may share an ignore file."""
        from .fix import fix_files
        from .proving import Prover

        with Prover(options) as prover:
            for request in requests:
                for outcome in fix_files([request], self.settings_for, self._resolve):
                    with self._telling():
                        if not isinstance(outcome, Result):
                            raise outcome
                        found = prover.prove(request, self.settings_for(request.place), outcome)
                        self.verifications.append(found)
                        if found.exit_code == ERROR:
                            raise UsageError("the original does not build; nothing written", request.name)
                        self._take(outcome if not found.exit_code else replace(outcome, changes=(), applied=()))

    def _take(self, outcome: Result | DockerfixError) -> None:
        if isinstance(outcome, DockerfixError):
            raise outcome
        if self.options.write and not self.options.stdin:
            writer.write(outcome.changes)
        self.results.append(outcome)

    def requests(self) -> list[Request]:
        """Return what is to be fixed; a path that fails is told and left out."""
        from .fix import Request

        if self.options.stdin:
            self._stdin = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
            name = self.options.stdin_filename
            return list(self._checked([Request(Path(name), self._stdin, name)]))
        found: dict[str, Request] = {}
        for path in map(Path, self.options.paths):
            try:
                for file in self._search(path):
                    found.setdefault(os.path.realpath(file), Request(file, None, shown(file)))
            except DockerfixError as error:
                self.fail(error)
        return list(self._checked(found.values()))

    def _search(self, path: Path) -> Iterator[Path]:
        """Yield a file as it is, and the Dockerfiles below a directory that its settings do not exclude."""
        if not os.path.exists(path):
            raise UsageError("there is no such file or directory", shown(path))
        if not path.is_dir():
            yield path
            return
        files = list(dockerfiles_below(path))
        if not files:
            raise UsageError("no Dockerfile found", shown(path), hint=f"looked for {', '.join(NAMES)}")
        for file in files:
            try:
                excluded = self.settings_for(file).excludes(file)
            except DockerfixError as error:
                self.fail(error)
                continue
            if not excluded:
                yield file

    def _checked(self, requests: Iterable[Request]) -> Iterator[Request]:
        """Yield the requests whose settings can be loaded, so that the engine never meets one that cannot."""
        for request in requests:
            try:
                self.settings_for(request.path or Path(request.name))
            except DockerfixError as error:
                self.fail(error)
            else:
                yield request

    def _report(self) -> None:
        """Print the document that was asked for, or the summary; beside a document the summary is an aside."""
        options = self.options
        if self.verifications:
            self._report_proofs()
        shown = [masked(result) for result in self.results]
        changes, left_out = diff.compatible(shown)
        if options.json:
            from .report import json

            output(json.render(shown, self.errors, diff.render(changes), written=options.write))
            return
        document = options.diff or (options.stdin and options.write)
        if options.diff:
            output(diff.render(changes, colour.wanted(options.color, sys.stdout, os.environ)))
            for path in left_out:
                output(f"warning: {path}: left out, the diff already changes one of its files differently\n", err=True)
            for path in _unfit(self.results, changes):
                output(f"warning: {path}: its diff lacks a secret, and does not apply; --write does\n", err=True)
        elif document:
            output("".join(self._new_text(result) for result in self.results))
        if not document or options.verbosity >= 0:
            self._summarize(shown, err=document)

    def _report_proofs(self) -> None:
        """Print what the builds have shown to standard error."""
        from .report.proof import text as proofs

        wanted = colour.wanted(self.options.color, sys.stderr, os.environ)
        output(proofs.render(self.verifications, proofs.Look(self.options.verbosity, wanted)), err=True)

    def _summarize(self, shown: Sequence[Result], *, err: bool) -> None:
        wanted = colour.wanted(self.options.color, sys.stderr if err else sys.stdout, os.environ)
        look = text.Look(self.options.verbosity, wanted, written=self.options.write)
        render = text.render_names if self.options.check else text.render
        output(render(shown, look), err=err)

    def _new_text(self, result: Result) -> str:
        """Return what standard input becomes; other files of the result stay as they are."""
        return next((change.after for change in result.changes if change.path == result.path), self._stdin)


def _unfit(results: Iterable[Result], shown: Sequence[Change]) -> Iterator[str]:
    """Yield the paths of files of whose diff a secret is left out."""
    whole = {change.path: change for change in diff.compatible(results)[0]}
    yield from (one.path for one in shown if diff.render([one]) != diff.render([whole.get(one.path, one)]))


def complain(error: DockerfixError, color: str = "auto") -> None:
    """Print an error, and what to do about it, to standard error."""
    wanted = colour.wanted(color, sys.stderr, os.environ)
    hint = f"{colour.paint('hint', 'cyan', wanted)}: {error.hint}\n" if error.hint else ""
    output(f"{colour.paint('error', 'red', wanted)}: {error}\n{hint}", err=True)


def output(content: str, *, err: bool = False) -> None:
    """Write text as the bytes that it was decoded from, whatever the terminal's encoding."""
    stream = sys.stderr if err else sys.stdout
    stream.flush()
    stream.buffer.write(writer.encode(content))
    stream.buffer.flush()
