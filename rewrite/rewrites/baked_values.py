"""Advise on an ENV that looks as if it could be changed, but whose value the build has used already.

`ARG MARKET=eu`, `ENV MARKET=$MARKET`, `RUN npm run build`: the pages are made for the market of the build, and
`docker run -e MARKET=us` changes the variable but not the pages. And as the ARG is part of the cache's key, each value
builds all that follows anew. Either each value is an image of its own, with the ARG alone, or the program reads the
variable when it starts: which one is for a person to say.

Declines to speak where no step names the variable or bakes its kind in (`VITE_…`, `NEXT_PUBLIC_…`, or a front end whose
sources ask for it), and where the ENV is not part of the final image.

```diff
 ARG MARKET=eu
-ENV MARKET=$MARKET
 RUN node render.js --market=$MARKET
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.stages import Stage
from ..model import Proposal, Refusal, refuted
from ..source.dockerfile import Instruction
from ..source.words import variables
from ._reading import is_named

NAME = "baked-values"

_BAKED = re.compile(r"(?:NEXT_PUBLIC|VITE|REACT_APP|NUXT_PUBLIC|VUE_APP|GATSBY|EXPO_PUBLIC|NG_APP|SNOWPACK_PUBLIC)_\w+")
_FRONT_END = re.compile(
    r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?build|\b(?:next|vite|nuxt|astro|gatsby|ng|react-scripts|vue-cli-service)\s+build"
)
_SOURCES = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|astro)\Z")
# They say where and how a tool works, and are the same for each image.
_TOOLS = re.compile(
    r".*(?:VERSION|PATH|HOME|DIR|_ENV|PROXY|COMMIT|SHA|DATE|REVISION|LANG|TZ|DEBIAN_FRONTEND)", re.IGNORECASE
)
_MOST_FILES, _LARGEST = 2_000, 200_000


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield advice on each ENV of the final image that an ARG gives its value and a step has used."""
    last = build.stages[-1] if build.stages else None
    for stage in last.lineage if last else ():
        for line in stage.instructions:
            for pair in line.pairs if line.keyword == "ENV" else ():
                given = variables(pair.value or "", line.escape) & stage.state(line).args.keys()
                if not given or _TOOLS.fullmatch(pair.key):
                    continue
                user = _user(build, stage, line, pair.key)
                if user:
                    yield _advice(build, line, user, pair.key, min(given))


def _user(build: Build, stage: Stage, line: Instruction, name: str) -> Instruction | None:
    """Return the first RUN behind an ENV that puts its value into what it makes."""
    for run in build.later_runs(stage, line):
        text = run.instruction.body.text
        if name in variables(text, line.escape) or is_named(build, run.instruction, [f"${name}"]):
            return run.instruction
        if _FRONT_END.search(text) and (_BAKED.fullmatch(name) or _asked_for(build, name)):
            return run.instruction
    return None


def _asked_for(build: Build, name: str) -> bool:
    """Tell whether a source of the front end names the variable as one of the environment."""
    asks = re.compile(rf"\benv(?:\.|\[[\"']){re.escape(name)}\b")
    files = [entry for entry in build.context.files() if _SOURCES.search(entry.path) and entry.size < _LARGEST]
    files = [entry for entry in files if "node_modules/" not in entry.path][:_MOST_FILES]
    return any(asks.search(build.context.read(entry.path) or "") for entry in files)


def _advice(build: Build, line: Instruction, user: Instruction, name: str, given: str) -> Proposal:
    place = build.place(user)
    return Proposal(
        NAME,
        f"set {name} for the build alone, or read it when the program starts",
        f"`docker run -e {name}=…` does not change what the build has made with it",
        build.place(line),
        (),
        (refuted(f"{name} is read when the program starts", f"the RUN has used the value of ARG {given}", place),),
        (f"each value of {given} runs that step, and all that follow, again",),
    )
