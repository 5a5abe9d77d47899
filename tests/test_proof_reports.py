"""What the reports of `dockerfix verify` say, and that no name or log of a stranger gets out of hand in them."""

from __future__ import annotations

import base64
import hashlib
import json as stdlib_json
import re
from dataclasses import fields, replace

import pytest
from markdown_it import MarkdownIt
from proofs import ALL, BROKEN, HOSTILE, HOSTILE_NAME, NODE, NOT_BUILT, PYTHON, UNCHANGED

from rewrite.report.proof import html, json, markdown, text, wording
from rewrite.report.proof.picture import Kind, pictures
from rewrite.report.proof.printable import cleaned, printable
from rewrite.verify.compare import CACHE, IGNORED, LOG, NOISE, Difference
from rewrite.verify.outcome import Scenario, Side, StepTime, Timing, Verdict, Verification

# What is left of the hostile name in a log, where lines end and colours are dropped.
HOSTILE_LOG = printable(HOSTILE_NAME.replace("\x1b[31m", "")).replace("\\n", "\n")


def test_text_tells_all() -> None:
    assert text.render([NODE, NOT_BUILT], text.Look()) == (
        "services/web/Dockerfile: different: the rewritten Dockerfile makes another image: "
        "3 differences are unexplained\n"
        "    built by Docker 28.5.1 (buildx), build context services/web\n"
        "    image size: 1.2 GB -> 1.2 GB (same size)\n"
        "    rebuilds: 20.2 times faster (geometric mean of 1 scenario, the cold build left out)\n"
        "\n"
        "    scenario    before   after  faster   steps run       context sent  what was done\n"
        "    cold        31.2 s  34.5 s   0.90x  7/7 -> 7/7  48.3 MB -> 2.1 MB  nothing cached\n"
        "    new-commit  26.3 s   1.3 s   20.2x                                 commit everything\n"
        "\n"
        "    3 differences: unexplained\n"
        "        config.env.NODE_ENV: value: production -> -\n"
        "        /srv/node_modules/.package-lock.json: content: 18212 bytes -> 18340 bytes\n"
        "        /srv/server.js: mode: 0644 -> 0755 (after source-edit)\n"
        "    1 difference: package manager cache\n"
        "        /root/.npm/_cacache/tmp: missing: directory 0755 0:0 -> -\n"
        "\n"
        "legacy/Dockerfile: not built: the original does not build, so nothing could be compared\n"
        "    built by Docker 28.5.1 (buildx), build context legacy\n"
        "    end of the original's build log:\n"
        "        #7 [3/4] RUN pip install -r requirements.txt\n"
        "        ERROR: Could not find a version that satisfies the requirement oldlib==0.1\n"
        "        Downloading 100%\n"
        '        process "/bin/sh -c pip install -r requirements.txt" did not complete successfully: exit code: 1\n'
        "\n"
        "2 Dockerfiles: 1 different, 1 not built\n"
    )


def test_text_shows_examples_of_what_is_explained_and_all_if_verbose() -> None:
    shown = text.render([PYTHON], text.Look())
    assert "    7 differences: byte-code cache\n" in shown
    assert "/m1.cpython-312.pyc: content: 99 bytes -> 99 bytes\n        and 4 more: -v lists them\n" in shown
    assert "/m2.cpython-312.pyc" not in shown
    verbose = text.render([PYTHON], text.Look(verbosity=1))
    assert "/m5.cpython-312.pyc" in verbose
    assert "more" not in verbose


def test_text_lists_all_that_nobody_explains_or_the_ignore_file_takes_out() -> None:
    many = tuple(
        Difference(f"/{cause}/{n}", "missing", "file", "", cause) for cause in (None, IGNORED) for n in range(50)
    )
    shown = text.render([replace(PYTHON, differences=many)], text.Look())
    assert all(f"        {difference.path}: missing: file -> -\n" in shown for difference in many)
    assert "more" not in shown


