"""A worker is woken only for what it can see; ticks and edits that meet make each moment once (B1, B8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session, selectinload

from portal.extensions import db
from portal.models import Run, RunState, Schedule, write_session
from portal.schedules import changes
from portal.schedules.run_now import run_now
from portal.schedules.start_due import MovedMeanwhile, start, start_due
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
        runs = session.scalars(sa.select(Run)).all()
    made = [(run.state, run.planned_for, run.configuration["schedule"]["name"]) for run in runs]
    assert made == [(RunState.QUEUED, DUE, "As it was")]
    assert seen_by_workers == [True]


@pytest.mark.parametrize("column", ["next_run_at", "revision"])
def test_a_ticker_writes_nothing_once_the_schedule_is_not_as_it_was_read(app: Flask, cast: Cast, column: str) -> None:
    """Another ticker moved it, or a person edited it, after this one had read it."""
    schedule_id = make_schedule(cast.lakeside, cast.otto)
    meanwhile = {"next_run_at": DUE + timedelta(days=7), "revision": 2}[column]
    with Session(db.engine) as session:
        one = sa.select(Schedule).where(Schedule.id == schedule_id).options(selectinload(Schedule.destinations))
        read = session.scalars(one).all()
        session.execute(sa.update(Schedule.__table__).values({column: meanwhile}))  # type: ignore[arg-type]
        with pytest.raises(MovedMeanwhile):
            start(session, read, DUE)
    with write_session() as session:
        assert session.scalars(sa.select(Run)).all() == []
