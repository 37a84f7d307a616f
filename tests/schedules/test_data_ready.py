"""Runs that wait for the import of the day (A13)."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit
from portal.leases import new_owner, take
from portal.models import CaseImport, CatchUp, ImportState, OnBlackout, Run, RunKind, RunState, Schedule, write_session
from portal.runs import recover
from portal.schedules.blackouts import Entry, add_days
from portal.schedules.data_ready import release, wait_for_data
from portal.schedules.inputs import NotAccepted, check
from portal.schedules.rule import next_occurrence, parse_rule
from portal.schedules.run_now import run_now
from portal.schedules.start_due import start_due
from portal.zones import zone
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

SIX = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)  # Monday 06:00 in New York
NOON = datetime(2026, 11, 2, 17, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
WEEKDAYS = {"freq": "weekly", "weekdays": [1, 2, 3, 4, 5], "time": "06:00"}
HOUR = timedelta(hours=1)


def waiting(cast: Cast, **given: object) -> uuid.UUID:
    return make_schedule(
        cast.lakeside, cast.otto, **{"rule": WEEKDAYS, "ready_by": "12:00", "now": SIX - HOUR, **given}
    )


def imported(organization_id: uuid.UUID, at: datetime, state: ImportState = ImportState.SUCCEEDED) -> None:
    with write_session() as session:
        session.add(
            CaseImport(
                organization_id=organization_id, source="test", files=[], state=state, counts={},
                started_at=at - timedelta(minutes=5), finished_at=at,
            )
        )  # fmt: skip


def run() -> Run:
    with write_session() as session:
        return session.scalars(sa.select(Run).order_by(Run.planned_for.desc()).limit(1)).one()


def test_a_due_one_waits_and_says_for_what_and_until_when(app: Flask, cast: Cast) -> None:
    waiting(cast)
    assert start_due(SIX) == 0
    held = run()
    assert (held.state, held.ready_after, held.not_before) == (RunState.QUEUED, MIDNIGHT, NOON)
    assert held.reason == "Waits for the import of the day, until Mon 2 Nov 2026, 12:00 EST at the latest."
    assert take(held.id, new_owner(), SIX + HOUR) is None


def test_the_import_of_the_day_lets_it_go(app: Flask, cast: Cast) -> None:
    waiting(cast)
    start_due(SIX)
    imported(cast.lakeside, SIX + HOUR)
    assert start_due(SIX + HOUR) == 1
    freed = run()
    assert (freed.ready_after, freed.not_before, freed.reason) == (None, SIX + HOUR, "The import of the day is in.")
    assert take(freed.id, new_owner(), SIX + HOUR) is not None
    assert start_due(SIX + HOUR) == 0


def test_an_import_before_its_time_on_the_same_day_counts_at_once(app: Flask, cast: Cast) -> None:
    waiting(cast)
    imported(cast.lakeside, SIX - HOUR)
    assert start_due(SIX + timedelta(seconds=5)) == 1
    assert run().planned_for == SIX


@pytest.mark.parametrize(
    ("at", "state"),
    [(MIDNIGHT - timedelta(seconds=1), ImportState.SUCCEEDED), (SIX, ImportState.FAILED), (SIX, ImportState.RUNNING)],
)
def test_yesterdays_import_and_one_that_failed_let_nothing_go(
    app: Flask, cast: Cast, at: datetime, state: ImportState
) -> None:
    waiting(cast)
    imported(cast.lakeside, at, state)
    assert start_due(SIX) == 0
    assert run().ready_after == MIDNIGHT


def test_another_organizations_import_lets_nothing_go(app: Flask, cast: Cast) -> None:
    waiting(cast)
    imported(cast.strangers, SIX)
    assert start_due(SIX + HOUR) == 0


def test_at_the_latest_time_it_is_made_anyway_and_says_so(app: Flask, cast: Cast) -> None:
    waiting(cast)
    start_due(SIX)
    assert start_due(NOON - timedelta(seconds=1)) == 0
    assert start_due(NOON) == 1
    assert run().reason == "The import of the day had not come by the latest time: made of the register as it was."


def test_should_no_tick_come_the_sweep_finds_it_after_its_latest_time(app: Flask, cast: Cast) -> None:
    waiting(cast)
    start_due(SIX)
    recover.sweep(NOON - timedelta(seconds=1))
    assert run().wake_count == 1
    recover.sweep(NOON + timedelta(minutes=1))
    assert run().wake_count == 2
    assert take(run().id, new_owner(), NOON + timedelta(minutes=1)) is not None
    assert run().ready_after is None  # it waits for nothing any more, whatever becomes of it


def test_after_an_outage_beyond_the_latest_time_it_is_made_at_once(app: Flask, cast: Cast) -> None:
    waiting(cast)
    assert start_due(NOON + timedelta(minutes=10)) == 1
    late = run()
    assert (late.kind, late.ready_after, late.not_before) == (RunKind.CATCH_UP, None, None)


def test_after_an_outage_before_the_latest_time_it_still_waits(app: Flask, cast: Cast) -> None:
    waiting(cast)
    assert start_due(SIX + 2 * HOUR) == 0
    late = run()
    assert (late.kind, late.not_before) == (RunKind.CATCH_UP, NOON)
    assert late.reason.startswith("Made late: ")


def test_of_several_made_up_for_only_todays_waits(app: Flask, cast: Cast) -> None:
    waiting(cast, catch_up=CatchUp.ALL)
    assert start_due(SIX + timedelta(days=1, hours=1)) == 1
    assert run().not_before == NOON + timedelta(days=1)


def test_run_now_does_not_wait(app: Flask, cast: Cast) -> None:
    schedule_id = waiting(cast)
    run_id = run_now(
        cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=audit.operator, now=SIX - HOUR
    )
    assert take(run_id, new_owner(), SIX - HOUR) is not None


def test_one_that_waits_keeps_a_run_now_from_nothing(app: Flask, cast: Cast) -> None:
    schedule_id = waiting(cast)
    start_due(SIX)
    run_id = run_now(
        cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=audit.operator, now=SIX + HOUR
    )
    assert take(run_id, new_owner(), SIX + HOUR) is not None


def test_a_moved_one_waits_for_the_import_of_the_day_it_is_made_on(app: Flask, cast: Cast) -> None:
    early = SIX - timedelta(hours=6)
    waiting(cast, on_blackout=OnBlackout.MOVE, now=early)
    monday = date(2026, 11, 2)
    add_days(cast.lakeside, [Entry(monday, "Closed")], source="typed", actor=audit.operator, now=early)
    imported(cast.lakeside, SIX)
    tuesday = SIX + timedelta(days=1)
    assert start_due(tuesday) == 0
    assert run().ready_after == MIDNIGHT + timedelta(days=1)
    assert run().reason.startswith("Moved from Mon 2 Nov 2026, Closed. Waits for")


def test_two_ticks_at_once_let_one_go_once(app: Flask, cast: Cast) -> None:
    for number in range(150):
        waiting(cast, name=f"Schedule {number}")
    start_due(SIX)
    imported(cast.lakeside, SIX)
    assert [release(SIX + HOUR), release(SIX + HOUR)] == [150, 0]


@pytest.mark.parametrize(
    ("day", "at", "ready_by", "place", "hours"),
    [
        # the clocks go forward in the window, back in the window, and at midnight itself
        (date(2026, 3, 8), "01:00", "04:00", "America/New_York", 2),
        (date(2026, 11, 1), "00:30", "03:30", "America/New_York", 4),
        (date(2026, 9, 6), "06:00", "08:00", "America/Santiago", 2),
    ],
)
def test_the_window_is_of_the_clocks_of_the_zone(day: date, at: str, ready_by: str, place: str, hours: int) -> None:
    rule = parse_rule({"freq": "once", "date": day.isoformat(), "time": at})
    due = next_occurrence(rule, zone(place), datetime(2026, 1, 1, tzinfo=UTC))
    assert due is not None
    wait = wait_for_data(ready_by, due, due.instant)
    assert wait is not None
    assert wait.latest - due.instant == hours * HOUR
    assert wait.data_from.astimezone(zone(place)).date() == day
    assert (wait.data_from - timedelta(seconds=1)).astimezone(zone(place)).date() == day - timedelta(days=1)


def test_a_window_that_a_gap_of_the_clocks_swallows_is_none() -> None:
    """02:30 does not exist on that day and becomes 03:30, after the latest time of 03:00."""
    rule = parse_rule({"freq": "once", "date": "2026-03-08", "time": "02:30"})
    due = next_occurrence(rule, zone("America/New_York"), datetime(2026, 1, 1, tzinfo=UTC))
    assert due is not None
    assert wait_for_data("03:00", due, due.instant) is None


@pytest.mark.parametrize(
    ("ready_by", "sentence"),
    [
        ("06:00", "must come after 06:00"),
        ("05:59", "must come after 06:00"),
        ("24:00", "such as 12:00"),
        ("noon", "such as 12:00"),
        ("１２:00", "such as 12:00"),
    ],
)
def test_a_latest_time_that_is_none_or_not_later_is_refused(
    app: Flask, cast: Cast, ready_by: str, sentence: str
) -> None:
    with pytest.raises(NotAccepted, match=sentence) as refusal:
        checked(cast, ready_by)
    assert [problem.field for problem in refusal.value.problems] == ["ready_by"]


def test_a_later_time_of_the_same_day_is_accepted(app: Flask, cast: Cast) -> None:
    assert checked(cast, "06:01").ready_by == "06:01"


def checked(cast: Cast, ready_by: str):
    answers = {
        "name": "Open cases",
        "export_type": "FLAT_FILE",
        "format": "CSV",
        "period": "last_30_days",
        "rule": WEEKDAYS,
        "timezone": "America/New_York",
        "recipients": "priya@example.org",
        "attach": True,
        "ready_by": ready_by,
        "owner_id": cast.otto,
    }
    return check(answers, organization_id=cast.lakeside, now=SIX)


def test_its_next_moment_is_put_while_it_waits(app: Flask, cast: Cast) -> None:
    schedule_id = waiting(cast)
    start_due(SIX)
    with write_session() as session:
        assert session.get_one(Schedule, schedule_id).next_run_at == SIX + timedelta(days=1)
