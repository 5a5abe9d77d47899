"""RUN instructions as commands: which text a shell reads, and where each command stands in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..source import shell
from ..source.dockerfile import Dockerfile, Instruction, Joined
from ..source.edits import Span
from .paths import join
from .stages import Stage, State, shell_aborts, shell_dialect


@dataclass(frozen=True, slots=True)
class Mount:
    """A ``--mount`` of a RUN, with its options as written."""

    kind: str
    options: Mapping[str, str]

    @property
    def target(self) -> str:
        """The mount's target as written; "" where there is none (a secret's or ssh's default)."""
        return next((self.options[key] for key in ("target", "dst", "destination") if key in self.options), "")

    @property
    def source(self) -> str:
        """A bind's source in the context or the stage that `from` names."""
        return next((self.options[key] for key in ("source", "src") if key in self.options), "")


def mounts(instruction: Instruction) -> tuple[Mount, ...]:
    """Return the mounts of a RUN."""
    found = []
    for value in instruction.flag_values("mount"):
        options = dict(part.partition("=")[::2] for part in value.split(",") if part)
        found.append(Mount(options.get("type", "bind"), {key.lower(): option for key, option in options.items()}))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Step:
    """A simple command in its surroundings.

    `words` are the values after expansion, None where one is not known; `cwd` is an image path, None
    once a ``cd`` could not be followed; `env` holds assignments and exports in force; `top` is the
    command's top-level item if it stands there alone (no pipe, no compound), else None; `item` is the
    top-level item that it is part of.
    """

    simple: shell.Simple
    words: tuple[str | None, ...]
    cwd: str | None
    env: Mapping[str, str | None]
    top: shell.Item | None
    item: shell.Item

    @property
    def program(self) -> str | None:
        """The program's name without its directory."""
        return self.words[0].rsplit("/", 1)[-1] if self.words and self.words[0] else None


@dataclass(frozen=True)
class Run:
    """A RUN of a stage and its script; `opaque` says why the script cannot be read ("" if it can)."""

    instruction: Instruction
    state: State
    text: Joined
    script: shell.Script | None
    opaque: str
    home: str | None

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """The mounts of this RUN."""
        return mounts(self.instruction)

    @cached_property
    def aborts(self) -> bool:
        """Whether a command that fails makes the RUN fail."""
        return self.script is not None and shell.aborts_on_error(self.script, errexit=shell_aborts(self.state))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """All simple commands in the order of the text, with the directory and variables they see."""
        return tuple(self._walk()) if self.script else ()

    def span(self, span: Span) -> Span:
        """Return the file span of a span of the script."""
        return self.text.span(span.start, span.end)

    def line(self, dockerfile: Dockerfile, step: Step) -> int:
        """Return the 1-based line of the file on which `step` begins."""
        return dockerfile.text.count("\n", 0, self.text.offset(step.simple.span.start)) + 1

    def _walk(self) -> Iterator[Step]:
        assert self.script is not None
        # An ARG is in the environment, too, with whatever value the build was given.
        cwd, variables = self.state.workdir, {**dict.fromkeys(self.state.args), **self.state.env}
        variables.setdefault("HOME", self.home)
        for item in self.script.items:
            commands = item.pipeline.commands
            alone = len(commands) == 1 and isinstance(commands[0], shell.Simple)
            script = shell.Script(item.span, (item,), (), "")
            for simple in shell.simples(script):
                step = _step(simple, cwd, variables, item, alone and simple is commands[0])
                yield step
                cwd = _cd(step, cwd, alone)
                _export(step, variables, alone and not item.operator == "||")


def _step(
    simple: shell.Simple, cwd: str | None, variables: Mapping[str, str | None], item: shell.Item, alone: bool
) -> Step:
    env = dict(variables)
    for assignment in simple.assignments:
        env[assignment.name] = assignment.value.expand(env.get) if not assignment.append else None
    words = tuple(_argument(word, variables.get) for word in simple.words)
    return Step(simple, words, cwd, env, item if alone else None, item)


def _argument(word: shell.Word, lookup: Callable[[str], str | None]) -> str | None:
    """Return a word's value; ``uvicorn[standard]`` is taken as it stands, as the shell does where no file matches."""
    if all(part.kind == "literal" or (part.kind == "glob" and part.text in "[]") for part in word.parts):
        return "".join(part.text for part in word.parts)
    return word.expand(lookup)


def _cd(step: Step, cwd: str | None, alone: bool) -> str | None:
    if step.program not in ("cd", "pushd", "popd"):
        return cwd
    target = step.words[1] if len(step.words) == 2 else None
    # A cd in a subshell, a pipe or a branch may or may not last.
    return join(cwd, target) if alone and step.program == "cd" and target and target != "-" else None


def _export(step: Step, variables: dict[str, str | None], certain: bool) -> None:
    if not step.simple.words:
        for assignment in step.simple.assignments:
            variables[assignment.name] = step.env[assignment.name] if certain else None
    elif step.program in ("export", "readonly", "local", "declare", "typeset"):
        for word in step.words[1:]:
            name, equals, value = (word or "").partition("=")
            if equals:
                variables[name] = value if certain else None
    elif step.program in (".", "source", "eval", "read", "unset"):
        variables.clear()


def read_run(stage: Stage, instruction: Instruction, dockerfile: Dockerfile) -> Run:
    """Return the RUN `instruction` of `stage`, with its script where a POSIX shell or bash reads it."""
    state = stage.state(instruction)
    text, opaque = _script_text(instruction, dockerfile)
    if stage.windows or (not opaque and shell_dialect(state) is None):
        opaque = opaque or "its shell is not known to be sh or bash"
    script = None
    if not opaque:
        try:
            script = shell.parse(text.text)
        except shell.NotUnderstood as error:
            opaque = f"its shell text is not understood: {error.reason}"
    return Run(instruction, state, text, script, opaque, home(stage, instruction))


def _script_text(instruction: Instruction, dockerfile: Dockerfile) -> tuple[Joined, str]:
    body = instruction.body
    if instruction.json is not None:
        return body, "it is in exec form"
    if not instruction.heredocs:
        return body, ""
    heredoc = instruction.heredocs[0]
    bare = body.text in (f"<<{heredoc.name}", f"<<-{heredoc.name}", f"<<'{heredoc.name}'", f'<<"{heredoc.name}"')
    if not bare:
        return body, "a heredoc is part of its command"
    source = dockerfile.source(heredoc.body)
    if source.startswith("#!") or heredoc.chomp or "\r" in source:
        return body, "its heredoc is not plain sh"
    return Joined(source, ((0, heredoc.body.start, len(source)),)), ""


def home(stage: Stage, instruction: Instruction) -> str | None:
    """Return HOME as a RUN at `instruction` sees it, or None if it cannot be known."""
    from .accounts import account

    state = stage.state(instruction)
    if "HOME" in state.env:
        return state.env["HOME"]
    found = account(stage, instruction)
    return found.home if found else None
