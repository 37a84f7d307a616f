"""Organizations, strangers to each other, and the imports that filled their registers."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, Tenant, UtcDateTime, new_id, tenant_keys, words


class Organization(Base):
    """`settings` holds allowed recipient domains, retention, masking defaults, blackout dates and branding."""

    __tablename__ = "organizations"

    id: Mapped[uuid.UUID] = new_id()
    name: Mapped[str] = mapped_column(sa.String(200))
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    timezone: Mapped[str] = mapped_column(sa.String(64))
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    logo: Mapped[bytes | None] = mapped_column(sa.LargeBinary, deferred=True)
    """A PNG as `portal.people.branding` makes it; not read with the rest."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ImportState(StrEnum):
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class CaseImport(Tenant, Base):
    """One import of files into the register; `finished_at` of the newest says how fresh the register is."""

    __tablename__ = "case_imports"
    __table_args__ = (*tenant_keys(), sa.Index("ix_case_imports_newest", "organization_id", "finished_at"))

    source: Mapped[str] = mapped_column(sa.String(64))
    files: Mapped[list[str]] = mapped_column(Json, default=list)
    state: Mapped[ImportState] = mapped_column(words(ImportState, "import_state"))
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
