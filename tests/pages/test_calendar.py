"""The page of the blackout calendar, and what the builder and a schedule's page say of it (A7, A13)."""

from __future__ import annotations

import io
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from portal import audit
from portal.extensions import db
from portal.models import BlackoutDay, OnBlackout, Role, Schedule, User, write_session
from portal.schedules.blackouts import Entry, add_days
from tests.support.cast import LONG_AGO, Cast
from tests.support.schedules import make_schedule

pytestmark = pytest.mark.usefixtures("moved_clock")

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CHRISTMAS = date(2026, 12, 25)
FRIDAYS = {"freq": "weekly", "weekdays": [5], "time": "08:00"}
ICS = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"
    b"BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas <b>off</b>\r\nEND:VEVENT\r\n"
    b"BEGIN:VEVENT\r\nUID:2\r\nDTSTART;VALUE=DATE:20261226\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n"
)


def days() -> list[tuple[str, str, str]]:
    db.session.rollback()
    found = db.session.scalars(sa.select(BlackoutDay).where(BlackoutDay.removed_at.is_(None)).order_by(BlackoutDay.day))
    return [(each.day.isoformat(), each.name, each.source) for each in found]


def put_in(cast: Cast, *entries: Entry) -> None:
    wanted = entries or (Entry(CHRISTMAS, "Christmas Day"),)
    add_days(cast.lakeside, wanted, source="typed", actor=audit.operator, now=NOW)


def send(page: Any, name: str, data: bytes) -> Any:
    return page.otto.post("/calendar/file", {"file": (io.BytesIO(data), name)}, content_type="multipart/form-data")


def test_an_empty_calendar_says_what_to_do(page, cast: Cast) -> None:
    answer = page.otto.get("/calendar")
    assert answer.h1 == "Calendar 2026"
    assert "There are none. Add days one by one, a country’s holidays, or a calendar file." in answer.words
    assert "None yet: every schedule runs on these days as on any other." in answer.words
    assert len(answer.find("//table[@class='month']")) == 12
    assert "2, today" in answer.words.replace(" ,", ",")


def test_the_year_shows_its_days_with_their_names_and_the_schedules_that_heed_them(page, cast: Cast) -> None:
    put_in(cast)
    make_schedule(cast.lakeside, cast.otto, name="Weekly", rule=FRIDAYS, on_blackout=OnBlackout.MOVE)
    answer = page.otto.get("/calendar?year=2026")
    [cell] = answer.find("//td[contains(@class, 'off')]")
    assert "".join(cell.itertext()) == "25, Christmas Day"
    assert "Every Friday at 08:00, New York time, moved from blackout days to the next working day" in answer.words
    assert answer.find("//td[contains(@class, 'off')]/ancestor::table/caption/text()") == ["December"]
    assert page.otto.get("/calendar?year=2027").find("//td[contains(@class, 'off')]") == []


@pytest.mark.parametrize("year", ["1", "99999", "-5", "x", "2026'"])
def test_a_year_that_is_none_shows_one_that_is(page, year: str) -> None:
    assert page.otto.get(f"/calendar?year={year}").status == 200


def test_days_are_added_and_taken_out(page, cast: Cast) -> None:
    make_schedule(cast.lakeside, cast.otto, rule=FRIDAYS, on_blackout=OnBlackout.MOVE, now=NOW)
    saved = page.otto.post("/calendar/days", {"name": "Works day", "first": "2026-11-06", "last": "2026-11-07"})
    assert saved.location == "/calendar?year=2026"
    assert days() == [("2026-11-06", "Works day", "typed"), ("2026-11-07", "Works day", "typed")]
    answer = page.otto.get("/calendar")
    assert "2 days added. 1 schedule has another next moment." in answer.words
    chosen = answer.find("//input[@name='ids']/@value")
    assert len(chosen) == 2
    page.otto.post("/calendar/remove?year=2026", {"ids": [str(chosen[0])]})
    assert days() == [("2026-11-07", "Works day", "typed")]
    assert "1 day taken out. 1 schedule has another next moment." in page.otto.get("/calendar").words


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"name": "x", "first": "", "last": ""}, "A date looks like"),
        ({"name": "x", "first": "2026-13-01", "last": ""}, "A date looks like"),
        ({"name": "x", "first": "2026-11-06", "last": "tomorrow"}, "A date looks like"),
        ({"name": "x", "first": "2026-11-06", "last": "2026-11-05"}, "lies before the first"),
        ({"name": "x", "first": "2026-11-06", "last": "2028-11-05"}, "At most 366 days"),
        ({"name": " ", "first": "2026-11-06", "last": ""}, "Give the day a name"),
        ({"name": "a\x00b", "first": "2026-11-06", "last": ""}, "hidden character"),
    ],
)
def test_a_day_that_cannot_be_added_is_kept_in_the_form_with_a_sentence(
    page, answers: dict[str, str], sentence: str
) -> None:
    answer = page.otto.post("/calendar/days", answers)
    assert answer.status == 400
    assert len(answer.find("//div[@class='error-summary']//li")) == 1
    assert sentence in answer.words
    assert days() == []


