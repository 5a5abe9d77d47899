"""The stage that makes a Node program's production dependencies: installed on their own, or pruned from the build's."""

from __future__ import annotations

from dataclasses import dataclass

from .. import ecosystems
from ..build.paths import inside
from ..build.runs import Run, Step
from ..model import Declined
from . import Candidate, Extra
from ._bases import Reference
from ._node_package import Package

_NAME = "dependencies"
_LIFECYCLES = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare", "prepublish")
# They put files into node_modules, or are started when packages are installed.
_GENERATES = frozenset({"@prisma/client", "prisma", "patch-package", "husky"})


@dataclass(frozen=True, slots=True)
class Install:
    """The command that installs the project's packages; `production` tells whether only those the program needs."""

    run: Run
    step: Step
    production: bool


def dependencies(candidate: Candidate, install: Install, package: Package, image: Reference, generated: bool) -> Extra:
    """Return the stage; `generated` tells whether the build puts files into node_modules. Raises Declined."""
    manager = install.step.program
    omits = {"npm": _omits(image), "yarn": "--production", "pnpm": "--prod"}[str(manager)]
    lines = None if generated else _installed(candidate, install, package, omits)
    if lines is not None:
        return Extra(_NAME, candidate.stage.from_.words[0].text, lines)
    if manager != "npm":
        place = candidate.build.step_place(install.run, install.step)
        raise Declined(f"a script or an earlier step may change the packages, and {manager} cannot prune them", place)
    enter = () if candidate.stage.end.workdir == package.home else (f"WORKDIR {package.home}",)
    return Extra(_NAME, "", (*enter, f"RUN npm prune {omits}"))


def _omits(image: Reference) -> str:
    """Return npm's option: that of Node before 15 knows only the older one."""
    return "--production" if (0,) < image.version < (15,) else "--omit=dev"


def _installed(candidate: Candidate, install: Install, package: Package, omits: str) -> tuple[str, ...] | None:
    """Return the lines of a stage that only installs, None where a script or an earlier step may have a say in it."""
    build, stage, line = candidate.build, candidate.stage, install.run.instruction
    state = stage.state(line)
    scripts = any(package.script(name) for name in _LIFECYCLES)
    generates = _GENERATES & (package.runtime | package.development)
    plain = len(install.run.steps) == 1 and line.json is None and not line.heredocs and not state.args
    cached = all(flag.name == "mount" and "type=cache" in (flag.value or "") for flag in line.flags)
    command = ecosystems.recognise(install.step, build.view(stage, line))
    if scripts or generates or not plain or not cached or state.user not in ("", "root", "0"):
        return None
    if command is None or command.declined:
        return None
    lines: list[str] = []
    for before in stage.instructions[: stage.instructions.index(line)]:
        manages = before.keyword == "RUN" and all(
            step.program == "corepack" or "-g" in step.words for step in build.run(before).steps
        )
        if before.keyword == "RUN" and not manages and before not in candidate.setup:
            return None
        if before.keyword == "ENV" or manages:
            lines.append(build.dockerfile.source(before.span).rstrip("\r\n"))
    view = build.view(stage, line)
    reads = [read.path for read in command.reads if inside(read.path, package.home)]
    files = dict.fromkeys(path for read in reads if (path := view.context_path(read)))
    if any("/" in path or build.context.is_dir(path) for path in files) or "package.json" not in files:
        return None
    flags = "".join(f" {build.dockerfile.source(flag.span)}" for flag in line.flags)
    script = build.dockerfile.source(install.run.span(install.step.simple.span))
    return (*lines, f"WORKDIR {package.home}", f"COPY {' '.join(files)} ./", f"RUN{flags} {script} {omits}")
