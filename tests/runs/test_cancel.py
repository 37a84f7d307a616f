"""A person stops a run, whatever stands of it by then (B9)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import audit, leases
from portal.config import settings
from portal.extensions import db as database
from portal.models import Artifact, AuditEvent, Delivery, DeliveryState, Run, RunState, Schedule, write_session
from portal.plumbing import storage
from portal.runs import recover
from portal.runs.cancel import Cancelled, cancel_run
from portal.runs.make import make_run
from portal.runs.transitions import Refused
from portal.schedules.changes import delete_schedule
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.places import Lost, at, be_lost
from tests.support.schedules import make_schedule
from tests.support.scripted_smtp import HANG, ScriptedSmtp
from tests.support.whole_product import wait_until

NewRun = Callable[..., uuid.UUID]
ANA = audit.Actor("USER", "ana@example.org")
A, B, C = "priya@example.org", "tomas@example.org", "wendel@example.org"
S, R = DeliveryState, RunState


@pytest.fixture
def cancel(cast: Cast, moved_clock: Clock) -> Callable[[uuid.UUID], Cancelled]:
    def do(run_id: uuid.UUID) -> Cancelled:
        return cancel_run(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())

    return do


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    runs: list[uuid.UUID] = []

    def wake_run(run_id: uuid.UUID, count: int) -> bool:
        runs.append(run_id)
        return True

    monkeypatch.setattr("portal.plumbing.wakeups.wake_run", wake_run)
    return runs


Cancel = Callable[[uuid.UUID], Cancelled]


def events_of(run_id: uuid.UUID) -> list[tuple[str, str]]:
    with write_session() as db:
        statement = sa.select(AuditEvent.action, AuditEvent.actor_name).where(AuditEvent.subject_id == str(run_id))
        return [(action, who) for action, who in db.execute(statement.order_by(AuditEvent.sequence))]


def states_of(run_id: uuid.UUID) -> list[DeliveryState]:
    return [row.state for row in deliveries_of(run_id).values()]


def count(model: type) -> int:
    with write_session() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def change(run_id: uuid.UUID, **values: object) -> None:
    with write_session() as db:
        db.execute(sa.update(Run).where(Run.id == run_id).values(**values))


# ---- before a file is there


def test_a_queued_run_is_cancelled_at_once_and_never_made(
    app: Flask, new_run: NewRun, cancel: Cancel, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run()
    change(run_id, ready_after=moved_clock.now(), not_before=moved_clock.now() + timedelta(hours=1))
    assert cancel(run_id) is Cancelled.NOW
    moved_clock.forward(hours=2)
    assert not make_run(run_id)
    recover.sweep(moved_clock.now())
    run = run_of(run_id)
    assert (run.state, run.reason) == (R.CANCELLED, "Cancelled by ana@example.org before it was begun.")
    assert (run.wake_after, run.ready_after, run.finished_at) == (None, None, moved_clock.now() - timedelta(hours=2))
    assert events_of(run_id)[-1] == ("run.cancelled", "ana@example.org")
    assert mail_sink.messages() == []


def test_the_run_that_waited_for_it_goes_on(
    app: Flask, new_run: NewRun, cancel: Cancel, cast: Cast, moved_clock: Clock, woken: list[uuid.UUID]
) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    first = new_run(schedule_id)
    change(first, kind="PLANNED")
    assert leases.take(first, "a", moved_clock.now())
    second = new_run(schedule_id)
    woken.clear()
    cancel(first)
    assert woken == [second]
    assert leases.take(second, "b", moved_clock.now())


def test_a_run_is_cancelled_while_its_file_is_made(
    app: Flask, new_run: NewRun, cancel: Cancel, moved_clock: Clock, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    seen = at(monkeypatch, "made-file", lambda: cancel(run_id))
    make_run(run_id)
    run = run_of(run_id)
    assert (run.state, run.lease_owner, run.lease_until) == (R.CANCELLED, None, None)
    assert run.reason == "Cancelled by ana@example.org while the file was being made. Nothing was sent."
    assert (count(Artifact), count(Delivery), mail_sink.messages()) == (0, 0, [])
    assert "artifact-after-commit" not in seen
    recover.sweep(moved_clock.forward(minutes=5))
    assert run_of(run_id).state is R.CANCELLED


def test_the_work_stops_at_the_next_page_of_rows(
    app: Flask, new_run: NewRun, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    monkeypatch.setattr("portal.runs.make.PROGRESS_SECONDS", -1.0)
    seen = at(monkeypatch, "first-page", lambda: cancel(run_id))
    make_run(run_id)
    assert run_of(run_id).state is R.CANCELLED
    assert "made-file" not in seen


def test_a_file_that_was_kept_but_not_written_down_belongs_to_nobody(
    app: Flask, new_run: NewRun, cancel: Cancel, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    at(monkeypatch, "stored-file", lambda: cancel(run_id))
    make_run(run_id)
    assert run_of(run_id).state is R.CANCELLED
    assert (count(Artifact), count(Delivery), mail_sink.messages()) == (0, 0, [])
    assert len(list((settings().var_folder / "files").rglob("*.csv"))) == 1


def test_a_run_that_fails_after_it_was_cancelled_stays_cancelled(
    app: Flask, new_run: NewRun, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()

    def fail(*_: object) -> None:
        cancel(run_id)
        raise storage.StorageError("the disk is full", permanent=True)

    monkeypatch.setattr(storage, "put_new", fail)
    make_run(run_id)
    assert (run_of(run_id).state, run_of(run_id).error_message) == (R.CANCELLED, None)


def test_a_cancelled_run_ends_no_row_of_failures(
    app: Flask, new_run: NewRun, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    schedule_id = run_of(run_id).schedule_id
    with write_session() as db:
        db.get_one(Schedule, schedule_id).failure_streak = 3
    at(monkeypatch, "made-file", lambda: cancel(run_id))
    make_run(run_id)
    with write_session() as db:
        schedule = db.get_one(Schedule, schedule_id)
    assert (schedule.failure_streak, schedule.last_run_status) == (3, "CANCELLED")


# ---- while it is being delivered


@pytest.mark.parametrize("place", ["connected", "after-data-mark", "answered"])
def test_the_recipient_in_hand_is_finished_and_nobody_after_that(
    app: Flask,
    new_run: NewRun,
    cancel: Cancel,
    mail_sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    """In SENDING, in DATA, and after the answer that is not yet written down."""
    run_id = new_run(recipients=[A, B, C])
    asked: list[object] = []
    at(monkeypatch, place, lambda: asked.append((cancel(run_id), run_of(run_id).reason)))
    make_run(run_id)
    soon = "Being cancelled by ana@example.org: the recipient in hand is finished, and nobody after that."
    assert asked == [(Cancelled.SOON, soon)]
    run = run_of(run_id)
    assert (run.state, run.lease_owner, run.wake_after) == (R.CANCELLED, None, None)
    assert run.reason == "Cancelled by ana@example.org. Accepted for 1 of 3 destinations; 2 cancelled."
    assert run.reached == {"ACCEPTED": 1, "CANCELLED": 2}
    assert states_of(run_id) == [S.ACCEPTED, S.CANCELLED, S.CANCELLED]
    assert [message["To"] for message in mail_sink.messages()] == [A]
    assert events_of(run_id)[-2:] == [("run.cancel_requested", "ana@example.org"), ("run.cancelled", "Duepost")]


def test_what_was_accepted_stays_accepted_when_nobody_was_left(
    app: Flask, new_run: NewRun, cancel: Cancel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    at(monkeypatch, "settle-before", lambda: cancel(run_id))
    make_run(run_id)
    run = run_of(run_id)
    assert (run.state, states_of(run_id)) == (R.CANCELLED, [S.ACCEPTED])
    assert run.reason == "Cancelled by ana@example.org. Accepted for 1 of 1 destination."


def test_a_run_that_waits_for_the_next_try_is_cancelled_at_once(
    app: Flask, new_run: NewRun, cancel: Cancel, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run(recipients=[A, "busy@example.org"])
    make_run(run_id)
    assert run_of(run_id).state is R.DELIVERING
    assert cancel(run_id) is Cancelled.NOW
    moved_clock.forward(hours=1)
    assert not make_run(run_id)
    assert (run_of(run_id).state, states_of(run_id)) == (R.CANCELLED, [S.ACCEPTED, S.CANCELLED])
    assert len(mail_sink.messages()) == 1


@pytest.mark.parametrize(
    ("place", "delivery", "state"),
    [
        ("connected", {"attach": True, "link": True}, S.CANCELLED),
        ("after-data-mark", {"attach": True, "link": True}, S.UNKNOWN),
        # its policy is to send a link mail once more; that it may have arrived stays true though nothing is sent
        ("after-data-mark", {"attach": False, "link": True}, S.UNKNOWN),
    ],
)
def test_where_the_worker_was_lost_the_run_is_cancelled_at_once_and_says_what_may_have_arrived(
    app: Flask,
    new_run: NewRun,
    cancel: Cancel,
    moved_clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    delivery: dict[str, bool],
    state: DeliveryState,
) -> None:
    run_id = new_run(recipients=[A, B], delivery_config=delivery)
    at(monkeypatch, place, be_lost)
    with pytest.raises(Lost):
        make_run(run_id)
    moved_clock.forward(seconds=91)
    assert cancel(run_id) is Cancelled.NOW
    assert (run_of(run_id).state, states_of(run_id)) == (R.CANCELLED, [state, S.CANCELLED])
    for row in deliveries_of(run_id).values():
        assert row.next_attempt_at is None


def test_a_link_mail_that_waits_to_be_sent_again_is_not_called_cancelled(
    app: Flask, new_run: NewRun, cancel: Cancel, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run(delivery_config={"attach": False, "link": True})
    at(monkeypatch, "answered", be_lost)
    with pytest.raises(Lost):
        make_run(run_id)
    moved_clock.forward(seconds=91)
    make_run(run_id)
    assert states_of(run_id) == [S.PENDING]
    cancel(run_id)
    assert states_of(run_id) == [S.UNKNOWN]
    assert "An earlier try may have arrived." in deliveries_of(run_id)[A].reason


def test_the_sweep_ends_a_cancel_whose_worker_was_lost(
    app: Flask,
    new_run: NewRun,
    cancel: Cancel,
    moved_clock: Clock,
    mail_sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    woken: list[uuid.UUID],
) -> None:
    run_id = new_run(recipients=[A, B])

    def ask_and_be_lost() -> None:
        assert cancel(run_id) is Cancelled.SOON
        be_lost()

    at(monkeypatch, "connected", ask_and_be_lost)
    with pytest.raises(Lost):
        make_run(run_id)
    recover.sweep(moved_clock.forward(seconds=89))
    assert run_of(run_id).state is R.DELIVERING  # its lease is good: it may still be at work
    recover.sweep(moved_clock.forward(seconds=1))
    assert (run_of(run_id).state, states_of(run_id)) == (R.CANCELLED, [S.CANCELLED, S.CANCELLED])
    assert run_of(run_id).reason == "Cancelled by ana@example.org. Accepted for 0 of 2 destinations; 2 cancelled."
    assert mail_sink.messages() == []


def test_a_worker_that_takes_up_a_run_being_cancelled_sends_nothing(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    change(run_id, cancel_requested_at=moved_clock.now(), cancel_requested_by="ana@example.org")
    moved_clock.forward(minutes=10)
    make_run(run_id)
    assert (run_of(run_id).state, states_of(run_id)) == (R.CANCELLED, [S.CANCELLED])
    assert deliveries_of(run_id)["busy@example.org"].attempts == 1


def test_a_frozen_worker_writes_nothing_over_a_cancel(
    app: Flask, new_run: NewRun, cancel: Cancel, moved_clock: Clock, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sleeps after the server's answer until its lease has lapsed, and wakes after the cancel."""
    run_id = new_run(recipients=[A, B])

    def sleep_and_cancel() -> None:
        moved_clock.forward(seconds=91)
        assert cancel(run_id) is Cancelled.NOW

    at(monkeypatch, "answered", sleep_and_cancel)
    make_run(run_id)
    assert (run_of(run_id).state, states_of(run_id)) == (R.CANCELLED, [S.UNKNOWN, S.CANCELLED])
    assert len(mail_sink.messages()) == 1


