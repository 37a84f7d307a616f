"""The tick: one run per planned occurrence, whatever ticks how often (B1, B4, A8, A12)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.extensions import db
from portal.models import AuditEvent, Run, RunKind, RunState, Schedule, ScheduleState, write_session
from portal.schedules.start_due import start_due
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

DUE = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)  # Monday 08:00 in New York, after the clocks went back


def runs() -> list[Run]:
    with write_session() as session:
        return list(session.scalars(sa.select(Run).order_by(Run.planned_for)))


def schedule(schedule_id) -> Schedule:
    with write_session() as session:
        return session.get_one(Schedule, schedule_id)


def test_nothing_starts_before_its_moment(app: Flask, cast: Cast) -> None:
    make_schedule(cast.lakeside, cast.otto)
    assert start_due(DUE - timedelta(seconds=1)) == 0
    assert runs() == []


def test_a_due_moment_becomes_one_run_and_the_next_is_put(app: Flask, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    assert start_due(DUE + timedelta(seconds=4)) == 1
    (run,) = runs()
    assert run.state is RunState.QUEUED
    assert run.kind is RunKind.PLANNED
    assert run.occurrence_key == f"s:{schedule_id}:2026-11-02T08:00[America/New_York]"
    assert run.planned_for == DUE
    assert run.late_seconds == 4
    # B5: the period counts from the planned moment
    assert run.period_from == datetime(2026, 10, 3, 4, 0, tzinfo=UTC)
    assert run.period_to == datetime(2026, 11, 2, 5, 0, tzinfo=UTC)
    moved = schedule(schedule_id)
    assert moved.next_run_at == datetime(2026, 11, 9, 13, 0, tzinfo=UTC)
    assert moved.next_local == "2026-11-09T08:00[America/New_York]"


def test_ticking_again_starts_nothing_twice(app: Flask, cast: Cast) -> None:
    make_schedule(cast.lakeside, cast.otto)
    assert [start_due(DUE), start_due(DUE), start_due(DUE + timedelta(minutes=1))] == [1, 0, 0]
    assert len(runs()) == 1


def test_an_occurrence_that_has_its_run_gets_no_second_one(app: Flask, cast: Cast) -> None:
    """Were the next moment put back by a restored backup or a bug, the unique key still holds."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    start_due(DUE)
    with write_session() as session:
        values = {"next_run_at": DUE, "next_local": "2026-11-02T08:00[America/New_York]"}
        session.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(values))
    assert start_due(DUE + timedelta(minutes=1)) == 0
    assert len(runs()) == 1


def test_two_tickers_at_once_make_one_run_each_schedule(app: Flask, cast: Cast) -> None:
    for number in range(20):
        make_schedule(cast.lakeside, cast.otto, name=f"Schedule {number}")
    together = threading.Barrier(4)
    failures: list[BaseException] = []

    def tick() -> None:
        with app.app_context():
            together.wait()
            try:
                start_due(DUE)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(runs()) == len({run.occurrence_key for run in runs()}) == 20


def test_a_bad_schedule_is_parked_and_holds_up_nothing(app: Flask, cast: Cast) -> None:
    poison: dict[str, dict[str, object]] = {
        "rule": {"rule": {"freq": "sometimes"}},
        "zone": {"timezone": "Mars/Olympus"},
        "period": {"period": "whenever"},
        "filter": {"filters": {"colour": ["red"]}},
    }
    planned = {"next_run_at": DUE, "next_local": "2026-11-02T08:00[America/New_York]"}
    bad = [make_schedule(cast.lakeside, cast.otto, name=name, **given, **planned) for name, given in poison.items()]
    healthy = make_schedule(cast.lakeside, cast.otto, name="healthy")
    assert start_due(DUE) == 1
    assert [run.schedule_id for run in runs()] == [healthy]
    for schedule_id in bad:
        parked = schedule(schedule_id)
        assert parked.parked_until == DUE + timedelta(hours=1)
        assert parked.last_error
        assert parked.next_run_at == DUE  # nothing is lost: mended, it starts
    assert start_due(DUE + timedelta(minutes=1)) == 0


def test_a_row_that_cannot_even_be_read_is_parked_too(app: Flask, cast: Cast) -> None:
    if db.engine.dialect.name == "sqlite":
        bad, healthy = (make_schedule(cast.lakeside, cast.otto, name=name) for name in ("bad", "healthy"))
        with write_session() as session:
            session.execute(sa.text("UPDATE schedules SET rule = '{not json' WHERE name = 'bad'"))
        assert start_due(DUE) == 1
        assert [run.schedule_id for run in runs()] == [healthy]
        with write_session() as session:
            parked = session.scalar(sa.select(Schedule.parked_until).where(Schedule.id == bad))
        assert parked == DUE + timedelta(hours=1)
    else:  # PostgreSQL keeps such a row out
        make_schedule(cast.lakeside, cast.otto, name="bad")
        with pytest.raises(sa.exc.DBAPIError), write_session() as session:
            session.execute(sa.text("UPDATE schedules SET rule = '{not json' WHERE name = 'bad'"))


