"""The ledger: one row per run, destination and round; what was tried; the links that were given out."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Tenant, UtcDateTime, tenant_keys, words
from portal.models.schedule import DestinationKind


class DeliveryState(StrEnum):
    PENDING = "PENDING"
    SENDING = "SENDING"
    DATA = "DATA"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    BLOCKED = "BLOCKED"
    UNKNOWN = "UNKNOWN"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    BOUNCED = "BOUNCED"


class UnknownPolicy(StrEnum):
    """What happens when nobody can know whether a mail arrived: send once more, or leave it to a person."""

    RESEND = "RESEND"
    HOLD = "HOLD"


class Delivery(Tenant, Base):
    """`message_id` is fixed when the row is made, so that a retry is the same message, byte for byte."""

    __tablename__ = "deliveries"
    __table_args__ = (
        *tenant_keys(("run_id", "runs"), ("artifact_id", "artifacts"), ("user_id", "users")),
        sa.UniqueConstraint("run_id", "destination", "round"),
        sa.Index("ix_deliveries_destination", "organization_id", "destination"),
        sa.Index(
            "ix_deliveries_due",
            "next_attempt_at",
            sqlite_where=sa.text("state = 'PENDING'"),
            postgresql_where=sa.text("state = 'PENDING'"),
        ),
        sa.Index("ix_deliveries_accepted", "organization_id", "last_attempt_at"),
    )

    run_id: Mapped[uuid.UUID]
    artifact_id: Mapped[uuid.UUID]
    destination: Mapped[str] = mapped_column(sa.String(450))
    kind: Mapped[DestinationKind] = mapped_column(words(DestinationKind, "destination_kind"))
    target: Mapped[str] = mapped_column(sa.String(400))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    user_id: Mapped[uuid.UUID | None]
    round: Mapped[int] = mapped_column(default=1)
    position: Mapped[int]

    state: Mapped[DeliveryState] = mapped_column(words(DeliveryState, "delivery_state"))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    unknown_policy: Mapped[UnknownPolicy] = mapped_column(words(UnknownPolicy, "unknown_policy"))
    resent: Mapped[bool] = mapped_column(default=False)
    message_id: Mapped[str | None] = mapped_column(sa.String(200), unique=True)
    with_attachment: Mapped[bool] = mapped_column(default=False)
    link_reason: Mapped[str] = mapped_column(sa.Text, default="")
    # to the backup recipient: nothing that is told of the run counts it, since it shows that a case was withheld
    backup: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    # "nothing to report": the mail says so and leads to no file
    notice_only: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    smtp_code: Mapped[int | None]
    smtp_text: Mapped[str | None] = mapped_column(sa.Text)
    smtp_stage: Mapped[str | None] = mapped_column(sa.String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # a person's word on an UNKNOWN one: "they have it". The state stays, since no server ever said 250
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settled_by: Mapped[str | None] = mapped_column(sa.String(254))


class DeliveryAttempt(Tenant, Base):
    """One try, written when it ended. Append-only."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (*tenant_keys(("delivery_id", "deliveries")), sa.UniqueConstraint("delivery_id", "number"))

    delivery_id: Mapped[uuid.UUID]
    number: Mapped[int]
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[DeliveryState] = mapped_column(words(DeliveryState, "delivery_state"))
    smtp_code: Mapped[int | None]
    smtp_text: Mapped[str | None] = mapped_column(sa.Text)
    smtp_stage: Mapped[str | None] = mapped_column(sa.String(16))
    worker: Mapped[str] = mapped_column(sa.String(200), default="")


class DownloadLink(Tenant, Base):
    """A recipient's own link to an artifact: signed, expiring, revocable, counted."""

    __tablename__ = "download_links"
    __table_args__ = (
        *tenant_keys(("delivery_id", "deliveries"), ("artifact_id", "artifacts")),
        sa.UniqueConstraint("delivery_id"),
    )

    delivery_id: Mapped[uuid.UUID]
    artifact_id: Mapped[uuid.UUID]
    sign_in_required: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    max_downloads: Mapped[int | None]
    downloads: Mapped[int] = mapped_column(default=0)


class LinkUse(Tenant, Base):
    """Who used, or tried to use, a link. Append-only."""

    __tablename__ = "link_uses"
    __table_args__ = (*tenant_keys(("link_id", "download_links")), sa.Index("ix_link_uses_link", "link_id", "at"))

    link_id: Mapped[uuid.UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(sa.String(64))
    user_agent: Mapped[str] = mapped_column(sa.String(300))
    outcome: Mapped[str] = mapped_column(sa.String(32))
