"""A worker's claim on a run: taken by one conditional UPDATE, renewed by a heartbeat, and a fence in every change.

`attempt` counts the claims. Whoever holds an older one, or one whose time ran out, changes nothing any more: each of
its transactions begins with `fence`, which finds no row and raises LeaseLost.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, aliased

from portal import clock, failpoints
from portal.config import settings
from portal.models import Run, RunState, updated_rows, write_session
from portal.plumbing.logs import log

STOPPED_BY_THEN = timedelta(minutes=1)
"""How long after the time limit of a run its process is dead, where its parent lives."""
logger = log(__name__)


class LeaseLost(Exception):  # noqa: N818  # not an error of the program: another worker took over
    """The run is no longer ours; stop without writing anything."""


@dataclass(frozen=True)
class Lease:
    run_id: uuid.UUID
    owner: str
    attempt: int


def new_token() -> str:
    """What tells one holder of a lease from all others; whoever starts a worker may keep it to know its leases by."""
    return secrets.token_hex(8)


def new_owner(token: str | None = None) -> str:
    """A name no other worker has, now or after a restart; it ends in `token`."""
    return f"{socket.gethostname()}:{os.getpid()}:{token or new_token()}"


def take(run_id: uuid.UUID, owner: str, now: datetime) -> tuple[Lease, RunState] | None:
    """Claim the run if it waits to be made (then RUNNING) or to be delivered. None: it is not ours to take now."""
    try:
        with write_session() as db:
            row = _take_queued(db, run_id, owner, now) or _take_delivering(db, run_id, owner, now)
            failpoints.reach("take-before-commit")
    except IntegrityError:
        return None  # another run of the schedule became RUNNING in the same moment: this one waits
    return None if row is None else (Lease(run_id, owner, row.attempt), RunState(row.state))


def _take_queued(db: Session, run_id: uuid.UUID, owner: str, now: datetime) -> sa.Row[int, RunState] | None:
    other = aliased(Run)
    in_the_way = (
        sa.select(other.id)
        .where(other.schedule_id == Run.schedule_id, other.id != Run.id)
        .where(
            sa.or_(
                other.state == RunState.RUNNING,
                sa.and_(
                    other.state == RunState.QUEUED,
                    # one that waits for the day's data keeps nobody from being made meanwhile
                    sa.or_(other.ready_after.is_(None), other.not_before.is_(None), other.not_before <= now),
                    sa.or_(
                        other.planned_for < Run.planned_for,
                        sa.and_(other.planned_for == Run.planned_for, other.id < Run.id),
                    ),
                ),
            )
        )
        .exists()
    )
    statement = (
        sa.update(Run)
        .where(Run.id == run_id, Run.state == RunState.QUEUED, ~in_the_way)
        .where(sa.or_(Run.not_before.is_(None), Run.not_before <= now))
        .values(
            state=RunState.RUNNING,
            attempt=Run.attempt + 1,
            lease_owner=owner,
            lease_until=_until(now),
            taken_at=now,
            ready_after=None,
            started_at=sa.func.coalesce(Run.started_at, sa.literal(now, Run.started_at.type)),
            rows_written=0,
        )
        .returning(Run.attempt, Run.state)
        .execution_options(synchronize_session=False)
    )
    return db.execute(statement).one_or_none()


def _take_delivering(db: Session, run_id: uuid.UUID, owner: str, now: datetime) -> sa.Row[int, RunState] | None:
    statement = (
        sa.update(Run)
        .where(Run.id == run_id, Run.state == RunState.DELIVERING)
        .where(sa.or_(Run.lease_until.is_(None), Run.lease_until <= now))
        # should this worker be lost, sweep is to look as soon as the lease has lapsed, not after an earlier wait
        .values(attempt=Run.attempt + 1, lease_owner=owner, lease_until=_until(now), taken_at=now, wake_after=now)
        .returning(Run.attempt, Run.state)
        .execution_options(synchronize_session=False)
    )
    return db.execute(statement).one_or_none()


def fence(db: Session, lease: Lease, now: datetime) -> None:
    """Begin a transaction of the lease's holder: renews the lease and locks the run's row, or raises LeaseLost."""
    if not _renew(db, lease, now):
        raise LeaseLost(f"run {lease.run_id}, attempt {lease.attempt}")


def renew(lease: Lease, now: datetime) -> bool:
    """The heartbeat's: not for a file that should long have been stopped.

    Whoever stops it is dead then, and a process that hangs would else keep the run for ever by its mere beating.
    """
    with write_session() as db:
        too_old = now - timedelta(seconds=settings().run_time_limit_seconds) - STOPPED_BY_THEN
        may_go_on = sa.or_(Run.state == RunState.DELIVERING, Run.taken_at > too_old)
        return _renew(db, lease, now, may_go_on)


def _renew(db: Session, lease: Lease, now: datetime, *only_if: sa.ColumnElement[bool]) -> bool:
    statement = (
        sa.update(Run)
        .where(
            Run.id == lease.run_id,
            Run.lease_owner == lease.owner,
            Run.attempt == lease.attempt,
            Run.lease_until > now,
            # one that a person has cancelled, or that ended otherwise, is in nobody's hands
            Run.state.in_([RunState.RUNNING, RunState.DELIVERING]),
            *only_if,
        )
        .values(lease_until=_until(now))
    )
    return updated_rows(db, statement) == 1


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings().lease_seconds)


@contextmanager
def heartbeat(lease: Lease) -> Iterator[Callable[[], None]]:
    """Renew the lease from a thread while the body works; yields `check`, which raises LeaseLost once it is lost."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    lost, done = threading.Event(), threading.Event()
    every = settings().lease_seconds / 3

    def beat() -> None:
        with app.app_context():
            while not done.wait(every):
                try:
                    if not renew(lease, clock.now()):
                        lost.set()
                        return
                except SQLAlchemyError:
                    # the database may be back before the lease lapses; the fence decides, not this thread
                    logger.warning("lease not renewed", run_id=str(lease.run_id), exc_info=True)

    def check() -> None:
        if lost.is_set():
            raise LeaseLost(f"run {lease.run_id}, attempt {lease.attempt}")

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        done.set()
        thread.join(timeout=15)
