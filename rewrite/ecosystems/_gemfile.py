"""A Gemfile in its declarative form: which files besides itself it makes bundler read.

A Gemfile is a Ruby program. Only calls of bundler's own methods with literal arguments are understood; anything else
(a condition, a variable, ``eval_gemfile``, a file that is read) is declined, with its line.
Facts: Bundler's documentation (gemfile(5), groups, git, gemspecs) and its Dsl.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..model import Declined, Place

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\\\n|\#[^\n]*)
    |(?P<newline>\n|;)
    |(?P<string>'[^'\\\n]*'|"(?:[^"\\\n#]|\#(?![{$@]))*")
    |(?P<words>%[wi](?:\[[^\]\\#]*\]|\([^)\\#]*\)))
    |(?P<key>[a-z_]\w*[?!]?:(?!:))
    |(?P<symbol>:(?:[A-Za-z_]\w*[?!]?|"[^"\\\n\#]*"|'[^'\\\n]*'))
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<arrow>=>)
    |(?P<name>[A-Za-z_]\w*[?!]?)
    |(?P<mark>[,()\[\]{}|])""",
    re.VERBOSE,
)
# A shorthand for a forge: its block builds an address and reads nothing.
_FORMAT = r"\"(?:[^\"`\\\n#]|\#\{\w+\})*\""
_GIT_SOURCE = re.compile(
    rf"^[ \t]*git_source\(?[ \t]*:\w+[ \t]*\)?[ \t]*(?:\{{[ \t]*\|\w+\|[ \t]*{_FORMAT}[ \t]*\}}|do[ \t]*\|\w+\|\n"
    rf"(?:[ \t]*\w+[ \t]*=[ \t]*{_FORMAT}[ \t]+unless[ \t]+\w+\.include\?\(\"/\"\)\n)?"
    rf"[ \t]*{_FORMAT}\n[ \t]*end)[ \t]*$",
    re.MULTILINE,
)
# ``ruby File.read(".ruby-version").strip`` and its like.
_RUBY_FILE = re.compile(
    r"^[ \t]*ruby[ \t(]+(?:File|IO)\.read\([ \t]*(?:\"(?P<a>[\w./-]+)\"|'(?P<b>[\w./-]+)')[ \t]*\)"
    r"(?:\.(?:strip|chomp|chop|delete_prefix\(\"ruby-\"\)|tr\(\"\\n\", \"\"\)))*[ \t]*\)?[ \t]*$",
    re.MULTILINE,
)
_BLOCKS = frozenset({"group", "groups", "platform", "platforms", "path", "git", "github", "source"})
# Options of `gem` that name nothing of the tree.
_OPTION_NAMES = """
require group groups git github gist bitbucket gitlab branch ref tag submodules platform platforms source type
force_ruby_platform glob lazy_require
"""
_OPTIONS = frozenset(_OPTION_NAMES.split())
_FORGES = frozenset({"git", "github", "gist", "bitbucket", "gitlab"})

Value = str | bool | float | None | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


@dataclass(slots=True)
class Gemfile:
    """What a Gemfile names: `paths` of gems in the tree, `gemspecs` (directories), version `files`, `git` sources."""

    paths: list[str] = field(default_factory=list)
    gemspecs: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    git: bool = False


def parse_gemfile(text: str, place: str) -> Gemfile:
    """Return what the Gemfile `text` at the context path `place` names; raises Declined where it is not plain."""
    found = Gemfile()
    for match in _RUBY_FILE.finditer(text):
        found.files.append(match["a"] or match["b"])
    for pattern in (_RUBY_FILE, _GIT_SOURCE):
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    _Parser(list(_tokens(text, place)), place, found).statements()
    return found


