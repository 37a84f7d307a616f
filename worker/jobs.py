"""What RQ calls, by dotted name. Each takes an id or nothing and is safe to run twice."""

from __future__ import annotations

import uuid

import structlog

from portal import clock, retention
from portal.runs import make, recover
from portal.schedules.start_due import start_due
from worker import in_app


@in_app
def start_due_schedules() -> None:
    """The tick, every 15 seconds."""
    start_due(clock.now())


@in_app
def recover_lost_runs() -> None:
    """The sweep, every 30 seconds."""
    recover.sweep(clock.now())


@in_app
def make_run(run_id: str) -> None:
    with structlog.contextvars.bound_contextvars(run_id=run_id):
        make.make_run(uuid.UUID(run_id))


@in_app
def housekeeping() -> None:
    """Once a day."""
    retention.delete_expired_files(clock.now())