def test_text_gives_the_reason_where_nothing_was_measured() -> None:
    reason = "not measured: new-base (another python:3.12-slim): the engine holds only one image of that name\n"
    assert reason in text.render([PYTHON], text.Look())
    only_skipped = replace(PYTHON, scenarios=PYTHON.scenarios[5:6])
    assert "before" not in text.render([only_skipped], text.Look())


def test_one_side_alone_has_no_ratio() -> None:
    shown = text.render([replace(NODE, scenarios=(Scenario("cold", "", Timing((3.0,))),))], text.Look())
    assert re.search(r"^    cold +3\.0 s +- +-$", shown, re.MULTILINE)


def test_quiet_text_is_the_verdicts_alone() -> None:
    assert text.render([BROKEN, UNCHANGED], text.Look(verbosity=-1)) == (
        "a/Dockerfile: broken: the original builds, the rewritten Dockerfile does not\n"
        "b/Dockerfile: unchanged: there is nothing to prove: dockerfix changes nothing\n"
    )


def test_text_is_coloured_only_if_wanted() -> None:
    plain, coloured = (text.render(ALL, text.Look(colour=colour)) for colour in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[31mdifferent\x1b[0m" in coloured
    assert re.search(r"\x1b\[32m +46\.2x\x1b\[0m", coloured)
    assert re.search(r"\x1b\[31m +0\.90x\x1b\[0m", coloured)
    assert not re.search(r"\x1b\[3[12]m +1\.0x\x1b", coloured)


@pytest.mark.parametrize("colour", [False, True])
def test_text_is_the_same_in_every_environment(monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:
    look = text.Look(colour=colour)
    expected = text.render(ALL, look)
    for name, value in {
        "COLUMNS": "20",
        "NO_COLOR": "1",
        "FORCE_COLOR": "1",
        "TERM": "dumb",
        "COLORTERM": "24bit",
    }.items():
        monkeypatch.setenv(name, value)
        assert text.render(ALL, look) == expected
        monkeypatch.delenv(name)


def table(width: int) -> list[str]:
    lines = text.render([PYTHON], text.Look(width=width)).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("    scenario  "))
    return lines[start : lines.index("", start)]


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (120, "scenario before after faster spread steps_run context_sent what_was_done"),
        (100, "scenario before after faster spread steps_run context_sent"),
        (80, "scenario before after faster steps_run context_sent"),
        (60, "scenario before after faster steps_run"),
        (50, "scenario before after faster"),
    ],
)
def test_a_table_leaves_out_what_there_is_no_room_for(width: int, headings: str) -> None:
    lines = table(width)
    assert max(map(len, lines)) <= width
    assert [heading.replace(" ", "_") for heading in re.split(" {2,}", lines[0].strip())] == headings.split()
    assert "…" not in "".join(lines)
    assert re.search(r"manifest-edit +31\.4 s +10\.1 s +3\.1x", "\n".join(lines))


def test_what_was_done_is_folded() -> None:
    lines = table(120)
    place = lines[0].index("what was done")
    assert [line.strip() for line in lines if not line[:place].strip()] == [
        "requirements.txt",
        "builder, the cache imported",
    ]


@pytest.mark.parametrize("colour", [False, True])
def test_hostile_text_cannot_steer_a_terminal(colour: bool) -> None:
    shown = text.render([HOSTILE], text.Look(colour=colour))
    assert set(re.findall(r"[^ -~\n]", shown)) == ({"\x1b"} if colour else set())
    assert set(re.findall(r"\x1b.{3}", shown)) <= {f"\x1b[{code}" for code in ("0m", "1m", "2m", "31", "32")}
    assert printable(HOSTILE_NAME) in shown


def test_json_holds_everything() -> None:
    rendered = json.render([*ALL, HOSTILE])
    assert rendered.isascii()
    document = stdlib_json.loads(rendered)
    assert rendered == stdlib_json.dumps(document, indent=2, sort_keys=True) + "\n"
    assert document["version"] == 1
    python, node, *_, hostile = document["verifications"]

    def names(of: type) -> set[str]:
        return {item.name for item in fields(of)}

    assert set(python) == names(Verification) | {"exit_code", "speed_up"}
    assert (node["verdict"], node["exit_code"], node["engine"]) == ("different", 1, "Docker 28.5.1 (buildx)")
    assert python["speed_up"] == PYTHON.speed_up
    assert set(python["before"]) == names(Side)
    assert python["before"]["image_bytes"] == 412_345_678
    assert set(python["differences"][0]) == names(Difference)
    assert node["differences"][0] == {
        "path": "config.env.NODE_ENV",
        "what": "value",
        "before": "production",
        "after": "",
        "cause": None,
        "edit": "",
    }
    (commit,) = node["scenarios"][1:]
    assert set(commit) == names(Scenario) | {"ratio"}
    assert commit["before"] == {"seconds": [26.3], "median": 26.3, "spread": 0.0, "steps": [], "sent": None}
    assert set(commit["before"]) == names(Timing) | {"median", "spread"}
    assert python["scenarios"][2]["after"]["steps"][1] == {
        "name": "[1/7] FROM docker.io/library/python:3.12-slim",
        "seconds": 0.0,
        "cached": True,
        "internal": False,
    }
    assert set(python["scenarios"][0]["after"]["steps"][0]) == names(StepTime)
    assert (python["scenarios"][5]["before"], python["scenarios"][5]["ratio"]) == (None, None)
    assert python["scenarios"][5]["skipped"] == "the engine holds only one image of that name"
    assert hostile["path"] == hostile["before"]["log"] == HOSTILE_NAME


GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def test_markdown_has_the_verdict_the_numbers_and_the_rest_folded() -> None:
    shown = markdown.render(ALL)
    assert shown.startswith(
        "### `Dockerfile`: equivalent\n\n"
        "The rewritten Dockerfile makes the same image, but for 2 paths left out by .dockerignore.\n\n"
        "- Rebuilds: **6.6 times faster** (geometric mean of 5 scenarios, the cold build left out)\n"
        "- Image size: 412.3 MB → 398.1 MB (14.2 MB smaller)\n"
        "- Built by `Docker 28.5.1 (buildx)`, build context `.`\n\n"
        "| scenario | what was done | before | after | times faster | spread | steps run | context sent |\n"
        "|---|---|--:|--:|--:|--:|--:|--:|\n"
        "| `cold` | `nothing cached` | 43.5 s | 42.5 s | 1.0 | 0.7 s → 0.7 s | 6/6 → 7/7 | 2.1 MB → 1.0 MB |\n"
    )
    assert "- not measured: `new-base`: `the engine holds only one image of that name`\n" in shown
    assert "  cached, 3.20 s  [5/7] RUN --mount=type=cache,target=/root/.cache/pip pip install" in shown
    assert "7 differences: byte-code cache\n" in shown
    assert "  and 2 more\n" in shown
    assert "\nERROR: Could not find a version" in shown
    assert shown.count("<details open>\n<summary>4 differences between the images") == 1
    assert shown.count("<details>\n<summary>12 differences between the images") == 1


@pytest.mark.parametrize("verification", [*ALL, HOSTILE], ids=lambda verification: verification.path[:20])
def test_markdown_is_built_as_meant_whatever_the_names(verification: Verification) -> None:
    tokens = GFM.parse(markdown.render([verification]))
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    folds = [block for block in blocks if block != "</details>"]
    assert len(blocks) == 2 * len(folds)
    for fold in folds:
        assert re.fullmatch(r"<details(?: open)?>\n<summary>[^<>]+</summary>", fold)
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "code_inline", "softbreak", "strong_open", "strong_close"}
    assert not any(re.search("[<>@#`|]", child.content) for child in inline if child.type == "text")
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h3"]
    rows = [token for token in tokens if token.type == "tr_open"]
    cells = [token for token in tokens if token.type in ("td_open", "th_open")]
    if verification.scenarios:
        assert len(rows) == len(verification.scenarios) + 1
        assert len(cells) == len(rows) * (5 + len(wording.columns(verification.scenarios, "")))


