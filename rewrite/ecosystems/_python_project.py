"""What building a Python project from the tree reads and leaves behind: pyproject.toml, setup.cfg, setup.py, back ends.

All of the project's directory counts as read. Beyond it a build reaches by paths that climb, by local
dependencies, by git, by ignore files above it, and by code of the project or of a plugin; what is
declined here is what cannot be followed. Facts: the back ends' documentation and sources.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..build.build import View
from ..model import Declined, Place
from . import Read
from ._members import above

_LEGACY = "setuptools.build_meta:__legacy__"
_SETUPTOOLS = ("build", "**/*.egg-info")


@dataclass(frozen=True, slots=True)
class _BackEnd:
    """A build back end: its table in pyproject.toml, what it leaves in the project, files that are code to it."""

    table: tuple[str, ...]
    outputs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()


_BACK_ENDS = {
    "setuptools.build_meta": _BackEnd(("setuptools",), _SETUPTOOLS),
    _LEGACY: _BackEnd(("setuptools",), _SETUPTOOLS),
    "hatchling.build": _BackEnd(("hatch",), code=("hatch.toml",)),
    "flit_core.buildapi": _BackEnd(("flit",)),
    "poetry.core.masonry.api": _BackEnd(("poetry",)),
    "pdm.backend": _BackEnd(("pdm",), code=("pdm_build.py",)),
    "uv_build": _BackEnd(("uv", "build-backend")),
}
# Packages that a build may ask for and that read nothing on their own.
_REQUIRES = frozenset(
    "setuptools wheel hatchling flit-core poetry-core pdm-backend uv-build packaging tomli numpy oldest-supported-numpy"
    " pybind11 pip".split()
)
_ASK_GIT = re.compile(
    r"\b(?:setuptools[-_](?:scm|git|git-versioning|vcs-version)|hatch[-_]vcs|versioneer|versioningit|pbr|flit[-_]scm|dunamai"
    r"|poetry[-_]dynamic[-_]versioning|uv[-_]dynamic[-_]versioning|vcversioner|miniver|git describe)\b"
)
_OUTSIDE = "it names a path outside of the project"
_LOCAL_DEPENDENCY = re.compile(r"@\s*file:|\{root|\$\{PROJECT_ROOT")
# Keys of a back end's table whose value makes it run code, ask git, or read the environment.
_CODE_KEYS = frozenset({"hooks", "hook", "custom-hook", "run-setuptools", "script", "ext-modules"})
_CODE_SOURCES = frozenset({"code", "env", "vcs", "scm", "call"})


def canonical(name: str) -> str:
    """Return a distribution's name in the form that lockfiles use."""
    return re.sub(r"[-_.]+", "-", name).lower()