def test_the_holidays_of_a_region_are_seen_before_they_are_added(page, cast: Cast) -> None:
    put_in(cast)
    seen = page.otto.get("/calendar/holidays?country=DE&region=BY&year=2026")
    assert "Epiphany" in seen.words
    assert "in the calendar already" in seen.words
    assert len(days()) == 1
    form = next(each for each in seen.find("//main//form") if each.get("method") == "post")
    sent = {each.get("name"): each.get("value") for each in form.findall(".//input[@type='hidden']")}
    page.otto.post("/calendar/holidays", sent)
    assert ("2026-01-06", "Epiphany", "Holidays of Germany, Bayern") in days()
    assert "1 day was in it already." in page.otto.get("/calendar").words


def test_a_country_without_holidays_adds_none_and_says_so(page, cast: Cast) -> None:
    assert page.otto.get("/calendar/holidays?country=BV&year=2026").status == 200
    answer = page.otto.post("/calendar/holidays", {"country": "BV", "region": "", "year": "2026"})
    assert answer.status == 303
    assert "No public holidays are known" in page.otto.get("/calendar/holidays").words
    assert days() == []


@pytest.mark.parametrize(
    "query", ["country=XX", "country=US&region=Nowhere&year=0001", "country=US&year=9999", "country=%27--&year=2026"]
)
def test_what_stands_in_no_list_ends_in_a_sentence(page, query: str) -> None:
    answer = page.otto.get(f"/calendar/holidays?{query}")
    assert answer.status == 400
    assert "Choose" in answer.find("//p[@role='alert']")[0].text
    form = dict(pair.split("=") for pair in query.split("&"))
    assert page.otto.post("/calendar/holidays", form).status == 303
    assert days() == []


def test_a_calendar_file_gives_its_days_and_says_what_it_left_out(page) -> None:
    assert send(page, "off\u202e days.ics", ICS).status == 303
    answer = page.otto.get("/calendar")
    assert "1 event of the file could not be read and left out." in answer.words
    assert "1 day added." in answer.words
    assert "Christmas <b>off</b>" in answer.words
    [(_, _, source)] = days()
    assert source.isprintable()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"x" * 1_000_100, b"BEGIN:VEVENT\n" * 10_001])
def test_a_hostile_file_ends_in_one_sentence_at_its_field(page, data: bytes) -> None:
    answer = send(page, "days.ics", data)
    assert answer.status == 400
    assert len(answer.find("//div[@class='error-summary']//li")) == 1
    assert days() == []
    assert page.otto.post("/calendar/file").status == 400


def test_a_viewer_looks_and_changes_nothing(page, cast: Cast) -> None:
    put_in(cast)
    viewer = User(
        id=uuid.uuid4(), organization_id=cast.lakeside, email="vera@example.org", name="Vera", role=Role.VIEWER,
        active=True, created_at=LONG_AGO,
    )  # fmt: skip
    with write_session() as session:
        session.add(viewer)
    vera = page.of(viewer.id)
    answer = vera.get("/calendar")
    assert "Christmas Day" in answer.words
    assert answer.find("//main//form") == []
    for verb in ("days", "file", "remove", "holidays"):
        assert vera.post(f"/calendar/{verb}").status == 403
    assert vera.get("/calendar/holidays").status == 403


def test_another_organization_sees_and_removes_nothing(page, cast: Cast) -> None:
    put_in(cast)
    [day_id] = page.otto.get("/calendar").find("//input[@name='ids']/@value")
    assert "Christmas" not in page.stella.get("/calendar").words
    page.stella.post("/calendar/remove", {"ids": [str(day_id), "nonsense"]})
    assert len(days()) == 1


# ---- the builder and a schedule's page


def answers(page: Any, **more: str) -> dict[str, Any]:
    return {
        "name": "Open cases",
        "export_type": "FLAT_FILE",
        "format": "CSV",
        "delimiter": ",",
        "period": "previous_month",
        "investigations": "3",
        "repeats": "weekly",
        "weekdays": ["5"],
        "time": "08:00",
        "timezone": "America/New_York",
        "interval": "1",
        "date_field": "created_at",
        "catch_up": "LATEST",
        "grace": "",
        "on_blackout": "RUN",
        "recipients": "priya@example.org",
        "attach": "y",
        "step": "save",
        "owner_id": str(page.cast.otto),
        **more,
    }


