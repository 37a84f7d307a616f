"""The figures of /metrics, reckoned when they are asked for. No names of organizations, schedules or people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.extensions import db as database
from portal.models import IS_OPEN, Delivery, DeliveryState, Organization, Run, RunState
from portal.runs.states import OPEN
from portal.watchdog.alarms import NAMES, alarms_of
from portal.watchdog.look import DatabaseSeen, Look

DAY = timedelta(days=1)
CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(seen: Look) -> bytes:
    """Everything in Prometheus' text format. What does not answer has no figure, but its alarm."""
    registry = CollectorRegistry()
    _by(registry, "alarm", "1 while this alarm stands, by alarm.", "alarm", _alarms(seen))
    _one(registry, "database_up", "1 if the database answers.", seen.database is not None)
    _one(registry, "redis_up", "1 if Redis answers.", seen.redis is not None)
    if seen.database is not None:
        _of_database(registry, seen.database, seen.now)
        _of_tables(registry, seen.now)
    if seen.redis is not None:
        _by(registry, "queue_length", "Wake-ups that wait, by queue.", "queue", seen.redis.queued)
        workers = {queue: seen.redis.count(queue) for queue in seen.redis.queued}
        _by(registry, "workers", "Workers that are running, by queue.", "queue", workers)
    free = {folder.name: folder.free for folder in seen.folders if folder.problem is None}
    _by(registry, "free_bytes", "Bytes left on the disk, by what the folder holds.", "folder", free)
    return generate_latest(registry)


def _alarms(seen: Look) -> dict[str, int]:
    standing = {alarm.name for alarm in alarms_of(seen)}
    return {name: int(name in standing) for name in NAMES}


def _of_database(registry: CollectorRegistry, seen: DatabaseSeen, now: datetime) -> None:
    for name in ("tick", "sweep"):
        if (beat := seen.beats.get(name)) is not None:
            help_text = f"Seconds since the last {name}."
            _one(registry, f"{name}_age_seconds", help_text, (now - beat.at).total_seconds())
    _one(registry, "schedules_due", "Active schedules whose moment has come and that have no run yet.", seen.due.count)
    _one(registry, "runs_waiting", "Runs that a worker could begin.", seen.waiting.count)
    oldest = (now - seen.waiting.since).total_seconds() if seen.waiting.since else 0
    _one(registry, "oldest_waiting_seconds", "How long the oldest of them has waited.", oldest)
    _one(registry, "notices_unsent", "Mails to owners and admins that could not be sent.", seen.unsent.count)


def _of_tables(registry: CollectorRegistry, now: datetime) -> None:
    try:
        with Session(database.engine) as session:
            runs, ended, deliveries = _runs(session), _ended(session, now), _deliveries(session, now)
    except SQLAlchemyError:
        return
    _by(registry, "runs", "Runs that are not over, by state.", "state", runs)
    _by(registry, "runs_ended_last_day", "Runs that ended within the last 24 hours, by state.", "state", ended)
    help_text = "Deliveries that were tried within the last 24 hours or wait to be tried, by state."
    _by(registry, "deliveries", help_text, "state", deliveries)


def _runs(db: Session) -> dict[str, int]:
    statement = sa.select(Run.state, sa.func.count()).where(IS_OPEN).group_by(Run.state)
    return {state.value: 0 for state in sorted(OPEN)} | {state.value: count for state, count in db.execute(statement)}


def _ended(db: Session, now: datetime) -> dict[str, int]:
    statement = (
        sa.select(Run.state, sa.func.count())
        .where(Run.finished_at >= now - DAY, Run.state.not_in(OPEN))
        .group_by(Run.state)
    )
    states = {state.value: 0 for state in RunState if state not in OPEN}
    return states | {state.value: count for state, count in db.execute(statement)}


def _deliveries(db: Session, now: datetime) -> dict[str, int]:
    tried = (
        sa.select(Delivery.state, sa.func.count())
        # each organization by its index: the table holds everything that was ever sent
        .where(
            Delivery.organization_id.in_(sa.select(Organization.id)),
            Delivery.last_attempt_at >= now - DAY,
            Delivery.state != DeliveryState.PENDING,
        )
        .group_by(Delivery.state)
    )
    waiting = sa.select(sa.func.count()).where(Delivery.state == DeliveryState.PENDING)
    counts = {state.value: 0 for state in DeliveryState}
    counts |= {state.value: count for state, count in db.execute(tried)}
    return counts | {DeliveryState.PENDING.value: db.scalar(waiting) or 0}


def _one(registry: CollectorRegistry, name: str, help_text: str, value: float) -> None:
    Gauge(f"duepost_{name}", help_text, registry=registry).set(value)


def _by(registry: CollectorRegistry, name: str, help_text: str, label: str, values: Mapping[str, float]) -> None:
    gauge = Gauge(f"duepost_{name}", help_text, [label], registry=registry)
    for key, value in values.items():
        gauge.labels(key).set(value)
