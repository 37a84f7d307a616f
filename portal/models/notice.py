"""Notices: mails to owners and admins about what needs their eyes, written in the transaction that gives the cause."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Tenant, UtcDateTime, tenant_keys, words


class NoticeState(StrEnum):
    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    GIVEN_UP = "GIVEN_UP"


class Notice(Tenant, Base):
    """`key` is unique: what was said once is not said twice, whoever finds the cause again."""

    __tablename__ = "notices"
    __table_args__ = (
        *tenant_keys(("user_id", "users")),
        sa.Index("ix_notices_told", "organization_id", "created_at"),
        sa.Index(
            "ix_notices_due",
            "next_attempt_at",
            sqlite_where=sa.text("state IN ('PENDING', 'SENDING')"),
            postgresql_where=sa.text("state IN ('PENDING', 'SENDING')"),
        ),
    )

    key: Mapped[str] = mapped_column(sa.String(300), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    user_id: Mapped[uuid.UUID | None]
    address: Mapped[str] = mapped_column(sa.String(254))
    subject: Mapped[str] = mapped_column(sa.String(300))
    text: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[NoticeState] = mapped_column(words(NoticeState, "notice_state"), default=NoticeState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    message_id: Mapped[str] = mapped_column(sa.String(200))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
