"""setup.py, read and never run: which paths outside of the project's directory it names.

The script runs in its project's directory and may read all of that. What it could reach beyond is a
path that climbs or is absolute, a program, a variable of the environment, or code of somebody else:
the paths are listed, and for the rest the reader declines.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from ..model import Declined, Place

_FOREIGN = frozenset({"setuptools", "distutils", "pkg_resources", "wheel", "numpy", "pybind11"})
_PROGRAMS = frozenset({"subprocess", "ctypes", "multiprocessing", "pty", "runpy", "concurrent", "webbrowser"})
_MODULES = (frozenset(sys.stdlib_module_names) | _FOREIGN) - _PROGRAMS
# Ways out of the directory, or to what only the build's environment knows.
_ESCAPES = frozenset(
    "environ environb getenv expanduser expandvars home pardir chdir fchdir system popen spawnl spawnv execv"
    " parents".split()
)
_RUNS_CODE = frozenset(
    "exec eval execfile compile __import__ import_module load_source load_module find_module spec_from_file_location"
    " SourceFileLoader run_path".split()
)


@dataclass(frozen=True, slots=True)
class Script:
    """What a script names: `paths` that leave its directory, and the `code` (.py files) that it runs itself."""

    paths: tuple[str, ...]
    code: tuple[str, ...]


def read_script(text: str, place: Place) -> Script:
    """Return what the script `text` names, relative to the directory it runs in; raises Declined."""
    try:
        wrapper = MetadataWrapper(cst.parse_module(text))
    except cst.ParserSyntaxError as error:
        raise Declined("it cannot be parsed", Place(place.path, error.raw_line)) from None
    reader = _Reader(place.path)
    wrapper.visit(reader)
    if not reader.runs_code:
        return Script(tuple(reader.paths), ())
    if not reader.code:
        raise Declined("it runs code that is not named in it", Place(place.path, reader.runs_code))
    return Script(tuple(reader.paths), tuple(reader.code))


class _Reader(cst.CSTVisitor):
    """Collects paths and code files; declines at the first thing that cannot be followed."""

    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.paths: list[str] = []
        self.code: list[str] = []
        self.runs_code = 0  # the line
        self.explained: set[int] = set()

    def visit_Import(self, node: cst.Import) -> None:
        """Decline modules whose code is not known."""
        for alias in node.names:
            self._module(alias.evaluated_name, node)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        """Decline modules whose code is not known; an imported name may be a way out, too."""
        parts: list[str] = []
        module: cst.BaseExpression | None = node.module
        while isinstance(module, cst.Attribute):
            parts, module = [module.attr.value, *parts], module.value
        name = module.value if isinstance(module, cst.Name) and not node.relative else "."
        self._module(name, node)

    def _module(self, name: str, node: cst.CSTNode) -> None:
        root = name.partition(".")[0]
        if root in _PROGRAMS:
            self._decline(f"it uses {root}, and what a program reads is not known", node)
        if root not in _MODULES:
            self._decline(f"it imports {name}, and what that reads is not known", node)

    def visit_Name(self, node: cst.Name) -> None:
        """Decline a way out of the directory."""
        if node.value in _ESCAPES:
            self._decline(f"it uses {node.value}, which leads out of the project's directory", node)

    def visit_Attribute(self, node: cst.Attribute) -> bool:
        """Follow ``Path(__file__).parent`` and its parents."""
        if node.attr.value == "parent" and id(node) not in self.explained and _climbs(node) != 1:
            self._decline("it climbs out of the project's directory", node)
        return node.attr.value != "parent" and _dotted(node) != "platform.system"

    def visit_BinaryOperation(self, node: cst.BinaryOperation) -> None:
        """Follow ``Path(__file__).parent.parent / "VERSION"``."""
        climbs, name = _climbs(node.left), _text(node.right)
        if climbs and name is not None and isinstance(node.operator, cst.Divide):
            self._named("../" * (climbs - 1) + name)
            self.explained |= {id(node.left), id(node.right)}

    def visit_Call(self, node: cst.Call) -> None:
        """Follow ``join(here, "..", "VERSION")``, and notice code that is run."""
        function = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
        arguments = [argument.value for argument in node.args]
        if function in _RUNS_CODE and not (isinstance(node.func, cst.Attribute) and _dotted(node.func) == "re.compile"):
            self.runs_code = self._line(node)
        elif _dotted(node.func) == "os.path.split" or (function == "dirname" and _climbs(node) != 1):
            self._decline("it climbs out of the project's directory", node)
        elif function in ("join", "joinpath", "Path", "PurePath"):
            self._joined(arguments)

    def _joined(self, arguments: Sequence[cst.BaseExpression]) -> None:
        texts = [_text(argument) for argument in arguments]
        if texts and texts[0] is None and _is_directory(arguments[0]):
            texts, arguments = texts[1:], arguments[1:]
        parts = [text for text in texts if text is not None]
        if parts and len(parts) == len(texts):
            self._named(posixpath.join(*parts))
            self.explained |= {id(argument) for argument in arguments}

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        """Take any string for a path."""
        text = _text(node)
        if text is not None and id(node) not in self.explained:
            self._named(text)

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:
        """Take strings that stand side by side for one."""
        text = _text(node)
        if text is not None and id(node) not in self.explained:
            self._named(text)
        return text is None

    def visit_FormattedStringText(self, node: cst.FormattedStringText) -> None:
        """Decline a computed path that climbs."""
        if ".." in node.value.split("/"):
            self._decline("it computes a path that leaves the project's directory", node)

    def _named(self, text: str) -> None:
        path = posixpath.normpath(text) if text not in ("", "/") and "\n" not in text else ""
        if path.startswith("/") or path.split("/")[0] == "..":
            self.paths.append(path)
        elif path.endswith(".py"):
            self.code.append(path)

    def _line(self, node: cst.CSTNode) -> int:
        position = self.get_metadata(PositionProvider, node)
        return int(position.start.line)

    def _decline(self, premise: str, node: cst.CSTNode) -> None:
        raise Declined(premise, Place(self.path, self._line(node)))


def _text(node: cst.CSTNode) -> str | None:
    if not isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        return None
    value = node.evaluated_value
    return value if isinstance(value, str) else None


def _dotted(node: cst.BaseExpression) -> str:
    if isinstance(node, cst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def _climbs(node: cst.BaseExpression) -> int | None:
    """Return how many directories above ``__file__`` an expression lies, None if it is not such a one."""
    if isinstance(node, cst.Name):
        return 0 if node.value == "__file__" else None
    if isinstance(node, cst.Attribute) and node.attr.value == "parent":
        inner = _climbs(node.value)
        return None if inner is None else inner + 1
    if not isinstance(node, cst.Call):
        return None
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else getattr(node.func, "value", "")
    if name in ("resolve", "absolute") and isinstance(node.func, cst.Attribute):
        return _climbs(node.func.value)
    inner = _climbs(node.args[0].value) if len(node.args) == 1 else None
    if inner is None:
        return None
    if name == "dirname":
        return inner + 1
    return inner if name in ("Path", "PurePath", "abspath", "realpath", "str") else None


def _is_directory(node: cst.BaseExpression) -> bool:
    """Tell whether an expression is the script's directory; a name is, as what climbs is noticed where it is made."""
    return _climbs(node) == 1 or isinstance(node, cst.Name)
