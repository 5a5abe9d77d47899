"""Split a build that ships its own tools in two stages: one that builds, and one that runs the program.

An image made in a single stage holds the compiler, the sources and all that only the build needs. A final stage on a
small image takes over what the program needs, as far as CMD, ENTRYPOINT, HEALTHCHECK, the outputs of the build and the
paths in the sources tell, each file by its own COPY: never the whole directory, `.git` or a secret. EXPOSE, USER,
HEALTHCHECK, ENV and the like stay in force. It is for review, as nobody can know all that a program looks for, and
waits until the other rewrites have nothing left to do.

Declines where the stage has a name, the file ONBUILD or SHELL, or a service of a compose file a command of its own;
where a RUN makes what is not known, or may remove what would be copied; where the program starts others that no known
package brings, needs the toolchain itself, reads a secret or walks its whole directory; and where C libraries or
accounts would be missing. What git ignores is not named. A file with more than one stage is left alone.

```diff
-FROM golang:1.24
+FROM golang:1.24 AS build
 WORKDIR /src
 COPY go.mod go.sum main.go ./
 RUN CGO_ENABLED=0 go build -o /bin/app .
+
+FROM gcr.io/distroless/static-debian12
+WORKDIR /src
+COPY --from=build /bin/app /bin/app
 CMD ["/bin/app"]
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from .. import runtimes
from ..build import effects
from ..build.build import Build
from ..build.paths import inside, outermost, overlap
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..runtimes import COMPLETE, Candidate, Carried, Runtime
from ..source.edits import Edit, Span
from ..templates import render
from ._final_stage import FinalStage
from ._layout import block_of, removals
from ._owners import owner_of
from ._started_elsewhere import started_elsewhere

NAME = "multi-stage"

_PLAIN = re.compile(r"/[\w./@+,:~-]+")
_STAGE = "build"
_SOURCES_OF_PACKAGES = ("/etc/apt", "/etc/apk", "/usr/share/keyrings")
# More lines of COPY than that are for nobody to read.
_MOST = 30


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield the split of a file with one stage, or why it cannot be split."""
    if len(build.stages) != 1 or build.stages[0].windows or not build.stages[0].base.official:
        return
    candidate = Candidate(build)
    stage = build.stages[0]
    for language in runtimes.discover():
        try:
            runtime = language.plan(candidate)
            if runtime is not None:
                _splittable(candidate)
                yield _split(candidate, _whole(candidate, _with_directories(candidate, runtime)))
                return
        except Declined as declined:
            yield Refusal(NAME, build.place(stage.from_), declined.premise, declined.because)
            return


def _splittable(candidate: Candidate) -> None:
    """Raise Declined where something may ask for the stage, or read the file as one stage."""
    build, stage = candidate.build, candidate.stage
    if build.doubt:
        raise Declined(build.doubt)
    if stage.from_.flags:
        raise Declined("FROM has options, which the other stages may need too")
    if stage.name:
        raise Declined(f"a build may ask for the stage {stage.name} by its name")
    for service, place in started_elsewhere(build):
        raise Declined(f"the service {service} of a compose file has a command of its own", place)
    for line in stage.instructions:
        if line.keyword in ("ONBUILD", "SHELL"):
            raise Declined(f"{line.keyword} would have to be in both stages", build.place(line))


def _with_directories(candidate: Candidate, runtime: Runtime) -> Runtime:
    """Return the runtime with the directories that a RUN makes for the program, beside what the COPYs make.

    What lies in a directory that goes along as a whole needs no COPY of its own.
    """
    places = [one.target or one.source for one in runtime.carried]
    made: dict[str, None] = {}
    for path, top in candidate.directories:
        if not any(overlap(top, place) for place in places):
            made[top] = None
        elif not any(overlap(path, place) for place in places):
            made[path] = None
    carried = [*runtime.carried, *map(Carried, made)]
    outer = outermost(one.source for one in carried if not one.target and not one.stage)
    return replace(runtime, carried=tuple(one for one in carried if one.target or one.stage or one.source in outer))


def _whole(candidate: Candidate, runtime: Runtime) -> Runtime:
    """Return the runtime with whole directories in the place of what goes along of them, if it has the same owner."""
    carried, proof = runtime.carried, runtime.proof
    for home in runtime.whole:
        parts = [one for one in carried if inside(one.source, home)]
        owners = {owner_of(candidate.build, candidate.stage, path) for path in (home, *(one.source for one in parts))}
        if len(owners) == 1 and not any(one.target or one.stage or one.owner is not None for one in parts):
            rest = [one for one in carried if one not in parts]
            rest.insert(carried.index(parts[0]) if parts else len(rest), Carried(home))
            carried = tuple(rest)
    if runtime.whole and {*runtime.whole} <= {one.source for one in carried}:
        known = proved(COMPLETE, f"all of {', '.join(runtime.whole)} goes along")
        proof = tuple(known if one.claim == COMPLETE else one for one in proof)
    return replace(runtime, carried=carried, proof=proof)


