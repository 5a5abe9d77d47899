"""Command lines of the package managers of Node, and the tools that people install globally with them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ..build.options import arguments
from ..build.paths import join
from ..build.runs import Step
from ..model import Declined, assumed, proved
from . import Command, Read, Write

# Programs that people install globally, and whose install scripts look at no project.
_TOOL_NAMES = """
@angular/cli @antfu/ni @nestjs/cli @vue/cli bower bun concurrently corepack cross-env deno dotenv-cli eslint forever
grunt-cli gulp gulp-cli http-server jest knex lerna mocha node-gyp nodemon npm npm-check-updates npm-run-all nx pm2 pnpm
prettier prisma rimraf sequelize-cli serve ts-node tsx turbo typescript vite webpack webpack-cli yarn
"""
_TOOLS = frozenset(_TOOL_NAMES.split())


@dataclass(frozen=True, slots=True)
class Line:
    """A package manager's command line: what it is told to do, and its options in their long form."""

    subcommand: str
    operands: tuple[str, ...]
    options: Mapping[str, str]

    @classmethod
    def read(cls, step: Step, switches: Collection[str], valued: Collection[str], spellings: Mapping[str, str]) -> Line:
        """Read the words of `step`; raises Declined for an option that is not known."""
        found = arguments(step.words, 1, switches, valued)
        options: dict[str, str] = {}
        operands: list[str] = []
        switch, at = "", -1
        for argument in found:
            option = spellings.get(argument.option, argument.option)
            if option:
                options[option] = argument.value
                is_switch = argument.option in switches and not argument.value
                switch, at = (option, argument.index) if is_switch else ("", -1)
            elif argument.value in ("true", "false") and argument.index == at + 1:
                options[switch] = argument.value
            else:
                operands.append(argument.value)
        return cls(operands[0] if operands else "", tuple(operands[1:]), options)

    def on(self, *names: str) -> bool:
        """Tell whether one of the switches is given, and not as ``=false``."""
        return any(self.options.get(name, "false") != "false" for name in names)

    def root(self, step: Step, option: str) -> str | None:
        """Return the directory that the command works in, which `option` may name; None if it is not known."""
        return join(step.cwd, self.options.get(option, "."))


def unwrapped(step: Step) -> Step:
    """Return ``corepack yarn …`` or ``corepack pnpm@9 …`` as the command that corepack starts; others as they are."""
    name = (step.words[1] or "").partition("@")[0] if len(step.words) > 1 else ""
    if step.program != "corepack" or name not in ("yarn", "yarnpkg", "pnpm"):
        return step
    return replace(step, words=(name, *step.words[2:]), simple=replace(step.simple, words=step.simple.words[1:]))


def global_install(
    command: Command, names: Sequence[str], reads: Sequence[Read], writes: Sequence[Write], scripts: bool
) -> Command:
    """Return `command` as one that installs the packages `names` outside of any project; raises Declined.

    `scripts` tells whether their install scripts run.
    """
    for name in names:
        if name.startswith((".", "/", "~", "file:")) or name.endswith((".tgz", ".tar.gz", ".tar")):
            raise Declined(f"{command.title} {name} installs from the tree")
    if not names:
        raise Declined(f"{command.title} without a name installs the tree itself")
    claim = "no install script of a global package reads the project"
    unknown = [name for name in map(_unversioned, names) if name not in _TOOLS]
    if not scripts:
        proof = proved(claim, "scripts are not run")
    elif unknown:
        proof = assumed(claim, f"what {', '.join(unknown)} and what they need do is not known")
    else:
        proof = proved(claim, f"{', '.join(map(_unversioned, names))}: known")
    return Command(command.ecosystem, command.title, True, tuple(reads), tuple(writes), None, (proof,), scripts)


def _unversioned(operand: str) -> str:
    scope, _, name = operand.rpartition("/")
    return f"{scope}/{name.partition('@')[0]}" if scope else name.partition("@")[0]
