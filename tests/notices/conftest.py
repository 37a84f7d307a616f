"""Fixtures of the notices' tests: a real mail server, and a daily schedule whose recipient decides how a day ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.models import Destination, Notice, Run, Schedule, write_session
from portal.notices import send_due
from portal.runs.make import make_run
from portal.schedules.tick import tick
from tests.support.apps import Clock
from tests.support.cast import Cast
from tests.support.mail import Sink
from tests.support.schedules import make_schedule

DAILY = {"freq": "daily", "time": "08:00"}
FIRST = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)  # 08:00 in New York
GOOD, BAD = "priya@example.org", "refused@example.org"


@pytest.fixture
def app_settings(mail_sink: Sink) -> dict[str, str]:
    return {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(mail_sink.port),
        "DUEPOST_MAIL_TIMEOUT_SECONDS": "5",
        "PUBLIC_URL": "https://exports.example.org",
        "DUEPOST_PAUSE_AFTER_FAILURES": "3",
    }


@pytest.fixture
def daily(app: Flask, cast: Cast, moved_clock: Clock) -> uuid.UUID:
    return make_schedule(cast.lakeside, cast.otto, rule=DAILY, now=FIRST - timedelta(hours=1))


Day = Callable[..., uuid.UUID]


@pytest.fixture
def day(daily: uuid.UUID, moved_clock: Clock) -> Day:
    """The next day's run of `daily` to those addresses, from tick to end."""
    moved_clock.set(FIRST - timedelta(days=1))

    def run(*addresses: str) -> uuid.UUID:
        moved_clock.forward(days=1)
        if addresses:
            send_to(daily, *addresses)
        tick(moved_clock.now())
        with write_session() as db:
            planned = sa.select(Run.id).where(Run.schedule_id == daily, Run.planned_for == moved_clock.now())
            run_id = db.scalars(planned).one()
        make_run(run_id)
        return run_id

    return run


def send_to(schedule_id: uuid.UUID, *addresses: str) -> None:
    with write_session() as db:
        schedule = db.get_one(Schedule, schedule_id)
        schedule.destinations = []
        db.flush()
        schedule.destinations = [
            Destination(organization_id=schedule.organization_id, position=number, kind="EMAIL", target=address)
            for number, address in enumerate(addresses)
        ]


def change(schedule_id: uuid.UUID, **values: object) -> None:
    with write_session() as db:
        db.execute(sa.update(Schedule).where(Schedule.id == schedule_id).values(**values))


def schedule(schedule_id: uuid.UUID) -> Schedule:
    with write_session() as db:
        return db.get_one(Schedule, schedule_id)


def told() -> list[tuple[str, str]]:
    """(kind, address) of every notice, oldest first."""
    with write_session() as db:
        rows = db.execute(sa.select(Notice.kind, Notice.address).order_by(Notice.created_at, Notice.address))
        return [(row.kind, row.address) for row in rows]


def sent(sink: Sink, now: datetime) -> list[EmailMessage]:
    """What the mail server has of the notices, after they were sent."""
    send_due(now)
    return [message for message in sink.messages() if "duepost.notice" in message["Message-ID"]]
