"""How deliveries went, day by day."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import Delivery, DeliveryState, DestinationKind

NOT_REACHED = (DeliveryState.REJECTED, DeliveryState.EXPIRED, DeliveryState.BLOCKED, DeliveryState.BOUNCED)


@dataclass(frozen=True)
class Day:
    """Recipients and folders by what they came to, on the local day of their last try."""

    day: date
    accepted: int
    uncertain: int
    failed: int

    @property
    def total(self) -> int:
        return self.accepted + self.uncertain + self.failed


def deliveries_by_day(
    db: Session,
    organization_id: uuid.UUID,
    zone: ZoneInfo,
    *,
    now: datetime,
    days: int,
    without: Collection[uuid.UUID] = (),
) -> list[Day]:
    """The last `days` local days, oldest first, today included; days without a delivery are there too.

    `without` are artifacts whose deliveries the reader is told nothing of.
    """
    today = now.astimezone(zone).date()
    all_days = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    counts = _counts(db, organization_id, [_midnight(day, zone) for day in all_days], without)
    return [
        Day(
            day,
            accepted=counts.get((number, DeliveryState.ACCEPTED), 0),
            uncertain=counts.get((number, DeliveryState.UNKNOWN), 0),
            failed=sum(counts.get((number, state), 0) for state in NOT_REACHED),
        )
        for number, day in enumerate(all_days)
    ]


def _counts(
    db: Session, organization_id: uuid.UUID, begins: Sequence[datetime], without: Collection[uuid.UUID]
) -> dict[tuple[int, DeliveryState], int]:
    """By the number of the day. The database sorts into days by their first instants: it knows no time zones alike."""
    moment = Delivery.last_attempt_at
    number = sa.case(*((moment < later, number) for number, later in enumerate(begins[1:])), else_=len(begins) - 1)
    each = (
        sa.select(number.label("number"), Delivery.state)
        # nobody is to count from this that a backup recipient was needed
        .where(Delivery.organization_id == organization_id, moment >= begins[0], ~Delivery.backup)
        .where(*([Delivery.artifact_id.not_in(without)] if without else []))
        .subquery()
    )
    statement = sa.select(each.c.number, each.c.state, sa.func.count()).group_by(each.c.number, each.c.state)
    return {(row[0], row[1]): row[2] for row in db.execute(statement)}


def last_accepted_mail(db: Session, organization_id: uuid.UUID) -> datetime | None:
    """When a mail server last took a mail of this organization."""
    return db.scalar(
        sa.select(Delivery.accepted_at)
        .where(
            Delivery.organization_id == organization_id,
            Delivery.kind == DestinationKind.EMAIL,
            Delivery.state == DeliveryState.ACCEPTED,
            ~Delivery.backup,
        )
        .order_by(Delivery.last_attempt_at.desc())
        .limit(1)
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
