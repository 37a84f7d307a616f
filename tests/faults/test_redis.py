"""Redis killed, flushed, paused, full and read-only while runs are pressed: none is lost, none is made twice (H 51)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal import clock
from tests.faults.hatchery import Hatchery
from tests.faults.lives import WELL, Lives
from tests.faults.redis_server import RedisServer
from tests.faults.trials import Trials
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_cases

FAULTS: dict[str, tuple[Callable[[RedisServer], None], Callable[[RedisServer], None]]] = {
    "killed": (RedisServer.kill, RedisServer.start),
    "killed and all is lost": (RedisServer.kill, RedisServer.start_empty),
    "flushed": (RedisServer.flush, lambda _: None),
    "paused": (RedisServer.pause, RedisServer.go_on),
    "out of memory": (RedisServer.out_of_memory, RedisServer.recover),
    "read-only": (RedisServer.read_only, RedisServer.recover),
}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis")
    yield server
    server.kill()


@pytest.fixture
def app_settings(redis: RedisServer, mail_sink: Sink) -> dict[str, str]:
    return {"REDIS_URL": redis.url, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_sink.port)}


@pytest.fixture
def trials(app: Flask, cast: Cast, hatchery: Hatchery, mail_sink: Sink) -> Iterator[Trials]:
    make_cases(cast.lakeside, 7, created_at=clock.now() - timedelta(days=3))
    made = Trials(Lives(cast, hatchery, mail_sink), hatchery, mail_sink)
    yield made
    made.check()


def test_runs_pressed_before_and_meanwhile_come_to_their_end(trials: Trials, redis: RedisServer) -> None:
    """The one before is in a worker's hands when Redis goes; the one meanwhile was never put on the queue."""
    for name, (begin, end) in FAULTS.items():

        def play(
            name: str = name,
            begin: Callable[[RedisServer], None] = begin,
            end: Callable[[RedisServer], None] = end,
        ) -> uuid.UUID:
            trials.staffed("worker")
            trials.hatchery.charge("made-file", "note")
            before = trials.lives.pressed(f"{name}, before")
            trials.hatchery.await_strike("made-file")
            begin(redis)
            meanwhile = trials.lives.pressed(f"{name}, meanwhile")
            end(redis)
            trials.case(f"{name}, before", WELL, lambda: before)
            return meanwhile

        trials.case(name, WELL, play)