def test_markdown_shows_a_hostile_name_as_it_is() -> None:
    tokens = GFM.parse(markdown.render([HOSTILE]))
    codes = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
    name = printable(HOSTILE_NAME)
    assert set(codes) == {name, name.replace("|", "\\x7c"), "source-edit", "new-base"}
    blocks = [token.content for token in tokens if token.type == "fence"]
    assert f"{HOSTILE_LOG}\n" in blocks
    assert any(f"  {name}"[: markdown.LONGEST - 20] in block for block in blocks)


@pytest.mark.parametrize("name", ["`", "``", "a`", " a ", " ", "a``b`c", "a\\", "|", "\\|", "a|b\\|c\\", "*a*", "&lt;"])
def test_a_code_span_holds_any_text_also_in_a_table(name: str) -> None:
    ((_, paragraph, _),) = [GFM.parse(f"x {markdown.code(name)} x")]
    (_, code, _) = paragraph.children or ()
    assert (code.type, code.content) == ("code_inline", name)
    tokens = GFM.parse(f"| a | b |\n|---|---|\n| {markdown.cell(name)} | x |\n")
    contents = [token.children for token in tokens if token.type == "inline"][2:]
    assert [[(child.type, child.content) for child in children or ()] for children in contents] == [
        [("code_inline", name.replace("|", "\\x7c"))],
        [("text", "x")],
    ]