def test_a_server_that_keeps_a_worker_waiting_does_not_keep_the_person_waiting(
    app: Flask, make_app: Callable[..., Flask], new_run: NewRun, cancel: Cancel
) -> None:
    run_id = new_run(recipients=[A, B, C])
    with ScriptedSmtp({f"rcpt:{B}": HANG}) as server:
        patient = make_app(MAIL_PORT=str(server.port), DUEPOST_MAIL_TIMEOUT_SECONDS="60")

        def work() -> None:
            with patient.app_context():
                make_run(run_id)

        worker = threading.Thread(target=work)
        worker.start()
        wait_until("the server has the second recipient", lambda: any(B in each for each in server.commands))
        assert cancel(run_id) is Cancelled.SOON
        assert states_of(run_id) == [S.ACCEPTED, S.SENDING, S.PENDING]
        server.released.set()
        worker.join()
        assert [each.rcpt_to for each in server.received] == [A]
    assert (run_of(run_id).state, states_of(run_id)) == (R.CANCELLED, [S.ACCEPTED, S.CANCELLED, S.CANCELLED])


# ---- who comes too late, twice, or from elsewhere


@pytest.mark.parametrize("state", [R.SUCCEEDED, R.PARTIAL, R.FAILED, R.SKIPPED, R.MISSED, R.CANCELLED])
def test_a_run_that_is_over_cannot_be_cancelled(app: Flask, new_run: NewRun, cancel: Cancel, state: RunState) -> None:
    run_id = new_run()
    change(run_id, state=state)
    events = events_of(run_id)
    with pytest.raises(Refused, match="over already"):
        cancel(run_id)
    assert run_of(run_id).state is state
    assert events_of(run_id) == events


