"""Build command lines in scripts: which Dockerfile, context, target and builder a shell text names.

This reads `docker build`, `docker buildx build`, `podman build`, `buildah build` and kaniko's executor out of workflow
steps, makefiles and shell scripts, without running anything. A path that hangs on an unknown variable is not guessed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

UNKNOWN = "\0"
_ROOT, _HERE = "\1", "\2"
_ROOT_VARIABLES = frozenset({"CI_PROJECT_DIR", "GITHUB_WORKSPACE", "github.workspace"})
_HERE_VARIABLES = frozenset({"CURDIR", "PWD", "pwd", "shell pwd"})
_DEFAULT = re.compile(r"\w+:?-(?P<default>.*)", re.DOTALL)
_CLOSING = {"${{": "}}", "${": "}", "$(": ")"}
_NAME = re.compile(r"\$(\w+)")
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")
_ASSIGNMENT = re.compile(r"\w+=")
_PREFIXES = frozenset({"sudo", "-E", "time", "exec", "env", "command", "then", "do", "else", "if", "!", "{"})
_SEPARATORS = frozenset(";&|()")
_ENGINES = {"docker": None, "nerdctl": None, "podman": "buildah", "buildah": "buildah"}
# What a text must hold for a build to be found in it: the name of an engine, or kaniko's program.
BUILDERS = re.compile("|".join((*_ENGINES, "executor")))
_GROUPS = frozenset({"buildx", "image", "builder"})
_BUILD = frozenset({"build", "bud", "b"})
_FLAGS = frozenset(
    {"--no-cache", "--pull", "--push", "--load", "--quiet", "-q", "--rm", "--force-rm", "--squash", "--squash-all"}
    | {"--compress", "--check", "--debug", "-D", "--disable-content-trust", "--stream", "--layers", "--stdin"}
    | {"--no-hosts", "--no-hostname", "--skip-unused-stages"}
)
_REDIRECTION = re.compile(r"\d*[<>]{1,3}(?P<target>.*)", re.DOTALL)
_REMOTE = re.compile(r"\w+://|git@|[\w.-]+\.git(?:#|$)|github\.com/")


@dataclass(frozen=True, slots=True)
class Invocation:
    """One build that a text asks for: paths are resolved, `line` is 1-based in that text.

    `dockerfiles` are the places where the builder would look, in its order.
    """

    line: int
    command: str
    context: Path
    dockerfiles: tuple[Path, ...]
    target: str | None
    builder: str | None
    no_cache: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where a text runs: the repository's root, and the directory that its commands start in."""

    root: Path
    start: Path


@dataclass(slots=True)
class _State:
    """The working directory (None: unknown), and those that an enclosing `(` or `pushd` left."""

    directory: Path | None
    left: list[Path | None] = field(default_factory=list)


def expand(text: str) -> str:
    """Put a mark for each variable and substitution: its default where one is written, else `UNKNOWN`."""
    parts, at = [], 0
    while at < len(text):
        opening = next((mark for mark in _CLOSING if text.startswith(mark, at)), None)
        name = _NAME.match(text, at)
        if opening:
            end = _end(text, at + len(opening), opening)
            parts.append(_value(text[at + len(opening) : end].strip()))
            at = end + len(_CLOSING[opening])
        elif name:
            parts.append(_value(name[1]))
            at = name.end()
        elif text[at] == "`" and "`" in text[at + 1 :]:
            parts.append(UNKNOWN)
            at = text.index("`", at + 1) + 1
        else:
            parts.append(text[at])
            at += 1
    return "".join(parts)


def _end(text: str, at: int, opening: str) -> int:
    """Return where the bracket opened before `at` closes, or the end of the text."""
    close, depth = _CLOSING[opening], 1
    nested = opening[-1]
    while at < len(text):
        if text.startswith(close, at):
            depth -= 1
            if not depth:
                return at
        elif text[at] == nested and len(close) == 1:
            depth += 1
        at += 1
    return at


def _value(name: str) -> str:
    if name in _ROOT_VARIABLES:
        return _ROOT
    if name in _HERE_VARIABLES:
        return _HERE
    default = _DEFAULT.fullmatch(name)
    return expand(default["default"]) if default else UNKNOWN


def locate_path(written: str, places: Places, directory: Path | None) -> Path | None:
    """Return the path that expanded text means in `directory`; None if it is unknown or remote."""
    if UNKNOWN in written or _REMOTE.match(written) or (_HERE in written and directory is None):
        return None
    path = Path(written.replace(_ROOT, str(places.root)).replace(_HERE, str(directory)))
    if not path.is_absolute():
        if directory is None:
            return None
        path = directory / path
    return path.resolve()