def test_markdown_fits_a_comment() -> None:
    differences = tuple(
        Difference(f"/{'x' * 300}/{n}", "extra", "", "file", cause) for n in range(5000) for cause in (None, LOG)
    )
    log = "\n".join(f"line {n}" for n in range(5000))
    huge = replace(PYTHON, verdict=Verdict.DIFFERENT, differences=differences, scenarios=(), before=Side(log=log))
    shown = markdown.render([huge])
    assert len(shown) < 65_536
    assert max(map(len, shown.splitlines())) == markdown.LONGEST + len("…")
    assert "5000 differences: unexplained\n" in shown
    assert "  and 4900 more\n" in shown
    assert "\nline 4999\n" in shown
    assert "\nline 4899\n" not in shown


def test_the_pages_policy_names_its_only_style_sheet() -> None:
    page = html.render(ALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"<script|<img|<iframe|<object|\sstyle=|\son\w+=|\bsrc=|url\(|@import|https?:", page)


def test_the_page_shows_a_hostile_name_as_text() -> None:
    page = html.render([HOSTILE])
    page.encode("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\\xff \\u202e {{ 7 * 7 }}" in page


@pytest.mark.parametrize("verdict", Verdict)
def test_the_page_has_a_colour_for_each_verdict(verdict: Verdict) -> None:
    page = html.render([Verification("Dockerfile", verdict)])
    (name,) = re.findall(r'class="verdict ([\w-]+)"', page)
    assert re.search(rf"\.{name}\b[^{{]*\{{ color:", page)


def test_the_page_says_when_nothing_differs() -> None:
    assert "None: every file and every setting is the same." in html.render([replace(PYTHON, differences=())])
    assert "every setting" not in html.render([NODE, NOT_BUILT, BROKEN, UNCHANGED])


def test_the_page_tells_of_one_file_in_its_heading_and_of_several_in_a_list() -> None:
    one = html.render([UNCHANGED])
    assert "<h1>There is nothing to prove: dockerfix changes nothing</h1>" in one
    assert 'class="index"' not in one
    several = html.render(ALL)
    assert "<h1>5 Dockerfiles: 1 equivalent, 1 different, 1 broken, 1 not built, 1 unchanged</h1>" in several
    assert set(re.findall(r'href="#(\S+)"', several)) == set(re.findall(r'<article id="(\S+)"', several))


def scenario(before: Timing | None, after: Timing | None = None) -> Scenario:
    return Scenario("source-edit", "edit app.py", before, after)


def ran(*seconds: float) -> tuple[StepTime, ...]:
    return tuple(StepTime(f"[{number}/9] RUN {number}", s, cached=False) for number, s in enumerate(seconds, start=1))


CACHED = StepTime("[1/9] FROM base", 0.0, cached=True)


def test_a_picture_has_one_scale_for_both_sides() -> None:
    (picture,) = pictures([scenario(Timing((20.0,), ran(5, 15)), Timing((10.0,), ran(10)))])
    before, after = ([s.width for s in bar.segments] for bar in picture.bars)
    assert before == pytest.approx([(99 - picture.zero) * share for share in (0.25, 0.75)])
    assert after == pytest.approx([sum(before) / 2])
    assert [tick.label for tick in picture.ticks] == ["0 s", "5 s", "10 s", "15 s", "20 s"]
    assert (picture.ticks[0].x, picture.ticks[-1].x) == pytest.approx((picture.zero, 99))


def test_time_outside_of_the_steps_is_shown_at_the_end() -> None:
    (picture,) = pictures([scenario(Timing((12.0,), ran(3, 6)))])
    (bar,) = picture.bars
    *steps, rest = bar.segments
    assert (rest.kind, rest.title, bar.clock) == (Kind.OWN, "outside of all steps: 3.00 s", None)
    assert rest.x == pytest.approx(steps[-1].x + steps[-1].width)
    assert rest.x + rest.width == pytest.approx(99)


def test_steps_side_by_side_go_beyond_the_clock() -> None:
    (picture,) = pictures([scenario(Timing((8.0,), ran(6, 4)))])
    (bar,) = picture.bars
    assert {segment.kind for segment in bar.segments} == {Kind.RAN}
    assert bar.clock == pytest.approx(picture.zero + 0.8 * (99 - picture.zero))


def test_the_steps_belong_to_the_repeat_with_the_lower_median() -> None:
    (picture,) = pictures([scenario(Timing((9.0, 5.0), ran(5)))])
    assert [segment.kind for segment in picture.bars[0].segments] == [Kind.RAN]


def test_cached_steps_stand_in_the_margin_in_their_order() -> None:
    steps = (CACHED, *ran(4), replace(CACHED, name="[2/9] COPY . ."))
    (picture,) = pictures([scenario(Timing((4.0,), steps))])
    first, second, step = picture.bars[0].segments
    assert (first.title, second.title) == ("[1/9] FROM base: cached", "[2/9] COPY . .: cached")
    assert first.x + first.width == pytest.approx(second.x)
    assert second.x + second.width == pytest.approx(picture.zero) == step.x


def test_a_cached_step_that_took_time_is_drawn_to_scale() -> None:
    pulled = replace(CACHED, seconds=5.0)
    (picture,) = pictures([scenario(Timing((10.0,), (pulled, *ran(5))))])
    cached, step = picture.bars[0].segments
    assert (cached.kind, cached.x, cached.width) == (Kind.CACHED, picture.zero, pytest.approx(step.width))
    assert cached.title == "[1/9] FROM base: cached, 5.00 s"


def test_all_pictures_have_their_zero_in_one_place_and_room_for_every_cached_step() -> None:
    few, many = (scenario(Timing((1.0,), (CACHED,) * number)) for number in (1, 60))
    one, other = pictures([few, scenario(None), many])
    assert one.zero == other.zero <= 26
    assert min(segment.x for segment in other.bars[0].segments) == pytest.approx(0)


def test_a_build_of_unknown_steps_is_one_segment() -> None:
    (picture,) = pictures([scenario(Timing((7.5,)))])
    (segment,) = picture.bars[0].segments
    assert (segment.kind, segment.title, segment.label) == (Kind.RAN, "the whole build: 7.50 s", "the whole build")


def test_the_builders_own_steps_are_set_apart() -> None:
    own = StepTime("exporting to image", 4.0, cached=False, internal=True)
    timing = Timing((10.0,), (*ran(6), own))
    (picture,) = pictures([scenario(timing)])
    assert [segment.kind for segment in picture.bars[0].segments] == [Kind.RAN, Kind.OWN]
    assert wording.steps_run(timing) == "1/1"
    assert wording.steps_run(Timing((4.0,), (own,))) == wording.NOTHING
    assert wording.work(Timing((4.0,), (own,), 10)) == "10 bytes of the context sent"


def test_a_wide_segment_is_labelled_with_the_command() -> None:
    name = "[stage-0 4/7] RUN --mount=type=cache,target=/a --mount=type=bind,target=. pip install -r requirements.txt"
    steps = (StepTime(name, 9.0, cached=False), *ran(0.5))
    (picture,) = pictures([scenario(Timing((9.5,), steps))])
    assert [segment.label for segment in picture.bars[0].segments] == ["RUN pip install -r requirements.txt", ""]


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (0.7, ["0 s", "0.2 s", "0.4 s", "0.6 s"]),
        (31.4, ["0 s", "10 s", "20 s", "30 s"]),
        (61.0, ["0 s", "20 s", "40 s", "60 s"]),
        (0.3, ["0 s", "0.1 s", "0.2 s", "0.3 s"]),
        (1900.0, ["0 s", "500 s", "1000 s", "1500 s"]),
    ],
)
def test_the_axis_has_round_numbers(span: float, labels: list[str]) -> None:
    (picture,) = pictures([scenario(Timing((span,)))])
    assert [tick.label for tick in picture.ticks] == labels


