"""What an organization has chosen for all its schedules and pages: `organizations.settings`, a section at a time."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal import audit
from portal.extensions import db
from portal.models import Organization, write_session


def settings_of(organization_id: uuid.UUID) -> Mapping[str, Any]:
    """As they are stored; a section that nobody has touched is not in it."""
    found = db.session.scalar(sa.select(Organization.settings).where(Organization.id == organization_id))
    return found or {}


def change_settings(
    organization_id: uuid.UUID,
    section: str,
    changes: Mapping[str, Any],
    *,
    now: datetime,
    actor: audit.Actor,
) -> bool:
    """Puts `changes`, JSON values by key, into the settings; None takes a key out. Returns whether anything changed.

    `section` says in the audit log which part of the settings it is ("masking"); before and after are written there.
    """
    with write_session() as session:
        organization = session.get_one(Organization, organization_id, with_for_update=True)
        before = dict(organization.settings)
        after = {key: value for key, value in {**before, **changes}.items() if value is not None}
        if after == before:
            return False
        organization.settings = after
        audit.record(
            session,
            organization_id=organization_id,
            at=now,
            actor=actor,
            action=f"settings.{section}_changed",
            subject=("organization", organization_id),
            body={"before": _part(before, changes), "after": _part(after, changes)},
        )
    return True


def _part(settings: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: settings.get(key) for key in keys}
