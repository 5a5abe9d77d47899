"""npm's settings as one command sees them, and the files of the project that they name.

Facts: npm's documentation (config, .npmrc). Later sources win: the user's .npmrc, the project's,
``npm_config_*`` variables, options. Paths are relative to the directory that npm is started in.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import Read

_VARIABLE = re.compile(r"npm_config_(?P<name>.+)", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\\)[;#]")
_FILES = frozenset({"cafile", "certfile", "keyfile"})
_PROGRAMS = frozenset({"script-shell", "git", "node-gyp", "shell"})
_TOOLS = ("npm", "node", "npx", "git", "sh")
_SHORT = {"-C": "prefix", "-g": "global", "-L": "location", "-w": "workspace", "-f": "force"}

# Options of node that load nothing.
_HARMLESS_NODE_OPTION = re.compile(
    r"--(max[-_](old[-_]space|semi[-_]space|http[-_]header)[-_]size=.*|(no-)?(warnings|deprecation|experimental-fetch)|dns-result-order=.*"
    r"|openssl-legacy-provider|use-(openssl|system|bundled)-ca|unhandled-rejections=.*|trace-[\w-]+|stack-trace-limit=.*"
    r"|enable-source-maps|throw-deprecation|no-network-family-autoselection|experimental-vm-modules|preserve-symlinks)"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Names as in .npmrc and their values; None where a value depends on what is not known.

    `home` is the home directory, `cwd` where npm was started.
    """

    values: Mapping[str, str | None]
    home: str | None
    cwd: str | None

    def on(self, name: str, default: bool = False) -> bool:
        """Tell whether a switch is on; one whose value is not known is taken for its default."""
        value = self.values.get(name)
        return default if value is None else value in ("true", "")

    def path(self, name: str) -> str | None:
        """Return the image path that a setting names, None if it is not set; raises Declined if it is not known."""
        if name not in self.values:
            return None
        value = self.values[name]
        if value is not None and value.startswith("~/"):
            value = f"{self.home}{value[1:]}" if self.home else None
        path = join(self.cwd, value) if value else None
        if path is None:
            raise Declined(f"where npm's setting {name} points to is not known")
        return path


def load_settings(step: Step, view: View, root: str | None, options: Mapping[str, str]) -> Settings:
    """Return the settings of the npm command `step` for the project at `root` (None: the project's are not read)."""
    home = step.env.get("HOME")
    values: dict[str, str | None] = {}
    variables = {
        match["name"][0].lower() + match["name"][1:].lower().replace("_", "-"): value
        for name, value in step.env.items()
        if (match := _VARIABLE.fullmatch(name))
    }
    given = {**variables, **_from_options(options)}
    user = Settings(given, home, step.cwd).path("userconfig") or (f"{home}/.npmrc" if home else None)
    for path in (user, posixpath.join(root, ".npmrc") if root else None):
        if path:
            values.update(parse_npmrc(view.read(path) or ""))
    return Settings({**values, **given}, home, step.cwd)


def parse_npmrc(text: str) -> dict[str, str | None]:
    """Return the settings of a .npmrc; None where a value has a variable in it."""
    found: dict[str, str | None] = {}
    for line in text.split("\n"):
        key, equals, value = line.strip().partition("=")
        key = key.strip()
        if key and key[0] not in "#;[":
            value = _COMMENT.split(value)[0].strip().strip("\"'")
            found[key] = None if "${" in value else value if equals else "true"
    return found


def _from_options(options: Mapping[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for option, value in options.items():
        name = _SHORT.get(option, option.lstrip("-"))
        if name.startswith("no-"):
            found[name.removeprefix("no-")] = "true" if value == "false" else "false"
        else:
            found[name] = value or "true"
    return found


def settings_reads(settings: Settings, root: str, step: Step, view: View) -> Iterator[Read]:
    """Yield the files that npm reads because a setting or a variable names them; raises Declined."""
    for key, value in settings.values.items():
        name = key.rpartition(":")[2]
        if name in _FILES:
            path = settings.path(key)
            yield Read(str(path), f"{name} in npm's settings")
            if value and not value.startswith(("/", "~")):
                # Not every npm agrees with the documentation on what a relative path starts from.
                yield Read(posixpath.normpath(posixpath.join(root, value)), f"{name} in npm's settings")
        elif name in _PROGRAMS and (value is None or "/" in value):
            if value is None or not value.startswith("/") or view.exists(posixpath.normpath(value)):
                raise Declined(f"npm's setting {name} names a program of the project")
        elif name == "node-options":
            _check_node_options(name, value)
    _check_node_options("NODE_OPTIONS", step.env.get("NODE_OPTIONS", ""))
    if "NODE_EXTRA_CA_CERTS" in step.env:
        path = join(step.cwd, step.env["NODE_EXTRA_CA_CERTS"] or "")
        if path is None:
            raise Declined("the file that NODE_EXTRA_CA_CERTS names is not known")
        yield Read(path, "NODE_EXTRA_CA_CERTS")
    for name in ("userconfig", "globalconfig"):
        if path := settings.path(name):
            yield Read(path, f"npm's {name}")
    if settings.home:
        for file in (".npmrc", ".netrc", ".gitconfig", ".ssh"):
            yield Read(posixpath.join(settings.home, file), "npm or git reads it from the home directory")
    for directory in (step.env.get("PATH") or "").split(":"):
        if directory.startswith("/"):
            yield from (Read(posixpath.join(directory, tool), "it is in PATH") for tool in _TOOLS)


def _check_node_options(name: str, value: str | None) -> None:
    for option in ["?"] if value is None else value.split():
        if not _HARMLESS_NODE_OPTION.fullmatch(option):
            raise Declined(f"{name} may make node load a file of the project")
