"""The page of `dockerfix verify` in a real browser: what it loads, shows and measures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from chromium import Browser
from proofs import ALL, HOSTILE, HOSTILE_NAME, NODE, PYTHON
from selenium.webdriver.common.keys import Keys

from rewrite.report.proof import html
from rewrite.report.proof.printable import printable

pytestmark = pytest.mark.browser

NOWHERE = "http://127.0.0.1:9/picture.png"
OPEN = "document.querySelectorAll('details').forEach(details => details.open = true);"
RIGHT = """
const boxes = [...document.querySelectorAll("main *")].map(element => element.getBoundingClientRect());
return Math.max(...boxes.map(box => box.right));
"""
CELLS = """
return [...document.querySelectorAll(".summary tr")].map(row =>
  [...row.cells].filter(cell => cell.checkVisibility()).map(cell => {
    const { left, right } = cell.getBoundingClientRect();
    return { text: cell.textContent, left, right };
  }));
"""
BARS = """
const box = element => {
  const { left, right, width } = element.getBoundingClientRect();
  return { left, right, width };
};
return [...document.querySelectorAll("svg.picture")].map(picture => ({
  label: picture.getAttribute("aria-label"),
  ticks: [...picture.querySelectorAll(".tick")].map((tick, index) => ({
    label: tick.textContent, at: box(picture.querySelectorAll(".grid")[index]).left,
  })),
  bars: [...picture.querySelectorAll("g.bar")].map(bar => ({
    text: bar.querySelector("text").textContent,
    clock: bar.querySelector(".clock") && box(bar.querySelector(".clock")).left,
    segments: [...bar.querySelectorAll("rect")].map(rect => {
      const { fill, stroke, strokeWidth } = getComputedStyle(rect);
      const title = rect.querySelector("title").textContent;
      return { title, kind: rect.classList[0], fill, stroke, strokeWidth, ...box(rect) };
    }),
  })),
}));
"""
# The colours of all text that shows, with what is behind it: for a label, the segment that it lies on.
COLOURS = """
const clear = colour => colour === "none" || /^rgba\\(.*, 0\\)$/.test(colour);
const behind = element => {
  const label = element.closest(".label");
  const fill = label && getComputedStyle(label.parentElement.previousElementSibling).fill;
  if (fill && !clear(fill)) return fill;
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!clear(colour)) return colour;
  }
};
return [...document.body.querySelectorAll("*")]
  .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
  .filter(element => element.tagName !== "title" && element.checkVisibility())
  .map(element => {
    const style = getComputedStyle(element);
    const svg = element instanceof SVGElement;
    return [element.textContent.trim().slice(0, 60), svg ? style.fill : style.color, behind(element)];
  });
"""


def seconds(title: str) -> float:
    """Return the seconds that a segment's title ends with."""
    match = re.search(r" ([\d.]+) s$", title)
    return float(match[1]) if match else 0.0


def scale(picture: dict[str, Any]) -> float:
    """Return the pixels per second of a picture's axis."""
    first, last = picture["ticks"][0], picture["ticks"][-1]
    return (last["at"] - first["at"]) / (seconds(" " + last["label"]) - seconds(" " + first["label"]))


