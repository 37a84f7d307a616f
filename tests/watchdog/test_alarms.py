"""Each alarm stands while its cause does, and at no other time (B12)."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from flask import Flask
from rq import Worker

from portal import clock
from portal.models import Heartbeat, Notice, NoticeState, Run, RunState, Schedule, note_sign_of_life, write_session
from portal.plumbing import wakeups
from portal.schedules.tick import tick
from portal.watchdog import NAMES, Alarm, alarms_of, look
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.runs import MONDAY, make_run_row
from tests.support.schedules import make_schedule


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def app_settings(redis_url: str) -> dict[str, str]:
    return {"REDIS_URL": redis_url}


@contextmanager
def a_worker() -> Iterator[None]:
    connection = wakeups.connect()
    worker = Worker([wakeups.queue(wakeups.EXPORTS, connection)], connection=connection)
    worker.register_birth()
    try:
        yield
    finally:
        worker.register_death()
        connection.close()


@pytest.fixture(autouse=True)
def all_is_well(app: Flask, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A tick and a sweep just now, a worker, room on the disk."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100_000_000_000, 0, 90_000_000_000))
    for name in ("tick", "sweep"):
        note_sign_of_life(name, moved_clock.now())
    with a_worker():
        yield


def standing() -> list[str]:
    alarms = alarms_of(look(clock.now))
    assert {alarm.name for alarm in alarms} <= set(NAMES)
    return [alarm.name for alarm in alarms]


def the_one() -> Alarm:
    alarms = alarms_of(look(clock.now))
    assert len(alarms) == 1, alarms
    return alarms[0]


def beat(clock_: Clock) -> None:
    for name in ("tick", "sweep"):
        note_sign_of_life(name, clock_.now())


def change(schedule_id: uuid.UUID, **values: object) -> None:
    with write_session() as db:
        db.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(**values))


def test_where_all_is_well_there_is_none() -> None:
    assert standing() == []


@pytest.mark.parametrize("name", ["tick", "sweep"])
def test_no_tick_or_sweep_for_three_minutes(name: str, moved_clock: Clock) -> None:
    other = "sweep" if name == "tick" else "tick"
    last = moved_clock.now()
    note_sign_of_life(other, moved_clock.forward(minutes=3))
    assert standing() == []
    moved_clock.forward(seconds=1)
    assert (the_one().name, the_one().since) == (name, last)
    assert "3 minutes ago" in the_one().words
    with write_session() as db:
        db.execute(sa.delete(Heartbeat).where(Heartbeat.name == name))
    assert (the_one().name, the_one().since) == (name, None)


def test_no_worker(app: Flask, redis_url: str) -> None:
    with wakeups.connect() as connection:
        connection.flushall()
    assert standing() == ["workers"]
    with a_worker():
        assert standing() == []


def test_redis_is_away(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    with make_app(REDIS_URL=f"unix://{tmp_path}/none.sock").app_context():
        assert standing() == ["redis"]


def test_a_due_schedule_without_a_run(cast: Cast, moved_clock: Clock) -> None:
    """The tick is alive, but something keeps it from starting what is due."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    moved_clock.set(MONDAY + timedelta(minutes=3))
    beat(moved_clock)
    assert standing() == []
    moved_clock.forward(seconds=1)
    assert (the_one().name, the_one().since) == ("due", MONDAY)
    assert the_one().words == "1 schedule is due for more than three minutes and has no run yet."
    change(schedule_id, parked_until=moved_clock.now() + timedelta(hours=1))
    assert standing() == []  # its owner was told
    change(schedule_id, parked_until=None, state="PAUSED")
    assert standing() == []
    change(schedule_id, state="ACTIVE")
    tick(moved_clock.now())
    assert standing() == []


def test_runs_that_wait_while_no_worker_is_at_work(cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto, next_run_at=None)
    since = moved_clock.now()
    made = make_run_row(cast.lakeside, schedule_id, RunState.QUEUED, queued_at=since, content=None)
    with wakeups.connect() as connection:
        connection.flushall()
    moved_clock.forward(minutes=9, seconds=59)
    beat(moved_clock)
    assert standing() == ["workers"]
    moved_clock.forward(seconds=1)
    assert standing() == ["workers", "waiting"]
    alarm = alarms_of(look(clock.now))[1]
    assert (alarm.words, alarm.since) == (
        "1 run has waited for more than ten minutes and no worker is at work.",
        since,
    )
    with a_worker():
        assert standing() == []
    with write_session() as db:
        db.get_one(Run, made.run).not_before = moved_clock.now() + timedelta(hours=2)  # until the data is there
    assert standing() == ["workers"]


