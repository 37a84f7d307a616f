"""The first page: what is due, what needs somebody, how it went (G4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from portal.models import Delivery, DeliveryState, Heartbeat, RunState, ScheduleState, User, write_session
from tests.support.runs import MONDAY, make_run_row, targets
from tests.support.schedules import make_schedule

D = DeliveryState
PRIYA = "priya@example.org"


@pytest.fixture(autouse=True)
def morning(moved_clock):
    """Monday 2 November 2026, 07:00 in New York."""
    moved_clock.set(MONDAY - timedelta(hours=1))


def drawn(answer, tag: str):
    """Elements of the drawings: those of SVG have a namespace of their own."""
    return answer.find(f"//*[@class='drawing']/*[local-name()='{tag}']")


def needs(answer) -> list[str]:
    return [" ".join(" ".join(each.itertext()).split()) for each in answer.find("//ul[@class='attend']/li")]


def test_an_empty_portal_is_calm(page, cast):
    answer = page.otto.get("/")
    assert answer.h1 == "Monday 2 November"
    assert "Nothing is due in the next 24 hours. Nothing needs you." in answer.words
    assert not answer.find("//*[@class='drawing']")


def test_what_is_due_in_the_next_day_is_counted_drawn_and_listed(page, cast):
    daily = {"freq": "daily", "time": "17:00"}
    make_schedule(cast.lakeside, cast.otto, name="Regulator file", rule=daily, now=MONDAY - timedelta(hours=2))
    for name in ("Unit leads", "Open cases"):
        make_schedule(cast.lakeside, cast.otto, name=name)
    weekly = {"freq": "weekly", "weekdays": [3], "time": "08:00"}
    make_schedule(cast.lakeside, cast.otto, name="On Wednesday", rule=weekly, now=MONDAY)
    make_schedule(cast.lakeside, cast.otto, name="Paused one", state=ScheduleState.PAUSED, next_run_at=None)
    make_schedule(cast.strangers, cast.stella, name="Of strangers")
    answer = page.otto.get("/")
    assert "3 exports are due in the next 24 hours." in answer.words
    listed = ["".join(each.itertext()) for each in answer.find("//ul[@class='plain-list']/li")]
    assert listed == ["08:00 · 2 exports", "17:00 Regulator file"]
    assert {"now 07:00", *listed} <= {"".join(each.itertext()) for each in drawn(answer, "text")}
    assert len(drawn(answer, "circle")) == 2


def test_failed_partial_and_missed_runs_need_somebody(page, cast):
    schedules = [make_schedule(cast.lakeside, cast.otto, name=name) for name in ("Failing", "Partly", "Absent", "Well")]
    states = (RunState.FAILED, RunState.PARTIAL, RunState.MISSED, RunState.SUCCEEDED)
    for number, (schedule, state) in enumerate(zip(schedules, states, strict=True)):
        made_at = MONDAY - timedelta(days=2 + number)
        make_run_row(cast.lakeside, schedule, state, planned_for=made_at, reason=f"The reason of {state.value}.")
    found = needs(page.otto.get("/"))
    assert len(found) == 3
    assert found[0].startswith("Failed")
    assert "The reason of FAILED." in found[0]
    assert found[1].startswith("Partly sent")
    assert found[2].startswith("Missed")
    assert "Three things need you." in page.otto.get("/").words


def test_what_a_later_success_made_good_is_left_out(page, cast):
    schedule = make_schedule(cast.lakeside, cast.otto)
    make_run_row(cast.lakeside, schedule, RunState.FAILED, planned_for=MONDAY - timedelta(days=9))
    make_run_row(cast.lakeside, schedule, RunState.FAILED, planned_for=MONDAY - timedelta(days=8))
    assert len(needs(page.otto.get("/"))) == 1
    make_run_row(cast.lakeside, schedule, RunState.SUCCEEDED, planned_for=MONDAY - timedelta(days=2))
    assert needs(page.otto.get("/")) == []


def test_what_may_have_arrived_needs_somebody_until_it_is_settled(page, cast, moved_clock):
    """D4, B11"""
    schedule = make_schedule(cast.lakeside, cast.otto)
    before = MONDAY - timedelta(days=1)
    to = {PRIYA: D.UNKNOWN, "tomas@example.org": D.REJECTED}
    made = make_run_row(cast.lakeside, schedule, RunState.PARTIAL, planned_for=before, to=to)
    (thing,) = needs(page.otto.get("/"))
    assert thing.startswith("Not certain")
    assert "Settle it : Open cases" in thing
    with write_session() as session:
        session.get_one(Delivery, made.deliveries[PRIYA]).settled_at = moved_clock.now()
    (thing,) = needs(page.otto.get("/"))
    assert thing.startswith("Partly sent")


def test_failures_in_a_row_are_counted(page, cast):
    """B11"""
    schedule = make_schedule(cast.lakeside, cast.otto, failure_streak=4)
    before = MONDAY - timedelta(days=1)
    make_run_row(cast.lakeside, schedule, RunState.FAILED, planned_for=before, reason="Nobody has it.")
    (thing,) = needs(page.otto.get("/"))
    assert "Nobody has it. It failed 4 times in a row." in thing


def test_what_was_missed_leads_to_where_it_can_be_produced(page, cast):
    """B4"""
    schedule = make_schedule(cast.lakeside, cast.otto)
    made = make_run_row(cast.lakeside, schedule, RunState.MISSED, planned_for=MONDAY - timedelta(days=1))
    answer = page.otto.get("/")
    [link] = answer.find("//ul[@class='attend']//a")
    assert link.get("href") == f"/runs/{made.run}"
    assert link.text.startswith("See or produce it")


def test_what_should_have_begun_is_told_to_everyone_it_concerns(page, cast, moved_clock):
    """B12"""
    moved_clock.set(MONDAY + timedelta(minutes=3))
    make_schedule(cast.lakeside, cast.otto)
    assert "should have begun" not in page.otto.get("/").words
    moved_clock.forward(seconds=1)
    words = page.otto.get("/").words
    assert "1 export should have begun by now and is not being made. Nothing is lost" in words
    assert "Your admins see the cause on this page." in words
    assert "should have begun" not in page.stella.get("/").words
    second = make_schedule(cast.lakeside, cast.otto, next_run_at=None)
    make_run_row(cast.lakeside, second, RunState.QUEUED, queued_at=moved_clock.now(), content=None)
    assert "1 export should have begun" in page.ana.get("/").words
    moved_clock.forward(minutes=10, seconds=1)
    assert "2 exports should have begun by now and are not being made." in page.ana.get("/").words


def test_alarms_are_for_admins_with_what_to_do(page, cast, moved_clock):
    """B12"""
    with write_session() as session:
        session.add(Heartbeat(name="tick", at=moved_clock.now() - timedelta(minutes=4)))
    answer = page.ana.get("/")
    alarms = [" ".join(" ".join(each.itertext()).split()) for each in answer.find("//ul[@class='attend alarms']/li")]
    assert alarms[0] == (
        "Scheduler Due exports were last looked for 4 minutes ago. "
        "See that the scheduler and the upkeep worker are running. Since Mon 2 Nov 2026, 06:56 EST ."
    )
    assert alarms[1].startswith("Sweep Stranded runs have not been looked for yet.")
    assert alarms[2].startswith("Redis Redis does not answer")
    assert "Not all is running" in answer.words
    for someone in (page.otto, page.nobody()):
        assert "Alarms" not in someone.get("/").text


def test_admins_see_the_last_sign_of_life_of_each_process(page, cast, moved_clock):
    """B12"""
    with write_session() as session:
        session.add(Heartbeat(name="tick", at=moved_clock.now() - timedelta(seconds=20)))
    answer = page.ana.get("/")
    assert "Due exports looked for 20 seconds ago" in answer.words
    assert "Stranded runs not yet looked for" in answer.words
    assert "looked for" not in page.otto.get("/").words


def test_schedules_that_stand_still_or_have_no_owner_need_somebody(page, cast, moved_clock):
    make_schedule(cast.lakeside, cast.otto, name="Paused", state=ScheduleState.PAUSED, state_reason="Audit under way.")
    make_schedule(cast.lakeside, None, name="Left alone")
    make_schedule(
        cast.lakeside,
        cast.otto,
        name="Held up",
        parked_until=moved_clock.now() + timedelta(minutes=30),
        last_error="RuleError: Its rule cannot be read.",
    )
    make_schedule(cast.lakeside, None, name="Deleted", state=ScheduleState.DELETED)
    make_schedule(cast.strangers, cast.stella, name="Of strangers", state=ScheduleState.PAUSED)
    found = needs(page.otto.get("/"))
    assert [each.split(" Open schedule")[0] for each in found] == [
        "Held up Held up It was due and could not be started: Its rule cannot be read.",
        "No owner Left alone Nobody owns it: its owner can no longer sign in. Give it to somebody.",
        "Paused Paused Audit under way.",
    ]


def test_a_deactivated_owner_is_no_owner(page, cast):
    """E4"""
    make_schedule(cast.lakeside, cast.otto, name="Orphan")
    with write_session() as session:
        session.get_one(User, cast.otto).active = False
    (thing,) = needs(page.ana.get("/"))
    assert thing.startswith("No owner")


def test_deliveries_are_counted_on_the_readers_days(page, cast):
    schedule = make_schedule(cast.lakeside, cast.otto)
    some = {
        PRIYA: D.ACCEPTED,
        "tomas@example.org": D.REJECTED,
        "unsure@example.org": D.UNKNOWN,
        "late@example.org": D.PENDING,
    }
    # 03:00 UTC on 30 October is still the 29th in New York
    make_run_row(cast.lakeside, schedule, to=some, planned_for=datetime(2026, 10, 30, 3, 0, tzinfo=UTC))
    make_run_row(cast.lakeside, schedule, to=targets(PRIYA), planned_for=MONDAY - timedelta(days=29, hours=2))
    make_run_row(cast.lakeside, schedule, to=targets(PRIYA), planned_for=MONDAY - timedelta(days=31))
    other = make_schedule(cast.strangers, cast.stella)
    make_run_row(cast.strangers, other, to=targets(PRIYA), planned_for=MONDAY - timedelta(days=1))
    answer = page.otto.get("/")
    assert "2 accepted · 1 refused or failed · 1 not certain" in answer.words
    rows = [" ".join("".join(cell.itertext()) for cell in row) for row in answer.find("//table//tbody/tr")]
    assert rows == ["Thu 29 Oct 2026 1 1 1", "Sun 4 Oct 2026 1 0 0"]
    assert len(drawn(answer, "rect")) == 4


def test_health_is_for_admins_and_tells_what_is_wrong(page, cast):
    answer = page.ana.get("/")
    assert "Not all is running" in answer.words
    assert "Redis does not answer" in answer.words
    assert "Redis" not in page.otto.get("/").words


def test_hostile_names_stay_text(page, cast):
    """attack 26"""
    polyglot = "</text><script>alert(1)</script>{{7*7}}"
    make_schedule(cast.lakeside, cast.otto, name=polyglot, state=ScheduleState.PAUSED, state_reason=polyglot)
    make_schedule(cast.lakeside, cast.otto, name=polyglot)
    answer = page.otto.get("/")
    assert not answer.find("//main//script")
    assert "{{7*7}}" in answer.words


def test_a_full_portal_asks_no_more_than_one_with_a_single_run(page, cast):
    page.ana.get("/")  # the first request of all also looks at the database's version
    before = 0
    for number in range(30):
        if number == 1:
            before = len(page.ana.get("/").statements)
        schedule = make_schedule(cast.lakeside, None, name=f"Schedule {number}")
        make_run_row(
            cast.lakeside,
            schedule,
            RunState.PARTIAL,
            to={PRIYA: D.REJECTED},
            planned_for=MONDAY - timedelta(days=number),
        )
    answer = page.ana.get("/")
    assert len(answer.statements) == before
    assert "things need you" in answer.words
    assert "more:" in needs(answer)[-1]
