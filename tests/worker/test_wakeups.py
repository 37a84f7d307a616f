"""Wake-ups through a real Redis: rq-scheduler, the queues and the workers, in JSON all the way (architecture)."""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

import worker
from portal import clock
from portal.models import Heartbeat, Run, RunState, write_session
from portal.plumbing import wakeups
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_cases, make_schedule
from worker.scheduler import ENTRIES, make_scheduler


@pytest.fixture
def app_settings(redis_url: str, mail_sink: Sink) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_sink.port)}


@pytest.fixture
def connection(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture(autouse=True)
def jobs_use_this_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "app", lambda: app)


def work_off(name: str, connection: Redis) -> None:
    queue = wakeups.queue(name, connection)
    SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")


def test_the_scheduler_ticks_and_the_tick_starts_what_is_due(
    cast: Cast, connection: Redis, moved_clock: Clock, mail_sink: Sink
) -> None:
    make_cases(cast.lakeside, 3)
    make_schedule(cast.lakeside, cast.otto)
    moved_clock.forward(hours=1)
    make_scheduler(connection).enqueue_jobs()
    work_off(wakeups.UPKEEP, connection)
    work_off(wakeups.EXPORTS, connection)
    with write_session() as db:
        assert db.scalars(sa.select(Run.state)).all() == [RunState.SUCCEEDED]
        assert {beat.name for beat in db.scalars(sa.select(Heartbeat))} >= {"tick", "sweep"}
    assert len(mail_sink.messages()) == 1


def test_the_fixed_entries_come_back_after_a_flush(connection: Redis) -> None:
    scheduler = make_scheduler(connection)
    scheduler.enqueue_jobs()
    connection.flushall()
    scheduler.enqueue_jobs()
    kept = {member.decode() for member in connection.zrange(scheduler.scheduled_jobs_key, 0, -1)}
    assert kept == set(ENTRIES)


def test_an_entry_of_a_stranger_is_taken_out_and_starves_nothing(connection: Redis) -> None:
    scheduler = make_scheduler(connection)
    connection.zadd(scheduler.scheduled_jobs_key, {"poison": 1.0})
    connection.hset("rq:job:poison", mapping={"data": b"\x80\x04cos\nsystem\n.", "created_at": "x"})
    scheduler.enqueue_jobs()
    assert connection.zscore(scheduler.scheduled_jobs_key, "poison") is None
    assert wakeups.queue(wakeups.UPKEEP, connection).count == len(ENTRIES)


def test_the_entries_are_json_that_a_json_worker_reads(connection: Redis) -> None:
    make_scheduler(connection).enqueue_jobs()
    jobs = wakeups.queue(wakeups.UPKEEP, connection).jobs
    assert {job.func_name for job in jobs} == {name for name, _ in ENTRIES.values()}
    for job in jobs:
        data: bytes = connection.hget(job.key, "data")  # type: ignore[assignment]
        assert JSONSerializer.loads(zlib.decompress(data))[0] == job.func_name


def test_waking_a_run_twice_puts_one_job(app: Flask, connection: Redis) -> None:
    run_id = uuid.uuid4()
    assert wakeups.wake_run(run_id, 1)
    assert wakeups.wake_run(run_id, 1)
    assert wakeups.queue(wakeups.EXPORTS, connection).count == 1


def test_many_runs_are_woken_in_their_order_and_none_twice(app: Flask, connection: Redis) -> None:
    run_ids = [uuid.uuid4() for _ in range(2 * wakeups.AT_ONCE + 50)]
    there = [run_ids[7], run_ids[wakeups.AT_ONCE + 1]]
    assert wakeups.wake_runs([(run_id, 1) for run_id in there])
    for _ in range(2):
        assert wakeups.wake_runs([(run_id, 1) for run_id in run_ids])
    woken = [*there, *(run_id for run_id in run_ids if run_id not in there)]
    assert wakeups.queue(wakeups.EXPORTS, connection).job_ids == [f"run-{run_id}-1" for run_id in woken]
    assert wakeups.wake_runs([(run_ids[0], 2)])
    assert wakeups.queue(wakeups.EXPORTS, connection).count == len(run_ids) + 1


def test_a_job_that_another_puts_at_the_same_time_is_not_put_twice(
    app: Flask, connection: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other comes after this one has looked what is there, and before it puts its own."""
    mine, both = uuid.uuid4(), uuid.uuid4()
    prepare, others = Queue.prepare_data, [both]

    def meanwhile(*given: Any, **more: Any) -> Any:
        if others:
            assert wakeups.wake_run(others.pop(), 1)
        return prepare(*given, **more)

    monkeypatch.setattr(Queue, "prepare_data", staticmethod(meanwhile))
    assert wakeups.wake_runs([(mine, 1), (both, 1)])
    assert wakeups.queue(wakeups.EXPORTS, connection).job_ids == [f"run-{both}-1", f"run-{mine}-1"]


def test_a_wake_up_for_a_run_that_is_over_or_unknown_does_nothing(
    app: Flask, cast: Cast, connection: Redis, moved_clock: Clock
) -> None:
    wakeups.wake_run(uuid.uuid4(), 1)
    work_off(wakeups.EXPORTS, connection)
    assert clock.now() == moved_clock.now()
    assert wakeups.queue(wakeups.EXPORTS, connection).failed_job_registry.count == 0


def test_without_redis_the_wake_up_says_so_and_raises_nothing(app: Flask, redis_url: str) -> None:
    app.config["DUEPOST"] = type(app.config["DUEPOST"])(
        **{**vars(app.config["DUEPOST"]), "redis_url": "unix:///nowhere/redis.sock"}
    )
    assert not wakeups.wake_run(uuid.uuid4(), 1)


def test_a_clock_put_back_puts_off_no_tick(connection: Redis) -> None:
    """An entry lies an hour ahead: rq-scheduler would not look at it before."""
    scheduler = make_scheduler(connection)
    scheduler.enqueue_jobs()
    connection.zadd(scheduler.scheduled_jobs_key, {"tick": time.time() + 3600})
    connection.delete(wakeups.queue(wakeups.UPKEEP, connection).key)
    scheduler.enqueue_jobs()
    assert "tick" in wakeups.queue(wakeups.UPKEEP, connection).job_ids
