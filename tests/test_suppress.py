"""Suppression comments: what they hide, and that a wrong one is not silent."""

from __future__ import annotations

import pytest

from rewrite.suppress import Suppressions

KNOWN = ("cache-mounts", "manifests-first")


def parse(text: str, *lines: tuple[int, int]) -> Suppressions:
    return Suppressions.parse(text, lines, KNOWN)


def test_a_bare_ignore_hides_everything_at_the_next_instruction_only() -> None:
    found = parse("FROM a\n# dockerfix: ignore\nRUN b\nRUN c\n", (1, 1), (3, 3), (4, 4))
    assert [found.hides("cache-mounts", line) for line in (1, 3, 4)] == [False, True, False]


@pytest.mark.parametrize(
    "comment",
    [
        "# dockerfix: ignore=cache-mounts",
        "#dockerfix:ignore=cache-mounts",
        "  # dockerfix: ignore = cache-mounts",
        "# dockerfix: ignore=cache-mounts\r",
        "# dockerfix: ignore=cache-mounts  our runners share nothing",
    ],
)
def test_a_named_ignore_hides_that_rewrite_alone(comment: str) -> None:
    found = parse(f"{comment}\nRUN b\n", (2, 2))
    assert found.hides("cache-mounts", 2)
    assert not found.hides("manifests-first", 2)
    assert found.unknown == ()


def test_several_names_and_several_comments_add_up() -> None:
    text = "# dockerfix: ignore=cache-mounts, manifests-first\nRUN b\n"
    stacked = "# dockerfix: ignore=cache-mounts\n# dockerfix: ignore=manifests-first\nRUN b\n"
    for found in (parse(text, (2, 2)), parse(stacked, (3, 3))):
        line = found.spans[0][0]
        assert found.hides("cache-mounts", line)
        assert found.hides("manifests-first", line)
        assert not found.hides("ignore-file", line)


def test_blank_lines_and_comments_may_stand_between() -> None:
    found = parse("# dockerfix: ignore\n\n# The final stage.\nFROM a\n", (4, 4))
    assert found.hides("cache-mounts", 4)


def test_all_lines_of_the_instruction_count() -> None:
    found = parse("# dockerfix: ignore\nRUN a && \\\n  b\nRUN c\n", (2, 3), (4, 4))
    assert [found.hides("cache-mounts", line) for line in (1, 2, 3, 4)] == [False, True, True, False]


def test_ignore_file() -> None:
    found = parse("FROM a\nRUN b\n# dockerfix: ignore-file generated\n", (1, 1), (2, 2))
    assert found.file
    assert found.hides("cache-mounts", 1)
    assert found.hides("cache-mounts", 0)


def test_what_looks_like_a_comment_inside_a_heredoc_is_not_one() -> None:
    found = parse("RUN <<E\n# dockerfix: ignore-file\n# dockerfix: ignore=typo\nE\nRUN c\n", (1, 4), (5, 5))
    assert found == Suppressions(spans=((1, 4), (5, 5)))


@pytest.mark.parametrize(
    ("order", "unknown"),
    [
        ("ignore=cache-mount", "cache-mount"),
        ("ignore=cache-mounts,typo", "typo"),
        ("ignore=", "ignore="),
        ("ignore[cache-mounts]", "ignore[cache-mounts]"),
        ("ignroe", "ignroe"),
        ("ignore-files", "ignore-files"),
    ],
)
def test_a_typo_is_reported(order: str, unknown: str) -> None:
    assert parse(f"FROM a\n# dockerfix: {order}\nRUN b\n", (1, 1), (3, 3)).unknown == ((unknown, 2),)


def test_a_comment_below_the_last_instruction_hides_nothing() -> None:
    assert not parse("FROM a\n# dockerfix: ignore\n", (1, 1)).hides("cache-mounts", 1)