def test_a_worker_that_redis_forgot_is_still_at_work(cast: Cast, moved_clock: Clock) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto, next_run_at=None)
    make_run_row(cast.lakeside, schedule_id, RunState.QUEUED, queued_at=moved_clock.now(), content=None)
    until = moved_clock.forward(minutes=20) + timedelta(seconds=60)
    make_run_row(cast.lakeside, schedule_id, RunState.RUNNING, content=None, lease_owner="a", lease_until=until)
    beat(moved_clock)
    with wakeups.connect() as connection:
        connection.flushall()
    assert standing() == ["workers"]


def test_a_clock_that_jumped_is_told_for_a_day(moved_clock: Clock) -> None:
    tick(moved_clock.now())
    moved_clock.jump(minutes=-2)
    tick(moved_clock.now())
    beat(moved_clock)
    assert (the_one().name, the_one().words) == ("clock", "The clock jumped back by 2 minutes.")
    moved_clock.forward(hours=24)
    beat(moved_clock)
    assert standing() == ["clock"]
    moved_clock.forward(seconds=1)
    assert standing() == []


def test_while_ticks_are_held_back_it_is_said(moved_clock: Clock) -> None:
    tick(moved_clock.now())
    moved_clock.jump(hours=5)
    tick(moved_clock.now())
    beat(moved_clock)
    assert the_one().words == (
        "The clock jumped ahead by 5 hours. Nothing is started until the new time has stood for ten minutes."
    )


@pytest.mark.parametrize(
    ("state", "attempts", "reason", "alarmed"),
    [
        (NoticeState.PENDING, 2, "away", False),
        (NoticeState.PENDING, 3, "away", True),
        (NoticeState.SENDING, 3, "away", True),
        (NoticeState.SENT, 3, "away", False),
        (NoticeState.GIVEN_UP, 1, "550 nobody", True),
        (NoticeState.GIVEN_UP, 0, "", False),
    ],
)
def test_notices_that_cannot_be_sent(
    cast: Cast, moved_clock: Clock, state: NoticeState, attempts: int, reason: str, *, alarmed: bool
) -> None:
    with write_session() as db:
        db.add(
            Notice(
                organization_id=cast.lakeside,
                key="k",
                kind="FAILED",
                user_id=cast.otto,
                address="otto@example.org",
                subject="s",
                text="t",
                state=state,
                attempts=attempts,
                reason=reason,
                next_attempt_at=None,
                give_up_at=moved_clock.now(),
                message_id="<k@duepost.notice>",
                created_at=moved_clock.now(),
            )
        )
    assert standing() == (["notices"] if alarmed else [])
    moved_clock.forward(days=3)
    beat(moved_clock)
    assert standing() == []


@pytest.mark.parametrize(
    ("total", "free", "alarmed"),
    [
        (100_000_000_000, 5_000_000_000, False),
        (100_000_000_000, 4_999_999_999, True),
        (1_000_000_000, 500_000_000, False),
        (1_000_000_000, 499_999_999, True),
    ],
)
def test_little_room_on_the_disk(monkeypatch: pytest.MonkeyPatch, total: int, free: int, *, alarmed: bool) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total, 0, free))
    assert set(standing()) == ({"disk"} if alarmed else set())


def test_a_folder_that_cannot_be_written(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file stands where the folder should be; a disk mounted for reading alone ends in the same error."""
    (tmp_path / "taken").write_text("")
    with make_app(STORAGE_URL=f"file://{tmp_path}/taken").app_context():
        assert the_one().name == "storage"
        assert the_one().words == "The folder of files cannot be written: Not a directory."
        assert str(tmp_path) not in the_one().words


def test_a_database_that_does_not_answer(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("could not connect to postgres at db.internal"))

    alarms = alarms_of(look(away))  # type: ignore[arg-type]
    assert [alarm.name for alarm in alarms] == ["database"]
    assert "db.internal" not in alarms[0].words
