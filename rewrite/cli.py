"""The command line: options in, a `Run` or a verification in between, an exit code out; no decisions."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from . import __version__
from .errors import DockerfixError, UsageError
from .options import BUILDING, CHOOSING, chosen_scenarios, names, proof_options, settings_flags
from .run import ERROR, STDIN, Options, Run, complain
from .settings import check_names

INTERRUPTED = 130


def main(args: Sequence[str] | None = None) -> int:
    """Run the command with `args` (default: those of the process) and return its exit code."""
    try:
        code = command.main(args, prog_name="dockerfix", standalone_mode=False)
        return int(code or 0)
    except click.ClickException as error:
        complain(UsageError(error.format_message(), hint="see 'dockerfix --help'"))
    except DockerfixError as error:
        complain(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        complain(_defect(error))
    return ERROR


def _defect(error: Exception) -> DockerfixError:
    """Return the note on an exception that is nobody's mistake but ours."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    message = f"defect in dockerfix {__version__}: {type(error).__name__}: {error}"
    hint = "nothing is wrong with your files; please report this line and the Dockerfile it happened with"
    return DockerfixError(message, Path(frame.filename).name, frame.lineno or 0, hint)


class _Commands(click.Group):
    """The commands; without the name of one, it is `fix`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `fix` before arguments that name no command."""
        return super().parse_args(ctx, args if args[:1] and args[0] in self.commands else ["fix", *args])


@click.group(cls=_Commands)
@click.version_option(__version__, message="%(prog)s %(version)s")
def command() -> None:
    """Rewrite Dockerfiles."""


@command.command(context_settings={"help_option_names": ["-h", "--help"]})
@CHOOSING
@click.option("--diff", is_flag=True, help="Print one unified diff, for `git apply` or `patch -p1`.")
@click.option("--write", is_flag=True, help="Change the files in place.")
@click.option("--check", is_flag=True, help="Print only the names of the files that would change, for CI.")
@click.option(
    "--resolve",
    type=click.Choice(["engine", "registry"]),
    help="Ask the local engine, or the registries, for the digests of base images (pin-base-image), the registries for "
    "their platforms too (platform-flag).",
)
@click.option("--verify", is_flag=True, help="With --write: write only what builds before and after have proved.")
@click.option(
    "--output-format", type=click.Choice(["text", "json"]), default="text", help="JSON holds everything, proofs too."
)
@click.option(
    "--stdin-filename", default="Dockerfile", metavar="PATH", help="What `-` is called, and where it would lie."
)
@BUILDING
@click.version_option(__version__, message="dockerfix %(version)s")
def fix(
    paths: tuple[str, ...],
    diff: bool,
    write: bool,
    check: bool,
    resolve: str | None,
    verify: bool,
    context: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    review: bool | None,
    mounts: bool | None,
    output_format: str,
    color: str,
    stdin_filename: str,
    quiet: bool,
    verbose: bool,
    **building: Any,
) -> int:
    """Rewrite Dockerfiles so that their builds stay cached, correct and small, and say why.

    PATH is a Dockerfile, a directory to search for Dockerfiles (default: the current one), or - for standard input.
    Without --write no file is changed. `fix` may be left out. See also: dockerfix verify --help.

    Exit code: 0 if nothing is to be changed, or all was written; 1 if there are changes; 2 after an error.
    """
    _refuse_contradictions(paths, diff=diff, write=write, check=check, quiet=quiet, verbose=verbose)
    _refuse_unproved(paths, building, verify=verify, write=write)
    options = Options(
        paths=paths or (".",),
        diff=diff,
        write=write,
        check=check,
        json=output_format == "json",
        color=color,
        verbosity=verbose - quiet,
        stdin_filename=stdin_filename,
        resolve=resolve or "",
        proof=proof_options(building, color, quiet=quiet) if verify else None,
        flags=settings_flags(select, ignore, context, review, mounts),
    )
    return Run(options)()


