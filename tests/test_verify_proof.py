"""The proof without an engine: which builds are made, what they show, and that nothing is left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake_engine import FakeEngine, everything

from rewrite.errors import DockerfixError
from rewrite.fix import Request
from rewrite.model import Change, Result
from rewrite.project import Session
from rewrite.settings import Settings
from rewrite.verify import edits
from rewrite.verify.compare import ALLOWED, IGNORED, MOUNTED, NOISE, REWRITTEN
from rewrite.verify.copies import Copy
from rewrite.verify.engine import BuildOptions, BuildRun, Step, Watch
from rewrite.verify.outcome import Verdict, Verification
from rewrite.verify.proof import Plan, verify

OLD = "FROM python:3.12-slim\nARG GIT_SHA\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
NEW = OLD.replace("COPY . .\n", "COPY requirements.txt ./\n") + "COPY . .\n"
FILES = {
    "Dockerfile": OLD,
    "requirements.txt": "flask==3.0.3\n",
    "app.py": "print('hello')\n",
    "README.md": "# Shop\n",
    "notes/todo": "x",
}


@dataclass
class Watching:
    expected: int = 0
    begun: list[str] = field(default_factory=list)
    ended: int = 0
    seen: int = 0

    def expect(self, builds: int) -> None:
        self.expected = builds

    def begin(self, what: str) -> None:
        self.begun.append(what)

    def steps(self, steps: Sequence[Step]) -> None:
        self.seen += len(steps)

    def end(self) -> None:
        self.ended += 1


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    monkeypatch.chdir(root)
    return root


CHANGES = (Change("Dockerfile", OLD, NEW),)
NOTHING = Plan(scenarios=())


def prove(
    engine: FakeEngine, plan: Plan = NOTHING, changes: Sequence[Change] = CHANGES, **more: object
) -> Verification:
    build = Session().open(Request(Path("Dockerfile"), None, "Dockerfile"), Settings())
    return verify(engine, build, Result("Dockerfile", tuple(changes)), plan, more.pop("observer", Watching()), **more)  # type: ignore[arg-type]


def unexplained(found: Verification) -> set[tuple[str, str]]:
    return {(item.path, item.what) for item in found.unexplained}


def test_the_same_image(project: Path) -> None:
    engine = FakeEngine()
    found = prove(engine)
    assert found.verdict == Verdict.EQUIVALENT
    assert [(item.path, item.cause) for item in found.differences] == [("/app/Dockerfile", REWRITTEN)]
    assert [text for text, _ in engine.builds] == [OLD, NEW, OLD]
    assert found.before.image_bytes and found.after.image_bytes


def test_no_series_shares_its_cache_or_its_mounts(project: Path) -> None:
    engine = FakeEngine()
    prove(engine)
    assert len({options.mark for _, options in engine.builds}) == 3
    assert len({options.cache_mounts for _, options in engine.builds}) == 3


def test_the_users_options_reach_every_build(project: Path) -> None:
    engine = FakeEngine()
    options = BuildOptions(
        target="app", network="none", secrets=("id=x",), build_args={"A": "1"}, platform="linux/amd64"
    )
    prove(engine, Plan(options, scenarios=(edits.SOURCE, edits.ARGUMENT)))
    for _, given in engine.builds:
        assert (given.target, given.network, given.secrets, given.platform) == ("app", "none", ("id=x",), "linux/amd64")
        assert given.build_args["A"] == "1"


def test_the_sides_take_turns(project: Path) -> None:
    observer = Watching()
    found = prove(FakeEngine(), Plan(scenarios=(edits.SOURCE,), repeat=3), observer=observer)
    assert [
        what.partition(":")[0] for what in observer.begun[:-1]
    ] == "before after after before before after".split() * 2
    assert [len(s.before.seconds) for s in found.scenarios if s.before] == [3, 3]


def test_what_is_clear_is_not_measured_again(project: Path) -> None:
    """The original is built from nothing twice all the same: that tells the noise."""
    asked: list[tuple[list[float], list[float]]] = []

    def enough(before: Sequence[float], after: Sequence[float]) -> bool:
        asked.append((list(before), list(after)))
        return len(before) == 2 or before == [10.0]

    plan = Plan(scenarios=(edits.UNCHANGED, edits.SOURCE), repeat=5, enough=enough)
    cold, unchanged, source = prove(FakeEngine(), plan).scenarios
    assert [len(t.seconds) for s in (cold, unchanged, source) if (t := s.before)] == [2, 2, 1]
    assert [len(t.seconds) for s in (cold, unchanged, source) if (t := s.after)] == [1, 2, 1]
    assert asked == [([10.0], [10.0]), ([0.5], [0.5]), ([0.5, 0.5], [0.5, 0.5]), ([10.0], [10.0])]


def test_a_new_base_stands_on_the_one_that_is_given(project: Path) -> None:
    engine = FakeEngine()
    options = BuildOptions(build_contexts=("python:3.12-slim=docker-image://ours", "data=../data"))
    prove(engine, Plan(options, scenarios=(edits.BASE,)))
    made = [given for text, given in engine.builds if text.startswith("FROM python:3.12-slim\nCOPY dockerfix-verify")]
    assert [given.build_contexts for given in made] == [options.build_contexts] * 2
    last = engine.builds[-1][1].build_contexts
    assert [context.partition("=")[0] for context in last] == ["python:3.12-slim", "data"]
    assert "docker-image://dockerfix-" in last[0] and last[1] == "data=../data"


def test_nothing_to_prove_builds_nothing(project: Path) -> None:
    engine = FakeEngine()
    assert prove(engine, changes=()).verdict == Verdict.UNCHANGED
    assert engine.builds == []


def test_another_image(project: Path) -> None:
    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        more = {"app/stale": b"1"} if text == NEW else {"app/made": b"2"}
        return {**everything(files, text, number), **more}

    found = prove(FakeEngine(make))
    assert found.verdict == Verdict.DIFFERENT
    assert unexplained(found) == {("/app/stale", "extra"), ("/app/made", "missing")}


def test_what_two_builds_of_the_original_do_not_share_is_noise(project: Path) -> None:
    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        drawn = {f"tmp/cache-{number:08x}": b"", "app/stamp": str(number).encode()}
        return {**everything(files, text, number), **drawn, **({"tmp/other": b""} if text == NEW else {})}

    found = prove(FakeEngine(make))
    causes = {(item.path, item.what): item.cause for item in found.differences}
    assert causes["/app/stamp", "content"] == NOISE
    assert causes["/tmp/cache-00000003", "extra"] == NOISE
    assert causes["/tmp/cache-00000001", "missing"] == NOISE
    assert causes["/tmp/cache-00000002", "extra"] == NOISE, "what only the two builds of the original show is told too"
    assert unexplained(found) == {("/tmp/other", "extra")}


def test_allowed_differences(project: Path) -> None:
    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        return {"app/build/a.map": text.encode(), "app/b": text.encode()}

    found = prove(FakeEngine(make), Plan(scenarios=(), allow=("/app/build/*",)))
    assert unexplained(found) == {("/app/b", "content")}
    assert {item.path: item.cause for item in found.differences}["/app/build/a.map"] == ALLOWED


def test_what_the_ignore_file_takes_out_is_told_by_content(project: Path) -> None:
    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        made = dict(everything(files, text, number))
        return {**made, **({} if text == NEW else {"srv/README.md": b"made by a step", "app/gone": b"x"})}

    ignore = Change(".dockerignore", None, "README.md\nnotes\n.dockerignore\n")
    found = prove(FakeEngine(make), changes=(*CHANGES, ignore))
    causes = {item.path: item.cause for item in found.differences}
    assert causes["/app/README.md"] == causes["/app/notes/todo"] == causes["/app/notes"] == IGNORED
    # One has the name of an ignored file, the other the content.
    assert unexplained(found) == {("/srv/README.md", "missing"), ("/srv", "missing"), ("/app/gone", "missing")}


def test_the_original_does_not_build(project: Path) -> None:
    engine = FakeEngine(lambda files, text, number: None)
    found = prove(engine)
    assert (found.verdict, found.exit_code) == (Verdict.NOT_BUILT, 2)
    assert found.before.log.endswith("ERROR: it failed")
    assert len(engine.builds) == 1


def test_the_rewritten_file_does_not_build(project: Path) -> None:
    found = prove(FakeEngine(lambda files, text, number: None if text == NEW else {}))
    assert (found.verdict, found.exit_code) == (Verdict.BROKEN, 1)
    assert found.after.log and not found.before.log


def test_each_scenario_starts_from_the_same_tree(project: Path) -> None:
    contexts: list[dict[str, bytes]] = []

    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        contexts.append(dict(files))
        return everything(files, text, number)

    observer = Watching()
    found = prove(FakeEngine(make), Plan(scenarios=edits.NAMES, repeat=2), observer=observer)
    measured = {scenario.name: scenario for scenario in found.scenarios if not scenario.skipped}
    assert list(measured) == [
        "cold", edits.UNCHANGED, edits.SOURCE, edits.MANIFEST, edits.README, edits.ARGUMENT, edits.BASE
    ]  # fmt: skip
    assert measured[edits.UNCHANGED].ratio == 1
    assert measured[edits.UNCHANGED].before is not None
    assert measured[edits.UNCHANGED].before.seconds == (0.5, 0.5)
    assert measured[edits.SOURCE].after is not None
    assert measured[edits.SOURCE].after.seconds == (10, 10), "a repeat is found in no cache"
    for files in contexts:
        changed = [name for name in files if name != "Dockerfile" and files[name] != FILES.get(name, "").encode()]
        assert len(changed) <= 1, "an edit was not undone"
    assert {name: (project / name).read_text() for name in FILES} == FILES
    assert observer.expected == 4 + 2 * 6 * 2
    assert observer.ended == len(observer.begun)


def test_what_is_stale_behind_an_edit_is_told(project: Path) -> None:
    """The rewritten file keeps an old copy of app.py when that is edited."""

    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        made = dict(everything(files, text, number))
        return {**made, "app/app.py": FILES["app.py"].encode()} if text == NEW else made

    found = prove(FakeEngine(make), Plan(scenarios=(edits.UNCHANGED, edits.SOURCE)))
    assert found.verdict == Verdict.DIFFERENT
    assert [(item.path, item.what, item.edit) for item in found.unexplained] == [
        ("/app/app.py", "content", edits.SOURCE)
    ]


def test_an_edit_under_which_the_original_fails_is_left_out(project: Path) -> None:
    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes] | None:
        return None if files["app.py"] != FILES["app.py"].encode() else everything(files, text, number)

    found = prove(FakeEngine(make), Plan(scenarios=(edits.SOURCE,)))
    assert found.verdict == Verdict.EQUIVALENT
    assert found.scenarios[-1].skipped == "the original does not build: ERROR: it failed"


def test_an_edit_under_which_only_the_rewritten_file_fails_is_a_failure(project: Path) -> None:
    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes] | None:
        edited = files["app.py"] != FILES["app.py"].encode()
        return None if edited and text == NEW else everything(files, text, number)

    assert prove(FakeEngine(make), Plan(scenarios=(edits.SOURCE,))).verdict == Verdict.BROKEN


def test_imported_cache_is_asked_of_whoever_can(project: Path) -> None:
    engine = FakeEngine()
    calls: list[tuple[str, str]] = []

    def imported(warm: Copy, edited: Copy, options: BuildOptions, watch: Watch | None = None) -> BuildRun:
        calls.append(((warm.context / "app.py").read_text(), (edited.context / "app.py").read_text()))
        return engine.build(edited.context, edited.dockerfile, options)

    found = prove(engine, Plan(scenarios=(edits.IMPORTED,)), imported=imported)
    assert found.scenarios[-1].ratio == 1
    assert len(calls) == 2
    for warm, edited in calls:
        assert warm == FILES["app.py"] and edited != warm


@pytest.mark.parametrize("error", [KeyboardInterrupt, DockerfixError])
def test_what_was_made_is_removed(project: Path, error: type[BaseException]) -> None:
    places: list[Path] = []

    class Stopping(FakeEngine):
        def build(self, context: Path, *arguments: object, **options: object) -> BuildRun:
            places.append(context)
            if len(self.builds) == 2:
                raise error("stop")
            return super().build(context, *arguments, **options)  # type: ignore[arg-type]

    engine = Stopping()
    with pytest.raises(error):
        prove(engine, Plan(scenarios=(edits.UNCHANGED,)))
    assert engine.images == {}
    assert len(engine.removed) == 3
    assert not any(place.exists() for place in places)


@pytest.mark.parametrize(
    ("leaves", "more", "verdict"),
    [
        (True, {}, Verdict.EQUIVALENT),
        (False, {}, Verdict.DIFFERENT),
        (True, {"root/.cache/tool": b"x"}, Verdict.DIFFERENT),
    ],
)
def test_empty_directories_above_a_mount(
    project: Path, leaves: bool, more: Mapping[str, bytes], verdict: Verdict
) -> None:
    mounted = NEW.replace("RUN pip", "RUN --mount=type=cache,target=/root/.cache/pip pip")

    def make(files: Mapping[str, bytes], text: str, number: int) -> Mapping[str, bytes]:
        left = {"root/.cache/": b"", **more} if "--mount" in text else {}
        return {"root/.profile": b"", **left}

    said = prove(FakeEngine(make, leaves_mount_parents=leaves), changes=(Change("Dockerfile", OLD, mounted),))
    assert said.verdict == verdict
    assert (MOUNTED in {item.cause for item in said.differences}) == (verdict == Verdict.EQUIVALENT)


def test_no_other_base_for_a_builder_that_does_not_see_it(project: Path) -> None:
    said = prove(FakeEngine(isolated=True), Plan(scenarios=(edits.BASE,)))
    assert [one.skipped for one in said.scenarios if one.name == edits.BASE] == [
        "the builder has a store of its own, and does not see the other base image made for it"
    ]
