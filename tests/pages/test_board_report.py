"""The board report as a page (C20): the figures of a period, as each person may see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from portal.models import AuditEvent, Case, CaseRestriction, RestrictionKind, write_session
from tests.exports.board_report.random_register import fill_by_chance

NOW = datetime(2026, 11, 2, 13, tzinfo=UTC)


@pytest.fixture(autouse=True)
def monday(moved_clock):
    """Monday 2 November 2026, 08:00 in New York."""
    moved_clock.set(NOW)


@pytest.fixture
def register(cast):
    fill_by_chance(cast.lakeside, 120, 1, [NOW - timedelta(days=20), NOW - timedelta(days=50)])


def number(answer, key: str) -> str:
    return "".join(answer.find(f"//*[@id='{key}']//p[@class='kpi-number']")[0].itertext())


def test_it_is_of_the_last_complete_month_unless_asked(page, register):
    answer = page.otto.get("/board-report")
    assert "1 October 2026 to 31 October 2026, New York time" in answer.words
    assert "compared with September 2026" in answer.words
    assert int(number(answer, "opened")) > 0
    assert len(answer.find("//ul[@class='said-list']/li")) > 5
    assert len(answer.find("//*[@class='kpi']")) == 9
    earlier = page.otto.get("/board-report?period=2026-09")
    assert f"from {number(earlier, 'opened')}" in answer.words
    some_days = page.otto.get("/board-report?first=2026-09-10&last=2026-09-20")
    assert "10 September 2026 to 20 September 2026" in some_days.words


def test_each_figure_says_how_it_is_computed(page, register):
    answer = page.otto.get("/board-report")
    assert "Out of cases closed in the period with outcome Substantiated" in answer.words
    targets = {each.get("href")[1:] for each in answer.find("//ul[@class='said-list']//a")}
    assert targets <= {each.get("id") for each in answer.find("//*[@id]")}


def test_whoever_is_kept_from_a_case_sees_none_of_it(page, cast, register):
    """C18: the same address shows each of them their own figures."""
    with write_session() as db:
        case = db.scalars(
            sa.select(Case).where(
                Case.created_at >= NOW - timedelta(days=30), Case.created_at < NOW - timedelta(days=3)
            )
        ).first()
        db.add(
            CaseRestriction(
                organization_id=cast.lakeside, case_id=case.id, kind=RestrictionKind.BY_HAND, email="otto@example.org"
            )
        )
    whole, less = page.ana.get("/board-report"), page.otto.get("/board-report")
    assert int(number(whole, "opened")) == int(number(less, "opened")) + 1


def test_an_empty_register_says_so(page, cast):
    answer = page.otto.get("/board-report")
    assert "In October 2026 no case was opened and none was closed." in answer.words
    assert number(answer, "substantiated") == "–"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("period=2026-13", "A period of a year, quarter or month looks like"),
        ("period=2027-01", "That period has not begun"),
        ("first=2026-10-05", "A period of fixed dates looks like"),
        ("period=all", "Choose a period that begins and ends."),
        ("business_unit=Nowhere", 'There is no business unit "Nowhere"'),
    ],
)
def test_what_cannot_be_had_ends_in_a_sentence(page, register, asked, words):
    answer = page.otto.get(f"/board-report?{asked}")
    assert words in answer.words
    assert answer.find("//*[@class='error-summary']")
    assert "1 October 2026 to 31 October 2026" in answer.words


def test_its_filters_narrow_every_figure(page, register):
    whole = page.otto.get("/board-report")
    part = page.otto.get("/board-report?period=2026-10&business_unit=Unit+1&category=Fraud")
    assert int(number(part, "opened")) < 5 < int(number(whole, "opened"))
    assert "usiness unit Unit 1" in part.words
    assert number(part, "anonymous") == "hidden"  # of a few cases it would tell who reported


def test_it_leads_into_the_builder(page, register):
    """What is shown becomes a schedule: of a month the previous one each time, with the same filters."""
    answer = page.otto.get("/board-report?period=2026-10&business_unit=Unit+1")
    (link,) = [each.get("href") for each in answer.find("//a[starts-with(@href, '/schedules/new')]")]
    form = page.otto.get(link)
    chosen = {each.get("name"): each.get("value") for each in form.find("//input[@type='radio'][@checked]")}
    chosen |= {each.getparent().get("name"): each.get("value") for each in form.find("//select/option[@selected]")}
    assert (chosen["export_type"], chosen["format"], chosen["period"]) == ("BOARD_REPORT", "PDF", "previous_month")
    assert chosen["repeats"] == "monthly"
    assert "Unit 1" in form.text


def test_the_report_is_made_for_whoever_asks_and_that_is_written_down(page, register):
    answer = page.otto.get("/board-report/file?format=PPTX&period=2026-10")
    assert answer.status == 200
    assert answer.data.startswith(b"PK")
    assert answer.headers["Content-Disposition"].endswith(".pptx")
    with write_session() as db:
        event = db.scalars(sa.select(AuditEvent).where(AuditEvent.action == "board_report.downloaded")).one()
    assert event.actor_name == "otto@example.org"


def test_a_format_that_there_is_not_is_not_found(page, register):
    assert page.otto.get("/board-report/file?format=EXE").status == 404


def test_no_report_is_made_of_what_cannot_be_had(page, register):
    answer = page.otto.get("/board-report/file?format=PDF&period=2026-13")
    assert answer.status == 303
    assert "A period of a year, quarter or month looks like" in page.otto.get(answer.location).words
