"""Stages, their base images, and what each instruction sees: environment, arguments, directory, user, shell."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ..source.dockerfile import Dockerfile, Instruction
from ..source.words import LexError, Lookup, unquote, variables
from .images import BaseImage, describe, is_windows
from .paths import BASE, join

DEFAULT_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True, slots=True)
class State:
    """What an instruction sees when it runs.

    `env` maps names to values, None where the value cannot be known, as with an ARG: a build can give
    it any value. `args` maps the ARGs to their defaults, None where there is none. `workdir` is an
    image path or None; `user` is "" for the base image's own, None if unknown; so is `shell`.
    """

    env: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    args: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    workdir: str | None = "/"
    user: str | None = ""
    shell: tuple[str, ...] | None = DEFAULT_SHELL

    def lookup(self, name: str) -> str | None:
        """Return the value of `$name` in an instruction, or None if it cannot be known."""
        value = self.env.get(name)
        # A value that stands on the base image's own $PATH is kept to see what is put before it.
        return None if value and "$PATH" in value else value

    def lookup_path(self, name: str) -> str | None:
        """Return the same, with what is known of PATH: the base image's own stands there as ``$PATH``."""
        return self.env.get("PATH") or "$PATH" if name == "PATH" else self.lookup(name)


@dataclass(frozen=True)
class Stage:
    """A build stage: its FROM, the instructions after it, and the state before each of them.

    `parent` is the stage that FROM names; `base` the image at the root of the chain, `base_certain`
    tells whether no build argument can change it; `candidates` are the stages that FROM may name,
    depending on a build argument.
    """

    index: int
    name: str
    from_: Instruction
    instructions: tuple[Instruction, ...]
    states: tuple[State, ...]
    base: BaseImage
    base_certain: bool
    parent: Stage | None
    candidates: tuple[Stage, ...] = ()

    @property
    def end(self) -> State:
        """The state after the last instruction."""
        return self.states[-1]

    def state(self, instruction: Instruction) -> State:
        """Return what `instruction` of this stage sees."""
        return self.states[self.instructions.index(instruction)]

    def before(self, instruction: Instruction | None) -> Iterator[tuple[Stage, Instruction]]:
        """Yield what the image was made of when `instruction` of this stage (None: its program) runs, parents' too."""
        end = self.instructions.index(instruction) if instruction else None
        yield from ((self, line) for line in self.instructions[:end])
        yield from ((level, line) for level in self.lineage[1:] for line in level.instructions)

    def up_to(self, instruction: Instruction) -> Iterator[tuple[Stage, Instruction]]:
        """Yield what the image was made of when `instruction` of this stage runs, in the order in which it was made."""
        for level in reversed(self.lineage):
            lines = level.instructions
            yield from ((level, line) for line in (lines[: lines.index(instruction)] if level is self else lines))

    def after(self, instruction: Instruction) -> tuple[Instruction, ...]:
        """Return the instructions of this stage behind `instruction`."""
        return self.instructions[self.instructions.index(instruction) + 1 :]

    @property
    def lineage(self) -> tuple[Stage, ...]:
        """This stage and those it is built on, this one first."""
        return (self, *self.parent.lineage) if self.parent else (self,)

    def may_stand_on(self, other: Stage) -> bool:
        """Tell whether this stage is `other`, or may be built on it."""
        return self is other or any(level.may_stand_on(other) for level in (self.parent, *self.candidates) if level)

    def called(self, reference: str) -> bool:
        """Tell whether ``--from=reference`` means this stage."""
        return reference.lower() in (str(self.index), self.name.lower()) and reference != ""

    @property
    def windows(self) -> bool:
        """Whether RUN lines of this stage are for Windows."""
        return is_windows(self.base.reference) or (self.from_.escape == "`" and not self.base.official)


def stages(dockerfile: Dockerfile) -> tuple[Stage, ...]:
    """Return the stages of a Dockerfile without problems."""
    found: list[Stage] = []
    globals_: dict[str, str | None] = {}
    groups: list[tuple[Instruction, list[Instruction]]] = []
    for instruction in dockerfile.instructions:
        if instruction.keyword == "FROM":
            groups.append((instruction, []))
        elif groups:
            groups[-1][1].append(instruction)
        elif instruction.keyword == "ARG":
            for pair in instruction.pairs:
                globals_[pair.key] = _value(pair.value, instruction, globals_.get)
    for from_, instructions in groups:
        found.append(_stage(from_, tuple(instructions), found, globals_))
    return tuple(found)


