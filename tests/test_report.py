"""Reports: diffs that the field's tools accept, JSON that leaves nothing out, text that says why."""

from __future__ import annotations

import io
import json as stdlib_json
import subprocess
from pathlib import Path

import pytest

from rewrite.errors import SourceError
from rewrite.model import Change, Defect, Place, Proposal, Refusal, Result, assumed, proved, refuted
from rewrite.report import colour, diff, json, text
from rewrite.source.edits import Edit, Span
from rewrite.writer import encode

OLD = "".join(f"RUN step {number}\n" for number in range(20))
NEW = OLD.replace("step 3\n", "step three\n").replace("step 17\n", "")

CASES = {
    "plain": [Change("Dockerfile", OLD, NEW)],
    "crlf": [Change("Dockerfile", OLD.replace("\n", "\r\n"), NEW.replace("\n", "\r\n"))],
    "mixed ends": [Change("Dockerfile", "FROM a\r\nRUN b\nRUN c\r\n", "FROM a\r\nRUN b2\nRUN c\r\n")],
    "no final newline": [Change("Dockerfile", "FROM a\nRUN b", "FROM a\nRUN c")],
    "final newline added": [Change("Dockerfile", "FROM a", "FROM a\n")],
    "final newline lost": [Change("Dockerfile", "FROM a\n", "FROM a")],
    "new file": [Change(".dockerignore", None, ".git\nnode_modules\n")],
    "new file without newline": [Change(".dockerignore", None, ".git")],
    "in a directory": [Change("a/b/Dockerfile", OLD, NEW), Change("a/b/.dockerignore", None, ".git\n")],
    "both files": [Change("Dockerfile", OLD, NEW), Change(".dockerignore", ".git\n", ".git\n.venv\n")],
    "from empty": [Change(".dockerignore", "", ".git\n")],
    "non-ascii": [Change("Dockerfile", "# Größe\u2028 \x0b \x85\nFROM a\n", "# Größe\u2028 \x0b \x85\nFROM b\n")],
    "non-ascii path": [Change("größe/Dockerfile", OLD, NEW)],
    "not utf-8": [Change("Dockerfile", "# \udcff\nFROM a\n", "# \udcff\nFROM b\n")],
    "bom": [Change("Dockerfile", f"\ufeff{OLD}", f"\ufeff{OLD}RUN more\n"), Change("b", "\ufeffA\n", "\ufeffB\n")],
    "blank in path": [Change("my app/Dockerfile", OLD, NEW), Change("my app/.dockerignore", None, ".git\n")],
    "quote in path": [Change('a"b\\c\td/Dockerfile', OLD, NEW)],
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize(
    "tool", [["git", "apply"], ["patch", "-p1", "--no-backup-if-mismatch", "--quiet"]], ids=" ".join
)
def test_git_and_patch_apply_the_diff(tmp_path: Path, tool: list[str], changes: list[Change]) -> None:
    for change in changes:
        path = tmp_path / change.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if change.before is not None:
            path.write_bytes(encode(change.before))
    patch = encode(diff.render(changes))
    check = "--check" if tool[0] == "git" else "--dry-run"
    for command in ([*tool, check], tool):
        run = subprocess.run(command, input=patch, cwd=tmp_path, capture_output=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
    for change in changes:
        assert (tmp_path / change.path).read_bytes() == encode(change.after)


def test_the_diff_as_people_see_it() -> None:
    assert diff.render(
        [Change("Dockerfile", "FROM a\nRUN b", "FROM a\nRUN c"), Change("x/.dockerignore", None, "y\n")]
    ) == (
        "diff --git a/Dockerfile b/Dockerfile\n"
        "--- a/Dockerfile\n"
        "+++ b/Dockerfile\n"
        "@@ -1,2 +1,2 @@\n"
        " FROM a\n"
        "-RUN b\n"
        "\\ No newline at end of file\n"
        "+RUN c\n"
        "\\ No newline at end of file\n"
        "diff --git a/x/.dockerignore b/x/.dockerignore\n"
        "new file mode 100644\n"
        "--- /dev/null\n"
        "+++ b/x/.dockerignore\n"
        "@@ -0,0 +1 @@\n"
        "+y\n"
    )


def test_no_difference_no_diff() -> None:
    assert diff.render([Change("Dockerfile", OLD, OLD)]) == ""


def test_colour_changes_nothing_but_colour() -> None:
    changes = CASES["both files"]
    coloured = diff.render(changes, colour=True)
    assert "\x1b[32m+RUN step three\x1b[0m\n" in coloured
    assert "\x1b[31m-RUN step 3\x1b[0m\n" in coloured
    plain = coloured
    for code in ("0", "1", "31", "32", "36"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == diff.render(changes)


def test_one_diff_holds_what_two_dockerfiles_agree_on() -> None:
    ignore = Change(".dockerignore", None, ".git\n")
    first = Result("a", (Change("a", "1", "2"), ignore))
    same = Result("b", (Change("b", "1", "2"), ignore))
    other = Result("c", (Change("c", "1", "2"), Change(".dockerignore", None, ".venv\n")))
    changes, left_out = diff.compatible([first, same, other])
    assert [change.path for change in changes] == ["a", ".dockerignore", "b"]
    assert left_out == ["c"]


SAFE = Proposal(
    "manifests-first",
    "Copy requirements.txt first",
    "The install stays cached.",
    Place("Dockerfile", 4),
    (Edit("Dockerfile", Span(3, 5), "x"),),
    (proved("pip reads nothing else", "requirements.txt has no -r", Place("requirements.txt", 1)),),
    ("saves 3 MB",),
)
REVIEW = Proposal(
    "cache-mounts",
    "Mount pip's cache",
    "Downloads are kept.",
    Place("Dockerfile", 5),
    (Edit("Dockerfile", Span(7, 7), "y"),),
    (proved("the user is root"), assumed("nothing reads /root/.cache", "app.py runs an unknown program")),
)
ADVICE = Proposal("x", "Use npm ci", "It is exact.", Place("Dockerfile", 6), (), (refuted("a", "b"),))
RESULT = Result(
    "Dockerfile",
    (Change("Dockerfile", "FROM a\udcff\n", "FROM b\n"),),
    (SAFE,),
    (REVIEW, ADVICE),
    (Refusal("apt-update-install", Place("Dockerfile", 9), "the shell is not known", Place("Dockerfile", 2)),),
    (Defect("volatile-args-last", Place("Dockerfile", 8), "ValueError: no"),),
    ". (compose.yaml:3)",
    ("Dockerfile:3: no rewrite is named 'x'",),
)


def test_json_holds_everything() -> None:
    rendered = json.render([RESULT], [SourceError("bad", "other", 3, "mend it")], "the diff", written=True)
    assert rendered.isascii()
    document = stdlib_json.loads(rendered)
    assert rendered == stdlib_json.dumps(document, indent=2, sort_keys=True) + "\n"
    assert (document["version"], document["written"], document["diff"]) == (1, True, "the diff")
    assert document["errors"] == [{"message": "bad", "path": "other", "line": 3, "hint": "mend it"}]
    (file,) = document["files"]
    assert set(file) == set(RESULT.__dataclass_fields__) - {"secrets"}
    assert file["changes"] == [{"path": "Dockerfile", "before": "FROM a\udcff\n", "after": "FROM b\n"}]
    assert file["applied"] == [
        {
            "rewrite": "manifests-first",
            "title": "Copy requirements.txt first",
            "reason": "The install stays cached.",
            "tier": "safe",
            "where": {"path": "Dockerfile", "line": 4},
            "proof": [
                {
                    "claim": "pip reads nothing else",
                    "status": "proved",
                    "evidence": "requirements.txt has no -r",
                    "where": {"path": "requirements.txt", "line": 1},
                }
            ],
            "notes": ["saves 3 MB"],
            "edits": [{"path": "Dockerfile", "start": 3, "end": 5, "text": "x"}],
        }
    ]
    assert [proposal["tier"] for proposal in file["offered"]] == ["review", "advice"]
    assert file["refusals"] == [
        {
            "rewrite": "apt-update-install",
            "where": {"path": "Dockerfile", "line": 9},
            "premise": "the shell is not known",
            "because": {"path": "Dockerfile", "line": 2},
        }
    ]
    assert file["defects"] == [
        {"rewrite": "volatile-args-last", "where": {"path": "Dockerfile", "line": 8}, "message": "ValueError: no"}
    ]


def test_text_says_what_and_why() -> None:
    assert text.render([RESULT], text.Look()) == (
        "Dockerfile:4: would change: Copy requirements.txt first [manifests-first]\n"
        "    The install stays cached.\n"
        "    note: saves 3 MB\n"
        "Dockerfile:5: review: Mount pip's cache [cache-mounts]\n"
        "    Downloads are kept.\n"
        "    assumed: nothing reads /root/.cache (app.py runs an unknown program)\n"
        "Dockerfile:6: advice: Use npm ci [x]\n"
        "    It is exact.\n"
        "    refuted: a (b)\n"
        "Dockerfile:9: declined: the shell is not known (Dockerfile:2) [apt-update-install]\n"
        "warning: Dockerfile:3: no rewrite is named 'x'\n"
        "Dockerfile:8: defect: ValueError: no; its edits were dropped [volatile-args-last]\n"
        "1 file: 1 change, 1 declined, 1 defect of dockerfix itself\n"
        "1 more change needs a person's eye: --review applies it too\n"
    )


def test_verbose_text_shows_the_whole_proof_and_the_context() -> None:
    shown = text.render([RESULT], text.Look(verbosity=1))
    assert "    proved: pip reads nothing else (requirements.txt has no -r, requirements.txt:1)\n" in shown
    assert "    proved: the user is root\n" in shown
    assert "Dockerfile: build context . (compose.yaml:3)\n" in shown


def test_quiet_text_is_the_changes_alone() -> None:
    shown = text.render([RESULT], text.Look(verbosity=-1))
    assert shown == "Dockerfile:4: would change: Copy requirements.txt first [manifests-first]\n"


def test_written_text_says_so() -> None:
    shown = text.render([RESULT, RESULT], text.Look(written=True))
    assert "Dockerfile:4: changed: Copy" in shown
    assert "2 files: 2 changes written, 2 declined" in shown
    assert shown.endswith("2 more changes need a person's eye: --review applies them too\n")


def test_names_alone() -> None:
    assert text.render_names([RESULT], text.Look(verbosity=-1)) == "would change Dockerfile\n"
    assert text.render_names([Result("a")], text.Look()) == "1 file: 0 changes\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("choice", "environ", "terminal", "wanted"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1", "TERM": "dumb"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_wanted(choice: str, environ: dict[str, str], terminal: bool, wanted: bool) -> None:
    assert colour.wanted(choice, Terminal() if terminal else io.StringIO(), environ) is wanted
