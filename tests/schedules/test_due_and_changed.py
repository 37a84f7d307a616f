"""Moments that fell due while a person changes the schedule, or while something is broken (A8, B1, B4, B6)."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import selectinload

from portal import audit
from portal.audit.verify import verify_chains
from portal.models import AuditEvent, Run, RunKind, RunState, Schedule, ScheduleState, write_session
from portal.schedules import changes
from portal.schedules import start_due as tick
from portal.schedules.run_now import CannotRun, run_now
from portal.schedules.start_due import start_due
from tests.schedules.test_changes import given, otto
from tests.support.cast import Cast
from tests.support.pages_client import Pages
from tests.support.schedules import make_schedule

DUE = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
LATER = DUE + timedelta(minutes=2)


def runs(schedule_id: uuid.UUID) -> list[Run]:
    with write_session() as session:
        return list(session.scalars(sa.select(Run).where(Run.schedule_id == schedule_id).order_by(Run.planned_for)))


def schedule(schedule_id: uuid.UUID) -> Schedule:
    with write_session() as session:
        return session.get_one(Schedule, schedule_id)


def set_runs(schedule_id: uuid.UUID, state: RunState, **values: Any) -> None:
    with write_session() as session:
        session.execute(sa.update(Run).where(Run.schedule_id == schedule_id).values(state=state, **values))


def broken(cast: Cast, **more: Any) -> uuid.UUID:
    """A due schedule whose filter names what the register no longer has: the tick parked it."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, filters={"category": ["Gone"]}, **more)
    start_due(DUE)
    assert schedule(schedule_id).parked_until is not None
    return schedule_id


def test_what_was_due_in_a_broken_schedule_is_made_once_it_is_mended(app: Flask, cast: Cast) -> None:
    schedule_id = broken(cast)
    changes.edit_schedule(cast.lakeside, schedule_id, given(cast), revision=1, actor=otto(cast), now=LATER)
    (run,) = runs(schedule_id)
    assert (run.state, run.planned_for, run.configuration["schedule"]["name"]) == (RunState.QUEUED, DUE, "Board")
    mended = schedule(schedule_id)
    assert (mended.parked_until, mended.last_error) == (None, None)
    assert mended.next_run_at == DUE + timedelta(days=7)


def test_a_broken_schedule_whose_moment_cannot_be_read_can_be_edited(app: Flask, cast: Cast) -> None:
    """The zone it was planned in is no longer known."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, timezone="UTC")
    with write_session() as session:
        values = {"timezone": "Mars/Olympus", "next_local": "2026-11-02T08:00[Mars/Olympus]", "next_run_at": DUE}
        session.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(values))
    start_due(DUE)
    changes.edit_schedule(cast.lakeside, schedule_id, given(cast), revision=1, actor=otto(cast), now=LATER)
    (run,) = runs(schedule_id)
    assert run.state is RunState.SKIPPED
    assert run.reason
    assert schedule(schedule_id).next_run_at == DUE + timedelta(days=7)
    assert schedule(schedule_id).parked_until is None


@pytest.mark.parametrize("verb", ["pause", "delete"])
def test_a_broken_schedule_can_be_paused_and_deleted(app: Flask, cast: Cast, verb: str) -> None:
    schedule_id = broken(cast)
    if verb == "pause":
        changes.pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=None, actor=otto(cast), now=LATER)
    else:
        changes.delete_schedule(cast.lakeside, schedule_id, actor=otto(cast), now=LATER)
    (run,) = runs(schedule_id)
    assert (run.state, run.planned_for) == (RunState.SKIPPED, DUE)
    assert schedule(schedule_id).state is (ScheduleState.PAUSED if verb == "pause" else ScheduleState.DELETED)


def test_a_skipped_moment_of_a_broken_schedule_can_be_looked_at(app: Flask, cast: Cast, page: Pages) -> None:
    schedule_id = broken(cast)
    changes.pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=None, actor=otto(cast), now=LATER)
    (run,) = runs(schedule_id)
    for path in (f"/runs/{run.id}", "/history", f"/schedules/{schedule_id}"):
        assert page.otto.get(path).status == 200


def test_running_a_broken_schedule_now_is_refused_with_the_reason(app: Flask, cast: Cast) -> None:
    schedule_id = broken(cast)
    with pytest.raises(CannotRun, match="Gone"):
        run_now(cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=otto(cast), now=LATER)


@pytest.mark.parametrize("verb", ["pause", "delete"])
def test_every_moment_that_fell_due_is_written_down_when_a_person_stops_the_schedule(
    app: Flask, cast: Cast, verb: str
) -> None:
    """Nothing ticked for days, then a person came before the tick."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, rule={"freq": "daily", "time": "08:00"})
    after_four = datetime(2026, 10, 30, 9, 0, tzinfo=UTC)
    if verb == "pause":
        changes.pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=None, actor=otto(cast), now=after_four)
    else:
        changes.delete_schedule(cast.lakeside, schedule_id, actor=otto(cast), now=after_four)
    assert [(run.state, run.planned_for.day) for run in runs(schedule_id)] == [
        (RunState.SKIPPED, day) for day in (27, 28, 29)
    ]


