"""Write in today's form what the builder's own checks warn of.

`ENV key value`, `LABEL key value` and `FROM image as name` still work, but `docker build --check` warns of them
(LegacyKeyValueFormat, FromAsCasing). MAINTAINER (MaintainerDeprecated) and a CMD or ENTRYPOINT in shell form
(JSONArgsRecommended) are for review: they change the image's configuration on purpose. In JSON form the program is the
first process and gets the signals that stop a container, which the shell around it keeps to itself. No command is quite
the same in both forms, not even behind `exec`: the image's settings differ, and a shell sets PWD.

Declines where a value has quotes or escapes whose meaning depends on the form, where an instruction goes over several
lines, and where a command needs a shell: because of what stands in it, because it is a script without `#!`, because an
ENTRYPOINT is given the command as its arguments, or because it keeps a CMD from the ENTRYPOINT.

```diff
-ENV APP_HOME /srv/app
+ENV APP_HOME=/srv/app
```
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..build.build import Build
from ..build.paths import join
from ..build.stages import DEFAULT_SHELL, Stage
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..source import shell
from ..source.dockerfile import Instruction
from ..source.edits import Edit, Span
from ..source.words import quoted_words

NAME = "legacy-syntax"

_KEY = re.compile(r"[A-Za-z_][\w.-]*")
_AUTHORS = "org.opencontainers.image.authors"
# They are the shell's own, and change it or have no program of their name.
_BUILTINS = frozenset(
    ". : [ alias bg cd command eval exec exit export false fg hash jobs local read readonly return set shift source"
    " test times trap true type ulimit umask unalias unset wait".split()
)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each instruction in an old form, or why it is left."""
    for stage in build.stages:
        for instruction in (stage.from_, *stage.instructions):
            try:
                yield from _consider(build, stage, instruction)
            except Declined as declined:
                yield Refusal(NAME, build.place(instruction), declined.premise, declined.because)


def _consider(build: Build, stage: Stage, instruction: Instruction) -> Iterator[Proposal]:
    keyword = instruction.keyword
    if keyword == "FROM":
        yield from _casing(build, instruction)
    elif keyword in ("ENV", "LABEL"):
        yield from _pair(build, instruction)
    elif keyword == "MAINTAINER":
        yield _maintainer(build, instruction)
    elif keyword in ("CMD", "ENTRYPOINT") and instruction.json is None and instruction.body.text:
        yield _command(build, stage, instruction)


def _casing(build: Build, instruction: Instruction) -> Iterator[Proposal]:
    """Write AS as FROM is written."""
    words = instruction.words
    if len(words) != len(("image", "AS", "name")):
        return
    wanted = "as" if instruction.written.islower() else "AS"
    if words[1].text != wanted and words[1].text.lower() == "as":
        edit = Edit(build.path, words[1].span, wanted)
        proof = proved("AS means the same in any case", "the builder compares it without regard to case")
        yield _change(build, instruction, f"write {wanted} as {instruction.written} is written", edit, proof)


def _pair(build: Build, instruction: Instruction) -> Iterator[Proposal]:
    """Write ``key=value``."""
    text, bounds = instruction.body.text, list(quoted_words(instruction.body.text, instruction.escape))
    if not bounds or "=" in text[slice(*bounds[0])]:
        return
    _one_line(instruction)
    ((key, value, _),) = ((pair.key, pair.value or "", pair.span) for pair in instruction.pairs)
    if not _KEY.fullmatch(key):
        raise Declined(f"what the name {key} stands for is not known")
    edit = Edit(build.path, instruction.body.span(0, len(text)), f"{key}={_quoted(value, instruction)}")
    claim = f"{key} has the same value"
    proof = proved(claim, "the value holds no quote and no escape that the two forms read in different ways")
    yield _change(build, instruction, f"write {instruction.keyword} {key}=…", edit, proof)


def _quoted(value: str, instruction: Instruction) -> str:
    """Return the value of an old form as the new form takes it; raise Declined where quotes or escapes are inside."""
    inner = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    if set(inner) & {'"', "'", instruction.escape}:
        raise Declined("its value has quotes or escapes, which the two forms may read in different ways")
    if inner != value:
        return value
    return f'"{value}"' if re.search(r"\s", value) else value


def _maintainer(build: Build, instruction: Instruction) -> Proposal:
    _one_line(instruction)
    text = instruction.body.text
    if set(text) & {'"', "'", "$", instruction.escape}:
        raise Declined("the name has characters that a LABEL reads in another way")
    for stage in build.stages:
        for line in stage.instructions:
            if line.keyword == "LABEL" and any(pair.key.strip("\"'") == _AUTHORS for pair in line.pairs):
                raise Declined(f"the label {_AUTHORS} is set already", build.place(line))
    keyword = "label" if instruction.written.islower() else "LABEL"
    span = Span(instruction.keyword_span.start, instruction.body.span(0, len(text)).end)
    edit = Edit(build.path, span, f'{keyword} {_AUTHORS}="{text}"')
    proof = assumed("nobody asks for the image's author", "it is a label now, which `docker inspect` shows elsewhere")
    return _change(build, instruction, "write MAINTAINER as a label", edit, proof)


