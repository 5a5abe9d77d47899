"""Django's ``manage.py collectstatic`` in a build: the directory that it fills, by the project's settings.

Facts: Django's documentation of ``collectstatic``, STATIC_ROOT and STORAGES: the files, the manifest of their names and
their compressed forms lie in STATIC_ROOT; other storages may send them elsewhere.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Sequence

from ..build.paths import join
from ..build.runs import Run, Step
from ..model import Declined, Place
from ._files import Project
from ._python_starts import bare

_SWITCHES = frozenset({"--noinput", "--no-input", "-c", "--clear", "--no-post-process", "--no-color", "--traceback"})
_VALUED = re.compile(r"(?:-v|--verbosity)(?:=?\d)?|(?:-i|--ignore)(?:=.*)?")
_ELSEWHERE = re.compile(r"\b(?:storages\.backends|S3\w*Storage|GoogleCloudStorage|AzureStorage|StaticS3|cloudinary)\b")
_PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")
_ALIKE = frozenset({"str", "Path", "pathlib.Path", "os.path.abspath", "os.path.realpath", "os.path.normpath"})


def collects(step: Step) -> bool:
    """Tell whether a command is ``collectstatic`` with options that do not change where it puts files."""
    if None in step.words:
        return False
    words = tuple(word for word in step.words if word is not None)
    try:
        words = bare(words) or words
    except Declined:
        return False
    if words and _PYTHON.fullmatch(posixpath.basename(words[0])):
        words = words[1:]
    if len(words) < 2 or posixpath.basename(words[0]) != "manage.py" or words[1] != "collectstatic":
        return False
    return all(_harmless(words, at) for at in range(2, len(words)))


def _harmless(words: Sequence[str], at: int) -> bool:
    return (
        words[at] in _SWITCHES
        or bool(_VALUED.fullmatch(words[at]))
        or words[at - 1] in ("-v", "--verbosity", "-i", "--ignore")
    )


def static_root(projects: Sequence[Project], run: Run, step: Step, where: Place) -> str:
    """Return the directory that a ``collectstatic`` fills; raises Declined where it is not known, or may stay away."""
    place = next(iter(_ignoring_failure(run, step)), False)
    if place or step.top is None:
        raise Declined("whether collectstatic collects anything is not known", where)
    found: dict[str | None, Place] = {}
    for project in projects:
        for image_path, source in project.files():
            text = project.texts().get(source, "")
            if _ELSEWHERE.search(text):
                raise Declined("collectstatic may send the files elsewhere", Place(source))
            found |= dict(_assigned(text, image_path, source, step.cwd))
    if len(found) != 1 or None in found:
        raise Declined("which directory collectstatic fills is not known", next(iter(found.values()), where))
    text = "\n".join(text for project in projects for text in project.texts().values())
    if "django.contrib.admin" not in text:
        raise Declined("collectstatic may find no files, and make no directory", where)
    return next(path for path in found if path is not None)


def _ignoring_failure(run: Run, step: Step) -> Iterator[bool]:
    """Yield whether a failure of the command is passed over."""
    items = list(run.script.items) if run.script else []
    for at, item in enumerate(items):
        if item is step.item:
            behind = [one.operator for one in items[at + 1 :]]
            yield item.operator in ("||", "&") or "||" in behind or "&" in behind or (bool(behind) and not run.aborts)


def _assigned(text: str, image_path: str, source: str, cwd: str | None) -> Iterator[tuple[str | None, Place]]:
    """Yield what STATIC_ROOT is set to in a source file, None where that is not a fixed path."""
    if "STATIC_ROOT" not in text:
        return
    try:
        tree = ast.parse(text)
    except SyntaxError:
        yield None, Place(source)
        return
    names: dict[str, str | None] = {"__file__": image_path}
    for node in tree.body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            value = fixed_path(node.value, names)
            # A name that is set twice may have either value.
            names[target.id] = None if target.id in names and names[target.id] != value else value
    if any(
        isinstance(node, ast.Name) and node.id == "STATIC_ROOT" and isinstance(node.ctx, ast.Store)
        for node in ast.walk(tree)
    ):
        line = text[: text.index("STATIC_ROOT")].count("\n") + 1
        value = names.get("STATIC_ROOT")
        yield join(cwd, value) if value else None, Place(source, line)


def fixed_path(node: ast.expr, names: dict[str, str | None]) -> str | None:
    """Return the path that an expression of a settings file makes, None where it is not a fixed one."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return names.get(name)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _joined([left, right], names)
        case ast.Attribute(value=inner, attr="parent"):
            return _above(fixed_path(inner, names), 1)
        case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int() as count)):
            return _above(fixed_path(inner, names), count + 1)
        case ast.JoinedStr(values=parts):
            found = [fixed_path(part.value if isinstance(part, ast.FormattedValue) else part, names) for part in parts]
            return None if None in found else "".join(part or "" for part in found)
        case ast.Call(func=ast.Attribute(value=inner, attr="resolve" | "absolute"), args=[]):
            return fixed_path(inner, names)
        case ast.Call(func=ast.Attribute(value=inner, attr="joinpath"), args=parts):
            return _joined([inner, *parts], names)
        case ast.Call(func=function, args=parts) if ast.unparse(function) == "os.path.join":
            return _joined(parts, names)
        case ast.Call(func=function, args=[inner]) if ast.unparse(function) == "os.path.dirname":
            return _above(fixed_path(inner, names), 1)
        case ast.Call(func=function, args=[inner]) if ast.unparse(function) in _ALIKE:
            return fixed_path(inner, names)
    return None


def _joined(parts: Sequence[ast.expr], names: dict[str, str | None]) -> str | None:
    found = [fixed_path(part, names) for part in parts]
    return None if None in found or not found else posixpath.join(*(part or "" for part in found))


def _above(path: str | None, count: int) -> str | None:
    for _ in range(count if path else 0):
        path = posixpath.dirname(path or "")
    return path
