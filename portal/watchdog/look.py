"""One look at everything an alarm may be about. Whatever does not answer is missing from it; nothing raises."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal.config import settings
from portal.extensions import db as database
from portal.models import IS_OPEN, Heartbeat, Notice, NoticeState, Run, RunState, Schedule, ScheduleState
from portal.plumbing import wakeups
from portal.plumbing.logs import log

OVERDUE = timedelta(minutes=3)
WAITS_LONG = timedelta(minutes=10)
TRIES_BEFORE_ALARM = 3
DAY = timedelta(days=1)
MOST_WORKERS = 50
logger = log(__name__)


@dataclass(frozen=True)
class Some:
    """How many, and since when the oldest of them."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class Beat:
    at: datetime
    detail: Mapping[str, Any] | None


@dataclass(frozen=True)
class DatabaseSeen:
    beats: Mapping[str, Beat]
    """By name: "tick", "sweep", "clock:…"."""
    due: Some
    """Active schedules whose moment has come."""
    overdue: Some
    """Those of them that no tick has started for three minutes, though nothing parks them."""
    waiting: Some
    """Runs that a worker could begin."""
    long_waiting: int
    """Those of them that have waited for ten minutes."""
    in_hand: int
    """Runs that a worker is at."""
    unsent: Some
    """Notices that the mail server did not take in three tries, or that were given up within a day."""


@dataclass(frozen=True)
class WorkerSeen:
    """`where` is "host:process"."""

    where: str
    queue: str
    state: str
    at: datetime | None


@dataclass(frozen=True)
class RedisSeen:
    workers: Sequence[WorkerSeen]
    queued: Mapping[str, int]
    """Wake-ups by queue."""

    def count(self, queue: str) -> int:
        return sum(worker.queue == queue for worker in self.workers)


@dataclass(frozen=True)
class FolderSeen:
    """Bytes, of the file system that the folder is on; `problem` says why nothing can be written."""

    name: str
    free: int
    total: int
    problem: str | None


@dataclass(frozen=True)
class Look:
    """None: it does not answer."""

    now: datetime
    database: DatabaseSeen | None
    redis: RedisSeen | None
    folders: Sequence[FolderSeen]


def look(now: Callable[[], datetime]) -> Look:
    """Look at the database, Redis and the folders. `now` may ask the database; where it is away, this machine tells."""
    try:
        moment = now()
        with Session(database.engine) as session:
            seen = _database(session, moment)
    except SQLAlchemyError as error:
        logger.warning("the watchdog cannot read the database", error=str(getattr(error, "orig", error)))
        moment, seen = datetime.now(UTC), None
    return Look(moment, seen, _redis(), _folders())


def _database(db: Session, now: datetime) -> DatabaseSeen:
    due = (Schedule.state == ScheduleState.ACTIVE, Schedule.next_run_at <= now)
    not_parked = sa.or_(Schedule.parked_until.is_(None), Schedule.parked_until <= now)
    overdue = sa.and_(Schedule.next_run_at < now - OVERDUE, not_parked)
    schedules = db.execute(
        sa.select(
            sa.func.count(),
            sa.func.min(Schedule.next_run_at),
            sa.func.count(sa.case((overdue, 1))),
            sa.func.min(sa.case((overdue, Schedule.next_run_at))),
        ).where(*due)
    ).one()
    since = sa.func.coalesce(Run.not_before, Run.queued_at)
    ready = sa.and_(Run.state == RunState.QUEUED, since <= now)
    runs = db.execute(
        sa.select(
            sa.func.count(sa.case((ready, 1))),
            sa.func.min(sa.case((ready, since))),
            sa.func.count(sa.case((sa.and_(ready, since <= now - WAITS_LONG), 1))),
            sa.func.count(sa.case((Run.lease_until > now, 1))),
        ).where(IS_OPEN)
    ).one()
    return DatabaseSeen(
        beats={beat.name: Beat(beat.at, beat.detail) for beat in db.scalars(sa.select(Heartbeat))},
        due=Some(schedules[0], schedules[1]),
        overdue=Some(schedules[2], _aware(schedules[3])),
        waiting=Some(runs[0], _aware(runs[1])),
        long_waiting=runs[2],
        in_hand=runs[3],
        unsent=_unsent(db, now),
    )


def _unsent(db: Session, now: datetime) -> Some:
    stuck = sa.and_(Notice.state.in_([NoticeState.PENDING, NoticeState.SENDING]), Notice.attempts >= TRIES_BEFORE_ALARM)
    # a server that takes nothing until all is given up, and an address that is refused: both within the last day or two
    given_up = sa.and_(Notice.state == NoticeState.GIVEN_UP, Notice.reason != "", Notice.created_at >= now - 2 * DAY)
    organizations = sa.select(Notice.organization_id).distinct()
    count, since = db.execute(
        sa.select(sa.func.count(), sa.func.min(Notice.created_at)).where(
            Notice.organization_id.in_(organizations),
            Notice.created_at >= now - 2 * DAY,
            sa.or_(stuck, given_up),
        )
    ).one()
    return Some(count, since)


def _aware(moment: datetime | str | None) -> datetime | None:
    """SQLite gives what comes out of a CASE back as text."""
    if isinstance(moment, str):
        return datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return moment


def _redis() -> RedisSeen | None:
    try:
        with wakeups.connect() as connection:
            queues = [wakeups.EXPORTS, wakeups.UPKEEP]
            queued = {name: wakeups.queue(name, connection).count for name in queues}
            return RedisSeen([each for name in queues for each in _workers(connection, name)], queued)
    except (RedisError, OSError):
        return None


def _workers(connection: Redis, queue: str) -> list[WorkerSeen]:
    workers = Worker.all(queue=wakeups.queue(queue, connection))[:MOST_WORKERS]
    return [
        WorkerSeen(f"{each.hostname}:{each.pid}", queue, str(each.get_state()), _utc(each.last_heartbeat))
        for each in workers
    ]


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _folders() -> list[FolderSeen]:
    """The files' folder, the export folder, and that of a database which is a file."""
    places = {
        "files": Path(unquote(urlsplit(settings().effective_storage_url).path)),
        "exports": settings().effective_export_folder,
    }
    url = sa.make_url(settings().effective_database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        places["database"] = Path(url.database).parent
    return [_folder(name, path) for name, path in places.items()]


def _folder(name: str, path: Path) -> FolderSeen:
    there = next((each for each in (path, *path.parents) if each.exists()), path)
    try:
        usage = shutil.disk_usage(there)
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"1")
            file.flush()
    except OSError as error:
        return FolderSeen(name, 0, 0, error.strerror or type(error).__name__)
    return FolderSeen(name, usage.free, usage.total, None)
