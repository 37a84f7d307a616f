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
def at(tour: Tour, stop: Stop, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of the stop, in the window that the test asks for."""
    context = tour.context(stop.who, **getattr(request, "param", {}))
    page = context.new_page()
    stop.go(tour, page)
    page.wait_for_load_state("networkidle")
    yield page
    context.close()


every_page = pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)


@every_page
@pytest.mark.parametrize(
    "at", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"], indirect=True
)
def test_axe_finds_nothing_serious(at: Page, stop: Stop) -> None:
    """G2: WCAG 2.2 AA as far as a program can see it, in both themes."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    violations = Axe().run(at, options=options).response["violations"]
    told = [
        f"{each['id']}: {each['help']}: {node['html'][:200]}: {node.get('failureSummary', '')}"
        for each in violations
        if each["impact"] in GRAVE
        for node in each["nodes"]
    ]
    assert told == []


@every_page
@pytest.mark.parametrize("at", [{"viewport": {"width": 320, "height": 640}}], ids=["320px"], indirect=True)
def test_nothing_is_wider_than_a_narrow_window(at: Page, stop: Stop) -> None:
    """G2: no page scrolls sideways at 320 px; wide tables scroll within themselves."""
    assert at.evaluate("document.documentElement.scrollWidth") <= 320


@every_page
def test_the_keyboard_reaches_everything_and_shows_where_it_is(at: Page, stop: Stop) -> None:
    """G2: the skip link comes first and leads to the content; after it the focus can be seen wherever it goes."""
    if at.locator(".skip").count() and not at.locator("dialog[open]").count():
        at.keyboard.press("Tab")  # from here on the browser knows that somebody uses the keyboard
        at.locator(".skip").focus()
        assert at.evaluate(FOCUS_SHOWN), at.evaluate(WHERE)
        assert at.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
        at.keyboard.press("Enter")
        assert at.evaluate("document.activeElement.id") == "main"
    for _ in range(12):
        at.keyboard.press("Tab")
        if at.evaluate("document.activeElement === document.body"):
            break  # the end of the page
        if at.evaluate("document.activeElement.tagName") == "IFRAME":
            continue  # the focus is within a page that is not ours
        assert at.evaluate(FOCUS_SHOWN), at.evaluate(WHERE)
