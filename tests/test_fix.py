"""The front door: what a rewrite does wrong is dropped and named, the rest stays, and a second run does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from building import build
from hypothesis import given
from hypothesis import strategies as st

from rewrite import rewrites
from rewrite.build.build import Build
from rewrite.errors import SourceError
from rewrite.fix import Request, fix, fix_files
from rewrite.model import Obligation, Proposal, Refusal, Result, assumed, proved
from rewrite.project import Session
from rewrite.settings import Settings
from rewrite.source.edits import Edit, Span

TEXT = "# one\nFROM python:3.12-slim\nRUN a \\\n  # two\n  && b\nCMD c\n"


def proposal(build: Build, name: str, changes: Mapping[str, str], *proof: Obligation, path: str = "") -> Proposal:
    """Return a proposal that replaces texts of the Dockerfile, each found once."""
    text = build.dockerfile.text
    edits = []
    for old, new in changes.items():
        start = text.index(old)
        edits.append(Edit(path or build.path, Span(start, start + len(old)), new))
    where = build.place(build.dockerfile.instructions[0])
    return Proposal(name, f"{name} {changes}", "", where, tuple(edits), proof or (proved("sure"),))


def rewrite(name: str, changes: Mapping[str, str], *proof: Obligation, path: str = "") -> SimpleNamespace:
    """Return a rewrite that replaces texts once, as long as all are there."""

    def find(build: Build) -> Iterator[Proposal]:
        if all(old in build.dockerfile.text for old in changes):
            yield proposal(build, name, changes, *proof, path=path)

    return SimpleNamespace(NAME=name, find=find)


def run(
    monkeypatch: pytest.MonkeyPatch, *found: SimpleNamespace, text: str = TEXT, settings: Settings | None = None
) -> Result:
    """Fix `text` with these rewrites alone."""
    monkeypatch.setattr(rewrites, "discover", lambda: found)
    return fix(build(text), settings or Settings())


def after(result: Result, text: str = TEXT) -> str:
    """Return the Dockerfile that came out."""
    return next((change.after for change in result.changes if change.path == "Dockerfile"), text)


GOOD = rewrite("good", {"CMD c": "CMD d"})


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("loses a comment", {"# one\n": ""}),
        ("loses a comment in a continuation", {"  # two\n": ""}),
        ("changes a comment", {"# two": "# three"}),
        ("breaks the parse", {"RUN a": "RIN a"}),
        ("changes the stages", {"python:3.12-slim": "python:3.13-slim"}),
        ("adds a stage", {"CMD c\n": "FROM x\nCMD c\n"}),
        ("makes a directive of a comment", {"# one": "# escape=`\n# one"}),
        ("adds two directives", {"# one": "# syntax=a\n# check=skip=all\n# one"}),
        ("swallows the next instruction", {"-slim\n": "-slim \\\n"}),
        ("opens a heredoc that never ends", {"RUN a": "RUN <<E a"}),
    ],
)
def test_a_harmful_result_is_dropped_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, what: str, changes: dict[str, str]
) -> None:
    result = run(monkeypatch, rewrite("bad", changes), GOOD)
    assert after(result) == TEXT.replace("CMD c", "CMD d")
    assert [one.rewrite for one in result.applied] == ["good"]
    assert {defect.rewrite for defect in result.defects} == {"bad"}


@pytest.mark.parametrize(
    "edit",
    [
        Edit("Dockerfile", Span(TEXT.index("CMD"), TEXT.index("CMD")), "RUN "),
        Edit("Dockerfile", Span(len(TEXT), len(TEXT)), "  # no instruction of its own \\\n"),
        Edit("other", Span(0, 0), "x"),
    ],
)
def test_what_no_edit_covers_must_not_change(monkeypatch: pytest.MonkeyPatch, edit: Edit) -> None:
    def find(build: Build) -> Iterator[Proposal]:
        yield Proposal("bad", "", "", build.place(build.dockerfile.instructions[0]), (edit,), (proved("sure"),))

    result = run(monkeypatch, SimpleNamespace(NAME="bad", find=find), GOOD)
    changed = after(result)
    assert "bad" not in [one.rewrite for one in result.applied] or "CMD d" in changed
    assert "RUN CMD" not in changed
    assert all(change.path == "Dockerfile" for change in result.changes)


def test_an_ignore_file_may_only_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(build: Build) -> Iterator[Proposal]:
        where = build.place(build.dockerfile.instructions[0])
        if build.ignore_text == "a\n":
            yield Proposal("bad", "", "", where, (Edit(".dockerignore", Span(0, 2), ""),), (proved("sure"),))

    monkeypatch.setattr(rewrites, "discover", lambda: (SimpleNamespace(NAME="bad", find=find), GOOD))
    result = fix(build(TEXT, ignore="a\n"), Settings())
    assert [change.path for change in result.changes] == ["Dockerfile"]
    assert result.defects[0].rewrite == "bad"


def test_a_rewrite_that_raises_is_named_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(build: Build) -> Iterator[Proposal]:
        yield proposal(build, "bad", {"RUN a": "RUN b"})
        raise KeyError("x")

    result = run(monkeypatch, SimpleNamespace(NAME="bad", find=find), GOOD)
    assert after(result) == TEXT.replace("CMD c", "CMD d")
    assert [(defect.rewrite, defect.message) for defect in result.defects] == [("bad", "KeyError: 'x'")]


def test_what_never_ends_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(build: Build) -> Iterator[Proposal]:
        yield proposal(build, "bad", {"CMD ": "CMD x"})

    result = run(monkeypatch, SimpleNamespace(NAME="bad", find=find))
    assert (result.changes, result.applied) == ((), ())
    assert [defect.rewrite for defect in result.defects] == ["bad"]


def test_edits_that_collide_wait_for_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rewrite("first", {"RUN a": "RUN x"}), rewrite("second", {"RUN a": "RUN y"})
    result = run(monkeypatch, first, second)
    assert [one.rewrite for one in result.applied] == ["first"]
    both = run(monkeypatch, rewrite("first", {"CMD c": "CMD x c"}), rewrite("second", {"c\n": "d\n"}))
    assert "CMD x d" in after(both)
    assert not both.defects


def test_review_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = rewrite("doubtful", {"RUN a": "RUN z"}, proved("sure"), assumed("so", "who knows"))
    plain = run(monkeypatch, doubtful, GOOD)
    assert [one.rewrite for one in plain.applied] == ["good"]
    assert [one.rewrite for one in plain.offered] == ["doubtful"]
    review = run(monkeypatch, doubtful, GOOD, settings=Settings(review=True))
    assert sorted(one.rewrite for one in review.applied) == ["doubtful", "good"]
    assert "RUN z" in after(review)


def test_select_and_ignore(monkeypatch: pytest.MonkeyPatch) -> None:
    other = rewrite("other", {"RUN a": "RUN z"})
    for settings in (Settings(select=("good",)), Settings(ignore=("other",))):
        assert [one.rewrite for one in run(monkeypatch, other, GOOD, settings=settings).applied] == ["good"]


@pytest.mark.parametrize(
    ("comment", "applied"),
    [
        ("# dockerfix: ignore-file", []),
        ("# dockerfix: ignore", []),
        ("# dockerfix: ignore=good", ["other"]),
        ("# dockerfix: ignore=typo", ["good", "other"]),
    ],
)
def test_suppression(monkeypatch: pytest.MonkeyPatch, comment: str, applied: list[str]) -> None:
    other = rewrite("other", {"RUN a": "RUN z"})
    result = run(monkeypatch, other, GOOD, text=f"{comment}\n{TEXT}")
    assert sorted(one.rewrite for one in result.applied) == applied
    assert bool(result.warnings) is ("typo" in comment)


def test_lines_are_those_of_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(build: Build) -> Iterator[Refusal]:
        yield Refusal("sorry", build.place(build.dockerfile.instructions[-1]), "no")

    longer = rewrite("longer", {"FROM python:3.12-slim\n": "FROM python:3.12-slim\nARG A\nARG B\n"})
    longer_once = SimpleNamespace(
        NAME="longer", find=lambda build: () if "ARG" in build.dockerfile.text else longer.find(build)
    )
    result = run(monkeypatch, longer_once, SimpleNamespace(NAME="sorry", find=find))
    assert len(result.applied) == 1
    assert [refusal.where.line for refusal in result.refusals] == [6]


def test_a_file_that_cannot_be_built_is_an_error() -> None:
    from rewrite.source import dockerfile

    broken = Build("x/Dockerfile", dockerfile.parse("FROM a\nRIN b\n"), build("FROM a\n").context)
    with pytest.raises(SourceError) as error:
        fix(broken, Settings())
    assert str(error.value) == "x/Dockerfile:2: unknown instruction: RIN"


# From here on with the real rewrites.

FLASK = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD python app.py\n"
PROJECT = {
    "requirements.txt": "flask==3.0\n",
    "package.json": '{"name": "x", "version": "1.0.0"}',
    "package-lock.json": '{"name": "x", "lockfileVersion": 3, "packages": {"": {}}}',
    "app.py": "",
    "src/index.js": "",
}


def project(root: Path, **dockerfiles: str) -> list[Request]:
    for name, text in {**PROJECT, **dockerfiles}.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return [Request(Path(name.replace("__", "/")), None, name.replace("__", "/")) for name in dockerfiles]


def test_two_dockerfiles_share_an_ignore_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    node = "FROM node:20-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
    requests = project(tmp_path, Dockerfile=node, a__Dockerfile=FLASK) + project(tmp_path, b__Dockerfile=node)
    results = list(fix_files(requests, lambda path: Settings(context=".")))
    assert all(isinstance(result, Result) for result in results)
    ignores = [change for result in results if isinstance(result, Result) for change in result.changes]
    texts = [(change.before, change.after) for change in ignores if change.path == ".dockerignore"]
    assert texts
    assert all(following == before for (_, before), (following, _) in pairwise(texts))
    final = texts[-1][1].split("\n")
    assert len(set(filter(None, final))) == len(list(filter(None, final)))


def test_dockerfiles_of_one_context_share_what_its_files_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    requests = project(tmp_path, Dockerfile=FLASK, b__Dockerfile=FLASK, c__Dockerfile=FLASK)
    session = Session()
    first, second = (session.open(request, Settings(context=".")) for request in requests[:2])
    assert first.context.once("key", lambda: 1) == second.context.once("key", lambda: 2) == 1
    session.ignores[".dockerignore"] = "*.md\n"
    changed = session.open(requests[2], Settings(context="."))
    assert changed.context.once("key", lambda: 3) == 3
    assert session.open(requests[2], Settings(context="b")).context.once("key", lambda: 4) == 4


def test_an_error_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    requests = [*project(tmp_path, Dockerfile="FROM {{ x }}\n"), Request(Path("no"), None, "no")]
    requests += project(tmp_path, b__Dockerfile=FLASK)
    broken, absent, fine = fix_files(requests, lambda path: Settings(context="."))
    assert isinstance(broken, SourceError) and "template" in str(broken)
    assert isinstance(absent, SourceError)
    assert isinstance(fine, Result) and fine.changes


def whole(text: str, review: bool = True) -> str:
    """Return what all rewrites make of a Dockerfile in the project."""
    result = fix(build(text, PROJECT, ignore="node_modules\n"), Settings(review=review))
    assert not result.defects, result.defects
    return after(result, text)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_bytes_that_are_no_instruction_stay(bom: str, newline: str, final: bool) -> None:
    text = bom + (FLASK if final else FLASK.rstrip("\n")).replace("\n", newline)
    result = whole(text)
    assert result != text
    assert result.startswith(bom + "FROM")
    assert result.endswith("\n") is final
    assert result.count("\r\n") == (result.count("\n") if newline == "\r\n" else 0)
    # The same edits whatever the line ends.
    assert result.lstrip("\ufeff").replace("\r\n", "\n").rstrip("\n") == whole(FLASK).rstrip("\n")


LINES = st.sampled_from(
    [
        "COPY . .",
        "COPY src src",
        "COPY requirements.txt ./",
        "COPY package*.json ./",
        "RUN pip install --no-cache-dir -r requirements.txt",
        "RUN pip install flask \\\n    # why\n    gunicorn",
        "RUN npm ci",
        "RUN npm install && npm run build",
        "RUN apt-get update",
        "RUN apt-get install -y curl",
        "RUN apt-get update && apt-get install -y git \\\n    && rm -rf /var/lib/apt/lists/*",
        "RUN --mount=type=cache,target=/root/.cache/pip pip install six",
        "RUN <<EOF\npip install flask\nEOF",
        "RUN cd src && npm ci || true",
        "ARG GIT_SHA",
        "ENV SHA=$GIT_SHA PIP_NO_CACHE_DIR=1",
        "LABEL revision=$GIT_SHA",
        "# a comment",
        "",
        "WORKDIR /srv",
        "USER node",
        "CMD [\"a\"]",
        "FROM node:20-slim AS next",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_a_second_run_changes_nothing(lines: list[str], newline: str, final: bool, review: bool) -> None:
    text = newline.join(["FROM python:3.12-slim", "WORKDIR /app", *lines]).replace("\r\n", "\n").replace("\n", newline)
    text += newline if final else ""
    first = fix(build(text, PROJECT, ignore="node_modules\n"), Settings(review=review))
    assert not first.defects, first.defects
    ignore = next((change.after for change in first.changes if change.path == ".dockerignore"), "node_modules\n")
    second = fix(build(after(first, text), PROJECT, ignore=ignore), Settings(review=review))
    assert not second.changes
    assert ("\r\n" in after(first, text)) == ("\r\n" in text)


def test_a_comment_guards_its_instruction_from_a_proposal_that_is_told_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = TEXT.replace("CMD c", "# dockerfix: ignore=good\nCMD c")
    result = run(monkeypatch, GOOD, text=text)
    assert not result.changes and not result.offered


def adding(name: str, text: str, stages: tuple[str, ...], named: str = "") -> SimpleNamespace:
    """Return a rewrite that puts `text` before CMD, names the stage, and says that it adds `stages`."""

    def find(build: Build) -> Iterator[Proposal]:
        if build.dockerfile.text.count("FROM") == 1:
            changes = {"CMD c": f"{text}CMD c", **({"3.12-slim": f"3.12-slim AS {named}"} if named else {})}
            yield replace(proposal(build, name, changes, proved("sure")), stages=stages)

    return SimpleNamespace(NAME=name, find=find)


def test_only_a_proposal_that_says_so_adds_a_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    good = run(monkeypatch, adding("split", "FROM debian\n", ("debian",), "build"))
    assert "FROM python:3.12-slim AS build" in after(good)
    assert after(good).endswith("FROM debian\nCMD c\n")
    for other in (
        adding("silent", "FROM debian\n", ()),
        adding("another", "FROM debian\n", ("alpine",)),
        adding("more", "FROM debian\nFROM alpine\n", ("debian",)),
        adding("none", "", ("debian",)),
        adding("name", "", (), "build"),
    ):
        result = run(monkeypatch, other)
        assert after(result) == TEXT
        assert [defect.rewrite for defect in result.defects] == [other.NAME]


def test_a_new_stage_waits_until_nothing_else_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, adding("split", "FROM debian\n", ("debian",)), rewrite("other", {"RUN a": "RUN z"}))
    assert [applied.rewrite for applied in result.applied] == ["other", "split"]
