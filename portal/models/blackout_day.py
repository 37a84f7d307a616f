"""The blackout calendar: days of an organization on which schedules that heed it do not run."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Tenant, tenant_keys


class BlackoutDay(Tenant, Base):
    """`source` says where it came from: typed, a country's holidays, or a calendar file."""

    __tablename__ = "blackout_days"
    __table_args__ = (*tenant_keys(), sa.UniqueConstraint("organization_id", "day"))

    day: Mapped[date] = mapped_column(sa.Date)
    name: Mapped[str] = mapped_column(sa.String(120))
    source: Mapped[str] = mapped_column(sa.String(120))
