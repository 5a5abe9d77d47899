"""Install with apt only what is asked for and what that needs.

By default apt-get also installs the packages that the wanted ones recommend: documentation, fonts, mail servers, often
more than the program itself (hadolint DL3015). `--no-install-recommends` leaves them out. What makes a program work is
asked for by name then: `ca-certificates` behind `curl` and `git`, `libc6-dev` behind `gcc`. It is for review, since a
program may use others.

Declines where the image's settings or the command have decided already, where the words of the command are not
known, and where a recommended compiler may be used: that of `python3-pip`.

```diff
-RUN apt-get update && apt-get install -y gcc
+RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.options import UnknownOption
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..ecosystems import apt
from ..model import Declined, Proposal, Refusal, assumed, proved
from ..source.edits import Edit
from ._script_edits import insert_behind

NAME = "recommends"

_SETTING = "Install-Recommends"
# From Debian's and Ubuntu's package lists: what is recommended and hardly anybody can do without.
_CERTIFICATES = ("ca-certificates",)
_NEEDED = {
    "cmake": ("gcc", "make"),
    "curl": _CERTIFICATES,
    "gcc": ("libc6-dev",),
    "git": _CERTIFICATES,
    "rustc": ("cargo",),
    "wget": _CERTIFICATES,
    "xvfb": ("xauth",),
}
_COMPILERS = {"python3-pip": ("build-essential", "python3-dev")}
# Any of these brings what is recommended, or does its work.
_BRING = {
    "gcc": frozenset({"g++", "build-essential", "clang", "gcc"}),
    "make": frozenset({"build-essential", "ninja-build", "make"}),
    "libc6-dev": frozenset({"g++", "build-essential", "libc6-dev"}),
}
_WITH_CERTIFICATES = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:python|php|ruby|rust|golang|buildpack-deps|gcc)(?::|\Z)"
)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each RUN that installs recommended packages, or why it is left."""
    for stage, run in build.runs():
        steps = [step for step in run.steps if _installs(step)]
        if not steps:
            continue
        try:
            _undecided(build, stage, run)
            yield _proposal(build, stage, run, steps)
        except Declined as declined:
            yield Refusal(NAME, build.place(run.instruction), declined.premise, declined.because)


def _installs(step: Step) -> bool:
    """Tell whether a step installs packages by name and says nothing of recommended ones."""
    try:
        parsed = apt.parse(step)
    except UnknownOption:
        return False
    if parsed is None or parsed[0] != "install":
        return False
    told = ("--no-install-recommends", "--install-recommends")
    return not any(argument.option in told or _SETTING in argument.value for argument in parsed[1])


def _undecided(build: Build, stage: Stage, run: Run) -> None:
    """Decline if something in the stage sets apt's default."""
    lines = [line for _, line in stage.before(run.instruction) if line.keyword in ("RUN", "COPY", "ADD")]
    for line in (run.instruction, *lines):
        text = build.dockerfile.source(line.span)
        if _SETTING in text or "apt.conf" in text:
            raise Declined("the settings of apt may have decided it already", build.place(line))


def _proposal(build: Build, stage: Stage, run: Run, steps: list[Step]) -> Proposal:
    edits, claims = [], []
    asked = _asked(build, stage, run)
    for step in steps:
        index = next(at for at, word in enumerate(step.words) if word == "install")
        at = index
        # Behind `-y` and its like, where people write it.
        while at + 1 < len(step.words) and (step.words[at + 1] or "") in ("-y", "-q", "-qq", "--yes"):
            at += 1
        edits.append(insert_behind(build, run, step.simple.words[at].span.end, " --no-install-recommends"))
        for position in range(index + 1, len(step.words)):
            name = _name(step.words[position])
            compilers = [one for one in _COMPILERS.get(name, ()) if one not in asked]
            if compilers:
                raise Declined(f"{name} recommends {', '.join(compilers)}, which it may need to build what it installs")
            missing = [one for one in _needed(stage, name) if not asked & _BRING.get(one, frozenset({one}))]
            if missing:
                asked |= set(missing)
                edits.append(_add(build, run, step, position, missing))
                claims.append(f"{name} recommends {', '.join(missing)}")
    doubt = "which packages recommend which is known to the package lists alone"
    kept = (proved("what it cannot do without is still installed", "; ".join(claims)),) if claims else ()
    return Proposal(
        NAME,
        "leave out recommended packages",
        "the image holds only what is asked for and what that depends on",
        build.step_place(run, steps[0]),
        tuple(edits),
        (*kept, assumed("nothing in the image uses a package that is only recommended", doubt)),
    )


def _name(word: str | None) -> str:
    """Return the package that a word asks for, without version, architecture and suite."""
    name = re.split(r"[=:/]", word or "")[0]
    return "gcc" if re.fullmatch(r"gcc-\d+", name) else name


def _needed(stage: Stage, name: str) -> tuple[str, ...]:
    certified = _NEEDED.get(name) == _CERTIFICATES and _WITH_CERTIFICATES.match(stage.base.reference)
    return () if certified else _NEEDED.get(name, ())


def _asked(build: Build, stage: Stage, run: Run) -> set[str]:
    """Return what this RUN installs by name, and those before it by name or as what is needed besides."""
    before = [build.run(line) for _, line in stage.before(run.instruction) if line.keyword == "RUN"]
    names = {_name(word) for step in run.steps if _is_install(step) for word in step.words[1:]}
    for step in (step for one in before for step in one.steps if _is_install(step)):
        mine = {_name(word) for word in step.words[1:]}
        names |= mine | {needed for name in mine if _installs(step) for needed in _NEEDED.get(name, ())}
    return names


def _is_install(step: Step) -> bool:
    return step.program in ("apt-get", "apt") and "install" in step.words


def _add(build: Build, run: Run, step: Step, position: int, packages: list[str]) -> Edit:
    """Return the edit that asks for further packages behind one, on a line of their own if that has one."""
    word = step.simple.words[position].span
    text, start = build.dockerfile.text, run.text.offset(word.start)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    escape, newline = run.instruction.escape, build.dockerfile.newline
    separator = " " if indent.strip() or run.instruction.heredocs else f" {escape}{newline}{indent}"
    return insert_behind(build, run, word.end, "".join(separator + package for package in packages))