def saved(page: Any, **more: str) -> Schedule:
    answer = page.otto.post("/schedules/new", answers(page, **more))
    assert answer.status == 303, answer.words
    db.session.rollback()
    return db.session.scalars(sa.select(Schedule)).one()


def test_the_builder_keeps_what_was_chosen(page, cast: Cast) -> None:
    schedule = saved(page, on_blackout="MOVE", wait="y", ready_by="12:00", grace="14400")
    assert (schedule.on_blackout, schedule.ready_by, schedule.grace_seconds) == (OnBlackout.MOVE, "12:00", 14400)
    assert schedule.on_blackout_since == NOW
    form = page.otto.get(f"/schedules/{schedule.id}/edit")
    assert form.find("//input[@name='on_blackout'][@checked]/@value") == ["MOVE"]
    assert form.find("//input[@name='ready_by']/@value") == ["12:00"]
    assert form.find("//input[@name='wait'][@checked]")
    assert form.find("//select[@name='grace']/option[@selected]/@value") == ["14400"]
    page.otto.post(f"/schedules/{schedule.id}/duplicate")
    db.session.rollback()
    copies = db.session.scalars(sa.select(Schedule).where(Schedule.id != schedule.id)).one()
    assert (copies.on_blackout, copies.ready_by, copies.grace_seconds) == (OnBlackout.MOVE, "12:00", 14400)


def test_its_page_says_all_of_it_in_words(page, cast: Cast) -> None:
    schedule = saved(page, on_blackout="SKIP", wait="y", ready_by="12:00", grace="14400")
    answer = page.otto.get(f"/schedules/{schedule.id}")
    assert (
        "Every Friday once the import of the day is in, between 08:00 and 12:00, New York time, "
        "skipped on blackout days"
    ) in answer.words
    assert "Make up for: the latest one, if it is no later than 4 hours" in answer.words


def test_a_latest_time_before_the_time_is_told_at_its_field(page) -> None:
    answer = page.otto.post("/schedules/new", answers(page, wait="y", ready_by="07:00"))
    assert answer.status == 400
    [link] = answer.find("//div[@class='error-summary']//a")
    assert (link.get("href"), link.text) == (
        "#ready_by",
        "The latest time must come after 08:00, on the same day: choose a later one.",
    )
    assert page.otto.post("/schedules/new", answers(page, ready_by="nonsense")).status == 303  # not asked to wait


@pytest.mark.parametrize("more", [{"grace": "9999999"}, {"grace": "soon"}, {"on_blackout": "NEVER"}])
def test_a_choice_that_stands_in_no_list_is_refused(page, more: dict[str, str]) -> None:
    answer = page.otto.post("/schedules/new", answers(page, **more))
    assert answer.status == 400
    assert answer.find("//div[@class='error-summary']//a/@href")[0].removesuffix("-0") == f"#{next(iter(more))}"


def test_the_next_ten_show_what_is_skipped_and_what_is_moved(page, cast: Cast) -> None:
    put_in(cast)
    skips = make_schedule(cast.lakeside, cast.otto, rule=FRIDAYS, on_blackout=OnBlackout.SKIP, now=NOW)
    moves = make_schedule(cast.lakeside, cast.otto, rule=FRIDAYS, on_blackout=OnBlackout.MOVE, now=NOW)
    skipped = page.otto.get(f"/schedules/{skips}")
    [struck] = skipped.find("//ol[@class='moments']//s")
    assert "Fri 25 Dec 2026" in "".join(struck.itertext())
    assert "skipped: Christmas Day" in skipped.words
    assert "Mon 28 Dec 2026 08:00 EST UTC-05:00, 13:00 UTC moved from Fri 25 Dec 2026, Christmas Day" in (
        page.otto.get(f"/schedules/{moves}").words
    )
    asked = {**answers(page, on_blackout="MOVE"), "csrf_token": page.otto.csrf_token()}
    preview = page.otto.http.post("/schedules/preview", data=asked)
    assert "moved from Fri 25 Dec 2026, Christmas Day" in preview.text


def test_what_will_be_skipped_is_nobodys_next_run(page, cast: Cast) -> None:
    put_in(cast, Entry(date(2026, 11, 2), "Works day"))
    skips = make_schedule(cast.lakeside, cast.otto, name="Skips", on_blackout=OnBlackout.SKIP)
    make_schedule(cast.lakeside, cast.otto, name="Runs")
    assert "Next run Mon 9 Nov 2026, 08:00 EST" in page.otto.get(f"/schedules/{skips}").words
    assert "1 export is due in the next 24 hours." in page.otto.get("/").words
    assert page.otto.get("/schedules").words.count("(skipped)") == 1