def test_asking_twice_is_asking_once(app: Flask, new_run: NewRun, cancel: Cancel, moved_clock: Clock) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    assert leases.take(run_id, "a", moved_clock.forward(minutes=1))
    asked_at = moved_clock.now()
    assert cancel(run_id) is Cancelled.SOON
    moved_clock.forward(seconds=5)
    assert cancel(run_id) is Cancelled.SOON
    assert run_of(run_id).cancel_requested_at == asked_at
    assert [action for action, _ in events_of(run_id)].count("run.cancel_requested") == 1


def test_of_four_who_cancel_at_once_one_does(app: Flask, new_run: NewRun, cancel: Cancel) -> None:
    run_id = new_run()
    together, told = threading.Barrier(4), list[str]()

    def press() -> None:
        with app.app_context():
            together.wait()
            try:
                told.append(cancel(run_id))
            except Refused:
                told.append("refused")

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [Cancelled.NOW, "refused", "refused", "refused"]
    assert [action for action, _ in events_of(run_id)].count("run.cancelled") == 1


def test_a_stranger_cancels_nothing(app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock) -> None:
    run_id = new_run()
    with pytest.raises(Refused, match="no longer there"):
        cancel_run(cast.strangers, run_id, actor=ANA, now=moved_clock.now())
    assert run_of(run_id).state is R.QUEUED