def _command(build: Build, stage: Stage, instruction: Instruction) -> Proposal:
    """Write a command in JSON form, if it is one program with plain words."""
    _one_line(instruction)
    _no_entrypoint(build, stage, instruction)
    words = _words(stage, instruction)
    _no_script_without_interpreter(build, stage, words[0])
    text = json.dumps(words, ensure_ascii=False)
    edit = Edit(build.path, instruction.body.span(0, len(instruction.body.text)), text)
    plain = proved(f"`{words[0]}` is given the same arguments", "the command has no variable, pattern or operator")
    return _change(
        build, instruction, f"write {instruction.keyword} in JSON form", edit, plain, *_process(instruction, words)
    )


def _process(instruction: Instruction, words: list[str]) -> Iterator[Obligation]:
    """Yield what differs without the shell: the first process, unless ``exec`` made it the program's, and the setting.

    So no command is the same in both forms.
    """
    if instruction.body.text.split()[:1] == ["exec"]:
        yield proved(
            f"`{words[0]}` is the first process and gets the signals", "`exec` has put it in the shell's place"
        )
        doubt = "the image's settings name the program now, and the shell sets no PWD for it"
        yield assumed("nobody asks the image for the shell that started it", doubt)
    else:
        doubt = "it is the first process now, and gets the signals"
        if instruction.keyword == "CMD":
            doubt += "; an ENTRYPOINT of the base image is given it, not /bin/sh"
        yield assumed(f"`{words[0]}` needs no shell as its parent", doubt)
    if instruction.keyword == "ENTRYPOINT":
        yield assumed(
            "nobody gives a container arguments", f"the shell kept them from `{words[0]}`, which gets them now"
        )


def _words(stage: Stage, instruction: Instruction) -> list[str]:
    """Return the words of a shell-form command that is one program; raise Declined for anything else."""
    if stage.windows or stage.state(instruction).shell != DEFAULT_SHELL:
        raise Declined("which shell would read the command is not known")
    if instruction.body.text.startswith("["):
        raise Declined("it begins as JSON does, but is none, and the shell looks for a program of that name")
    try:
        script = shell.parse(instruction.body.text)
    except shell.NotUnderstood as error:
        raise Declined(f"its shell text is not understood: {error.reason}") from None
    simple = _alone(script)
    if simple is None:
        raise Declined("the command needs a shell")
    values = [word.value for word in simple.words]
    if values[:1] == ["exec"]:
        values = values[1:]
    if not values or any(value is None or value.startswith("~") for value in values) or values[0] in _BUILTINS:
        raise Declined("the command needs a shell")
    return [str(value) for value in values]


def _alone(script: shell.Script) -> shell.Simple | None:
    """Return the one plain command that a script is, None if it is more than that."""
    if len(script.items) != 1 or script.terminator or script.comments:
        return None
    pipeline = script.items[0].pipeline
    command = pipeline.commands[0] if len(pipeline.commands) == 1 else None
    if pipeline.negated or pipeline.timed or not isinstance(command, shell.Simple):
        return None
    return None if command.assignments or command.redirects else command


def _no_entrypoint(build: Build, stage: Stage, instruction: Instruction) -> None:
    """Decline a CMD behind an ENTRYPOINT, which is given ``/bin/sh -c …`` as its arguments now, and the reverse.

    An ENTRYPOINT in shell form is given no arguments at all: a CMD of its stage would reach the program for the first
    time. That of the base image does not, since an ENTRYPOINT clears it.
    """
    if instruction.keyword == "ENTRYPOINT":
        above = (line for other in build.stages if other.may_stand_on(stage) for line in other.instructions)
        if command := next((line for line in above if line.keyword == "CMD"), None):
            raise Declined("the shell keeps CMD from the program, which would be given it", build.place(command))
        return
    for level in stage.lineage:
        for line in level.instructions:
            if line.keyword == "ENTRYPOINT":
                raise Declined("an ENTRYPOINT is given the shell and its command as arguments", build.place(line))


def _no_script_without_interpreter(build: Build, stage: Stage, path: str) -> None:
    """Decline a script without ``#!``, which the kernel does not start; a shell runs its lines itself."""
    if "/" not in path:
        return
    view, place = build.view(stage, None), join(stage.end.workdir, path)
    text = view.read(place) if place else None
    if text is not None and not text.startswith("#!") and "\0" not in text:
        raise Declined(f"{path} does not begin with `#!`, and only a shell runs it", view.place(str(place), 1))


def _one_line(instruction: Instruction) -> None:
    if instruction.first != instruction.last or instruction.heredocs:
        raise Declined("it goes over several lines")


def _change(build: Build, instruction: Instruction, title: str, edit: Edit, *proof: Obligation) -> Proposal:
    gain = "docker build --check no longer warns of it"
    return Proposal(NAME, title, gain, build.place(instruction), (edit,), proof)
