"""Run the rewrites over a Dockerfile until nothing changes; the library's front door.

All proposals of a round stand on the same text. Those whose edits are disjoint are applied, the rest
wait for the next parse; `_disjoint` says in which order. What fails the self-check is dropped and
reported as the rewrite's defect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from . import rewrites
from .build.build import Build
from .build.images import Resolved
from .build.secrets import literals
from .errors import DockerfixError, SourceError
from .model import Change, Defect, Place, Proposal, Refusal, Result, Tier
from .project import Request, Session
from .settings import Settings
from .source import dockerfile as syntax
from .source import edits as text_edits
from .source import origins
from .suppress import Suppressions

__all__ = ["Request", "fix", "fix_files", "unharmed"]

ROUNDS = 25


def fix_files(
    requests: Sequence[Request],
    settings_for: Callable[[Path], Settings],
    resolve: Callable[[str], Resolved] | None = None,
) -> Iterator[Result | DockerfixError]:
    """Yield the result of each request, or the error that it met; `resolve` says what a base image is."""
    session = Session(resolve=resolve)
    for request in requests:
        try:
            settings = settings_for(request.place)
            result = fix(session.open(request, settings), settings)
            session.ignores.update(
                (change.path, change.after) for change in result.changes if change.path != result.path
            )
            yield result
        except DockerfixError as error:
            yield error


def fix(build: Build, settings: Settings) -> Result:
    """Return what becomes of one Dockerfile; raises SourceError if it is not one that can be built."""
    for problem in build.dockerfile.problems:
        raise SourceError(problem.message, build.path, problem.line)
    state = _State(build)
    threshold = Tier.REVIEW if settings.review else Tier.SAFE
    for _ in range(ROUNDS):
        found = _Round(state, settings)
        chosen = _disjoint(state.build, [proposal for proposal in found.proposals if proposal.tier >= threshold])
        if not chosen:
            return state.result(build, found)
        sound = tuple(proposal for proposal in chosen if state.accepts((proposal,)))
        for proposal in chosen:
            if proposal not in sound:
                state.drop(proposal)
        if sound and not state.apply(sound):
            # Each is sound by itself, so it is how they meet: one now, the others on the text that it leaves.
            state.apply(sound[:1])
    names = ", ".join(sorted({proposal.rewrite for proposal in state.applied}))
    endless = Defect(names, Place(build.path), f"no end after {ROUNDS} rounds: nothing was changed")
    untouched = _State(build)
    untouched.defects = [*state.defects, endless]
    return untouched.result(build, _Round(untouched, settings))


class _State:
    """A Dockerfile on its way: its build now, what was applied, and which line each line was at first."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.applied: list[Proposal] = []
        self.origins = list(range(1, build.dockerfile.text.count("\n") + 2))
        self.defects: list[Defect] = []
        self.dropped: set[tuple[str, str]] = set()

    def accepts(self, proposals: Sequence[Proposal]) -> bool:
        """Tell whether the proposals' result would pass the self-check."""
        return _apply(self.build, proposals) is not None

    def drop(self, proposal: Proposal) -> None:
        """Report a proposal whose result failed the self-check, and never try it again."""
        self.dropped.add((proposal.rewrite, proposal.title))
        self.defects.append(Defect(proposal.rewrite, self.place(proposal.where), "its result failed the self-check"))

    def apply(self, proposals: Sequence[Proposal]) -> bool:
        """Apply the proposals together; tell whether the result passed the self-check."""
        following = _apply(self.build, proposals)
        if following is None:
            return False
        self.applied += [self.traced(proposal) for proposal in proposals]
        mine = [edit for proposal in proposals for edit in proposal.edits if edit.path == self.build.path]
        self.origins = origins.trace(self.build.dockerfile.text, mine, self.origins)
        self.build = following
        return True

    def place(self, place: Place) -> Place:
        """Return a place of the text now as one of the original."""
        if place.path != self.build.path or not 0 < place.line <= len(self.origins):
            return place
        return Place(place.path, self.origins[place.line - 1])

    def traced(self, proposal: Proposal) -> Proposal:
        """Return a proposal whose places are those of the original."""
        proof = tuple(replace(item, where=item.where and self.place(item.where)) for item in proposal.proof)
        return replace(proposal, where=self.place(proposal.where), proof=proof)

    def result(self, first: Build, found: _Round) -> Result:
        """Return what became of the build `first`; `found` is what the rewrites still say."""
        last = self.build
        changes = []
        if first.dockerfile.text != last.dockerfile.text:
            changes.append(Change(first.path, first.dockerfile.text, last.dockerfile.text))
        if last.ignore_text is not None and last.ignore_text != first.ignore_text:
            changes.append(Change(first.context.ignore_path, first.ignore_text, last.ignore_text))
        refusals = (
            replace(refusal, where=self.place(refusal.where), because=refusal.because and self.place(refusal.because))
            for refusal in found.refusals
        )
        warnings = [f"{first.path}:{line}: no rewrite is named {name!r}" for name, line in found.suppressions.unknown]
        return Result(
            first.path,
            tuple(changes),
            tuple(self.applied),
            tuple(self.traced(proposal) for proposal in found.proposals),
            tuple(dict.fromkeys(refusals)),
            tuple(self.defects),
            first.context.label,
            tuple(warnings),
            literals(first.dockerfile),
        )