def test_differences_are_grouped_by_cause_the_worst_first_and_noise_last() -> None:
    found = [Difference("/x", "content", "", "", cause) for cause in (NOISE, LOG, IGNORED, None, CACHE, "allowed")]
    groups = wording.groups(replace(PYTHON, differences=tuple(found)))
    assert [(group.title, group.essential) for group in groups] == [
        ("unexplained", True),
        (IGNORED, True),
        ("allowed", False),
        (LOG, False),
        (CACHE, False),
        (f"noise: {NOISE}", False),
    ]


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(11.26, "11.3 times faster"), (1.04, "equally fast"), (0.96, "equally fast"), (0.5, "2.0 times slower")],
)
def test_a_ratio_in_words(ratio: float, words: str) -> None:
    assert wording.faster(ratio) == words


def test_a_path_left_out_behind_several_edits_is_one_path() -> None:
    twice = [Difference("/x", "missing", "file", "", IGNORED, edit) for edit in ("", "source-edit")]
    shown = wording.finding(replace(PYTHON, differences=tuple(twice)))
    assert shown == "the rewritten Dockerfile makes the same image, but for 1 path left out by .dockerignore"


def test_a_single_difference_is_told_in_the_singular() -> None:
    assert wording.finding(HOSTILE).endswith(": 1 difference is unexplained")


@pytest.mark.parametrize(
    ("before", "after", "growth"),
    [(10, 4, "6 bytes smaller"), (4, 5, "1 byte larger"), (4, 4, "same size"), (4, None, "")],
)
def test_how_an_image_has_grown(before: int, after: int | None, growth: str) -> None:
    assert wording.growth(replace(PYTHON, before=Side(before), after=Side(after))) == growth


def test_text_is_made_printable_and_nothing_else() -> None:
    assert printable("é → 漢 🐳\u00a0a\tb\x00\u202e\ud800\udc80\x9b\u2028") == (
        "é → 漢 🐳\\xa0a\\tb\\x00\\u202e\\ud800\\x80\\x9b\\u2028"
    )
    clean = cleaned(PYTHON)
    assert clean == PYTHON
    assert isinstance(clean.verdict, Verdict)


def test_a_log_is_what_a_terminal_would_show() -> None:
    log = "\x1b[91mred\x1b[0m\r\n 10%\r 99%\r\n\ta\x1b]0;title\x07\n\n"
    assert cleaned(Side(log=log)).log == "red\n 99%\n        a\\x1b]0;title\\x07"
