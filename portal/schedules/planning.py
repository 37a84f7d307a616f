"""The schedule's next moment: its instant and the date it is named by, always moved together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from portal import audit
from portal.models import OnBlackout, Schedule, ScheduleState
from portal.schedules.calendar_rule import Moment, Plan, next_moment, plain_moment
from portal.schedules.calendars import heeded_by, hold_calendar, plan_of
from portal.schedules.rule import Occurrence
from portal.zones import zone


def plan(schedule: Schedule, moment: Moment | None) -> None:
    """Put the next moment; none left: the schedule has ended."""
    for name, value in planned_columns(moment).items():
        setattr(schedule, name, value)


def planned_columns(moment: Moment | None) -> dict[str, Any]:
    """The columns of a schedule whose next moment this is."""
    if moment is None:
        return {"next_run_at": None, "next_local": None, "state": ScheduleState.ENDED}
    return {
        "next_run_at": moment.instant,
        "next_local": moment.occurrence.key_part(),
        "state": ScheduleState.ACTIVE,
    }


def plan_from(db: Session, schedule: Schedule, now: datetime) -> None:
    """The first moment after now, if the schedule is active."""
    if schedule.state is ScheduleState.ACTIVE:
        plan(schedule, next_moment(plan_of(schedule, heeded_by(db, [schedule])), now))


def planned_moment(schedule: Schedule, found: Plan) -> Moment:
    """The moment that the schedule's row holds, with what the calendar has to say of it."""
    occurrence = planned_occurrence(schedule)
    if found.on_blackout is OnBlackout.SKIP:
        return plain_moment(occurrence, found.closed(occurrence.instant))
    if found.on_blackout is OnBlackout.MOVE and occurrence.moved:
        same = next_moment(found, occurrence.instant - timedelta(microseconds=1))
        if same is not None and same.instant == occurrence.instant:
            return replace(same, occurrence=occurrence)
    return plain_moment(occurrence)


def planned_occurrence(schedule: Schedule) -> Occurrence:
    """The moment that the schedule's row holds, read back as it was planned.

    Not computed anew: after a change of time zone data the same rule may give another instant, and the occurrence that
    was promised is the one that is kept.
    """
    if schedule.next_run_at is None or schedule.next_local is None:
        raise ValueError("the schedule has no next moment")
    wall, _, rest = schedule.next_local.partition("[")
    day, _, at = wall.partition("T")
    return Occurrence(
        date.fromisoformat(day), time.fromisoformat(at), schedule.next_run_at.astimezone(UTC), zone(rest.rstrip("]"))
    )


def resume(db: Session, schedule: Schedule, *, actor: audit.Actor, now: datetime, why: str) -> None:
    """Active again, in the caller's transaction; the next moment counts from now."""
    schedule.state, schedule.state_reason = ScheduleState.ACTIVE, ""
    schedule.resume_at = schedule.parked_until = schedule.parked_told_at = schedule.last_error = None
    schedule.failure_streak = 0
    schedule.revision += 1
    schedule.updated_at = now
    hold_calendar(db, schedule.organization_id)
    plan_from(db, schedule, now)
    audit.record(
        db,
        organization_id=schedule.organization_id,
        at=now,
        actor=actor,
        action="schedule.resumed",
        subject=("schedule", schedule.id),
        body={
            "name": schedule.name,
            "why": why,
            "next_run_at": schedule.next_run_at.isoformat() if schedule.next_run_at else None,
        },
    )
