"""How often a file is tried, what counts as a try, and whom a run that waits stands in the way of (B4, B6)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import leases
from portal.config import settings
from portal.leases import Lease, LeaseLost
from portal.models import Run, RunState, write_session
from portal.plumbing import storage
from portal.runs import make, recover, stopping
from portal.runs.hand_back import hand_back
from portal.runs.make import make_run
from tests.runs.conftest import deliveries_of, run_of
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule

NewRun = Callable[..., uuid.UUID]


def change(run_id: uuid.UUID, **values: object) -> None:
    with write_session() as session:
        session.execute(sa.update(Run).where(Run.id == run_id).values(**values))


def taken(run_id: uuid.UUID, clock: Clock, owner: str = "a") -> Lease:
    claim = leases.take(run_id, owner, clock.now())
    assert claim is not None
    return claim[0]


def woken_runs(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """Those woken from here on, one after the other."""
    runs: list[uuid.UUID] = []

    def wake_run(run_id: uuid.UUID, _count: int) -> bool:
        runs.append(run_id)
        return True

    monkeypatch.setattr("portal.plumbing.wakeups.wake_run", wake_run)
    return runs


@pytest.fixture
def no_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise storage.StorageError("The storage does not answer.")

    monkeypatch.setattr(storage, "put_new", fail)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on the process is asked to end; no other test's is."""
    monkeypatch.setattr(stopping, "_asked", False)
    return stopping.ask_to_stop


@pytest.mark.usefixtures("no_storage")
def test_a_file_is_tried_at_once_after_one_minute_and_after_five(
    app: Flask, new_run: NewRun, moved_clock: Clock
) -> None:
    run_id = new_run()
    begin = moved_clock.now()
    tried: list[float] = []
    for second in range(0, 901, 15):
        moved_clock.set(begin + timedelta(seconds=second))
        if make_run(run_id):
            tried.append(second)
    assert tried == [0, 60, 360]
    run = run_of(run_id)
    assert (run.state, run.attempt, run.generation_failures) == (RunState.FAILED, 3, 3)


