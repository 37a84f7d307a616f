"""Fixtures of the workers' tests: a real Redis and SMTP server, and runs of a small register."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit
from portal.models import Run, RunState, write_session
from portal.schedules.run_now import run_now
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_cases, make_schedule
from tests.support.whole_product import wait_until


@pytest.fixture
def app_settings(redis_url: str, mail_sink: Sink) -> dict[str, str]:
    return {"REDIS_URL": redis_url, "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_sink.port)}


@pytest.fixture
def new_run(app: Flask, cast: Cast) -> Callable[..., uuid.UUID]:
    """A run now of a new schedule, by the true clock, woken through Redis."""
    make_cases(cast.lakeside, 7, created_at=datetime.now(UTC) - timedelta(days=2))

    def make(**given: object) -> uuid.UUID:
        # its next moment is far away: a tick in between is to start nothing
        rule = {"freq": "once", "date": "2090-01-02", "time": "08:00"}
        schedule_id = make_schedule(cast.lakeside, cast.otto, rule=rule, **given)
        return run_now(
            cast.lakeside,
            schedule_id,
            idempotency_key=str(uuid.uuid4()),
            actor=audit.user_actor(cast.otto, "otto@example.org"),
            now=datetime.now(UTC),
        )

    return make


def run_of(run_id: uuid.UUID) -> Run:
    with write_session() as db:
        return db.get_one(Run, run_id)


def comes_to(run_id: uuid.UUID, state: RunState) -> Run:
    """The run, once it is in that state."""

    def holds() -> bool:
        with write_session() as db:
            return db.scalar(sa.select(Run.state).where(Run.id == run_id)) is state

    wait_until(f"the run is {state}", holds)
    return run_of(run_id)
