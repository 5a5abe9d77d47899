"""Install what the lockfile says, or fail.

`npm install` and its like bring the lockfile up to date on the way, so the image may hold other versions than those
that were tested, and the next build others again. `npm ci` and `--frozen-lockfile` install what is locked and nothing
else. It is for review: the build fails from then on where the lockfile was forgotten, as it should.

Declines where no lockfile of the tool is in the build context, where package.json names something that
package-lock.json does not hold (`npm ci` would fail), where the command adds a package, where a command before it may
have changed either file, and where `npm ci` would remove what is in node_modules already.

```diff
 COPY package.json yarn.lock ./
-RUN yarn install
+RUN yarn install --frozen-lockfile
```
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from .. import ecosystems
from ..build import effects
from ..build.build import Build, View
from ..build.paths import inside, join, overlap
from ..build.runs import Run, Step
from ..build.stages import Stage
from ..model import Declined, Obligation, Proposal, Refusal, assumed, proved
from ..source.dockerfile import Instruction
from ..source.edits import Edit
from ._script_edits import insert_behind

NAME = "frozen-install"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a tool is told to keep to its lockfile.

    `flag` is added behind one of `subcommands` ("": the program alone), unless one of `told` is there; with `instead`
    the subcommand is exchanged. `bare`: operands would be packages to add.
    """

    subcommands: frozenset[str]
    manifest: str
    lockfiles: tuple[str, ...]
    flag: str = ""
    instead: str = ""
    told: frozenset[str] = frozenset()
    bare: bool = True


