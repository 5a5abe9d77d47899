"""Write stage names in lower case; advise on those that are used twice or mean something else.

The builder looks for stages without regard to case, so that `Build` and `build` are one; `docker build --check` warns
of capitals (StageNameCasing). A second stage of the same name hides the first from there on (DuplicateStageName), and
`scratch` and `context` are names of the builder's own (ReservedStageName): how such a stage should be called is for a
person to say, as others may build it by name.

Declines where another builder than BuildKit may look for the stage in its own way.

```diff
-FROM debian:bookworm-slim AS Build
+FROM debian:bookworm-slim AS build
 RUN echo built > /out
 FROM debian:bookworm-slim
-COPY --from=Build /out /out
+COPY --from=build /out /out
```
"""

from __future__ import annotations

from collections.abc import Iterator

from ..build.build import Build
from ..build.stages import Stage
from ..model import Proposal, Refusal, proved
from ..source.dockerfile import Flag
from ..source.edits import Edit
from ._checks import advice, is_skipped

NAME = "stage-names"

_RESERVED = frozenset({"scratch", "context"})


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each name with capitals, and advice on each that cannot stay."""
    seen: dict[str, Stage] = {}
    for stage in build.stages:
        name = stage.name.lower()
        if not name:
            continue
        if stage.name != name and not is_skipped(build, stage.from_, "StageNameCasing"):
            yield _in_lower_case(build, stage)
        if name in _RESERVED and not is_skipped(build, stage.from_, "ReservedStageName"):
            title = f"call the stage something else than {name}"
            evidence = f"`FROM {name}` and `--from={name}` have a meaning of their own"
            yield advice(NAME, build, stage.from_, title, "the stage can be told from what the builder names", evidence)
        if name in seen and not is_skipped(build, stage.from_, "DuplicateStageName"):
            title, claim = f"give the second stage {name} a name of its own", f"{name} names one stage"
            yield advice(NAME, build, stage.from_, title, claim, "an earlier stage has it", seen[name].from_)
        seen.setdefault(name, stage)


def _in_lower_case(build: Build, stage: Stage) -> Proposal | Refusal:
    """Return the proposal to rename a stage, with all that names it as it is written there."""
    place = build.place(stage.from_)
    if build.builder != "buildkit":
        return Refusal(NAME, place, f"the builder ({build.builder}) may look for {stage.name} with regard to case")
    name = stage.name
    spans = [stage.from_.words[2].span]
    spans += [other.from_.words[0].span for other in build.stages if other.from_.words[0].text == name]
    edits = [Edit(build.path, span, name.lower()) for span in spans]
    for other in build.stages:
        flags = [flag for line in other.instructions for flag in line.flags]
        edits += [Edit(build.path, flag.span, text) for flag in flags if (text := _renamed(flag, name))]
    return Proposal(
        NAME,
        f"write the stage's name {name} in lower case",
        "docker build --check no longer warns of it",
        place,
        tuple(edits),
        (proved("whoever names the stage still finds it", "BuildKit looks for stages without regard to case"),),
    )


def _renamed(flag: Flag, name: str) -> str | None:
    """Return a flag that takes files from the stage, with the name in lower case; None for any other."""
    value = flag.value or ""
    if flag.name == "from" and value == name:
        return f"--from={name.lower()}"
    if flag.name != "mount" or f"from={name}" not in value.split(","):
        return None
    options = (f"from={name.lower()}" if option == f"from={name}" else option for option in value.split(","))
    return f"--mount={','.join(options)}"
