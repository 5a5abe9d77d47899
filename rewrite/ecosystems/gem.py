"""gem: installs of single gems, bundler for one, into the system or the image's GEM_HOME.

Facts: RubyGems' documentation (command reference) and source: ``gem install NAME`` also takes a ``.gem`` file of that
name in the working directory; every archive is copied to ``$GEM_HOME/cache``, which ``gem pristine`` reads.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.build import View
from ..build.options import UnknownOption, arguments
from ..build.runs import Step
from ..model import Declined, assumed, proved
from . import Command, Tool, Write, cleans_nothing, no_cache, no_clean, no_fetch

NAME = "gem"
IGNORE = "ruby"
TOOLS = (Tool("gem", "Ruby", (), (), ("gem install",), (), "RubyGems' command reference"),)
INSTALLING = re.compile(r"(?!)")  # it brings tools, not what a project depends on
CONFIGURES = re.compile(r"\bgemrc\b")

_SWITCHES = frozenset(
    "-N --no-document --no-doc --no-ri --no-rdoc --conservative -f --force --no-force --user-install --no-user-install"
    " -q --quiet --silent --verbose -V --no-verbose --no-update-sources --clear-sources --default --pre --prerelease"
    " --minimal-deps --no-post-install-message --no-wrappers --wrappers -E --env-shebang --remote -r --no-suggestions"
    " --system --no-lock --development --explain -a --all -x --executables -I --ignore-dependencies --norc".split()
)
_VALUED = frozenset(
    "-v --version -i --install-dir -n --bindir -s --source -p --http-proxy --platform --document".split()
)
_QUIET = frozenset(
    {"", "env", "environment", "list", "which", "help", "search", "outdated", "info", "contents", "query"}
)
_HOMES = (".gem", ".local/share/gem", ".cache/gem")
# Their install scripts look at no project.
_KNOWN = frozenset("bundler rake foreman rails puma nokogiri mysql2 pg sass compass jekyll fpm cocoapods".split())


def recognise(step: Step, view: View) -> Command | None:
    """Return what a gem command does."""
    if step.program != "gem":
        return None
    installs = bool({"install", "i", "update"} & set(step.words))
    try:
        return _command(step, view)
    except UnknownOption as error:
        return Command(NAME, "gem", installs, declined=error)
    except Declined as declined:
        return Command(NAME, "gem", installs, declined=declined)


def _command(step: Step, view: View) -> Command:
    found = arguments(list(_words(step)), 1, _SWITCHES, _VALUED)
    operands = [item.value for item in found if not item.option]
    options = {item.option: item.value for item in found if item.option}
    verb, names = (operands[0] if operands else ""), operands[1:]
    if verb in _QUIET:
        return Command(NAME, f"gem {verb}".strip())
    if verb == "update" and (names or "--system" not in options):
        raise Declined("gem update changes gems that are not named")
    if verb not in ("install", "i", "update", "uninstall", "cleanup", "sources", "source"):
        raise Declined(f"what gem {verb} reads and writes is not known")
    if verb in ("install", "i"):
        _named(names, view)
    claim = "no install script of a gem reads the project"
    unknown = [name for name in names if name.partition(":")[0] not in _KNOWN]
    proof = assumed(claim, f"what {', '.join(unknown)} does is not known") if unknown else proved(claim, "known gems")
    installs = verb in ("install", "i", "update")
    writes = tuple(_writes(step, options))
    return Command(NAME, f"gem {verb}", installs, (), writes, proof=(proof,) if installs else (), strangers=installs)


def _words(step: Step) -> Iterator[str | None]:
    """Yield the words; a version that a command finds out (``bundler:$(…)``, ``-v "$(…)"``) stands as ``?``."""
    before: str | None = ""
    for value, word in zip(step.words, step.simple.words, strict=True):
        is_version = before in ("-v", "--version") or re.match(r"[\"']?[a-z][\w-]*:", word.raw)
        yield "?" if value is None and is_version else value
        before = value


def _named(names: Sequence[str], view: View) -> None:
    if not names:
        raise Declined("gem install reads a Gemfile of the tree")
    for name in names:
        if not re.fullmatch(r"[A-Za-z][\w-]*(?::\S*)?", name) or name.endswith(".gem"):
            raise Declined(f"gem install {name} installs from the tree")
    archive = next((entry.path for entry in view.context.files() if entry.path.endswith(".gem")), None)
    if archive:
        raise Declined(f"gem install may take {archive} instead")


def _writes(step: Step, options: dict[str, str]) -> Iterator[Write]:
    given = [options[name] for name in ("-i", "--install-dir", "-n", "--bindir") if name in options]
    home = step.env.get("GEM_HOME", "")
    if home is None or any(not path.startswith("/") for path in given):
        raise Declined("where gem installs is not known")
    places = ("/usr/local/bundle", "/usr/local/bin", "/usr/local/lib", "/var/lib/gems", "/usr/lib/ruby")
    for path in (*([home] if home else []), *given, *places):
        yield Write(posixpath.normpath(path), "gem installs", local=False)
    user = step.env.get("HOME") or "/root"
    for name in _HOMES:
        yield Write(posixpath.join(user, name), "gem keeps its cache", local=False)


cache = no_cache
cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
