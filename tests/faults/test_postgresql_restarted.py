"""PostgreSQL crashes and comes back at the worst places of a run, under a worker that is in the middle of it."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal import clock
from portal.extensions import db
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.databases import PostgresDatabase
from tests.faults.hatchery import Hatchery
from tests.faults.lives import AFTER_THE_POINT_OF_NO_RETURN, WELL, End, Lives
from tests.faults.trials import Trials, go_on
from tests.support.cast import Cast
from tests.support.databases import in_memory
from tests.support.mail import Sink
from tests.support.schedules import make_cases
from tests.support.whole_product import wait_until

PLACES = ("take-after-commit", "artifact-before-commit", "before-data-mark", "after-data-mark", "finish-before-commit")


@pytest.fixture
def server() -> Iterator[PostgresDatabase]:
    with tempfile.TemporaryDirectory(prefix="duepost-faults-", dir=in_memory()) as folder:
        made = PostgresDatabase(Path(folder))
        yield made
        made.close()


@pytest.fixture
def database_url(server: PostgresDatabase) -> str:
    return server.url


def test_a_crash_in_the_middle(
    app: Flask, cast: Cast, hatchery: Hatchery, mail_sink: Sink, server: PostgresDatabase
) -> None:
    make_cases(cast.lakeside, 7, created_at=clock.now() - timedelta(days=3))
    trials = Trials(Lives(cast, hatchery, mail_sink), hatchery, mail_sink)
    for place in PLACES:

        def play(place: str = place) -> uuid.UUID:
            trials.staffed("worker")
            trials.hatchery.charge(place, "stop")
            run_id = trials.lives.pressed(place)
            job = trials.stopped_at(place)
            server.stop()
            go_on(job)
            wait_until("the job has given up", lambda: job not in hatchery.jobs_of(trials.parents["worker"]))
            server.start()
            db.engine.dispose()
            hatchery.forward(LEASE_SECONDS + 1)
            return run_id

        trials.case(place, End(AFTER_THE_POINT_OF_NO_RETURN.get(place, WELL).state), play)
    trials.check()
