"""Whose export it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from portal.exports.locales import SETTING, known_locale
from portal.extensions import db
from portal.models import Organization


@dataclass(frozen=True, slots=True)
class Owner:
    """An organization as its files show it."""

    name: str
    locale: str
    """How it writes numbers and dates: a name that Babel knows, or empty where it did not choose."""


def owner_of(organization_id: uuid.UUID) -> Owner:
    """Read on a connection of its own."""
    columns = Organization.name, Organization.settings
    with db.engine.connect() as connection:
        name, settings = connection.execute(sa.select(*columns).where(Organization.id == organization_id)).one()
    return Owner(name, known_locale(settings.get(SETTING)))
