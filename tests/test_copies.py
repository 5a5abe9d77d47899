"""Which path of the context ends where, and where that cannot be said."""

from __future__ import annotations

from pathlib import Path

import pytest
from building import FILES, build

from rewrite.build.context import Context, DirectoryTree
from rewrite.build.copies import Copy, from_context, read_copy
from rewrite.rewrites._taken import taken

ARCHIVES: dict[str, bytes | str] = {
    "a.tar": "",
    "a.tgz": b"\x1f\x8b\x08",
    "a.bz2": b"BZh9",
    "a.xz": b"\xfd7zXZ\0",
    "a.zst": b"\x28\xb5\x2f\xfd",
    "a.bin": b"\0" * 257 + b"ustar",
}


def copy(line: str, before: str = "") -> Copy:
    found = build(f"{before}{line}\n", {**FILES, **ARCHIVES, "it's": "", "a b": ""})
    result = found.copy(found.stages[-1].instructions[-1])
    assert result is not None
    return result


def mapped(line: str, before: str = "") -> list[tuple[str, str]]:
    """Return the mappings; a directory's source ends in a slash."""
    found = copy(line, before)
    assert not found.opaque
    return [(mapping.source + "/" * mapping.is_dir, mapping.destination) for mapping in found.mappings]


@pytest.mark.parametrize(
    ("line", "mappings"),
    [
        ("COPY . .", [("./", "/app")]),
        ("COPY . /srv/x/", [("./", "/srv/x")]),
        ("COPY src src", [("src/", "/app/src")]),
        ("COPY /src/ ./lib", [("src/", "/app/lib")]),
        ("COPY ../src /x", [("src/", "/x")]),
        ("COPY ./src/../src/b /x", [("src/b/", "/x")]),
        ("COPY app.py .", [("app.py", "/app/app.py")]),
        ("COPY app.py ./", [("app.py", "/app/app.py")]),
        ("COPY app.py sub/.", [("app.py", "/app/sub/app.py")]),
        ("COPY app.py main.py", [("app.py", "/app/main.py")]),
        ("COPY conf /etc/conf", [("conf", "/etc/conf")]),
        ("COPY app.py conf src x/", [("app.py", "/app/x/app.py"), ("conf", "/app/x/conf"), ("src/", "/app/x")]),
        ("COPY *.py ./", [("app.py", "/app/app.py")]),
        ("COPY src/* x", [("src/a.py", "/app/x/a.py"), ("src/b/", "/app/x")]),
        ("COPY s?c x", [("src/", "/app/x")]),
        ("COPY *.none x", []),
        ('COPY ["a b", "it\\\\\'s", "/x/"]', [("a b", "/x/a b"), ("it's", "/x/it's")]),
        ("copy --chown=1:1 --chmod=755 --link . .", [("./", "/app")]),
        ("ADD app.py /x/", [("app.py", "/x/app.py")]),
        ("ADD src /x/", [("src/", "/x")]),
        # Seen with BuildKit 0.26: below the destination each path is as it is in the context, or behind /./
        ("COPY --parents src/b/c.py conf /x/", [("src/b/c.py", "/x/src/b/c.py"), ("conf", "/x/conf")]),
        ("COPY --parents src/b ./", [("src/b/", "/app/src/b")]),
        ("COPY --parents ./src/b/ /app.py /x", [("src/b/", "/x/src/b"), ("app.py", "/x/app.py")]),
        ("COPY --parents src/./b/c.py /x/", [("src/b/c.py", "/x/b/c.py")]),
        ("COPY --parents ./src/./a.py /x/", [("src/a.py", "/x/a.py")]),
        ("COPY --parents ./././src/a.py /x/", [("src/a.py", "/x/src/a.py")]),
        ("COPY --parents s*/./a.py /x/", [("src/a.py", "/x/a.py")]),
        ("COPY --parents src/*.py /x/", [("src/a.py", "/x/src/a.py")]),
        ("COPY --parents **/c.py /x/", [("src/b/c.py", "/x/src/b/c.py")]),
        ("COPY --parents=true src/b ./", [("src/b/", "/app/src/b")]),
        ("COPY --parents=false src/b ./", [("src/b/", "/app")]),
        ("COPY --parents src/*.none app.py /x/", [("app.py", "/x/app.py")]),
    ],
)
def test_mappings(line: str, mappings: list[tuple[str, str]]) -> None:
    assert mapped(line) == mappings


@pytest.mark.parametrize("destination", ["/app", "/", "/app/", "."])
def test_the_working_directory_is_one(destination: str) -> None:
    assert mapped(f"COPY app.py {destination}") == [("app.py", "/app/app.py" if destination != "/" else "/app.py")]


@pytest.mark.parametrize("destination", ["/opt", "/usr/local/bin", "/etc/nginx/conf.d", "/app/lib"])
def test_a_destination_without_a_slash_may_be_a_directory_of_the_image(destination: str) -> None:
    assert mapped(f"COPY app.py {destination}") == [("app.py", destination), ("app.py", f"{destination}/app.py")]


def test_variables_are_read_where_they_are_known() -> None:
    assert mapped("COPY $D ${D}/x/", "ENV D=src\n") == [("src/", "/app/src/x")]
    assert mapped('COPY ["$D", "$D"]', "ENV D=src\n") == [("src/", "/app/src")]


