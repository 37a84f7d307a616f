"""Who is told: those who can still sign in."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import Role, User

Recipient = tuple[uuid.UUID, str]
"""(user id, address)"""


def admins(db: Session, organization_id: uuid.UUID) -> list[Recipient]:
    return _people(db, organization_id, User.role == Role.ADMIN)


def owner_and_admins(db: Session, organization_id: uuid.UUID, owner_id: uuid.UUID | None) -> list[Recipient]:
    """Each once, also where the owner is an admin."""
    return _people(db, organization_id, sa.or_(User.id == owner_id, User.role == Role.ADMIN))


def owner_or_admins(db: Session, organization_id: uuid.UUID, owner_id: uuid.UUID | None) -> Sequence[Recipient]:
    """The owner; the admins where there is none who can sign in."""
    return _people(db, organization_id, User.id == owner_id) or admins(db, organization_id)


def _people(db: Session, organization_id: uuid.UUID, which: sa.ColumnElement[bool]) -> list[Recipient]:
    statement = (
        sa.select(User.id, User.email)
        .where(User.organization_id == organization_id, User.active, which)
        .order_by(User.email)
    )
    return [(row.id, row.email) for row in db.execute(statement)]
