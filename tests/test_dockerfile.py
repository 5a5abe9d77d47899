"""The tree: lossless for every text, and the same instructions as BuildKit's own parser finds.

The oracle is the official Go parser in the version that PyPI's ``dockerfile`` 3.4.0 holds. BuildKit has changed twice
since, and the current one is right (an engine of Docker 28.5 agrees): a blank in ``<< EOF`` opens a heredoc, and
``["a"] b`` is no JSON form. For these two the oracle is ``e2b-dockerfile-utils``, a younger port of the parser, which
misses the heredoc of ``ONBUILD RUN <<EOF``; there the Go parser is right.
"""

from __future__ import annotations

import re

import dockerfile as oracle
import e2b_dockerfile_utils.syntax as younger
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rewrite.source.dockerfile import KEYWORDS, Dockerfile, Instruction, Trivia, parse
from rewrite.source.edits import Span


def summary(instruction: Instruction, tree: Dockerfile) -> dict[str, object]:
    """Return an instruction in the oracle's terms."""
    flags = tuple(f"--{flag.name}" + ("" if flag.value is None else f"={flag.value}") for flag in instruction.flags)
    found: dict[str, object] = {
        "cmd": instruction.keyword,
        "lines": (instruction.first, instruction.last),
        "flags": flags,
        "heredocs": [(heredoc.name, tree.source(heredoc.body)) for heredoc in instruction.heredocs],
        "json": instruction.json is not None,
        "value": arguments(instruction),
    }
    if instruction.inner:
        inner = summary(instruction.inner, tree)
        found |= {"value": inner["value"], "json": inner["json"], "heredocs": [], "sub": instruction.inner.keyword}
    return found


def arguments(instruction: Instruction) -> tuple[str, ...]:
    """Return the arguments as the oracle splits them."""
    if instruction.keyword in ("ADD", "COPY", "EXPOSE", "FROM", "VOLUME"):
        return tuple(word.text for word in instruction.words)
    if instruction.keyword in ("ENV", "LABEL"):
        return tuple(text or "" for pair in instruction.pairs for text in (pair.key, pair.value))
    if instruction.keyword == "ARG":
        return tuple(pair.key + ("" if pair.value is None else f"={pair.value}") for pair in instruction.pairs)
    if instruction.json is not None:
        return instruction.json
    return (instruction.body.text,) if instruction.body.text else ()


def expected(command: oracle.Command) -> dict[str, object]:
    """Return what the oracle says of one instruction."""
    found: dict[str, object] = {
        "cmd": command.cmd.upper() if command.cmd and command.cmd.isascii() else command.cmd or "",
        "lines": (command.start_line, command.end_line),
        "flags": tuple(command.flags),
        "heredocs": [(heredoc.name, heredoc.content) for heredoc in command.heredocs],
        "json": command.json,
        "value": tuple(command.value),
    }
    if command.sub_cmd:
        found |= {"sub": command.sub_cmd.upper(), "heredocs": []}
    return found


def agree(text: str) -> None:
    """Compare with the oracle; where it refuses, so must we."""
    tree = parse(text)
    try:
        commands = oracle.parse_string(text)
    except oracle.GoParseError as error:
        assert tree.problems, error
        return
    theirs = [expected(command) for command in commands]
    mine = [summary(instruction, tree) for instruction in tree.instructions]
    for one, other in zip(mine, theirs, strict=True):
        if one["cmd"] == "HEALTHCHECK" or one["cmd"] not in KEYWORDS:  # it splits the one, drops the other
            one |= {"value": other["value"], "json": other["json"]}
        assert one == other


def check_lossless(text: str) -> None:
    """Make sure that the nodes tile the text, and that everything in a node lies inside it."""
    tree = parse(text)
    assert str(tree) == text
    position = len(tree.bom)
    for node in tree.nodes:
        assert node.span.start == position
        position = node.span.end
    assert position == len(text)
    for instruction in tree.instructions:
        inside = [instruction.keyword_span, *(flag.span for flag in instruction.flags), *instruction.comments]
        inside += [word.span for word in instruction.words] + [pair.span for pair in instruction.pairs]
        inside += [span for heredoc in instruction.heredocs for span in (heredoc.body, heredoc.terminator)]
        assert all(instruction.span.covers(span) for span in inside)
        written = tree.source(instruction.keyword_span)
        assert written == instruction.written or "\n" in written  # a keyword may be split by a continuation
        for at, file, length in instruction.body.pieces:
            assert text[file : file + length] == instruction.body.text[at : at + length]


