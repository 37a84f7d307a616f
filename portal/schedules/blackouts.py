"""The organization's blackout calendar: days are put in and taken out, and what is planned by them is planned anew."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import audit
from portal.extensions import db as database
from portal.models import BlackoutDay, OnBlackout, Schedule, ScheduleState, insert_into, write_session
from portal.moments import short_day_in_words
from portal.plumbing.logs import log
from portal.plumbing.mail_text import one_line
from portal.schedules.calendar_rule import next_moment
from portal.schedules.calendars import heeded_by, hold_calendar, plan_of
from portal.schedules.planning import plan
from portal.schedules.rule import RuleError
from portal.zones import ZoneError

LONGEST_NAME = 120
MOST_DAYS = 3_000
LONGEST_SPAN = 366
TYPED = "typed"
_AHEAD_OF_UTC = timedelta(hours=14)
_LISTED = 40
logger = log(__name__)


class CalendarError(Exception):
    """What was asked of the calendar cannot be done; the text is one sentence that says what to do."""


@dataclass(frozen=True, order=True)
class Entry:
    """A day to be put into the calendar."""

    day: date
    name: str


@dataclass(frozen=True)
class Changed:
    """How many days were put in or taken out, how many were in already, and how many schedules were planned anew."""

    days: int
    already: int
    replanned: int


def span(first: date, last: date | None, name: str) -> list[Entry]:
    """Each day from the first to the last, under one name. Raises CalendarError."""
    last = last or first
    if last < first:
        raise CalendarError("The last day lies before the first: choose a later one.")
    if (last - first).days >= LONGEST_SPAN:
        raise CalendarError(f"At most {LONGEST_SPAN} days can be added at once.")
    if not (name := one_line(name, LONGEST_NAME)):
        raise CalendarError("Give the day a name, such as Company holiday.")
    return [Entry(first + timedelta(days=number), name) for number in range((last - first).days + 1)]


def add_days(
    organization_id: uuid.UUID, entries: Iterable[Entry], *, source: str, actor: audit.Actor, now: datetime
) -> Changed:
    """Put the days in; one that is in already stays as it is. Raises CalendarError where they are too many."""
    wanted = {each.day: one_line(each.name, LONGEST_NAME) for each in sorted(entries, reverse=True)}
    source = one_line(source, LONGEST_NAME)
    with write_session() as db:
        hold_calendar(db, organization_id, to_change=True)
        standing = set(db.scalars(sa.select(BlackoutDay.day).where(*_standing(organization_id))))
        new = [Entry(day, name) for day, name in sorted(wanted.items()) if day not in standing]
        if len(standing) + len(new) > MOST_DAYS:
            raise CalendarError(f"The calendar holds at most {MOST_DAYS:,} days: take out some that are not needed.")
        if not new:
            return Changed(0, len(wanted), 0)
        rows = [
            {
                "id": uuid.uuid4(),
                "organization_id": organization_id,
                "day": each.day,
                "name": each.name,
                "source": source,
                "added_at": now,
                "removed_at": None,
            }
            for each in new
        ]
        db.execute(insert_into(db, BlackoutDay), rows)
        replanned = _replan(db, organization_id, now)
        _record(db, organization_id, "calendar.days_added", new, replanned, actor, now, source=source)
    return Changed(len(new), len(wanted) - len(new), replanned)


def remove_days(
    organization_id: uuid.UUID, day_ids: Collection[uuid.UUID], *, actor: audit.Actor, now: datetime
) -> Changed:
    """Take days out. One that has begun somewhere keeps its row, since what it put off so far stays put off."""
    with write_session() as db:
        hold_calendar(db, organization_id, to_change=True)
        chosen = db.scalars(
            sa.select(BlackoutDay).where(*_standing(organization_id), BlackoutDay.id.in_(day_ids)).with_for_update()
        ).all()
        if not chosen:
            return Changed(0, 0, 0)
        gone = [Entry(each.day, each.name) for each in chosen]
        for each in chosen:
            if datetime.combine(each.day, time(), UTC) - _AHEAD_OF_UTC > now:
                db.delete(each)
            else:
                each.removed_at = now
        db.flush()
        replanned = _replan(db, organization_id, now)
        _record(db, organization_id, "calendar.days_removed", sorted(gone), replanned, actor, now)
    return Changed(len(gone), 0, replanned)


def _replan(db: Session, organization_id: uuid.UUID, now: datetime) -> int:
    """Put the next moment of every schedule that moves with the calendar anew; those that are due are the tick's.

    Those that skip keep their moments: the tick looks at the calendar when each falls due. The due ones are locked
    all the same: a tick that has read the old calendar is waited for, and what it has put is put anew.
    """
    statement = (
        sa.select(Schedule)
        .where(
            Schedule.organization_id == organization_id,
            Schedule.state == ScheduleState.ACTIVE,
            Schedule.on_blackout == OnBlackout.MOVE,
        )
        .order_by(Schedule.id)
        .with_for_update()
    )
    schedules = [each for each in db.scalars(statement) if each.next_run_at is not None and each.next_run_at > now]
    calendars = heeded_by(db, schedules)
    replanned = 0
    for schedule in schedules:
        try:
            moment = next_moment(plan_of(schedule, calendars), now)
        except (RuleError, ZoneError):
            logger.warning("a schedule that cannot be read is not planned anew", schedule_id=str(schedule.id))
            continue
        before = (schedule.next_run_at, schedule.next_local)
        plan(schedule, moment)
        replanned += before != (schedule.next_run_at, schedule.next_local)
    return replanned


def _record(
    db: Session,
    organization_id: uuid.UUID,
    action: str,
    entries: Sequence[Entry],
    replanned: int,
    actor: audit.Actor,
    now: datetime,
    **more: str,
) -> None:
    audit.record(
        db,
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=action,
        subject=("calendar", organization_id),
        body={
            "days": [{"day": each.day.isoformat(), "name": each.name} for each in entries],
            "schedules_planned_anew": replanned,
            **more,
        },
    )


def _standing(organization_id: uuid.UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return BlackoutDay.organization_id == organization_id, BlackoutDay.removed_at.is_(None)


def days_between(organization_id: uuid.UUID, first: date, last: date) -> Sequence[BlackoutDay]:
    """The days of the calendar from `first` to `last`, both included, in order."""
    statement = sa.select(BlackoutDay).where(*_standing(organization_id), BlackoutDay.day.between(first, last))
    return database.session.scalars(statement.order_by(BlackoutDay.day)).all()


def already_in(organization_id: uuid.UUID, days: Collection[date]) -> frozenset[date]:
    """Those of the days that the calendar holds."""
    statement = sa.select(BlackoutDay.day).where(*_standing(organization_id), BlackoutDay.day.in_(days))
    return frozenset(database.session.scalars(statement))


@dataclass(frozen=True)
class Heeding:
    """The schedules that heed the calendar, by name (the first of them), and how many there are."""

    skipping: int
    moving: int
    first: Sequence[Schedule]


def heeding(organization_id: uuid.UUID) -> Heeding:
    there = (
        Schedule.organization_id == organization_id,
        Schedule.state != ScheduleState.DELETED,
        Schedule.on_blackout != OnBlackout.RUN,
    )
    statement = sa.select(Schedule.on_blackout, sa.func.count()).where(*there).group_by(Schedule.on_blackout)
    counts = {choice: count for choice, count in database.session.execute(statement)}  # noqa: C416  # a row is no pair to mypy
    order = sa.select(Schedule).where(*there).order_by(sa.func.lower(Schedule.name), Schedule.id)
    first = database.session.scalars(order.limit(_LISTED)).all()
    return Heeding(counts.get(OnBlackout.SKIP, 0), counts.get(OnBlackout.MOVE, 0), first)


def day_and_name(day: BlackoutDay | Entry) -> str:
    """ "Fri 25 Dec 2026, Christmas Day"."""
    return f"{short_day_in_words(day.day)}, {day.name}"
