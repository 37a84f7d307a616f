"""One schedule: its page, and what its buttons do (A8-A11, attack 60)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from portal.extensions import db
from portal.models import AuditEvent, Role, Run, RunKind, Schedule, ScheduleState, User, write_session
from tests.support.cast import LONG_AGO, Cast
from tests.support.schedules import make_schedule

pytestmark = pytest.mark.usefixtures("moved_clock")


@pytest.fixture
def schedule_id(cast: Cast) -> uuid.UUID:
    return make_schedule(cast.lakeside, cast.otto, filters={"status": ["OPEN"]}, description="For the board.")


def url(schedule_id: uuid.UUID, verb: str = "") -> str:
    return f"/schedules/{schedule_id}{'/' if verb else ''}{verb}"


def the(schedule_id: uuid.UUID) -> Schedule:
    db.session.rollback()
    return db.session.get_one(Schedule, schedule_id)


def actions() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.sequence)))


def run_key(page: Any, schedule_id: uuid.UUID) -> str:
    [key] = page.otto.get(url(schedule_id)).find("//input[@name='key']/@value")
    return str(key)


def make_viewer(cast: Cast, role: Role = Role.VIEWER) -> uuid.UUID:
    viewer = User(
        id=uuid.uuid4(), organization_id=cast.lakeside, email="vera@example.org", name="Vera", role=role,
        active=True, created_at=LONG_AGO,
    )  # fmt: skip
    with write_session() as session:
        session.add(viewer)
    return viewer.id


def test_the_page_says_it_all_in_words(page, schedule_id) -> None:
    """A2, A5, A10"""
    answer = page.otto.get(url(schedule_id))
    assert answer.h1 == "Open cases"
    for words in (
        "Every Monday at 08:00, New York time",
        "Next run Mon 2 Nov 2026, 08:00 EST in an hour",
        "Status: Open",
        "Last 30 days",
        "For the board.",
        "priya@example.org",
        "It has not run yet.",
    ):
        assert words in answer.words
    assert len(answer.find("//ol[@class='moments']/li")) == 10


def test_run_now_leads_to_the_run_and_the_same_form_makes_one(page, schedule_id) -> None:
    """A9: two presses of one form, and the next planned moment stays."""
    before = the(schedule_id).next_run_at
    key = run_key(page, schedule_id)
    places = {page.otto.post(url(schedule_id, "run-now"), {"key": key}).location for _ in range(3)}
    db.session.rollback()
    [run] = db.session.scalars(sa.select(Run)).all()
    assert places == {f"/runs/{run.id}"}
    assert (run.kind, run.requested_by) == (RunKind.RUN_NOW, "otto@example.org")
    assert the(schedule_id).next_run_at == before
    assert "run.queued" in actions()
    assert f"/runs/{run.id}" in page.otto.get(url(schedule_id)).find("//section//a/@href")


def test_another_press_while_one_is_going_leads_to_that_one(page, schedule_id) -> None:
    first = page.otto.post(url(schedule_id, "run-now"), {"key": run_key(page, schedule_id)}).location
    assert page.ana.post(url(schedule_id, "run-now"), {"key": str(uuid.uuid4())}).location == first


@pytest.mark.parametrize("key", ["", "1", "x" * 4000])
def test_a_key_that_is_none_starts_nothing(page, schedule_id, key) -> None:
    assert page.otto.post(url(schedule_id, "run-now"), {"key": key}).status == 400
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Run)) == 0


def test_pause_with_reason_and_day_and_resume(page, schedule_id) -> None:
    """A8"""
    form = page.otto.get(url(schedule_id))
    done = page.otto.submit(
        form, {"reason": "The auditors are here", "resume_on": "2026-11-20"}, action=url(schedule_id, "pause")
    )
    assert done.location == url(schedule_id)
    assert the(schedule_id).resume_at == datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
    shown = page.otto.get(url(schedule_id))
    assert "The auditors are here Resumes by itself Fri 20 Nov 2026, 00:00 EST" in shown.words
    assert "Its moments, once it is active" in shown.words
    page.otto.submit(shown, action=url(schedule_id, "resume"))
    assert the(schedule_id).state is ScheduleState.ACTIVE
    told = page.otto.get(url(schedule_id)).words
    assert "otto@example.org paused it" in told
    assert "Reason: The auditors are here" in told
    assert actions() == ["schedule.paused", "schedule.resumed"]


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"resume_on": "2026-11-01"}, "The day to resume must lie ahead."),
        ({"resume_on": "soon"}, "A date looks like 2026-12-31"),
        ({"reason": "x" * 600}, "longer than 500 characters"),
        ({"reason": "Bo\x00ard"}, "hidden character"),
    ],
)
def test_a_pause_that_cannot_be_is_a_sentence_and_keeps_what_was_typed(page, schedule_id, answers, sentence) -> None:
    answer = page.otto.post(url(schedule_id, "pause"), {"reason": "", "resume_on": "", **answers})
    assert answer.status == 400
    assert sentence in answer.find("//div[@class='error-summary']")[0].xpath("string()")
    [(name, typed)] = answers.items()
    if "\x00" not in typed:
        assert answer.find(f"//input[@name='{name}']/@value") == [typed]
    assert the(schedule_id).state is ScheduleState.ACTIVE


def test_a_copy_opens_in_the_builder_and_is_paused(page, schedule_id) -> None:
    """A11"""
    done = page.ana.post(url(schedule_id, "duplicate"))
    builder = page.ana.get(done.location)
    assert "This is the copy. It is paused" in builder.words
    assert builder.find("//input[@name='name']/@value") == ["Open cases (copy)"]
    copy_id = uuid.UUID(done.location.split("/")[2])
    assert the(copy_id).state is ScheduleState.PAUSED
    assert "made it as a copy" in page.ana.get(url(copy_id)).words


def test_another_owner(page, cast: Cast, schedule_id) -> None:
    page.otto.post(url(schedule_id, "owner"), {"owner_id": str(cast.ana)})
    assert the(schedule_id).owner_id == cast.ana
    assert "gave it to another owner" in page.otto.get(url(schedule_id)).words
    refused = page.otto.post(url(schedule_id, "owner"), {"owner_id": str(cast.stella)})
    assert "Choose an owner who can sign in." in page.otto.get(refused.location).words
    page.otto.post(url(schedule_id, "owner"), {"owner_id": "nobody"})
    assert the(schedule_id).owner_id == cast.ana


def test_a_deleted_schedule_stays_readable_and_offers_nothing(page, schedule_id) -> None:
    """A11: it asks first, says what is lost, and its runs stay."""
    shown = page.otto.get(url(schedule_id))
    assert "its runs, files and evidence stay" in shown.words
    run = page.otto.post(url(schedule_id, "run-now"), {"key": run_key(page, schedule_id)}).location
    assert page.otto.submit(shown, action=url(schedule_id, "delete")).location == "/schedules"
    history = page.otto.get(url(schedule_id))
    assert "Deleted Mon 2 Nov 2026, 07:00 EST" in history.words
    assert not history.find("//main//form")
    assert run in history.find("//section//a/@href")
    assert "Open cases" not in page.otto.get("/schedules").words.replace("“Open cases” is deleted", "")
    late = page.otto.post(url(schedule_id, "pause"))
    assert "was deleted meanwhile" in page.otto.get(late.location).words
    refused = page.otto.post(url(schedule_id, "run-now"), {"key": str(uuid.uuid4())})
    assert "cannot be run now" in page.otto.get(refused.location).words


def test_what_was_changed_is_told_before_and_after(page, schedule_id) -> None:
    """The changes of the page come from the audit log."""
    edit = url(schedule_id, "edit")
    checked = page.otto.submit(page.otto.get(edit), {"time": "09:30", "status": ["OPEN", "NEW"]}, action=edit)
    [form] = [form for form in checked.find("//main//form") if form.xpath(".//button[@value='save']")]
    data = [(field.get("name"), field.get("value")) for field in form.iter("input")] + [("step", "save")]
    from werkzeug.datastructures import MultiDict

    page.otto.open("POST", edit, data=MultiDict(data))
    told = page.otto.get(url(schedule_id)).words
    assert "When: Every Monday at 08:00, New York time Every Monday at 09:30, New York time" in told
    assert "Cases: Status: Open Status: New, Open" in told or "Cases: Status: Open Status: Open, New" in told


def test_who_may_only_look_is_offered_nothing_and_refused(page, cast: Cast, schedule_id) -> None:
    """E2"""
    viewer = page.of(make_viewer(cast))
    shown = viewer.get(url(schedule_id))
    assert shown.status == 200
    assert not shown.find("//main//form")
    for verb in ("run-now", "pause", "resume", "duplicate", "owner", "delete"):
        assert viewer.post(url(schedule_id, verb), {"key": str(uuid.uuid4())}).status == 403
    assert viewer.get(url(schedule_id, "edit")).status == 403
    assert actions() == []


@pytest.mark.parametrize("verb", ["run-now", "pause", "resume", "duplicate", "owner", "delete", "edit"])
def test_strangers_find_nothing(page, schedule_id, verb) -> None:
    """E1"""
    assert page.stella.get(url(schedule_id)).status == 404
    assert page.stella.post(url(schedule_id, verb), {"key": str(uuid.uuid4())}).status == 404
    assert actions() == []


def test_a_rule_that_cannot_be_read_breaks_no_page(page, cast: Cast) -> None:
    """attack 58"""
    broken = make_schedule(
        cast.lakeside, cast.otto, name="Poison", rule={"freq": "hourly"}, timezone="Mars/Base", period="someday",
        filters={"status": ["NONE"]}, next_run_at=None,
    )  # fmt: skip
    for place in ("/schedules", url(broken), url(broken, "edit")):
        answer = page.otto.get(place)
        assert answer.status == 200
        assert "Poison" in answer.words or answer.find("//input[@value='Poison']")
