"""Stages, their base images, and what each instruction sees: environment, arguments, directory, user, shell."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ..source.dockerfile import Dockerfile, Instruction
from ..source.words import LexError, Lookup, unquote, variables
from .images import BaseImage, describe, is_windows
from .paths import BASE, join

DEFAULT_SHELL = ("/bin/sh", "-c")
# Declared without ARG; kept out of cache keys and changed at will.
PREDEFINED_ARGS = frozenset(
    f"{name}{suffix}"
    for name in ("HTTP", "HTTPS", "FTP", "NO", "ALL")
    for suffix in ("_PROXY",)
) | frozenset({"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"})


@dataclass(frozen=True, slots=True)
class State:
    """What an instruction sees when it runs.

    `env` and `args` map names to values, None where the value cannot be known (an ARG can be given
    any value at build time; its default is in `defaults`). `workdir` is an image path or None;
    `user` is "" for the base image's own. `shell` is None once it depends on a variable.
    """

    env: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    args: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))
    workdir: str | None = "/"
    user: str | None = ""
    shell: tuple[str, ...] | None = DEFAULT_SHELL

    def lookup(self, name: str) -> str | None:
        """Return the value of `$name` in an instruction, or None if it cannot be known."""
        if name in self.env:
            return self.env[name]
        return None


@dataclass(frozen=True)
class Stage:
    """A build stage: its FROM, the instructions after it, and the state before each of them.

    `parent` is the stage that FROM names; `base` the image at the root of the chain.
    """

    index: int
    name: str
    from_: Instruction
    instructions: tuple[Instruction, ...]
    states: tuple[State, ...]
    base: BaseImage
    base_certain: bool
    parent: Stage | None

    @property
    def end(self) -> State:
        """The state after the last instruction."""
        return self.states[-1]

    def state(self, instruction: Instruction) -> State:
        """Return what `instruction` of this stage sees."""
        return self.states[self.instructions.index(instruction)]

    def after(self, instruction: Instruction) -> tuple[Instruction, ...]:
        """Return the instructions of this stage behind `instruction`."""
        return self.instructions[self.instructions.index(instruction) + 1 :]

    @property
    def lineage(self) -> tuple[Stage, ...]:
        """This stage and those it is built on, this one first."""
        return (self, *self.parent.lineage) if self.parent else (self,)

    @property
    def windows(self) -> bool:
        """Whether RUN lines of this stage are for Windows."""
        return is_windows(self.base.reference) or self.from_.escape == "`"


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
                globals_[pair.key] = _value(pair.value, instruction, lambda name: globals_.get(name))
    for from_, instructions in groups:
        found.append(_stage(from_, tuple(instructions), found, globals_))
    return tuple(found)


def _stage(
    from_: Instruction, instructions: tuple[Instruction, ...], before: list[Stage], globals_: Mapping[str, str | None]
) -> Stage:
    words = [word.text for word in from_.words]
    name = words[2] if len(words) > 2 and words[1].lower() == "as" else ""
    raw = words[0] if words else ""
    reference = _value(raw, from_, lambda key: globals_.get(key))
    parent = next((stage for stage in reversed(before) if stage.name and stage.name.lower() == raw.lower()), None)
    certain = not variables(raw)
    if parent:
        start = replace(parent.end, args=MappingProxyType({}))
        base, certain = parent.base, parent.base_certain
    else:
        base = describe(reference) if reference else BaseImage(raw)
        start = State(workdir=base.workdir or BASE, user="")
    states = [start]
    for instruction in instructions:
        states.append(_step(states[-1], instruction, globals_))
    return Stage(len(before), name, from_, instructions, tuple(states), base, certain, parent)


def _value(raw: str | None, instruction: Instruction, lookup: Lookup) -> str | None:
    if raw is None:
        return None
    try:
        return unquote(raw, instruction.escape, lookup)
    except LexError:
        return None


def _path_lookup(state: State, key: str) -> Lookup:
    """Keep the base image's unknown ``$PATH`` as that text: what is put before it matters."""
    if key != "PATH":
        return state.lookup
    return lambda name: state.lookup(name) or ("$PATH" if name == "PATH" else None)


def _step(state: State, instruction: Instruction, globals_: Mapping[str, str | None]) -> State:
    keyword = instruction.keyword
    if keyword == "ENV":
        # All values of one ENV see the environment before it.
        values = {
            str(_value(pair.key, instruction, state.lookup)): _value(pair.value, instruction, _path_lookup(state, pair.key))
            for pair in instruction.pairs
        }
        return replace(state, env=MappingProxyType({**state.env, **values}))
    if keyword == "ARG":
        names = {pair.key: _value(pair.value, instruction, state.lookup) for pair in instruction.pairs}
        names = {name: globals_.get(name) if value is None else value for name, value in names.items()}
        return replace(state, args=MappingProxyType({**state.args, **names}))
    if keyword == "WORKDIR":
        path = _value(instruction.body.text, instruction, state.lookup)
        return replace(state, workdir=join(state.workdir, path) if path else None)
    if keyword == "USER":
        return replace(state, user=_value(instruction.body.text, instruction, state.lookup))
    if keyword == "SHELL":
        return replace(state, shell=instruction.json)
    return state


def shell_dialect(state: State) -> str | None:
    """Return ``sh`` or ``bash`` if RUN's shell form is read by one of these, else None."""
    if not state.shell:
        return None
    program = posixpath.basename(state.shell[0])
    return program if program in ("sh", "bash", "dash", "ash") and "-c" in _letters(state.shell[1:]) else None


def shell_aborts(state: State) -> bool:
    """Tell whether the shell in force was started with ``-e``."""
    return bool(state.shell) and "-e" in _letters(state.shell[1:] if state.shell else ())


def _letters(options: tuple[str, ...]) -> set[str]:
    return {f"-{letter}" for option in options if option.startswith("-") and option[1:2] != "-" for letter in option[1:]}