def load_toml(path: str, view: View) -> Mapping[str, Any] | None:
    """Return the TOML file at an image path, None where no COPY brings it; raises Declined if it cannot be read."""
    text = view.read(path)
    if text is None and view.exists(path):
        raise Declined(f"{path} is no longer as it was copied", view.place(path))
    try:
        # A lockfile takes longer to parse than all else, and each command of its tool asks for it.
        return None if text is None else view.context.once((tomllib, text), lambda: tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Declined(f"it cannot be read: {error}", view.place(path)) from None


def find_pyproject(start: str, view: View) -> tuple[str, Mapping[str, Any]]:
    """Return the nearest directory at or above an image path with a pyproject.toml, and that; raises Declined."""
    for directory in (start, *above(start)):
        data = load_toml(posixpath.join(directory, "pyproject.toml"), view)
        if data is not None:
            return directory, data
    raise Declined(f"{start} holds no pyproject.toml of the build context")


def project_reads(directory: str, view: View, editable: bool) -> tuple[list[Read], tuple[str, ...]]:
    """Return what installing the project at the image path `directory` reads, and what it leaves there.

    Raises Declined where that cannot be listed.
    """
    texts = {name: view.read(posixpath.join(directory, name)) for name in ("pyproject.toml", "setup.py", "setup.cfg")}
    if texts["pyproject.toml"] is None and texts["setup.py"] is None:
        raise Declined(f"{directory} holds neither pyproject.toml nor setup.py in the build context")
    for name, text in texts.items():
        _search(_ASK_GIT, text, directory, name, view, "its version comes from git ({}), whose data is not copied")
        _search(_LOCAL_DEPENDENCY, text, directory, name, view, "a dependency of it is a local path")
    _search(re.compile(r"(?<![.\w])\.\.(?=[/\\])"), texts["setup.cfg"], directory, "setup.cfg", view, _OUTSIDE)
    reads = [Read(directory, "the project's own directory", required=True)]
    back_end = _back_end(texts["pyproject.toml"], directory, view)
    if back_end.table == ("setuptools",) and texts["setup.py"] is not None:
        if editable and "ext_modules" in texts["setup.py"]:
            raise Declined("it builds extensions in place", view.place(posixpath.join(directory, "setup.py")))
        reads += _setup_reads(directory, "setup.py", view)
    reads += _above(back_end, directory, view)
    _listed_dependencies(directory, view)
    return reads, tuple(posixpath.join(directory, name) for name in back_end.outputs)


def _search(pattern: re.Pattern[str], text: str | None, directory: str, name: str, view: View, premise: str) -> None:
    match = pattern.search(text or "")
    if match and text:
        line = text.count("\n", 0, match.start()) + 1
        raise Declined(premise.format(match[0]), view.place(posixpath.join(directory, name), line))


def _back_end(text: str | None, directory: str, view: View) -> _BackEnd:
    """Return the back end of a project, once its tables have been found to lead nowhere else."""
    if text is None:
        return _BACK_ENDS[_LEGACY]
    place = view.place(posixpath.join(directory, "pyproject.toml"))
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Declined(f"it cannot be read: {error}", place) from None
    system = table(data, "build-system")
    if system.get("backend-path"):
        raise Declined("its build back end is part of the project", place)
    name = str(system.get("build-backend", _LEGACY))
    if name not in _BACK_ENDS:
        raise Declined(f"what the build back end {name} reads is not known", place)
    for requirement in system.get("requires", ()):
        package = re.split(r"[^A-Za-z0-9._-]", str(requirement).strip(), maxsplit=1)[0]
        if canonical(package) not in _REQUIRES:
            raise Declined(f"what its build requirement {package} reads is not known", place)
    back_end = _BACK_ENDS[name]
    for code in back_end.code:
        if view.exists(posixpath.join(directory, code)):
            raise Declined(f"its build back end follows {code}", view.place(posixpath.join(directory, code)))
    own = table(data, "tool", *back_end.table)
    for _, value in (*_walk(table(data, "project")), *_walk(own), *_walk(system)):
        if isinstance(value, str) and ".." in re.split(r"[/\\]", value):
            raise Declined(f"{_OUTSIDE}, {value}", place)
    for key, value in _walk(own):
        if key in _CODE_KEYS or (key == "source" and isinstance(value, str) and value in _CODE_SOURCES):
            raise Declined(f"its {'.'.join(back_end.table)} table has {key}, which runs code of the project", place)
    if back_end.table == ("poetry",):
        _poetry(own, place)
    return back_end


def _poetry(own: Mapping[str, Any], place: Place) -> None:
    if "build" in own:
        raise Declined("its poetry table has build, which runs code of the project", place)
    for key, value in _walk(table(own, "dependencies")):
        if key == "path":
            raise Declined(f"a dependency of it is a local path, {value}", place)


def table(data: object, *keys: str) -> Mapping[str, Any]:
    """Return a table of a parsed file, an empty one where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}


def _walk(data: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Yield every key with its value, and every item of a list under the list's key."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield key, value
            yield from _walk(value, key)
    elif isinstance(data, list):
        for value in data:
            yield name, value
            yield from _walk(value, name)


def _above(back_end: _BackEnd, directory: str, view: View) -> Iterator[Read]:
    """Yield what a back end looks for in the directories above the project; declines where it asks git."""
    parent = directory
    while parent != posixpath.dirname(parent):
        git = posixpath.join(parent, ".git")
        if back_end.table == ("poetry",) and view.exists(git):
            raise Declined(f"its build back end asks git which files are ignored, and {git} is in the build context")
        parent = posixpath.dirname(parent)
        if back_end.table == ("hatch",):
            for name in (".gitignore", ".hgignore"):
                yield Read(posixpath.join(parent, name), "hatchling leaves out what it lists")


def _listed_dependencies(directory: str, view: View) -> None:
    """Decline local paths in text files of the project, from which a build may take its dependencies."""
    found = view.context_path(directory)
    for entry in view.context.files(found) if found is not None else ():
        name = posixpath.basename(entry.path)
        if re.fullmatch(r"(?:requirements|constraints|install|deps).*\.(?:txt|in)", name):
            text, relative = view.context.read(entry.path), posixpath.relpath(entry.path, found or ".")
            _search(_LOCAL_DEPENDENCY, text, directory, relative, view, "it lists a local path")


def _setup_reads(directory: str, name: str, view: View, seen: frozenset[str] = frozenset()) -> Iterator[Read]:
    """Yield what a script of the project, and the code that it runs, names outside of the project."""
    from ._setup_script import read_script

    path = posixpath.normpath(posixpath.join(directory, name))
    text = view.read(path)
    place = view.place(path)
    if text is None:
        raise Declined(f"setup.py runs {name}, which is not a file of the build context")
    script = read_script(text, place)
    for value in script.paths:
        target = posixpath.normpath(posixpath.join(directory, value))
        if (target + "/").startswith(directory.rstrip("/") + "/"):
            continue
        if not value.startswith("/") and not view.exists(target):
            raise Declined(f"{name} reads {value}, which is outside of the project and not in the build context", place)
        yield Read(target, f"{name} names it")
    for code in script.code:
        if code not in seen and code != name:
            yield from _setup_reads(directory, code, view, seen | {name, code})