# Documentation of each tool's command line: npm-ci, yarn install (classic and berry), pnpm install, bun install,
# uv sync, cargo build, pdm install, pipenv install.
_YARN = frozenset(
    "--frozen-lockfile --no-frozen-lockfile --immutable --no-immutable --pure-lockfile --no-lockfile --mode".split()
)
_FORMS = {
    "npm": _Form(
        frozenset({"install", "i"}), "package.json", ("npm-shrinkwrap.json", "package-lock.json"), instead="ci"
    ),
    "yarn": _Form(frozenset({"install", ""}), "package.json", ("yarn.lock",), "--frozen-lockfile", told=_YARN),
    "pnpm": _Form(
        frozenset({"install", "i"}),
        "package.json",
        ("pnpm-lock.yaml",),
        "--frozen-lockfile",
        told=frozenset({"--frozen-lockfile", "--no-frozen-lockfile", "--no-lockfile", "--fix-lockfile", "--offline"}),
    ),
    "bun": _Form(
        frozenset({"install", "i"}), "package.json", ("bun.lock", "bun.lockb"), "--frozen-lockfile", told=_YARN
    ),
    "uv": _Form(
        frozenset({"sync"}), "pyproject.toml", ("uv.lock",), "--locked", told=frozenset({"--locked", "--frozen"})
    ),
    "pdm": _Form(
        frozenset({"install"}), "pyproject.toml", ("pdm.lock",), "--frozen-lockfile", told=_YARN | {"--check"}
    ),
    "pipenv": _Form(
        frozenset({"install"}),
        "Pipfile",
        ("Pipfile.lock",),
        "--deploy",
        told=frozenset({"--deploy", "--ignore-pipfile", "--skip-lock"}),
    ),
    "cargo": _Form(
        frozenset({"build", "b", "test", "t", "fetch"}),
        "Cargo.toml",
        ("Cargo.lock",),
        "--locked",
        told=frozenset({"--locked", "--frozen", "--offline"}),
        bare=False,
    ),
}
# What says so in the environment, which the flag would contradict.
_TOLD_BY = {"uv": "UV_FROZEN"}
# They change the manifest or the lockfile.
_CHANGES = frozenset(
    "add remove rm uninstall un upgrade up update pkg init dedupe link import lock generate-lockfile".split()
)
_READERS = frozenset({"jq", "grep", "cat", "ls", "stat", "sha256sum", "md5sum"})
_NODE = frozenset({"npm", "yarn", "pnpm", "bun", "npx"})
# With them an install is not one of the project as it is here.
_ELSEWHERE = frozenset(
    "-g --global --prefix -C --cwd --dir --project --directory --manifest-path -r --recursive -w --workspace"
    " --no-package-lock --package-lock-only --no-save --no-shrinkwrap --location --dry-run".split()
)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield one proposal for each install that may change its lockfile, or why it is left."""
    for stage, run in build.runs():
        for step in run.steps:
            form = _FORMS.get(step.program or "")
            if form is None or step.words[0] != step.program:
                continue
            try:
                yield from _consider(build, stage, run, step, form)
            except Declined as declined:
                yield Refusal(NAME, build.step_place(run, step), declined.premise, declined.because)


def _consider(build: Build, stage: Stage, run: Run, step: Step, form: _Form) -> Iterator[Proposal]:
    at = next((at for at, word in enumerate(step.words[1:], 1) if word is None or not word.startswith("-")), 0)
    subcommand = step.words[at] if at else ""
    if subcommand not in form.subcommands or None in step.words:
        return
    options = {str(word).partition("=")[0] for word in step.words[1:]}
    operands = [word for word in step.words[at + 1 :] if not str(word).startswith("-")]
    if options & (form.told | _ELSEWHERE) or (form.bare and operands):
        return
    view = build.view(stage, run.instruction)
    lock = _lockfile(step, form, view)
    if lock is None:
        raise Declined(f"no {' or '.join(form.lockfiles)} is copied to where {step.program} runs")
    if _TOLD_BY.get(step.program or "") in step.env:
        raise Declined(f"{_TOLD_BY[step.program or '']} says already what is installed")
    _in_its_state(build, stage, run, step, form, lock)
    if step.program == "npm":
        _nothing_installed(build, stage, run, step)
    proof = _proof(step, lock, view)
    flag = "--immutable" if step.program == "yarn" and "__metadata:" in (view.read(lock) or "") else form.flag
    word = step.simple.words[at]
    edit = (
        Edit(build.path, run.span(word.span), form.instead)
        if form.instead
        else insert_behind(build, run, word.span.end, f" {flag}")
    )
    told = (
        f"{step.program} {form.instead}" if form.instead else f"{step.program} {subcommand} {flag}".replace("  ", " ")
    )
    yield Proposal(
        NAME,
        f"write {told}",
        "the image holds what the lockfile says, and a forgotten lockfile is noticed",
        build.step_place(run, step),
        (edit,),
        proof,
    )


def _in_its_state(build: Build, stage: Stage, run: Run, step: Step, form: _Form, lock: str) -> None:
    """Decline if a command may have changed the manifest or the lockfile since a COPY brought them."""
    files = {posixpath.join(posixpath.dirname(lock), form.manifest), lock}
    before = [(run, one) for one in run.steps[: run.steps.index(step)]]
    for _, line in reversed(tuple(stage.up_to(run.instruction))):
        copy = build.copy(line)
        if copy and copy.context_path(lock):
            break
        if line.keyword == "RUN":
            before += [(build.run(line), one) for one in build.run(line).steps]
    for other, one in before:
        if _may_change(one, files, step.program or ""):
            raise Declined(
                f"`{one.program}` may have changed {form.manifest} or its lockfile", build.step_place(other, one)
            )


def _may_change(step: Step, files: set[str], tool: str) -> bool:
    """Tell whether a command changes one of `files`, as far as its words tell."""
    known = effects.effect(step)
    if known is not None:
        return any(overlap(path, file) for path in known.writes for file in files)
    words = [str(word) for word in step.words[1:]]
    family = _NODE if tool in _NODE else {tool}
    if step.program in family and not {"-g", "--global"} & set(words):
        verb, *operands = [word for word in words if not word.startswith("-")] or [""]
        if verb in _CHANGES or (verb == "set" and step.program == "yarn") or (verb in ("install", "i") and operands):
            return True
    names = {posixpath.basename(file) for file in files}
    return step.program not in _READERS and any(posixpath.basename(word) in names for word in words)


def _nothing_installed(build: Build, stage: Stage, run: Run, step: Step) -> None:
    """Decline if node_modules holds something already: ``npm ci`` removes it, where ``npm install`` adds to it."""
    place = posixpath.join(step.cwd or "/", "node_modules")
    for level, line in ((stage, run.instruction), *reversed(tuple(stage.up_to(run.instruction)))):
        if line.keyword == "RUN":
            view, steps = build.view(level, line), build.run(line).steps
            for one in steps[: steps.index(step)] if line is run.instruction else steps:
                command = ecosystems.recognise(one, view)
                if command and any(overlap(write.path, place) for write in command.writes):
                    raise Declined(
                        "npm ci would remove what is installed already", build.step_place(build.run(line), one)
                    )
        elif line.keyword in ("COPY", "ADD") and _brings(build, level, line, place):
            raise Declined("npm ci would remove the node_modules that are copied", build.place(line))


def _brings(build: Build, stage: Stage, line: Instruction, place: str) -> bool:
    copy = build.copy(line)
    if copy and not copy.opaque:
        return any(inside(path, place) for path in copy.writes(build.context))
    target = join(stage.state(line).workdir, line.words[-1].text.rstrip("/")) if line.words else None
    # Of another stage's directory nobody here knows what is in it.
    return target is not None and (overlap(target, place) or "node_modules" in line.body.text)


def _lockfile(step: Step, form: _Form, view: View) -> str | None:
    """Return the image path of the lockfile in the directory where the tool runs."""
    places = (posixpath.join(step.cwd, name) for name in form.lockfiles) if step.cwd else ()
    return next((path for path in places if view.exists(path)), None)


def _proof(step: Step, lock: str, view: View) -> tuple[Obligation, ...]:
    place = view.place(lock)
    if step.program == "npm":
        _in_step(lock, view)
        held = proved("package-lock.json holds what package.json names", "both were read", place)
        doubt = "npm install may have brought others, which the lockfile allows no longer"
        return held, assumed("the versions of the lockfile are those that are wanted", doubt)
    return (
        assumed("the lockfile is up to date", f"the build fails where {step.program} would have to change it", place),
    )


def _in_step(lock: str, view: View) -> None:
    """Decline if package.json names what the lockfile's own copy of it does not: ``npm ci`` fails then."""
    try:
        locked = json.loads(view.read(lock) or "")
        package = json.loads(view.read(posixpath.join(posixpath.dirname(lock), "package.json")) or "")
        root = locked["packages"][""]
        groups = ("dependencies", "devDependencies", "optionalDependencies")
        differing = next((group for group in groups if package.get(group, {}) != root.get(group, {})), None)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Declined("whether the lockfile fits package.json cannot be seen", view.place(lock)) from None
    if differing:
        raise Declined(f"the {differing} of package.json are not those of the lockfile", view.place(lock))