@pytest.mark.usefixtures("no_storage")
def test_a_run_that_waits_for_its_next_try_is_woken_when_that_has_come(
    app: Flask, new_run: NewRun, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    make_run(run_id)
    woken = woken_runs(monkeypatch)
    recover.sweep(moved_clock.forward(seconds=59))
    assert woken == []
    recover.sweep(moved_clock.forward(seconds=1))
    assert woken == [run_id]


def test_a_worker_that_is_lost_three_times_is_three_tries(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    """Each found by its lapsed lease, and queued again at once."""
    run_id = new_run()
    for number in (1, 2, 3):
        taken(run_id, moved_clock)
        recover.sweep(moved_clock.forward(seconds=90))
        assert run_of(run_id).generation_failures == number
    assert run_of(run_id).state is RunState.FAILED


def test_a_run_given_back_is_no_try_however_often(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    """Ten restarts of all workers in a row."""
    run_id = new_run()
    counts = []
    for _ in range(10):
        hand_back(taken(run_id, moved_clock), moved_clock.now())
        run = run_of(run_id)
        counts.append(run.wake_count)
        assert (run.state, run.generation_failures, run.lease_owner) == (RunState.QUEUED, 0, None)
        assert run.wake_after == moved_clock.now()
    assert counts == sorted(set(counts))  # each wake-up has a name that no job on the queue bears yet
    assert make_run(run_id)
    assert (run_of(run_id).state, run_of(run_id).attempt) == (RunState.SUCCEEDED, 11)


def test_a_run_is_given_back_by_its_holder_alone(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    run_id = new_run()
    first = taken(run_id, moved_clock)
    recover.sweep(moved_clock.forward(seconds=90))
    taken(run_id, moved_clock, "b")
    with pytest.raises(LeaseLost):
        hand_back(first, moved_clock.now())
    assert run_of(run_id).lease_owner == "b"


def test_a_process_asked_to_end_while_it_makes_a_file_leaves_nothing_of_it(
    app: Flask, new_run: NewRun, moved_clock: Clock, asked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at after each page of rows; the file has not reached the storage."""
    run_id = new_run()
    progress = make._progress

    def first_page(*arguments: object) -> Callable[[int, int], None]:
        asked()
        return progress(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(make, "_progress", first_page)
    assert make_run(run_id)
    run = run_of(run_id)
    assert (run.state, run.generation_failures, run.error_message) == (RunState.QUEUED, 0, None)
    assert not list((settings().var_folder / "files").rglob("*.csv"))


def test_a_process_asked_to_end_begins_no_recipient(
    app: Flask, new_run: NewRun, moved_clock: Clock, mail_sink: Sink, asked: Callable[[], None]
) -> None:
    run_id = new_run(recipients=["priya@example.org", "tomas@example.org"])
    assert make._render(taken(run_id, moved_clock), lambda: None)
    change(run_id, lease_owner=None, lease_until=None)
    asked()
    assert make_run(run_id)
    assert mail_sink.messages() == []
    assert {row.attempts for row in deliveries_of(run_id).values()} == {0}
    run = run_of(run_id)
    assert (run.state, run.lease_owner, run.wake_after) == (RunState.DELIVERING, None, moved_clock.now())


@pytest.fixture
def two(app: Flask, cast: Cast, new_run: NewRun, moved_clock: Clock) -> tuple[uuid.UUID, uuid.UUID]:
    """An older and a newer run of one schedule, both queued."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    older = new_run(schedule_id)
    change(older, kind="PLANNED")
    moved_clock.forward(minutes=1)
    return older, new_run(schedule_id)


def test_a_run_that_waits_for_data_stands_in_nobodys_way(two: tuple[uuid.UUID, uuid.UUID], moved_clock: Clock) -> None:
    older, newer = two
    change(older, ready_after=moved_clock.now(), not_before=moved_clock.now() + timedelta(hours=2))
    assert leases.take(older, "a", moved_clock.now()) is None
    assert leases.take(newer, "b", moved_clock.now())


def test_once_it_waits_no_more_the_older_goes_first_again(two: tuple[uuid.UUID, uuid.UUID], moved_clock: Clock) -> None:
    older, newer = two
    change(older, ready_after=moved_clock.now(), not_before=moved_clock.now() + timedelta(hours=2))
    moved_clock.forward(hours=2)
    assert leases.take(newer, "b", moved_clock.now()) is None
    assert leases.take(older, "a", moved_clock.now())


def test_a_run_that_waits_for_its_next_try_keeps_its_place(
    two: tuple[uuid.UUID, uuid.UUID], moved_clock: Clock
) -> None:
    """It waits for no data: whoever came later does not overtake it."""
    older, newer = two
    change(older, not_before=moved_clock.now() + timedelta(minutes=5), generation_failures=2)
    assert leases.take(newer, "b", moved_clock.now()) is None


def test_a_wake_up_goes_past_the_one_that_waits_for_data(
    two: tuple[uuid.UUID, uuid.UUID], moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = two
    change(older, ready_after=moved_clock.now(), not_before=moved_clock.now() + timedelta(hours=2))
    woken = woken_runs(monkeypatch)
    recover.wake_next(run_of(newer).schedule_id)
    assert woken == [newer]


@pytest.mark.parametrize(
    "over",
    [
        {"state": RunState.CANCELLED, "lease_owner": None, "lease_until": None},
        # even where something forgot to clear the lease
        {"state": RunState.CANCELLED},
        {"state": RunState.FAILED},
        {"state": RunState.QUEUED},
    ],
)
def test_a_run_that_is_in_nobodys_hands_lets_no_worker_past_the_fence(
    app: Flask, new_run: NewRun, moved_clock: Clock, over: dict[str, object]
) -> None:
    run_id = new_run()
    lease = taken(run_id, moved_clock)
    change(run_id, **over)
    with pytest.raises(LeaseLost), write_session() as session:
        leases.fence(session, lease, moved_clock.now())
    assert not leases.renew(lease, moved_clock.now())


def test_each_take_says_when_it_was(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    """Also that of a run whose file is made."""
    run_id = new_run()
    lease = taken(run_id, moved_clock)
    assert run_of(run_id).taken_at == moved_clock.now()
    assert make._render(lease, lambda: None)
    moved_clock.forward(seconds=91)
    taken(run_id, moved_clock, "b")
    assert run_of(run_id).taken_at == moved_clock.now()
    assert (run_of(run_id).started_at or moved_clock.now()) < moved_clock.now()


def test_a_process_that_hangs_and_has_lost_its_parent_does_not_keep_its_run_for_ever(
    app: Flask, new_run: NewRun, moved_clock: Clock
) -> None:
    """B10: nobody is left to kill it, and its heart beats on."""
    run_id = new_run()
    lease = taken(run_id, moved_clock)
    minutes = 0
    while minutes < 200 and leases.renew(lease, moved_clock.now()):
        moved_clock.forward(minutes=1)
        minutes += 1
    assert minutes == 61
    recover.sweep(moved_clock.forward(seconds=90))
    assert (run_of(run_id).state, run_of(run_id).generation_failures) == (RunState.QUEUED, 1)


def test_a_long_delivery_keeps_its_lease(app: Flask, new_run: NewRun, moved_clock: Clock) -> None:
    lease = taken(new_run(), moved_clock)
    assert make._render(lease, lambda: None)
    assert all(leases.renew(lease, moved_clock.forward(minutes=1)) for _ in range(200))