def invocations(text: str, places: Places, *, fresh_lines: bool = False) -> Iterator[Invocation]:
    """Yield the builds of a shell text; `fresh_lines` says that each line starts anew, as in a makefile."""
    state = _State(places.start)
    for line, logical in _logical_lines(text):
        if fresh_lines:
            state = _State(places.start)
        for words in _simple_commands(logical, state):
            words = _without_prefixes(words)
            if words and words[0] in ("cd", "pushd", "popd"):
                _change_directory(words, places, state)
            elif words:
                found = _invocation(line, words, places, state.directory)
                if found:
                    yield found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their continuations, and the number of the first."""
    line, at = 1, 0
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        while text[at:end].rstrip("\r").endswith("\\") and end < len(text):
            following = text.find("\n", end + 1)
            end = len(text) if following < 0 else following
        yield line, _CONTINUED.sub(" ", text[at:end])
        line += text.count("\n", at, end + 1)
        at = end + 1


def _simple_commands(line: str, state: _State) -> Iterator[list[str]]:
    """Yield the words of each simple command of a line, keeping `state` for its subshells."""
    lexer = shlex.shlex(expand(line.strip()).lstrip("@-+ \t"), posix=True, punctuation_chars="".join(_SEPARATORS))
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token.startswith("#"):
            break
        if not set(token) <= _SEPARATORS or not token:
            words.append(token)
            continue
        yield words
        words = []
        for char in token:
            if char == "(":
                state.left.append(state.directory)
            elif char == ")" and state.left:
                state.directory = state.left.pop()
    yield words


def _without_prefixes(words: list[str]) -> list[str]:
    start = next((at for at, word in enumerate(words) if word not in _PREFIXES and not _ASSIGNMENT.match(word)), None)
    return [] if start is None else words[start:]


def _change_directory(words: list[str], places: Places, state: _State) -> None:
    if words[0] == "popd":
        state.directory = state.left.pop() if state.left else None
        return
    if words[0] == "pushd":
        state.left.append(state.directory)
    known = len(words) == 2 and words[1] != "-" and not words[1].startswith("~")
    state.directory = locate_path(words[1], places, state.directory) if known else None


def _invocation(line: int, words: list[str], places: Places, directory: Path | None) -> Invocation | None:
    if words[0].rpartition("/")[2] == "executor" and ("kaniko" in words[0] or "--dockerfile" in " ".join(words)):
        return _kaniko(line, words[1:], places, directory)
    if words[0] not in _ENGINES:
        return None
    builds = next((at for at, word in enumerate(words[1:4], 1) if word in _BUILD), None)
    if builds is None or any(word not in _GROUPS and not word.startswith("-") for word in words[1:builds]):
        return None
    options, positional = _options(words[builds + 1 :])
    context = locate_path(positional[-1], places, directory) if positional else None
    if context is None or positional[-1] == "-":
        return None
    written = options.get("-f") or options.get("--file")
    dockerfile = locate_path(written, places, directory) if written else context / "Dockerfile"
    if dockerfile is None:
        return None
    command, builder = " ".join(words[: builds + 1]), _ENGINES[words[0]]
    places_to_look: tuple[Path, ...] = (dockerfile,)
    if builder == "buildah":
        places_to_look = (dockerfile, context / written) if written else (context / "Containerfile", dockerfile)
    no_cache = "--no-cache" in words or "--no-cache=true" in words
    return Invocation(line, command, context, places_to_look, _known(options.get("--target")), builder, no_cache)


def _kaniko(line: int, words: list[str], places: Places, directory: Path | None) -> Invocation | None:
    options, _ = _options(words)
    written = (options.get("-c") or options.get("--context") or UNKNOWN).removeprefix("dir://")
    context = locate_path(written, places, directory)
    below = options.get("--context-sub-path")
    context = locate_path(below, places, context) if context and below else context
    name = options.get("-f") or options.get("--dockerfile") or "Dockerfile"
    candidates = tuple(path for base in (directory, context) if (path := locate_path(name, places, base)))
    if context is None or not candidates:
        return None
    return Invocation(line, "kaniko executor", context, candidates, _known(options.get("--target")), "kaniko")


def _options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the last value of each option, and the positional words of which something is known."""
    options: dict[str, str] = {}
    positional: list[str] = []
    rest = iter(words)
    for word in rest:
        redirection = _REDIRECTION.fullmatch(word)
        if redirection:
            _ = redirection["target"] or next(rest, "")
        elif not word.startswith("-") or word == "-":
            if word.strip(UNKNOWN):
                positional.append(word)
        elif "=" in word:
            name, _, value = word.partition("=")
            options[name] = value
        elif len(word) > 2 and word[1] != "-":
            options[word[:2]] = word[2:]
        elif word not in _FLAGS:
            options[word] = next(rest, "")
    return options, positional


def _known(value: str | None) -> str | None:
    return value if value and UNKNOWN not in value else None
