"""Field tags: a custom field or an answer promoted to a named, typed column in one of twenty slots."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Tenant, UtcDateTime, tenant_keys, words

SLOTS = 20


class TagSource(StrEnum):
    CASE = "CASE"
    INVESTIGATION = "INVESTIGATION"
    INTERVIEW = "INTERVIEW"
    DISCLOSURE = "DISCLOSURE"
    INTAKE = "INTAKE"


class TagDataType(StrEnum):
    TEXT = "TEXT"
    NUMBER = "NUMBER"
    DATE = "DATE"
    BOOLEAN = "BOOLEAN"
    CURRENCY = "CURRENCY"
    PERCENTAGE = "PERCENTAGE"


class FieldTag(Tenant, Base):
    __tablename__ = "field_tags"
    __table_args__ = (
        *tenant_keys(),
        sa.UniqueConstraint("organization_id", "slot"),
        sa.UniqueConstraint("organization_id", "column_name"),
        sa.CheckConstraint(f"slot BETWEEN 1 AND {SLOTS}", name="slot_range"),
    )

    slot: Mapped[int]
    source: Mapped[TagSource] = mapped_column(words(TagSource, "tag_source"))
    field_path: Mapped[str] = mapped_column(sa.String(200))
    template: Mapped[str | None] = mapped_column(sa.String(200))
    column_name: Mapped[str] = mapped_column(sa.String(64))
    label: Mapped[str] = mapped_column(sa.String(200))
    data_type: Mapped[TagDataType] = mapped_column(words(TagDataType, "tag_data_type"))
    format_pattern: Mapped[str | None] = mapped_column(sa.String(64))
    # how masking treats its values: a Sensitivity of portal.exports.columns
    sensitivity: Mapped[str] = mapped_column(sa.String(32), default="FREE_TEXT", server_default="FREE_TEXT")
    updated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