class _Round:
    """What the rewrites say of one state of the text."""

    def __init__(self, state: _State, settings: Settings) -> None:
        build = state.build
        known = tuple(rewrite.NAME for rewrite in rewrites.discover())
        lines = [(instruction.first, instruction.last) for instruction in build.dockerfile.instructions]
        self.suppressions = Suppressions.parse(build.dockerfile.text, lines, known)
        self.proposals: list[Proposal] = []
        self.refusals: list[Refusal] = []
        for rewrite in rewrites.discover():
            if not settings.enables(rewrite.NAME) or self.suppressions.file:
                continue
            for outcome in self._run(rewrite, state):
                if self._hidden(outcome, build):
                    continue
                if isinstance(outcome, Refusal):
                    self.refusals.append(outcome)
                elif (outcome.rewrite, outcome.title) not in state.dropped:
                    self.proposals.append(outcome)

    def _run(self, rewrite: rewrites.Rewrite, state: _State) -> Iterable[Proposal | Refusal]:
        try:
            return list(rewrite.find(state.build))
        except Exception as error:  # one rewrite's failure must not lose the others
            defect = Defect(rewrite.NAME, Place(state.build.path), f"{type(error).__name__}: {error}")
            if defect not in state.defects:
                state.defects.append(defect)
            return ()

    def _hidden(self, outcome: Proposal | Refusal, build: Build) -> bool:
        """Tell whether a comment switches the outcome off, where it is told or where it would edit."""
        lines = [outcome.where.line] if outcome.where.path == build.path else []
        touched = _touched(build, outcome) if isinstance(outcome, Proposal) else ()
        lines += [build.dockerfile.instructions[at].first for at in touched]
        return any(self.suppressions.hides(outcome.rewrite, line) for line in lines)


def _disjoint(build: Build, proposals: Sequence[Proposal]) -> tuple[Proposal, ...]:
    """Return proposals that do not touch each other's edits: the first in the file, then the one with most edits.

    The most edits first means that a move is not held up by what only adds a line to one of its files. Nobody overtakes
    one that waits for the same instruction: what it adds there could be what the other cannot go past. What adds stages
    waits until nothing else is left, and goes alone: it looks at all of the file.
    """
    within = [proposal for proposal in proposals if not proposal.stages]
    chosen: list[Proposal] = []
    waited_for: set[int] = set()
    for proposal in sorted(
        within or proposals[:1], key=lambda one: (one.where, -len(one.edits), one.rewrite, one.title)
    ):
        taken = [edit for other in chosen for edit in other.edits]
        lines = _touched(build, proposal)
        if lines & waited_for or any(text_edits.overlap(mine, other) for mine in proposal.edits for other in taken):
            waited_for |= lines
        else:
            chosen.append(proposal)
    return tuple(chosen)


