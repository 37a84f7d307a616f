"""Many schedules due at once: a few statements for each batch, all of them in one tick, in the order they fell due,
and a poisoned one among them holds up nothing (B1, A8)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.audit.verify import verify_chains
from portal.extensions import db
from portal.models import (
    AuditEvent,
    CatchUp,
    Category,
    Destination,
    DestinationKind,
    ExportFormat,
    ExportType,
    Run,
    RunState,
    Schedule,
    ScheduleState,
    write_session,
)
from portal.plumbing import wakeups
from portal.schedules.start_due import BATCH, start_due
from tests.exports.tagged_register import TAGS, promote
from tests.support.cast import Cast

NOW = datetime(2026, 11, 2, 13, 4, tzinfo=UTC)  # Monday 08:04 in New York
MANY = 1_000


def add_schedules(
    organization_id: uuid.UUID, count: int, *, own_filters: dict[str, Any] | None = None, **given: Any
) -> list[uuid.UUID]:
    """Daily ones that fell due within the last four minutes, all of them still on time; ids in no order of time.

    Each to two people, the second of whom has `own_filters`.
    """
    ids = []
    with write_session() as session:
        for number in range(count):
            minute = number * 7 % 5
            schedule = Schedule(
                **{
                    "id": uuid.uuid4(),
                    "organization_id": organization_id,
                    "name": f"Report {number}",
                    "export_type": ExportType.FLAT_FILE,
                    "format": ExportFormat.CSV,
                    "period": "previous_day",
                    "rule": {"freq": "daily", "time": f"08:{minute:02d}"},
                    "timezone": "America/New_York",
                    "state": ScheduleState.ACTIVE,
                    "next_run_at": NOW - timedelta(minutes=4 - minute),
                    "next_local": f"2026-11-02T08:{minute:02d}[America/New_York]",
                    "catch_up": CatchUp.LATEST,
                    "created_at": NOW - timedelta(days=9),
                    "updated_at": NOW - timedelta(days=9),
                    **given,
                }
            )
            schedule.destinations = [
                Destination(
                    organization_id=organization_id,
                    position=position,
                    kind=DestinationKind.EMAIL,
                    target=f"person{position}-{number}@example.org",
                    own_filters=own_filters if position else None,
                )
                for position in (1, 0)
            ]
            session.add(schedule)
            ids.append(schedule.id)
    return ids


def poison(schedule_id: uuid.UUID, columns: str) -> None:
    """Past the models, as a bug or a hand in the database would."""
    statement = sa.text(f"UPDATE schedules SET {columns} WHERE id = :id")
    with write_session() as session:
        session.execute(statement.bindparams(sa.bindparam("id", schedule_id, sa.Uuid())))


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    ids: list[uuid.UUID] = []

    def wake_runs(wakes: list[tuple[uuid.UUID, int]]) -> bool:
        ids.extend(run_id for run_id, _ in wakes)
        return True

    monkeypatch.setattr(wakeups, "wake_runs", wake_runs)
    return ids


def test_a_poisoned_one_of_each_kind_among_a_thousand_holds_up_nothing(
    app: Flask, cast: Cast, woken: list[uuid.UUID]
) -> None:
    ids = add_schedules(cast.lakeside, MANY)
    kinds = [
        """rule = '{"freq": "sometimes"}'""",
        """rule = '["daily"]'""",
        "timezone = 'Mars/Olympus'",
        "next_local = 'noon'",
        "period = 'whenever'",
        """filters = '{"colour": ["red"]}'""",
    ]
    if db.engine.dialect.name == "sqlite":  # PostgreSQL keeps such a row out
        kinds.append("rule = '{not json'")
    bad = ids[:: MANY // len(kinds)][: len(kinds)]
    for schedule_id, columns in zip(bad, kinds, strict=True):
        poison(schedule_id, columns)
    assert start_due(NOW) == MANY - len(bad)
    with write_session() as session:
        runs = {run.id: run for run in session.execute(sa.select(Run.id, Run.schedule_id, Run.planned_for))}
        parked = session.scalars(sa.select(Schedule.id).where(Schedule.parked_until.is_not(None))).all()
        left = session.scalars(sa.select(Schedule.id).where(Schedule.next_run_at <= NOW)).all()
    assert {run.schedule_id for run in runs.values()} == set(ids) - set(bad)
    assert set(parked) == set(left) == set(bad)
    # in the order in which they fell due
    moments = [runs[run_id].planned_for for run_id in woken]
    assert len(woken) == len(runs)
    assert moments == sorted(moments)


def test_each_run_of_a_batch_has_its_own_configuration_and_event(app: Flask, cast: Cast) -> None:
    ids = add_schedules(cast.lakeside, 2 * BATCH + 5)
    add_schedules(cast.strangers, 3)
    assert start_due(NOW) == len(ids) + 3
    with write_session() as session:
        runs = session.scalars(sa.select(Run).where(Run.organization_id == cast.lakeside)).all()
        events = session.scalars(sa.select(AuditEvent.subject_id).where(AuditEvent.action == "run.queued")).all()
    assert len(events) == len(set(events)) == len(ids) + 3
    assert {str(run.id) for run in runs} <= set(events)
    assert [report.problem for report in verify_chains() if report.problem] == []
    for run in runs:
        frozen = run.configuration
        assert frozen["schedule"]["id"] == str(run.schedule_id)
        number = frozen["schedule"]["name"].removeprefix("Report ")
        assert [each["target"] for each in frozen["destinations"]] == [
            f"person0-{number}@example.org",
            f"person1-{number}@example.org",
        ]


def test_one_that_has_its_run_already_moves_on_with_the_rest_of_the_batch(app: Flask, cast: Cast) -> None:
    ids = add_schedules(cast.lakeside, 5)
    assert start_due(NOW) == 5
    again = {"next_run_at": NOW, "next_local": "2026-11-02T08:04[America/New_York]"}
    with write_session() as session:
        session.execute(sa.update(Schedule).where(Schedule.id.in_(ids)).values(again))
    # one of the five was due at 08:04, the moment that all of them are given once more
    assert start_due(NOW) == 4
    with write_session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Run)) == 9
        assert session.scalars(sa.select(Schedule.id).where(Schedule.next_run_at <= NOW)).all() == []


def test_a_batch_takes_as_many_statements_however_many_it_holds(app: Flask, cast: Cast) -> None:
    """Nothing is asked schedule by schedule: not destinations and their filters, the last success, names, nor tags."""
    with write_session() as session:
        session.add(Category(organization_id=cast.lakeside, name="Harassment"))
    promote(cast.lakeside, TAGS[:3])
    given: dict[str, Any] = {
        "own_filters": {"category": ["Harassment"], "anonymous": True},
        "period": "since_last_success",
        "filters": {"category": ["Harassment"], "tags": {"amount": {"min": 5}}},
        "column_config": {"columns": ["case_id", "number"]},
    }
    counts = []
    # the first one also begins the organization's chain of events
    for several in (1, BATCH - 1, 3):
        add_schedules(cast.lakeside, several, **given)
        with counted_statements() as statements:
            assert start_due(NOW) == several
        counts.append(len(statements))
    assert counts[1] == counts[2]
    with write_session() as session:
        for frozen in session.scalars(sa.select(Run.configuration)):
            assert [each["column_name"] for each in frozen["export"]["tags"]] == ["amount", "number"]
            assert frozen["filters_in_words"] == "Category Harassment, children included; Amount from 5"
            assert frozen["destinations"][1]["own_filters"] == given["own_filters"]
            assert "Category Harassment" in frozen["destinations"][1]["own_filters_in_words"]


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(db.engine, "after_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(db.engine, "after_cursor_execute", note)


def test_redis_that_is_away_is_asked_once_a_tick(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    add_schedules(cast.lakeside, 2 * BATCH + 1)
    asked: list[object] = []

    def wake_runs(wakes: object) -> bool:
        asked.append(wakes)
        return False

    monkeypatch.setattr(wakeups, "wake_runs", wake_runs)
    assert start_due(NOW) == 2 * BATCH + 1
    # once for the schedules and once for what waits for data
    assert len(asked) <= 2
    with write_session() as session:
        assert set(session.scalars(sa.select(Run.state))) == {RunState.QUEUED}
