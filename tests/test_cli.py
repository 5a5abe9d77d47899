"""The command: options, exit codes, what goes to which stream; the engine behind it is a stand-in."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from rewrite import __version__, settings
from rewrite.cli import main
from rewrite.errors import DockerfixError, SourceError
from rewrite.model import Change, Place, Proposal, Result, assumed, proved
from rewrite.paths import dockerfiles_below, is_dockerfile, shown
from rewrite.settings import Settings
from rewrite.source.edits import Edit, Span


@dataclass(frozen=True, slots=True)
class Request:
    path: Path | None
    text: str | None
    name: str


def fix_files(
    requests: Sequence[Request], settings_for: Callable[[Path], Settings], resolve: object = None
) -> Iterator[Result | DockerfixError]:
    """Change `old` into `new`; `IGNORE x` also writes an ignore file, `BAD` is an error, `CRASH` a defect."""
    for request in requests:
        assert request.path is not None
        chosen = settings_for(request.path)
        text = request.path.read_bytes().decode() if request.text is None else request.text
        if "CRASH" in text:
            raise ValueError("boom")
        if "INTERRUPT" in text:
            raise KeyboardInterrupt
        if "BAD" in text:
            yield SourceError("unknown instruction BAD", request.name, 2, hint="mend it")
            continue
        where = Place(request.name, 1)
        edits = (Edit(request.name, Span(0, 1), ""),)
        safe = Proposal("cache-mounts", "Mount the cache", "It is faster.", where, edits, (proved("it holds"),))
        review = Proposal("npm-ci", "Use npm ci", "It is exact.", where, edits, (assumed("it holds", "unknown"),))
        after = text.replace("old", "new") if chosen.enables("cache-mounts") else text
        changes = [Change(request.name, text, after)] if after != text else []
        if "IGNORE " in text:
            changes.append(Change(".dockerignore", None, text.partition("IGNORE ")[2]))
        offered = () if chosen.review else (review,)
        yield Result(request.name, tuple(changes), (safe,) if changes else (), offered, context=chosen.context or "")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty directory, with an engine that the test can foresee."""
    engine = ModuleType("rewrite.fix")
    vars(engine).update(Request=Request, fix_files=fix_files)
    monkeypatch.setitem(sys.modules, "rewrite.fix", engine)
    monkeypatch.setattr(settings, "known_rewrites", lambda: ("cache-mounts", "npm-ci"))
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def dockerfix(capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs the command in this process."""

    def run(*args: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(list(args))
        captured = capsysbinary.readouterr()
        return Outcome(code, *(part.decode("utf-8", "surrogateescape") for part in captured))

    return run


DIFF = """\
diff --git a/Dockerfile b/Dockerfile
--- a/Dockerfile
+++ b/Dockerfile
@@ -1 +1 @@
-FROM old
+FROM new
"""
HINT = "1 more change needs a person's eye: --review applies it too\n"


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def test_no_option_prints_the_summary_and_changes_nothing(dockerfix: Command) -> None:
    file = write("Dockerfile", "FROM old\n")
    outcome = dockerfix()
    assert outcome.code == 1
    assert "Dockerfile:1: would change: Mount the cache [cache-mounts]\n    It is faster.\n" in outcome.out
    assert outcome.out.endswith(f"1 file: 1 change\n{HINT}")
    assert outcome.err == ""
    assert file.read_text() == "FROM old\n"


def test_nothing_to_change_is_0(dockerfix: Command) -> None:
    write("Dockerfile", "FROM new\n")
    for options in ([], ["--diff"], ["--check"], ["--write"]):
        assert dockerfix(*options).code == 0


def test_diff_is_alone_on_standard_output(dockerfix: Command) -> None:
    file = write("Dockerfile", "FROM old\n")
    outcome = dockerfix("--diff")
    assert (outcome.code, outcome.out) == (1, DIFF)
    assert outcome.err.endswith(HINT)
    assert file.read_text() == "FROM old\n"
    assert dockerfix("--diff", "-q") == Outcome(1, DIFF, "")


def test_one_diff_for_all_files_tells_what_it_cannot_hold(dockerfix: Command) -> None:
    for name, ignored in (("a", ".git"), ("b", ".git"), ("c", ".venv")):
        write(f"{name}/Dockerfile", f"FROM old\nIGNORE {ignored}\n")
    outcome = dockerfix("--diff", "-q")
    assert outcome.out.count("+++ b/.dockerignore\n") == 1
    assert [name for name in "abc" if f"+++ b/{name}/Dockerfile\n" in outcome.out] == ["a", "b"]
    assert outcome.err == ("warning: c/Dockerfile: left out, the diff already changes one of its files differently\n")


def test_check_prints_names_and_totals(dockerfix: Command) -> None:
    write("Dockerfile", "FROM old\n")
    write("Dockerfile.dev", "FROM new\n")
    outcome = dockerfix("--check")
    assert outcome.code == 1
    assert outcome.out.startswith("would change Dockerfile\n2 files: 1 change\n")
    assert dockerfix("--check", "-q") == Outcome(1, "would change Dockerfile\n", "")


def test_write_writes_and_is_then_done(dockerfix: Command) -> None:
    file = write("Dockerfile", "FROM old\r\nIGNORE .git\n")
    outcome = dockerfix("--write")
    assert outcome.code == 0
    assert "changed: Mount the cache" in outcome.out
    assert file.read_bytes() == b"FROM new\r\nIGNORE .git\n"
    assert Path(".dockerignore").read_text() == ".git\n"


def test_write_with_diff_shows_what_it_wrote(dockerfix: Command) -> None:
    file = write("Dockerfile", "FROM old\n")
    outcome = dockerfix("--write", "--diff")
    assert (outcome.code, outcome.out, file.read_text()) == (0, DIFF, "FROM new\n")


def test_a_bad_file_does_not_stop_the_others(dockerfix: Command) -> None:
    bad, good = write("a/Dockerfile", "FROM old\nBAD\n"), write("b/Dockerfile", "FROM old\n")
    outcome = dockerfix("--write", "a", "missing", "b")
    assert outcome.code == 2
    assert "error: a/Dockerfile:2: unknown instruction BAD\nhint: mend it\n" in outcome.err
    assert "error: missing: there is no such file or directory\n" in outcome.err
    assert (bad.read_text(), good.read_text()) == ("FROM old\nBAD\n", "FROM new\n")


def test_a_file_that_cannot_be_written_is_an_error(dockerfix: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", "FROM old\nIGNORE .git\n")
    Path(".dockerignore").mkdir()
    outcome = dockerfix("--write")
    assert (outcome.code, outcome.err) == (2, "error: .dockerignore: cannot be written: Is a directory\n")
    assert "0 files" in outcome.out


def test_no_dockerfile_is_an_error(dockerfix: Command) -> None:
    Path("empty").mkdir()
    outcome = dockerfix("empty")
    assert outcome.code == 2
    assert outcome.err.startswith("error: empty: no Dockerfile found\nhint: looked for Dockerfile, Dockerfile.*,")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--no-such"], "No such option"),
        (["--color", "red"], "'red' is not one of"),
        (["--context", "missing"], "'missing' does not exist"),
        (["--check", "--diff"], "--check and --diff exclude each other"),
        (["--check", "--write"], "--check and --write exclude each other"),
        (["-q", "-v"], "--quiet and --verbose exclude each other"),
        (["-", "Dockerfile"], "cannot be combined"),
        (["-", "--diff", "--write"], "both want standard output"),
        (["--select", "npm-ci,cache-mount"], "--select: there is no rewrite named 'cache-mount'\nhint: did you mean"),
        (["--ignore", "x"], "--ignore: there is no rewrite named 'x'"),
    ],
)
def test_wrong_use_is_2_with_a_hint(dockerfix: Command, options: list[str], message: str) -> None:
    write("Dockerfile", "FROM old\n")
    outcome = dockerfix(*options)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert message in outcome.err


def test_a_wrong_configuration_is_told_once_and_spoils_only_its_own_files(dockerfix: Command) -> None:
    write("a/dockerfix.toml", "\nselct = []\n")
    write("a/Dockerfile", "FROM old\n")
    write("a/Dockerfile.dev", "FROM old\n")
    write("b/Dockerfile", "FROM old\n")
    for paths in ([], ["a/Dockerfile", "a/Dockerfile.dev", "b/Dockerfile"]):
        outcome = dockerfix("--check", "-q", *paths)
        assert outcome.code == 2
        assert outcome.out == "would change b/Dockerfile\n"
        assert outcome.err == (
            "error: a/dockerfix.toml:2: there is no setting named 'selct'\nhint: did you mean 'select'?\n"
        )


def test_flags_replace_the_configuration(dockerfix: Command) -> None:
    write("Dockerfile", "FROM old\n")
    write("dockerfix.toml", 'ignore = ["cache-mounts"]\nreview = true\n')
    assert dockerfix().out == "1 file: 0 changes\n"
    assert dockerfix("--ignore", "npm-ci").code == 1
    assert dockerfix("--select", "npm-ci, cache-mounts").code == 1
    assert dockerfix("--select", "npm-ci", "--select", "cache-mounts").code == 1
    assert dockerfix("--select", "npm-ci").code == 0
    assert dockerfix("--no-review").out.endswith(HINT)
    assert "build context sub" not in dockerfix("-v").out
    Path("sub").mkdir()
    assert "Dockerfile: build context sub\n" in dockerfix("-v", "--context", "sub").out


def test_exclude_holds_for_a_search_but_not_for_a_named_file(dockerfix: Command) -> None:
    write("legacy/Dockerfile", "FROM old\n")
    write("dockerfix.toml", 'exclude = ["legacy"]\n')
    assert dockerfix("--check").code == 0
    assert dockerfix("--check", "legacy/Dockerfile").code == 1


def test_a_file_named_twice_is_done_once(dockerfix: Command) -> None:
    write("Dockerfile", "FROM old\n")
    Path("Containerfile").symlink_to("Dockerfile")
    assert dockerfix("--check", "-q", ".", "Dockerfile").out == "would change Containerfile\n"


def test_standard_input(dockerfix: Command) -> None:
    outcome = dockerfix("-", "--diff", "-q", stdin=b"FROM old\n")
    assert (outcome.code, outcome.out) == (1, DIFF)
    outcome = dockerfix("-", "--check", "-q", "--stdin-filename", "app/Dockerfile", stdin=b"FROM old\n")
    assert (outcome.code, outcome.out) == (1, "would change app/Dockerfile\n")


def test_standard_input_takes_the_settings_of_its_name(dockerfix: Command) -> None:
    write("app/dockerfix.toml", 'ignore = ["cache-mounts"]\n')
    assert dockerfix("-", "--stdin-filename", "app/Dockerfile", stdin=b"FROM old\n").code == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"FROM old # \xff\r\n", b"FROM new # \xff\r\n"), (b"FROM unchanged", b"FROM unchanged")],
)
def test_write_sends_standard_input_to_standard_output(dockerfix: Command, before: bytes, after: bytes) -> None:
    outcome = dockerfix("-", "--write", stdin=before)
    assert outcome.code == 0
    assert outcome.out.encode("utf-8", "surrogateescape") == after
    assert "1 file: " in outcome.err
    assert list(Path().iterdir()) == []


def test_json_goes_to_standard_output_with_the_diff_and_the_errors(dockerfix: Command) -> None:
    write("Dockerfile", "FROM old\n")
    write("Dockerfile.bad", "BAD\n")
    outcome = dockerfix("--output-format", "json", "--color", "always")
    document = json.loads(outcome.out)
    assert outcome.code == 2
    assert document["diff"] == DIFF
    assert document["files"][0]["applied"][0]["rewrite"] == "cache-mounts"
    assert document["errors"][0]["path"] == "Dockerfile.bad"


def test_colour_only_where_it_is_wanted(dockerfix: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Dockerfile", "FROM old\n")
    assert "\x1b[" not in dockerfix("--diff").out
    assert "\x1b[32m+FROM new\x1b[0m\n" in dockerfix("--diff", "--color", "always").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in dockerfix().out
    assert "\x1b[" not in dockerfix("--color", "never").out


def test_our_own_defect_is_a_note_and_no_traceback(dockerfix: Command) -> None:
    write("Dockerfile", "CRASH\n")
    outcome = dockerfix()
    assert outcome.code == 2
    assert f"defect in dockerfix {__version__}: ValueError: boom\nhint: " in outcome.err
    assert "Traceback" not in outcome.err


def test_ctrl_c_is_130(dockerfix: Command) -> None:
    write("Dockerfile", "INTERRUPT\n")
    assert dockerfix().code == 130


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(dockerfix: Command, option: str) -> None:
    outcome = dockerfix(option)
    assert outcome.code == 0
    assert "--stdin-filename" in outcome.out


def python(code: str) -> str:
    """Return what a fresh interpreter prints; it runs beside the package, which need not be installed."""
    here = Path(__file__).parent.parent
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here).stdout


HEAVY = ("libcst", "jinja2", "rich", "ruamel", "difflib", "dataclasses", "importlib.metadata")


def test_version_imports_almost_nothing() -> None:
    loaded = python(
        "import sys; sys.argv[1:] = ['--version']; from rewrite.__main__ import main; main(); print(*sys.modules)"
    )
    first, modules = loaded.splitlines()
    assert first == f"dockerfix {__version__}"
    assert not {"click", *HEAVY} & set(modules.split())


def test_the_command_line_imports_no_library_but_click() -> None:
    modules = python("import sys, rewrite.cli; print(*sys.modules)").split()
    assert not {"libcst", "jinja2", "rich", "ruamel", "ruamel.yaml"} & set(modules)


@pytest.mark.parametrize(
    ("name", "yes"),
    [
        ("Dockerfile", True),
        ("Dockerfile.dev", True),
        ("api.Dockerfile", True),
        ("api.dockerfile", True),
        ("Containerfile", True),
        ("Dockerfile.dockerignore", False),
        ("Dockerfile.j2", False),
        ("Dockerfiles", False),
        ("README", False),
    ],
)
def test_names_of_dockerfiles(name: str, yes: bool) -> None:
    assert is_dockerfile(name) is yes


def test_the_search_is_ordered_and_leaves_dependencies_out() -> None:
    for path in ("b/Dockerfile", "a/x.Dockerfile", "a/Dockerfile", "node_modules/x/Dockerfile", "z/.git/Dockerfile"):
        write(path, "")
    assert [shown(path) for path in dockerfiles_below(Path())] == ["a/Dockerfile", "a/x.Dockerfile", "b/Dockerfile"]


def test_paths_are_shown_as_the_user_sees_them(project: Path) -> None:
    assert shown(project / "a/../b/Dockerfile") == "b/Dockerfile"
    assert shown(Path("../Dockerfile")) == "../Dockerfile"
    assert shown(Path("/nowhere/Dockerfile")) == "/nowhere/Dockerfile"


def test_ecosystems_tells_what_is_known_of_each_tool(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ecosystems", "--color", "never"]) == 0
    text = capsys.readouterr().out
    assert "\n  pip\n    manifests: requirements.txt" in text
    assert "    cache ~/.npm (class A, mounted: nothing reads it again, moved by npm_config_cache)" in text
    assert main(["ecosystems", "--output-format", "json"]) == 0
    tools = {tool["name"]: tool for tool in json.loads(capsys.readouterr().out)["tools"]}
    assert tools["npm"]["lockfiles"] == ["package-lock.json", "npm-shrinkwrap.json"]
    assert tools["apt"]["caches"][0]["sharing"] == "locked"


def test_rules_lists_every_rewrite_and_rule_tells_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("cache-mounts ") and "Keep what package managers download" in line for line in lines)
    assert main(["rule", "cache-mounts"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# cache-mounts\n\nKeep what") and "```diff" in text and "Declines" in text
    assert main(["rule", "cache-mount"]) == 2
    assert "cache-mounts" in capsys.readouterr().err