@pytest.mark.parametrize(
    ("line", "opaque"),
    [
        ("COPY --parents . /x/", "--parents names no path"),
        ("COPY --parents src/./ /x/", "--parents names no path"),
        ("COPY --exclude=*.py . .", "--exclude"),
        ("ADD --unpack=true a.zip .", "--unpack"),
        ("COPY <<E /x\nE", "heredoc"),
        ("COPY $UNKNOWN .", "a source"),
        ("COPY ${EMPTY} .", "a source"),
        ("COPY . $UNKNOWN/x", "its destination"),
        ("COPY . 'x", "its destination"),
        ("COPY [a .", "pattern"),
        ("ADD https://example.org/x .", "not in the context"),
        ("ADD git@example.org:x/y.git .", "not in the context"),
        *[(f"ADD {name} .", "unpacks") for name in ARCHIVES],
        ("ADD *.tgz .", "unpacks"),
    ],
)
def test_what_is_not_known(line: str, opaque: str) -> None:
    found = copy(line, "ENV EMPTY=\n")
    assert opaque in found.opaque
    assert found.mappings == ()


def test_copy_does_not_unpack() -> None:
    assert mapped("COPY a.tar ./") == [("a.tar", "/app/a.tar")]


def test_an_unknown_directory() -> None:
    assert copy("COPY . .", "FROM a\nARG D\nWORKDIR $D\n").destination is None
    assert mapped("COPY . x", "FROM company/a\n") == [("./", "%/x")]


def test_ways_back_to_the_context() -> None:
    found = copy("COPY src app.py ./")
    assert found.context_path("/app/b/c.py") == "src/b/c.py"
    assert found.context_path("/app/app.py") == "app.py"  # the last source wins
    assert found.context_path("/app") == "src"
    assert found.context_path("/other") is None
    assert found.below("/app") == ("src", "app.py")
    assert found.below("/app/b") == ("src/b",)
    assert found.below("/") == ("src", "app.py")
    assert found.below("/appx") == ()


def test_what_a_copy_writes_is_what_it_merges() -> None:
    found = build("COPY . .\n", {"a/b": "", "c": "", "d/e": ""}, "d\n")
    result = found.copy(found.stages[0].instructions[-1])
    assert result is not None
    assert result.writes(found.context) == ("/app/a", "/app/c")


def test_only_copies_from_the_context() -> None:
    found = build("COPY --from=x a b\nADD a b\nCOPY a b\nRUN c\n")
    assert [from_context(line) for line in found.stages[0].instructions[1:]] == [False, True, True, False]


def test_view_shows_the_latest_copy() -> None:
    text = "FROM a AS x\nWORKDIR /app\nCOPY app.py x.py\nFROM x\nCOPY conf x.py\nRUN a\nCOPY src/a.py x.py\n"
    found = build(text, {"app.py": "1", "conf": "2", "src/a.py": "3", "d/f": ""})
    stage = found.stages[-1]
    view = found.view(stage, stage.instructions[1])
    assert (view.read("/app/x.py"), view.context_path("/app/x.py")) == ("2", "conf")
    first = found.view(stage, stage.instructions[0])
    assert (first.read("/app/x.py"), first.exists("/app/y"), first.is_dir("/app")) == ("1", False, False)
    assert str(view.place("/app/x.py", 3)) == "conf:3"
    assert view.read("/nowhere") is None


def test_parents_leaves_links_alone(tmp_path: Path) -> None:
    """BuildKit does not find what lies behind a link, and copies a link that it is given as a link."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "short").symlink_to("real/a")
    context = Context(DirectoryTree(tmp_path), None, ".dockerignore", "")
    for source in ("link/a", "short", "sh*"):
        found = build(f"COPY --parents {source} /x/\n")
        instruction = found.stages[-1].instructions[-1]
        told = read_copy(instruction, found.stages[-1].state(instruction), context).opaque
        assert told.endswith(" lies behind a link")


@pytest.mark.parametrize(
    ("line", "path", "word"),
    [
        ("COPY . .", "src/b/c.py", "src/b/c.py"),
        ("COPY src .", "src/b/c.py", "src/./b/c.py"),
        ("COPY src ./src", "src/b/c.py", "src/./b/c.py"),
        ("COPY src/a.py src/b ./", "src/a.py", "src/./a.py"),
        ("COPY app.py ./", "app.py", "app.py"),
        ("COPY app.py main.py", "app.py", None),
        ("COPY --parents src/./b ./", "src/b/c.py", "src/./b/c.py"),
        ("COPY --parents src/b ./", "src/b/c.py", "src/b/c.py"),
        ("COPY src .", "app.py", None),
    ],
)
def test_how_parents_names_a_path(line: str, path: str, word: str | None) -> None:
    assert copy(line).word(path) == word


def test_with_parents_the_directories_on_the_way_are_written() -> None:
    found = build("COPY --parents src/b/c.py src/a.py conf /x/\n")
    one = found.copy(found.stages[-1].instructions[-1])
    assert one is not None
    assert one.writes(found.context) == ("/x/src", "/x/conf")


def test_what_parents_brings_from_a_stage_may_lie_deeper() -> None:
    text = "FROM a AS b\nFROM c\nCOPY a.py /x/a/\nCOPY{flag} --from=b /a/b.py /x/\n"
    for flag, changed in (("", False), (" --parents", True)):
        found = build(text.format(flag=flag), {"a.py": "text"})
        view = found.view(found.stages[-1], None)
        assert (view.read("/x/a/a.py") is None) == changed


def test_parents_with_a_pivot_takes_what_it_names() -> None:
    found = build("FROM a AS b\nFROM c\nCOPY --parents --from=b /root/./.cache/pip /\n")
    assert [path for _, path in taken(found, found.stages[0])] == ["/root/.cache/pip"]
