"""Saved sets of columns, to be used by any schedule."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, Tenant, UtcDateTime, tenant_keys


class ColumnSet(Tenant, Base):
    """`columns` as in a schedule's column configuration: keys, or {"key", "label"}, in their order."""

    __tablename__ = "column_sets"
    __table_args__ = (*tenant_keys(("created_by_id", "users")), sa.UniqueConstraint("organization_id", "name"))

    name: Mapped[str] = mapped_column(sa.String(120))
    columns: Mapped[list[Any]] = mapped_column(Json)
    created_by_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
