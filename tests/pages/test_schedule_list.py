"""The list of schedules: search, filter, sort, pages, and one act on several (A11)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import AuditEvent, ExportFormat, Run, Schedule, ScheduleState
from portal.schedules import listing
from tests.support.cast import Cast
from tests.support.pages_client import Answer
from tests.support.schedules import make_schedule

pytestmark = pytest.mark.usefixtures("moved_clock")
THEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def names(answer: Answer) -> list[str]:
    return [link.text for link in answer.find("//a[contains(@class, 'name')]")]


def states() -> dict[str, ScheduleState]:
    db.session.rollback()
    return {each.name: each.state for each in db.session.scalars(sa.select(Schedule))}


@pytest.fixture
def four(cast: Cast) -> dict[str, uuid.UUID]:
    given: dict[str, dict[str, Any]] = {
        "Night file": {"rule": {"freq": "daily", "time": "02:30"}, "format": ExportFormat.XLSX},
        "Board": {"recipients": ["chair@example.org", "b@example.org"], "owner_id": cast.ana, "last_run_at": THEN,
                  "last_run_status": "PARTIAL"},
        "archive": {"state": ScheduleState.PAUSED, "next_run_at": None, "description": "100% of it"},
        "Broken": {"failure_streak": 2, "last_run_status": "FAILED", "last_run_at": THEN.replace(hour=13)},
    }  # fmt: skip
    made = {}
    for name, values in given.items():
        owner = values.pop("owner_id", cast.otto)
        made[name] = make_schedule(cast.lakeside, owner, name=name, now=THEN, **values)
    return made


def test_an_empty_list_teaches(page) -> None:
    answer = page.otto.get("/schedules")
    assert "A schedule makes a file of your case register" in answer.words
    assert answer.find("//main//a[@href='/schedules/new']")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Night file", "Board", "Broken", "archive"]),
        ("?sort=name", ["archive", "Board", "Broken", "Night file"]),
        ("?sort=last", ["Broken", "Board", "archive", "Night file"]),
        ("?sort=owner", ["Board", "archive", "Broken", "Night file"]),
        ("?q=CHAIR%40example", ["Board"]),
        ("?q=100%25", ["archive"]),
        ("?q=%25", ["archive"]),
        ("?state=paused", ["archive"]),
        ("?state=failing", ["Broken"]),
        ("?state=active&sort=name", ["Board", "Broken", "Night file"]),
        ("?format=XLSX", ["Night file"]),
        ("?state=ended", []),
        ("?page=99", ["Night file", "Board", "Broken", "archive"]),
        ("?page=x&sort=x&state=x", ["Night file", "Board", "Broken", "archive"]),
    ],
)
def test_search_filter_and_sort(page, four, query, expected) -> None:
    answer = page.otto.get(f"/schedules{query}")
    assert names(answer) == expected
    if not expected:
        assert "None of the 4 schedules fits what you asked for." in answer.words


def test_a_row_says_when_in_words_how_it_went_and_to_how_many(page, four) -> None:
    answer = page.otto.get("/schedules?q=Board")
    [row] = answer.find("//tbody/tr")
    words = " ".join(row.xpath("string()").split())
    assert "Every Monday at 08:00, New York time · CSV" in words
    assert "Mon 2 Nov 2026, 08:00 EST in an hour" in words
    assert "Partly sent" in words
    assert row.xpath("td[@data-label='To']")[0].text == "2"
    assert "Ana Duarte" in words


def test_times_are_in_the_readers_own_zone(page, cast: Cast, four) -> None:
    from portal.models import User, write_session

    with write_session() as session:
        session.get_one(User, cast.otto).timezone = "Asia/Kathmandu"
    assert "Mon 2 Nov 2026, 18:45 UTC+05:45" in page.otto.get("/schedules?q=Board").words


def test_pages_hold_fifty_and_keep_what_was_asked_for(page, cast: Cast) -> None:
    for number in range(listing.PER_PAGE + 1):
        make_schedule(cast.lakeside, cast.otto, name=f"Schedule {number:02d}", now=THEN)
    first = page.otto.get("/schedules?sort=name&q=Schedule")
    assert len(names(first)) == listing.PER_PAGE
    [following] = first.find("//a[@rel='next']/@href")
    assert names(page.otto.get(following)) == ["Schedule 50"]


def test_strangers_see_nothing_of_it(page, four) -> None:
    """E1"""
    assert "No schedules yet" in page.stella.get("/schedules?q=Board").words


def test_several_are_paused_and_resumed_by_their_boxes(page, four) -> None:
    ids = [str(four[name]) for name in ("Board", "Broken", "archive")]
    listed = page.otto.get("/schedules")
    done = page.otto.submit(listed, {"ids": ids, "act": "pause"}, action="/schedules/several")
    assert done.location == "/schedules"
    assert states() == {
        "Night file": ScheduleState.ACTIVE,
        "Board": ScheduleState.PAUSED,
        "Broken": ScheduleState.PAUSED,
        "archive": ScheduleState.PAUSED,
    }
    page.otto.post("/schedules/several", {"ids": ids[:2], "act": "resume"})
    assert states()["Board"] is ScheduleState.ACTIVE
    recorded = db.session.scalars(sa.select(AuditEvent.action)).all()
    assert (recorded.count("schedule.paused"), recorded.count("schedule.resumed")) == (2, 2)


def test_several_get_another_owner_or_none_does(page, cast: Cast, four) -> None:
    ids = [str(four[name]) for name in ("Board", "Broken")]
    page.otto.post("/schedules/several", {"ids": ids, "act": "reassign", "owner_id": str(cast.ana)})
    db.session.rollback()
    owned = db.session.scalars(sa.select(Schedule.name).where(Schedule.owner_id == cast.ana)).all()
    assert sorted(owned) == ["Board", "Broken"]
    refused = page.otto.post("/schedules/several", {"ids": ids, "act": "reassign", "owner_id": str(cast.stella)})
    assert "2 schedules not: Choose an owner who can sign in." in page.otto.get(refused.location).words


def test_several_run_now_once_for_one_form(page, four) -> None:
    """A9, attack 60"""
    listed = page.otto.get("/schedules")
    for _ in range(2):
        chosen = {"ids": [str(each) for each in four.values()], "act": "run"}
        page.otto.submit(listed, chosen, action="/schedules/several")
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Run)) == 4


def test_the_buttons_of_a_row_come_back_to_the_list_as_it_was(page, four) -> None:
    listed = page.otto.get("/schedules?state=active&sort=name")
    [pause] = [url for url in listed.find("//button/@formaction") if url == f"/schedules/{four['Board']}/pause"]
    form = {"back": listed.find("//input[@name='back']/@value")[0], "key": str(uuid.uuid4())}
    assert page.otto.post(pause, form).location == "/schedules?state=active&sort=name"
    assert states()["Board"] is ScheduleState.PAUSED
    assert page.otto.post(pause, {"back": "//evil.example"}).location == f"/schedules/{four['Board']}"


def test_nothing_chosen_and_nonsense_are_refused_in_words(page, four) -> None:
    none = page.otto.post("/schedules/several", {"act": "pause"})
    assert "Choose the schedules first" in page.otto.get(none.location).words
    assert page.otto.post("/schedules/several", {"act": "explode", "ids": str(four["Board"])}).status == 400
    assert page.otto.post("/schedules/several", {"act": "pause", "ids": "1"}).status == 400


def test_several_of_strangers_are_left_alone(page, four) -> None:
    """E1"""
    page.stella.post("/schedules/several", {"ids": [str(each) for each in four.values()], "act": "pause"})
    assert list(states().values()).count(ScheduleState.PAUSED) == 1
