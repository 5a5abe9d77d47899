"""Move an ARG, ENV or LABEL that takes a commit, a date or a build number below what does not read it.

Each build gives them another value. Every RUN below an ARG or ENV has it in its environment, so the
cache misses from there on, whether the RUN looks at it or not.

So it is with a version or release that the Dockerfile itself sets and that people raise: two commits in its git history
must have done so. As in `reorder`, nothing is concluded from fewer than 20 commits or a shallow clone. A LABEL alone
runs no step again, and only goes along with the variable that it names.

Declines to pass a RUN whose programs may read any variable, or an instruction that names it; names
that tools read silently (NODE_ENV, PIP_*, *_PROXY and the like) are never moved, nor is a cache buster.

```diff
-ARG GIT_SHA
 RUN apt-get update && apt-get install -y curl
+ARG GIT_SHA
 ENV APP_COMMIT=$GIT_SHA
```
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..build.build import Build
from ..build.stages import Stage
from ..model import Declined, Obligation, Proposal, Refusal, proved
from ..source.dockerfile import Instruction, Pair
from ..source.edits import Edit, Span
from ..source.words import variables
from ._layout import block_of, ended, removals
from ._pairs import check_split, mentions, own_line, taken_out
from ._reading import is_named, may_read

NAME = "volatile-args-last"

_VOLATILE = re.compile(
    r"(?:.*_)?(?:(?:GIT|VCS|SOURCE|SCM|CI|GITHUB|HEAD|SHORT|LAST)_?(?:COMMIT|SHA|HASH|REF|REV|REVISION|DESCRIBE)(?:_SHA|_ID|_HASH|_SHORT|_REF)?"
    r"|COMMIT(?:_?(?:SHA|HASH|ID|REF|REV|DATE|TIME|TIMESTAMP))?|REVISION|SHA|SHA1"
    r"|BUILD_?(?:DATE|TIME|TIMESTAMP|NUMBER|NUM|NO|ID|SHA|REF|REV|COMMIT|URL|AT)|RUN_(?:ID|NUMBER))"
)
_NEVER = re.compile(
    r"NODE_ENV|DEBIAN_FRONTEND|GOFLAGS|CGO_.*|CARGO_.*|RUSTFLAGS|PIP_.*|UV_.*|NPM_CONFIG_.*|MAVEN_OPTS|.*_PROXY|C(?:XX)?FLAGS|LDFLAGS"
    r"|PATH|HOME|SOURCE_DATE_EPOCH|.*CACHE_?BUST.*|BUILDKIT_.*",
    re.IGNORECASE,
)
# What a commit is called where the program reads it, but for the names that choose a tool's own version.
_VERSION = re.compile(
    r"(?!(?:PYENV|RBENV|NODENV|GOENV|JENV|NVM|NODE|PYTHON|RUBY|GO|JAVA|RUST|RUSTUP|PBR|SETUPTOOLS_SCM|POETRY|ASDF|VOLTA"
    r"|BUN|BUNDLER?|CARGO|COMPOSER|CONDA|COREPACK|DENO|DOTNET|FLUTTER|GEM|GRADLE|HATCH|JULIA|MAVEN|MISE|MIX|NPM|PDM|PIP"
    r"|PIPENV|PNPM|R|SBT|SWIFT|TEAMCITY|TERM_PROGRAM|TF|UV|YARN)_)"
    r"(?:.*_)?(?:VERSION|RELEASE)"
)
# So many commits must have raised a version.
_OFTEN = 2
# The builder expands no variables in these; a shell or nobody does, at run time.
_UNEXPANDED = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK", "MAINTAINER", "ONBUILD", "SHELL"})


def is_volatile(name: str) -> bool:
    """Tell whether a variable of this name takes another value for each commit or build."""
    return bool(_VOLATILE.fullmatch(name.upper())) and not _NEVER.fullmatch(name)


def find(build: Build) -> Iterator[Proposal | Refusal]:
    """Yield a proposal for each group of volatile variables, or of raised versions, that stands above a RUN."""
    for stage in build.stages:
        runs = [index for index, instruction in enumerate(stage.instructions) if instruction.keyword == "RUN"]
        for kind in (_BY_NAME, _BY_HISTORY):
            taken: set[int] = set()
            for index, instruction in enumerate(stage.instructions[: runs[-1]] if runs else ()):
                if index not in taken and any(kind.moves(build, instruction, pair) for pair in instruction.pairs):
                    group = _Group(build, stage, index, kind)
                    outcome = group.outcome()
                    taken.update(group.members)
                    if outcome:
                        yield outcome


@dataclass(frozen=True, slots=True)
class _Kind:
    """What takes another value again and again, in the reader's words, and which pair of an ARG or ENV that is."""

    what: str
    moves: Callable[[Build, Instruction, Pair], bool]


