"""Fixtures of the runs' tests: a schedule to three people over a real SMTP server, and runs of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from portal import audit, clock
from portal.models import Delivery, Run, write_session
from portal.schedules.run_now import run_now
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_cases, make_schedule

THREE = ["priya@example.org", "tomas@example.org", "refused@example.org"]


@pytest.fixture
def app_settings(mail_sink: Sink) -> dict[str, str]:
    return {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(mail_sink.port), "DUEPOST_MAIL_TIMEOUT_SECONDS": "5"}


@pytest.fixture
def new_run(cast: Cast, moved_clock: Clock) -> Callable[..., uuid.UUID]:
    """A queued run-now of a schedule made as told, over a register of seven cases of yesterday."""
    make_cases(cast.lakeside, 7, created_at=moved_clock.now().replace(day=1))

    def make(schedule_id: uuid.UUID | None = None, **given: object) -> uuid.UUID:
        schedule_id = schedule_id or make_schedule(cast.lakeside, cast.otto, **given)
        return run_now(
            cast.lakeside,
            schedule_id,
            idempotency_key=str(uuid.uuid4()),
            actor=audit.user_actor(cast.otto, "otto@example.org"),
            now=clock.now(),
        )

    return make


def run_of(run_id: uuid.UUID) -> Run:
    with write_session() as db:
        return db.get_one(Run, run_id)


def deliveries_of(run_id: uuid.UUID) -> dict[str, Delivery]:
    """By address or folder."""
    with write_session() as db:
        rows = db.scalars(sa.select(Delivery).where(Delivery.run_id == run_id).order_by(Delivery.position)).all()
        return {row.target: row for row in rows}
