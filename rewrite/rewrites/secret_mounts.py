"""Give a secret to the steps that need it, and to nothing else.

The value of an ARG stays in the image's history (`docker history` shows it), and in the log of the build's provenance.
`RUN --mount=type=secret,id=NAME,env=NAME` gives the same variable to the same commands, and leaves nothing behind. It
is for review, since who builds the image has to hand the secret over in another way:

    docker build --secret id=NPM_TOKEN,env=NPM_TOKEN .

and, with docker/build-push-action, under `secrets:` the line `NPM_TOKEN=${{ secrets.NPM_TOKEN }}`. A later change of
the secret alone runs no step again, as it does for an ARG.

So it is with a file of credentials that a COPY brings: `.npmrc`, `.netrc`, `pip.conf`, `.pypirc`, `nuget.config` or
`settings.xml` with a password in it become a secret mount in the same place, the key `.ssh/id_rsa` becomes
`--mount=type=ssh`, and what only changed their mode or removed them goes.

An ENV that nothing but a build seems to use goes the same way; the image does not have the variable any more.

Declines where the ARG has a default (the secret is in the file then, and has to be renewed), where something else
than a RUN uses it, where a stage is built on this one, where the RUN may read it and cannot be given a mount, and with
builders or a `# syntax` line that do not know it; where a command does with a file what it could not do with a mount,
and where a file of the project names the variable of an ENV, which the program may then read when it runs.

```diff
-ARG NPM_TOKEN
-RUN curl -H "Authorization: $NPM_TOKEN" -o /a https://example.org/a
+RUN --mount=type=secret,id=NPM_TOKEN,env=NPM_TOKEN \\
+    curl -H "Authorization: $NPM_TOKEN" -o /a https://example.org/a
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..build.build import Build
from ..build.frontend import older
from ..build.secrets import is_common_knowledge, is_secret_name, literal
from ..build.stages import Stage
from ..model import Declined, Obligation, Place, Proposal, Refusal, assumed, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit
from ..source.words import variables
from ._copied_secrets import copied
from ._layout import block_of, removals
from ._reading import is_named, may_read
from ._script_edits import mount_flags

NAME = "secret-mounts"

# Secrets in the environment came with frontend 1.10 (FACTS.md, 2.2).


_LARGE = 1_000_000
_OF_THE_BUILD = re.compile(
    r"(?i)(?:\A|/)(?:\.npmrc|\.yarnrc(?:\.yml)?|pip\.conf|\.netrc|\.pypirc|nuget\.config|settings\.xml|makefile|[^/]*dockerfile"
    r"[^/]*|(?:docker-)?compose[^/]*|\.env[^/]*)\Z|\.md\Z|(?:\A|/)\.github/"
)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each ARG, ENV and COPY that brings a secret, or why it is left."""
    yield from copied(build, NAME)
    for stage in build.stages:
        for instruction in stage.instructions:
            pairs = instruction.pairs if instruction.keyword in ("ARG", "ENV") else ()
            names = (pair.key for pair in pairs if not is_common_knowledge(pair.key, pair.value))
            secret = next((name for name in names if is_secret_name(name)), None)
            if secret is None or (instruction.keyword == "ENV" and not _holds_value(stage, instruction, secret)):
                continue
            try:
                yield _proposal(build, stage, instruction, secret)
            except Declined as declined:
                yield Refusal(NAME, build.place(instruction), declined.premise, declined.because)


def _holds_value(stage: Stage, instruction: Instruction, name: str) -> bool:
    """Tell whether an ENV gives the variable a secret that no ARG of the stage hands on to it."""
    value = next((pair.value for pair in instruction.pairs if pair.key == name), "")
    handed_on = any(line.keyword == "ARG" and _hands_on(line, instruction, name) for line in stage.instructions)
    return not handed_on and (bool(literal(value)) or "$" in (value or ""))


def _hands_on(argument: Instruction, line: Instruction, name: str) -> bool:
    """Tell whether `line` is ``ENV NAME=$NAME``, for the ARG of that name."""
    if line.keyword != "ENV" or len(line.pairs) != 1 or all(pair.key != name for pair in argument.pairs):
        return False
    return line.pairs[0].key == name and (line.pairs[0].value or "").strip('"') in (f"${name}", f"${{{name}}}")


