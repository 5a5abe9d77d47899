"""composer's command line: its options, and how an install is asked for by them and by the environment."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..build.options import arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from ._composer_project import Mode

_GLOBAL_SWITCHES = "-h -q -V -n -v --help --quiet --silent --version --verbose --ansi --no-ansi --no-interaction"
_SWITCH_NAMES = f"""
{_GLOBAL_SWITCHES} --profile --no-plugins --no-scripts --no-cache --prefer-source --prefer-dist --dry-run
--download-only --dev --no-suggest --no-dev --no-security-blocking --no-blocking --no-autoloader --no-progress
--no-install --audit --no-audit -o -a --optimize-autoloader --classmap-authoritative --optimize --apcu-autoloader --apcu
--strict-psr-autoloader --strict-psr --strict-ambiguous --ignore-platform-reqs --lock --gc --strict --no-check-all
--no-check-publish --no-check-version --no-check-lock --with-dependencies --with-all-dependencies -W -w --global -g
--unset --list -l --auth --json --no-update --sort-packages --update-no-dev --prefer-stable --prefer-lowest
--locked --direct -D --2 --1 --stable --clean-backups --all
"""
_VALUED_NAMES = """
-d --working-dir --prefer-install --audit-format --apcu-autoloader-prefix --apcu-prefix --ignore-platform-req --format
-f
"""
_SWITCHES = frozenset(_SWITCH_NAMES.split())
_VALUED = frozenset(_VALUED_NAMES.split())
INSTALL = frozenset({"install", "i"})
UPDATE = frozenset({"update", "u", "upgrade"})
DOWNLOADS = frozenset({*INSTALL, *UPDATE, "require", "r", "create-project", "reinstall"})
CLEAN = frozenset({"clear-cache", "clearcache", "cc"})


@dataclass(frozen=True, slots=True)
class Line:
    """A composer command line; `options` are as they were given."""

    is_global: bool
    subcommand: str
    operands: tuple[str, ...]
    options: Mapping[str, str]

    def cwd(self, step: Step) -> str:
        """Return the directory that composer runs in; raises Declined if it is not known."""
        found = join(step.cwd, self.options.get("-d", self.options.get("--working-dir", ".")))
        if found is None:
            raise Declined("the directory that composer runs in is not known")
        return found

    def has(self, *names: str) -> bool:
        """Tell whether one of the options was given."""
        return any(name in self.options for name in names)


def start(step: Step) -> int | None:
    """Return the index of composer's first argument, None if `step` does not run composer."""
    if step.program in ("composer", "composer.phar"):
        return 1
    if not re.fullmatch(r"php\d*(?:\.\d+)?", step.program or ""):
        return None
    index = 1
    while index < len(step.words) and (word := step.words[index]) is not None and word.startswith("-d"):
        index += 1 if len(word) > 2 else 2
    word = step.words[index] if index < len(step.words) else None
    return index + 1 if word and posixpath.basename(word) in ("composer", "composer.phar") else None


def read_line(step: Step, at: int) -> Line:
    """Return the command line of `step`, whose composer begins at word `at`; raises Declined for unknown options."""
    found = arguments(step.words, at, _SWITCHES, _VALUED)
    operands = [item.value for item in found if not item.option]
    is_global = operands[:1] == ["global"]
    operands = operands[1:] if is_global else operands
    options = {item.option: item.value for item in found if item.option}
    return Line(is_global, operands[0] if operands else "", tuple(operands[1:]), options)


def mode_of(step: Step, line: Line) -> Mode:
    """Return how an install is asked for."""
    without_dev = step.env.get("COMPOSER_NO_DEV", "0")
    dev: bool | None = not line.has("--no-dev") and (None if without_dev is None else without_dev in ("0", "", "false"))
    optimised = line.has("-o", "-a", "--optimize-autoloader", "--classmap-authoritative", "--strict-psr-autoloader")
    return Mode(
        dev, not line.has("--no-scripts"), not line.has("--no-plugins"), not line.has("--no-autoloader"), optimised
    )