def _by_name(build: Build, instruction: Instruction, pair: Pair) -> bool:
    """Tell whether a pair's name says that each commit or build gives it another value."""
    return instruction.keyword in ("ARG", "ENV") and is_volatile(pair.key)


def _by_history(build: Build, instruction: Instruction, pair: Pair) -> bool:
    """Tell whether a pair sets a version that commits have changed in the Dockerfile."""
    if instruction.keyword not in ("ARG", "ENV") or not _is_version(pair) or is_volatile(pair.key):
        return False
    return build.history().tells and build.revisions().changes(instruction.keyword, pair.key) >= _OFTEN


_BY_NAME = _Kind("a new commit or build number", _by_name)
_BY_HISTORY = _Kind("a new version", _by_history)


def _is_version(pair: Pair) -> bool:
    return bool(_VERSION.fullmatch(pair.key.upper())) and not _NEVER.fullmatch(pair.key)


def _mentions(build: Build, instruction: Instruction) -> frozenset[str]:
    bodies = [build.dockerfile.source(heredoc.body) for heredoc in instruction.heredocs if heredoc.expand]
    text = " ".join([instruction.body.text, *(flag.value or "" for flag in instruction.flags), *bodies])
    return variables(text.replace("'", " ").replace('"', " "), instruction.escape)


