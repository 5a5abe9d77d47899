"""Deleting words and commands from a RUN: every layout of operators, lines and comments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import dockerfile as official
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewrite.build.build import Build
from rewrite.build.context import Context, MemoryTree
from rewrite.rewrites._script_edits import command_spans, delete
from rewrite.source import dockerfile, edits, shell

CONTEXT = Context(MemoryTree({}), None, ".dockerignore", ".")


def build_of(text: str) -> Build:
    return Build("Dockerfile", dockerfile.parse("FROM debian:12\n" + text), CONTEXT)


def without(text: str, *positions: int) -> str:
    """Return `text`, a RUN, without the commands at `positions`."""
    build = build_of(text)
    ((_, run),) = build.runs()
    assert not run.opaque
    changed = edits.apply(build.dockerfile.text, delete(build, run, command_spans(build, run, positions)))
    return changed.removeprefix("FROM debian:12\n")


def without_words(text: str, *words: str) -> str:
    """Return `text`, a RUN, without the words given."""
    build = build_of(text)
    ((_, run),) = build.runs()
    spans = [word.span for step in run.steps for word in step.simple.words if word.raw in words]
    return edits.apply(build.dockerfile.text, delete(build, run, spans)).removeprefix("FROM debian:12\n")


@pytest.mark.parametrize(
    ("text", "positions", "expected"),
    [
        ("RUN a && b && c\n", [1], "RUN a && c\n"),
        ("RUN a && b && c\n", [0], "RUN b && c\n"),
        ("RUN a && b && c\n", [1, 2], "RUN a\n"),
        ("RUN a && b && c && d\n", [0, 2], "RUN b && d\n"),
        ("RUN a; b; c;\n", [1], "RUN a; c;\n"),
        ("RUN a; b; c;\n", [2], "RUN a; b\n"),
        ("RUN a && b # why\n", [1], "RUN a # why\n"),
        ("RUN a \\\n && b \\\n && c\n", [1], "RUN a \\\n && c\n"),
        ("RUN a \\\n && b \\\n && c\n", [2], "RUN a \\\n && b\n"),
        ("RUN a \\\n && b \\\n && c\n", [0], "RUN b \\\n && c\n"),
        ("RUN a && \\\n    b && \\\n    c\n", [1], "RUN a && \\\n    c\n"),
        ("RUN a && \\\n    b && \\\n    c\n", [2], "RUN a && \\\n    b\n"),
        ("RUN a && \\\n    b && \\\n    c\n", [0], "RUN b && \\\n    c\n"),
        ("RUN a \\\n  && \\\n  b \\\n  && \\\n  c\n", [1], "RUN a \\\n  && \\\n  c\n"),
        ("RUN a \\\n  && \\\n  b\n", [1], "RUN a\n"),
        ("RUN set -eux; \\\n  a; \\\n  b; \\\n  c\n", [2], "RUN set -eux; \\\n  a; \\\n  c\n"),
        ("RUN set -eux; \\\n  a; \\\n  b;\n", [2], "RUN set -eux; \\\n  a\n"),
        ("RUN set -e; a; \\\n  b && \\\n  c\n", [2], "RUN set -e; a; \\\n  c\n"),
        ("RUN \\\n  a && \\\n  b\n", [0], "RUN \\\n  b\n"),
        ("RUN \\\n  a && \\\n  b\n", [1], "RUN \\\n  a\n"),
        ("RUN a \\\n # c\n && b \\\n # d\n && c\n", [1], "RUN a \\\n # c\n # d\n && c\n"),
        ("RUN a \\\n # c\n && b\n", [1], "RUN a\n # c\n"),
        ("RUN a && \\\n # c\n b\n", [1], "RUN a\n # c\n"),
        ("RUN a && \\\n # c\n b && \\\n # d\n c\n", [1], "RUN a && \\\n # c\n # d\n c\n"),
        ("RUN a \\\n # c\n && b\n", [0], "RUN \\\n # c\n b\n"),
        ("RUN a \\\n\n && b \\\n\n && c\n", [1], "RUN a \\\n\n\n && c\n"),
        ("RUN a && b \\\n  x \\\n # c\n  y && c\n", [1], "RUN a \\\n # c\n  && c\n"),
        ("RUN a \\\r\n && b \\\r\n && c\r\n", [2], "RUN a \\\r\n && b\r\n"),
        ("RUN a \\\n && b", [1], "RUN a"),
        ("RUN a && \\\n  # c\n  b", [1], "RUN a\n  # c"),
        ("RUN a \\\n && b # why\nCMD x\n", [1], "RUN a\n # why\nCMD x\n"),
        ("RUN <<E\nset -e\na\n# c\nb\nE\n", [2], "RUN <<E\nset -e\na\n# c\nE\n"),
        ("RUN <<E\nset -e\nb\n# c\na\nE\n", [1], "RUN <<E\nset -e\n# c\na\nE\n"),
        ("RUN <<E\na \\\n  && b\nE\n", [1], "RUN <<E\na\nE\n"),
        ("RUN <<E\na &&\n  b # why\nE\n", [1], "RUN <<E\na\n  # why\nE\n"),
        ("RUN <<E\nset -e\na; b\nc\nE\n", [2], "RUN <<E\nset -e\na;\nc\nE\n"),
        ("RUN --network=none a && \\\n b\n", [0], "RUN --network=none b\n"),
        ("RUN a && \\\n b \\\n  --x=1 \\\n  --y && c\n", [1], "RUN a && \\\n  c\n"),
    ],
)
def test_commands_go_and_comments_stay(text: str, positions: list[int], expected: str) -> None:
    assert without(text, *positions) == expected


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("RUN rm -rf /a /b /c\n", ["/b"], "RUN rm -rf /a /c\n"),
        ("RUN rm -rf /a /b\n", ["/b"], "RUN rm -rf /a\n"),
        ("RUN rm -rf /a /b && x\n", ["/b"], "RUN rm -rf /a && x\n"),
        ("RUN rm -rf /b; x\n", ["/b"], "RUN rm -rf; x\n"),
        ("RUN rm -rf \\\n  /a \\\n  /b \\\n  /c\n", ["/b"], "RUN rm -rf \\\n  /a \\\n  /c\n"),
        ("RUN rm -rf \\\n  /a \\\n  # c\n  /b\n", ["/b"], "RUN rm -rf \\\n  /a\n  # c\n"),
        ("RUN rm -rf \\\n  /a \\\n  /b \\\n && x\n", ["/a", "/b"], "RUN rm -rf \\\n && x\n"),
    ],
)
def test_words_go_with_their_lines(text: str, words: list[str], expected: str) -> None:
    assert without_words(text, *words) == expected


def test_words_and_commands_go_together() -> None:
    text = "RUN pip install x \\\n    --no-cache-dir \\\n    && rm -rf /x\n"
    build = build_of(text)
    ((_, run),) = build.runs()
    spans = [*command_spans(build, run, [1]), run.steps[0].simple.words[-1].span]
    assert edits.apply(build.dockerfile.text, delete(build, run, spans)).endswith("\nRUN pip install x\n")


COMMENTS = st.sampled_from(["", "", "", "# note\n", "  # note && x \\\n", "\n"])
JOINTS = st.sampled_from([" {} ", " {} \\\n{}    ", " \\\n{}  {} ", " \\\n  {} \\\n{}  ", "{} \\\n{}  "])


@st.composite
def runs(draw: st.DrawFn) -> tuple[str, list[int]]:
    """Draw a Dockerfile's RUN and CMD, and the positions of some commands of the RUN that go."""
    count = draw(st.integers(2, 6))
    commands = [f"c{at} x" + draw(st.sampled_from(["", " \\\n      y", " 'a  b'"])) for at in range(count)]
    operator = draw(st.sampled_from(["&&", ";"]))
    text = "RUN " + draw(st.sampled_from(["", "\\\n  "]))
    for at, command in enumerate(commands):
        if at:
            comment, joint = draw(COMMENTS), draw(JOINTS)
            parts = joint.split("{}")
            order = (
                [operator, comment] if joint.startswith((" {}", "{}")) or joint.count("\n") > 1 else [comment, operator]
            )
            text += parts[0] + "".join(part for pair in zip(order, parts[1:], strict=False) for part in pair)
        text += command
    text += (
        draw(st.sampled_from(["", "", " # end", "\\\n # tail"]))
        if operator == "&&"
        else draw(st.sampled_from(["", ";"]))
    )
    gone = draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=count - 1))
    return text + "\nCMD x\n", sorted(gone)


def comments_of(text: str) -> Counter[str]:
    return Counter(line[line.index("#") :] for line in text.split("\n") if "#" in line)


def commands_of(script: str) -> Sequence[tuple[str, ...]]:
    return [
        tuple(word.raw.replace("\\\n", "") for word in simple.words) for simple in shell.simples(shell.parse(script))
    ]


@settings(max_examples=400)
@given(runs())
def test_nothing_else_is_lost(drawn: tuple[str, list[int]]) -> None:
    text, gone = drawn
    before = official.parse_string(text)
    if len(before) != 2:
        return  # the comment at the end took the continuation: another file than meant
    expected = [command for at, command in enumerate(commands_of(before[0].value[0])) if at not in gone]
    after = without(text, *gone)
    run, cmd = official.parse_string(after)
    assert commands_of(run.value[0]) == expected
    assert cmd.value == ("x",)
    assert comments_of(after) - comments_of(text) == Counter()
    assert comments_of(text) - comments_of(after) == Counter()