LINES = (
    "FROM alpine",
    "from --platform=$BUILDPLATFORM alpine as build",
    "# comment",
    "  # comment \\",
    "# escape=`",
    "# escape = \\",
    "#syntax=docker/dockerfile:1",
    "RUN a \\",
    "RUN a `",
    "RUN a \\ ",
    "RUN a \\\\",
    "RUN a \\\\\\",
    "\\",
    "    && b \\",
    "    && b",
    "",
    "   ",
    "RUN <<EOF",
    "RUN <<-EOF cat",
    "RUN cat <<'EOF' <<B",
    "COPY <<EOF /x",
    "ONBUILD RUN <<EOF",
    "RUN $((1<<2))",
    "RUN $(( 1 <<2 ))",
    "RUN a <<< b",
    "EOF",
    "\tEOF",
    "B",
    'CMD ["a", "b"]',
    "RUN [ -f x ]",
    "RUN [1]",
    "ENV a b c",
    "ENV a=b 'c=d e' f=\"g\\\" h\"",
    "ENV a=b\\ c d",
    "ARG A B=c",
    "LABEL a='\\' b=c",
    "COPY --chown=a:b --from='x y' a b",
    "COPY -- a b",
    "RUN --mount=type=cache,target=/x \\",
    "  --network=none c",
    "\ufeffRUN x",
    "\u00a0RUN x",
    "RUN\u00a0x",
    "RUN a\u2028b",
    "RUN \x85a\x0b\x0cb",
    "ONBUILD ENV a=b",
    "WORKDIR /a b",
    "EXPOSE 1 2/tcp",
    "HEALTHCHECK --interval=1s CMD [\"a\"]",
    "{{ template }}",
    "é",
)  # fmt: skip
FILES = st.builds(
    lambda lines, newline, end, bom: bom + newline.join(lines) + end,
    st.lists(st.sampled_from(LINES), max_size=10),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\r\n"]),
    st.sampled_from(["", "\ufeff"]),
)
CHARACTERS = st.text(st.sampled_from("FROMRUNCOPY \\`\n\t\"'#<>[]{}$=-E,:|/ax1\r"), max_size=60)


@given(st.one_of(st.text(st.characters(exclude_categories=())), FILES, CHARACTERS))
def test_no_byte_is_lost(text: str) -> None:
    check_lossless(text)


@pytest.mark.parametrize("text", ["ONBUILD " * 50_000, "RUN " + "[" * 200_000, "RUN <<" + "${a:-" * 20_000])
def test_nesting_ends_in_a_problem_not_in_an_exception(text: str) -> None:
    check_lossless(text)
    assert parse(text).problems


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(FILES)
def test_composed_files_are_read_as_the_builder_reads_them(text: str) -> None:
    agree(text)


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.sampled_from(["RUN", "COPY", "ENV", "LABEL", "ARG", "CMD", "FROM", "ADD"]), CHARACTERS)
def test_arguments_are_read_as_the_builder_reads_them(keyword: str, text: str) -> None:
    assume(not re.search(r"\][^\n]*\S", text))
    assume("<< " not in text and "<<\t" not in text and "<<-" not in text and "<<\r" not in text)
    agree(f"FROM a\n{keyword} {text}\nEOF\n")


@given(
    st.sampled_from(["RUN", "COPY", "ADD", "CMD"]),
    st.lists(
        st.sampled_from(["<<", "<<-", " ", "\t", "A", "'A'", '"', "$A", "\\", "[", '"a"', "]", "3", "b"]), max_size=9
    ),
)
def test_newer_rules_are_those_of_the_newer_parser(keyword: str, pieces: list[str]) -> None:
    tree = parse(f"FROM a\n{keyword} {''.join(pieces)}\nA\n\tA\n$A\nA\n")
    try:
        theirs = younger.parse_dockerfile_ast(tree.text).instructions
    except ValueError:
        assert tree.problems
        return
    assert [(one.first, one.last, one.json is not None) for one in tree.instructions] == [
        (other.start_line, other.end_line, other.json) for other in theirs
    ]
    assert [[(h.name, h.expand, h.chomp) for h in one.heredocs] for one in tree.instructions] == [
        [(h.name, h.expand, h.chomp) for h in other.heredocs] for other in theirs
    ]


