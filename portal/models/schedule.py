"""Schedules: what is made, when, for whom."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.models.base import Base, Json, Tenant, UtcDateTime, tenant_keys, words


class ScheduleState(StrEnum):
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    ENDED = "ENDED"
    DELETED = "DELETED"


class ExportType(StrEnum):
    FLAT_FILE = "FLAT_FILE"
    CASES_ONLY = "CASES_ONLY"
    INVESTIGATIONS_ONLY = "INVESTIGATIONS_ONLY"
    DISCLOSURES_ONLY = "DISCLOSURES_ONLY"
    CUSTOM = "CUSTOM"
    BOARD_REPORT = "BOARD_REPORT"


class ExportFormat(StrEnum):
    CSV = "CSV"
    XLSX = "XLSX"
    PDF = "PDF"
    JSON_LINES = "JSON_LINES"
    PARQUET = "PARQUET"
    PPTX = "PPTX"


class CatchUp(StrEnum):
    LATEST = "LATEST"
    ALL = "ALL"
    NONE = "NONE"


class OnBlackout(StrEnum):
    """What becomes of an occurrence that falls on a day of the organization's blackout calendar."""

    RUN = "RUN"
    SKIP = "SKIP"
    MOVE = "MOVE"


class NoRows(StrEnum):
    SEND_EMPTY = "SEND_EMPTY"
    SEND_NOTICE = "SEND_NOTICE"
    SEND_NOTHING = "SEND_NOTHING"


class DestinationKind(StrEnum):
    EMAIL = "EMAIL"
    FOLDER = "FOLDER"


class Schedule(Tenant, Base):
    """`next_run_at` and `next_local` move together: the local date and wall time cannot be had back from the instant.

    `revision` counts changes by people; the tick moves `next_run_at` only while it still stands at the revision read.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        *tenant_keys(("owner_id", "users"), ("created_by_id", "users"), ("approved_by_id", "users")),
        sa.Index(
            "ix_schedules_due",
            "next_run_at",
            sqlite_where=sa.text("next_run_at IS NOT NULL"),
            postgresql_where=sa.text("next_run_at IS NOT NULL"),
        ),
        sa.Index("ix_schedules_name", "organization_id", "name"),
        sa.Index(
            "ix_schedules_failing",
            "failure_streak",
            sqlite_where=sa.text("failure_streak > 0"),
            postgresql_where=sa.text("failure_streak > 0"),
        ),
        sa.Index(
            "ix_schedules_resume",
            "resume_at",
            sqlite_where=sa.text("resume_at IS NOT NULL"),
            postgresql_where=sa.text("resume_at IS NOT NULL"),
        ),
    )

    name: Mapped[str] = mapped_column(sa.String(120))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    export_type: Mapped[ExportType] = mapped_column(words(ExportType, "export_type"))
    format: Mapped[ExportFormat] = mapped_column(words(ExportFormat, "export_format"))
    format_options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    filters: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    period: Mapped[str] = mapped_column(sa.String(64))
    column_config: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    masking: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    no_rows: Mapped[NoRows] = mapped_column(words(NoRows, "no_rows"), default=NoRows.SEND_EMPTY)
    # only cases new or changed since the last delivered run; that counts from changes_restart_at at the earliest
    only_changes: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    changes_restart_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # {}: always; {"kind": "CHANGED"}; {"kind": "ROWS", "at_least": n} or "at_most"
    send_condition: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default=sa.text("'{}'"))
    # who gets what every recipient is kept from
    backup_address: Mapped[str | None] = mapped_column(sa.String(254))
    rule: Mapped[dict[str, Any]] = mapped_column(Json)
    timezone: Mapped[str] = mapped_column(sa.String(64))
    delivery_config: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)

    state: Mapped[ScheduleState] = mapped_column(words(ScheduleState, "schedule_state"))
    state_reason: Mapped[str] = mapped_column(sa.Text, default="")
    resume_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    parked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    next_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_local: Mapped[str | None] = mapped_column(sa.String(100))
    revision: Mapped[int] = mapped_column(default=1)
    catch_up: Mapped[CatchUp] = mapped_column(words(CatchUp, "catch_up"), default=CatchUp.LATEST)
    grace_seconds: Mapped[int | None]
    on_blackout: Mapped[OnBlackout] = mapped_column(
        words(OnBlackout, "on_blackout"), default=OnBlackout.RUN, server_default=OnBlackout.RUN.value
    )
    # when the choice was made: moments before it are no longer moved, whatever the calendar says; None: from ever
    on_blackout_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # "HH:MM", local: an occurrence waits for the day's import, until then at the latest; None: it does not wait
    ready_by: Mapped[str | None] = mapped_column(sa.String(5))

    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_run_status: Mapped[str | None] = mapped_column(sa.String(32))
    failure_streak: Mapped[int] = mapped_column(default=0)
    # when the owner was told of the present streak, and of the present trouble that parks it; None: not yet
    failure_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    parked_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    owner_id: Mapped[uuid.UUID | None]
    created_by_id: Mapped[uuid.UUID | None]
    approved_by_id: Mapped[uuid.UUID | None]
    approved_revision: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    destinations: Mapped[list[Destination]] = relationship(
        order_by="Destination.position", cascade="all, delete-orphan", back_populates="schedule"
    )


class Destination(Tenant, Base):
    """Where a schedule delivers to: a recipient's address, or a folder pattern under the export folder."""

    __tablename__ = "destinations"
    __table_args__ = (
        *tenant_keys(("schedule_id", "schedules"), ("user_id", "users")),
        sa.UniqueConstraint("schedule_id", "kind", "target"),
        sa.Index("ix_destinations_target", "organization_id", "target"),
    )

    schedule_id: Mapped[uuid.UUID]
    position: Mapped[int]
    kind: Mapped[DestinationKind] = mapped_column(words(DestinationKind, "destination_kind"))
    target: Mapped[str] = mapped_column(sa.String(400))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    user_id: Mapped[uuid.UUID | None]
    own_filters: Mapped[dict[str, Any] | None] = mapped_column(Json)

    schedule: Mapped[Schedule] = relationship(back_populates="destinations")
