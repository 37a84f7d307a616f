"""Nothing stays open for ever, and what a lost worker leaves is taken up soon and told truly (B7, B8, D5, D7)."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit, leases
from portal.delivery import ledger
from portal.extensions import db
from portal.models import Artifact, Delivery, DeliveryState, DownloadLink, Run, RunState, Schedule, write_session
from portal.plumbing import storage
from portal.runs import make, recover
from portal.runs.keep import keep
from portal.runs.make import make_run
from portal.runs.retry import retry_failed
from portal.runs.transitions import Refused
from tests.runs.conftest import THREE, deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule
from tests.support.whole_product import wait_until

NewRun = Callable[..., uuid.UUID]
ANA = audit.Actor("USER", "ana@example.org")


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """The runs that were woken, one after the other."""
    runs: list[uuid.UUID] = []

    def wake_run(run_id: uuid.UUID, count: int) -> bool:
        runs.append(run_id)
        return True

    monkeypatch.setattr("portal.plumbing.wakeups.wake_run", wake_run)
    return runs


def change(run_id: uuid.UUID, **values: object) -> None:
    with write_session() as session:
        session.execute(sa.update(Run).where(Run.id == run_id).values(**values))


@pytest.mark.parametrize("wakes_before", [1, 20])
def test_a_worker_lost_while_delivering_is_noticed_within_three_minutes(
    app: Flask, new_run: NewRun, moved_clock: Clock, woken: list[uuid.UUID], wakes_before: int
) -> None:
    """However often the run was woken before, as one is that waits for a busy server for hours."""
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    change(run_id, wake_count=wakes_before)
    recover.sweep(moved_clock.forward(minutes=1))
    assert leases.take(run_id, "worker that dies", moved_clock.forward(seconds=1))
    woken.clear()
    for _ in range(6):
        recover.sweep(moved_clock.forward(seconds=30))
    assert woken == [run_id]


def test_a_run_in_a_workers_hands_is_not_put_off(
    app: Flask, new_run: NewRun, moved_clock: Clock, woken: list[uuid.UUID]
) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    assert leases.take(run_id, "a", moved_clock.forward(minutes=1))
    assert not recover.wake_again(run_id, moved_clock.now())
    wake_after = run_of(run_id).wake_after
    assert wake_after is not None
    assert wake_after <= moved_clock.now()


def test_a_frozen_configuration_that_cannot_be_read_fails_the_run_with_the_reason(
    app: Flask, new_run: NewRun, moved_clock: Clock
) -> None:
    run_id = new_run()
    change(run_id, configuration={"export": {}})
    for minutes in (0, 1, 5):
        moved_clock.forward(minutes=minutes)
        assert make_run(run_id)
    run = run_of(run_id)
    assert run.state is RunState.FAILED
    assert "worker was lost" not in run.reason
    assert "Traceback" in (run.error_details or "")


def test_a_run_that_cannot_be_read_holds_no_other_up(
    app: Flask, new_run: NewRun, moved_clock: Clock, woken: list[uuid.UUID]
) -> None:
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL keeps such a row out
    bad, good = new_run(), new_run()
    for run_id in (bad, good):
        assert leases.take(run_id, "worker that dies", moved_clock.now())
    with write_session() as session:
        session.execute(sa.text("UPDATE runs SET configuration = '{not json' WHERE id = :id"), {"id": bad.hex})
    for _ in range(40):
        recover.sweep(moved_clock.forward(seconds=30))
        for run_id in woken:
            with contextlib.suppress(Exception):  # as a worker's job, it fails and the queue notes it
                make_run(run_id)
        woken.clear()
    states = dict(db.session.execute(sa.select(Run.id, Run.state)).all())
    assert states == {bad: RunState.FAILED, good: RunState.SUCCEEDED}


def test_an_error_that_no_database_can_hold_is_still_told(
    app: Flask, new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise storage.StorageError("bad \x00 name \ud800")

    monkeypatch.setattr(storage, "put_new", fail)
    run_id = new_run()
    assert make_run(run_id)
    run = run_of(run_id)
    assert run.state is RunState.QUEUED
    assert (run.error_message or "").startswith("bad ")


def test_the_database_busy_with_another_costs_no_try(
    app: Flask, new_run: NewRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Showing how far the run is may fail; the run goes on."""
    run_id = new_run()
    monkeypatch.setattr(make, "PROGRESS_SECONDS", -1.0)
    failed: list[bool] = []

    def locked(*arguments: Any) -> None:
        if not failed:
            failed.append(True)
            raise sa.exc.OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))
        leases.fence(*arguments)

    monkeypatch.setattr(make, "fence", locked)
    assert make_run(run_id)
    assert failed
    assert (run_of(run_id).state, run_of(run_id).generation_failures) == (RunState.SUCCEEDED, 0)