def test_a_mended_schedule_starts_what_waited(app: Flask, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto, period="whenever")
    start_due(DUE)
    with write_session() as session:
        session.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(period="last_7_days"))
    assert start_due(DUE + timedelta(hours=1, seconds=1)) == 1


def test_a_single_moment_ends_the_schedule(app: Flask, cast: Cast) -> None:
    """A12, A6: past its end a schedule shows as finished."""
    rule = {"freq": "once", "date": "2026-11-02", "time": "08:00"}
    schedule_id = make_schedule(cast.lakeside, cast.otto, rule=rule)
    assert start_due(DUE) == 1
    ended = schedule(schedule_id)
    assert (ended.state, ended.next_run_at) == (ScheduleState.ENDED, None)


def test_after_three_days_off_the_latest_is_made_and_the_others_are_missed(app: Flask, cast: Cast) -> None:
    """B4."""
    make_schedule(cast.lakeside, cast.otto, rule={"freq": "daily", "time": "08:00"})
    assert start_due(datetime(2026, 10, 29, 14, 0, tzinfo=UTC)) == 1
    assert [(run.state, run.kind) for run in runs()] == [
        (RunState.MISSED, RunKind.PLANNED),
        (RunState.MISSED, RunKind.PLANNED),
        (RunState.QUEUED, RunKind.CATCH_UP),
    ]


def test_months_off_become_one_row_of_missed_ones(app: Flask, cast: Cast) -> None:
    make_schedule(cast.lakeside, cast.otto, rule={"freq": "daily", "time": "08:00"})
    start_due(datetime(2027, 2, 1, 15, 0, tzinfo=UTC))
    missed, made = runs()
    assert (missed.state, missed.missed_count) == (RunState.MISSED, 97)
    assert missed.missed_first == datetime(2026, 10, 26, 12, 30, tzinfo=UTC) + timedelta(hours=23, minutes=30)
    assert made.state is RunState.QUEUED


def test_a_pause_that_ends_by_itself_is_resumed_and_counts_from_now(app: Flask, cast: Cast) -> None:
    """A8."""
    resume_at = DUE - timedelta(days=1)
    schedule_id = make_schedule(
        cast.lakeside, cast.otto, state=ScheduleState.PAUSED, resume_at=resume_at, next_run_at=None
    )
    assert start_due(resume_at - timedelta(seconds=1)) == 0
    assert schedule(schedule_id).state is ScheduleState.PAUSED
    start_due(resume_at)
    assert (schedule(schedule_id).state, schedule(schedule_id).next_run_at) == (ScheduleState.ACTIVE, DUE)


@pytest.mark.parametrize("state", [ScheduleState.PAUSED, ScheduleState.DELETED, ScheduleState.ENDED])
def test_only_active_schedules_start(app: Flask, cast: Cast, state: ScheduleState) -> None:
    make_schedule(cast.lakeside, cast.otto, state=state, next_run_at=DUE, next_local="2026-11-02T08:00[UTC]")
    assert start_due(DUE) == 0


def test_the_run_and_its_audit_event_stand_together(app: Flask, cast: Cast) -> None:
    make_schedule(cast.lakeside, cast.otto)
    start_due(DUE)
    (run,) = runs()
    with write_session() as session:
        events = session.scalars(sa.select(AuditEvent).where(AuditEvent.subject_id == str(run.id))).all()
    assert [(event.action, event.actor_kind) for event in events] == [("run.queued", "SYSTEM")]


def test_the_frozen_configuration_does_not_follow_later_edits(app: Flask, cast: Cast) -> None:
    """G1."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, name="As it was")
    start_due(DUE)
    with write_session() as session:
        session.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(name="As it is", period="all"))
    (run,) = runs()
    assert run.configuration["schedule"]["name"] == "As it was"
    assert run.configuration["period"] == "last_30_days"
    assert run.configuration["schedule"]["in_words"] == "Every Monday at 08:00, New York time"


def test_a_clock_that_waits_changes_nothing(app: Flask, cast: Cast, moved_clock: Clock) -> None:
    make_schedule(cast.lakeside, cast.otto)
    assert start_due(moved_clock.now()) == 0
    assert start_due(moved_clock.forward(hours=1)) == 1
