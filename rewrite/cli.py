"""The command line: options in, a `Run` in between, an exit code out; no decisions."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from . import __version__
from .errors import DockerfixError, UsageError
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


def _names(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Take an option that may be repeated and holds names with commas between."""
    return tuple(name for value in values for name in map(str.strip, value.split(",")) if name)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--diff", is_flag=True, help="Print one unified diff, for `git apply` or `patch -p1`.")
@click.option("--write", is_flag=True, help="Change the files in place.")
@click.option("--check", is_flag=True, help="Print only the names of the files that would change, for CI.")
@click.option(
    "--context",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False),
    help="The build context. Default: what a compose file, workflow or Makefile says, else the Dockerfile's directory.",
)
@click.option("--select", multiple=True, metavar="NAME,...", callback=_names, help="Run only these rewrites.")
@click.option("--ignore", multiple=True, metavar="NAME,...", callback=_names, help="Do not run these rewrites.")
@click.option(
    "--review/--no-review",
    default=None,
    help="Also apply what rests on an assumption, or changes the image on purpose.",
)
@click.option(
    "--output-format", type=click.Choice(["text", "json"]), default="text", help="JSON holds everything, proofs too."
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour the output.")
@click.option(
    "--stdin-filename", default="Dockerfile", metavar="PATH", help="What `-` is called, and where it would lie."
)
@click.option("-q", "--quiet", is_flag=True, help="Print only the changes: no reasons, nothing declined, no totals.")
@click.option("-v", "--verbose", is_flag=True, help="Print the proof of every change.")
@click.version_option(__version__, message="%(prog)s %(version)s")
def command(
    paths: tuple[str, ...],
    diff: bool,
    write: bool,
    check: bool,
    context: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    review: bool | None,
    output_format: str,
    color: str,
    stdin_filename: str,
    quiet: bool,
    verbose: bool,
) -> int:
    """Rewrite Dockerfiles so that their builds stay cached, correct and small, and say why.

    PATH is a Dockerfile, a directory to search for Dockerfiles (default: the current one), or - for standard input.
    Without --write no file is changed.

    Exit code: 0 if nothing is to be changed, or all was written; 1 if there are changes; 2 after an error.
    """
    _refuse_contradictions(paths, diff=diff, write=write, check=check, quiet=quiet, verbose=verbose)
    options = Options(
        paths=paths or (".",),
        diff=diff,
        write=write,
        check=check,
        json=output_format == "json",
        color=color,
        verbosity=verbose - quiet,
        stdin_filename=stdin_filename,
        flags=_flags(select, ignore, context, review),
    )
    return Run(options)()


def _flags(
    select: tuple[str, ...], ignore: tuple[str, ...], context: str | None, review: bool | None
) -> dict[str, object]:
    """Return the settings that were given, to stand in for those of the configuration file."""
    check_names("--select", select)
    check_names("--ignore", ignore)
    flags: dict[str, object] = {}
    if select or ignore:
        # Also for --select alone: who asks for a rewrite by name means it, whatever the file ignores.
        flags["ignore"] = ignore
    if select:
        flags["select"] = select
    if context is not None:
        flags["context"] = context
    if review is not None:
        flags["review"] = review
    return flags


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
