"""The shell parser: tables of constructs, shfmt and bash as oracles, and properties over arbitrary text."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rewrite.source.edits import Span
from rewrite.source.shell import (
    Compound,
    NotUnderstood,
    Part,
    Script,
    Simple,
    Word,
    aborts_on_error,
    parse,
    simples,
)


def cut(text: str, span: Span) -> str:
    return text[span.start : span.end]


def outline(text: str) -> list[tuple[str, str]]:
    return [(item.operator, cut(text, item.span)) for item in parse(text).items]


def commands(text: str) -> list[str]:
    return [cut(text, simple.span) for simple in simples(parse(text))]


def only(text: str) -> Simple:
    script = parse(text)
    command = script.items[0].pipeline.commands[0]
    assert len(script.items) == 1 and isinstance(command, Simple)
    return command


def compound(text: str) -> Compound:
    command = parse(text).items[0].pipeline.commands[0]
    assert isinstance(command, Compound)
    return command


def word(raw: str) -> Word:
    found = only(f"x {raw}").words
    assert len(found) == 2 and found[1].raw == raw
    return found[1]


# Lists

OUTLINES = [
    ("a", [("", "a")]),
    ("  a  ", [("", "a")]),
    ("", []),
    ("# only a comment", []),
    ("a && b", [("", "a"), ("&&", "b")]),
    ("a||true; false; b", [("", "a"), ("||", "true"), (";", "false"), (";", "b")]),
    ("a & b & c", [("", "a"), ("&", "b"), ("&", "c")]),
    ("a\nb\n\n# note\nc\n", [("", "a"), ("\n", "b"), ("\n", "c")]),
    ("a;\nb", [("", "a"), (";", "b")]),
    ("a &&\n  # why\n  b", [("", "a"), ("&&", "b")]),
    ("a && \\\n b", [("", "a"), ("&&", "b")]),
    ("a | b |& c && d", [("", "a | b |& c"), ("&&", "d")]),
    ("cd x && npm ci", [("", "cd x"), ("&&", "npm ci")]),
    ("set -eux; a; b", [("", "set -eux"), (";", "a"), (";", "b")]),
    ("echo 'a && b' \"c && d\" e\\&\\&f", [("", "echo 'a && b' \"c && d\" e\\&\\&f")]),
    ("echo $( a && b ) && c", [("", "echo $( a && b )"), ("&&", "c")]),
    ("sh -c 'a; b' && c", [("", "sh -c 'a; b'"), ("&&", "c")]),
    ("A=1 B=2 make && c", [("", "A=1 B=2 make"), ("&&", "c")]),
    ("case x in a) b;; esac; c", [("", "case x in a) b;; esac"), (";", "c")]),
    ("x=`a && b` && c", [("", "x=`a && b`"), ("&&", "c")]),
    ("! a && b", [("", "! a"), ("&&", "b")]),
    ("a > x 2>&1 && b", [("", "a > x 2>&1"), ("&&", "b")]),
    ("echo a#b && c # d && e", [("", "echo a#b"), ("&&", "c")]),
    ("echo {{.Version}} && b", [("", "echo {{.Version}}"), ("&&", "b")]),
    ("cat <<EOF > f\na && b\nEOF\nc", [("", "cat <<EOF > f"), ("\n", "c")]),
    ("cat <<EOF > f && c", [("", "cat <<EOF > f"), ("&&", "c")]),
    ("f() { a; } && b", [("", "f() { a; }"), ("&&", "b")]),
    ("(a; b) && { c; d; }", [("", "(a; b)"), ("&&", "{ c; d; }")]),
    ("echo if then fi", [("", "echo if then fi")]),
]


@pytest.mark.parametrize(("text", "expected"), OUTLINES)
def test_items_and_operators(text: str, expected: list[tuple[str, str]]) -> None:
    assert outline(text) == expected


@pytest.mark.parametrize(
    ("text", "terminator"), [("a;", ";"), ("a && b &", "&"), ("a; # c", ";"), ("a", ""), ("a\n", ""), ("a ; \n", ";")]
)
def test_terminator(text: str, terminator: str) -> None:
    script = parse(text)
    assert script.terminator == terminator
    assert (cut(text, script.terminator_span) if script.terminator_span else "") == terminator


def test_operator_span_is_that_of_the_operator() -> None:
    text = "a && b # c\nd; e"
    assert [cut(text, i.operator_span) for i in parse(text).items if i.operator_span] == ["&&", "\n", ";"]


def test_text_added_at_the_end_of_the_last_item_lands_before_the_comment() -> None:
    text = "apt-get update && apt-get install -y git # for pip"
    script = parse(text)
    end = script.items[-1].span.end
    assert [cut(text, comment) for comment in script.comments] == ["# for pip"]
    assert text[:end] + " && x" + text[end:] == "apt-get update && apt-get install -y git && x # for pip"


def test_text_added_after_a_heredoc_command_lands_before_the_body() -> None:
    text = "cat <<EOF\nbody\nEOF\n"
    end = parse(text).items[-1].span.end
    assert text[:end] + " && x" + text[end:] == "cat <<EOF && x\nbody\nEOF\n"


def test_pipeline_fields() -> None:
    pipeline = parse("! a | b |& c").items[0].pipeline
    assert pipeline.negated and pipeline.operators == ("|", "|&") and len(pipeline.commands) == 3
    timed = parse("time -p a").items[0].pipeline
    assert timed.timed and not timed.negated and [w.raw for w in simple_words(timed.commands[0])] == ["a"]


def simple_words(command: Simple | Compound) -> tuple[Word, ...]:
    assert isinstance(command, Simple)
    return command.words


# Simple commands


def test_assignments_words_and_redirects() -> None:
    text = "A=1 B+='x y' C= cmd D=2 2>/dev/null >>log <in"
    command = only(text)
    assert [(a.name, a.value.value, a.append) for a in command.assignments] == [
        ("A", "1", False),
        ("B", "x y", True),
        ("C", "", False),
    ]
    assert [cut(text, a.span) for a in command.assignments] == ["A=1", "B+='x y'", "C="]
    assert [w.raw for w in command.words] == ["cmd", "D=2"]
    assert [(r.fd, r.operator, r.target.value) for r in command.redirects] == [
        ("2", ">", "/dev/null"),
        ("", ">>", "log"),
        ("", "<", "in"),
    ]
    assert [cut(text, r.span) for r in command.redirects] == ["2>/dev/null", ">>log", "<in"]


@pytest.mark.parametrize(
    ("text", "fd", "operator", "target"),
    [
        ("a 2>&1", "2", ">&", "1"),
        ("a >&2", "", ">&", "2"),
        ("a &>f", "", "&>", "f"),
        ("a &>> f", "", "&>>", "f"),
        ("a <<< 'x y'", "", "<<<", "x y"),
        ("a >| f", "", ">|", "f"),
        ("a <> f", "", "<>", "f"),
        ("a 3<&-", "3", "<&", "-"),
        ("a <<'EOF'", "", "<<", "EOF"),
        ("a <<-EOF", "", "<<-", "EOF"),
        ("> f", "", ">", "f"),
    ],
)
def test_redirects(text: str, fd: str, operator: str, target: str) -> None:
    (redirect,) = only(text).redirects
    assert (redirect.fd, redirect.operator, redirect.target.value) == (fd, operator, target)


def test_a_digit_that_ends_a_word_is_no_descriptor() -> None:
    command = only("echo a2>f")
    assert [w.raw for w in command.words] == ["echo", "a2"] and command.redirects[0].fd == ""


def test_heredoc_bodies_in_order() -> None:
    text = "a <<A <<-'B' | c\none $X $(inner)\nA\n\ttwo $Y\n\tB\nd"
    script = parse(text)
    assert [(h.body.raw, h.body.value) for h in script.heredocs] == [
        ("one $X $(inner)\n", None),
        ("\ttwo $Y\n", "\ttwo $Y\n"),
    ]
    assert [cut(text, h.redirect) for h in script.heredocs] == ["<<A", "<<-'B'"]
    assert script.heredocs[0].body.variables == {"X"}
    assert commands(text) == ["a <<A <<-'B'", "c", "d", "inner"]


def test_arrays() -> None:
    command = only('a=(x "$Y" # why\n $(z))')
    assert command.assignments[0].value.value is None and command.assignments[0].value.variables == {"Y"}
    assert commands("declare -a b=($(c)); d") == ["declare -a b=($(c))", "c", "d"]


# Words

VALUES = [
    ("a", "a"),
    ("'a b'", "a b"),
    ('"a b"', "a b"),
    ("a'b'\"c\"d", "abcd"),
    ("''", ""),
    ('""', ""),
    (r"a\ b\$c", "a b$c"),
    (r'"a\$b\n\"\\"', 'a$b\\n"\\'),
    (r"'a\b'", r"a\b"),
    ("a\\\nb", "ab"),
    ('"a\\\nb"', "ab"),
    ("{}", "{}"),
    ("{a}", "{a}"),
    ("{{.Name}}", "{{.Name}}"),
    ("[", "["),
    ("a~", "a~"),
    ("--home=~/x", "--home=~/x"),
    ("a=b", "a=b"),
    ("$", "$"),
    ("a$", "a$"),
    ('"*?[a]~{a,b}"', "*?[a]~{a,b}"),
    (r"\*", "*"),
    ("a#b", "a#b"),
    ("é☃", "é☃"),
    ("$x", None),
    ('"${x}"', None),
    ("${x:-y}", None),
    ("$(a)", None),
    ("`a`", None),
    ("$((1+2))", None),
    ("*.txt", None),
    ("a?", None),
    ("[ab]", None),
    ("{a,b}", None),
    ("x{1..3}", None),
    ("{'a b',c}", None),
    ("{},a}", None),
    ("~", None),
    ("~/x", None),
    ("~root/x", None),
    ("PATH=~/x", None),
    ("PATH=\\\n~/x", None),
    ("<(a)", None),
    (r"$'a\n'", None),
    ('$"a"', None),
]


@pytest.mark.parametrize(("raw", "value"), VALUES)
def test_value(raw: str, value: str | None) -> None:
    assert word(raw).value == value


KNOWN = {"A": "one", "BLANK": "a b", "EMPTY": "", "GLOB": "*.c", "HOME": "/home/me"}


@pytest.mark.parametrize(
    ("raw", "expanded"),
    [
        ("a", "a"),
        ("$A", "one"),
        ("x${A}y", "xoney"),
        ('"$A/$BLANK"', "one/a b"),
        ('"$EMPTY"', ""),
        ('"$GLOB"', "*.c"),
        ("~", "/home/me"),
        ("~/x", "/home/me/x"),
        ("'$A'", "$A"),
        ("$BLANK", None),
        ("$EMPTY", None),
        ("$GLOB", None),
        ("$UNKNOWN", None),
        ("a$A$UNKNOWN", None),
        ("~root/x", None),
        ("~$A", None),
        ("A=~/x", None),
        ("${A:-b}", None),
        ("$1", None),
        ('"$@"', None),
        ("$(a)", None),
        ("*$A", None),
    ],
)
def test_expand(raw: str, expanded: str | None) -> None:
    assert word(raw).expand(KNOWN.get) == expanded


def test_a_tilde_after_the_equals_sign_or_colon_of_an_assignment() -> None:
    value = only("P=~/a:~/b").assignments[0].value
    assert value.value is None and value.expand(KNOWN.get) == "/home/me/a:/home/me/b"


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ("a'$b'", set()),
        ('$a"$b"${c}', {"a", "b", "c"}),
        ("${a:-$b}", {"a", "b"}),
        ('"${a:-"${b#$c}"}"', {"a", "b", "c"}),
        ("${#a}", {"a"}),
        ("${a//x/$b}", {"a", "b"}),
        ("$((a + $b))", {"a", "b"}),
        ("$(x $a; if $b; then c=$d; fi >$e)", {"a", "b", "d", "e"}),
        ("`echo $a`", {"a"}),
        ("$1$@$?", set()),
        ("<(x $a)", {"a"}),
    ],
)
def test_variables(raw: str, names: set[str]) -> None:
    assert word(raw).variables == names


def test_parts_of_a_word() -> None:
    text = "x a\"b$c d\"'e'*~$(f `g`)"
    parts = only(text).words[1].parts
    assert [(p.kind, p.text, p.quoted, cut(text, p.span)) for p in parts] == [
        ("literal", "a", False, "a"),
        ("literal", "b", True, "b"),
        ("variable", "c", True, "$c"),
        ("literal", " d", True, " d"),
        ("literal", "e", True, "'e'"),
        ("glob", "*", False, "*"),
        ("literal", "~", False, "~"),
        ("substitution", "$(f `g`)", False, "$(f `g`)"),
    ]
    assert [cut(text, s.span) for s in simples(parts[-1].scripts[0])] == ["f `g`", "g"]


# Compound commands

COMPOUNDS = [
    ("(a; b)", "subshell", ["a; b"], []),
    ("{ a; b; }", "brace", [" a; b; "], []),
    ("if a; then b; elif c; then d; else e; fi", "if", [" a; ", " b; ", " c; ", " d; ", " e; "], []),
    ("for i in a $b; do c; done", "for", [" c; "], ["a", "$b"]),
    ("for i; do c; done", "for", [" c; "], []),
    ("for i\ndo c\ndone", "for", [" c\n"], []),
    ("for ((i=0; i<3; i++)); do c; done", "for", [" c; "], ["((i=0; i<3; i++))"]),
    ("while a; do b; done", "while", [" a; ", " b; "], []),
    ("until a; do b; done", "until", [" a; ", " b; "], []),
    ('case "$x" in a|b*) c;; (d) ;& *) e; esac', "case", [" c", " ", " e; "], ['"$x"', "a", "b*", "d", "*"]),
    ("case x in esac", "case", [], ["x"]),
    ("f() { a; }", "function", ["{ a; }"], []),
    ("function f { a; }", "function", ["{ a; }"], []),
    ("f () ( a )", "function", ["( a )"], []),
    ("[[ -f a && ( $b == c* || ! d =~ ^(e|f)$ ) ]]", "test", [], ["-f", "a", "$b", "c*", "d", "^(e|f)$"]),
    ("(( a + 1 > b ))", "arith", [], ["(( a + 1 > b ))"]),
]


@pytest.mark.parametrize(("text", "kind", "scripts", "words"), COMPOUNDS)
def test_compounds(text: str, kind: str, scripts: list[str], words: list[str]) -> None:
    command = compound(text)
    assert command.kind == kind
    assert [cut(text, script.span) for script in command.scripts] == scripts
    assert [w.raw for w in command.words] == words
    assert cut(text, command.span) == text


def test_names_and_redirects_of_compounds() -> None:
    assert compound("for i in a; do b; done").name == "i"
    assert compound("f() { a; }").name == "f"
    command = compound("{ a; } > f 2>&1")
    assert [r.operator for r in command.redirects] == [">", ">&"] and cut("{ a; } > f 2>&1", command.span).endswith(
        "&1"
    )


def test_comments_belong_to_the_innermost_script() -> None:
    text = "if a; then # one\n b # two\nfi # three\n"
    script = parse(text)
    assert [cut(text, c) for c in script.comments] == ["# three"]
    assert [cut(text, c) for c in compound(text).scripts[1].comments] == ["# one", "# two"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a $(b; c `d`) && e", ["a $(b; c `d`)", "b", "c `d`", "d", "e"]),
        ('A="$(b)" c > $(d)', ['A="$(b)" c > $(d)', "b", "d"]),
        ("if a; then b; else (c); fi", ["a", "b", "c"]),
        ("f() { a $(b); }; f", ["a $(b)", "b", "f"]),
        ("case $(a) in $(b)) c;; esac", ["a", "b", "c"]),
        ("[[ $(a) == b ]] && ((x=$(c)))", ["a", "c"]),
        ("for i in $(a); do b; done < <(c)", ["a", "c", "b"]),
        ("x ${y:-$(z)}", ["x ${y:-$(z)}", "z"]),
    ],
)
def test_simples_are_found_everywhere(text: str, expected: list[str]) -> None:
    assert commands(text) == expected


# What is refused

REFUSED = [
    "'a",
    '"a',
    "`a",
    "$(a",
    "$(a # )",
    "${a",
    "${}",
    "${{ a }}",
    "$((1",
    '$((1+$"2"))',
    "$[1]",
    "(a",
    "a)",
    "a;;",
    "; a",
    "a ; ; b",
    "a && ",
    "&& a",
    "a | | b",
    "a & && b",
    "a &&& b",
    "()",
    "{ }",
    "{ a",
    "{ a }",
    "}",
    "if a; then fi",
    "if a; b; fi",
    "fi",
    "]] a",
    "for 1 in a; do b; done",
    "for i in a; b; done",
    "for ((i=0; i<3)); do a; done",
    "case a in b) c",
    "while a; done",
    "coproc a",
    "select i in a; do b; done",
    "((a); b)",
    "$((a); b)",
    "a >",
    "a > # b",
    "a > && b",
    "a >2>b",
    "declare >b a=(c)",
    "a (b)",
    "a(b)",
    "a @(b|c)",
    "f() a",
    "a[0]=b",
    "a[0 + 1]=b",
    "declare a[0 + 1]=b",
    "a=([x y]=b)",
    "a=(b",
    "a=(b)c",
    "a \\",
    "a\0",
    "[[ a",
    "[[ ]]",
    "[[ a =b ]]",
    "! ! a",
    "a | ! b",
    "{fd}>a",
    "`a \\`b\\``",
    '"`a "b"`"',
    "\"${a:-'b'}\"",
    "$'it\\'s'",
    "cat <<EOF\nbody\n",
    "cat <<$X\nbody\n$X\n",
    "cat <<EOF\nbody \\\nEOF\n",
    "a $(cat <<EOF)\nbody\nEOF\n",
    "(a) b",
    "{ a; } && ",
    # A line's end that glues two tokens into another one.
    "a &\\\n> f",
    "echo $\\\nx",
    "echo $a\\\nb",
    "A\\\nB=c",
    "i\\\nf a; then b; fi",
    "(\\\n(a))",
    "a 2\\\n> f",
    "a <<\\\n-EOF",
    "case x in a) b;\\\n;; esac",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(NotUnderstood) as error:
        parse(text)
    assert error.value.reason and 0 <= error.value.offset <= len(text)


@pytest.mark.parametrize("opening", ["(", "$(", '"$(', "${a:-", "{ ", "f() ", "[[ (", "! ", "`a $(", "if ", "$(("])
def test_deep_nesting_is_refused_without_a_recursion_error(opening: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(opening * 5000)


def test_long_input_does_not_recurse() -> None:
    assert len(parse(" && ".join(["a"] * 5000)).items) == 5000


# aborts_on_error

ABORTS = [
    ("a", True),
    ("a && b && c", True),
    ("a && b;", True),
    ("a; b", False),
    ("a\nb", False),
    ("a || b", False),
    ("a && b || c && d", False),
    ("a & b", False),
    ("a &", False),
    ("set -e; a; b", True),
    ("set -eux; a; b", True),
    ("set -ex\na\nb\n", True),
    ("set -exo pipefail; a; b", True),
    ("set -o errexit; a; b", True),
    ("set -o pipefail -e; a; b", True),
    ("set -o pipefail; a; b", False),
    ("set -o pipefail; set -e; a; b", True),
    ("set -ux; a; b", False),
    ("set -ex && a; b", True),
    ("A=1; set -e; a; b", True),
    ("A=$(x); set -e; a; b", False),
    ("A=${x:?}; set -e; a", False),
    ("A=1; a && b", True),
    ("a; set -e; b", False),
    ("cd x; set -e; b", False),
    ("set -e; a && b; c", False),
    ("set -e; a; b && c", True),
    ("set -e; ! a; c", False),
    ("set -e; a || true; b", False),
    ("set -e; a; set +e; b; c", False),
    ("set -e; a; set +o errexit; b; c", False),
    ("set -e; { set +e; }; b; c", False),
    ("set -e; set $FLAGS; b; c", False),
    ("set -- -e; a; b", False),
    ("set -e | a; b; c", False),
    ("(set -e); a; b", False),
    ("trap 'exit 0' EXIT && a && b", False),
    ("a &> log && b", False),
    ("set -e; a & b", False),
    ("set -e; if a; then b; fi; c", True),
    ("echo 'a; b || c' && d", True),
    ("a $(b; c || d) && e", True),
]


@pytest.mark.parametrize(("text", "expected"), ABORTS)
def test_aborts_on_error(text: str, expected: bool) -> None:
    assert aborts_on_error(parse(text)) is expected


# Oracles: bash -n, and shfmt's tree

BODIES = [
    "apt-get update && apt-get install -y --no-install-recommends curl git && rm -rf /var/lib/apt/lists/*",
    "set -eux; apt-get update; apt-get install -y gcc; rm -rf /var/lib/apt/lists/*;",
    "pip install --no-cache-dir -r requirements.txt # keep in step with CI",
    "curl -fsSL https://example.org/x.tgz | tar -xz -C /opt --strip-components=1",
    'curl -o a.tgz "https://example.org/${VERSION}/a-$(uname -m).tgz" && echo "${SHA}  a.tgz" | sha256sum -c -',
    "if [ \"$ENV\" = 'production' ]; then npm ci --omit=dev; else npm ci; fi",
    "if [ -f yarn.lock ]; then yarn --frozen-lockfile; elif [ -f package-lock.json ]; then npm ci; "
    'else echo "Lockfile not found." && exit 1; fi',
    "case \"$(dpkg --print-architecture)\" in amd64|x86_64) A='x64' ;; arm64) A=arm64;; *) echo no >&2; exit 1 ;; esac"
    ' && echo "$A"',
    'for f in *.tar.gz; do tar xf "$f" && rm "$f"; done; ls',
    "useradd -m app && chown -R app:app /home/app && echo 'app ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers",
    "export PATH=/opt/bin:$PATH && make -j$(nproc) && make install",
    "find / -name '*.pyc' -exec rm -f {} \\; -o -type d -empty -delete || true",
    "sed -i 's/a && b/c; d/g' x && (cd /tmp && wget -q x) ; { echo a; echo b; } > /etc/c 2>&1",
    'echo "deb http://x `lsb_release -cs` main" > /etc/apt/sources.list.d/x.list && true',
    "sh -c \"a && b\" && bash -ec 'x; y'",
    "mkdir -p /a/{b,c} && cp -r /x/*.[ch] ~/y && touch a?b",
    'GOOS=linux CGO_ENABLED=0 go build -ldflags "-X main.v=$V" -o /app ./...',
    'echo $((1 + 2 * $N)) ${A:-b} ${A%%.*} ${#A} ${A//x/y} ${A:1:2} ${A:+"$B c"} ${A##*/}',
    'while read -r l; do echo "$l"; done < f && until ping x; do sleep 1; done',
    "[[ $A =~ ^v([0-9]+)\\.(a|b)$ && -n $B || ! -f c ]] && echo yes",
    '[[ "$A" == b* ]] || exit 1',
    "((A = 1 + (2 * 3))); echo $A",
    'f() { local a=$1; echo "$a"; }; f x; function g { f y; }; g',
    "diff <(sort a) <(sort b) > >(tee c)",
    "a |& b; c &> d; e &>> f; g <<< 'h'; i 2>&1 >/dev/null | j; k >&2",
    "time make && ! false && time -p x | y",
    "cat <<EOF > /etc/x\nkey=$VALUE $(cmd a b)\nEOF\necho done\n",
    "cat <<-'EOF' | tee /x\n\t$NOT expanded `a`\n\tEOF\ntrue && \\\n  false",
    "cat <<A <<B\n1\nA\n2\nB\nx",
    "if cat <<EOF\nbody\nEOF\nthen a; fi",
    "x=$(cat <<EOF\nbody\nEOF\n) && echo $x",
    "#!/bin/bash\nset -euo pipefail\n\n# install\napt-get update\napt-get install -y \\\n  curl \\\n  git\n",
    "a && # why\n  b &&\n\n  # and\n  c\n",
    'a=(1 "2 3" $(x)) && echo "${a[@]}" ${a[0]} ${#a[@]}; declare -A m=([k]=v)',
    "echo $'a\\tb' $\"c\" \"a'b\" 'c\"d' a\\ b \\# c#d",
    "for ((i = 0; i < 3; i++)); do echo $i; done",
    "a & b & wait",
    "a &",
    "case x in (a) b ;; c | d) ;; esac; case y in z) w; esac",
    "if a; then (b) fi; { (c) }; while a; do { b; } done",
    "echo {{.Version}} '{{ json . }}' && docker inspect -f {{.Id}} x",
    "! { a; } && (! b)",
    "> /x; 2>/dev/null a; <in cat",
    "echo é ☃ && b # ☃\nc",
    "echo a\\\nb && c\\\n  d",
    'eval "$(ssh-agent -s)" && ssh-add - <<< "${KEY}"',
    '. ~/.nvm/nvm.sh && nvm install "$NODE" && [ -n "$X" ] && test ! -e /y',
    'echo "${A:-"${B:-c}"}" "$(echo "$(echo "d")")"',
    "echo a;# comment\necho b",
]

PIECES = [
    "a", "npm ci", "cd /app", "A=1", "A=$B cmd -x", "echo 'x; y'", 'echo "a && $(b; c)"', "x > /dev/null 2>&1",
    "export A=b", "y `z -a`", "rm -rf /a/* ~/b", "echo {a,b}", "[ -f x ]", "[[ -n $A && b == c ]]", "((A++))",
    "echo \\; \\&", "sh -c 'p && q'", "! m", "tee <f >>g", "echo ${A:-b} $((1+A))", "n --o=$(p | q)",
]  # fmt: skip


def generated(seed: int) -> str:
    """Return a random script put together from the pieces."""
    pick = random.Random(seed)

    def pipeline(depth: int) -> str:
        parts = [command(depth) for _ in range(pick.choice((1, 1, 1, 2)))]
        return pick.choice((" | ", "|", " |& ")).join(p.removeprefix("! ") if i else p for i, p in enumerate(parts))

    def script(depth: int, nested: bool = True) -> str:
        text = pipeline(depth)
        for _ in range(pick.randrange(4)):
            text += pick.choice((" && ", "&&", " || ", "; ", ";", " & ", "\n", " && \\\n  ", " # note\n")) + pipeline(
                depth
            )
        return text + pick.choice((";", " ;", "\n", " # end\n") if nested else ("", ";", " &", "\n", " # end"))

    def command(depth: int) -> str:
        if depth == 0 or pick.random() < 0.5:
            return pick.choice(PIECES)
        inner = [script(depth - 1) for _ in range(3)]
        return pick.choice(
            (
                f"( {inner[0]})",
                f"{{ {inner[0]} }} >f",
                f"if {inner[0]} then {inner[1]} else {inner[2]} fi",
                f"for i in a $b; do {inner[0]} done",
                f"while {inner[0]} do {inner[1]} done",
                f"case $x in a|b) {inner[0]} ;; *) {inner[1]} ;; esac",
                f"echo $( {inner[0]})",
                f'echo "a $( {inner[0]}) b"',
            )
        )

    return script(2, nested=False)


def bash_accepts(text: str) -> bool:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    done = subprocess.run([bash, "-n"], input=text.encode("utf-8", "surrogateescape"), capture_output=True, check=False)
    return done.returncode == 0


def shfmt_tree(text: str) -> dict[str, Any] | None:
    """Return shfmt's tree, or None where it does not accept the text."""
    shfmt = Path(sys.executable).with_name("shfmt")
    done = subprocess.run(
        [shfmt, "-ln", "bash", "--to-json"],
        input=text.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def shfmt_operators(text: str, tree: dict[str, Any]) -> list[str]:
    """Return the operators of the top level, pipes included, and the terminator."""
    raw, operators = text.encode("utf-8", "surrogateescape"), list[str]()

    def flatten(statement: dict[str, Any]) -> list[str]:
        command = statement.get("Cmd") or {}
        if command.get("Type") == "TimeClause":
            return flatten(command.get("Stmt") or {})
        if command.get("Type") != "BinaryCmd":
            return []
        return [*flatten(command["X"]), command["Op"], *flatten(command["Y"])]

    for statement in tree.get("Stmts", []):
        operators += flatten(statement)
        semicolon = statement.get("Semicolon", {}).get("Offset")
        operators.append("\n" if semicolon is None else raw[semicolon : semicolon + 1].decode())
    return operators[:-1] if operators and operators[-1] == "\n" else operators


def shfmt_spans(text: str, node: Any) -> Iterator[str]:
    """Yield the source of every simple command in shfmt's tree, each with its offset."""
    if isinstance(node, list):
        for child in node:
            yield from shfmt_spans(text, child)
    if not isinstance(node, dict):
        return
    command, redirects = node.get("Cmd"), node.get("Redirs") or []
    if (command and command["Type"] in ("CallExpr", "DeclClause", "LetClause")) or (not command and redirects):
        starts = [n["Pos"]["Offset"] for n in (command, *redirects) if n]
        ends = [n["End"]["Offset"] for n in (command, *(r["Word"] for r in redirects)) if n]
        raw = text.encode("utf-8", "surrogateescape")[min(starts) : max(ends)].decode("utf-8", "surrogateescape")
        while raw.endswith("\\\n"):  # shfmt counts a line's end between two words as part of the first one
            raw = raw[:-2]
        yield f"{min(starts)}: {raw}"
    for child in node.values():
        yield from shfmt_spans(text, child)


def swallowed(node: Any) -> bool:
    """Tell whether shfmt took what is joined to a function's definition for its body, as bash does not."""
    if isinstance(node, list):
        return any(swallowed(child) for child in node)
    if not isinstance(node, dict):
        return False
    body = node.get("Body") if node.get("Type") == "FuncDecl" else None
    return (body or {}).get("Cmd", {}).get("Type") == "BinaryCmd" or any(swallowed(child) for child in node.values())


def our_operators(script: Script) -> list[str]:
    operators = list[str]()
    for item in script.items:
        operators += [item.operator] if item.operator else []
        operators += item.pipeline.operators
    return operators + ([script.terminator] if script.terminator else [])


def our_spans(text: str, script: Script) -> list[str]:
    offsets = [len(text[: s.span.start].encode("utf-8", "surrogateescape")) for s in simples(script)]
    return [f"{at}: {cut(text, s.span)}" for at, s in zip(offsets, simples(script), strict=True)]


def check_against_oracles(text: str) -> None:
    script = parse(text)
    tree = shfmt_tree(text)
    assert tree is not None or bash_accepts(text)
    if tree is not None and not swallowed(tree):
        assert our_operators(script) == shfmt_operators(text, tree)
        assert sorted(our_spans(text, script)) == sorted(shfmt_spans(text, tree))


@pytest.mark.parametrize("text", BODIES)
def test_bodies_against_the_oracles(text: str) -> None:
    check_against_oracles(text)
    assert bash_accepts(text)


@pytest.mark.parametrize("seed", range(250))
def test_generated_bodies_against_the_oracles(seed: int) -> None:
    check_against_oracles(generated(seed))


LITERALS = st.lists(
    st.sampled_from([*"ab \\'\"$*?[]{},.~=:!#-/\n", "\\\n", "${A}", "$A", '"$A"', "a=", ".."]), max_size=9
)


@pytest.mark.parametrize("name", ["bash", "dash"])
def test_values_are_what_the_shell_passes(name: str, tmp_path: Path) -> None:
    shell = shutil.which(name)
    if shell is None:
        pytest.skip(f"{name} is not installed")
    words = list[Word]()

    @settings(max_examples=1000, deadline=None, derandomize=True, database=None)
    @given(LITERALS.map("".join))
    def collect(raw: str) -> None:
        with contextlib.suppress(NotUnderstood):
            words.extend(w for s in simples(parse(f"x {raw}")) for w in s.words if w.expand(known.get) is not None)

    known = {"A": "one", "HOME": "/h"}
    collect()
    script = "A=one HOME=/h\n" + "".join(f"printf '%s\\0' x {found.raw}\n" for found in words)
    done = subprocess.run([shell], input=script, text=True, capture_output=True, cwd=tmp_path, check=True)
    assert len(words) > 1000
    assert done.stdout.split("\0")[:-1] == [part for found in words for part in ("x", found.expand(known.get))]


# Properties

TOKENS = [
    *"abx \t\n;&|<>(){}[]$`'\"\\#!~*?=+-/:@^%,0129é",
    " && ", " || ", "; ", "|&", "&>", "<<EOF\n", "\nEOF\n", "<<-'E'", "<<<", "2>&1", "$(", "${", "$((", "))", "((",
    "[[ ", " ]]", "if ", "then ", "fi", "for i in ", "do ", "done", "case ", " in ", "esac", ";;", "while ", "f() ",
    "{ ", "; }", "\\\n", "a=", "A=(", "$x", "${y:-", "time ", "function ", "elif ", "else ", "=~ ", "-f ", "set -e;",
    "# c", "$'", '$"',
]  # fmt: skip
SCRIPTS = st.one_of(st.text(), st.lists(st.sampled_from(TOKENS), max_size=25).map("".join))


def check_word(text: str, found: Word, outer: Span) -> None:
    assert outer.covers(found.span) and cut(text, found.span) == found.raw
    check_order([part.span for part in found.parts], found.span)
    for part in found.parts:
        check_part(text, part)


def check_part(text: str, part: Part) -> None:
    assert part.kind != "literal" or part.quoted or part.text == cut(text, part.span)
    check_order([script.span for script in part.scripts], part.span)
    for script in part.scripts:
        check_script(text, script)


def check_order(spans: list[Span], outer: Span) -> None:
    assert all(0 <= span.start <= span.end for span in spans)
    assert all(outer.covers(span) for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


def check_command(text: str, command: Simple | Compound) -> None:
    words = list(command.words)
    if isinstance(command, Simple):
        check_order(sorted([a.span for a in command.assignments] + [r.span for r in command.redirects]), command.span)
        words += [assignment.value for assignment in command.assignments]
        spans = [n.span for n in (*command.assignments, *command.words, *command.redirects)]
        assert min(s.start for s in spans) == command.span.start and max(s.end for s in spans) == command.span.end
        check_order(sorted(spans), command.span)
    else:
        scripts = [s.span for s in command.scripts]
        check_order(sorted(scripts + [w.span for w in words] + [r.span for r in command.redirects]), command.span)
        for script in command.scripts:
            check_script(text, script)
    for found in words:
        check_word(text, found, command.span)
    for redirect in command.redirects:
        check_word(text, redirect.target, redirect.span)


def check_script(text: str, script: Script) -> None:
    spans = list[Span]()
    for item in script.items:
        spans += [item.operator_span] if item.operator_span else []
        spans.append(item.span)
        assert item.operator_span is None or cut(text, item.operator_span) == item.operator
        assert item.span == item.pipeline.span
        check_order([command.span for command in item.pipeline.commands], item.span)
        for command in item.pipeline.commands:
            check_command(text, command)
    check_order(spans + ([script.terminator_span] if script.terminator_span else []), script.span)
    check_order(list(script.comments), script.span)
    assert all(text[comment.start] == "#" for comment in script.comments)
    check_order([heredoc.span for heredoc in script.heredocs], script.span)
    for heredoc in script.heredocs:
        check_word(text, heredoc.body, heredoc.span)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(SCRIPTS)
@example("cat <<EOF\n$(a) `b` $c\nEOF\n(d)")
@example("a 2>f <<E | b\nx\nE\nc # d")
def test_any_text_gives_sound_spans_or_is_refused(text: str) -> None:
    try:
        script = parse(text)
    except NotUnderstood as error:
        assert 0 <= error.offset <= len(text)
        return
    assert script.span == Span(0, len(text))
    check_script(text, script)
    assert all(cut(text, simple.span) for simple in simples(script))
    assert aborts_on_error(script) in (True, False)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(TOKENS), min_size=1, max_size=12).map("".join))
def test_what_is_accepted_agrees_with_the_oracles(text: str) -> None:
    try:
        parse(text)
    except NotUnderstood:
        return
    # A heredoc without its body is fine in a Dockerfile, and for no shell; shfmt continues comments, and no shell does.
    if "<<" not in text and not re.search(r"#[^\n]*\\\n", text):
        check_against_oracles(text)
