"""The organization's schedules as a list: searched, filtered, sorted, a page at a time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portal.extensions import db
from portal.models import Destination, Schedule, ScheduleState, User
from portal.schedules.calendars import next_is_skipped

PER_PAGE = 50
LATEST_RUNS = 10
LONGEST_SEARCH = 200

# value of the filter: what a schedule must be
STATES: dict[str, Any] = {
    "active": Schedule.state == ScheduleState.ACTIVE,
    "paused": Schedule.state == ScheduleState.PAUSED,
    "failing": sa.or_(Schedule.failure_streak > 0, Schedule.parked_until.is_not(None)),
    "ended": Schedule.state == ScheduleState.ENDED,
}
_NEXT_FIRST = (Schedule.next_run_at.is_(None), Schedule.next_run_at)
SORTS: dict[str, tuple[Any, ...]] = {
    "name": (sa.func.lower(Schedule.name),),
    "next": _NEXT_FIRST,
    "last": (Schedule.last_run_at.is_(None), Schedule.last_run_at.desc()),
    "owner": (User.name.is_(None), sa.func.lower(User.name)),
}


@dataclass(frozen=True)
class Wanted:
    """Which schedules: `search` in name, description or recipient; empty strings for all; `page` counts from 1."""

    search: str = ""
    state: str = ""
    format: str = ""
    sort: str = "next"
    page: int = 1


@dataclass(frozen=True)
class Listed:
    schedule: Schedule
    owner: str | None
    destinations: int
    next_is_skipped: bool
    """Its next moment lies on a day off, and it skips those."""


@dataclass(frozen=True)
class Page:
    """`total` counts what fits the filters, `all` every schedule that is not deleted."""

    rows: Sequence[Listed]
    total: int
    all: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))


def find(organization_id: uuid.UUID, wanted: Wanted) -> Page:
    """The wanted page; one past the last is the last."""
    there = [Schedule.organization_id == organization_id, Schedule.state != ScheduleState.DELETED]
    fitting = [*there, *_conditions(organization_id, wanted)]
    total, everything = db.session.execute(
        sa.select(
            sa.select(sa.func.count()).select_from(Schedule).where(*fitting).scalar_subquery(),
            sa.select(sa.func.count()).select_from(Schedule).where(*there).scalar_subquery(),
        )
    ).one()
    page = min(max(wanted.page, 1), max(1, -(-total // PER_PAGE)))
    destinations = (
        sa.select(sa.func.count())
        .where(Destination.organization_id == organization_id, Destination.schedule_id == Schedule.id)
        .scalar_subquery()
    )
    owner = sa.and_(User.organization_id == Schedule.organization_id, User.id == Schedule.owner_id)
    statement = (
        sa.select(Schedule, User.name, destinations, next_is_skipped())
        .outerjoin(User, owner)
        .where(*fitting)
        .order_by(*SORTS.get(wanted.sort, _NEXT_FIRST), sa.func.lower(Schedule.name), Schedule.id)
        .limit(PER_PAGE)
        .offset((page - 1) * PER_PAGE)
    )
    return Page([Listed(*row) for row in db.session.execute(statement)], total, everything, page)


@dataclass(frozen=True)
class People:
    """The organization's people: who may own a schedule, what everyone is called, and their addresses."""

    owners: list[tuple[uuid.UUID, str]]
    """(id, name and address) of everyone who can sign in, by name."""
    names: dict[str, str]
    """Id as text to name, of everyone who is or was there."""
    addresses: list[str]
    """Of those who can sign in."""


def people(organization_id: uuid.UUID) -> People:
    """One look at the organization's people, for a page."""
    rows = db.session.execute(
        sa.select(User.id, User.name, User.email, User.active)
        .where(User.organization_id == organization_id)
        .order_by(sa.func.lower(User.name), User.id)
    ).all()
    active = [row for row in rows if row.active]
    return People(
        owners=[(row.id, f"{row.name} ({row.email})") for row in active],
        names={str(row.id): row.name for row in rows},
        addresses=[row.email for row in active],
    )


def _conditions(organization_id: uuid.UUID, wanted: Wanted) -> list[Any]:
    conditions = []
    if text := wanted.search.strip()[:LONGEST_SEARCH]:
        to_them = sa.exists().where(
            Destination.organization_id == organization_id,
            Destination.schedule_id == Schedule.id,
            Destination.target.icontains(text, autoescape=True),
        )
        in_text = [column.icontains(text, autoescape=True) for column in (Schedule.name, Schedule.description)]
        conditions.append(sa.or_(*in_text, to_them))
    if wanted.state in STATES:
        conditions.append(STATES[wanted.state])
    if wanted.format:
        conditions.append(sa.cast(Schedule.format, sa.String) == wanted.format)
    return conditions
