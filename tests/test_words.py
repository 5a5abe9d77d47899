"""Words as BuildKit's lexer reads them: quotes, escapes, substitution."""

from __future__ import annotations

import pytest

from rewrite.source.words import HeredocWord, LexError, heredoc_words, quoted_words, unquote, variables

KNOWN = {"A": "a", "EMPTY": "", "SP": "x y"}

# BuildKit's reference, "Environment replacement", and lex.go.
VALUES = {
    "plain": "plain",
    "": "",
    "'a b'c": "a bc",
    '"a b"c': "a bc",
    "a\\ b": "a b",
    "\\$A": "$A",
    "'$A'": "$A",
    '"$A"': "a",
    '"\\$A"': "$A",
    '"\\a\\"\\\\"': '\\a"\\',
    "'\\'": "\\",
    "\\'": "'",
    "a\\": "a",
    "$A": "a",
    "${A}b": "ab",
    "$Ab": None,
    "$A.b": "a.b",
    "$SP": "x y",
    "${A:-b}": "a",
    "${A-b}": "a",
    "${EMPTY:-b}": "b",
    "${EMPTY-b}": "",
    "${A:+b}": "b",
    "${EMPTY:+b}": "",
    "${EMPTY+b}": "b",
    "${EMPTY:-$A}": "a",
    "${EMPTY:-${EMPTY:-'x}'}}": "x}",
    "${A:-$UNKNOWN}": "a",
    "${EMPTY:+$UNKNOWN}": "",
    "${A:+$UNKNOWN}": None,
    "${UNKNOWN:-b}": None,
    "$UNKNOWN": None,
    "${A:?needed}": None,
    "${A#a}": None,
    "${A%%a}": None,
    "${A/a/b}": None,
    "${A//a/b}c": None,
    "$": "$",
    "a$.b": "a$.b",
    "$1x": None,
    "$\u00e9": None,
    "<<": "<<",
    "a\u00a0b": "a\u00a0b",
}


@pytest.mark.parametrize(("raw", "value"), VALUES.items())
def test_unquote(raw: str, value: str | None) -> None:
    assert unquote(raw, "\\", KNOWN.get) == value


@pytest.mark.parametrize(
    "raw",
    ["'a", '"a', "${A", "${A:-b", "${}", "${:a}", "${{A}}", "${A!b}", "${A:#b}", "${A b}", "${A/b}", "${A:-" * 9_999],
)  # fmt: skip
def test_what_the_lexer_refuses(raw: str) -> None:
    with pytest.raises(LexError):
        unquote(raw, "\\", KNOWN.get)


def test_the_escape_character_is_the_directives() -> None:
    assert unquote("C:\\dir`$A", "`", KNOWN.get) == "C:\\dir$A"


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("$A${B}${C:-$D}", "ABCD"),
        ("'$A'\\$B", ""),
        ("\"$A'$B'\"", "AB"),
        ("${A+$B}${C/x/y}", "ABC"),
        ("'$A ${B}", "AB"),
        ("$1", "1"),
    ],
)
def test_variables(raw: str, names: str) -> None:
    assert variables(raw) == frozenset(names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a=b c=d", ["a=b", "c=d"]),
        ("  a='b c'\td=\"e ' f\" ", ["a='b c'", "d=\"e ' f\""]),
        ("a=b\\ c", ["a=b\\ c"]),
        ("a=\"b\\\" c\"", ['a="b\\" c"']),
        ("a='b\\' c", ["a='b\\'", "c"]),
        ("a='b c", ["a='b c"]),
        ("a=b\\", ["a=b"]),
        ("a \\", ["a"]),
        ("a\u2003b", ["a", "b"]),
    ],
)  # fmt: skip
def test_quoted_words(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in quoted_words(text, "\\")] == words


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("RUN cat <<A 3<<-'B' > x", ["A", "B"]),
        ("RUN cat << A", ["A"]),
        ("RUN '<<A' \"<<B\" a<<C <<", []),
        ("RUN \\<<A", []),
        ("RUN echo it's <<A", []),
        ("RUN $((1<<2))", []),
        ("RUN $(( 1 <<2 ))", ["2"]),
        ("RUN cat <<$A <<${B:-c}", ["$A", "${B:-c}"]),
        ("RUN <<''", []),
        ("RUN cat <<<word", []),
    ],
)
def test_heredoc_words(line: str, names: list[str]) -> None:
    assert [word.name for word in heredoc_words(line)] == names


def test_how_a_heredoc_is_read() -> None:
    assert heredoc_words("RUN <<-A <<'B' <<\\C") == [
        HeredocWord("A", True, True),
        HeredocWord("B", False, False),
        HeredocWord("C", True, False),
    ]
