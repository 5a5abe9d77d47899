"""What building a Python project from the tree reads and leaves behind: pyproject.toml, setup.py, back ends.

setup.py is read through libcst, never run.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..build.build import View
from ..model import Declined
from . import Read

if TYPE_CHECKING:
    import libcst

# Back ends that read the project's directory only, and what they leave in it.
_BACK_ENDS = {
    "setuptools.build_meta": ("build", "*.egg-info"),
    "setuptools.build_meta:__legacy__": ("build", "*.egg-info"),
    "hatchling.build": (),
    "flit_core.buildapi": (),
    "poetry.core.masonry.api": (),
    "pdm.backend": (),
    "uv_build": (),
}
_ASK_GIT = ("setuptools_scm", "setuptools-scm", "hatch-vcs", "hatch_vcs", "versioneer", "pbr", "versioningit", "git describe")
_OPENERS = frozenset({"open", "Path", "read_text", "load", "exec_file", "read"})


def project_reads(directory: str, view: View, editable: bool) -> tuple[list[Read], tuple[str, ...]]:
    """Return what installing the project at the image path `directory` reads, and what it leaves there.

    Raises Declined where that cannot be listed.
    """
    pyproject_path, setup_path = posixpath.join(directory, "pyproject.toml"), posixpath.join(directory, "setup.py")
    pyproject, setup = view.read(pyproject_path), view.read(setup_path)
    if pyproject is None and setup is None:
        raise Declined(f"{directory} holds neither pyproject.toml nor setup.py in the build context")
    back_end = "setuptools.build_meta:__legacy__"
    for path, text in ((pyproject_path, pyproject), (setup_path, setup)):
        for asker in _ASK_GIT:
            if text and asker in text:
                line = text[: text.index(asker)].count("\n") + 1
                raise Declined(f"its version comes from git ({asker}), whose data is not copied", view.place(path, line))
    if pyproject is not None:
        back_end = _back_end(pyproject, pyproject_path, view)
    if back_end not in _BACK_ENDS:
        raise Declined(f"what the build back end {back_end} reads is not known", view.place(pyproject_path))
    reads = [Read(directory, "the project's own directory", required=True)]
    if setup is not None:
        reads += [
            Read(path, "setup.py reads it") for path in _outside(setup, directory, setup_path, view)
        ]
    outputs = tuple(posixpath.join(directory, name) for name in _BACK_ENDS[back_end])
    return reads, outputs


def _back_end(text: str, path: str, view: View) -> str:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Declined(f"it cannot be read: {error}", view.place(path)) from None
    system = data.get("build-system", {})
    if system.get("backend-path"):
        raise Declined("its build back end is part of the project", view.place(path))
    readme = data.get("project", {}).get("readme", "")
    name = readme if isinstance(readme, str) else readme.get("file", "")
    if str(name).startswith(".."):
        raise Declined(f"its readme {name} lies outside of the project", view.place(path))
    return str(system.get("build-backend", "setuptools.build_meta:__legacy__"))


def _outside(setup: str, directory: str, path: str, view: View) -> list[str]:
    """Return the image paths outside of `directory` that setup.py names."""
    import libcst

    try:
        module = libcst.parse_module(setup)
    except libcst.ParserSyntaxError as error:
        raise Declined("setup.py cannot be parsed", view.place(path, error.raw_line)) from None
    found = []
    for value in _paths(module):
        target = posixpath.normpath(posixpath.join(directory, value))
        if value.startswith("/") or not (target + "/").startswith(directory.rstrip("/") + "/"):
            if not view.exists(target):
                raise Declined(f"setup.py reads {value}, which lies outside of the project", view.place(path))
            found.append(target)
    return found


def _paths(module: libcst.Module) -> Iterator[str]:
    """Yield the paths that setup.py opens or joins, relative to its directory."""
    import libcst
    import libcst.matchers as m

    for call in m.findall(module, m.Call()):
        assert isinstance(call, libcst.Call)
        function = call.func.attr.value if isinstance(call.func, libcst.Attribute) else getattr(call.func, "value", "")
        texts = [argument.value.evaluated_value for argument in call.args if isinstance(argument.value, libcst.SimpleString)]
        parts = [text for text in texts if isinstance(text, str)]
        if function == "join" and parts:
            yield posixpath.join(*parts)
        elif function in _OPENERS and parts:
            yield parts[0]
    for operation in m.findall(module, m.BinaryOperation(operator=m.Divide(), right=m.SimpleString())):
        assert isinstance(operation, libcst.BinaryOperation)
        right = operation.right
        value = right.evaluated_value if isinstance(right, libcst.SimpleString) else None
        climbs = module.code_for_node(operation.left).count(".parent") - 1
        if isinstance(value, str):
            yield "../" * max(climbs, 0) + value
