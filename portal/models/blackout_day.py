"""The blackout calendar: days of an organization on which schedules that heed it do not run."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Tenant, UtcDateTime, tenant_keys


class BlackoutDay(Tenant, Base):
    """`source` says where it came from: typed, a country's holidays, or a calendar file.

    It counts for moments after `added_at` and up to `removed_at` alone: a change of the calendar leaves what has
    passed as it was. A day that was removed before it could count has no row.
    """

    __tablename__ = "blackout_days"
    __table_args__ = (
        *tenant_keys(),
        sa.Index(
            "uq_blackout_days_one",
            "organization_id",
            "day",
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        ),
    )

    day: Mapped[date] = mapped_column(sa.Date)
    name: Mapped[str] = mapped_column(sa.String(120))
    source: Mapped[str] = mapped_column(sa.String(120))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