@given(FILES)
def test_line_ends_mean_nothing(text: str) -> None:
    plain = text.replace("\r\n", "\n")
    unix, dos = parse(plain), parse(plain.replace("\n", "\r\n"))
    assert [problem.message for problem in unix.problems] == [problem.message for problem in dos.problems]
    assert len(unix.nodes) == len(dos.nodes)
    for one, other in zip(unix.instructions, dos.instructions, strict=True):
        assert one.body.text == other.body.text
        assert summary(one, unix) | {"heredocs": 0} == summary(other, dos) | {"heredocs": 0}
        assert [h.name for h in one.heredocs] == [h.name for h in other.heredocs]


SAMPLES = {
    "comment in a continuation": "FROM a\nRUN x \\\n    # note\n    git\n",
    "comment that ends in the escape": "FROM a\nRUN x \\\n    # note \\\n    git\nUSER a\n",
    "top-level comment that ends in the escape": "# a \\\nFROM a\n",
    "backtick": "# escape=`\nFROM a\nRUN x `\n  y \\\nUSER a\n",
    "escape below a comment is inert": "# a\n# escape=`\nFROM a\nRUN x `\n",
    "escape below a blank line is inert": "\n# escape=`\nFROM a\nRUN x `\n",
    "unknown directive ends them": "# foo=bar\n# escape=`\nFROM a\nRUN x `\n",
    "directive after blanks and in capitals": "  #  ESCAPE\t=  `  \nFROM a\nRUN x `\n y\n",
    "CRLF": "FROM a\r\nRUN x \\\r\n  # c\r\n\r\n  y\r\nRUN <<E\r\na\r\nE\r\n",
    "heredoc bodies are no instructions": "FROM a\nRUN <<E\nFROM here\n# c\nx \\\nE\nUSER a\n",
    "two heredocs": "FROM a\nCOPY <<A <<B /x\n1\nA\n2\nB\n",
    "tabs before the terminator": "FROM a\nRUN <<-E\n\tx\n\t\tE\n",
    "tabs do not count without the dash": "FROM a\nRUN <<E\n\tE\nE\n",
    "quoted delimiters": "FROM a\nRUN cat <<'A' <<\"B\" <<\\C\n1\nA\n2\nB\n3\nC\n",
    "a delimiter with a variable": "FROM a\nRUN cat <<$A <<${B}\n1\n$A\n2\n${B}\nUSER a\n",
    "an empty delimiter": "FROM a\nRUN cat <<''\nUSER a\n",
    "a descriptor": "FROM a\nRUN 3<<E cat\nx\nE\n",
    "heredoc in quotes": "FROM a\nRUN echo '<<E'\nUSER a\n",
    "heredoc behind a word": "FROM a\nRUN a<<E\nUSER a\n",
    "open quote, no heredoc": "FROM a\nRUN echo \"it's\" it's <<E\nUSER a\n",
    "CMD takes no heredoc": "FROM a\nCMD <<E\nUSER a\n",
    "JSON takes no heredoc": 'FROM a\nRUN ["<<E"]\nUSER a\n',
    "ONBUILD takes one": "FROM a\nONBUILD RUN <<E\nx\nE\nUSER a\n",
    "shift without blanks": "FROM a\nRUN $((1<<2))\nUSER a\n",
    "shift with a blank": "FROM a\nRUN $(( 1 <<2 ))\nUSER a\n",
    "here-string": "FROM a\nRUN cat <<<x\nUSER a\n",
    "command before a heredoc": "FROM a\nRUN . env && <<E\nx\nE\n",
    "three escapes do not continue": "FROM a\nRUN x \\\\\\\nUSER a\n",
    "two escapes do not continue": "FROM a\nRUN x \\\\\nUSER a\n",
    "escape alone on a line": "FROM a\n\\\nRUN x\n",
    "blanks after the escape": "FROM a\nRUN x \\ \t\n  y\n",
    "NBSP after the escape": "FROM a\nRUN x \\\u00a0\nUSER a\n",
    "hash in an open quote": "FROM a\nRUN echo 'a \\\n# b \\\nc'\n",
    "blank line in a continuation": "FROM a\nRUN x \\\n\n  y\n",
    "continuation to the end": "FROM a\nRUN x \\\n",
    "continuation to comments at the end": "FROM a\nRUN x \\\n# c\n\n",
    "keyword over lines": "FROM a\nRU\\\nN x\n",
    "swallowed instruction": "FROM a\nRUN x \\\nCOPY a b\n",
    "JSON over lines": 'FROM a\nCMD [ \\\n  "a", \\\n  "b" \\\n]\n',
    "shell test": "FROM a\nRUN [ -f x ]\n",
    "JSON with single quotes": "FROM a\nCMD ['a']\n",
    "NaN is not JSON": "FROM a\nCMD [NaN]\n",
    "legacy ENV": "FROM a\nENV k a=b  c\nLABEL k  v w\n",
    "ENV with an escaped end": "FROM a\nENV a=b\\\\\\\nUSER a\n",
    "ARG with several": "FROM a\nARG a b=c 'd=e f'\n",
    "flags on lines": "FROM a\nRUN --mount=type=cache,target=/a \\\n  # c\n  --network=none \\\n  x --not=flag\n",
    "flag with quotes and escapes": "FROM a\nCOPY --chown='a b' --from=\"x\" --chmod=7\\7 a b\n",
    "end of flags": "FROM a\nCOPY -- --a b\n",
    "flag after a word": "FROM a\nRUN a --mount=x\n",
    "indented instruction": "FROM a\n \t RUN x\n",
    "NBSP indents": "FROM a\n\u00a0RUN x\n",
    "NBSP does not separate": "FROM a\nRUN\u00a0x\n",
    "NBSP before a flag": "FROM a\nRUN \u00a0--mount=x y\n",
    "U+2028 ends no line": "FROM a\nRUN x\u2028USER a\n",
    "lone CR ends no line": "FROM a\nRUN x\rUSER a\n",
    "no final newline": "FROM a\nRUN x",
    "byte-order mark": "\ufeff# escape=`\nFROM a\nRUN x `\n y\n",
    "lower case": "from a as b\nrun x\nonbuild copy a b\n",
    "variables in FROM": "ARG A=1\nFROM --platform=$P a:${A} AS b\n",
    "PowerShell": "# escape=`\nFROM a\nSHELL [\"powershell\", \"-Command\"]\nRUN a `\n | b\n",
    "a word in capitals beyond ASCII": "FROM a\nU\u017fER a\n",
    "longest line": "FROM a\nRUN " + "x" * 65_531 + "\n",
    "too long a line": "FROM a\nRUN " + "x" * 65_532 + "\n",
    "longest last line": "FROM a\nRUN " + "x" * 65_531,
}  # fmt: skip


