"""The standing cast. Lakeside Health: Ana (admin), Otto (officer). Strangers Ltd: Stella (admin)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from flask import Flask

from portal.models import Organization, Role, User, write_session

__all__ = ["Cast", "cast"]

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Cast:
    lakeside: uuid.UUID
    strangers: uuid.UUID
    ana: uuid.UUID
    otto: uuid.UUID
    stella: uuid.UUID


@pytest.fixture
def cast(app: Flask) -> Cast:
    lakeside, strangers, ana, otto, stella = (uuid.uuid4() for _ in range(5))
    with write_session() as db:
        db.add_all(
            [
                Organization(
                    id=lakeside,
                    name="Lakeside Health",
                    slug="lakeside",
                    timezone="America/New_York",
                    settings={},
                    created_at=LONG_AGO,
                ),
                Organization(
                    id=strangers,
                    name="Strangers Ltd",
                    slug="strangers",
                    timezone="Europe/Berlin",
                    settings={},
                    created_at=LONG_AGO,
                ),
            ]
        )
        db.flush()
        people = [
            (ana, lakeside, "ana@example.org", "Ana Duarte", Role.ADMIN),
            (otto, lakeside, "otto@example.org", "Otto Lind", Role.OFFICER),
            (stella, strangers, "stella@example.org", "Stella Strange", Role.ADMIN),
        ]
        db.add_all(
            User(id=who, organization_id=where, email=email, name=name, role=role, active=True, created_at=LONG_AGO)
            for who, where, email, name, role in people
        )
    return Cast(lakeside, strangers, ana, otto, stella)
