""" "Produce it now": a planned moment that was missed, made after all (B4, B5)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db as database
from portal.models import AuditEvent, CatchUp, Run, RunKind, RunState, Schedule, ScheduleState, write_session
from portal.runs.make import make_run
from portal.runs.produce import produce_missed
from portal.runs.transitions import Refused
from portal.schedules.changes import delete_schedule, pause_schedule
from portal.schedules.start_due import start_due
from tests.runs.conftest import run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink, attachment_of
from tests.support.schedules import make_cases, make_schedule
from tests.support.whole_product import wait_until

ANA = "ana@example.org"
EVERY_DAY = {"freq": "daily", "time": "08:00"}
Produce = Callable[[uuid.UUID], None]


@pytest.fixture
def produce(cast: Cast, moved_clock: Clock) -> Produce:
    def do(run_id: uuid.UUID) -> None:
        produce_missed(cast.lakeside, run_id, actor=audit.user_actor(cast.ana, ANA), now=moved_clock.now())

    return do


@pytest.fixture
def missed(cast: Cast, moved_clock: Clock) -> Callable[..., list[uuid.UUID]]:
    """A daily schedule that nothing ran for since 26 October; its MISSED runs, oldest first."""

    def make(**given: object) -> list[uuid.UUID]:
        given = {"rule": EVERY_DAY, "period": "previous_day", "catch_up": CatchUp.NONE, **given}
        schedule_id = make_schedule(cast.lakeside, cast.otto, **given)
        start_due(moved_clock.now())
        with write_session() as db:
            statement = sa.select(Run.id).where(Run.schedule_id == schedule_id, Run.state == RunState.MISSED)
            return list(db.scalars(statement.order_by(Run.planned_for)))

    return make


def test_it_is_the_same_row_of_the_same_period_made_late(
    app: Flask,
    missed: Callable[..., list[uuid.UUID]],
    produce: Produce,
    cast: Cast,
    moved_clock: Clock,
    mail_sink: Sink,
) -> None:
    make_cases(cast.lakeside, 4, created_at=datetime(2026, 10, 27, 15, tzinfo=UTC))
    run_id = missed()[1]
    before = run_of(run_id)
    assert before.planned_for == datetime(2026, 10, 28, 12, tzinfo=UTC)
    produce(run_id)
    waiting = run_of(run_id)
    assert waiting.reason == "Missed at its time; ana@example.org asked to produce it now."
    assert waiting.late_seconds == (moved_clock.now() - before.planned_for).total_seconds()
    make_run(run_id)
    after = run_of(run_id)
    assert (after.state, after.kind, after.requested_by) == (RunState.SUCCEEDED, RunKind.CATCH_UP, ANA)
    same = ("occurrence_key", "planned_for", "planned_local", "period_from", "period_to", "configuration")
    assert all(getattr(before, name) == getattr(after, name) for name in same)
    (message,) = mail_sink.messages()
    assert attachment_of(message).count(b"C-0") == 4  # the cases of 27 October, not of today
    with write_session() as db:
        event = db.scalars(sa.select(AuditEvent).where(AuditEvent.action == "run.queued", AuditEvent.actor_name == ANA))
        assert event.one().subject_id == str(run_id)


def test_of_many_in_one_row_the_last_is_produced_and_the_count_stays(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce, moved_clock: Clock
) -> None:
    moved_clock.set(datetime(2026, 12, 15, 12, 0, tzinfo=UTC))
    (run_id,) = missed()
    assert run_of(run_id).missed_count == 49
    produce(run_id)
    make_run(run_id)
    run = run_of(run_id)
    assert (run.state, run.missed_count) == (RunState.SUCCEEDED, 49)
    assert run.planned_for == datetime(2026, 12, 14, 13, 0, tzinfo=UTC)
    assert (run.period_from, run.period_to) == (
        datetime(2026, 12, 13, 5, tzinfo=UTC),
        datetime(2026, 12, 14, 5, tzinfo=UTC),
    )


def test_it_is_allowed_while_the_schedule_is_paused(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce, cast: Cast, moved_clock: Clock
) -> None:
    run_id = missed()[0]
    pause_schedule(
        cast.lakeside,
        run_of(run_id).schedule_id,
        reason="",
        resume_at=None,
        actor=audit.user_actor(cast.ana, ANA),
        now=moved_clock.now(),
    )
    produce(run_id)
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED


def test_nothing_is_produced_of_a_deleted_schedule(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce, cast: Cast, moved_clock: Clock
) -> None:
    run_id = missed()[0]
    actor = audit.user_actor(cast.ana, ANA)
    delete_schedule(cast.lakeside, run_of(run_id).schedule_id, actor=actor, now=moved_clock.now())
    with pytest.raises(Refused, match="was deleted"):
        produce(run_id)
    assert run_of(run_id).state is RunState.MISSED


def test_nothing_is_produced_of_a_schedule_that_waits_for_approval(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce
) -> None:
    run_id = missed()[0]
    with write_session() as db:
        db.execute(sa.update(Schedule).values(state=ScheduleState.AWAITING_APPROVAL))
    with pytest.raises(Refused, match="waits for approval"):
        produce(run_id)
    assert run_of(run_id).state is RunState.MISSED


def test_a_stranger_produces_nothing(
    app: Flask, missed: Callable[..., list[uuid.UUID]], cast: Cast, moved_clock: Clock
) -> None:
    run_id = missed()[0]
    with pytest.raises(Refused, match="no longer there"):
        produce_missed(cast.strangers, run_id, actor=audit.operator, now=moved_clock.now())
    assert run_of(run_id).state is RunState.MISSED


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.MISSED])
def test_only_what_was_missed_is_produced(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce, state: RunState
) -> None:
    run_id = missed()[0]
    with write_session() as db:
        db.execute(sa.update(Run).where(Run.id == run_id).values(state=state))
    with pytest.raises(Refused, match="Only a run that was missed"):
        produce(run_id)
    assert run_of(run_id).state is state


def test_a_late_press_holds_no_schedule_while_it_waits_for_the_run(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce
) -> None:
    """Whoever makes the run wants the schedule last: PostgreSQL would break the circle by an error for one of both."""
    if database.engine.dialect.name == "sqlite":
        return  # one writer at a time: nobody holds a row while another waits for it
    run_id, told = missed()[0], []
    with write_session() as db:
        db.execute(sa.update(Run).where(Run.id == run_id).values(state=RunState.RUNNING))

    def press() -> None:
        with app.app_context(), pytest.raises(Refused) as refusal:
            produce(run_id)
        told.append(str(refusal.value))

    def waits() -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        with Session(database.engine) as session:
            return bool(session.scalar(sa.text(waiting)))

    pressing = threading.Thread(target=press)
    with write_session() as db:
        run = db.scalars(sa.select(Run).where(Run.id == run_id).with_for_update()).one()
        pressing.start()
        wait_until("the press waits for the run", waits)
        db.scalars(sa.select(Schedule.id).where(Schedule.id == run.schedule_id).with_for_update(nowait=True)).one()
    pressing.join()
    assert told == ["Only a run that was missed can be produced after all."]


def test_of_four_presses_at_once_one_run_comes(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = missed()[0]
    together = threading.Barrier(4)

    def press() -> None:
        with app.app_context():
            together.wait()
            produce(run_id)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    make_run(run_id)
    moved_clock.forward(minutes=1)
    produce(run_id)  # the page was open since before
    assert not make_run(run_id)
    assert len(mail_sink.messages()) == 1
    with write_session() as db:
        events = db.scalars(sa.select(AuditEvent.action).where(AuditEvent.subject_id == str(run_id))).all()
    assert events.count("run.queued") == 1


def test_older_ones_come_first(
    app: Flask, missed: Callable[..., list[uuid.UUID]], produce: Produce, moved_clock: Clock
) -> None:
    older, newer, *_ = missed()
    for run_id in (newer, older):
        produce(run_id)
        moved_clock.forward(seconds=1)
    assert not make_run(newer)
    assert make_run(older)
    assert make_run(newer)
    assert run_of(newer).started_at - run_of(newer).planned_for > timedelta(days=4)  # type: ignore[operator]
