"""The audit log: append-only events, chained per organization; their bodies apart, since bodies may be erased."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, UtcDateTime

INSTALLATION = uuid.UUID(int=0)  # the chain of events that belong to no organization


class AuditEvent(Base):
    """Who did what to what. `mac` covers every column and the event before, so that no change stays unseen."""

    __tablename__ = "audit_events"
    __table_args__ = (sa.Index("ix_audit_events_subject", "chain_id", "subject_type", "subject_id", "sequence"),)

    chain_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(sa.String(16))
    actor_id: Mapped[uuid.UUID | None]
    actor_name: Mapped[str] = mapped_column(sa.String(254))
    action: Mapped[str] = mapped_column(sa.String(64))
    subject_type: Mapped[str] = mapped_column(sa.String(32))
    subject_id: Mapped[str] = mapped_column(sa.String(64))
    body_hash: Mapped[str] = mapped_column(sa.String(64))
    previous_mac: Mapped[str] = mapped_column(sa.String(64))
    mac: Mapped[str] = mapped_column(sa.String(64))
    key_id: Mapped[str] = mapped_column(sa.String(32))


class AuditBody(Base):
    """What changed, before and after, in JSON. May be erased; the chain holds without it."""

    __tablename__ = "audit_bodies"
    __table_args__ = (
        sa.ForeignKeyConstraint(["chain_id", "sequence"], ["audit_events.chain_id", "audit_events.sequence"]),
    )

    chain_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    salt: Mapped[str] = mapped_column(sa.String(64))
    body: Mapped[dict[str, Any]] = mapped_column(Json)


class AuditHead(Base):
    """The newest event of each chain; locked last in a transaction, in id order where there are several."""

    __tablename__ = "audit_heads"

    chain_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    mac: Mapped[str] = mapped_column(sa.String(64))
