"""A8, A11: what people do to schedules, each with its audit event in the same transaction."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import audit
from portal.extensions import db
from portal.models import (
    AuditBody,
    AuditEvent,
    ExportFormat,
    Run,
    RunState,
    Schedule,
    ScheduleState,
)
from portal.schedules import changes
from portal.schedules.change_log import changes_of, changes_since
from portal.schedules.changes import ChangedMeanwhile
from portal.schedules.inputs import NotAccepted, ScheduleInput, check
from portal.schedules.run_now import run_now
from tests.support.cast import Cast
from tests.support.schedules import make_schedule

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ANSWERS: dict[str, Any] = {
    "name": "Board",
    "export_type": "FLAT_FILE",
    "format": "XLSX",
    "period": "previous_week",
    "rule": {"freq": "weekly", "weekdays": [1], "time": "08:00"},
    "timezone": "America/New_York",
    "recipients": "priya@example.org, Tom Berg <t.berg@example.org>",
    "attach": True,
    "link": True,
}


def given(cast: Cast, **more: Any) -> ScheduleInput:
    return check({**ANSWERS, "owner_id": cast.otto, **more}, organization_id=cast.lakeside, now=NOW)


def otto(cast: Cast) -> audit.Actor:
    return audit.user_actor(cast.otto, "otto@example.org")


def the(schedule_id: uuid.UUID) -> Schedule:
    db.session.rollback()
    return db.session.get_one(Schedule, schedule_id)


def events(schedule_id: uuid.UUID) -> list[tuple[str, str, dict[str, Any]]]:
    db.session.rollback()
    same = sa.and_(AuditBody.chain_id == AuditEvent.chain_id, AuditBody.sequence == AuditEvent.sequence)
    rows = db.session.execute(
        sa.select(AuditEvent.action, AuditEvent.actor_name, AuditBody.body)
        .join(AuditBody, same)
        .where(AuditEvent.subject_id == str(schedule_id))
        .order_by(AuditEvent.sequence)
    )
    return [(row.action, row.actor_name, row.body) for row in rows]


@pytest.fixture
def schedule_id(app: Flask, cast: Cast) -> uuid.UUID:
    return make_schedule(cast.lakeside, cast.otto, now=NOW - timedelta(days=7), next_run_at=None)


def test_create_plans_the_first_moment_and_writes_it_down(app: Flask, cast: Cast) -> None:
    schedule_id = changes.create_schedule(cast.lakeside, given(cast), actor=otto(cast), now=NOW)
    made = the(schedule_id)
    assert (made.state, made.revision, made.name) == (ScheduleState.ACTIVE, 1, "Board")
    assert made.next_run_at == datetime(2026, 11, 2, 13, 0, tzinfo=UTC)
    assert made.next_local == "2026-11-02T08:00[America/New_York]"
    assert [(each.target, each.name) for each in made.destinations] == [
        ("priya@example.org", ""),
        ("t.berg@example.org", "Tom Berg"),
    ]
    [(action, actor, body)] = events(schedule_id)
    assert (action, actor) == ("schedule.created", "otto@example.org")
    assert body["after"]["period"] == "previous_week"


def test_edit_replaces_what_was_seen_and_keeps_before_and_after(app: Flask, cast: Cast) -> None:
    schedule_id = changes.create_schedule(cast.lakeside, given(cast), actor=otto(cast), now=NOW)
    changed = given(cast, name="Board, monthly", rule={"freq": "monthly", "day": "last", "time": "09:30"}, format="CSV")
    changes.edit_schedule(cast.lakeside, schedule_id, changed, revision=1, actor=otto(cast), now=NOW)
    edited = the(schedule_id)
    assert (edited.name, edited.format, edited.revision) == ("Board, monthly", ExportFormat.CSV, 2)
    assert edited.next_local == "2026-11-30T09:30[America/New_York]"
    assert len(edited.destinations) == 2
    _, (action, _, body) = events(schedule_id)
    assert action == "schedule.edited"
    assert (body["before"]["name"], body["after"]["name"]) == ("Board", "Board, monthly")


def test_the_second_of_two_editors_is_told_and_changes_nothing(app: Flask, cast: Cast) -> None:
    schedule_id = changes.create_schedule(cast.lakeside, given(cast), actor=otto(cast), now=NOW)
    changes.edit_schedule(cast.lakeside, schedule_id, given(cast, name="First"), revision=1, actor=otto(cast), now=NOW)
    second = given(cast, name="Second")
    with pytest.raises(ChangedMeanwhile):
        changes.edit_schedule(cast.lakeside, schedule_id, second, revision=1, actor=otto(cast), now=NOW)
    assert the(schedule_id).name == "First"
    [change] = changes_since(cast.lakeside, schedule_id, 1)
    assert change.body["after"]["name"] == "First"


def test_pause_keeps_reason_and_day_and_resume_counts_from_now(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    until = NOW + timedelta(days=3)
    changes.pause_schedule(
        cast.lakeside, schedule_id, reason="Audit\u202e week\n", resume_at=until, actor=otto(cast), now=NOW
    )
    paused = the(schedule_id)
    assert (paused.state, paused.state_reason, paused.resume_at) == (ScheduleState.PAUSED, "Audit week", until)
    assert paused.next_run_at is None
    changes.resume_schedule(cast.lakeside, schedule_id, actor=otto(cast), now=NOW + timedelta(days=1))
    resumed = the(schedule_id)
    assert (resumed.state, resumed.state_reason) == (ScheduleState.ACTIVE, "")
    assert resumed.next_run_at == datetime(2026, 11, 9, 13, 0, tzinfo=UTC)
    assert [action for action, _, _ in events(schedule_id)] == ["schedule.paused", "schedule.resumed"]


def test_a_day_to_resume_that_has_passed_is_refused(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    with pytest.raises(NotAccepted) as refused:
        changes.pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=NOW, actor=otto(cast), now=NOW)
    assert refused.value.problems[0].field == "resume_on"
    assert the(schedule_id).state is ScheduleState.ACTIVE
    assert events(schedule_id) == []


def test_pausing_twice_is_one_pause(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    for _ in range(2):
        changes.pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=None, actor=otto(cast), now=NOW)
    assert len(events(schedule_id)) == 1


def test_a_due_moment_is_written_down_as_skipped_when_paused(app: Flask, cast: Cast) -> None:
    schedule_id = make_schedule(cast.lakeside, cast.otto, now=NOW - timedelta(days=7))
    after_eight = datetime(2026, 11, 2, 13, 5, tzinfo=UTC)
    changes.pause_schedule(cast.lakeside, schedule_id, reason="", resume_at=None, actor=otto(cast), now=after_eight)
    db.session.rollback()
    states = db.session.scalars(sa.select(Run.state).where(Run.schedule_id == schedule_id)).all()
    assert states == [RunState.SKIPPED]


def test_a_copy_is_paused_and_the_copiers_own(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    ana = audit.user_actor(cast.ana, "ana@example.org")
    copy = the(changes.duplicate_schedule(cast.lakeside, schedule_id, actor=ana, now=NOW))
    assert (copy.name, copy.state, copy.owner_id) == ("Open cases (copy)", ScheduleState.PAUSED, cast.ana)
    assert [each.target for each in copy.destinations] == ["priya@example.org"]
    assert events(copy.id)[0][0] == "schedule.duplicated"


def test_the_owner_must_be_of_the_same_organization(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    changes.reassign_schedule(cast.lakeside, schedule_id, owner_id=cast.ana, actor=otto(cast), now=NOW)
    assert the(schedule_id).owner_id == cast.ana
    with pytest.raises(NotAccepted):
        changes.reassign_schedule(cast.lakeside, schedule_id, owner_id=cast.stella, actor=otto(cast), now=NOW)
    assert the(schedule_id).owner_id == cast.ana


def test_a_deleted_schedule_keeps_its_runs_and_is_started_no_more(
    app: Flask, cast: Cast, schedule_id: uuid.UUID
) -> None:
    run_id = run_now(cast.lakeside, schedule_id, idempotency_key=str(uuid.uuid4()), actor=otto(cast), now=NOW)
    changes.delete_schedule(cast.lakeside, schedule_id, actor=otto(cast), now=NOW)
    deleted = the(schedule_id)
    assert (deleted.state, deleted.next_run_at, deleted.deleted_at) == (ScheduleState.DELETED, None, NOW)
    assert db.session.get_one(Run, run_id).schedule_id == schedule_id
    with pytest.raises(ChangedMeanwhile):
        changes.delete_schedule(cast.lakeside, schedule_id, actor=otto(cast), now=NOW)


def test_strangers_change_nothing(app: Flask, cast: Cast, schedule_id: uuid.UUID) -> None:
    stella = audit.user_actor(cast.stella, "stella@example.org")
    for verb in (changes.resume_schedule, changes.duplicate_schedule, changes.delete_schedule):
        with pytest.raises(ChangedMeanwhile):
            verb(cast.strangers, schedule_id, actor=stella, now=NOW)
    assert changes_of(cast.strangers, schedule_id) == []
    assert the(schedule_id).state is ScheduleState.ACTIVE