@pytest.mark.parametrize("text", SAMPLES.values(), ids=SAMPLES)
def test_samples(text: str) -> None:
    check_lossless(text)
    agree(text)
    if len(text) < 60_000:
        agree(text.replace("\r\n", "\n").replace("\n", "\r\n"))


def test_what_follows_an_array_makes_it_shell_form() -> None:
    assert parse('FROM a\nRUN ["a"] b\n').instructions[1].json is None


def test_a_blank_before_the_delimiter_is_a_heredoc() -> None:
    # The lab's engine (Docker 28.5) agrees; the oracle is older.
    (run,) = parse("FROM a\nRUN cat << EOF <<-'X' <<- Y\na\nEOF\n\tX\n").instructions[1:]
    assert [(h.name, h.expand, h.chomp) for h in run.heredocs] == [("EOF", True, False), ("X", False, True)]
    assert run.last == 5


@pytest.mark.parametrize(
    ("word", "expand"), [("E", True), ("'E'", False), ('"E"', False), ("\\E", True), ("E''", False)]
)
def test_only_quotes_stop_expansion(word: str, expand: bool) -> None:
    (heredoc,) = parse(f"FROM a\nCOPY <<{word} /x\nE\n").instructions[1].heredocs
    assert heredoc.expand is expand


PROBLEMS = {
    "": (1, "no instructions"),
    "# only\n\n": (2, "no instructions"),
    "RUN x\n": (1, "no build stage"),
    "ARG a\n\nARG b\n": (3, "no build stage"),
    "FROM a\n\nRUN <<E\nx\n": (3, "unterminated heredoc 'E'"),
    "FROM a\nRUN cat <<\\'E\nUSER b\n": (2, "unterminated heredoc \"'E\""),
    "FROM a\nFOO x\n": (2, "unknown instruction: FOO"),
    "FROM a\nU\u017fER x\n": (2, "unknown instruction"),
    "FROM a\nONBUILD FOO x\n": (2, "unknown instruction: FOO"),
    "FROM a\nONBUILD ONBUILD RUN x\n": (2, "ONBUILD isn't allowed"),
    "{{ if a }}\nFROM a\n": (1, "template"),
    "FROM a\n{%- if a %}\n": (2, "template"),
    "FROM {{ .Base }}\n": (1, "template"),
    "FROM a\nVOLUME\n": (2, "VOLUME requires at least one argument"),
    "FROM a\nENV a\n": (2, "ENV needs name=value"),
    "FROM a\nLABEL a=b c\n": (2, "LABEL needs name=value"),
    "FROM a\nRUN [1]\n": (2, "strings only"),
    "FROM a\nONBUILD CMD [null]\n": (2, "strings only"),
    "# escape=`\n# escape=`\nFROM a\n": (2, "only one escape"),
    "# syntax=a\n# syntax=b\nFROM a\n": (2, "only one syntax"),
    "# escape=x\nFROM a\n": (1, "invalid escape token 'x'"),
    "FROM a\n\n# " + "\u20ac" * 30_000 + "\n": (3, "line longer than"),
}  # fmt: skip


