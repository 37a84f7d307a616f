"""Due schedules claimed a second: as the tick does it, in batches, and one transaction each."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bench.measure import Figures, Say, Timed, Way, compare
from bench.redis_server import running_redis
from bench.registers import ZONE, app_on, empty_postgres, empty_sqlite
from bench.report import Figure, Subject

NOW = datetime(2026, 11, 2, 14, tzinfo=UTC)
# What a schedule is made of, taken in turns: alike ones would let the tick read and reckon once for all of them.
PLACES = [
    ("America/New_York", "09:00"),
    ("America/Chicago", "08:00"),
    ("Europe/London", "14:00"),
    ("Asia/Kolkata", "19:30"),
    ("UTC", "14:00"),
]
RULES: list[dict[str, Any]] = [
    {"freq": "daily"},
    {"freq": "weekly", "weekdays": [1]},
    {"freq": "weekly", "weekdays": [1, 2, 3, 4, 5]},
    {"freq": "weekly", "weekdays": [1, 4], "interval": 2, "start": "2026-11-02"},
    {"freq": "monthly", "day": 2},
    {"freq": "monthly", "nth": 1, "weekday": 1},
    {"freq": "monthly", "workday": 1},
]
PERIODS = ["previous_day", "last_30_days", "previous_month", "month_to_date", "since_last_success", "2026-Q3"]
FILTERS: list[dict[str, Any]] = [
    {},
    {"status": ["OPEN"]},
    {"priority": ["HIGH", "CRITICAL"], "status": ["OPEN", "ON_HOLD"]},
    {"category": ["Harassment"]},
]
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
    """Reports of ten organizations, each to one, two or three people, all due at the same moment."""
    from portal.models import Category, Destination, DestinationKind, Organization, Schedule, write_session

    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    organizations = [uuid.uuid4() for _ in range(10)]
    with write_session() as db:
        for number, organization in enumerate(organizations):
            slug = f"made-{number}"
            db.add(Organization(id=organization, name=slug, slug=slug, timezone=ZONE, settings={}, created_at=long_ago))
            db.flush()
            db.add(Category(organization_id=organization, name="Harassment"))
        for number in range(count):
            organization = organizations[number % 10]
            place, at = PLACES[number % len(PLACES)]
            db.add(
                Schedule(
                    organization_id=organization,
                    name=f"Report {number}",
                    export_type="FLAT_FILE",
                    format="CSV",
                    filters=FILTERS[number % len(FILTERS)],
                    period=PERIODS[number % len(PERIODS)],
                    rule=RULES[number % len(RULES)] | {"time": at},
                    timezone=place,
                    delivery_config={"attach": True, "link": True},
                    state="ACTIVE",
                    next_run_at=NOW,
                    next_local=f"2026-11-02T{at}[{place}]",
                    created_at=long_ago,
                    updated_at=NOW - timedelta(days=30),
                    destinations=[
                        Destination(
                            organization_id=organization,
                            position=position,
                            kind=DestinationKind.EMAIL,
                            target=f"person{number}-{position}@example.org",
                        )
                        for position in range(1 + number % 3)
                    ],
                )
            )
