"""Cut a COPY of several files in two, so that those that change go below what reads only the others.

`COPY package.json server.js ./` runs the install again after each edit of `server.js`. The files that no RUN on the way
reads get a COPY of their own below the last RUN that takes time. How often files change is read from git, as `reorder`
does; both only ever move files down.

Declines where a command in between is not known, where it reads, writes or names all of the files or makes their
directory, for sources with a wildcard or of the same name, in a shallow clone, and for a COPY of directories: those
`manifests-first` moves, or tells why it does not. What a project's own build step reads (`npm run build`) is not known,
so that nothing of what stands above it is cut out.

```diff
-COPY requirements.txt app.py ./
+COPY requirements.txt ./
 RUN pip install -r requirements.txt
+COPY app.py ./
```
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..build.build import Build
from ..build.copies import Copy
from ..build.stages import Stage
from ..model import Declined, Proposal, Refusal, proved
from ..source.dockerfile import Instruction, Word
from ..source.edits import Edit, Span
from ._descent import Descent, still

NAME = "split-copy"


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each COPY of files of which some can go below an install, or why they cannot."""
    for stage in build.stages:
        for instruction in stage.instructions:
            copy = build.copy(instruction)
            # Behind ADD stands the tool's own name for what could be an archive; add-to-copy makes it a COPY first.
            if copy and instruction.keyword == "COPY" and _several_files(copy):
                outcome = _consider(build, stage, copy)
                if outcome:
                    yield outcome


def _several_files(copy: Copy) -> bool:
    """Tell whether a COPY names several files, each once."""
    sources = [mapping.source for mapping in copy.mappings]
    names = [mapping.destination for mapping in copy.mappings]
    words = len(copy.instruction.words) - 1
    plain = not copy.opaque and not copy.wildcard and not any(mapping.is_dir for mapping in copy.mappings)
    return plain and 1 < words == len(sources) == len(set(names))


def _consider(build: Build, stage: Stage, copy: Copy) -> Proposal | Refusal | None:
    where = build.place(copy.instruction)
    descent = Descent(build, stage, copy).go(reads=True)
    if not descent.passed:
        return descent.refusal(NAME) if _stopped_at_install(descent) else None
    read = {path for _, needs in descent.passed for path in needs.manifests}
    sources = [(word, mapping.source) for word, mapping in zip(copy.instruction.words, copy.mappings, strict=False)]
    going = [(word, path) for word, path in sources if path not in read]
    history = build.history()
    paths = {path for _, path in going}
    if not going or len(going) == len(sources) or still(build, history, paths):
        return None
    if build.doubt:
        return Refusal(NAME, where, build.doubt)
    if history.cut:
        return Refusal(NAME, where, "what changes is not known: a shallow clone has only a part of the git history")
    try:
        edits = _edits(build, stage, copy.instruction, [word for word, _ in going], descent.passed[-1][0])
    except Declined as declined:
        return Refusal(NAME, where, declined.premise, declined.because)
    what = ", ".join(word.text for word, _ in going)
    passed = proved(f"nothing before {descent.title} has run reads {what}", "every command in it is known", where)
    return Proposal(
        NAME,
        f"copy {what} after {descent.title}",
        f"a change of {what} no longer runs {descent.title} again",
        where,
        edits,
        tuple(dict.fromkeys([passed, *(item for _, needs in descent.passed for item in needs.proof)])),
    )


def _stopped_at_install(descent: Descent) -> bool:
    return descent.obstacle is not None and descent.installs(descent.obstacle[0])


def _edits(
    build: Build, stage: Stage, instruction: Instruction, going: Sequence[Word], last: Instruction
) -> tuple[Edit, ...]:
    """Return what takes the words out of the COPY and copies them behind `last`; raises Declined."""
    dockerfile, newline = build.dockerfile, build.dockerfile.newline
    if instruction.json is not None or instruction.comments or "\n" in dockerfile.source(instruction.span).rstrip():
        raise Declined("the COPY is in the JSON form, or spread over lines")
    target = instruction.words[-1].text
    after = stage.states[stage.instructions.index(last) + 1].workdir
    if stage.state(instruction).workdir != after and not target.startswith("/"):
        raise Declined("WORKDIR changes in between")
    flags = [dockerfile.source(flag.span) for flag in instruction.flags]
    line = " ".join([instruction.written, *flags, *(word.text for word in going), target])
    edits = []
    for word, following in zip(instruction.words, instruction.words[1:], strict=False):
        if word in going:
            edits.append(Edit(build.path, Span(word.span.start, following.span.start), ""))
    end = last.span.end
    text = line + newline if dockerfile.text[:end].endswith("\n") else newline + line
    return (*edits, Edit(build.path, Span(end, end), text))
