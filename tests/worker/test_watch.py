"""When the parent kills a job's process, and what it writes then; its clock given in (B4, B6, B10)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock, leases
from portal.extensions import db
from portal.models import Run, RunState, write_session
from portal.runs import limits
from tests.worker.conftest import run_of
from worker.watch import STOP_SECONDS, STRAY_SECONDS, UPKEEP_SECONDS, RunWatch, Upkeep, Why

NewRun = Callable[..., uuid.UUID]
TOKEN = "0123456789abcdef"
LIMIT = 60


@pytest.fixture
def app_settings() -> dict[str, str]:
    return {"DUEPOST_RUN_TIME_LIMIT_SECONDS": str(LIMIT)}


@pytest.fixture
def taken(app: Flask, new_run: NewRun) -> uuid.UUID:
    """A run in the hands of the process that is watched."""
    run_id = new_run()
    assert leases.take(run_id, leases.new_owner(TOKEN), clock.now())
    return run_id


@pytest.fixture
def watch(app: Flask, taken: uuid.UUID) -> RunWatch:
    """Begun at second 0, and looking at this process here."""
    return RunWatch(app, taken, TOKEN, os.getpid(), began=0.0)


def change(run_id: uuid.UUID, **values: object) -> None:
    with write_session() as session:
        session.execute(sa.update(Run).where(Run.id == run_id).values(**values))


def verdicts(watch: RunWatch, *moments: float) -> list[Why | None]:
    return [watch.verdict(moment) for moment in moments]


def test_the_time_limit_counts_while_the_file_is_made(watch: RunWatch) -> None:
    assert verdicts(watch, 1, 30, LIMIT - 1, LIMIT + 11) == [None, None, None, Why.TIME]


def test_the_time_limit_does_not_count_while_it_is_handed_over(watch: RunWatch, taken: uuid.UUID) -> None:
    change(taken, state=RunState.DELIVERING)
    assert verdicts(watch, LIMIT + 11, LIMIT * 100) == [None, None]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.DELIVERING])
def test_the_memory_limit_counts_always(make_app: Callable[..., Flask], taken: uuid.UUID, state: RunState) -> None:
    """This process itself takes more than the 64 MB that are allowed here."""
    change(taken, state=state)
    small = RunWatch(make_app(DUEPOST_RUN_MEMORY_LIMIT_MB="64"), taken, TOKEN, os.getpid(), began=0.0)
    large = RunWatch(make_app(DUEPOST_RUN_MEMORY_LIMIT_MB="100000"), taken, TOKEN, os.getpid(), began=0.0)
    assert (small.verdict(1.0), large.verdict(1.0)) == (Why.MEMORY, None)


def test_a_clock_that_jumps_ends_no_run(watch: RunWatch, taken: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    later = clock.now().replace(year=2090)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert verdicts(watch, 11) == [None]


def test_the_database_is_asked_every_ten_seconds_alone(watch: RunWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(limits, "held_by", lambda _run, token: asked.append(token))
    verdicts(watch, *range(1, 31))
    assert asked == [TOKEN] * 3


def test_a_database_that_is_away_kills_nothing(watch: RunWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(limits, "held_by", away)
    assert verdicts(watch, 11, LIMIT + 11) == [None, None]


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"state": RunState.CANCELLED, "lease_owner": None, "lease_until": None},
        {"lease_owner": "host:1:another", "attempt": 2},
        {"state": RunState.QUEUED, "lease_owner": None, "lease_until": None},
    ],
)
def test_a_process_whose_run_is_no_longer_its_own_is_killed_when_it_goes_on(
    watch: RunWatch, taken: uuid.UUID, meanwhile: dict[str, object]
) -> None:
    """Cancelled by a person, gone to another worker, or given back by the sweep."""
    assert verdicts(watch, 11) == [None]
    change(taken, **meanwhile)
    first = 22.0
    assert verdicts(watch, first, first + 11, first + 11 + STRAY_SECONDS) == [None, None, Why.STRAY]
    before = vars(run_of(taken)).copy()
    watch.killed(Why.STRAY)
    after = vars(run_of(taken)).copy()
    del before["_sa_instance_state"], after["_sa_instance_state"]
    assert after == before


def test_a_process_that_has_not_yet_taken_its_run_has_the_same_time(watch: RunWatch, taken: uuid.UUID) -> None:
    change(taken, state=RunState.QUEUED, lease_owner=None)
    assert verdicts(watch, 11) == [None]
    change(taken, state=RunState.RUNNING, lease_owner=leases.new_owner(TOKEN))
    assert verdicts(watch, 22, 33, 44) == [None, None, None]


def test_a_process_asked_to_end_has_half_a_minute_for_its_step(watch: RunWatch, taken: uuid.UUID) -> None:
    """Then the run is given back all the same, and no try is counted."""
    watch.stop_asked_at = 5.0
    assert verdicts(watch, 6, 5 + STOP_SECONDS - 1, 5 + STOP_SECONDS + 1) == [None, None, Why.STOP]
    watch.killed(Why.STOP)
    run = run_of(taken)
    assert (run.state, run.lease_owner, run.generation_failures) == (RunState.QUEUED, None, 0)
    assert run.wake_after is not None
    assert run.wake_after <= clock.now()


def test_the_recipient_in_hand_is_finished_however_long_that_takes(watch: RunWatch, taken: uuid.UUID) -> None:
    change(taken, state=RunState.DELIVERING)
    watch.stop_asked_at = 5.0
    assert verdicts(watch, 5 + STOP_SECONDS + 1, 5 + STOP_SECONDS * 4) == [None, None]


def test_an_upkeep_job_has_five_minutes_and_half_of_one_once_it_is_to_end() -> None:
    job = Upkeep(began=0.0)
    assert [job.verdict(moment) for moment in (UPKEEP_SECONDS - 1, UPKEEP_SECONDS + 1)] == [None, Why.TIME]
    job = Upkeep(began=0.0, stop_asked_at=10.0)
    assert [job.verdict(moment) for moment in (10 + STOP_SECONDS - 1, 10 + STOP_SECONDS + 1)] == [None, Why.STOP]


def test_the_run_of_another_attempt_is_not_written_over(app: Flask, taken: uuid.UUID) -> None:
    """It was given to another between the look and the writing."""
    held = limits.held_by(taken, TOKEN)
    assert held is not None
    change(taken, attempt=2, lease_owner="host:1:another")
    assert not limits.fail(held, "Too long.", clock.now())
    change(taken, state=RunState.DELIVERING)
    assert not limits.release(held, clock.now())
    assert run_of(taken).lease_owner == "host:1:another"


def test_a_run_that_came_to_deliver_just_before_is_not_called_failed(watch: RunWatch, taken: uuid.UUID) -> None:
    """The verdict was "too long", the file was whole before the kill: the next worker goes on from there."""
    change(taken, state=RunState.DELIVERING)
    watch.killed(Why.TIME)
    run = run_of(taken)
    assert (run.state, run.lease_owner) == (RunState.DELIVERING, None)


def test_the_parent_holds_no_connection_between_two_looks(watch: RunWatch) -> None:
    """A connection that two processes share after a fork breaks both."""
    verdicts(watch, 11)
    watch.killed(Why.STOP)
    assert db.engine.pool.checkedin() == db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(3600, "60 minutes"), (60, "1 minute"), (90, "90 seconds"), (1, "1 second"), (86_400, "1,440 minutes")],
)
def test_the_limit_in_words(seconds: int, words: str) -> None:
    assert f"longer than {words}, the limit," in limits.too_long(timedelta(seconds=seconds))
