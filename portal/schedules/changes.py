"""What people do to schedules: create, edit, pause, resume, duplicate, reassign, delete. Each with its audit event."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, selectinload

from portal import audit
from portal.models import Destination, Schedule, ScheduleState, User, write_session
from portal.plumbing.logs import log
from portal.plumbing.mail_text import one_line
from portal.runs.cancel import cancel_still_waiting, cancel_waiting
from portal.schedules.calendars import hold_calendar
from portal.schedules.inputs import LONGEST_NAME, NotAccepted, Problem, ScheduleInput
from portal.schedules.planning import plan_from, resume
from portal.schedules.start_due import is_due, skip_due, start, wake

logger = log(__name__)
ALIVE = (ScheduleState.ACTIVE, ScheduleState.PAUSED, ScheduleState.AWAITING_APPROVAL, ScheduleState.ENDED)

# what a person configures beside name, owner and destinations; the same in ScheduleInput and in the table
CONFIGURED = (
    "description",
    "export_type",
    "format",
    "format_options",
    "filters",
    "period",
    "column_config",
    "rule",
    "timezone",
    "delivery_config",
    "catch_up",
    "grace_seconds",
    "on_blackout",
    "ready_by",
    "masking",
    "no_rows",
    "send_condition",
    "only_changes",
    "backup_address",
)


class ChangedMeanwhile(Exception):  # noqa: N818  # somebody else was quicker; the page shows both
    """The schedule is no longer at the revision that the person saw, or is gone."""


def create_schedule(
    organization_id: uuid.UUID,
    given: ScheduleInput,
    *,
    actor: audit.Actor,
    now: datetime,
    schedule_id: uuid.UUID | None = None,
) -> uuid.UUID:
    """A new active schedule; its first moment is the first one after now.

    A form that is sent twice gives the same `schedule_id` twice: the second time nothing more is made.
    """
    schedule = Schedule(
        id=schedule_id or uuid.uuid4(),
        organization_id=organization_id,
        state=ScheduleState.ACTIVE,
        created_by_id=actor.id,
        created_at=now,
        updated_at=now,
        revision=1,
        on_blackout_since=now,
        **_columns(given),
    )
    schedule.destinations = _destinations(organization_id, given)
    try:
        with write_session() as db:
            if db.get(Schedule, schedule.id) is None:
                hold_calendar(db, organization_id)
                plan_from(db, schedule, now)
                db.add(schedule)
                _record(db, schedule, "schedule.created", actor, now, {"after": described(schedule)})
    except IntegrityError:
        # the same form twice in the same moment: the other request made it
        with write_session() as db:
            if db.get(Schedule, schedule.id) is None:
                raise
    return schedule.id


def edit_schedule(
    organization_id: uuid.UUID,
    schedule_id: uuid.UUID,
    given: ScheduleInput,
    *,
    revision: int,
    actor: audit.Actor,
    now: datetime,
) -> None:
    """Put `given` in the place of what the person saw at `revision`. Counts its moments from now."""
    with write_session() as db:
        hold_calendar(db, organization_id)
        schedule = _locked(db, organization_id, schedule_id)
        if schedule.revision != revision:
            raise ChangedMeanwhile
        started = _started_as_it_was(db, schedule, now)
        before = described(schedule)
        if schedule.on_blackout is not given.on_blackout:
            schedule.on_blackout_since = now
        for name, value in _columns(given).items():
            setattr(schedule, name, value)
        # the old ones go first: a destination that stays the same would otherwise meet itself in the unique key
        schedule.destinations = []
        db.flush()
        schedule.destinations = _destinations(organization_id, given)
        if schedule.state is ScheduleState.ENDED:
            schedule.state = ScheduleState.ACTIVE
        _touch(schedule, now)
        schedule.parked_until = schedule.parked_told_at = schedule.last_error = None
        if started is None:
            started = _started_as_mended(db, schedule, now)
        plan_from(db, schedule, now)
        _record(db, schedule, "schedule.edited", actor, now, {"before": before, "after": described(schedule)})
    wake(started)


def _started_as_it_was(db: Session, schedule: Schedule, now: datetime) -> list[uuid.UUID] | None:
    """What fell due before an edit is made as it was then; None where the schedule is broken and it cannot be."""
    try:
        return start(db, [schedule], now) if is_due(schedule, now) else []
    except DBAPIError:
        raise
    except Exception:
        logger.warning("a broken schedule is edited", schedule_id=str(schedule.id), exc_info=True)
        return None


def _started_as_mended(db: Session, schedule: Schedule, now: datetime) -> list[uuid.UUID]:
    """What waited in a broken schedule is made as the edit has it, or else written down as skipped."""
    db.flush()
    try:
        return start(db, [schedule], now)
    except DBAPIError:
        raise
    except Exception:
        logger.exception("a mended schedule still cannot start what was due", schedule_id=str(schedule.id))
        skip_due(db, schedule, "Skipped: the schedule could not be read when this fell due.", now)
        return []


def pause_schedule(
    organization_id: uuid.UUID,
    schedule_id: uuid.UUID,
    *,
    reason: str,
    resume_at: datetime | None,
    actor: audit.Actor,
    now: datetime,
) -> None:
    """No moment is started until the schedule is resumed, by a person or by itself at `resume_at`.

    Pausing twice changes nothing.
    """
    if resume_at is not None and resume_at <= now:
        raise NotAccepted([Problem("resume_on", "The day to resume must lie ahead.")])
    reason = one_line(reason, 1_000)
    if len(reason) > 500:
        raise NotAccepted([Problem("reason", "The reason is longer than 500 characters.")])
    with write_session() as db:
        schedule = _locked(db, organization_id, schedule_id)
        if schedule.state is not ScheduleState.ACTIVE:
            return
        skip_due(db, schedule, "Skipped: the schedule was paused before it was started.", now)
        schedule.state, schedule.state_reason = ScheduleState.PAUSED, reason
        schedule.resume_at = resume_at
        schedule.next_run_at = schedule.next_local = None
        _touch(schedule, now)
        body = {"reason": reason, "resume_at": resume_at.isoformat() if resume_at else None}
        _record(db, schedule, "schedule.paused", actor, now, body)


def resume_schedule(organization_id: uuid.UUID, schedule_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """Active again; the next moment counts from now, nothing that fell into the pause is made up for."""
    with write_session() as db:
        schedule = _locked(db, organization_id, schedule_id)
        if schedule.state is ScheduleState.PAUSED:
            resume(db, schedule, actor=actor, now=now, why="resumed by a person")


def duplicate_schedule(
    organization_id: uuid.UUID, schedule_id: uuid.UUID, *, actor: audit.Actor, now: datetime
) -> uuid.UUID:
    """A copy, paused so that nothing goes out before its maker has looked at it."""
    with write_session() as db:
        original = _locked(db, organization_id, schedule_id)
        copy = Schedule(
            id=uuid.uuid4(),
            organization_id=organization_id,
            name=_copy_name(original.name),
            state=ScheduleState.PAUSED,
            state_reason="A copy, not yet started.",
            owner_id=actor.id or original.owner_id,
            created_by_id=actor.id,
            created_at=now,
            updated_at=now,
            revision=1,
            on_blackout_since=now,
            **{name: getattr(original, name) for name in CONFIGURED},
        )
        copy.destinations = [
            Destination(
                id=uuid.uuid4(),
                organization_id=organization_id,
                position=each.position,
                kind=each.kind,
                target=each.target,
                name=each.name,
                user_id=each.user_id,
                own_filters=each.own_filters,
            )
            for each in original.destinations
        ]
        db.add(copy)
        body = {"copy_of": str(original.id), "after": described(copy)}
        _record(db, copy, "schedule.duplicated", actor, now, body)
    return copy.id


def reassign_schedule(
    organization_id: uuid.UUID, schedule_id: uuid.UUID, *, owner_id: uuid.UUID, actor: audit.Actor, now: datetime
) -> None:
    """Give the schedule another owner of the same organization."""
    with write_session() as db:
        schedule = _locked(db, organization_id, schedule_id)
        owner = db.scalar(
            sa.select(User).where(User.id == owner_id, User.organization_id == organization_id, User.active)
        )
        if owner is None:
            raise NotAccepted([Problem("owner_id", "Choose an owner who can sign in.")])
        body = {"before": _text(schedule.owner_id), "after": str(owner_id), "name": owner.email}
        schedule.owner_id = owner_id
        _touch(schedule, now)
        _record(db, schedule, "schedule.reassigned", actor, now, body)


def delete_schedule(organization_id: uuid.UUID, schedule_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> None:
    """Nothing is started any more: runs that wait are cancelled, those in hand go on. All it did stays readable."""
    reason = f"Cancelled before it was begun: {actor.name} deleted the schedule."
    with write_session() as db:
        schedule = _locked(db, organization_id, schedule_id)
        skip_due(db, schedule, "Skipped: the schedule was deleted before it was started.", now)
        schedule.state, schedule.deleted_at = ScheduleState.DELETED, now
        schedule.next_run_at = schedule.next_local = schedule.resume_at = None
        cancel_waiting(db, schedule.id, reason, now=now, actor=actor)
        _touch(schedule, now)
        _record(db, schedule, "schedule.deleted", actor, now, {"before": described(schedule)})
    cancel_still_waiting(schedule_id, reason, now=now, actor=actor)


def _locked(db: Session, organization_id: uuid.UUID, schedule_id: uuid.UUID) -> Schedule:
    statement = (
        sa.select(Schedule)
        .where(Schedule.id == schedule_id, Schedule.organization_id == organization_id, Schedule.state.in_(ALIVE))
        .options(selectinload(Schedule.destinations))
        .with_for_update()
    )
    schedule = db.scalars(statement).one_or_none()
    if schedule is None:
        raise ChangedMeanwhile
    return schedule


def _columns(given: ScheduleInput) -> dict[str, Any]:
    return {name: getattr(given, name) for name in ("name", "owner_id", *CONFIGURED)}


def _destinations(organization_id: uuid.UUID, given: ScheduleInput) -> list[Destination]:
    return [
        Destination(id=uuid.uuid4(), organization_id=organization_id, position=position, **each)
        for position, each in enumerate(given.destinations())
    ]


def _touch(schedule: Schedule, now: datetime) -> None:
    schedule.revision += 1
    schedule.updated_at = now


def _copy_name(name: str) -> str:
    suffix = " (copy)"
    return name[: LONGEST_NAME - len(suffix)].rstrip() + suffix


def _text(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)


def described(schedule: Schedule) -> dict[str, Any]:
    """The schedule's configuration in JSON values, for the audit log and for comparing two of its states."""
    return {
        "name": schedule.name,
        "description": schedule.description,
        "export_type": schedule.export_type.value,
        "format": schedule.format.value,
        "format_options": schedule.format_options,
        "filters": schedule.filters,
        "period": schedule.period,
        "column_config": schedule.column_config,
        "rule": schedule.rule,
        "timezone": schedule.timezone,
        "delivery_config": schedule.delivery_config,
        "catch_up": schedule.catch_up.value,
        "grace_seconds": schedule.grace_seconds,
        "on_blackout": schedule.on_blackout.value,
        "ready_by": schedule.ready_by,
        "masking": schedule.masking,
        "no_rows": schedule.no_rows.value,
        "send_condition": schedule.send_condition,
        "only_changes": schedule.only_changes,
        "backup_address": schedule.backup_address,
        "owner": _text(schedule.owner_id),
        "destinations": [
            {"kind": each.kind.value, "target": each.target, "name": each.name, "own_filters": each.own_filters}
            for each in schedule.destinations
        ],
    }


def _record(
    db: Session, schedule: Schedule, action: str, actor: audit.Actor, now: datetime, body: dict[str, Any]
) -> None:
    audit.record(
        db,
        organization_id=schedule.organization_id,
        at=now,
        actor=actor,
        action=action,
        subject=("schedule", schedule.id),
        body={"name": schedule.name, **body},
    )
