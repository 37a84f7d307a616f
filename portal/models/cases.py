"""The case register: cases and everything that hangs on them, in the field's own terms."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, Sourced, Tenant, UtcDateTime, tenant_keys, words


class CaseStatus(StrEnum):
    NEW = "NEW"
    OPEN = "OPEN"
    ON_HOLD = "ON_HOLD"
    CLOSED = "CLOSED"


class Priority(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class Outcome(StrEnum):
    SUBSTANTIATED = "SUBSTANTIATED"
    PARTLY_SUBSTANTIATED = "PARTLY_SUBSTANTIATED"
    UNSUBSTANTIATED = "UNSUBSTANTIATED"
    INSUFFICIENT = "INSUFFICIENT"
    WITHDRAWN = "WITHDRAWN"
    REFERRED = "REFERRED"
    OTHER = "OTHER"


class SourceChannel(StrEnum):
    HOTLINE = "HOTLINE"
    WEB_FORM = "WEB_FORM"
    EMAIL = "EMAIL"
    WALK_IN = "WALK_IN"
    LETTER = "LETTER"
    PROXY = "PROXY"
    OTHER = "OTHER"


class Category(Tenant, Sourced, Base):
    """A node of the tree category > subcategory."""

    __tablename__ = "categories"
    __table_args__ = tenant_keys(("parent_id", "categories"), sourced=True)

    name: Mapped[str] = mapped_column(sa.String(200))
    code: Mapped[str | None] = mapped_column(sa.String(64))
    parent_id: Mapped[uuid.UUID | None]


class BusinessUnit(Tenant, Sourced, Base):
    __tablename__ = "business_units"
    __table_args__ = tenant_keys(("parent_id", "business_units"), sourced=True)

    name: Mapped[str] = mapped_column(sa.String(200))
    code: Mapped[str | None] = mapped_column(sa.String(64))
    parent_id: Mapped[uuid.UUID | None]


class Location(Tenant, Sourced, Base):
    __tablename__ = "locations"
    __table_args__ = tenant_keys(sourced=True)

    name: Mapped[str] = mapped_column(sa.String(200))
    country: Mapped[str | None] = mapped_column(sa.String(64))
    region: Mapped[str | None] = mapped_column(sa.String(200))


class Case(Tenant, Sourced, Base):
    """One case. `acknowledged_at` and `feedback_at` are the clocks of Directive (EU) 2019/1937."""

    __tablename__ = "cases"
    __table_args__ = (
        *tenant_keys(
            ("category_id", "categories"),
            ("business_unit_id", "business_units"),
            ("location_id", "locations"),
            ("assignee_user_id", "users"),
            sourced=True,
        ),
        sa.UniqueConstraint("organization_id", "case_number"),
        # the flat file's order, and so the way its pages are read
        sa.Index("ix_cases_created", "organization_id", "created_at", "case_number"),
        sa.Index("ix_cases_closed", "organization_id", "closed_at"),
        sa.Index("ix_cases_updated", "organization_id", "updated_at"),
        sa.Index("ix_cases_changed", "organization_id", "changed_at"),
        sa.Index("ix_cases_category", "organization_id", "category_id"),
        sa.Index("ix_cases_business_unit", "organization_id", "business_unit_id"),
        sa.Index("ix_cases_location", "organization_id", "location_id"),
        # the counts beside the builder's choices, without a look at the rows
        sa.Index("ix_cases_counts", "organization_id", "status", "priority", "outcome", "assignee_email"),
    )

    case_number: Mapped[str] = mapped_column(sa.String(64))
    title: Mapped[str | None] = mapped_column(sa.Text)
    description: Mapped[str | None] = mapped_column(sa.Text)
    status: Mapped[CaseStatus] = mapped_column(words(CaseStatus, "case_status"))
    priority: Mapped[Priority | None] = mapped_column(words(Priority, "priority"))
    category_id: Mapped[uuid.UUID | None]
    business_unit_id: Mapped[uuid.UUID | None]
    location_id: Mapped[uuid.UUID | None]
    assignee_name: Mapped[str | None] = mapped_column(sa.String(200))
    assignee_email: Mapped[str | None] = mapped_column(sa.String(254))
    assignee_user_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    feedback_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome, "outcome"))
    outcome_reason: Mapped[str | None] = mapped_column(sa.Text)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # when the case came into this register, and when it or what hangs on it last changed here; None: nobody noted it
    first_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RestrictionKind(StrEnum):
    SUBJECT = "SUBJECT"
    NAMED_BY_REPORTER = "NAMED_BY_REPORTER"
    BY_HAND = "BY_HAND"


class CaseRestriction(Tenant, Sourced, Base):
    """A person kept from a case (conflict of interest): nothing they receive may show that it exists."""

    __tablename__ = "case_restrictions"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), ("user_id", "users"), sourced=True),
        sa.Index("ix_case_restrictions_case", "organization_id", "case_id"),
        sa.Index("ix_case_restrictions_email", "organization_id", "email"),
        # whom a list keeps from what: by address, as a user, by name
        sa.Index("ix_case_restrictions_address", "organization_id", sa.text("lower(email)")),
        sa.Index("ix_case_restrictions_user", "organization_id", "user_id"),
        sa.Index(
            "ix_case_restrictions_only_named",
            "organization_id",
            sa.text("lower(name)"),
            sqlite_where=sa.text("email IS NULL AND user_id IS NULL"),
            postgresql_where=sa.text("email IS NULL AND user_id IS NULL"),
        ),
    )

    case_id: Mapped[uuid.UUID]
    kind: Mapped[RestrictionKind] = mapped_column(words(RestrictionKind, "restriction_kind"))
    name: Mapped[str | None] = mapped_column(sa.String(200))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    user_id: Mapped[uuid.UUID | None]


class IntakeReport(Tenant, Sourced, Base):
    """How a case came in (a "RIU", risk intelligence unit)."""

    __tablename__ = "intake_reports"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), sourced=True),
        # the earliest report of each case, and the counts of channels, without a look at the rows
        sa.Index(
            "ix_intake_reports_case",
            "organization_id",
            "case_id",
            "received_at",
            "id",
            "source_channel",
            "is_anonymous",
        ),
    )

    case_id: Mapped[uuid.UUID]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    source_channel: Mapped[SourceChannel | None] = mapped_column(words(SourceChannel, "source_channel"))
    is_anonymous: Mapped[bool | None]
    reporter_relationship: Mapped[str | None] = mapped_column(sa.String(200))
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Subject(Tenant, Sourced, Base):
    __tablename__ = "subjects"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), sourced=True),
        sa.Index("ix_subjects_case", "organization_id", "case_id"),
        # who is a subject is kept from the case
        sa.Index("ix_subjects_address", "organization_id", sa.text("lower(email)"), "case_id"),
    )

    case_id: Mapped[uuid.UUID]
    name: Mapped[str | None] = mapped_column(sa.String(200))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    role: Mapped[str | None] = mapped_column(sa.String(200))
    relationship: Mapped[str | None] = mapped_column(sa.String(200))
    custom_fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Investigation(Tenant, Sourced, Base):
    __tablename__ = "investigations"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), sourced=True),
        sa.Index("ix_investigations_case", "organization_id", "case_id"),
    )

    case_id: Mapped[uuid.UUID]
    type: Mapped[str | None] = mapped_column(sa.String(200))
    status: Mapped[str | None] = mapped_column(sa.String(64))
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome, "outcome"))
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    investigator_name: Mapped[str | None] = mapped_column(sa.String(200))
    investigator_email: Mapped[str | None] = mapped_column(sa.String(254))
    finding_summary: Mapped[str | None] = mapped_column(sa.Text)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Interview(Tenant, Sourced, Base):
    __tablename__ = "interviews"
    __table_args__ = (
        *tenant_keys(("investigation_id", "investigations"), sourced=True),
        sa.Index("ix_interviews_investigation", "organization_id", "investigation_id"),
    )

    investigation_id: Mapped[uuid.UUID]
    template: Mapped[str | None] = mapped_column(sa.String(200))
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    interviewee: Mapped[str | None] = mapped_column(sa.String(200))
    responses: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Disclosure(Tenant, Sourced, Base):
    """A disclosure form; it may stand without a case."""

    __tablename__ = "disclosures"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), sourced=True),
        sa.Index("ix_disclosures_case", "organization_id", "case_id"),
        sa.Index("ix_disclosures_submitted", "organization_id", "submitted_at"),
    )

    case_id: Mapped[uuid.UUID | None]
    template: Mapped[str | None] = mapped_column(sa.String(200))
    kind: Mapped[str | None] = mapped_column(sa.String(200))
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    form_data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class RemediationPlan(Tenant, Sourced, Base):
    __tablename__ = "remediation_plans"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), sourced=True),
        sa.Index("ix_remediation_plans_case", "organization_id", "case_id"),
    )

    case_id: Mapped[uuid.UUID]
    status: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Attachment(Tenant, Sourced, Base):
    __tablename__ = "attachments"
    __table_args__ = (
        *tenant_keys(("case_id", "cases"), sourced=True),
        sa.Index("ix_attachments_case", "organization_id", "case_id"),
    )

    case_id: Mapped[uuid.UUID]
    filename: Mapped[str] = mapped_column(sa.String(300))
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
