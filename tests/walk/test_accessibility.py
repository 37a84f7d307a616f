"""Every page holds for everybody: axe finds nothing serious, the keyboard reaches it, it fits a narrow window (G2)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.support.tour import STOPS, Stop, Tour
from tests.support.whole_product import Product

pytestmark = pytest.mark.browser
GRAVE = {"serious", "critical"}
# what takes the focus: an outline, or for a check box in a frame of its own the frame's
FOCUS_SHOWN = """() => {
  const seen = [document.activeElement, document.activeElement.closest(".choice, .chosen-row")].filter(Boolean);
  const outlined = (style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return seen.some((each) => outlined(getComputedStyle(each)));
}"""
WHERE = "() => document.activeElement.outerHTML.slice(0, 120)"


@pytest.fixture(scope="session")
def tour(product: Product, chromium: Browser) -> Tour:
    tour = Tour(product, chromium)
    tour.begin()
    return tour


@pytest.fixture
def at(tour: Tour, stop: Stop) -> Iterator[Page]:
    """The page of the stop. It is come to once: what is asked of it is asked one after the other."""
    # without motion: a colour on its way from one theme to the other is none of either
    context = tour.context(stop.who, color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    stop.go(tour, page)
    page.wait_for_load_state("networkidle")
    yield page
    context.close()


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_a_page_holds_for_everybody(at: Page, stop: Stop) -> None:
    """G2: WCAG 2.2 AA as far as a program can see it, in both themes; the keyboard; a narrow window."""
    every_rule = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    assert grave(at, every_rule) == []
    at.emulate_media(color_scheme="dark")
    # nothing but colours is another in the dark
    assert grave(at, {"runOnly": ["color-contrast", "link-in-text-block"]}) == []
    the_keyboard_reaches_everything_and_shows_where_it_is(at)
    at.set_viewport_size({"width": 320, "height": 640})
    assert at.evaluate("document.documentElement.scrollWidth") <= 320, "the page scrolls sideways"


def grave(page: Page, options: dict[str, list[str]]) -> list[str]:
    """What axe finds that is serious or worse."""
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}: {node.get('failureSummary', '')}"
        for each in Axe().run(page, options=options).response["violations"]
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]


def the_keyboard_reaches_everything_and_shows_where_it_is(page: Page) -> None:
    """The skip link comes first and leads to the content; after it the focus can be seen wherever it goes."""
    if page.locator(".skip").count() and not page.locator("dialog[open]").count():
        page.keyboard.press("Tab")  # from here on the browser knows that somebody uses the keyboard
        page.locator(".skip").focus()
        assert page.evaluate(FOCUS_SHOWN), page.evaluate(WHERE)
        assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break  # the end of the page
        if page.evaluate("document.activeElement.tagName") == "IFRAME":
            continue  # the focus is within a page that is not ours
        assert page.evaluate(FOCUS_SHOWN), page.evaluate(WHERE)