def test_a_pause_of_a_broken_schedule_holds_no_other_up(app: Flask, cast: Cast) -> None:
    paused = {"state": ScheduleState.PAUSED, "resume_at": DUE, "next_run_at": None}
    bad = make_schedule(cast.lakeside, cast.otto, rule={"freq": "sometimes"}, **paused)
    good = make_schedule(cast.lakeside, cast.otto, **paused)
    start_due(DUE)
    assert schedule(good).state is ScheduleState.ACTIVE
    assert (schedule(bad).state, schedule(bad).parked_until) == (ScheduleState.PAUSED, DUE + timedelta(hours=1))
    assert schedule(bad).last_error


@pytest.mark.parametrize(
    "trouble",
    [
        sa.exc.OperationalError("UPDATE", {}, Exception("database is locked")),
        sa.exc.InterfaceError("UPDATE", {}, psycopg.InterfaceError("the connection is closed")),
    ],
    ids=["locked", "gone"],
)
def test_trouble_with_the_database_parks_no_schedule(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch, trouble: sa.exc.DBAPIError
) -> None:
    """Locked or away is the database's fault, not the schedule's: the next tick tries again."""
    schedules = [make_schedule(cast.lakeside, cast.otto) for _ in range(6)]
    tried: list[object] = []

    def refused(_db: object, due: object, *_: object) -> None:
        tried.append(due)
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(tick, "start", refused)
        assert start_due(DUE) == 0
    # once for all, then one by one, and no more once it is plain that the database is not to be had
    assert len(tried) == 1 + tick.MOST_TROUBLES
    assert [schedule(each).parked_until for each in schedules] == [None] * 6
    assert start_due(DUE + timedelta(seconds=15)) == 6


def test_a_third_moment_skips_the_one_that_waits(app: Flask, cast: Cast) -> None:
    """B6."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    start_due(DUE)
    set_runs(schedule_id, RunState.RUNNING, attempt=1, lease_owner="a", lease_until=DUE + timedelta(days=30))
    start_due(DUE + timedelta(days=7))
    assert [run.state for run in runs(schedule_id)] == [RunState.RUNNING, RunState.QUEUED]
    start_due(DUE + timedelta(days=14))
    first, second, third = runs(schedule_id)
    assert [run.state for run in (first, second, third)] == [RunState.RUNNING, RunState.SKIPPED, RunState.QUEUED]
    assert "still going" in second.reason
    with write_session() as session:
        statement = sa.select(AuditEvent.action).where(AuditEvent.subject_id == str(second.id))
        assert set(session.scalars(statement)) == {"run.queued", "run.skipped"}


def test_a_run_now_that_is_still_going_skips_no_planned_moment(app: Flask, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    run_now(cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=otto(cast), now=DUE)
    set_runs(schedule_id, RunState.RUNNING, attempt=1, lease_owner="a", lease_until=DUE + timedelta(days=30))
    start_due(DUE)
    start_due(DUE + timedelta(days=7))
    planned = [run.state for run in runs(schedule_id) if run.kind is RunKind.PLANNED]
    assert planned == [RunState.QUEUED, RunState.QUEUED]


def test_a_form_sent_twice_at_once_makes_one_schedule(app: Flask, cast: Cast) -> None:
    schedule_id, together, failures = uuid.uuid4(), threading.Barrier(4), []
    asked = given(cast)

    def send() -> None:
        with app.app_context():
            together.wait()
            try:
                changes.create_schedule(cast.lakeside, asked, actor=otto(cast), now=DUE, schedule_id=schedule_id)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with write_session() as session:
        statement = sa.select(AuditEvent.action).where(AuditEvent.subject_id == str(schedule_id))
        assert session.scalars(statement).all() == ["schedule.created"]


def test_an_edit_and_ticks_at_the_due_moment_make_one_run(app: Flask, cast: Cast) -> None:
    """Whoever comes first makes it; the other finds it made."""
    ids = [make_schedule(cast.lakeside, cast.otto, name=str(number)) for number in range(8)]
    asked, together, failures = given(cast), threading.Barrier(3), []

    def act(edits: bool) -> None:
        with app.app_context():
            together.wait()
            try:
                if not edits:
                    start_due(LATER)
                    return
                for each in ids:
                    changes.edit_schedule(cast.lakeside, each, asked, revision=1, actor=otto(cast), now=LATER)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=act, args=(edits,)) for edits in (True, False, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [len(runs(each)) for each in ids] == [1] * 8
    assert [schedule(each).next_run_at for each in ids] == [DUE + timedelta(days=7)] * 8
    assert [report.problem for report in verify_chains()] == [None]


def test_the_end_of_a_schedule_is_an_audit_event(app: Flask, cast: Cast) -> None:
    rule = {"freq": "once", "date": "2026-11-02", "time": "08:00"}
    schedule_id = make_schedule(cast.lakeside, cast.otto, rule=rule)
    start_due(DUE)
    with write_session() as session:
        statement = sa.select(AuditEvent.action).where(AuditEvent.subject_id == str(schedule_id))
        assert session.scalars(statement).all() == ["schedule.ended"]


def test_two_moments_that_became_one_by_new_time_zone_data_are_one_run(app: Flask, cast: Cast) -> None:
    """Planned for 12:00Z under the old data; by today's the same wall time is 13:00Z."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    with write_session() as session:
        early = DUE - timedelta(hours=1)
        session.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(next_run_at=early))
    for minutes in (-60, 0, 1):
        start_due(DUE + timedelta(minutes=minutes))
    assert [run.occurrence_key for run in runs(schedule_id)] == [f"s:{schedule_id}:2026-11-02T08:00[America/New_York]"]
    assert schedule(schedule_id).next_run_at == DUE + timedelta(days=7)


