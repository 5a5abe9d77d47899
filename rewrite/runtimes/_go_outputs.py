"""The binaries that go commands make: where they lie, and what they are called.

Facts: pkg.go.dev/cmd/go: ``go build`` writes a binary for one main package, or with ``-o`` into a directory; what it
compiles of several packages without ``-o`` it throws away. ``go install`` for another platform has a directory more.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..build import effects
from ..build.paths import inside, join
from ..build.programs import BINARIES
from ..build.runs import Run, Step
from ..ecosystems import _go_command as command_lines
from ..model import Declined
from ._candidate import Candidate
from ._files import Project

_MAIN = re.compile(r"^package main\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Output:
    """A binary at an image path; `cgo` tells whether a C compiler may have had part in it.

    `tool` is one of another module, which the build may use or the program.
    """

    path: str
    cgo: bool
    tool: bool
    step: Step
    run: Run


def outputs(candidate: Candidate, project: Project, compiler: bool) -> Iterator[Output]:
    """Yield the binaries that are there at the end; raises Declined where one cannot be told."""
    for run, step in candidate.steps:
        line = command_lines.read_line(step)
        if line is None or line.subcommand not in ("build", "install"):
            continue
        place = candidate.build.step_place(run, step)
        if step.top is None or step.item.operator == "||":
            raise Declined("whether the command runs is not known", place)
        if line.directory is None or "$" in line.options.get("o", ""):
            raise Declined("where the binary lies is not known", place)
        if step.env.get("GOOS", "linux") not in ("linux", None):
            raise Declined("the binary is one for another system", place)
        cgo = step.env.get("CGO_ENABLED", "1") != "0" and compiler
        operands = line.operands or (".",)
        tool = any("@" in operand for operand in operands)
        found = [_name(candidate, package, line.directory) for package in _packages(project, operands, line.directory)]
        for path in _paths(candidate, run, line, step, tuple(found)):
            _kept(candidate, path, step)
            yield Output(path, cgo, tool, step, run)


def _paths(
    candidate: Candidate, run: Run, line: command_lines.Line, step: Step, names: tuple[str, ...]
) -> Iterator[str]:
    place = candidate.build.step_place(run, step)
    directory = str(line.directory)
    if line.subcommand == "install":
        if step.env.get("GOARCH", "") != "":
            raise Declined("go install for another platform has a directory more on some machines", place)
        binaries = step.env.get("GOBIN") or f"{step.env.get('GOPATH') or '/go'}/bin"
        yield from (f"{binaries}/{name}" for name in names)
        return
    target = line.options.get("o", "")
    several = len(line.operands) > 1 or any("..." in operand for operand in line.operands)
    path = join(directory, target) if target else None
    if target and path is None:
        raise Declined("where the binary lies is not known", place)
    if path is None:
        yield from () if several else (join(directory, name) or "" for name in names)
    elif target.endswith("/") or len(names) > 1 or _is_directory(candidate, run, path):
        yield from (posixpath.join(path, name) for name in names)
    elif names:
        yield path


def _is_directory(candidate: Candidate, run: Run, path: str) -> bool:
    made = [join(step.cwd, word) for step in run.steps if step.program == "mkdir" for word in step.words if word]
    known = {*candidate.homes, *made, *BINARIES, "/go/bin", "/"}
    return path in known or candidate.view.is_dir(path)


def _packages(project: Project, operands: tuple[str, ...], directory: str) -> Iterator[str]:
    """Yield the main packages of the operands, for a pattern all below its directory."""
    mains: dict[str, None] = {}
    for path, source in project.files():
        if _MAIN.search(project.texts().get(source, "")):
            mains[posixpath.dirname(path)] = None
    for operand in operands:
        local = operand.startswith((".", "/"))
        below = join(directory, operand.removesuffix("...")) if local else None
        if "..." in operand:
            if below is None or not operand.endswith("/..."):
                raise Declined(f"which programs {operand} means is not known")
            yield from sorted(path for path in mains if inside(path, below))
        elif not local or operand.endswith(".go") or below in mains:
            yield operand


def _name(candidate: Candidate, operand: str, directory: str) -> str:
    """Return the name that go gives to a binary: the last part of the package's path, a major version left out."""
    if operand.endswith(".go"):
        return posixpath.basename(operand).removesuffix(".go")
    path = operand.partition("@")[0]
    if path.startswith((".", "/")):
        below = join(directory, path) or ""
        parent = below
        while parent not in ("", "/", "%") and not candidate.view.exists(f"{parent}/go.mod"):
            parent = posixpath.dirname(parent)
        module = re.search(r'^\s*module\s+"?([^\s"]+)', candidate.read(f"{parent}/go.mod") or "", re.MULTILINE)
        if not module:
            raise Declined("no go.mod of the build context says what the binary is called")
        path = posixpath.normpath(posixpath.join(module[1], posixpath.relpath(below, parent)))
    parts = path.split("/")
    return parts[-2] if re.fullmatch(r"v[2-9]\d*", parts[-1]) and len(parts) > 1 else parts[-1]


def _kept(candidate: Candidate, path: str, maker: Step) -> None:
    """Raise Declined if a later command moves a binary away; one that removes it is seen by the rewrite."""
    steps = [step for _, step in candidate.steps]
    for run, step in candidate.steps:
        if steps.index(step) > steps.index(maker) and step.program == "mv":
            known = effects.effect(step)
            if known is None or any(inside(path, moved) for moved in known.reads):
                raise Declined("the binary is moved before it is started", candidate.build.step_place(run, step))