@command.command(context_settings={"help_option_names": ["-h", "--help"]})
@CHOOSING
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME,...",
    callback=names,
    help="Measure only these: unchanged, source-edit, manifest-edit, readme-edit, new-commit, arg-change, new-base,"
    " imported-cache; none: only compare the images.",
)
@click.option(
    "--repeat", type=click.IntRange(min=1), default=1, metavar="N", help="Measure N times, for median and spread."
)
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "markdown", "html"]),
    default="text",
    help="What goes to standard output.",
)
@click.option(
    "--report", "files", multiple=True, metavar="FILE", help="Also write a report; FILE ends in .html, .md or .json."
)
@BUILDING
def verify(
    paths: tuple[str, ...],
    context: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    review: bool | None,
    mounts: bool | None,
    color: str,
    quiet: bool,
    verbose: bool,
    scenarios: tuple[str, ...],
    repeat: int,
    output_format: str,
    files: tuple[str, ...],
    **building: Any,
) -> int:
    """Build before and after, prove that the images are the same, and measure what each edit rebuilds.

    A Dockerfile runs code: verify only what you would build. The original is built twice, the rewritten file once; both
    images are compared file by file. Then each scenario is built on both sides. Everything is built from copies; the
    images made are removed in the end.

    Exit code: 0 if the images are the same; 1 if they differ, or the rewritten file does not build; 2 if the original
    does not build, if there is no engine, or after another error.
    """
    from .verifying import Reports, verify_all

    if STDIN in paths:
        raise UsageError("standard input cannot be verified, as there is no build context")
    options = Options(
        paths=paths or (".",),
        color=color,
        verbosity=verbose - quiet,
        flags=settings_flags(select, ignore, context, review, mounts),
    )
    proof = proof_options(building, color, quiet=quiet)
    measured = replace(proof, scenarios=chosen_scenarios(scenarios), repeat=repeat)
    return verify_all(options, measured, Reports(output_format, files))


@command.command(name="ecosystems", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the output.")
def known_ecosystems(output_format: str, color: str) -> int:
    """List the package managers that are known: manifests, installs, and what becomes of their caches, and why."""
    from .ecosystems import tools
    from .report import colour, known

    painted = colour.wanted(color, sys.stdout, os.environ)
    click.echo(known.render_json(tools()) if output_format == "json" else known.render(tools(), painted), nl=False)
    return 0


@command.command(context_settings={"help_option_names": ["-h", "--help"]})
def rules() -> int:
    """List the rewrites, a line each."""
    from .report import pages
    from .rewrites import discover

    click.echo(pages.index(discover()), nl=False)
    return 0


@command.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name")
def rule(name: str) -> int:
    """Tell what a rewrite does, why, and when it declines."""
    from .report import pages
    from .rewrites import discover

    check_names("rule", (name,))
    click.echo(pages.page(next(one for one in discover() if name == one.NAME)), nl=False)
    return 0


def _refuse_unproved(paths: Sequence[str], building: dict[str, Any], *, verify: bool, write: bool) -> None:
    """Refuse options for building where nothing is built, and --verify where nothing is written."""
    if verify and (not write or STDIN in paths):
        raise UsageError("--verify goes with --write, for files", hint="to only build and compare: dockerfix verify")
    given = [name for name, value in building.items() if value]
    if given and not verify:
        raise UsageError(f"--{given[0].replace('_', '-')} goes with --verify", hint="nothing is built without it")


def _refuse_contradictions(
    paths: Sequence[str], *, diff: bool, write: bool, check: bool, quiet: bool, verbose: bool
) -> None:
    """Refuse options that leave open what is to be printed or written."""
    if check and (diff or write):
        raise UsageError(f"--check and {'--diff' if diff else '--write'} exclude each other")
    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other")
    if STDIN in paths and len(paths) > 1:
        raise UsageError("- (standard input) cannot be combined with other paths")
    if STDIN in paths and diff and write:
        raise UsageError("with - (standard input), --diff and --write both want standard output")