def test_a_clock_that_is_put_back_makes_no_moment_twice(app: Flask, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    start_due(DUE)
    before = DUE - timedelta(hours=1)
    changes.edit_schedule(cast.lakeside, schedule_id, given(cast), revision=1, actor=otto(cast), now=before)
    start_due(LATER)
    assert len(runs(schedule_id)) == 1


def test_the_actor_of_what_the_tick_does_is_the_system(app: Flask, cast: Cast) -> None:
    broken(cast)
    with write_session() as session:
        rows = session.execute(sa.select(AuditEvent.action, AuditEvent.actor_name)).all()
    assert rows == [("schedule.parked", audit.system.name)]


def test_a_ticker_that_read_before_another_moved_writes_nothing(app: Flask, cast: Cast) -> None:
    """Even were the row not locked: the next moment moves only from where it was read."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    with write_session() as session:
        read_before = session.scalars(
            sa.select(Schedule).where(Schedule.id == schedule_id).options(selectinload(Schedule.destinations))
        ).all()
    start_due(DUE)
    with pytest.raises(tick.MovedMeanwhile), write_session() as session:
        tick.start(session, read_before, DUE + timedelta(days=7))
    assert len(runs(schedule_id)) == 1
    assert schedule(schedule_id).next_run_at == DUE + timedelta(days=7)


@pytest.mark.parametrize("same_form", [True, False])
def test_run_now_pressed_ten_times_at_once_is_one_run(app: Flask, cast: Cast, same_form: bool) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    key, together, shown = str(uuid.uuid4()), threading.Barrier(10), []

    def press() -> None:
        with app.app_context():
            together.wait()
            pressed = key if same_form else str(uuid.uuid4())
            shown.append(run_now(cast.lakeside, schedule_id, idempotency_key=pressed, actor=otto(cast), now=DUE))

    threads = [threading.Thread(target=press) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shown) == 10
    assert len(set(shown)) == len(runs(schedule_id)) == 1


def test_a_form_of_run_now_sent_again_after_the_run_ended_shows_that_run(app: Flask, cast: Cast) -> None:
    """The back button."""
    schedule_id, key = make_schedule(cast.lakeside, cast.otto), str(uuid.uuid4())
    first = run_now(cast.lakeside, schedule_id, idempotency_key=key, actor=otto(cast), now=DUE)
    set_runs(schedule_id, RunState.SUCCEEDED)
    assert run_now(cast.lakeside, schedule_id, idempotency_key=key, actor=otto(cast), now=LATER) == first


def test_the_period_of_a_late_run_counts_from_its_planned_moment(app: Flask, cast: Cast) -> None:
    """B5: a day late, the same days."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    start_due(DUE + timedelta(days=1))
    (run,) = runs(schedule_id)
    assert run.kind is RunKind.CATCH_UP
    assert (run.period_from, run.period_to) == (
        datetime(2026, 10, 3, 4, 0, tzinfo=UTC),
        datetime(2026, 11, 2, 5, 0, tzinfo=UTC),
    )
    assert run.late_seconds == 24 * 3600
