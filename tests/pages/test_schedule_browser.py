"""The builder in a real browser: the live summary, columns put in order, the warning before a loss (C6, C14)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from portal.models import Category, write_session
from tests.support.cast import Cast
from tests.support.pages_client import COOKIE, session_for
from tests.support.schedules import make_cases
from tests.support.whole_product import browser

pytestmark = [pytest.mark.browser, pytest.mark.one_database]
OPENED = datetime(2020, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    serving.join()


@pytest.fixture
def tab(chromium: Browser, address: str, cast: Cast) -> Iterator[Page]:
    """Otto's browser; whatever a page's script or policy complains of fails the test."""
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": COOKIE, "value": session_for(cast.otto), "url": address}])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    context.close()
    assert not complaints


def choose(tab: Page, words: str) -> None:
    tab.locator("label.choice", has_text=words).first.click()


def test_the_summary_follows_what_is_typed(tab: Page, cast: Cast) -> None:
    make_cases(cast.lakeside, 12, created_at=OPENED)
    tab.goto("/schedules/new")
    expect(tab.get_by_role("button", name="Update")).to_be_hidden()
    choose(tab, "Daily")
    tab.get_by_label("At", exact=True).fill("09:15")
    expect(tab.locator(".said")).to_contain_text("Every day at 09:15, New York time")
    tab.get_by_label("Period", exact=True).select_option("typed")
    tab.get_by_label("Year, quarter or month").fill("2020")
    expect(tab.locator("[data-rows]")).to_have_text("12")
    expect(tab.get_by_role("status").last).to_contain_text("Rows: 12")
    expect(tab.locator(".rows tbody tr")).to_have_count(12)
    tab.get_by_label("At", exact=True).fill("")
    expect(tab.locator("[data-part=beside]")).to_contain_text("Once the time and the zone are there")


def test_only_the_fields_of_the_chosen_kind_are_shown(tab: Page) -> None:
    tab.goto("/schedules/new")
    expect(tab.get_by_label("Thursday")).to_be_visible()
    expect(tab.get_by_label("Semicolon")).to_be_hidden()
    choose(tab, "Monthly")
    expect(tab.get_by_label("Thursday")).to_be_hidden()
    expect(tab.get_by_label("Day of the month", exact=True)).to_be_visible()
    choose(tab, "A working day")
    expect(tab.get_by_label("Day of the month", exact=True)).to_be_hidden()
    expect(tab.get_by_label("Which working day")).to_be_visible()
    choose(tab, "CSV")
    tab.locator("#fold-file > summary").click()
    expect(tab.get_by_label("Semicolon")).to_be_visible()
    choose(tab, "Board report")
    expect(tab.get_by_label("CSV", exact=True)).to_be_hidden()
    expect(tab.get_by_label("PDF")).to_be_checked()
    expect(tab.locator("#fold-columns")).to_be_hidden()


def test_a_long_list_can_be_searched(tab: Page, cast: Cast) -> None:
    with write_session() as session:
        session.add_all(Category(organization_id=cast.lakeside, name=f"Matter {number}") for number in range(20))
    tab.goto("/schedules/new")
    tab.locator("#which summary", has_text="Category").click()
    tab.get_by_label("Find in the list").first.fill("matter 17")
    expect(tab.locator("input[name=category]:visible")).to_have_count(1)
    tab.get_by_label("Matter 17").check()
    expect(tab.locator("#which summary", has_text="Category")).to_contain_text("Matter 17")
    expect(tab.locator("[data-said=cases]")).to_have_text("Category: Matter 17, with all below")
    expect(tab.locator("[data-rows]")).to_have_text("0")


def test_columns_are_ticked_dragged_and_moved_by_the_arrow_keys(tab: Page) -> None:
    """C6: what stands on the page is what is saved; the columns on offer are those of the contents."""
    tab.goto("/schedules/new")
    tab.locator("#fold-columns > summary").click()
    tab.get_by_label("Those that I choose").check()
    for key in ("case_number", "case_status", "case_priority"):
        tab.locator(f"[name=columns][value={key}]").check()
    last, first = tab.locator("[data-grip]").nth(2), tab.locator("[data-grip]").nth(0)
    last.hover()
    tab.mouse.down()
    box = first.bounding_box()
    assert box is not None
    tab.mouse.move(box["x"] + 4, box["y"] - 2, steps=5)
    tab.mouse.up()
    expect(tab.locator(".placed-name > span")).to_have_text(["Priority", "Case Number", "Status"])
    tab.get_by_label("Move Case Number: drag, or the arrow keys").press("ArrowDown")
    tab.get_by_label("Remove Priority").click()
    expect(tab.locator("[name=columns][value=case_priority]")).not_to_be_checked()
    tab.get_by_label("Own heading of Status").fill("State")
    expect(tab.locator("[data-said=columns]")).to_have_text("2 chosen columns: State, Case Number")
    choose(tab, "Investigations only")
    expect(tab.get_by_text("Not a column of these contents")).to_have_count(1)
    expect(tab.locator("[data-column-groups] > details")).to_have_count(2)


def test_a_group_with_rows_of_its_own_is_added_in_place(tab: Page, cast: Cast) -> None:
    """C19"""
    with write_session() as session:
        session.add(Category(organization_id=cast.lakeside, name="Conduct", code="CON"))
    tab.goto("/schedules/new")
    tab.get_by_label("Name", exact=True).fill("By unit")
    tab.locator("#fold-own-rows > summary").click()
    for address in ("north@example.org", "south@example.org"):
        tab.get_by_role("button", name="Add a group").click()
        expect(tab.locator("[data-own-group] textarea").last).to_be_focused()
        tab.keyboard.type(address)
    tab.get_by_role("button", name="Remove the group").first.click()
    tab.locator("[data-own-group] summary", has_text="Category").click()
    tab.locator("[data-own-group]").get_by_label("Conduct").check()
    tab.get_by_role("button", name="Check your answers").click()
    expect(tab.locator("main")).to_contain_text("south@example.org only: Category: Conduct")
    expect(tab.locator("main")).not_to_contain_text("north@example.org")


def test_leaving_with_something_typed_asks_first(tab: Page) -> None:
    tab.goto("/schedules/new")
    tab.get_by_label("Name", exact=True).fill("Almost lost")
    asked: list[str] = []

    def stay(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.dismiss()  # type: ignore[attr-defined]

    tab.on("dialog", stay)
    tab.get_by_role("link", name="Leave").click()
    tab.wait_for_function("true")
    assert asked == ["beforeunload"]
    expect(tab.get_by_label("Name", exact=True)).to_have_value("Almost lost")


def test_from_the_form_to_a_saved_schedule_with_the_keyboard_alone(tab: Page) -> None:
    tab.goto("/schedules/new")
    tab.get_by_label("Name", exact=True).focus()
    tab.keyboard.type("By keyboard")
    tab.keyboard.press("Enter")
    expect(tab.locator(".error-summary")).to_be_focused()
    tab.locator(".error-summary a").first.focus()
    tab.keyboard.press("Enter")
    tab.get_by_label("Recipients").focus()
    tab.keyboard.type("priya@example.org")
    tab.get_by_role("button", name="Check your answers").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("Check your answers")
    tab.get_by_role("button", name="Save schedule").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("h1")).to_have_text("By keyboard")


@pytest.mark.parametrize("path", ["/schedules", "/schedules/new"])
def test_nothing_is_wider_than_a_phone(tab: Page, path: str) -> None:
    tab.set_viewport_size({"width": 320, "height": 800})
    tab.goto(path)
    assert tab.evaluate("document.documentElement.scrollWidth") == 320