def _stage(
    from_: Instruction, instructions: tuple[Instruction, ...], before: list[Stage], globals_: Mapping[str, str | None]
) -> Stage:
    words = [word.text for word in from_.words]
    name = words[2] if len(words) > 2 and words[1].lower() == "as" else ""
    raw = words[0] if words else ""
    reference = _value(raw, from_, globals_.get)
    certain = not variables(raw, from_.escape)
    parent: Stage | None = None
    candidates: tuple[Stage, ...] = ()
    if certain:
        parent = next((stage for stage in reversed(before) if stage.name and stage.name.lower() == raw.lower()), None)
    else:
        candidates = tuple(stage for stage in before if stage.name and _may_name(raw, stage.name.lower()))
    if parent:
        base, certain, state = parent.base, parent.base_certain, parent.end
    else:
        # A tag may vary; an image that an argument names may be any.
        is_known = reference and not variables(raw.partition(":")[0], from_.escape) and not candidates
        base = describe(reference) if reference and is_known else BaseImage(reference or raw)
        shells = {DEFAULT_SHELL, *(stage.end.shell for stage in candidates)}
        env = MappingProxyType(dict(base.env))
        state = State(env, workdir=base.workdir or BASE, shell=DEFAULT_SHELL if len(shells) == 1 else None)
    states = [state]
    for instruction in instructions:
        states.append(_step(states[-1], instruction, globals_))
    return Stage(len(before), name, from_, instructions, tuple(states), base, certain, parent, candidates)


def _may_name(raw: str, name: str) -> bool:
    """Tell whether `raw` can become `name` by the value of its variables."""
    fixed = re.split(r"\$(?:\{[^}]*\}+|\w+)", raw)
    return re.fullmatch(".*".join(re.escape(part) for part in fixed), name, re.IGNORECASE) is not None


def _value(raw: str | None, instruction: Instruction, lookup: Lookup) -> str | None:
    if raw is None:
        return None
    try:
        return unquote(raw, instruction.escape, lookup)
    except LexError:
        return None


def _step(state: State, instruction: Instruction, globals_: Mapping[str, str | None]) -> State:
    keyword = instruction.keyword
    if keyword == "ENV":
        return replace(state, env=MappingProxyType({**state.env, **_environment(state, instruction)}))
    if keyword == "ARG":
        defaults = {
            pair.key: globals_.get(pair.key) if pair.value is None else _value(pair.value, instruction, state.lookup)
            for pair in instruction.pairs
        }
        # An ARG shadows an ENV above it, and is in the environment of every RUN below.
        env = {**state.env, **dict.fromkeys(defaults)}
        return replace(state, env=MappingProxyType(env), args=MappingProxyType({**state.args, **defaults}))
    if keyword == "WORKDIR":
        path = _value(instruction.body.text, instruction, state.lookup)
        return replace(state, workdir=join(state.workdir, path) if path else None)
    if keyword == "USER":
        return replace(state, user=_value(instruction.body.text, instruction, state.lookup))
    if keyword == "SHELL":
        return replace(state, shell=instruction.json)
    return state


def _environment(state: State, instruction: Instruction) -> dict[str, str | None]:
    """Return what an ENV sets; all its values see the environment before it."""
    found: dict[str, str | None] = {}
    for pair in instruction.pairs:
        key = _value(pair.key, instruction, state.lookup)
        if key is None:
            found |= dict.fromkeys((*state.env, *found, "HOME", "PATH"))  # it may be any
            continue
        value = _value(pair.value, instruction, state.lookup)
        found[key] = _value(pair.value, instruction, state.lookup_path) if value is None and key == "PATH" else value
    return found


def shell_dialect(state: State) -> str | None:
    """Return the shell's name if RUN's shell form is read by sh, dash, ash or bash, else None."""
    if not state.shell:
        return None
    program, *options = state.shell
    name = posixpath.basename(program)
    takes_command = bool(options) and "-c" in _letters((options[-1],))
    return name if name in ("sh", "bash", "dash", "ash") and takes_command else None


def shell_aborts(state: State) -> bool:
    """Tell whether the shell in force was started with ``-e``."""
    return bool(state.shell) and "-e" in _letters(state.shell[1:] if state.shell else ())


def _letters(options: tuple[str, ...]) -> set[str]:
    return {
        f"-{letter}" for option in options if option.startswith("-") and option[1:2] != "-" for letter in option[1:]
    }