# ---- with its schedule


def test_a_run_that_another_holds_is_not_waited_for_while_the_schedule_is_held(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock
) -> None:
    """Whoever holds it may be waiting for the schedule; it is cancelled as soon as it is let go."""
    if database.engine.dialect.name == "sqlite":
        return  # one writer at a time: nobody holds a row while another waits for it
    run_id = new_run()
    schedule_id = run_of(run_id).schedule_id

    def is_deleted() -> bool:
        with Session(database.engine) as session:
            return session.get_one(Schedule, schedule_id).deleted_at is not None

    def delete() -> None:
        with app.app_context():
            delete_schedule(cast.lakeside, schedule_id, actor=ANA, now=moved_clock.now())

    deleting = threading.Thread(target=delete)
    with write_session() as db:
        db.scalars(sa.select(Run).where(Run.id == run_id).with_for_update()).one()
        deleting.start()
        wait_until("the schedule is deleted", is_deleted)
    deleting.join()
    assert run_of(run_id).state is R.CANCELLED


def test_deleting_a_schedule_cancels_what_waits_and_leaves_what_is_in_hand(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock
) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    in_hand = new_run(schedule_id)
    change(in_hand, kind="PLANNED")
    assert leases.take(in_hand, "a", moved_clock.now())
    waiting = new_run(schedule_id)
    elsewhere = new_run()
    delete_schedule(cast.lakeside, schedule_id, actor=ANA, now=moved_clock.now())
    assert [run_of(each).state for each in (in_hand, waiting, elsewhere)] == [R.RUNNING, R.CANCELLED, R.QUEUED]
    assert run_of(waiting).reason == "Cancelled before it was begun: ana@example.org deleted the schedule."
    assert events_of(waiting)[-1] == ("run.cancelled", "ana@example.org")
