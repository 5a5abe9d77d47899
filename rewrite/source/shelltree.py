"""The tree of a shell script: scripts, pipelines, commands and words, each with its span.

Spans are offsets into the text that was parsed, and ``text[span.start:span.end]`` is a node's exact source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from .edits import Span

PartKind = Literal["literal", "variable", "substitution", "glob", "tilde", "other"]
CompoundKind = Literal["subshell", "brace", "if", "for", "while", "until", "case", "function", "test", "arith"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPLITS_OR_GLOBS = re.compile(r"[\s*?\[\\]")


class NotUnderstood(ValueError):
    """The text is not shell that the parser is certain of: `reason` in plain words, `offset` into the text."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"{reason} (offset {offset})")
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a word that the shell treats alike.

    `text` is what a literal means after quote removal, a variable's name, or else the source. `names` are
    the variables that the part mentions outside of its `scripts`, the bodies of its substitutions.
    "other" is what bash and sh may read differently or what needs a shell to know: ``${x:-y}``, ``$((…))``,
    ``$'…'``, brace expansion, process substitution, arrays.
    """

    span: Span
    kind: PartKind
    text: str
    quoted: bool
    scripts: tuple[Script, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One word as written; quotes around a part lie in the word's span and outside of the part's."""

    span: Span
    raw: str
    parts: tuple[Part, ...]

    @property
    def value(self) -> str | None:
        """What the command receives; None where that needs any expansion."""
        if any(part.kind != "literal" for part in self.parts):
            return None
        return "".join(part.text for part in self.parts)

    def expand(self, lookup: Callable[[str], str | None]) -> str | None:
        """Return the value with variables and a leading ``~`` looked up; None as soon as anything is unknown.

        An unquoted variable whose value is empty, or that the shell would split or match against files, is unknown.
        """
        texts = [_expand(part, lookup) for part in self.parts]
        known = [text for text in texts if text is not None]
        return "".join(known) if len(known) == len(texts) else None

    @property
    def variables(self) -> frozenset[str]:
        """The names of all variables that the word mentions, in operators and substitutions too."""
        names = {name for part in self.parts for name in part.names}
        for part in self.parts:
            for script in part.scripts:
                names.update(*(word.variables for word in words_of(script)))
        return frozenset(names)


def _expand(part: Part, lookup: Callable[[str], str | None]) -> str | None:
    """Return what `part` becomes, or None."""
    if part.kind == "literal":
        return part.text
    if part.kind == "tilde":
        return (lookup("HOME") or None) if part.text == "~" else None
    if part.kind != "variable" or not _IDENTIFIER.fullmatch(part.text):
        return None
    value = lookup(part.text)
    if value is None or part.quoted:
        return value
    return value if value and not _SPLITS_OR_GLOBS.search(value) else None


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name=value`` before a command or alone; `append` for ``name+=value``."""

    span: Span
    name: str
    value: Word
    append: bool


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection; `fd` is the number before `operator`, or empty."""

    span: Span
    operator: str
    target: Word
    fd: str = ""


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A heredoc's lines, without the delimiter; `redirect` is the span of the redirection that they feed.

    The shell finds them after the line, so they lie outside of the command that reads them; tabs that ``<<-``
    strips are still there.
    """

    span: Span
    redirect: Span
    body: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, words and redirections; any of them may be missing, not all."""

    span: Span
    assignments: tuple[Assignment, ...]
    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...]


@dataclass(frozen=True, slots=True)
class Compound:
    """A command that holds scripts, in source order (an ``if``: condition, body, …, the ``else`` body last).

    `words` are the list of a ``for``, the subject and then all patterns of a ``case``, the words of ``[[ ]]``, the
    expression of ``(( ))``; `name` is a function's or a loop variable's.
    """

    span: Span
    kind: CompoundKind
    scripts: tuple[Script, ...]
    redirects: tuple[Redirect, ...]
    words: tuple[Word, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `operators` (``|`` or ``|&``); `timed` when bash's ``time`` stands before."""

    span: Span
    negated: bool
    commands: tuple[Simple | Compound, ...]
    operators: tuple[str, ...] = ()
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A pipeline, which `span` covers, and the operator before it: empty, ``&&``, ``||``, ``;``, ``&`` or a newline."""

    span: Span
    operator: str
    operator_span: Span | None
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Script:
    """A command list; `span` is all that stands between its delimiters, blanks and comments included.

    `comments` and `heredocs` are those that lie in no inner script.
    """

    span: Span
    items: tuple[Item, ...]
    comments: tuple[Span, ...]
    terminator: str
    terminator_span: Span | None = None
    heredocs: tuple[Heredoc, ...] = ()


def command_words(command: Simple | Compound) -> Iterator[Word]:
    """Yield the words of one command, those of assignments and redirections included, of inner commands not."""
    if isinstance(command, Simple):
        yield from (assignment.value for assignment in command.assignments)
    yield from command.words
    yield from (redirect.target for redirect in command.redirects)


def commands_of(script: Script) -> Iterator[Simple | Compound]:
    """Yield every command, each before the commands inside it."""
    for item in script.items:
        for command in item.pipeline.commands:
            yield command
            for word in command_words(command):
                yield from _inside(word)
            if isinstance(command, Compound):
                for inner in command.scripts:
                    yield from commands_of(inner)
    for heredoc in script.heredocs:
        yield from _inside(heredoc.body)


def _inside(word: Word) -> Iterator[Simple | Compound]:
    """Yield the commands in the substitutions of `word`."""
    for part in word.parts:
        for script in part.scripts:
            yield from commands_of(script)


def words_of(script: Script) -> Iterator[Word]:
    """Yield the words of every command of `script` and of its inner scripts, and the heredocs of both."""
    for item in script.items:
        for command in item.pipeline.commands:
            yield from command_words(command)
            if isinstance(command, Compound):
                for inner in command.scripts:
                    yield from words_of(inner)
    yield from (heredoc.body for heredoc in script.heredocs)
