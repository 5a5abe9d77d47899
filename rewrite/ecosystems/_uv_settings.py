"""uv's command line and its variables: which of them make it read or write other files.

Facts: uv's reference (commands, environment variables) and the help of uv 0.13. A command line is uv's own options,
a command of one or two words, and that command's options. All commands share one table; where a letter means something
else to one of them (``uv venv -c``), that command does not take it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..build.build import View
from ..build.options import Argument, arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined
from . import Read
from ._requirements import is_remote

_SWITCHES = frozenset(
    "-q -v -n -h -V -U --quiet --verbose --no-cache --no-cache-dir --help --version --upgrade --all-extras --no-dev"
    " --dev --only-dev --no-default-groups --all-groups --no-editable --inexact --exact --active --no-install-project"
    " --no-install-workspace --no-install-local --locked --frozen --dry-run --all-packages --check --no-index"
    " --no-sources --reinstall --compile-bytecode --compile --no-build-isolation --no-build --no-binary --refresh"
    " --managed-python --no-managed-python --no-python-downloads --allow-python-downloads --system-certs --native-tls"
    " --offline --no-progress --no-config --preview --no-preview --no-deps --require-hashes --no-verify-hashes"
    " --require-build-hashes --no-require-build-hashes --system --break-system-packages --no-break-system-packages"
    " --strict --user --allow-empty-requirements --no-strip-extras --no-strip-markers --no-annotate --no-header"
    " --generate-hashes --universal --emit-index-url --emit-find-links --emit-build-options --emit-index-annotation"
    " --no-hashes --no-emit-project --no-emit-workspace --no-emit-local --check-exists --no-project --no-workspace"
    " --seed --clear --force --allow-existing --system-site-packages --relocatable --no-bin --default --lfs"
    " --no-env-file --pre".split()
)
_VALUED = frozenset(
    "-i -f -P -C -p -r -e -c -b -t -o -w --extra --output-format --no-extra --group --no-group --only-group"
    " --no-editable-package --no-install-package --package --script --python-platform --index --default-index"
    " --index-url --extra-index-url --find-links --index-strategy --keyring-provider --upgrade-package --upgrade-group"
    " --resolution --prerelease --prerelease-package --fork-strategy --exclude-newer --exclude-newer-package"
    " --no-sources-package --reinstall-package --link-mode --config-setting --config-settings --config-settings-package"
    " --no-build-isolation-package --no-build-package --no-binary-package --cache-dir --refresh-package --python"
    " --python-preference --python-fetch --color --allow-insecure-host --trusted-host --directory --project"
    " --config-file --preview-features --requirement --requirements --editable --constraint --constraints --override"
    " --overrides --excludes --build-constraint --build-constraints --cert --target --prefix --only-binary"
    " --python-version --torch-backend --output-file --format --annotation-style --custom-compile-command"
    " --no-emit-package --prune --prompt --install-dir --mirror --pypy-mirror --with --with-requirements"
    " --with-editable --with-executables-from --env-file".split()
)
_SPELLINGS = {"-n": "--no-cache", "--no-cache-dir": "--no-cache", "-U": "--upgrade", "-P": "--upgrade-package"}

# Variables that change what is resolved, downloaded or shown, and name no file.
_HARMLESS = re.compile(
    r"UV_(?:COMPILE_BYTECODE|LINK_MODE|NO_CACHE|CACHE_DIR|PYTHON|PYTHON_(?:DOWNLOADS|PREFERENCE|INSTALL_DIR|BIN_DIR"
    r"|INSTALL_MIRROR|CACHE_DIR)|PYPY_INSTALL_MIRROR|HTTP_\w+|REQUEST_TIMEOUT|CONCURRENT_\w+|NO_PROGRESS|NATIVE_TLS"
    r"|SYSTEM_CERTS|INSECURE_HOST|BREAK_SYSTEM_PACKAGES|SYSTEM_PYTHON|NO_DEV|NO_GROUP|NO_DEFAULT_GROUPS|FROZEN|LOCKED"
    r"|NO_SYNC|NO_EDITABLE|OFFLINE|PRERELEASE|RESOLUTION|FORK_STRATEGY|INDEX_STRATEGY|KEYRING_PROVIDER|EXCLUDE_NEWER"
    r"|VERSION|TORCH_BACKEND|NO_BINARY|NO_BINARY_PACKAGE|NO_BUILD|NO_BUILD_PACKAGE|PREVIEW|PREVIEW_FEATURES"
    r"|REQUIRE_HASHES|NO_VERIFY_HASHES|STACK_SIZE|MANAGED_PYTHON|NO_MANAGED_PYTHON|NO_PYTHON_DOWNLOADS|NO_CONFIG"
    r"|NO_ENV_FILE|ENV_FILE|INSTALL_DIR|UNMANAGED_INSTALL|NO_MODIFY_PATH|DISABLE_UPDATE|VENV_SEED|VENV_CLEAR|GITHUB_TOKEN"
    r"|NO_SOURCES|TOOL_DIR|TOOL_BIN_DIR|PROJECT_ENVIRONMENT|INDEX_\w+_(?:USERNAME|PASSWORD)|PUBLISH_\w+)"
)
_INDEXES = {
    "UV_INDEX": "--index",
    "UV_DEFAULT_INDEX": "--default-index",
    "UV_INDEX_URL": "--index-url",
    "UV_EXTRA_INDEX_URL": "--extra-index-url",
    "UV_FIND_LINKS": "--find-links",
}
_LOCATORS = frozenset({"-i", "-f", *_INDEXES.values()})


@dataclass(frozen=True, slots=True)
class Line:
    """A uv command line: `verb` is the command (``pip install``), `options` stand in their order."""

    verb: str
    operands: tuple[str, ...]
    options: tuple[Argument, ...]

    def on(self, *names: str) -> bool:
        """Tell whether one of the options is given."""
        return any(item.option in names for item in self.options)

    def values(self, *names: str) -> list[str]:
        """Return the values of the options called `names`."""
        return [item.value for item in self.options if item.option in names]


def verb_of(step: Step) -> str | None:
    """Return which command of uv `step` is, None if it is none of uv's; "" if that cannot be told."""
    words = list(step.words)
    if step.program == "uvx":
        return "tool run"
    start = _start(step)
    if start is None:
        return None
    found: list[str] = []
    skip = False
    for word in words[start:]:
        if skip:
            skip = False
        elif word is None or (word.startswith("-") and found):
            break
        elif word.startswith("-"):
            skip = word in _VALUED
        else:
            found.append(word)
            if found[0] not in ("pip", "tool", "python", "cache", "self", "auth", "workspace") or len(found) == 2:
                break
    return " ".join(found)


