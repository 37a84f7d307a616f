"""What lies ahead, and what needs somebody: the questions of the first page."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from portal.models import IS_OPEN, Delivery, DeliveryState, Run, RunState, Schedule, ScheduleState, User
from portal.runs.viewer import Sight, Viewer, reason_for, shown_standings, sights
from portal.schedules.calendars import next_is_skipped

LOOK_BACK = timedelta(days=30)
OVERDUE = timedelta(minutes=3)
WAITS_LONG = timedelta(minutes=10)
MOST = 20


@dataclass(frozen=True)
class Due:
    """Schedules that are due at one moment; `name` is that of one of them, `count` how many there are."""

    at: datetime
    name: str
    count: int


def due_between(db: Session, organization_id: uuid.UUID, now: datetime, until: datetime) -> list[Due]:
    """The next moments of active schedules, what is overdue included, earliest first; none that will be skipped."""
    statement = (
        sa.select(Schedule.next_run_at, sa.func.min(Schedule.name), sa.func.count())
        .where(
            Schedule.organization_id == organization_id,
            Schedule.state == ScheduleState.ACTIVE,
            Schedule.next_run_at < until,
            ~next_is_skipped(),
        )
        .group_by(Schedule.next_run_at)
        .order_by(Schedule.next_run_at)
    )
    return [Due(max(at, now), name, count) for at, name, count in db.execute(statement) if at is not None]


@dataclass(frozen=True)
class Standstill:
    """Exports that should have begun: due without a run for three minutes, or waiting as a run for ten."""

    due: int
    waiting: int


def standstill(db: Session, organization_id: uuid.UUID, now: datetime) -> Standstill:
    """What of this organization is not being made at the moment, though its time has come."""
    due = sa.select(sa.func.count()).where(
        Schedule.organization_id == organization_id,
        Schedule.state == ScheduleState.ACTIVE,
        Schedule.next_run_at < now - OVERDUE,
        sa.or_(Schedule.parked_until.is_(None), Schedule.parked_until <= now),
    )
    waiting = sa.select(sa.func.count()).where(
        IS_OPEN,
        Run.organization_id == organization_id,
        Run.state == RunState.QUEUED,
        sa.func.coalesce(Run.not_before, Run.queued_at) < now - WAITS_LONG,
    )
    row = db.execute(sa.select(due.scalar_subquery(), waiting.scalar_subquery())).one()
    return Standstill(*row)


class Need(StrEnum):
    """Why something needs a person."""

    RUN = "RUN"
    PARKED = "PARKED"
    NO_OWNER = "NO_OWNER"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    PAUSED = "PAUSED"


@dataclass(frozen=True)
class Attention:
    """One thing: a schedule, and its run where the run is the reason. `words` is a sentence."""

    need: Need
    schedule_id: uuid.UUID
    name: str
    words: str
    run_id: uuid.UUID | None = None
    run_state: RunState | None = None
    planned_for: datetime | None = None
    uncertain: bool = False
    resume_at: datetime | None = None


@dataclass(frozen=True)
class NeedsAttention:
    """The most pressing ones, and how many there are in all."""

    things: Sequence[Attention]
    count: int


def needs_attention(db: Session, viewer: Viewer, now: datetime) -> NeedsAttention:
    """Failed, partial and missed runs that no later success made good; then schedules at a standstill or ownerless."""
    runs = _runs(db, viewer, now)
    schedules = _schedules(db, viewer.organization_id, now)
    things = [*runs, *schedules]
    return NeedsAttention(things[:MOST], len(things))


def _runs(db: Session, viewer: Viewer, now: datetime) -> list[Attention]:
    """The newest such run of each schedule that is still there."""
    later = aliased(Run)
    made_good = (
        sa.select(later.id)
        .where(
            later.schedule_id == Run.schedule_id,
            later.planned_for > Run.planned_for,
            later.state == RunState.SUCCEEDED,
        )
        .exists()
    )
    order = sa.func.row_number().over(partition_by=Run.schedule_id, order_by=(Run.planned_for.desc(), Run.id.desc()))
    troubled = (
        sa.select(Run.id, Run.schedule_id, Run.state, Run.reason, Run.planned_for, order.label("from_newest"))
        .where(
            Run.organization_id == viewer.organization_id,
            Run.planned_for >= now - LOOK_BACK,
            Run.state.in_([RunState.FAILED, RunState.PARTIAL, RunState.MISSED]),
            ~made_good,
        )
        .subquery()
    )
    uncertain = sa.exists().where(
        Delivery.run_id == troubled.c.id,
        Delivery.state == DeliveryState.UNKNOWN,
        Delivery.settled_at.is_(None),
        ~Delivery.backup,
    )
    statement = (
        sa.select(troubled, Schedule.name, Schedule.failure_streak, uncertain.label("uncertain"))
        .join(Schedule, Schedule.id == troubled.c.schedule_id)
        .where(troubled.c.from_newest == 1, Schedule.state != ScheduleState.DELETED)
        .order_by(troubled.c.planned_for.desc(), troubled.c.id)
    )
    rows = db.execute(statement).mappings().all()
    seen = sights(db, viewer, [row["id"] for row in rows])
    return [_of_run(row, _reason(db, row, seen.get(row["id"], Sight()))) for row in rows]


def _reason(db: Session, row: Any, sight: Sight) -> str:
    if not sight.discreet:
        return str(row["reason"])
    return reason_for(sight, row["state"], row["reason"], shown_standings(db, row["id"], sight))


def _of_run(row: Any, reason: str) -> Attention:
    words = reason or "It was not made at its time."
    if row["state"] is RunState.FAILED and row["failure_streak"] > 1:
        words = f"{words} It failed {row['failure_streak']} times in a row."
    return Attention(
        need=Need.RUN,
        schedule_id=row["schedule_id"],
        name=row["name"],
        words=words,
        run_id=row["id"],
        run_state=row["state"],
        planned_for=row["planned_for"],
        uncertain=row["uncertain"],
    )


def _schedules(db: Session, organization_id: uuid.UUID, now: datetime) -> list[Attention]:
    parked = sa.and_(Schedule.state == ScheduleState.ACTIVE, Schedule.parked_until > now)
    no_owner = sa.and_(
        Schedule.state.in_([ScheduleState.ACTIVE, ScheduleState.PAUSED]),
        sa.or_(Schedule.owner_id.is_(None), User.active.is_(False)),
    )
    still = Schedule.state.in_([ScheduleState.PAUSED, ScheduleState.AWAITING_APPROVAL])
    statement = (
        sa.select(Schedule, User.active)
        .outerjoin(User, User.id == Schedule.owner_id)
        .where(Schedule.organization_id == organization_id, sa.or_(parked, no_owner, still))
        .order_by(Schedule.name, Schedule.id)
    )
    found = [_of_schedule(schedule, owner_is_here=bool(active), now=now) for schedule, active in db.execute(statement)]
    return sorted(found, key=lambda thing: _ORDER.index(thing.need))


# of last_error, which is for those who read logs
_CLASS_OF_ERROR = re.compile(r"^[A-Za-z]\w*: (?=.)")
_ORDER = (Need.PARKED, Need.NO_OWNER, Need.AWAITING_APPROVAL, Need.PAUSED)


def _of_schedule(schedule: Schedule, *, owner_is_here: bool, now: datetime) -> Attention:
    def thing(need: Need, words: str) -> Attention:
        return Attention(need, schedule.id, schedule.name, words, resume_at=schedule.resume_at)

    if schedule.state is ScheduleState.ACTIVE and schedule.parked_until is not None and schedule.parked_until > now:
        cause = _CLASS_OF_ERROR.sub("", schedule.last_error or "it is tried again within the hour.")
        return thing(Need.PARKED, f"It was due and could not be started: {cause}")
    if not owner_is_here:
        return thing(Need.NO_OWNER, "Nobody owns it: its owner can no longer sign in. Give it to somebody.")
    if schedule.state is ScheduleState.AWAITING_APPROVAL:
        return thing(Need.AWAITING_APPROVAL, schedule.state_reason or "It runs once a second person has approved it.")
    return thing(Need.PAUSED, schedule.state_reason or "No reason was given.")
