"""The database is locked for longer than anybody waits, full, or restarted, at the worst places of a run (H 50)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from portal import clock
from portal.extensions import db
from portal.runs.states import OPEN
from tests.faults import lives
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.databases import hold
from tests.faults.hatchery import Hatchery, open_hatchery
from tests.faults.lives import AFTER_THE_POINT_OF_NO_RETURN, WELL, End, Lives
from tests.faults.trials import Trials, go_on
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_cases
from tests.support.whole_product import wait_until

PLACES = ("take-after-commit", "made-file", "artifact-after-commit", "before-data-mark", "after-data-mark", "answered")
Fault = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def full_mark(tmp_path: Path) -> Path:
    return tmp_path / "full"


@pytest.fixture
def hatchery(app: Flask, tmp_path: Path, full_mark: Path) -> Iterator[Hatchery]:
    with open_hatchery(app, tmp_path, FAULTS_FULL_DISK=str(full_mark), FAULTS_BUSY_SECONDS="0.3") as opened:
        yield opened


@pytest.fixture
def trials(app: Flask, cast: Cast, hatchery: Hatchery, mail_sink: Sink) -> Iterator[Trials]:
    make_cases(cast.lakeside, 7, created_at=clock.now() - timedelta(days=3))
    made = Trials(Lives(cast, hatchery, mail_sink), hatchery, mail_sink)
    yield made
    made.check()


def play_all(trials: Trials, fault: Fault, met: Callable[[int], None], *, waits: bool = False) -> None:
    """At each place the worker stands still, the fault begins, the worker goes on into it; `met` awaits that."""
    for place in PLACES:

        def play(place: str = place) -> uuid.UUID:
            trials.staffed("worker")
            trials.hatchery.charge(place, "stop")
            run_id = trials.lives.pressed(place)
            job = trials.stopped_at(place)
            with fault():
                go_on(job)
                met(job)
                assert lives.state_of_run(run_id) in OPEN
            if not waits:
                trials.hatchery.forward(LEASE_SECONDS + 1)
            return run_id

        # whoever goes on after the point of no return sends, and cannot write down what came of it
        trials.case(place, WELL if waits else End(AFTER_THE_POINT_OF_NO_RETURN.get(place, WELL).state), play)


def gives_up(trials: Trials) -> Callable[[int], None]:
    def met(job: int) -> None:
        wait_until("the job has given up", lambda: job not in trials.hatchery.jobs_of(trials.parents["worker"]))

    return met


def test_a_lock_that_is_held_for_longer_than_anybody_waits(
    trials: Trials, database_url: str, database_kind: str
) -> None:
    """On SQLite the work is left to another; on PostgreSQL it waits, and goes on when the lock is free."""

    @contextmanager
    def locked_file() -> Iterator[None]:
        holder = hold(Path(database_url.removeprefix("sqlite:///")), 60)
        yield
        holder.kill()
        holder.communicate()

    @contextmanager
    def locked_tables() -> Iterator[None]:
        with psycopg.connect(database_url) as holder:
            holder.execute("LOCK TABLE runs, deliveries IN EXCLUSIVE MODE")
            yield

    def somebody_waits(_: int) -> None:
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        with db.engine.connect() as connection:
            wait_until("somebody waits", lambda: connection.execute(waiting).scalar_one())

    if database_kind == "sqlite":
        play_all(trials, locked_file, gives_up(trials))
    else:
        play_all(trials, locked_tables, somebody_waits, waits=True)


def test_a_full_disk(trials: Trials, full_mark: Path) -> None:
    @contextmanager
    def full() -> Iterator[None]:
        full_mark.touch()
        yield
        full_mark.unlink()

    play_all(trials, full, gives_up(trials))
