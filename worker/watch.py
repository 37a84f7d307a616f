"""What the parent of a work horse looks at while it works, and when it has to be killed."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import psutil
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal import clock, deadline
from portal.config import settings
from portal.extensions import db
from portal.leases import LeaseLost
from portal.models import RunState
from portal.plumbing.logs import log
from portal.runs import limits
from portal.runs.hand_back import hand_back

UPKEEP_SECONDS = 300.0
LOOK_SECONDS = 10.0
"""How often the database is asked whose the run is."""
STRAY_SECONDS = 15.0
"""How long a process may go on after its run has gone to another, or was cancelled."""
STOP_SECONDS = 30.0
"""How long a process that was asked to end may take to come to the end of a step."""
PATIENCE_SECONDS = 5.0
"""How long the database is waited for, lest a run be out of sight meanwhile."""
MEGABYTE = 1_000_000
logger = log(__name__)


class Why(StrEnum):
    """Why a work horse is killed."""

    TIME = "it took too long"
    MEMORY = "it took too much memory"
    STRAY = "its run is no longer its own"
    STOP = "it did not end when asked to"


@dataclass
class Upkeep:
    """A short job: five minutes, or half of one once the process was asked to end."""

    began: float = field(default_factory=time.monotonic)
    stop_asked_at: float | None = None

    def verdict(self, now: float) -> Why | None:
        """Whether the job has to be killed at `now`, a moment of the monotonic clock."""
        if now - self.began > UPKEEP_SECONDS:
            return Why.TIME
        return Why.STOP if _overdue(self.stop_asked_at, now) else None

    def killed(self, why: Why) -> None:
        """Nothing to write: such a job is begun again by the next wake-up."""


@dataclass
class RunWatch:
    """A run: its process's memory each time, the database every ten seconds.

    Time is counted on this machine's steady clock and not from `taken_at`: a clock that jumps ends no run.
    """

    app: Flask
    run_id: uuid.UUID
    token: str
    pid: int
    began: float = field(default_factory=time.monotonic)
    stop_asked_at: float | None = None
    _looked_at: float = 0.0
    _stray_since: float | None = None

    def __post_init__(self) -> None:
        with self.app.app_context():
            self._seconds = settings().run_time_limit_seconds
            self._megabytes = settings().run_memory_limit_mb
        self._looked_at = self.began
        self._every = min(LOOK_SECONDS, self._seconds)

    def verdict(self, now: float) -> Why | None:
        """Whether the process has to be killed at `now`, a moment of the monotonic clock."""
        if memory_of(self.pid) > self._megabytes * MEGABYTE:
            return Why.MEMORY
        stop = _overdue(self.stop_asked_at, now)
        if now - self._looked_at < self._every and not stop:
            return None
        self._looked_at = now
        try:
            held = self._held()
        except SQLAlchemyError:
            logger.warning("the run cannot be looked at", run_id=str(self.run_id), exc_info=True)
            return None
        if held is None:
            return Why.STRAY if self._strayed(now) else None
        self._stray_since = None
        if held.state is not RunState.RUNNING:
            return None  # a recipient in hand is finished; the time-outs of mail and storage bound that
        if now - self.began > self._seconds:
            return Why.TIME
        return Why.STOP if stop else None

    def _strayed(self, now: float) -> bool:
        if self._stray_since is None:
            self._stray_since = now
        return now - self._stray_since > STRAY_SECONDS

    def killed(self, why: Why) -> None:
        """Write what becomes of the run, now that its process is dead; the lapsed lease tells it where this cannot."""
        try:
            with self.app.app_context(), deadline.within(PATIENCE_SECONDS):
                try:
                    self._write(why)
                finally:
                    db.engine.dispose()
        except LeaseLost:
            logger.warning("the run went to another meanwhile", run_id=str(self.run_id))
        except SQLAlchemyError:
            logger.warning("the end of the run is not written; sweep will find it", exc_info=True)

    def _write(self, why: Why) -> None:
        held = limits.held_by(self.run_id, self.token)
        if held is None:
            return
        if held.state is RunState.DELIVERING:
            limits.release(held, clock.now())
        elif why is Why.TIME:
            limits.fail(held, limits.too_long(timedelta(seconds=self._seconds)), clock.now())
        elif why is Why.MEMORY:
            limits.fail(held, limits.too_big(self._megabytes), clock.now())
        else:
            hand_back(held.lease, clock.now())

    def _held(self) -> limits.Held | None:
        """Over a connection of its own, closed again: none may be open when the next work horse is forked."""
        with self.app.app_context(), deadline.within(PATIENCE_SECONDS):
            try:
                return limits.held_by(self.run_id, self.token)
            finally:
                db.engine.dispose()


def _overdue(stop_asked_at: float | None, now: float) -> bool:
    return stop_asked_at is not None and now - stop_asked_at > STOP_SECONDS


def memory_of(pid: int) -> int:
    """Bytes of real memory; 0 for a process that has just ended."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
