"""bundler: ``bundle install`` from a plain Gemfile, with gems of the tree and vendored ones; its archives of gems.

Facts: Bundler's documentation (gemfile(5), bundle-install, bundle-config, bundle-cache) and source; runs of Bundler 2.3
in the lab against a server of gems: with ``BUNDLE_GLOBAL_GEM_CACHE`` archives are kept by server in
``$BUNDLE_USER_CACHE/gems`` and asked for once, the installed tree is the same (``$GEM_HOME/cache`` too), and extensions
that were built go to ``$BUNDLE_USER_CACHE/extensions``, from where the next install would take them whatever libraries
they were built with. So only the archives are kept.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..build.build import View
from ..build.options import arguments
from ..build.paths import inside
from ..build.runs import Step
from ..model import Declined, proved
from . import (
    CachePlace,
    CachePlan,
    Command,
    MountSpec,
    Need,
    ScriptEdit,
    Site,
    Tool,
    Write,
    cleans_nothing,
    no_clean,
    no_fetch,
)
from ._bundler_project import Project
from ._bundler_settings import QUIET, Settings, app_config, config_change, settings
from ._private_cache import directory, mounted, owner

NAME = "bundler"
IGNORE = "ruby"
TOOLS = (
    Tool(
        "bundler",
        "Ruby",
        ("Gemfile", "gems.rb"),
        ("Gemfile.lock", "gems.locked"),
        ("bundle install",),
        (
            CachePlace(
                "/tmp/.cache/bundler/gems",
                "A",
                "the archives of gems; not the extensions that it builds, which depend on the system's libraries",
                "BUNDLE_USER_CACHE",
                "locked",
            ),
            CachePlace("~/.bundle/cache", "A", "what the servers' indexes say; asked for anew", "BUNDLE_USER_CACHE"),
            CachePlace("$GEM_HOME", "C", "the gems themselves, which the program runs", "GEM_HOME"),
        ),
        "Bundler's documentation of gemfile, install and config, and its source of RubyGems sources",
        needs=(Need("bundle install", ("Gemfile", "gems.rb")),),
    ),
)
INSTALLING = re.compile(
    r"\bbundler?[ \t]+(?:-\S+[ \t]+)*(?:install|i|update)\b|(?:\bRUN|[;&|])[ \t]*(?:\\\n[ \t]*)?bundle[ \t]*(?:$|[;&|])"
)
# Settings, but for those that only say which gems, how many at once, and from whom.
CONFIGURES = re.compile(
    r"\bbundler? +config +(?:(?:set|--\S+) +)*(?:local\.|plugins|bin\b|gemfile\b|cache_path\b|cache_all\b"
    r"|system_bindir\b|app_config\b"
    r"|path +(?![\"']?(?:vendor/(?:bundle|gems)|/usr/local/bundle|/gems|/bundle)[\"']?(?:\s|;|&|$)))"
)

_SWITCH_NAMES = """
--deployment --no-deployment --frozen --no-frozen --full-index --local --prefer-local --no-cache --force --redownload
--no-prune --quiet -q --system --clean --no-clean --verbose -V --no-color --no-binstubs --dry-run --help -h --version -v
"""
_VALUED_NAMES = """
-j --jobs -r --retry --gemfile --path --without --with --shebang --trust-policy -P --target-rbconfig --only
"""
_SWITCHES = frozenset(_SWITCH_NAMES.split())
_VALUED = frozenset(_VALUED_NAMES.split())
_INSTALL = frozenset({"", "install", "i"})
_UPDATE = frozenset({"update", "add", "remove", "lock", "inject"})
_READING = frozenset({"check", "clean"})
_QUIET = frozenset({"help", "version", "--version"})


@dataclass(frozen=True, slots=True)
class _Line:
    """A bundler command line."""

    subcommand: str
    operands: tuple[str, ...]
    options: Mapping[str, str]


def _read(step: Step) -> _Line:
    found = arguments(step.words, 1, _SWITCHES, _VALUED)
    operands = [item.value for item in found if not item.option]
    options = {item.option: item.value for item in found if item.option}
    return _Line(operands[0] if operands else "", tuple(operands[1:]), options)


def _subcommand(step: Step) -> str | None:
    """Return the first operand of a bundler command ("" for none), None if `step` is not one."""
    if step.program not in ("bundle", "bundler"):
        return None
    return next((word or "?" for word in step.words[1:] if word is None or not word.startswith("-")), "")


def recognise(step: Step, view: View) -> Command | None:
    """Return what a bundler command does."""
    verb = _subcommand(step)
    if verb is None:
        return None
    installs = verb in _INSTALL and not {"--version", "-v", "--help", "-h"} & set(step.words)
    title = f"bundle {verb or 'install'}"
    try:
        if verb == "config":
            return _config(step, title)
        if verb == "exec":
            raise Declined("what it starts is a program of the project's choice")
        line = _read(step)
        if verb in _QUIET or {"--version", "-v", "--help", "-h"} & line.options.keys():
            return Command(NAME, title)
        if verb in _INSTALL | _READING:
            return _install(step, view, line, title, installs)
        if verb in _UPDATE:
            raise Declined(f"{title} changes the Gemfile or its lockfile, which a later COPY would put back")
        raise Declined(f"what {title} reads and writes depends on the project")
    except Declined as declined:
        return Command(NAME, title, installs, declined=declined, project=verb == "exec")


def _config(step: Step, title: str) -> Command:
    change = config_change(step)
    if change is None:
        return Command(NAME, title)
    name, value, is_global = change
    if name not in QUIET and not ("." in name and not name.startswith(("local.", "plugins.", "mirror."))):
        raise Declined(f"it sets {name} for later commands")
    if name in ("bin", "gemfile", "cache_path", "user_home", "user_cache", "app_config"):
        raise Declined(f"it sets {name} for later commands")
    place = app_config(step, step.cwd or "$")
    if place is None or place.startswith("$"):
        raise Declined("where bundler's settings lie is not known")
    if is_global:
        place = posixpath.join(step.env.get("HOME") or "/root", ".bundle")
    writes = [Write(place, "bundler keeps its settings", local=not is_global)]
    if name == "path":
        if value is None or step.cwd is None:
            raise Declined("where bundler is to install is not known")
        writes.append(Write(posixpath.normpath(posixpath.join(step.cwd, value)), "bundler installs"))
    return Command(NAME, title, writes=tuple(writes))


def _install(step: Step, view: View, line: _Line, title: str, installs: bool) -> Command:
    if line.operands and not {"--without", "--with", "--only"} & line.options.keys():
        raise Declined(f"{title} {line.operands[0]} is not known")
    project = _project(step, view, line)
    found = _settings(step, view, line, project)
    project.gather(found.frozen)
    writes = [*_gems(step, found, project.root), *_homes(step, project.root)]
    if installs and not found.frozen:
        writes.append(Write(project.lock, f"{title} may bring it up to date", local=False))
    elif installs:
        where = view.place(project.lock)
        project.proof.append(proved("the lockfile stays as it is", "bundler is frozen or in deployment mode", where))
    return Command(
        NAME,
        title,
        installs,
        tuple(dict.fromkeys(project.reads)),
        tuple(dict.fromkeys(writes)),
        proof=tuple(dict.fromkeys(project.proof)),
        environment=project.environment,
        strangers=installs,
    )


def _project(step: Step, view: View, line: _Line) -> Project:
    return Project.find(step.cwd, line.options.get("--gemfile", step.env.get("BUNDLE_GEMFILE", "")), view)


def _settings(step: Step, view: View, line: _Line, project: Project) -> Settings:
    """Return the settings in force, options included."""
    found = settings(step, view, project.root)
    if "gemfile" in found.values and "BUNDLE_GEMFILE" not in step.env:
        raise Declined("a setting names another Gemfile")
    if "bin" in found.values:
        raise Declined("bundler writes executables into the project")
    values = dict(found.values)
    for option in line.options:
        name = option.lstrip("-")
        if name in ("frozen", "deployment", "no-frozen", "no-deployment"):
            on = "false" if name.startswith("no-") else "true"
            values[name.removeprefix("no-")] = (*values.get(name.removeprefix("no-"), ()), on)
        elif name == "path":
            values["path"] = (*values.get("path", ()), line.options[option])
    return Settings(values)


def _gems(step: Step, found: Settings, root: str) -> Iterator[Write]:
    """Yield the directories that gems may go to, whichever of the settings wins."""
    for path in found.values.get("path", ()):
        if (
            path is None
            and "BUNDLE_PATH" in step.env
            and step.env["BUNDLE_PATH"] is None
            and len(found.values["path"]) == 1
        ):
            continue  # the ruby image's own: where GEM_HOME is, if it is set at all
        if path is None or path.startswith("~"):
            raise Declined("where bundler installs is not known")
        yield Write(posixpath.normpath(posixpath.join(root, path)), "bundler installs")
    if found.maybe("deployment"):
        yield Write(posixpath.join(root, "vendor/bundle"), "bundler installs")
    home = step.env.get("GEM_HOME", "")
    if home is None:
        raise Declined("the value of GEM_HOME is not known")
    for place in (home, "/usr/local/bundle", "/usr/local/bin", "/usr/local/lib", "/var/lib/gems"):
        if place:
            yield Write(posixpath.normpath(place), "bundler installs", local=False)


def _homes(step: Step, root: str) -> Iterator[Write]:
    own = app_config(step, root)
    if own:
        yield Write(own, "bundler keeps its settings", local=inside(own, root))
    home = step.env.get("HOME") or "/root"
    for name in (".bundle", ".gem", ".local/share/gem", ".cache/gem"):
        yield Write(posixpath.join(home, name), "bundler keeps its cache", local=False)


def cache(site: Site) -> CachePlan | None:
    """Return how an install keeps the archives of gems in a mount."""
    step = site.step
    if _subcommand(step) not in ("", "install", "i", "update"):
        return None
    line = _read(step)
    if {"--local", "--version", "-v", "--help", "-h"} & line.options.keys() or mounted(site, "bundle", "gem"):
        return None
    project = _project(step, site.view, line)
    if site.view.exists(posixpath.join(project.root, "vendor/cache")):
        return None
    for name in ("BUNDLE_USER_CACHE", "BUNDLE_GLOBAL_GEM_CACHE"):
        if step.env.get(name, "") != "":
            raise Declined(f"{name} is set already")
    if project.clones():
        premise = "gems are cloned, and a clone remembers the mirror in the cache"
        raise Declined(premise, site.view.place(project.lock))
    if step.item.pipeline.timed:
        raise Declined("`time` may be a program, which takes no variables for the one that it starts")
    _kept(site)
    who = owner(site, "bundler's cache")
    place = directory(site, "bundler")
    prefix = f"BUNDLE_GLOBAL_GEM_CACHE=true BUNDLE_USER_CACHE={place} "
    return CachePlan(
        "keep the archives of gems in a cache mount",
        "after an edit of the Gemfile only what is new is downloaded",
        (MountSpec(place, kind="tmpfs"), MountSpec(f"{place}/gems", "locked", uid=who.uid, gid=who.gid)),
        (ScriptEdit(before=step.simple.words[0].span.start, text=prefix),),
        (place, f"{place}/gems"),
        (
            *who.proof,
            proved(
                "the same gems are installed", "archives are kept by server, and copied to $GEM_HOME/cache as before"
            ),
            proved("no extension that was built against other libraries is installed", "it goes to the tmpfs"),
        ),
    )


def _kept(site: Site) -> None:
    """Decline if a command must find ~/.bundle/cache, which the install fills no more."""
    for run in (site.run, *site.later_runs):
        for step in run.steps:
            named = any(".bundle" in (word or "") for word in step.words[1:])
            if named and not (step.program == "rm" and any("f" in (word or "") for word in step.words[1:2])):
                raise Declined(f"`{step.program}` asks for bundler's directory", site.build.step_place(run, step))


cleaned = cleans_nothing
fetch = no_fetch
clean = no_clean
