"""What RQ calls, by dotted name. Each takes an id or nothing and is safe to run twice."""

from __future__ import annotations

import uuid

import structlog

from portal import clock, retention
from portal.plumbing import ping
from portal.runs import make, recover
from portal.schedules.tick import tick
from worker import in_app
from worker.watched_worker import lease_token


@in_app
def start_due_schedules() -> None:
    """The tick, every 15 seconds."""
    tick(clock.now())
    ping.tell_outside()


@in_app
def recover_lost_runs() -> None:
    """The sweep, every 30 seconds."""
    recover.sweep(clock.now())


@in_app
def make_run(run_id: str) -> None:
    with structlog.contextvars.bound_contextvars(run_id=run_id):
        make.make_run(uuid.UUID(run_id), lease_token())


@in_app
def housekeeping() -> None:
    """Once a day."""
    retention.keep_house(clock.now())
