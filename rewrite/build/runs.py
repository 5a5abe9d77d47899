"""RUN instructions as commands: which text a shell reads, and where each command stands in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..source import shell
from ..source.dockerfile import Dockerfile, Instruction, Joined
from ..source.edits import Span
from .accounts import account
from .stages import Stage, State, shell_aborts, shell_dialect
from .steps import Step, Surroundings, walk

__all__ = ["Mount", "Run", "Step", "home", "mounts", "read_run"]


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
        parts = (part.partition("=") for part in value.split(",") if part)
        options = {key.lower(): option for key, _, option in parts}
        found.append(Mount(options.get("type", "bind"), options))
    return tuple(found)


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
        if self.script is None:
            return ()
        # An ARG is in the environment, too, with whatever value the build was given.
        surroundings = Surroundings(
            self.state.workdir, {"HOME": self.home, **dict.fromkeys(self.state.args), **self.state.env}
        )
        return tuple(walk(self.script, surroundings, aborts=self.aborts))

    def span(self, span: Span) -> Span:
        """Return the file span of a span of the script."""
        return self.text.span(span.start, span.end)

    def line(self, dockerfile: Dockerfile, step: Step) -> int:
        """Return the 1-based line of the file on which `step` begins."""
        return dockerfile.text.count("\n", 0, self.text.offset(step.simple.span.start)) + 1


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
    state = stage.state(instruction)
    if "HOME" in state.env:
        return state.env["HOME"]
    # The environment of an image that is not known may hold any HOME.
    found = account(stage, instruction) if stage.base.official else None
    return found.home if found else None