def test_a_file_kept_by_a_try_that_was_not_written_down_is_no_obstacle(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The storage has the file, the database lost the transaction: the next try has a key of its own."""
    run_id = new_run()

    def lost(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("COMMIT", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "open_rows", lost)
        make_run(run_id)
    assert run_of(run_id).state is RunState.QUEUED
    moved_clock.forward(minutes=1)
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert len(mail_sink.messages()) == 1


def test_a_commit_that_came_through_unheard_is_not_called_a_failure(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was written down, the answer was lost: the run goes on from there, also at its last try."""
    run_id = new_run()
    change(run_id, generation_failures=2)
    kept = keep

    def unheard(*arguments: object) -> None:
        kept(*arguments)  # type: ignore[arg-type]
        raise sa.exc.OperationalError("COMMIT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(make, "keep", unheard)
    make_run(run_id)
    run = run_of(run_id)
    assert run.state is RunState.DELIVERING
    with write_session() as session:
        assert session.get_one(Schedule, run.schedule_id).last_run_status is None
    moved_clock.forward(seconds=91)
    make_run(run_id)
    assert run_of(run_id).state is RunState.SUCCEEDED
    assert len(mail_sink.messages()) == 1
    with write_session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Artifact)) == 1


def test_nobody_is_given_up_without_a_try(app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink) -> None:
    """Nothing ran for two days after the file was made: "24 hours of temporary failures" would not be true."""
    run_id = new_run(recipients=["priya@example.org", "busy@example.org"])
    taken = leases.take(run_id, "worker that stops", moved_clock.now())
    assert taken is not None
    assert make._render(taken[0], lambda: None)
    moved_clock.forward(hours=48)
    make_run(run_id)
    rows = deliveries_of(run_id)
    assert rows["priya@example.org"].state is DeliveryState.ACCEPTED
    assert (rows["busy@example.org"].state, rows["busy@example.org"].attempts) == (DeliveryState.PENDING, 1)
    moved_clock.forward(hours=24)
    make_run(run_id)
    assert deliveries_of(run_id)["busy@example.org"].state is DeliveryState.EXPIRED
    assert run_of(run_id).state is RunState.PARTIAL


def test_nobody_is_given_up_for_days_in_which_nobody_tried(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink
) -> None:
    """Refused for now on Friday, asleep over the weekend: on Monday the server is asked once more first."""
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    assert deliveries_of(run_id)["busy@example.org"].attempts == 1
    moved_clock.forward(hours=60)
    make_run(run_id)
    row = deliveries_of(run_id)["busy@example.org"]
    assert (row.state, row.attempts) == (DeliveryState.EXPIRED, 2)


def test_a_retry_after_the_link_ran_out_sends_a_link_that_works(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=THREE)
    make_run(run_id)
    refused = deliveries_of(run_id)["refused@example.org"].id
    moved_clock.forward(days=20)
    retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
    with write_session() as session:
        links = {link.delivery_id: link.expires_at for link in session.scalars(sa.select(DownloadLink))}
        artifact = session.scalars(sa.select(Artifact)).one()
    assert links.pop(refused) == min(moved_clock.now() + timedelta(days=14), artifact.expires_at)
    assert all(expires < moved_clock.now() for expires in links.values())  # nobody else's lives on


def test_of_two_people_who_retry_at_once_one_is_told(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=THREE)
    make_run(run_id)
    together, told = threading.Barrier(4), []

    def press() -> None:
        with app.app_context():
            together.wait()
            try:
                retry_failed(cast.lakeside, run_id, actor=ANA, now=moved_clock.now())
            except Refused as refusal:
                told.append(str(refusal))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 3
    make_run(run_id)
    assert deliveries_of(run_id)["refused@example.org"].attempts == 2