def _proposal(build: Build, stage: Stage, instruction: Instruction, name: str) -> Proposal:
    partners = [line for line in stage.after(instruction) if _hands_on(instruction, line, name)]
    lasting = instruction.keyword == "ENV" or bool(partners)
    _declared_alone(build, stage, instruction, name, partners)
    if lasting:
        _not_for_the_program(build, name)
    _builder(build)
    runs, proof = _readers(build, stage, instruction, name)
    spec = f"--mount=type=secret,id={name},env={name}"
    place = build.place(instruction)
    edits = [mount_flags(build, build.run(run), [spec]) for run in runs]
    for line in (instruction, *partners):
        # A comment above stays: it may say who hands the secret over.
        commented = block_of(build.dockerfile, line).body != line.span
        gone = [line.span] if commented else removals(build.dockerfile, [line])
        edits += [Edit(build.path, span, "") for span in gone]
    doubts = [assumed(f"the secret {name} is handed over to the build", "until then the steps go without it")]
    if lasting:
        how = f"it has to be given then: docker run -e {name}"
        doubts.append(assumed(f"the program of the image does not read {name} when it runs", how))
    renew = [] if instruction.keyword == "ARG" else ["its value is in the file and in images built before: renew it"]
    return Proposal(
        NAME,
        f"take {name} from a secret mount",
        "the secret is in no layer and in no history of the image",
        place,
        tuple(edits),
        (
            *proof,
            proved(f"no other instruction uses {name}", "the stage was read", place),
            *doubts,
        ),
        (
            f"build with: docker build --secret id={name},env={name} .",
            f"docker/build-push-action: secrets: {name}=${{{{ secrets.{name} }}}}",
            *renew,
        ),
    )


def _declared_alone(
    build: Build, stage: Stage, instruction: Instruction, name: str, partners: Sequence[Instruction]
) -> None:
    """Decline unless the instruction sets the secret, an ARG without a value, for the RUNs of this stage alone."""
    if len(instruction.pairs) > 1:
        raise Declined(f"the {instruction.keyword} declares other variables, too")
    if instruction.keyword == "ENV" and "$" in (instruction.pairs[0].value or ""):
        raise Declined(
            f"{name} is in the image's settings, where everybody can read it, with what another variable holds"
        )
    if instruction.keyword == "ARG" and instruction.pairs[0].value not in (None, "", '""', "''"):
        raise Declined(f"{name} has a default, so the secret is in the file: renew it, and take it out")
    if any(line.keyword == "ARG" and is_named(build, line, [name]) for line in _global_lines(build)):
        raise Declined(f"{name} is declared for the whole file, too")
    child = next((one for one in build.stages if one is not stage and one.may_stand_on(stage)), None)
    if child:
        raise Declined("a stage is built on this one, and has the variable as well", build.place(child.from_))
    for line in stage.instructions:
        if line is instruction or line in partners or line.keyword == "RUN":
            continue
        declared = {pair.key for pair in line.pairs} if line.keyword in ("ARG", "ENV") else set()
        if name in declared or name in variables(line.body.text, line.escape) or _flag_names(line, name):
            raise Declined(f"{line.keyword} uses {name}, too", build.place(line))


def _not_for_the_program(build: Build, name: str) -> None:
    """Decline if a file of the project names the variable, other than those by which a build logs in somewhere."""
    for entry in build.context.files():
        if entry.size > _LARGE or _OF_THE_BUILD.search(entry.path):
            continue
        if name in (build.context.read(entry.path) or ""):
            raise Declined(f"{name} may be for the program, which names it", Place(entry.path))


def _flag_names(line: Instruction, name: str) -> bool:
    return any(name in variables(flag.value or "", line.escape) for flag in line.flags)


def _global_lines(build: Build) -> Iterator[Instruction]:
    for line in build.dockerfile.instructions:
        if line.keyword == "FROM":
            return
        yield line


def _builder(build: Build) -> None:
    if build.builder != "buildkit":
        raise Declined(f"the builder ({build.builder}) may not know secrets in the environment")
    if syntax := older(build.dockerfile, 10):
        raise Declined(f"# syntax={syntax} is older than secrets in the environment (1.10)")


def _readers(
    build: Build, stage: Stage, instruction: Instruction, name: str
) -> tuple[list[Instruction], list[Obligation]]:
    """Return the RUNs that read the variable, or may, and the proof that the others do not."""
    runs: list[Instruction] = []
    proof: list[Obligation] = []
    for line in stage.after(instruction):
        if line.keyword != "RUN":
            continue
        reason, why_not = may_read(build, stage, line, [name])
        if is_named(build, line, [name]) or reason:
            if any(f"id={name}" in value for value in line.flag_values("mount")):
                raise Declined("the RUN has a secret of this name already", build.place(line))
            runs.append(line)
        else:
            proof += why_not
    if not runs:
        raise Declined(f"no step of the stage uses {name}")
    return runs, proof
