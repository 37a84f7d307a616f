"""Who may work on a run: one at a time, in order, and nobody whose lease ran out (B6, B8)."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal import leases
from portal.models import Run, RunState, write_session
from portal.runs import recover
from portal.runs.make import make_run
from tests.runs.conftest import run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule

NewRun = Callable[..., uuid.UUID]


def test_of_many_workers_one_takes_the_run(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run()
    together, taken = threading.Barrier(4), []

    def worker(name: str) -> None:
        with app.app_context():
            together.wait()
            taken.append(leases.take(run_id, name, moved_clock.now()))

    threads = [threading.Thread(target=worker, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in taken) == 1
    assert run_of(run_id).attempt == 1


def test_a_run_waits_for_the_one_before(app: Flask, cast: Cast, new_run: NewRun, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    first = new_run(schedule_id)
    assert leases.take(first, "a", moved_clock.now())
    with write_session() as db:
        db.query(Run).filter(Run.id == first).update({"kind": "PLANNED"})
    second = new_run(schedule_id)
    assert second != first
    assert leases.take(second, "b", moved_clock.now()) is None


def test_the_older_of_two_waiting_runs_is_taken_first(
    app: Flask, cast: Cast, new_run: NewRun, moved_clock: Clock
) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    older = new_run(schedule_id)
    with write_session() as db:
        db.query(Run).filter(Run.id == older).update({"kind": "PLANNED"})
    moved_clock.forward(minutes=1)
    newer = new_run(schedule_id)
    assert leases.take(newer, "a", moved_clock.now()) is None
    assert leases.take(older, "a", moved_clock.now())


def test_a_lapsed_lease_is_found_and_the_run_made_by_another(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink
) -> None:
    run_id = new_run()
    assert leases.take(run_id, "worker that dies", moved_clock.now())
    assert recover.sweep(moved_clock.forward(seconds=89)) == 0
    recover.sweep(moved_clock.forward(seconds=1))
    assert run_of(run_id).state is RunState.QUEUED
    assert make_run(run_id)
    assert (run_of(run_id).state, run_of(run_id).attempt) == (RunState.SUCCEEDED, 2)
    assert len(mail_sink.messages()) == 1


def test_a_run_whose_worker_is_lost_each_time_is_given_up(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run()
    for _ in range(3):
        assert leases.take(run_id, "worker that dies", moved_clock.now())
        recover.sweep(moved_clock.forward(seconds=90))
    run = run_of(run_id)
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "The worker was lost each time this was tried, so it was given up.",
    )


def test_a_renewed_lease_does_not_lapse(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run()
    taken = leases.take(run_id, "a", moved_clock.now())
    assert taken is not None
    assert leases.renew(taken[0], moved_clock.forward(seconds=60))
    moved_clock.forward(seconds=60)
    recover.sweep(moved_clock.now())
    assert run_of(run_id).state is RunState.RUNNING


def test_a_lapsed_lease_cannot_be_renewed(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    taken = leases.take(new_run(), "a", moved_clock.now())
    assert taken is not None
    assert not leases.renew(taken[0], moved_clock.forward(seconds=90))
    with pytest.raises(leases.LeaseLost), write_session() as db:
        leases.fence(db, taken[0], moved_clock.now())


def test_a_queued_run_whose_wake_up_was_lost_is_woken_again_and_ever_more_rarely(
    app: Flask, new_run: NewRun, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[tuple[uuid.UUID, int]] = []

    def wake_run(run_id: uuid.UUID, count: int) -> bool:
        woken.append((run_id, count))
        return True

    monkeypatch.setattr("portal.plumbing.wakeups.wake_run", wake_run)
    run_id = new_run()
    for _ in range(60 * 2):
        recover.sweep(moved_clock.forward(seconds=30))
    assert woken[0] == (run_id, 1)
    counts = [count for _, count in woken]
    assert counts == list(range(1, len(woken) + 1))
    assert 7 <= len(woken) <= 12


def test_a_run_being_delivered_is_in_one_workers_hands(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    assert leases.take(run_id, "a", moved_clock.forward(minutes=1))
    assert leases.take(run_id, "b", moved_clock.forward(seconds=89)) is None
    assert leases.take(run_id, "b", moved_clock.forward(seconds=1))


def test_a_frozen_worker_does_not_pass_the_fence_while_its_successor_works(
    app: Flask, new_run: NewRun, moved_clock: Clock
) -> None:
    run_id = new_run(recipients=["busy@example.org"])
    make_run(run_id)
    first = leases.take(run_id, "a", moved_clock.forward(minutes=1))
    second = leases.take(run_id, "b", moved_clock.forward(seconds=90))
    again = leases.take(run_id, "a", moved_clock.forward(seconds=90))
    assert first is not None
    assert second is not None
    assert again is not None
    for lease in (first[0], second[0]):  # an older claim of the same worker is an older claim too
        assert not leases.renew(lease, moved_clock.now())
        with pytest.raises(leases.LeaseLost), write_session() as db:
            leases.fence(db, lease, moved_clock.now())
    assert leases.renew(again[0], moved_clock.now())


def test_the_database_holds_one_running_run_of_a_schedule(app: Flask, cast: Cast, new_run: NewRun) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    for _ in range(2):
        run_id = new_run(schedule_id)
        with write_session() as db:
            db.query(Run).filter(Run.id == run_id).update({"kind": "PLANNED"})
    with pytest.raises(IntegrityError), write_session() as db:
        db.query(Run).filter(Run.schedule_id == schedule_id).update({"state": RunState.RUNNING})