def luminance(colour: str) -> float:
    """Return the relative luminance of a computed colour (WCAG 2)."""
    match = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour)
    assert match, colour
    parts = [int(part) / 255 for part in match.groups()]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2), from 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def segments(pictures: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for picture in pictures:
        for bar in picture["bars"]:
            yield from (segment for segment in bar["segments"] if segment["kind"] == kind)


def test_the_page_loads_nothing_and_complains_of_nothing(browser: Browser) -> None:
    browser.show(html.render([*ALL, HOSTILE]))
    assert browser.requests() == []
    assert browser.complaints() == []


def test_a_request_and_a_complaint_would_be_seen(browser: Browser) -> None:
    browser.show(f"<title>page</title><img src='{NOWHERE}'><script>document.title = 'run'</script>")
    assert browser.requests() == [NOWHERE]
    assert any("ERR_" in complaint for complaint in browser.complaints())
    assert browser.driver.title == "run"


def test_the_policy_stops_what_is_not_the_pages_own(browser: Browser) -> None:
    foreign = (
        f"<img src='{NOWHERE}'><script>document.title = 'run'</script><style>h1 {{ color: rgb(1, 2, 3) }}</style>"
        "<h1 style='color: rgb(1, 2, 3)'>foreign</h1>"
    )
    browser.show(html.render([PYTHON]).replace("</main>", f"{foreign}</main>"))
    colours = browser.run("return [...document.querySelectorAll('h1')].map(h1 => getComputedStyle(h1).color)")
    assert len(colours) == 2
    assert "rgb(1, 2, 3)" not in colours
    assert "equivalent" in browser.driver.title
    complaints = "\n".join(browser.complaints())
    for directive in ("img-src", "script-src", "style-src"):
        assert directive in complaints


def test_each_measured_scenario_has_its_picture_with_both_bars(browser: Browser) -> None:
    browser.show(html.render([PYTHON, NODE]))
    pictures = browser.run(BARS)
    measured = [s for verification in (PYTHON, NODE) for s in verification.scenarios if not s.skipped]
    assert [picture["label"].partition(":")[0] for picture in pictures] == [scenario.name for scenario in measured]
    for picture, scenario in zip(pictures, measured, strict=True):
        assert scenario.before and scenario.after
        assert [" ".join(bar["text"].split()) for bar in picture["bars"]] == [
            f"Before {scenario.before.median:.1f} s",
            f"After {scenario.after.median:.1f} s",
        ]
        for bar, timing in zip(picture["bars"], (scenario.before, scenario.after), strict=True):
            shown = [s for s in bar["segments"] if not s["title"].startswith("outside of all steps")]
            names = [step.name for step in timing.steps] or ["the whole build"]
            assert sorted(segment["title"].rpartition(": ")[0] for segment in shown) == sorted(names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_cached_steps_are_hollow_and_the_others_filled(browser: Browser, scheme: str) -> None:
    browser.show(html.render([PYTHON]), width=360, scheme=scheme)
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    pictures = browser.run(BARS)
    cached = list(segments(pictures, "cached"))
    assert len(cached) == sum(
        step.cached for s in PYTHON.scenarios for timing in (s.before, s.after) if timing for step in timing.steps
    )
    for segment in cached:
        assert segment["fill"] == "none"
        assert float(segment["strokeWidth"].removesuffix("px")) >= 1
        assert contrast(segment["stroke"], paper) >= 3
        assert segment["width"] >= 4
    for segment in segments(pictures, "ran"):
        assert contrast(segment["fill"], paper) >= 3
    for segment in segments(pictures, "own"):
        assert segment["fill"] != paper


@pytest.mark.parametrize("width", [360, 1200])
def test_widths_are_the_seconds_of_the_axis(browser: Browser, width: int) -> None:
    browser.show(html.render([PYTHON, NODE]), width=width)
    for picture in browser.run(BARS):
        pixels = scale(picture)
        zero = picture["ticks"][0]["at"]
        for bar in picture["bars"]:
            timed = [s for s in bar["segments"] if s["left"] > zero - 1]
            for segment in timed:
                # Titles are rounded to hundredths of a second, boxes to fractions of a pixel.
                assert abs(segment["width"] - seconds(segment["title"]) * pixels) <= 0.006 * pixels + 0.1
            assert abs(timed[0]["left"] - zero) < 1
            for one, next_one in pairwise(timed):
                assert abs(one["right"] - next_one["left"]) < 0.1


def test_cached_steps_that_took_no_time_stand_left_of_zero(browser: Browser) -> None:
    browser.show(html.render([PYTHON]))
    pictures = browser.run(BARS)
    for picture in pictures:
        zero = picture["ticks"][0]["at"]
        for segment in segments([picture], "cached"):
            assert (segment["right"] <= zero + 1) == segment["title"].endswith(": cached")
    assert any(not segment["title"].endswith(": cached") for segment in segments(pictures, "cached"))


def test_the_clock_is_marked_where_steps_ran_side_by_side(browser: Browser) -> None:
    browser.show(html.render([PYTHON, NODE]))
    pictures = browser.run(BARS)
    marked = {picture["label"]: picture for picture in pictures if any(bar["clock"] for bar in picture["bars"])}
    (picture,) = marked.values()
    for bar, clock in zip(picture["bars"], (31.2, 34.5), strict=True):
        assert abs(bar["clock"] - picture["ticks"][0]["at"] - clock * scale(picture)) < 2


def test_a_hostile_name_is_only_text(browser: Browser) -> None:
    browser.show(html.render([HOSTILE]))
    assert browser.driver.title == "1 Dockerfile: 1 different - dockerfix verify"
    assert browser.run("return document.querySelectorAll('script, img, [onerror]').length") == 0
    titles = browser.run("return [...document.querySelectorAll('rect title')].map(title => title.textContent)")
    assert f"{printable(HOSTILE_NAME)}: 8.00 s" in titles
    names = browser.run("return [...document.querySelectorAll('.steps code')].map(code => code.textContent)")
    assert names == [printable(HOSTILE_NAME)] * 4


@pytest.mark.parametrize("width", [360, 480, 704, 720, 832, 848, 1024, 1040, 1600])
@pytest.mark.parametrize("verifications", [ALL, [HOSTILE]], ids=["all", "hostile"])
def test_nothing_is_wider_than_the_window(browser: Browser, verifications: Any, width: int) -> None:
    browser.show(html.render(verifications), width=width)
    browser.run(OPEN)
    scrolled, seen = browser.run("const page = document.documentElement; return [page.scrollWidth, page.clientWidth]")
    assert scrolled == seen <= width
    assert browser.run(RIGHT) <= seen


def test_nothing_is_wider_than_a_sheet_of_paper(browser: Browser) -> None:
    browser.show(html.render(ALL), width=718, media="print")
    assert browser.run(RIGHT) <= 718
    assert browser.run("return document.querySelector('.summary .wide:not(.title)').checkVisibility()")


@pytest.mark.parametrize(("width", "columns"), [(1200, 8), (1000, 7), (800, 4), (360, 4)])
def test_the_values_stand_below_their_headings(browser: Browser, width: int, columns: int) -> None:
    browser.show(html.render([PYTHON]), width=width)
    rows = browser.run(CELLS)
    headings, *measured = [row for row in rows if len(row) == len(rows[0])]
    assert (len(headings), len(measured)) == (columns, 6)
    for row in measured:
        for heading, cell in zip(headings, row, strict=True):
            assert (heading["left"], heading["right"]) == (cell["left"], cell["right"])
    after = [heading["text"] for heading in headings].index("After")
    assert measured[2][after]["text"] == "2.0 s"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(browser: Browser, scheme: str) -> None:
    browser.show(html.render(ALL), scheme=scheme)
    browser.run(OPEN)
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.05) == (scheme == "dark")
    colours = browser.run(COLOURS)
    assert any("RUN pip install" in text and behind != paper for text, _, behind in colours)
    assert [(text, c) for text, front, behind in colours if (c := contrast(front, behind)) < 4.5] == []


def test_the_steps_are_reached_by_keyboard(browser: Browser) -> None:
    browser.show(html.render([NODE]))
    rows = browser.driver.find_elements("css selector", ".steps td code")
    assert not any(row.is_displayed() for row in rows)
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    summary = browser.driver.switch_to.active_element
    assert summary.text == "Steps of cold"
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    summary.send_keys(Keys.ENTER)
    assert NODE.scenarios[0].before
    names = [step.name for step in NODE.scenarios[0].before.steps]
    assert [row.text for row in rows if row.is_displayed()] == names * 2


def test_paper_shows_what_is_folded_on_the_screen(browser: Browser) -> None:
    visible = "return [...document.querySelectorAll('td')].every(cell => cell.checkVisibility())"
    browser.show(html.render([PYTHON]), scheme="dark")
    assert not browser.run(visible)
    browser.show(html.render([PYTHON]), scheme="dark", media="print")
    assert browser.run(visible)
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