def _apply(build: Build, proposals: Sequence[Proposal]) -> Build | None:
    """Return the build with the edits of `proposals`, None if the result fails the self-check."""
    edits = [edit for proposal in proposals for edit in proposal.edits]
    mine = [edit for edit in edits if edit.path == build.path]
    others = [edit for edit in edits if edit.path != build.path]
    try:
        text = text_edits.apply(build.dockerfile.text, mine)
        ignore = text_edits.apply(build.ignore_text or "", others) if others else build.ignore_text
    except text_edits.OverlapError:
        return None
    after = syntax.parse(text)
    added = [base for proposal in proposals for base in proposal.stages]
    if any(edit.path != build.context.ignore_path for edit in others):
        return None
    if not unharmed(build.dockerfile, after, mine, added):
        return None
    if others and not (ignore or "").startswith(build.ignore_text or ""):
        return None
    return _build(build, text, ignore)


def _build(build: Build, text: str, ignore: str | None) -> Build:
    context = build.context
    if ignore is not None and (context.ignore is None or context.ignore.text != ignore):
        context = context.with_ignore(ignore)
    return replace(build, dockerfile=syntax.parse(text), context=context, ignore_text=ignore)


def unharmed(
    before: syntax.Dockerfile,
    after: syntax.Dockerfile,
    edits: Sequence[text_edits.Edit],
    added: Sequence[str] = (),
) -> bool:
    """Tell whether what no edit covers is in `after` as it was: instructions in their order, comments, directives.

    `added` are the bases of stages that stand behind the others now.
    """
    if after.problems or not _same_directives(before, after):
        return False
    if not _same_bases(before, after, added) or _comments(before) - _comments(after):
        return False
    remaining = iter([after.source(instruction.span).rstrip("\r\n") for instruction in after.instructions])
    for instruction in before.instructions:
        if not any(_touches(edit, instruction) for edit in edits):
            text = before.source(instruction.span).rstrip("\r\n")
            if text not in remaining:
                return False
    return True


def _same_directives(before: syntax.Dockerfile, after: syntax.Dockerfile) -> bool:
    """Tell whether the parser directives are what they were; a ``# syntax`` may join them at the top."""
    old, new = ([(one.name, one.value) for one in tree.directives] for tree in (before, after))
    added = len(new) == len(old) + 1 and new[0][0] == "syntax"
    return old == (new[1:] if added else new)


def _same_bases(before: syntax.Dockerfile, after: syntax.Dockerfile, added: Sequence[str]) -> bool:
    """Tell whether the stages are what they were: AS and names may be written in any case, a digest may join a tag.

    Where stages are `added`, they are the last, and the others may have got names.
    """
    old, new = (
        [[word.text for word in line.words] for line in tree.instructions if line.keyword == "FROM"]
        for tree in (before, after)
    )
    if len(new) != len(old) + len(added) or [words[0] for words in new[len(old) :]] != list(added):
        return False
    return all(_same_base(mine, theirs, bool(added)) for mine, theirs in zip(old, new, strict=False))


def _same_base(old: Sequence[str], new: Sequence[str], named: bool) -> bool:
    if named and len(old) == 1 and len(new) == 3 and new[1].upper() == "AS":
        new = new[:1]
    if len(old) != len(new) or [word.upper() for word in old[1:2]] != [word.upper() for word in new[1:2]]:
        return False
    pinned = "@" not in old[0] and new[0].startswith(f"{old[0]}@") if old and new else False
    names = [[word.lower() for word in words[2:]] for words in (old, new)]
    same = old[:1] == new[:1] or ("$" not in old[0] and old[0].lower() == new[0].lower())
    return names[0] == names[1] and (same or pinned)


def _touched(build: Build, proposal: Proposal) -> set[int]:
    """Return the positions of the Dockerfile's instructions that a proposal edits."""
    edits = [edit for edit in proposal.edits if edit.path == build.path]
    return {at for at, line in enumerate(build.dockerfile.instructions) if any(_touches(edit, line) for edit in edits)}


def _touches(edit: text_edits.Edit, instruction: syntax.Instruction) -> bool:
    span = edit.span
    if span.start == span.end:
        return instruction.span.start < span.start < instruction.span.end
    return span.start < instruction.span.end and instruction.span.start < span.end


def _comments(tree: syntax.Dockerfile) -> Counter[str]:
    spans = [node.span for node in tree.nodes if isinstance(node, syntax.Trivia) and node.kind == "comment"]
    spans += [span for instruction in tree.instructions for span in instruction.comments]
    return Counter(tree.source(span).strip() for span in spans)
