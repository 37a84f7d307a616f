"""Runs, one per occurrence, and the artifacts they made."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, Tenant, UtcDateTime, tenant_keys, words


class RunState(StrEnum):
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DELIVERING = "DELIVERING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    MISSED = "MISSED"
    CANCELLED = "CANCELLED"


class RunKind(StrEnum):
    PLANNED = "PLANNED"
    CATCH_UP = "CATCH_UP"
    RUN_NOW = "RUN_NOW"


class Run(Tenant, Base):
    """What became of one occurrence. `attempt` is the fence: whoever holds an older one changes nothing any more."""

    __tablename__ = "runs"
    __table_args__ = (
        *tenant_keys(("schedule_id", "schedules"), ("requested_by_id", "users")),
        # two runs of a schedule never render at once
        sa.Index(
            "uq_runs_one_running",
            "schedule_id",
            unique=True,
            sqlite_where=sa.text("state = 'RUNNING'"),
            postgresql_where=sa.text("state = 'RUNNING'"),
        ),
        sa.Index("ix_runs_history", "organization_id", "planned_for", "id"),
        sa.Index("ix_runs_schedule", "schedule_id", "planned_for"),
        # what sweep looks through: runs that are not over
        sa.Index(
            "ix_runs_open",
            "state",
            "wake_after",
            sqlite_where=sa.text("state IN ('QUEUED', 'RUNNING', 'DELIVERING')"),
            postgresql_where=sa.text("state IN ('QUEUED', 'RUNNING', 'DELIVERING')"),
        ),
        # how the last day went, without a look at every run there ever was
        sa.Index(
            "ix_runs_ended",
            "finished_at",
            "state",
            sqlite_where=sa.text("finished_at IS NOT NULL"),
            postgresql_where=sa.text("finished_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_runs_awaiting_data",
            "organization_id",
            sqlite_where=sa.text("ready_after IS NOT NULL"),
            postgresql_where=sa.text("ready_after IS NOT NULL"),
        ),
        sa.Index(
            "ix_runs_missed_untold",
            "organization_id",
            sqlite_where=sa.text("state = 'MISSED' AND told_at IS NULL"),
            postgresql_where=sa.text("state = 'MISSED' AND told_at IS NULL"),
        ),
    )

    schedule_id: Mapped[uuid.UUID]
    occurrence_key: Mapped[str] = mapped_column(sa.String(300), unique=True)
    kind: Mapped[RunKind] = mapped_column(words(RunKind, "run_kind"))
    planned_for: Mapped[datetime] = mapped_column(UtcDateTime)
    planned_local: Mapped[str | None] = mapped_column(sa.String(100))
    period_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    period_to: Mapped[datetime | None] = mapped_column(UtcDateTime)
    configuration: Mapped[dict[str, Any]] = mapped_column(Json)

    state: Mapped[RunState] = mapped_column(words(RunState, "run_state"))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    attempt: Mapped[int] = mapped_column(default=0)
    generation_failures: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(sa.String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # when the present holder of the lease took it: the time limit counts from here
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # a person asked to stop while a worker had it in hand; the worker looks before each recipient
    cancel_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_requested_by: Mapped[str | None] = mapped_column(sa.String(254))
    # waits for an import that ended after this instant, until not_before at the latest; None: it does not wait
    ready_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wake_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wake_count: Mapped[int] = mapped_column(default=0)

    rows_expected: Mapped[int | None]
    rows_written: Mapped[int] = mapped_column(default=0)
    late_seconds: Mapped[int] = mapped_column(default=0)
    error_message: Mapped[str | None] = mapped_column(sa.Text)
    error_details: Mapped[str | None] = mapped_column(sa.Text)
    missed_first: Mapped[datetime | None] = mapped_column(UtcDateTime)
    missed_count: Mapped[int | None]
    # when the owner was told that this was missed; None: not yet
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    requested_by_id: Mapped[uuid.UUID | None]
    requested_by: Mapped[str] = mapped_column(sa.String(254), default="")
    software_version: Mapped[str] = mapped_column(sa.String(64), default="")
    register_as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # an export of changes: those after changes_from (None: all), as was settled before the first row was read; whatever
    # changed up to data_as_of was seen
    changes_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changes_settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    data_as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # whom its files were made to keep from what: ids of cases by address, of users and recipients, as it was then;
    # None: made before that was looked at
    kept_from: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reached: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


IS_OPEN = sa.text("runs.state IN ('QUEUED', 'RUNNING', 'DELIVERING')")
"""A condition in the very words of ix_runs_open: SQLite does not see that a state given as a parameter is among them,
and would read every run there ever was."""


class Artifact(Tenant, Base):
    """One file of a run, for one set of recipients that may see the same. Its bytes never change."""

    __tablename__ = "artifacts"
    __table_args__ = (
        *tenant_keys(("run_id", "runs")),
        sa.UniqueConstraint("run_id", "variant"),
        sa.Index(
            "ix_artifacts_to_delete",
            "deleted_at",
            sqlite_where=sa.text("deleted_at IS NOT NULL AND file_deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL AND file_deleted_at IS NULL"),
        ),
    )

    run_id: Mapped[uuid.UUID]
    variant: Mapped[str] = mapped_column(sa.String(64))
    file_name: Mapped[str] = mapped_column(sa.String(200))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    storage_key: Mapped[str] = mapped_column(sa.String(300), unique=True)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    bytes: Mapped[int] = mapped_column(sa.BigInteger)
    rows: Mapped[int]
    columns: Mapped[int]
    cells_changed: Mapped[int]
    masking: Mapped[str] = mapped_column(sa.String(32), default="NONE", server_default="NONE")
    own_filters: Mapped[dict[str, Any] | None] = mapped_column(Json)
    # made for people who see the run, get no file of it and are kept from something in it: nobody is sent it
    only_to_see: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    notes: Mapped[list[str]] = mapped_column(Json, default=list)
    # why nobody was sent it, where the schedule asked for that; empty: it has deliveries
    not_sent: Mapped[str] = mapped_column(sa.Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    hold: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # deleted_at is the promise, this is when the storage had really done it; housekeeping tries until then
    file_deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
