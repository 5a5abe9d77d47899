"""poetry's command line: the command, its operands and options, and which variables are known.

Facts: poetry's documentation (commands, configuration) and the help of poetry 2.5; older options are in the table, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..build.options import arguments
from ..build.runs import Step
from ..model import Declined

_SWITCHES = frozenset(
    "--sync --no-root --no-directory --dry-run --all-extras --all-groups --only-root --compile -h --help -q --quiet -V"
    " --version --ansi --no-ansi -n --no-interaction --no-plugins --no-cache -v --verbose --no-dev --remove-untracked"
    " --list --unset --local --migrate --check --regenerate --no-update --without-hashes --without-urls"
    " --with-credentials --all --lock --strict --tree --latest --outdated --path --full-path -s"
    " --short".split()
)
_VALUED = frozenset("--without --with --only -E --extras -P --project -C --directory -f --format -o --output".split())
_VARIABLES = re.compile(
    r"POETRY_(?:VERSION|HOME|CACHE_DIR|CONFIG_DIR|DATA_DIR|NO_INTERACTION|VIRTUALENVS_\w+|INSTALLER_\w+|REQUESTS_\w+"
    r"|SOLVER_\w+|HTTP_BASIC_\w+|PYPI_TOKEN_\w+|REPOSITORIES_\w+|KEYRING_\w+|WARNINGS_\w+|EXPERIMENTAL_\w+|PYTHON_\w+"
    r"|SYSTEM_GIT_CLIENT|ACCEPT|UNINSTALL|PREVIEW)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A poetry command line: the command of one or two words, its operands and options."""

    verb: str
    operands: tuple[str, ...]
    options: Mapping[str, str]

    def on(self, *names: str) -> bool:
        """Tell whether one of the options is given."""
        return bool(set(names) & self.options.keys())


def _start(step: Step) -> int | None:
    if step.program == "poetry":
        return 1
    is_python = re.fullmatch(r"python(?:3(?:\.\d+)?)?", step.program or "") is not None
    return 3 if is_python and step.words[1:3] == ("-m", "poetry") else None


def verb_of(step: Step) -> str | None:
    """Return poetry's command in `step`, "" for none, None if it is not poetry's."""
    start = _start(step)
    if start is None:
        return None
    skip = False
    for word in step.words[start:]:
        if not skip and word is not None and not word.startswith("-"):
            return word
        skip = not skip and word in _VALUED
    return ""


def read_line(step: Step) -> Line:
    """Return the command line of `step`; raises Declined for an option or a variable that is not known."""
    for name, value in step.env.items():
        if name.startswith("POETRY_") and value != "" and not _VARIABLES.fullmatch(name):
            raise Declined(f"what {name} makes poetry read is not known")
    found = arguments(step.words, _start(step) or 1, _SWITCHES, _VALUED)
    operands = [item.value for item in found if not item.option]
    options = {item.option: item.value for item in found if item.option}
    size = 2 if operands[:1] in (["self"], ["env"]) else 1
    return Line(" ".join(operands[:size]), tuple(operands[size:]), options)
