"""bundler's settings as one command finds them: variables, ``bundle config`` in earlier commands, config files.

Facts: Bundler's documentation of ``bundle config`` and its Settings: the application's own settings (``.bundle/config``
or ``$BUNDLE_APP_CONFIG/config``) come before variables, and these before ``~/.bundle/config``. Here all sources count
together, so that what is concluded holds whichever wins.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..build.build import View
from ..build.runs import Step
from ..model import Declined

# They name no file of the project, or only what the environment's own rules look at.
_QUIET_NAMES = """
app_config auto_install bin clean console default_cli_command deployment disable_checksum_validation disable_exec_load
disable_multisource disable_shared_gems disable_version_check force_ruby_platform frozen gem.changelog gem.ci gem.coc
gem.github_username gem.linter gem.mit gem.rubocop gem.test gem_mit gemfile git.allow_insecure github.https
global_gem_cache ignore_funding_requests ignore_messages init_gems_rb jobs lockfile_checksums major_deprecations
no_prune only path path.system prefer_patch redirect retry setup_makes_kernel_gem_public silence_deprecations
silence_root_warning specific_platform ssl_verify_mode suppress_install_using_messages system_bindir timeout
trust-policy unlock_source_unlocks_spec update_requires_all_flag user_agent user_cache user_home verbose version with
without
"""
QUIET = frozenset(_QUIET_NAMES.split())
_ENTRY = re.compile(r"(?P<key>BUNDLE_\w+):\s*(?P<value>.*)")
_TRUE = frozenset({"1", "true", "t", "yes", "y"})
# Ruby's own switches that load nothing.
_RUBYOPT = re.compile(r"(?:-W\S*|--yjit\S*|--jit\S*|--enable[=-]\S+|--disable[=-]\S+|-E\S+|-K\w|\s)*")


@dataclass(frozen=True, slots=True)
class Settings:
    """All values that a setting may have, by its name; None for one that is not known."""

    values: Mapping[str, tuple[str | None, ...]]

    def on(self, name: str) -> bool:
        """Tell whether a switch is certainly on."""
        found = self.values.get(name, ())
        return bool(found) and all(value is not None and value.lower() in _TRUE for value in found)

    def maybe(self, name: str) -> bool:
        """Tell whether a switch may be on."""
        return any(value is None or value.lower() in _TRUE for value in self.values.get(name, ()))

    @property
    def frozen(self) -> bool:
        """Whether the lockfile certainly stays as it is."""
        switches = [name for name in ("frozen", "deployment") if name in self.values]
        return bool(switches) and all(self.on(name) for name in switches)


def settings(step: Step, view: View, root: str) -> Settings:
    """Return the settings of a bundler command for the project at `root`; raises Declined for unknown ones."""
    found: dict[str, list[str | None]] = {}
    for key, value in (*_variables(step), *_files(step, view, root), *_configured(step, view, root)):
        _known(key)
        found.setdefault(key, []).append(value)
    for name in ("RUBYLIB", "RUBYOPT"):
        value = step.env.get(name, "")
        if value is None or (value and not (name == "RUBYOPT" and _RUBYOPT.fullmatch(value))):
            raise Declined(f"{name} makes ruby load more than bundler")
    return Settings({key: tuple(values) for key, values in found.items()})


def _known(key: str) -> None:
    if key in QUIET:
        return
    # Credentials of a host, a mirror, and options for building a gem.
    if "." in key and not key.startswith(("local.", "plugins.", "mirror.file", "mirror.all.file")):
        return
    raise Declined(f"what bundler's setting {key} makes it read is not known")


def key_of(name: str) -> str:
    """Return the name of a setting as ``bundle config`` shows it, from a variable's or its own."""
    name = name.removeprefix("BUNDLE_") if name.startswith("BUNDLE_") else name
    return name.replace("___", "-").replace("__", ".").lower()


def _variables(step: Step) -> Iterator[tuple[str, str | None]]:
    for name, value in step.env.items():
        if name.startswith("BUNDLE_") and value != "":
            yield key_of(name), value


def app_config(step: Step, root: str) -> str | None:
    """Return the directory of the application's settings, None if it is not known."""
    given = step.env.get("BUNDLE_APP_CONFIG", "")
    return posixpath.join(root, given or ".bundle") if given is not None else None


def _files(step: Step, view: View, root: str) -> Iterator[tuple[str, str | None]]:
    own = app_config(step, root)
    if own is None:
        raise Declined("the value of BUNDLE_APP_CONFIG is not known")
    for directory in dict.fromkeys((own, posixpath.join(step.env.get("HOME") or "/root", ".bundle"))):
        if view.exists(f"{directory}/plugin"):
            raise Declined("bundler has plugins", view.place(f"{directory}/plugin"))
        path = f"{directory}/config"
        for line in (view.read(path) or "").split("\n"):
            match = _ENTRY.fullmatch(line.strip())
            if match:
                yield key_of(match["key"]), match["value"].strip().strip("\"'")
            elif line.strip() not in ("", "---"):
                raise Declined("bundler's settings are not plain", view.place(path))


def _configured(step: Step, view: View, root: str) -> Iterator[tuple[str, str | None]]:
    """Yield what earlier commands have told ``bundle config``; the value is None where it may not count here."""
    for other in view.before(step):
        change = config_change(other)
        if change is None:
            continue
        name, value, is_global = change
        local = app_config(other, other.cwd or "") == app_config(step, root)
        home = step.env.get("HOME")
        counts = home is not None and other.env.get("HOME") == home if is_global else local
        yield name, value if counts and other.top is not None and other.top.operator in ("", "&&", ";", "\n") else None


def config_change(step: Step) -> tuple[str, str | None, bool] | None:
    """Return the name, the value and whether it is for all applications, if `step` sets something."""
    words = _config_words(step)
    if words is None:
        return None
    is_global = "--global" in words
    plain = [word for word in words if word is None or not word.startswith("--")]
    verb = plain[0] if plain and plain[0] in ("set", "get", "list", "unset") else ""
    rest = plain[1:] if verb else plain
    if verb in ("get", "list") or (not verb and len(rest) < 2 and "--delete" not in words):
        return None
    name = rest[0] if rest else None
    if name is None:
        raise Declined("which setting of bundler it changes is not known")
    unset = verb == "unset" or "--delete" in words
    values = rest[1:]
    return key_of(name), None if unset or None in values else " ".join(map(str, values)), is_global


def _config_words(step: Step) -> Sequence[str | None] | None:
    if step.program not in ("bundle", "bundler") or step.words[1:2] != ("config",):
        return None
    return step.words[2:]
