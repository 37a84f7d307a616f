"""Redis dies, comes back, takes no writes, forgets all, asks for a password: every process goes on by itself (B8)."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from portal.health import workers_check
from portal.models import Heartbeat, Run, RunState, write_session
from portal.plumbing import wakeups
from tests.faults.redis_server import RedisServer
from tests.support.databases import SqliteDatabases
from tests.support.processes import Started, started
from tests.support.whole_product import wait_until
from tests.worker.conftest import comes_to, run_of

NewRun = Callable[..., uuid.UUID]
PASSWORD = "a password that nobody was told"
EACH_SECOND = (
    "import sys; from worker import scheduler; "
    "scheduler.ENTRIES.update({name: (scheduler.ENTRIES[name][0], 1) for name in ('tick', 'sweep')}); "
    "sys.exit(scheduler.main())"
)


@pytest.fixture
def database_url() -> Iterator[str]:
    """The kind of database is of no matter here."""
    databases = SqliteDatabases()
    yield databases.make()
    databases.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture
def redis_url(redis: RedisServer) -> str:
    return redis.url


@pytest.fixture
def crew(app: Flask, tmp_path: Path) -> Iterator[dict[str, Started]]:
    """Worker, upkeep worker and scheduler, with a tick and a sweep each second."""
    with ExitStack() as stack:
        yield {
            "worker": stack.enter_context(started(app, tmp_path, "worker", "worker")),
            "upkeep": stack.enter_context(started(app, tmp_path, "upkeep", "worker", "upkeep")),
            "scheduler": stack.enter_context(started(app, tmp_path, "scheduler", "-c", EACH_SECOND)),
        }


def last_tick() -> datetime | None:
    with write_session() as db:
        return db.scalar(sa.select(Heartbeat.at).where(Heartbeat.name == "tick"))


def ticks_again() -> None:
    before = last_tick()
    wait_until("a tick is done", lambda: last_tick() != before)


def killed(redis: RedisServer) -> None:
    redis.kill()


def ask_password(redis: RedisServer) -> None:
    with Redis.from_url(redis.url) as connection:
        connection.config_set("requirepass", PASSWORD)
        connection.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def ask_none(redis: RedisServer) -> None:
    with Redis.from_url(redis.url, password=PASSWORD) as connection:
        connection.config_set("requirepass", "")


def recover(redis: RedisServer) -> None:
    redis.recover()


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        (killed, RedisServer.start),
        (RedisServer.read_only, recover),
        (RedisServer.out_of_memory, recover),
        (ask_password, ask_none),
        (RedisServer.pause, RedisServer.go_on),
    ],
    ids=["killed", "read-only", "out of memory", "wrong password", "frozen"],
)
def test_every_process_comes_back_by_itself(
    app: Flask,
    redis: RedisServer,
    crew: dict[str, Started],
    new_run: NewRun,
    spoil: Callable[[RedisServer], None],
    mend: Callable[[RedisServer], None],
) -> None:
    """And the run that was asked for meanwhile, whose wake-up was lost, is made."""
    ticks_again()
    before = {name: each.pid for name, each in crew.items()}
    spoil(redis)
    wait_until("the scheduler is told", lambda: "Redis is away or takes no orders" in crew["scheduler"].said)
    run_id = new_run()
    assert run_of(run_id).state is RunState.QUEUED
    with write_session() as db:  # half a minute in operation; nobody waits for that here
        db.execute(sa.update(Run).where(Run.id == run_id).values(wake_after=run_of(run_id).queued_at))
    mend(redis)
    ticks_again()
    comes_to(run_id, RunState.SUCCEEDED)
    assert {name: each.pid for name, each in crew.items() if each.alive()} == before


def test_each_process_ends_when_told_also_while_its_redis_is_away(
    app: Flask, redis: RedisServer, crew: dict[str, Started]
) -> None:
    """B7: what says farewell to Redis must not stand in the way."""
    ticks_again()
    wait_until("the worker is known", lambda: workers_check().ok)
    redis.kill()
    wait_until("the scheduler is told", lambda: "Redis is away or takes no orders" in crew["scheduler"].said)
    wait_until("the workers are told", lambda: all("connect" in crew[name].said for name in ("worker", "upkeep")))
    for each in crew.values():
        each.process.send_signal(signal.SIGTERM)
    assert {name: each.ended() for name, each in crew.items()} == {"worker": 0, "upkeep": 0, "scheduler": 0}


def test_a_worker_that_a_flushed_redis_has_forgotten_is_known_again(
    app: Flask, redis: RedisServer, crew: dict[str, Started], new_run: NewRun
) -> None:
    """Else "no worker is running" until it is restarted."""
    wait_until("it is known", lambda: workers_check().ok)
    redis.flush()
    assert not workers_check().ok
    comes_to(new_run(), RunState.SUCCEEDED)
    wait_until("it is known again", lambda: workers_check().ok)


def test_the_tick_waits_in_the_queue_once_however_long_nobody_took_it(
    app: Flask, redis: RedisServer, tmp_path: Path
) -> None:
    with started(app, tmp_path, "scheduler", "-c", EACH_SECOND), wakeups.connect() as connection:
        queue = wakeups.queue(wakeups.UPKEEP, connection)
        wait_until("the tick waits", lambda: "tick" in queue.job_ids)
        for _ in range(3):
            _put_again(connection)
        assert sorted(queue.job_ids) == ["housekeeping", "sweep", "tick"]


def _put_again(connection: Redis) -> None:
    def planned() -> object:
        return connection.zscore("rq:scheduler:scheduled_jobs", "tick")

    before = planned()
    wait_until("the tick was put into the queue again", lambda: planned() != before)