@pytest.mark.parametrize("text", PROBLEMS, ids=lambda text: ascii(text[:30]))
def test_what_the_builder_refuses(text: str) -> None:
    line, message = PROBLEMS[text]
    problem = parse(text).problems[0]
    assert problem.line == line
    assert message in problem.message


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN\nCMD\nENTRYPOINT\n",
        "FROM a\nRUN docker inspect -f '{{.Id}}' x\nCMD []\n",
        'ARG A\n# c\nFROM $A\nENV a=\nLABEL a="b c"\n',
        "\ufeff# escape=\\\n# syntax=x\n# check=skip=all\nFROM a",
        "FROM a\nONBUILD RUN <<E\nE\n",
    ],
)
def test_no_problem_where_there_is_none(text: str) -> None:
    assert parse(text).problems == ()


def test_joined_text_leads_back_to_the_file() -> None:
    text = "FROM a\n RUN  --network=none  one \\\n # c\n\n   two\\\nthree\n"
    tree = parse(text)
    run = tree.instructions[1]
    assert run.body.text == "one    twothree"
    for word, source in (("one", "one"), ("twothree", "two\\\nthree"), ("three", "three")):
        start = run.body.text.index(word)
        assert tree.source(run.body.span(start, start + len(word))) == source
    assert run.body.span(3, 3) == Span(*[text.index(" \\")] * 2)
    assert [tree.source(comment) for comment in run.comments] == [" # c\n"]
    assert (run.first, run.last) == (2, 6)


def test_words_pairs_and_flags_are_where_they_say() -> None:
    text = 'FROM --platform=a b AS c\nENV A=1 \\\n  B=\'x y\'\nCOPY --from=c ["a", "b"]\nARG X Y=2\n'
    tree = parse(text)
    from_, env, copy, arg = tree.instructions
    assert [tree.source(word.span) for word in from_.words] == ["b", "AS", "c"]
    assert [tree.source(pair.span) for pair in env.pairs] == ["A=1", "B='x y'"]
    assert [(pair.key, pair.value) for pair in arg.pairs] == [("X", None), ("Y", "2")]
    assert tree.source(copy.flags[0].span) == "--from=c"
    assert copy.flag("from") == copy.flags[0]
    assert copy.flag("chown") is None
    assert copy.flag_values("from") == ("c",)


def test_trivia_and_directives() -> None:
    tree = parse("# syntax=x/y\n#Escape=`\n\n# c\nFROM a\n# d\n")
    assert [node.kind for node in tree.nodes if isinstance(node, Trivia)] == [
        "directive", "directive", "blank", "comment", "comment",
    ]  # fmt: skip
    assert tree.escape == "`"
    assert tree.directive("syntax") == "x/y"
    assert tree.directive("check") is None


@pytest.mark.parametrize(("text", "newline"), [("FROM a\r\nUSER b\n", "\r\n"), ("FROM a\n", "\n"), ("FROM a", "\n")])
def test_newline(text: str, newline: str) -> None:
    assert parse(text).newline == newline
