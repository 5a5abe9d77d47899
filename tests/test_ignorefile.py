"""`.dockerignore`: syntax, meaning and order of the patterns, errors with their line, and appending."""

from __future__ import annotations

import itertools
import posixpath
import re

import pytest
from e2b_dockerfile_utils import PatternMatcher
from hypothesis import given
from hypothesis import strategies as st

from rewrite.errors import SourceError
from rewrite.source.gopattern import BadPattern, check, clean, match_regex
from rewrite.source.ignorefile import IgnoreFile, append, parse


def excludes(text: str, path: str) -> bool:
    return parse(text).excludes(path)


@pytest.mark.parametrize(
    ("pattern", "excluded", "sent"),
    [
        ("node_modules", ["node_modules", "node_modules/a/b"], ["packages/a/node_modules", "node_modules2"]),
        ("/foo/", ["foo", "foo/bar"], ["a/foo"]),
        ("./a//b/../c", ["a/c", "a/c/d"], ["a/b", "a"]),
        ("../a", [], ["a"]),
        ("/../a", ["a"], []),
        (".", [], ["a", ".env"]),
        ("*.go", ["x.go", ".go"], ["a/x.go", "x.go2"]),
        ("*", [".env", "a", "a/b"], []),
        ("a/*.txt", ["a/x.txt"], ["a/b/x.txt", "a"]),
        ("a?c", ["abc", "a☺c"], ["ac", "a/c", "abbc"]),
        ("**", ["a", "a/b/c"], []),
        ("**/", ["a", "a/b/c"], []),
        ("**/foo", ["foo", "a/foo", "a/b/foo", "a/foo/b"], ["afoo", "a/xfoo"]),
        ("**foo", ["foo", "afoo", "a/bfoo"], ["foob"]),
        ("**/*.pyc", ["a.pyc", "a/b.pyc"], ["a.py"]),
        ("**/**/*.pyc", ["a.pyc", "a/b/c.pyc"], ["a.py"]),
        ("dir/**", ["dir/a", "dir/a/b"], ["dir", "dira"]),
        ("a**", ["a", "ab", "ab/c", "a/c"], ["b"]),
        ("a**/x", ["a/x", "a/b/x", "ax", "ab/c/x"], ["b/x"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["z", "az"]),
        ("a[b-d]e", ["ace"], ["ae", "aae", "a-e"]),
        ("a[^b]c", ["axc", "a/c"], ["abc"]),
        ("a[!b]c", ["a!c", "abc"], ["axc"]),
        (r"a\*b", ["a*b"], ["axb"]),
        (r"a\\", ["a\\"], ["a"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a+(b)$*", ["a+(b)$", "a+(b)$c"], ["aa(b)", "ab"]),
        ("a.|)$(}+{bc", ["a.|)$(}+{bc"], []),
        ("A", ["A"], ["a"]),
        ("\u3000a b\u00a0", ["a b"], ["a"]),
        ("\x1ca", ["\x1ca"], ["a"]),
    ],
)
def test_one_pattern(pattern: str, excluded: list[str], sent: list[str]) -> None:
    ignore = parse(pattern)
    assert [path for path in excluded if not ignore.excludes(path)] == []
    assert [path for path in sent if ignore.excludes(path)] == []


@pytest.mark.parametrize(
    ("pattern", "excluded", "sent"),
    [
        ("a|b*", ["ax", "zb", "bq", "a/x"], ["c"]),
        ("x{2}*", ["xx", "xx1"], ["x1", "x{2}1"]),
        ("*.{js,ts}", ["a.{js,ts}"], ["a.js"]),
        (r"bin\Debug", ["binXebug", "binDebug"], ["bin1ebug", "bin/Debug/x"]),
        (r"**\bin", ["in", "obj/in"], ["bin/x", "obin"]),
        ("[*]", ["]", "[]"], ["*", "["]),
    ],
)
def test_quirks_that_the_real_builder_has(pattern: str, excluded: list[str], sent: list[str]) -> None:
    """Each of these was seen in a build: the pattern becomes a regular expression with too little escaped."""
    test_one_pattern(pattern, excluded, sent)


@pytest.mark.parametrize(
    ("text", "path", "excluded"),
    [
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs\n!docs/README.md", "docs/x", True),
        ("!a.go\n*.go", "a.go", True),
        ("*\n!src", "src/deep/file", False),
        ("*\n!src\nsrc/deep", "src/deep/file", True),
        ("*\n! src ", "src", False),
        ("**\n!util/docker/web", "util/docker/web/foo", False),
        ("**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", True),
        ("*\n!/src/", "src/a", False),
        ("*\n/!src\n./!lib", "src", False),
        ("*\n/!src\n./!lib", "lib", False),
        ("#a\n #b\n\n\t\n", "#b", True),
        ("#a\n #b", "#a", False),
        ("\ufeff#a\nb", "#a", False),
        ("\ufeffa\r\nb\r\n", "a", True),
        ("\ufeffa\r\nb\r\n", "b", True),
        ("a\n\ufeffb", "b", False),
    ],
)
def test_order_negation_and_comments(text: str, path: str, excluded: bool) -> None:
    assert excludes(text, path) is excluded


def test_a_line_that_could_change_nothing_for_a_directory_does_not_count_below_it() -> None:
    """The walk skips such lines: seen in a build, and different from asking for the whole path at once."""
    assert excludes("*/f\n!a", "a/f")
    assert not excludes("a\n!a/f\na", "a/f")
    assert excludes("a\n!a/f\na", "a/g")


def test_the_deciding_pattern_has_its_line() -> None:
    ignore = parse("# build\n\n*\n!src\nsrc/**/*.pyc\n")
    decided = [ignore.decide(path) for path in ("x", "src/a", "src/a/b.pyc")]
    assert [(p.text, p.negated, p.line) for p in decided if p] == [
        ("*", False, 3),
        ("src", True, 4),
        ("src/**/*.pyc", False, 5),
    ]
    assert parse("a").decide("b") is None


@pytest.mark.parametrize(
    "line",
    ["!", "! ", "!/", "/!", "[", "a[", "[]", "[^]", "[a-]", "[-a]", "a\\", "[a\\", "*{2}", "x{1001}*", r"obj\Release"],
)
def test_what_the_builder_refuses_is_an_error_with_its_line(line: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse(f"fine\n{line}\n", "app/.dockerignore")
    assert (caught.value.path, caught.value.line) == ("app/.dockerignore", 2)


def test_a_line_longer_than_the_builder_reads_is_an_error() -> None:
    assert parse("a" * 65_535).patterns
    with pytest.raises(SourceError, match="too long"):
        parse("a" * 65_536)


@pytest.mark.parametrize(
    ("text", "directory", "pruned"),
    [
        ("node_modules", "node_modules", True),
        ("node_modules", "src", False),
        ("*\n!src", "docs", True),
        ("*\n!src/app", "src", False),
        ("*\n!src/*.py", "docs", True),
        ("*\n!src/*.py", "src", False),
        ("*\n!src/*/x", "src/a", False),
        ("*\n!**/x", "docs", False),
        ("*\n!src/a|b*", "docs", False),
        ("!keep\nnode_modules", "node_modules", True),
    ],
)
def test_pruning(text: str, directory: str, pruned: bool) -> None:
    assert parse(text).prunes(directory) is pruned


NAMES = st.sampled_from(["a", "b", "ab", "a.b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(["a", "b", "ab", "a.b", "c", "*", "**", "?", "a*", "*b", "a?b", "[ab]", "[^a]", "a**", "**b"])
LINES = st.builds(
    lambda mark, parts: mark + "/".join(parts), st.sampled_from(["", "", "!"]), st.lists(PARTS, min_size=1, max_size=4)
)
FILES = st.lists(LINES, max_size=6).map("\n".join)


def naive_match(pattern: str, path: str) -> bool:
    """Match by trying each way to read the pattern, from the rules as moby documents them."""
    if not pattern:
        return not path
    if pattern.startswith("**"):
        rest = pattern[2:].removeprefix("/")
        if not rest:
            return True
        if path_ends := [at for at in range(len(path) + 1) if at == 0 or path[at - 1] == "/"]:
            return any(naive_match(rest, path[at:]) for at in path_ends)
    if pattern[0] == "*":
        within = itertools.takewhile(lambda at: at == 0 or path[at - 1] != "/", range(len(path) + 1))
        return any(naive_match(pattern[1:], path[at:]) for at in within)
    if not path:
        return False
    if pattern[0] == "?":
        return path[0] != "/" and naive_match(pattern[1:], path[1:])
    if pattern[0] == "[":
        end = pattern.index("]", 2)
        members = pattern[1:end].removeprefix("^")
        inside = path[0] in members
        return inside != pattern.startswith("[^") and naive_match(pattern[end + 1 :], path[1:])
    return pattern[0] == path[0] and naive_match(pattern[1:], path[1:])


def naive_pattern_match(pattern: str, path: str) -> bool:
    if pattern.startswith("**") and not re.search(r"[*?\[\]\\]", pattern[2:]):
        return path.endswith(pattern[2:]) or path == pattern[2:].removeprefix("/")
    return naive_match(pattern, path)


def naive_walk(text: str, path: str) -> bool:
    """Follow the builder's walk, a directory at a time."""
    lines = [line for line in text.split("\n") if line]
    above = [False] * len(lines)
    excluded = False
    names = path.split("/")
    for depth in range(len(names)):
        here, excluded = [], False
        for line, inherited in zip(lines, above, strict=True):
            negated = line.startswith("!")
            hit = inherited
            if not hit and negated == excluded:
                hit = naive_pattern_match(posixpath.normpath(line.removeprefix("!")), "/".join(names[: depth + 1]))
            here.append(hit)
            excluded = not negated if hit else excluded
        above = here
    return excluded


@given(FILES, st.lists(PATHS, min_size=1, max_size=5))
def test_equals_a_naive_reference(text: str, paths: list[str]) -> None:
    ignore = parse(text)
    assert [ignore.excludes(path) for path in paths] == [naive_walk(text, path) for path in paths]


@given(FILES, PATHS)
def test_equals_an_independent_port(text: str, path: str) -> None:
    oracle = PatternMatcher(text.split("\n"))
    assert parse(text).excludes(path) == oracle.matches(path)


@given(FILES, PATHS, PATHS)
def test_nothing_below_a_pruned_directory_is_sent(text: str, directory: str, below: str) -> None:
    ignore = parse(text)
    if ignore.prunes(directory):
        assert ignore.excludes(f"{directory}/{below}")


@given(st.text(alphabet="a*?[]^-\\/!{}|().+$2b ", max_size=12))
def test_any_line_is_parsed_or_refused(line: str) -> None:
    try:
        ignore: IgnoreFile | None = parse(line)
    except SourceError:
        ignore = None
    if ignore:
        ignore.excludes("a/b")


@pytest.mark.parametrize(
    ("text", "inserted"),
    [
        ("", "x\ny\n"),
        ("a\n", "x\ny\n"),
        ("a", "\nx\ny\n"),
        ("a\r\n", "x\r\ny\r\n"),
        ("a\r\nb", "\r\nx\r\ny\r\n"),
    ],
)
def test_append_keeps_what_is_there_and_its_newlines(text: str, inserted: str) -> None:
    assert append(text, ["x", "y"]) == (len(text), inserted)


@given(FILES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_appended_lines_are_read_and_decide(text: str, newline: str, ended: bool) -> None:
    before = text.replace("\n", newline) + (newline if ended and text else "")
    offset, inserted = append(before, ["new_name"])
    after = before[:offset] + inserted + before[offset:]
    assert after.startswith(before)
    assert [p.text for p in parse(after).patterns] == [p.text for p in parse(before).patterns] + ["new_name"]
    assert excludes(after, "new_name")


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [("", "."), ("//a", "/a"), ("a/../..", ".."), ("/..", "/"), ("a/./b/", "a/b"), ("///", "/")],
)
def test_clean_is_that_of_go(path: str, cleaned: str) -> None:
    assert clean(path) == cleaned


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("*", "abc", True),
        ("*", "a/b", False),
        ("*c", "abc", True),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("ab[b-d]", "abc", True),
        ("ab[^e-g]", "abc", True),
        ("a[^a]b", "a/b", True),
        ("[z-a]", "m", False),
        ("[^z-a]", "m", True),
        (r"[\]a]", "]", True),
        (r"[\-]", "-", True),
        (r"[x\-]", "-", True),
        ("a???b", "a☺b", False),
        ("**", "a/b", False),
    ],
)
def test_filepath_match(pattern: str, name: str, matches: bool) -> None:
    assert bool(match_regex(pattern).fullmatch(name)) is matches


@pytest.mark.parametrize("pattern", ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "\\"])
def test_filepath_match_refuses(pattern: str) -> None:
    with pytest.raises(BadPattern):
        check(pattern)