def _split(candidate: Candidate, runtime: Runtime) -> Proposal:
    build, stage = candidate.build, candidate.stage
    dockerfile = build.dockerfile
    final = FinalStage(candidate, runtime)
    final.check()
    _there(candidate, runtime)
    at, lonely = final.place()
    upper = stage.from_.written.isupper()
    text = render(
        "stages/runtime.j2",
        **{"from": "FROM" if upper else "from", "as": "AS" if upper else "as"},
        stages=[
            {"name": one.name, "base": one.base or _STAGE, "lines": _cased(one.lines, upper)} for one in runtime.stages
        ],
        base=runtime.base,
        lines=_cased((*_installs(candidate, runtime), *runtime.lines, *final.lines()), upper),
        copies=_cased((_copy(final, one) for one in runtime.carried), upper),
        moved=list(final.moved_lines()),
    )
    text = f"{text}\n" if lonely and final.tail else text if lonely else f"\n{text}"
    before = "" if dockerfile.text[:at].endswith("\n") else "\n"
    named = Edit(build.path, Span(*[stage.from_.words[-1].span.end] * 2), f" {'AS' if upper else 'as'} {_STAGE}")
    head = Edit(build.path, Span(at, at), (before + text).replace("\r\n", "\n").replace("\n", dockerfile.newline))
    taken = [Edit(build.path, span, "") for span in removals(dockerfile, final.moved)]
    for one in runtime.edited:
        if one.line in final.tail:
            start = one.line.span.start
            taken.append(Edit(build.path, Span(start + one.start, start + one.end), one.text))
    if runtime.above:
        start = block_of(dockerfile, runtime.above).body.start
        taken.append(
            Edit(
                build.path,
                Span(start, start),
                "".join(line + dockerfile.newline for line in _cased(runtime.prepared, upper)),
            )
        )
    return Proposal(
        NAME,
        f"build in a stage of its own, and run {runtime.title}",
        "the image no longer holds the compiler, the sources and the tools of the build",
        build.place(stage.from_),
        (named, head, *taken),
        (*runtime.proof, _only_started(candidate)),
        runtime.notes,
        (*(one.base or _STAGE for one in runtime.stages), runtime.base),
    )


def _cased(lines: Iterable[str], upper: bool) -> list[str]:
    """Return instructions with their keywords in the case that the file's FROM has."""
    return [line if upper else re.sub(r"\A\w+", lambda keyword: keyword[0].lower(), line) for line in lines]


def _there(candidate: Candidate, runtime: Runtime) -> None:
    """Raise Declined where a COPY might not find what it names, or there would be too many of them."""
    apart = {stage.name for stage in runtime.stages if stage.base}
    for one in runtime.carried if len(runtime.carried) <= _MOST else ():
        for run, step in candidate.steps:
            if one.stage not in apart and effects.may_remove(step, one.source):
                raise Declined(f"a command may remove {one.source}", candidate.build.step_place(run, step))
        if runtime.packages and any(inside(one.target or one.source, place) for place in _SOURCES_OF_PACKAGES):
            raise Declined(f"{one.source} would come behind the installs of packages that may need it")
    if len(runtime.carried) > _MOST:
        raise Declined(f"the program may need {len(runtime.carried)} single files and directories")


def _only_started(candidate: Candidate) -> Obligation:
    return assumed(
        "nobody starts another program in the image",
        "a command given to `docker run`, in a compose file or by an orchestrator finds only what goes along",
        candidate.start.where,
    )


def _installs(candidate: Candidate, runtime: Runtime) -> Iterator[str]:
    if runtime.packages:
        text = runtime.distribution.install.format(" ".join(runtime.packages))
        yield "RUN " + text.replace("\n", f" {candidate.build.dockerfile.escape}\n    ")


def _copy(final: FinalStage, one: Carried) -> str:
    target = one.target or one.source
    for path in (one.source, target):
        if not _PLAIN.fullmatch(path):
            raise Declined(f"the path {path} cannot be written in a COPY")
    # What a stage of its own has made again is owned as what it was made of, which lay where it goes.
    made = one.target if one.stage and one.target else one.source
    name = owner_of(final.candidate.build, final.candidate.stage, made) if one.owner is None else one.owner
    final.known_owner(name)
    owner = f" --chown={name}" if name else ""
    return f"COPY --from={one.stage or _STAGE}{owner} {one.source} {target}"
