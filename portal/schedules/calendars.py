"""The organizations' calendars as plans need them, and a schedule's plan."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import BlackoutDay, OnBlackout, Organization, Schedule
from portal.schedules.calendar_rule import Calendar, DayOff, Plan
from portal.schedules.rule import parse_rule
from portal.zones import zone

_NONE: Calendar = {}


def calendars_of(db: Session, organization_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, Calendar]:
    """The calendars of these organizations, by one query; removed days too, as far as they once counted."""
    found: dict[uuid.UUID, dict[date, list[DayOff]]] = defaultdict(lambda: defaultdict(list))
    if not organization_ids:
        return {}
    columns = (
        BlackoutDay.organization_id,
        BlackoutDay.day,
        BlackoutDay.name,
        BlackoutDay.added_at,
        BlackoutDay.removed_at,
    )
    statement = sa.select(*columns).where(BlackoutDay.organization_id.in_(organization_ids))
    for organization_id, day, name, added_at, removed_at in db.execute(statement):
        found[organization_id][day].append(DayOff(name, added_at, removed_at))
    return found


def heeded_by(db: Session, schedules: Sequence[Schedule]) -> Mapping[uuid.UUID, Calendar]:
    """The calendars that these schedules heed: one query, or none where nobody heeds any."""
    wanted = {each.organization_id for each in schedules if each.on_blackout is not OnBlackout.RUN}
    return calendars_of(db, wanted)


def plan_of(schedule: Schedule, calendars: Mapping[uuid.UUID, Calendar]) -> Plan:
    """Raises RuleError or ZoneError for a schedule that cannot be read."""
    return Plan(
        parse_rule(schedule.rule),
        zone(schedule.timezone),
        schedule.on_blackout,
        calendars.get(schedule.organization_id, _NONE),
        schedule.on_blackout_since,
    )


def next_is_skipped() -> sa.ColumnElement[bool]:
    """Of a schedule in a query: its next moment lies on a day off, and it skips those."""
    closed = sa.exists().where(
        BlackoutDay.organization_id == Schedule.organization_id,
        BlackoutDay.removed_at.is_(None),
        sa.cast(BlackoutDay.day, sa.String) == sa.func.substr(Schedule.next_local, 1, 10),
    )
    return sa.and_(Schedule.on_blackout == OnBlackout.SKIP, closed)


def hold_calendar(db: Session, organization_id: uuid.UUID, *, to_change: bool = False) -> None:
    """Until the transaction ends, the calendar stays as it is for those who plan by it, one at a time for changes.

    Without this, a schedule planned by the old calendar could be written after a change has gone through all of them.
    Taken before the row of any active schedule is; neither lock keeps rows that refer to the organization from being
    written.
    """
    statement = sa.select(Organization.id).where(Organization.id == organization_id)
    lock = {"key_share": True} if to_change else {"read": True}
    db.execute(statement.with_for_update(**lock))  # type: ignore[arg-type]