@dataclass
class _Group:
    """A volatile declaration and what depends on it, on their way down the stage.

    `parts` holds the pairs that move of an ENV or ARG whose other pairs stay.
    """

    build: Build
    stage: Stage
    first: int
    kind: _Kind
    members: list[int] = field(default_factory=list)
    parts: dict[int, tuple[Pair, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    last_run: int | None = None
    proof: list[Obligation] = field(default_factory=list)
    obstacle: tuple[int, str] | None = None

    def outcome(self) -> Proposal | Refusal | None:
        """Return the move, the reason why there is none, or None if there is nothing to gain."""
        lines = self.stage.instructions
        passed: set[str] = set()
        for index in range(self.first, len(lines)):
            try:
                if not self._joins(index, passed):
                    self._past(index)
                    passed |= (
                        {pair.key for pair in lines[index].pairs} if lines[index].keyword in ("ENV", "ARG") else set()
                    )
            except Declined as declined:
                self.obstacle = index, declined.premise
                break
        if self.last_run is not None:
            return self._proposal(self.last_run)
        return self._refusal()

    def _joins(self, index: int, passed: set[str]) -> bool:
        """Take an instruction, or the pairs of it that are volatile, into the group; or a LABEL of what is."""
        instruction = self.stage.instructions[index]
        mentioned = _mentions(self.build, instruction)
        if instruction.keyword == "LABEL" and mentioned & self.names:
            if mentioned & passed:
                raise Declined("LABEL uses a variable that is set in between")
            self.members.append(index)
            return True
        moving = [pair for pair in instruction.pairs if self._carries(instruction, pair)]
        if not moving:
            return False
        mentioned = frozenset(mentions(moving, instruction.escape))
        if mentioned & passed:
            raise Declined(f"{instruction.keyword} uses a variable that is set in between")
        staying = [pair for pair in instruction.pairs if pair not in moving]
        if staying:
            self._leave(index, moving, staying)
            passed |= {pair.key for pair in staying}
        self.members.append(index)
        self.names |= {pair.key for pair in moving}
        return True

    def _carries(self, instruction: Instruction, pair: Pair) -> bool:
        """Tell whether a pair is volatile itself, or is a version made of nothing but what is."""
        if instruction.keyword not in ("ARG", "ENV"):
            return False
        made_of = mentions((pair,), instruction.escape)
        moves = self.kind.moves(self.build, instruction, pair)
        return moves or (_is_version(pair) and bool(made_of) and made_of <= self.names)

    def _leave(self, index: int, moving: list[Pair], staying: list[Pair]) -> None:
        """Cut an instruction in two; raises Declined."""
        instruction = self.stage.instructions[index]
        check_split(self.build.dockerfile, instruction, moving)
        for pair in staying:
            if mentions((pair,), instruction.escape) & (self.names | mentions(moving, instruction.escape)):
                raise Declined(f"{instruction.keyword} makes {pair.key} from it, too")
        self._set_again(instruction.keyword, {pair.key for pair in staying})
        self.parts[index] = tuple(moving)

    def _set_again(self, keyword: str, keys: set[str]) -> None:
        """Decline if `keys` are variables that the group sets or names."""
        again = keys & self.names.union(*(self._named(member) for member in self.members))
        if again:
            raise Declined(f"{keyword} sets {', '.join(sorted(again))} again")

    def _named(self, member: int) -> frozenset[str]:
        instruction = self.stage.instructions[member]
        if member in self.parts:
            return frozenset(mentions(self.parts[member], instruction.escape))
        return _mentions(self.build, instruction)

    def _past(self, index: int) -> None:
        instruction = self.stage.instructions[index]
        keyword = instruction.keyword
        if keyword in ("ENV", "ARG"):
            self._set_again(keyword, {pair.key for pair in instruction.pairs})
        if keyword == "LABEL":
            self._label_again(instruction)
        if keyword not in _UNEXPANDED | {"RUN"} and _mentions(self.build, instruction) & self.names:
            keys = [pair.key for pair in instruction.pairs if mentions((pair,), instruction.escape) & self.names]
            raise Declined(f"{keyword} makes {', '.join(keys)} from it" if keys else f"{keyword} reads it")
        if keyword == "RUN":
            self._past_run(instruction)
            self.last_run = index

    def _label_again(self, instruction: Instruction) -> None:
        """Decline if a LABEL sets one of the group's: the last one counts."""
        lines = self.stage.instructions
        keys = {pair.key for member in self.members if lines[member].keyword == "LABEL" for pair in lines[member].pairs}
        mine = {pair.key for pair in instruction.pairs}
        again = {key.strip("\"'") for key in keys} & {key.strip("\"'") for key in mine}
        if again or (keys and any("$" in key for key in keys | mine)):
            raise Declined(f"LABEL sets {', '.join(sorted(again or mine))} again")

    def _past_run(self, instruction: Instruction) -> None:
        if is_named(self.build, instruction, self.names):
            raise Declined("")  # it reads the variable: the right place has been found
        reason, proof = may_read(self.build, self.stage, instruction, self.names)
        if reason:
            raise Declined(reason)
        self.proof += proof

    def _proposal(self, last_run: int) -> Proposal:
        build, lines = self.build, self.stage.instructions
        dockerfile, newline = build.dockerfile, build.dockerfile.newline
        moving = [index for index in self.members if index < last_run]
        whole = [lines[index] for index in moving if index not in self.parts]
        edits = [Edit(build.path, span, "") for span in removals(dockerfile, whole)]
        text = ""
        for index in moving:
            part = self.parts.get(index)
            if part:
                edits += [Edit(build.path, span, "") for span in taken_out(lines[index], part)]
                text += own_line(dockerfile, lines[index], part)
            else:
                text += ended(dockerfile.source(block_of(dockerfile, lines[index]).body), newline)
        end = lines[last_run].span.end
        if not dockerfile.text[:end].endswith("\n"):
            text = newline + text.rstrip("\r\n")
        pairs = [pair for i in moving if lines[i].keyword != "LABEL" for pair in self.parts.get(i) or lines[i].pairs]
        names = ", ".join(dict.fromkeys(pair.key for pair in pairs))
        passed = proved("nothing that it is moved past names it or sets it again", "the instructions were read")
        return Proposal(
            NAME,
            f"move {names} below what does not read it",
            f"{self.kind.what} no longer runs these steps again",
            build.place(lines[self.first]),
            (*edits, Edit(build.path, Span(end, end), text)),
            (*self.proof, passed),
            tuple(self._notes(moving)),
        )

    def _notes(self, moving: Sequence[int]) -> Iterator[str]:
        """Yield how often commits have raised the versions that move."""
        for index in moving:
            line = self.stage.instructions[index]
            for pair in self.parts.get(index) or line.pairs:
                if _by_history(self.build, line, pair):
                    times = self.build.revisions().changes(line.keyword, pair.key)
                    yield f"{times} commits have changed {pair.key} in the Dockerfile"

    def _refusal(self) -> Refusal | None:
        lines = self.stage.instructions
        if self.obstacle is None or not self.obstacle[1]:
            return None
        at, premise = self.obstacle
        # What an ENV or ARG stops is of interest only if there is a RUN below it.
        mixed = lines[at].keyword in ("ENV", "ARG") and not premise.endswith(" again")
        if lines[at].keyword != "RUN" and not (mixed and any(line.keyword == "RUN" for line in lines[at:])):
            return None
        return Refusal(NAME, self.build.place(lines[self.first]), premise, self.build.place(lines[at]))
