"""composer: installs from composer.lock, in one step or in two around the sources; its cache.

Facts: Composer's documentation (03-cli, 06-config, articles/scripts, articles/plugins) and source (Factory, Installer,
Application); see `_composer_project` for what was run in the lab. ``--no-cache`` only makes the cache directory
``/dev/null``. Archives in the cache are kept by the package's name and reference, and checked before use.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, proved
from . import CachePlace, Command, Fetch, Need, Read, Site, Tool, Write, no_clean
from ._composer_cache import cache, cleaned
from ._composer_line import CLEAN, DOWNLOADS, INSTALL, UPDATE, Line, mode_of, read_line, start
from ._composer_plugins import QUIET, judge_plugins, judge_twice
from ._composer_project import DUMP_EVENTS, EVENTS, Mode, Project

__all__ = ["CONFIGURES", "IGNORE", "INSTALLING", "NAME", "TOOLS", "cache", "cleaned", "fetch", "recognise"]

NAME = "composer"
IGNORE = "php"
TOOLS = (
    Tool(
        "composer",
        "PHP",
        ("composer.json",),
        ("composer.lock",),
        ("composer install", "composer update", "composer global require"),
        (
            CachePlace(
                "~/.cache/composer",
                "A",
                "archives and repository data, which composer only ever fetches again; locked, for git's mirrors in it",
                "COMPOSER_CACHE_DIR",
                "locked",
            ),
            CachePlace(
                "~/.composer/cache", "A", "where it lies in an image without /etc/xdg", "COMPOSER_HOME", "locked"
            ),
        ),
        "Composer's documentation of the command line, config, scripts and plugins; Docker's guide to caches",
        needs=(Need("composer install", ("composer.json",)),),
    ),
)
INSTALLING = re.compile(r"\bcomposer(?:\.phar)?\b(?![^\n;&|]*\bglobal\b)[^\n;&|]*?\s(?:i|install|u|update|upgrade)\b")
# Settings, but for those that only name a repository or how to talk to it; global packages that may be plugins.
CONFIGURES = re.compile(
    r"\bcomposer(?:\.phar)? +(?:-\S+ +)*(?:global +(?:-\S+ +)*)?config +(?:-\S+ +)*"
    r"(?!(?:-\S+ +)*(?:github-oauth|gitlab-token|gitlab-oauth|http-basic|bearer|repos?\.\S+|repositories\.\S+"
    r"|process-timeout|secure-http|platform\.\S+|github-protocols|allow-plugins\S*|no-plugins)\b)"
    r"|\bcomposer(?:\.phar)? +(?:-\S+ +)*global +(?:-\S+ +)*(?:require|install|update)\b"
    r"(?! +(?:-\S+ +)*hirak/prestissimo\b)"
)

_DUMP = frozenset({"dump-autoload", "dumpautoload"})
_QUIET = frozenset({"", "about", "help", "list", "diagnose"})
_SELF = frozenset({"self-update", "selfupdate"})
_MANIFEST = frozenset({"validate", "show", "info", "audit", "licenses", "check-platform-reqs", "outdated"})
# Its variables that name no file; what others do is not known.
_VARIABLE_NAMES = """
COMPOSER COMPOSER_ALLOW_SUPERUSER COMPOSER_ALLOW_XDEBUG COMPOSER_AUDIT_ABANDONED COMPOSER_AUTH COMPOSER_BIN_DIR
COMPOSER_CACHE_DIR COMPOSER_DEBUG_EVENTS COMPOSER_DISABLE_NETWORK COMPOSER_DISABLE_XDEBUG_WARN COMPOSER_DISCARD_CHANGES
COMPOSER_FUND COMPOSER_HOME COMPOSER_HTACCESS_PROTECT COMPOSER_IGNORE_PLATFORM_REQ COMPOSER_IGNORE_PLATFORM_REQS
COMPOSER_IPRESOLVE COMPOSER_MAX_PARALLEL_HTTP COMPOSER_MAX_PARALLEL_PROCESSES COMPOSER_MEMORY_LIMIT
COMPOSER_MINIMAL_CHANGES COMPOSER_MIRROR_PATH_REPOS COMPOSER_NO_AUDIT COMPOSER_NO_BLOCKING COMPOSER_NO_DEV
COMPOSER_NO_INTERACTION COMPOSER_NO_SECURITY_BLOCKING COMPOSER_POOL_OPTIMIZER COMPOSER_PREFER_DEV_OVER_PRERELEASE
COMPOSER_PREFER_LOWEST COMPOSER_PREFER_STABLE COMPOSER_PROCESS_TIMEOUT COMPOSER_ROOT_VERSION COMPOSER_RUNTIME_ENV
COMPOSER_SKIP_SCRIPTS COMPOSER_VENDOR_DIR COMPOSER_VERSION
"""
_VARIABLES = frozenset(_VARIABLE_NAMES.split())


def recognise(step: Step, view: View) -> Command | None:
    """Return what a composer command does."""
    at = start(step)
    if at is None:
        return None
    installs = bool(DOWNLOADS & set(step.words[at:]))
    try:
        line = read_line(step, at)
        installs = line.subcommand in DOWNLOADS
        title = f"composer {'global ' if line.is_global else ''}{line.subcommand}".strip()
        return _command(step, view, line, title)
    except Declined as declined:
        project = not installs and not _DUMP & set(step.words[at:])
        return Command(
            NAME, "composer install" if installs else "composer", installs, declined=declined, project=project
        )


def _command(step: Step, view: View, line: Line, title: str) -> Command:
    unknown = {name for name in step.env if name.startswith("COMPOSER_")} - _VARIABLES
    if unknown:
        raise Declined(f"what {min(unknown)} makes composer read is not known")
    if line.is_global or line.has("--global", "-g"):
        return _global(step, line, title)
    if line.subcommand in _QUIET | CLEAN:
        return Command(NAME, title, reads=tuple(_settings(step)), writes=tuple(_homes(step)))
    if line.subcommand in _SELF:
        return Command(NAME, title, writes=(Write("/usr/local/bin", "composer replaces itself"), *_homes(step)))
    cwd = line.cwd(step)
    if line.subcommand in INSTALL:
        return _install(step, view, line, cwd, mode_of(step, line))
    if line.subcommand in _DUMP:
        return _dump(Project.load(cwd, view, step.env), line, title)
    if line.subcommand in _MANIFEST:
        raise Declined(f"{title} looks at what is installed")
    if line.subcommand in UPDATE | {"require", "r"}:
        raise Declined(f"{title} writes composer.lock, which a later COPY would put back")
    raise Declined(f"what {title} reads and writes depends on the project")


def _install(step: Step, view: View, line: Line, cwd: str, mode: Mode) -> Command:
    for name in ("--dry-run", "--download-only", "--no-install"):
        if line.has(name):
            raise Declined(f"{name} leaves nothing installed")
    if line.operands:
        raise Declined("composer install takes no package")
    project = Project.load(cwd, view, step.env)
    project.gather(mode)
    project.judge_scripts(mode)
    plugins = judge_plugins(project, mode)
    project.judge_autoloader(mode)
    reads = (*project.reads, *_settings(step), *_itself(step))
    writes = (*project.writes, *_homes(step))
    own = set(plugins) - QUIET
    return Command(
        NAME,
        "composer install",
        True,
        tuple(dict.fromkeys(reads)),
        tuple(dict.fromkeys(writes)),
        proof=tuple(dict.fromkeys(project.proof)),
        environment=mode.scripts and bool(own),
        strangers=bool(plugins),
    )


def _itself(step: Step) -> Iterator[Read]:
    """Yield composer's own file where it may be one of the project's; other words are looked at by the rewrite."""
    word = step.words[0] or ""
    path = join(step.cwd, word) if "/" in word else None
    if path:
        yield Read(path, "it is the program")
    for name in ("PHPRC", "PHP_INI_SCAN_DIR"):
        for value in (step.env.get(name) or "").split(":"):
            if value and (place := join(step.cwd, value)):
                yield Read(place, f"{name} names it")


def _home_paths(step: Step) -> tuple[str, ...]:
    given = step.env.get("COMPOSER_HOME", "")
    if given is None:
        raise Declined("the value of COMPOSER_HOME is not known")
    home = step.env.get("HOME") or "/root"
    return (given,) if given else (f"{home}/.composer", f"{home}/.config/composer")


def _settings(step: Step) -> Iterator[Read]:
    """Yield the files of composer's own home and of git's, which the project may bring."""
    for home in _home_paths(step):
        for name in ("config.json", "auth.json", "composer.json", "composer.lock", "vendor"):
            yield Read(posixpath.join(home, name), "composer reads it")
    for name in (".gitconfig", ".git-credentials", ".netrc", ".ssh"):
        yield Read(f"{step.env.get('HOME') or '/root'}/{name}", "git reads it for composer")


def _homes(step: Step) -> Iterator[Write]:
    home = step.env.get("HOME") or "/root"
    moved = step.env.get("COMPOSER_CACHE_DIR")
    caches = [moved] if moved and moved.startswith("/") and moved != "/dev/null" else []
    for path in (*(f"{place}/cache" for place in _home_paths(step)), f"{home}/.cache/composer", *caches):
        yield Write(path, "composer keeps its cache", local=False)
    for path in _home_paths(step):
        yield Write(f"{path}/.htaccess", "composer protects its home", local=False)


def _global(step: Step, line: Line, title: str) -> Command:
    if line.subcommand == "config":
        writes = [
            Write(f"{path}/{name}", "its settings")
            for path in _home_paths(step)
            for name in ("config.json", "auth.json")
        ]
        return Command(NAME, title, reads=tuple(_settings(step)), writes=(*writes, *_homes(step)))
    if line.subcommand not in ("require", "install", "update"):
        raise Declined(f"what {title} does depends on what is installed")
    writes = [
        Write(f"{path}/{name}", "global packages", local=False)
        for path in _home_paths(step)
        for name in ("composer.json", "composer.lock", "vendor")
    ]
    return Command(NAME, title, True, tuple(_settings(step)), (*writes, *_homes(step)), strangers=True)


def _dump(project: Project, line: Line, title: str) -> Command:
    """Return the effect of a dump of the autoloader, which lists classes of the sources if it is optimised."""
    scripts = project.table("scripts")
    event = next((event for event in DUMP_EVENTS if scripts.get(event) and not line.has("--no-scripts")), None)
    premise = f"the {event} script runs" if event else "it reads the sources and all that is installed"
    return Command(
        NAME, title, declined=Declined(premise, project.place(event or "autoload")), project=event is not None
    )


def fetch(site: Site) -> Fetch | None:
    """Return the install without scripts and autoloader that can stand before the sources, where the whole cannot."""
    step = site.step
    at = start(step)
    found = recognise(step, site.view)
    if at is None or found is None or not found.install or not found.declined:
        return None
    line = read_line(step, at)
    if line.subcommand not in INSTALL or line.is_global:
        return None
    mode = replace(mode_of(step, line), scripts=False, autoloader=False, optimised=False, again=True)
    command = _install(step, site.view, line, line.cwd(step), mode)
    project = Project.load(line.cwd(step), site.view, step.env)
    judge_twice(project, judge_plugins(project, mode))
    if not line.has("--no-scripts"):
        _only_behind(project)
    _not_changed(site)
    return Fetch(
        found.title,
        _bare(site, at),
        "an edit of a source file no longer installs the packages again",
        command.reads,
        tuple(write for write in command.writes if write.local),
        (*command.proof, *project.proof, proved("the install below finds every package in place", "composer.lock")),
        exact=True,
    )


def _only_behind(project: Project) -> None:
    """Decline if a script runs before the packages are installed, or with each of them."""
    for event in EVENTS:
        if event != "post-install-cmd" and project.table("scripts").get(event):
            raise Declined(f"the {event} script would find the packages in place", project.place(event))


def _not_changed(site: Site) -> None:
    """Decline if a composer command before it may change what is installed."""
    for other in site.view.before(site.step):
        command = recognise(other, site.view)
        if command and command.declined and not _DUMP & set(other.words):
            raise Declined(f"an earlier {command.title} may change the project")


_DUMPING = frozenset(
    "-o -a --optimize-autoloader --classmap-authoritative --apcu-autoloader --strict-psr-autoloader --audit".split()
)


def _bare(site: Site, at: int) -> str:
    """Return the text of the install without scripts, and without what is for the autoloader."""
    simple = site.step.simple
    first = simple.assignments[0].span.start if simple.assignments else simple.words[0].span.start
    words = [site.run.text.text[first : simple.words[0].span.start] + simple.words[0].raw]
    skip = False
    for index, (word, value) in enumerate(zip(simple.words, site.step.words, strict=True)):
        ours = index >= at and value is not None and (value in _DUMPING or value.startswith("--apcu-autoloader-prefix"))
        if index and not skip and not ours:
            words.append(_letters(word.raw))
        skip = value == "--apcu-autoloader-prefix"
    return " ".join(filter(None, [*words, *_missing(site.step)]))


def _letters(raw: str) -> str:
    """Take the letters of -o and -a out of short options that stand together (``-no``)."""
    if not re.fullmatch(r"-[a-zA-Z]{2,}", raw):
        return raw
    return re.sub(r"[oa]", "", raw).rstrip("-")


def _missing(step: Step) -> Iterator[str]:
    yield from (option for option in ("--no-scripts", "--no-autoloader") if option not in step.words)


clean = no_clean
