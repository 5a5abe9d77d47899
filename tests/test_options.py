"""Options are told from operands by a table only."""

from __future__ import annotations

import pytest

from rewrite.build.options import UnknownOption, arguments

SWITCHES, VALUED = {"-q", "-y", "--yes", "-nv"}, {"-r", "--file", "-o"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a b", [("", "a", 1), ("", "b", 2)]),
        ("-q a -y", [("-q", "", 1), ("", "a", 2), ("-y", "", 3)]),
        ("-qy", [("-q", "", 1), ("-y", "", 1)]),
        ("-r a b", [("-r", "a", 1), ("", "b", 3)]),
        ("-ra", [("-r", "a", 1)]),
        ("-r=a", [("-r", "a", 1)]),
        ("-qra", [("-q", "", 1), ("-r", "a", 1)]),
        ("-qr a b", [("-q", "", 1), ("-r", "a", 1), ("", "b", 3)]),
        ("--file a --yes", [("--file", "a", 1), ("--yes", "", 3)]),
        ("--file=a=b --yes=no", [("--file", "a=b", 1), ("--yes", "no", 2)]),
        ("-nv -", [("-nv", "", 1), ("", "-", 2)]),
        ("-q -- -r a", [("-q", "", 1), ("", "-r", 3), ("", "a", 4)]),
        ("-r -q", [("-r", "-q", 1)]),
    ],
)
def test_arguments(line: str, expected: list[tuple[str, str, int]]) -> None:
    found = arguments(["tool", *line.split()], 1, SWITCHES, VALUED)
    assert [(item.option, item.value, item.index) for item in found] == expected


@pytest.mark.parametrize(
    "words",
    [["--what"], ["--fil", "a"], ["-x"], ["-qx"], ["-r"], ["-qr"], ["--file"], ["a", None], ["-r", None], ["--", None]],
)
def test_what_the_table_does_not_explain(words: list[str | None]) -> None:
    with pytest.raises(UnknownOption):
        arguments(["tool", *words], 1, SWITCHES, VALUED)