def test_nobody_is_in_the_hands_of_nobody_after_an_error_in_between(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing down the answer fails: the row stays on its way, and the next worker says what can be known."""
    run_id = new_run(recipients=["priya@example.org", "tomas@example.org"])

    def fail(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "conclude", fail)
        with pytest.raises(sa.exc.OperationalError):
            make_run(run_id)
    assert len(mail_sink.messages()) == 1
    moved_clock.forward(seconds=91)
    make_run(run_id)
    rows = deliveries_of(run_id)
    assert [rows[each].state for each in ("priya@example.org", "tomas@example.org")] == [
        DeliveryState.UNKNOWN,
        DeliveryState.ACCEPTED,
    ]
    assert run_of(run_id).state is RunState.PARTIAL
    assert len(mail_sink.messages()) == 2


def test_workers_that_take_and_let_go_at_random_send_each_mail_once(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink
) -> None:
    addresses = [f"p{number}@example.org" for number in range(12)]
    run_id = new_run(recipients=addresses)

    def work() -> None:
        with app.app_context():
            for _ in range(5):
                make_run(run_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message["To"] for message in mail_sink.messages()) == sorted(addresses)
    assert run_of(run_id).state is RunState.SUCCEEDED
    with write_session() as session:
        assert set(session.scalars(sa.select(Delivery.attempts))) == {1}


def test_the_run_that_waited_is_woken_when_the_one_before_is_given_up(
    app: Flask, new_run: NewRun, cast: Cast, moved_clock: Clock, woken: list[uuid.UUID]
) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    first = new_run(schedule_id)
    change(first, kind="PLANNED", generation_failures=2)
    assert leases.take(first, "worker that dies", moved_clock.now())
    second = new_run(schedule_id)
    change(second, wake_after=moved_clock.now() + timedelta(hours=1))
    woken.clear()
    recover.sweep(moved_clock.forward(seconds=91))
    assert run_of(first).state is RunState.FAILED
    assert woken == [second]


def test_a_mail_sent_again_is_the_same_to_the_byte(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server took it, the worker was lost before it could say so: a link mail goes out once more."""
    run_id = new_run(delivery_config={"attach": False, "link": True})

    def fail(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("UPDATE", {}, Exception("server closed the connection"))

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "conclude", fail)
        with pytest.raises(sa.exc.OperationalError):
            make_run(run_id)
    for seconds in (91, 60):
        moved_clock.forward(seconds=seconds)
        make_run(run_id)
    first, second = mail_sink.messages()
    assert first.as_bytes() == second.as_bytes()
    row = deliveries_of(run_id)["priya@example.org"]
    assert (row.state, row.resent, row.attempts) == (DeliveryState.ACCEPTED, True, 2)


@pytest.mark.parametrize(("before", "attempts"), [(DeliveryState.SENDING, 1), (DeliveryState.PENDING, 0)])
def test_a_row_of_the_ledger_changes_only_from_where_it_was_read(
    app: Flask, new_run: NewRun, before: DeliveryState, attempts: int
) -> None:
    """The row is PENDING after one attempt."""
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    row = deliveries_of(run_id)["busy@example.org"]
    with pytest.raises(leases.LeaseLost), write_session() as session:
        ledger.change(session, row.id, before, DeliveryState.SENDING, attempts=attempts)
    assert deliveries_of(run_id)["busy@example.org"].state is DeliveryState.PENDING


def test_the_heartbeat_renews_the_lease_and_says_when_it_is_lost(
    make_app: Callable[..., Flask], app: Flask, new_run: NewRun, moved_clock: Clock
) -> None:
    run_id = new_run()
    with make_app(DUEPOST_LEASE_SECONDS="3").app_context():
        taken = leases.take(run_id, "a", moved_clock.now())
        assert taken is not None
        with leases.heartbeat(taken[0]) as check:
            until = moved_clock.forward(seconds=2) + timedelta(seconds=3)
            wait_until("the lease is renewed", lambda: run_of(run_id).lease_until == until)
            check()
            change(run_id, attempt=2, lease_owner="b")
            wait_until("the loss is noticed", lambda: _is_lost(check))
    assert run_of(run_id).lease_owner == "b"


def _is_lost(check: Callable[[], None]) -> bool:
    try:
        check()
    except leases.LeaseLost:
        return True
    return False
