"""People who sign in, their sessions, and the tokens mailed to them."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Base, Json, Tenant, UtcDateTime, tenant_keys, words


class Role(StrEnum):
    ADMIN = "ADMIN"
    OFFICER = "OFFICER"
    VIEWER = "VIEWER"
    AUDITOR = "AUDITOR"


class User(Tenant, Base):
    """An address belongs to one user of one organization: `email` is case-folded and unique over the installation."""

    __tablename__ = "users"
    __table_args__ = tenant_keys()

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    role: Mapped[Role] = mapped_column(words(Role, "role"))
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))
    active: Mapped[bool] = mapped_column(default=True)
    second_factor: Mapped[dict[str, Any] | None] = mapped_column(Json)
    timezone: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInSession(Tenant, Base):
    """A sign-in as a row, so that it can be revoked. Only the hash of its random token is kept."""

    __tablename__ = "sign_in_sessions"
    __table_args__ = (*tenant_keys(("user_id", "users")), sa.Index("ix_sign_in_sessions_user", "user_id"))

    user_id: Mapped[uuid.UUID]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str] = mapped_column(sa.String(64), default="")
    user_agent: Mapped[str] = mapped_column(sa.String(300), default="")


class TokenPurpose(StrEnum):
    INVITATION = "INVITATION"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105


class OneTimeToken(Tenant, Base):
    """An invitation or a password reset: used once, before it expires. Only the token's hash is kept."""

    __tablename__ = "one_time_tokens"
    __table_args__ = tenant_keys(("user_id", "users"))

    user_id: Mapped[uuid.UUID]
    purpose: Mapped[TokenPurpose] = mapped_column(words(TokenPurpose, "token_purpose"))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