def _tokens(text: str, place: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or text.startswith(("=begin", "__END__"), at):
            raise Declined("the Gemfile holds more than plain declarations", Place(place, line))
        kind = str(match.lastgroup)
        if kind != "blank":
            yield _Token(kind, match[0], line)
        line += match[0].count("\n")
        at = match.end()
    yield _Token("newline", "\n", line)


class _Parser:
    """Reads the calls of a Gemfile, one after the other, and notes what they name."""

    def __init__(self, tokens: list[_Token], place: str, found: Gemfile) -> None:
        self.tokens = tokens
        self.place = place
        self.found = found
        self.at = 0

    def decline(self) -> Declined:
        line = self.tokens[min(self.at, len(self.tokens) - 1)].line
        return Declined("the Gemfile holds more than plain declarations", Place(self.place, line))

    def peek(self, offset: int = 0) -> _Token:
        at = self.at + offset
        return self.tokens[at] if at < len(self.tokens) else _Token("end", "", 0)

    def take(self, kind: str, text: str = "") -> bool:
        """Step over the next token if it is of that kind (and text)."""
        token = self.peek()
        if token.kind == kind and (not text or token.text == text):
            self.at += 1
            return True
        return False

    def statements(self) -> None:
        depth = 0
        while self.at < len(self.tokens):
            if self.take("newline"):
                continue
            if self.take("name", "end"):
                depth -= 1
                if depth < 0:
                    raise self.decline()
            else:
                depth += self._call()
            if not self.take("newline"):
                raise self.decline()
        if depth:
            raise self.decline()

    def _call(self) -> int:
        """Read one call; return 1 if it opens a block."""
        token = self.peek()
        self.at += 1
        name = token.text
        handler = self._handlers().get(name) if token.kind == "name" else None
        if token.kind != "name" or (handler is None and name not in _BLOCKS):
            self.at -= 1
            raise self.decline()
        closed = self.take("mark", "(")
        values, options = self._arguments()
        if closed and not self.take("mark", ")"):
            raise self.decline()
        block = self.take("name", "do")
        if block and name not in _BLOCKS:
            raise self.decline()
        if handler:
            handler(values, options, block)
        return int(block)

    def _handlers(self) -> dict[str, Callable[[list[Value], dict[str, Value], bool], None]]:
        return {
            "gem": self._call_gem,
            "gemspec": self._call_gemspec,
            "git": self._call_git,
            "github": self._call_git,
            "path": self._call_path,
            "ruby": self._call_ruby,
            "source": self._call_source,
        }

    def _call_gem(self, values: list[Value], options: dict[str, Value], block: bool) -> None:
        for key, value in options.items():
            if key == "path":
                self.found.paths.append(self._text(value))
            elif key not in _OPTIONS:
                raise self.decline()
        for key in options.keys() & _FORGES:
            self._remote(options[key])

    def _remote(self, value: Value) -> None:
        """Note a git repository, which must not be one of the tree."""
        if self._text(value).startswith(("/", ".", "~", "file:")):
            raise self.decline()
        self.found.git = True

    def _call_path(self, values: list[Value], options: dict[str, Value], block: bool) -> None:
        if not block or len(values) != 1 or options:
            raise self.decline()
        self.found.paths.append(self._text(values[0]))

    def _call_git(self, values: list[Value], options: dict[str, Value], block: bool) -> None:
        if not block or len(values) != 1:
            raise self.decline()
        self._remote(values[0])

    def _call_gemspec(self, values: list[Value], options: dict[str, Value], block: bool) -> None:
        if values or options.keys() - {"path", "name", "development_group"}:
            raise self.decline()
        self.found.gemspecs.append(self._text(options.get("path", ".")))

    def _call_ruby(self, values: list[Value], options: dict[str, Value], block: bool) -> None:
        if options.keys() - {"file", "engine", "engine_version", "patchlevel"}:
            raise self.decline()
        if "file" in options:
            self.found.files.append(self._text(options["file"]))

    def _call_source(self, values: list[Value], options: dict[str, Value], block: bool) -> None:
        if options.keys() - {"type"} or any("file:" in str(value) for value in values):
            raise self.decline()

    def _text(self, value: Value) -> str:
        if not isinstance(value, str) or not value:
            raise self.decline()
        return value

    def _arguments(self) -> tuple[list[Value], dict[str, Value]]:
        """Read literals, separated by commas; a comma also joins the next line."""
        values: list[Value] = []
        options: dict[str, Value] = {}
        while self.peek().kind in ("string", "words", "key", "symbol", "number") or self.peek().text in (
            *("[", "{"),
            *("true", "false", "nil"),
        ):
            self._argument(values, options)
            if not self.take("mark", ","):
                break
            self._skip_lines()
        return values, options

    def _argument(self, values: list[Value], options: dict[str, Value]) -> None:
        if self.peek().kind == "key":
            key = self.peek().text[:-1]
            self.at += 1
            self._skip_lines()
            options[key] = self._value()
            return
        value = self._value()
        if self.take("arrow"):
            self._skip_lines()
            options[str(value)] = self._value()
        else:
            values.append(value)

    def _skip_lines(self) -> None:
        while self.peek().text == "\n":
            self.at += 1

    def _value(self) -> Value:
        token = self.peek()
        self.at += 1
        if token.kind == "string":
            return token.text[1:-1]
        if token.kind == "symbol":
            return token.text[1:].strip("\"'")
        if token.kind == "number":
            return float(token.text)
        if token.kind == "words":
            return list[Value](token.text[3:-1].split())
        if token.text in ("true", "false", "nil"):
            return {"true": True, "false": False, "nil": None}[token.text]
        if token.text in ("[", "{"):
            return self._collection("]" if token.text == "[" else "}")
        self.at -= 1
        raise self.decline()

    def _collection(self, end: str) -> Value:
        values: list[Value] = []
        options: dict[str, Value] = {}
        self._skip_lines()
        while not self.take("mark", end):
            self._argument(values, options)
            self._skip_lines()
            if not self.take("mark", ",") and self.peek().text != end:
                raise self.decline()
            self._skip_lines()
        return options if end == "}" else values
