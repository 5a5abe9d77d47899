"""Where pip gets options from besides its command line, what it reads unasked, and where it installs to.

Facts: pip's documentation (configuration) and source: every long option can be a ``PIP_*`` variable or a key
of a configuration file, empty values count as unset, and values of repeatable options are split at blanks.
"""

from __future__ import annotations

import configparser
import posixpath
from collections.abc import Iterator

from ..build.build import View
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, assumed
from . import Read, Write
from ._requirements import KINDS, Reader

# Options whose value is a place that pip writes to.
PLACES = {
    "-t": "--target", "-w": "--wheel-dir", "-d": "--dest", "-b": "--build", **{
        option: option for option in
        "--target --prefix --root --src --source --source-dir --source-directory --wheel-dir --dest --destination-dir"
        " --destination-directory --build --build-dir --build-directory --log --log-file --local-log --report".split()
    },
}  # fmt: skip
_SYSTEM_BIN = ("/bin", "/usr/bin", "/usr/local/bin")
_HOME_FILES = (".netrc", ".gitconfig", ".ssh", ".pydistutils.cfg", ".config/git")


def environment(step: Step, reader: Reader) -> Iterator[tuple[str, str]]:
    """Yield the options that ``PIP_*`` variables give."""
    for name, value in step.env.items():
        option = "--" + name.removeprefix("PIP_").lower().replace("_", "-")
        if not name.startswith("PIP_") or option not in (*KINDS, *PLACES, "--python"):
            continue
        if value is None and KINDS.get(option) == "index":
            reader.proof.append(assumed(f"{name} names a server", "it is set to a value that is not known"))
        elif value is None:
            raise Declined(f"{name} is set to a value that is not known")
        else:
            for part in value.split():
                yield option, part


def _config_paths(step: Step) -> Iterator[str]:
    yield from ("/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/usr/local/pip.conf", "/usr/pip.conf")
    for home in homes(step):
        yield from (posixpath.join(home, ".pip/pip.conf"), posixpath.join(home, ".config/pip/pip.conf"))
    for name, tail in (("PIP_CONFIG_FILE", ""), ("XDG_CONFIG_HOME", "pip/pip.conf"), ("VIRTUAL_ENV", "pip.conf")):
        value = step.env.get(name, "")
        path = join(step.cwd, posixpath.join(value, tail)) if value else None
        if value is None or (value and path is None):
            raise Declined(f"{name} is set to a value that is not known")
        if path:
            yield path


def configuration(step: Step, view: View) -> Iterator[tuple[str, str]]:
    """Yield the options that the project's own pip.conf gives, if a COPY puts one where pip looks."""
    for path in _config_paths(step):
        text = view.read(path)
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text or "")
        except configparser.Error:
            raise Declined("pip's configuration cannot be read", view.place(path)) from None
        for section in parser.sections():
            for key, value in parser.items(section):
                option = "--" + key.replace("_", "-")
                if option in (*KINDS, *PLACES):
                    yield from ((option, part) for part in value.split())


def settings(step: Step, view: View) -> Iterator[Read]:
    """Yield the files that pip, and git under it, read without being told to; declines code that Python starts with."""
    for path in _config_paths(step):
        yield Read(path, "pip's configuration")
    # The home of an unknown user may be any directory that a COPY fills.
    copied = [mapping.destination for copy in view.copies for mapping in copy.mappings if mapping.is_dir]
    for home in homes(step) or copied:
        for name in _HOME_FILES:
            yield Read(posixpath.join(home, name), "pip or git reads it from the home directory")
    for entry in (step.env.get("PYTHONPATH") or "").split(":"):
        directory = join(step.cwd, entry) if entry else None
        for name in ("sitecustomize.py", "usercustomize.py"):
            if directory and view.exists(posixpath.join(directory, name)):
                raise Declined(f"Python runs {name} of PYTHONPATH", view.place(posixpath.join(directory, name)))


def homes(step: Step) -> list[str]:
    """Return HOME, if it is known."""
    home = step.env.get("HOME")
    return [home] if home else []


def prefixes(step: Step, view: View) -> Iterator[Write]:
    """Yield where pip installs: the interpreter's prefix, an environment named by the program, PATH or VIRTUAL_ENV."""
    for path in ("/usr/local", "/usr/lib", "/usr/bin"):
        yield Write(path, "pip's prefix")
    program = step.words[0] or ""
    if "/" not in program and step.env.get("PATH", "") is None:
        raise Declined("PATH is set to a value that is not known")
    entries = [posixpath.dirname(program)] if "/" in program else (step.env.get("PATH") or "").split(":")
    for directory in (join(step.cwd, entry) for entry in entries if entry):
        if directory and directory.endswith("/bin") and directory not in _SYSTEM_BIN and _holds_python(directory, view):
            yield Write(posixpath.dirname(directory), "the environment that pip installs into")
    for name in ("VIRTUAL_ENV", "PYTHONUSERBASE", "PIP_CACHE_DIR", "XDG_CACHE_HOME"):
        value = step.env.get(name)
        place = join(step.cwd, value) if value else None
        if place:
            yield Write(place, name)
    for home in homes(step):
        for folder in (".local", ".cache"):
            yield Write(posixpath.join(home, folder), "pip's user directory", local=False)


def _holds_python(directory: str, view: View) -> bool:
    """Tell whether a ``bin`` may be an environment's; one that the project brings without a Python is its own."""
    names = (posixpath.join(directory, name) for name in ("python", "python3", "pip", "../pyvenv.cfg"))
    return not view.is_dir(directory) or any(view.exists(posixpath.normpath(name)) for name in names)
