"""Making an organization."""

from __future__ import annotations

import re
import uuid
from datetime import datetime

import sqlalchemy as sa

from portal import audit
from portal.models import Organization, write_session
from portal.zones import ZoneError, zone

LONGEST_NAME = 200
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)


class OrganizationError(Exception):
    """The organization cannot be made so. The text is one sentence that says what to do."""


def create_organization(name: str, slug: str, timezone: str, *, now: datetime, actor: audit.Actor) -> uuid.UUID:
    """The new organization's id. Raises OrganizationError: a bad name, slug or time zone, or a slug that is taken."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise OrganizationError(f"The name must have 1 to {LONGEST_NAME} characters and no line breaks.")
    if not _SLUG.fullmatch(slug):
        raise OrganizationError("The slug must have 1 to 64 lower-case letters, digits and hyphens, such as lakeside.")
    try:
        zone(timezone)
    except ZoneError as problem:
        raise OrganizationError(str(problem)) from None
    made = Organization(id=uuid.uuid4(), name=name, slug=slug, timezone=timezone, settings={}, created_at=now)
    with write_session() as session:
        if session.scalar(sa.select(Organization.id).where(Organization.slug == slug)):
            raise OrganizationError(f"The organization {slug} exists already.")
        session.add(made)
        session.flush()
        audit.record(
            session,
            organization_id=made.id,
            at=now,
            actor=actor,
            action="organization.created",
            subject=("organization", made.id),
            body={"name": name, "slug": slug, "timezone": timezone},
        )
    return made.id
