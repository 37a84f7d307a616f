"""A worker is woken only for what it can see, and an edit makes what was due before it (B1, B8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.models import Run, RunState, write_session
from portal.schedules import changes
from portal.schedules.run_now import run_now
from portal.schedules.start_due import start_due
from tests.schedules.test_changes import given, otto
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

DUE = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
LATER = DUE + timedelta(minutes=2)


@pytest.fixture
def seen_by_workers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each run that was woken, whether another connection saw it in that moment."""
    seen: list[bool] = []

    def wake_runs(wakes: Iterable[tuple[uuid.UUID, int]]) -> bool:
        with Session(db.engine) as session:
            visible = set(session.scalars(sa.select(Run.id)))
        seen.extend(run_id in visible for run_id, _ in wakes)
        return True

    monkeypatch.setattr("portal.plumbing.wakeups.wake_runs", wake_runs)
    return seen


def test_the_tick_wakes_for_runs_that_can_be_seen(app: Flask, cast: Cast, seen_by_workers: list[bool]) -> None:
    for name in ("one", "two"):
        make_schedule(cast.lakeside, cast.otto, name=name)
    start_due(DUE)
    assert seen_by_workers == [True, True]


def test_run_now_wakes_for_a_run_that_can_be_seen(app: Flask, cast: Cast, seen_by_workers: list[bool]) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    run_now(cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=otto(cast), now=DUE)
    assert seen_by_workers == [True]


def test_an_edit_starts_what_was_due_as_it_was(app: Flask, cast: Cast, seen_by_workers: list[bool]) -> None:
    """The moment fell due before the edit; the tick has not come yet."""
    schedule_id = make_schedule(cast.lakeside, cast.otto, name="As it was")
    changes.edit_schedule(cast.lakeside, schedule_id, given(cast), revision=1, actor=otto(cast), now=LATER)
    with write_session() as session:
        (run,) = session.scalars(sa.select(Run))
    assert (run.state, run.planned_for) == (RunState.QUEUED, DUE)
    assert run.configuration["schedule"]["name"] == "As it was"
    assert seen_by_workers == [True]