def _start(step: Step) -> int | None:
    if step.program == "uv":
        return 1
    is_python = re.fullmatch(r"python(?:3(?:\.\d+)?)?", step.program or "") is not None
    return 3 if is_python and step.words[1:3] == ("-m", "uv") else None


def read_line(step: Step, verb: str) -> Line:
    """Return the command line of `step`, whose command is `verb`; raises Declined for what is not known."""
    found = arguments(step.words, _start(step) or 1, _SWITCHES, _VALUED)
    operands = [item.value for item in found if not item.option]
    options = [
        Argument(_SPELLINGS.get(item.option, item.option), item.value, item.index) for item in found if item.option
    ]
    return Line(verb, tuple(operands[len(verb.split()) :]), tuple(options))


def switched(step: Step, line: Line, option: str, variable: str) -> bool:
    """Tell whether a switch is on, by its option or its variable; raises Declined if that is not known."""
    value = step.env.get(variable, "")
    if value is None and not line.on(option):
        raise Declined(f"{variable} is set to a value that is not known")
    return line.on(option) or (value or "").lower() in ("1", "true", "yes", "on", "y", "t")


def start_directory(step: Step, line: Line) -> str:
    """Return the image path that uv starts from; raises Declined."""
    directory = step.cwd
    for value in line.values("--directory", "--project"):
        directory = join(directory, value)
    if directory is None:
        raise Declined("the directory that uv runs in is not known")
    return directory


def check(step: Step, line: Line) -> None:
    """Raise Declined for a variable or an option that may lead uv to files that are not listed."""
    for name, value in step.env.items():
        if name in _INDEXES:
            _remote(name, value)
        elif name.startswith("UV_") and name != "UV_CONFIG_FILE" and not _HARMLESS.fullmatch(name) and value != "":
            raise Declined(f"what {name} makes uv read is not known")
    for item in line.options:
        if item.option in _LOCATORS:
            _remote(item.option, item.value)


def _remote(name: str, value: str | None) -> None:
    if value is None:
        raise Declined(f"{name} is set to a value that is not known")
    for part in value.replace(",", " ").split():
        # An index may have a name: ours=https://example.org/simple
        if not is_remote(re.sub(r"\A[A-Za-z0-9_.-]+=", "", part)):
            raise Declined(f"{name} looks for packages in {part}")


def configuration(step: Step, line: Line, view: View) -> Iterator[Read]:
    """Yield the settings that uv reads besides the project's; raises Declined."""
    given = [*line.values("--config-file"), *line.values("--cert", "--env-file")]
    given += [step.env["UV_CONFIG_FILE"] or ""] if "UV_CONFIG_FILE" in step.env else []
    for value in given:
        path = join(step.cwd, value) if value else None
        if path is None:
            raise Declined("where uv's configuration lies is not known")
        yield Read(path, "uv's settings")
    for path in ("/etc/uv/uv.toml", "/etc/xdg/uv/uv.toml", *_user_files(step)):
        if view.exists(path):
            raise Declined("a COPY brings settings of uv that are not followed", view.place(path))


def _user_files(step: Step) -> Iterator[str]:
    if step.env.get("HOME"):
        yield posixpath.join(step.env["HOME"] or "", ".config/uv/uv.toml")
    if step.env.get("XDG_CONFIG_HOME"):
        yield posixpath.join(step.env["XDG_CONFIG_HOME"] or "", "uv/uv.toml")
