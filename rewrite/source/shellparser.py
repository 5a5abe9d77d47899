"""Commands of the shell by recursive descent: lists, pipelines, simple and compound commands, heredocs."""

from __future__ import annotations

import re

from .edits import Span
from .shellconditions import ConditionScanner
from .shellsimple import CLOSING, OPENING, REFUSED, RESERVED
from .shelltree import Assignment, Compound, CompoundKind, Item, Pipeline, Redirect, Script, Simple, Word
from .shellwords import NAME

_RESERVED_WORD = re.compile(r"[a-z]+|[!{}]|\[\[|\]\]")
_SEPARATOR = re.compile(r"&&|\|\||;(?![;&])|&(?![&>])|\n")
_PIPE = re.compile(r"\|&|\|(?!\|)")
_CASE_END = re.compile(r";;&|;;|;&")


class Parser(ConditionScanner):
    """Reads commands; every method starts at its construct's first character and stops after its last one."""

    def script(self) -> Script:
        """Read a command list, perhaps empty, up to a closing token or the end; the caller checks which."""
        self.enter()
        outer = self.comments, self.heredocs
        self.comments, self.heredocs = [], []
        start, items = self.position, list[Item]()
        operator, operator_span = "", None
        self.skip_lines()
        while not self._at_list_end():
            pipeline = self._pipeline()
            items.append(Item(pipeline.span, operator, operator_span, pipeline))
            operator, operator_span = self._separator()
            if not operator:
                break
        if operator not in (";", "&"):
            operator, operator_span = "", None
        span = Span(start, self.position)
        script = Script(span, tuple(items), tuple(self.comments), operator, operator_span, tuple(self.heredocs))
        self.comments, self.heredocs = outer
        self.leave()
        return script

    def _reserved(self) -> str:
        """Return the reserved word at the position, or an empty string."""
        match = _RESERVED_WORD.match(self.text, self.position, self.end)
        word = match.group() if match else ""
        return word if word in RESERVED and self.ends_word(self.position + len(word)) else ""

    def _expect(self, word: str) -> None:
        """Step over the reserved word, which must be there."""
        if self._reserved() != word:
            raise self.fail(f"expected {word}")
        self.position += len(word)

    def _at_list_end(self) -> bool:
        return not self.peek() or self.peek() == ")" or self._reserved() in CLOSING or self._at_case_end()

    def _at_case_end(self) -> bool:
        return _CASE_END.match(self.text, self.position, self.end) is not None

    def _separator(self) -> tuple[str, Span | None]:
        """Read the operator after a pipeline and the line ends after it."""
        self.skip_space()
        match = _SEPARATOR.match(self.text, self.position, self.end)
        if not match:
            return "", None
        operator, span = match.group(), Span(*match.span())
        if operator == "\n":
            self.skip_lines()
            return operator, span
        self.position = match.end()
        if self.cut_before(";&|>"):
            raise self.fail("an operator that a line's end cuts")
        self.skip_lines()
        if operator in ("&&", "||") and self._at_list_end():
            raise self.fail(f"no command after {operator}")
        return operator, span

    def _pipeline(self) -> Pipeline:
        start, negated, timed = self.position, False, False
        while (prefix := self._reserved()) in ("!", "time"):
            if (negated and prefix == "!") or (timed and prefix == "time") or self.peek(1) == "(":
                raise self.fail(f"a doubtful {prefix}")
            self.position += len(prefix)
            self.skip_space()
            negated, timed = negated or prefix == "!", timed or prefix == "time"
            if prefix == "time" and self.looking_at("-p") and self.ends_word(self.position + 2):
                self.position += 2
                self.skip_space()
        commands, operators = [self._command()], list[str]()
        self.skip_space()
        while match := _PIPE.match(self.text, self.position, self.end):
            operators.append(match.group())
            self.position = match.end()
            self.skip_lines()
            if self._reserved() in ("!", "time"):
                raise self.fail("a prefix that belongs before the whole pipeline")
            commands.append(self._command())
            self.skip_space()
        return Pipeline(Span(start, commands[-1].span.end), negated, tuple(commands), tuple(operators), timed)

    def _command(self) -> Simple | Compound:
        word = self._reserved()
        if word in CLOSING | REFUSED | {"in"}:
            raise self.fail(f"{word} is not understood here")
        if self.peek() == "(" or word in OPENING:
            return self._compound(word)
        return self._simple()

    # Simple commands

    def _simple(self) -> Simple | Compound:
        """Read a simple command, or the function definition that its first word turns out to be."""
        start, end = self.position, self.position
        assignments, words, redirects = list[Assignment](), list[Word](), list[Redirect]()
        while True:
            if redirect := self.redirect():
                redirects.append(redirect)
            elif self.ends_word(self.position):
                break
            elif not words and (assignment := self.assignment()):
                assignments.append(assignment)
            else:
                words.append(self.argument(words, bool(redirects)))
            end = self.position
            self.skip_space()
            if self.peek() == "(" and len(words) == 1 and not assignments and not redirects:
                return self._function(start, words[0])
        if end == start:
            raise self.fail("expected a command")
        return Simple(Span(start, end), tuple(assignments), tuple(words), tuple(redirects))

    # Compound commands

    def _compound(self, word: str) -> Compound:
        """Read the compound command that `word` (or a parenthesis) opens, and its redirections."""
        start, name, words = self.position, "", tuple[Word, ...]()
        kind: CompoundKind
        scripts: tuple[Script, ...] = ()
        if self.looking_at("(("):
            kind, words = "arith", (self._expression(),)
        elif word in ("", "{"):
            kind, scripts = self._group()
        elif word == "if":
            kind, scripts = "if", self._if()
        elif word in ("while", "until"):
            kind, scripts = ("while" if word == "while" else "until"), self._loop(word)
        elif word == "for":
            kind = "for"
            name, words, scripts = self._for()
        elif word == "case":
            kind = "case"
            words, scripts = self._case()
        elif word == "[[":
            kind, words = "test", self.condition()
        else:
            self.position += len(word)
            self.skip_blanks()
            return self._function(start, self.word())
        redirects, end = list[Redirect](), self.position
        self.skip_space()
        while redirect := self.redirect():
            redirects.append(redirect)
            end = self.position
            self.skip_space()
        return Compound(Span(start, end), kind, scripts, tuple(redirects), words, name)

    def _body(self) -> Script:
        """Read a list that must not be empty."""
        script = self.script()
        if not script.items:
            raise self.fail("expected a command")
        return script

    def _expression(self, separators: str = "") -> Word:
        start = self.position
        return self.make_word(start, [self.arithmetic(2, quoted=False, separators=separators)])

    def _group(self) -> tuple[CompoundKind, tuple[Script, ...]]:
        subshell = self.accept("(")
        self.position += 0 if subshell else 1
        if subshell and self.cut_before("("):
            raise self.fail("a parenthesis that a line's end cuts")
        script = self._body()
        if not subshell:
            self._expect("}")
        elif not self.accept(")"):
            raise self.fail("expected )")
        return "subshell" if subshell else "brace", (script,)

    def _if(self) -> tuple[Script, ...]:
        scripts, word = list[Script](), "if"
        while word in ("if", "elif"):
            self._expect(word)
            scripts.append(self._body())
            self._expect("then")
            scripts.append(self._body())
            word = self._reserved()
        if word == "else":
            self._expect(word)
            scripts.append(self._body())
        self._expect("fi")
        return tuple(scripts)

    def _loop(self, word: str) -> tuple[Script, ...]:
        self._expect(word)
        return self._body(), *self._do()

    def _do(self) -> tuple[Script, ...]:
        self._expect("do")
        script = self._body()
        self._expect("done")
        return (script,)

    def _for(self) -> tuple[str, tuple[Word, ...], tuple[Script, ...]]:
        self._expect("for")
        self.skip_blanks()
        if self.looking_at("(("):
            words, name = [self._expression(separators=";")], ""
            if words[0].raw.count(";") != 2:
                raise self.fail("expected three expressions")
            self.skip_blanks()
            self.accept(";")
        else:
            words, name = self._for_list()
        self.skip_lines()
        return name, tuple(words), self._do()

    def _for_list(self) -> tuple[list[Word], str]:
        """Read the name and the list of a ``for``, up to and with a semicolon after it."""
        match, words = NAME.match(self.text, self.position, self.end), list[Word]()
        if not match or not self.ends_word(match.end()):
            raise self.fail("expected a name")
        self.position = match.end()
        self.skip_blanks()
        if self.accept(";"):
            return words, match.group()
        self.skip_lines()
        if self._reserved() == "in":
            self._expect("in")
            self.skip_space()
            while not self.ends_word(self.position):
                words.append(self.word())
                self.skip_space()
            if not (self.peek() == "\n" or (self.accept(";") and self.peek() != ";")):
                raise self.fail("expected the end of the list")
        return words, match.group()

    def _case(self) -> tuple[tuple[Word, ...], tuple[Script, ...]]:
        self._expect("case")
        self.skip_blanks()
        words, scripts = [self.required_word()], list[Script]()
        self.skip_lines()
        self._expect("in")
        self.skip_lines()
        while self._reserved() != "esac":
            words.extend(self._patterns())
            scripts.append(self.script())
            match = _CASE_END.match(self.text, self.position, self.end)
            if not match:
                break
            self.position = match.end()
            self.skip_lines()
        self._expect("esac")
        return tuple(words), tuple(scripts)

    def _patterns(self) -> list[Word]:
        words = list[Word]()
        self.accept("(")
        while not words or self.accept("|"):
            self.skip_blanks()
            words.append(self.required_word())
            self.skip_blanks()
        if not self.accept(")"):
            raise self.fail("expected ) after a pattern")
        return words

    def _function(self, start: int, word: Word) -> Compound:
        """Read a function's definition after its name; its body must be a compound command, as bash has it."""
        name = word.value
        if not name or name != word.raw or name in RESERVED:
            raise self.fail("an unusual function name", start)
        self.skip_blanks()
        if self.accept("("):
            self.skip_blanks()
            if not self.accept(")"):
                raise self.fail("unexpected (")
        self.skip_lines()
        body = self._command()
        if not isinstance(body, Compound) or body.kind == "function":
            raise self.fail("a function whose body is not a compound command", start)
        item = Item(body.span, "", None, Pipeline(body.span, False, (body,)))
        return Compound(Span(start, body.span.end), "function", (Script(body.span, (item,), (), ""),), (), (), name)
