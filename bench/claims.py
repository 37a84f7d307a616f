"""Due schedules claimed a second: as the tick does it, in batches, and one transaction each."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bench.measure import Figures, Say, Timed, Way, compare
from bench.redis_server import running_redis
from bench.registers import ZONE, app_on, empty_postgres, empty_sqlite
from bench.report import Figure, Subject

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)
RULE = {"freq": "daily", "time": "09:00"}
IN_BATCHES = "Duepost's tick, no wake-ups"
WITH_WAKE_UPS = "Duepost's tick, each run put on the queue"
ONE_EACH = "the same work, one transaction each"
ROUNDS = {"sqlite": empty_sqlite, "postgresql": empty_postgres}


def in_batches(database: str, schedules: int) -> Figures:
    """Redis is away, which the tick survives: what is timed is the database's part."""
    return _tick(database, schedules, wake=False)


def with_wake_ups(database: str, schedules: int) -> Figures:
    return _tick(database, schedules, wake=True)


def _tick(database: str, schedules: int, *, wake: bool) -> Figures:
    from portal.schedules.start_due import start_due

    with contextlib.ExitStack() as held:
        url = held.enter_context(ROUNDS[database]())
        redis = {"REDIS_URL": held.enter_context(running_redis())} if wake else {}
        held.enter_context(app_on(url, **redis))
        _add_schedules(schedules)
        with Timed() as timed:
            started = start_due(NOW)
    assert started == schedules
    return timed.figures() | {"schedules": started}


def one_each(database: str, schedules: int) -> Figures:
    """A loop that claims one due schedule, does what the tick does for it, and commits."""
    from portal.models import Schedule, ScheduleState, write_session
    from portal.schedules.start_due import start

    due = (
        sa.select(Schedule)
        .where(Schedule.next_run_at <= NOW, Schedule.state == ScheduleState.ACTIVE)
        .order_by(Schedule.next_run_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    started = 0
    with ROUNDS[database]() as url, app_on(url):
        _add_schedules(schedules)
        with Timed() as timed:
            while True:
                with write_session() as db:
                    found = db.scalars(due).all()
                    started += len(start(db, found, NOW))
                if not found:
                    break
    assert started == schedules
    return timed.figures() | {"schedules": started}


def measure(database: str, schedules: int, repeats: int, say: Say) -> Subject:
    ways = [
        Way(IN_BATCHES, in_batches, {"database": database, "schedules": schedules}),
        Way(WITH_WAKE_UPS, with_wake_ups, {"database": database, "schedules": schedules}),
        Way(ONE_EACH, one_each, {"database": database, "schedules": schedules // 5}),
    ]
    found = compare(ways, repeats, say)
    mine = found[IN_BATCHES].per_second("schedules")
    figures = [
        Figure.at_least("due schedules claimed a second", mine, 3_000, "schedules/s"),
        Figure.shown("and put on the queue", found[WITH_WAKE_UPS].per_second("schedules"), "schedules/s"),
        Figure.shown("times one transaction each", mine / found[ONE_EACH].per_second("schedules"), "×"),
    ]
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[database]
    return Subject(f"claims-{database}", f"Due schedules claimed, {name}", "schedules", list(found.values()), figures)


def _add_schedules(count: int) -> None:
    """Daily reports of ten organizations, each to one person, all due at 09:00 in New York."""
    from portal.models import Destination, DestinationKind, Organization, Schedule, write_session

    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    organizations = [uuid.uuid4() for _ in range(10)]
    with write_session() as db:
        db.add_all(
            Organization(id=each, name=f"Made {n}", slug=f"made-{n}", timezone=ZONE, settings={}, created_at=long_ago)
            for n, each in enumerate(organizations)
        )
        db.flush()
        for number in range(count):
            owner, schedule = organizations[number % 10], uuid.uuid4()
            db.add(
                Schedule(
                    id=schedule,
                    organization_id=owner,
                    name=f"Report {number}",
                    export_type="FLAT_FILE",
                    format="CSV",
                    filters={"status": ["OPEN"]},
                    period="previous_day",
                    rule=RULE,
                    timezone=ZONE,
                    delivery_config={"attach": True, "link": True},
                    state="ACTIVE",
                    next_run_at=NOW,
                    next_local=f"2026-11-02T09:00[{ZONE}]",
                    created_at=long_ago,
                    updated_at=NOW - timedelta(days=30),
                    destinations=[
                        Destination(
                            organization_id=owner,
                            position=0,
                            kind=DestinationKind.EMAIL,
                            target=f"person{number}@example.org",
                        )
                    ],
                )
            )
