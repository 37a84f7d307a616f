"""What a register's cases stand in: the trees of categories and units, the places, the people, the field tags."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from demo.register import moments
from demo.register.chance import Weighted
from demo.register.people import Person, team
from demo.register.rows import SOURCE
from demo.register.vocabulary import CATEGORIES, LOCATIONS, UNITS, CategoryProfile, UnitProfile
from portal.exports.columns import Sensitivity
from portal.models import (
    BusinessUnit,
    Case,
    Category,
    FieldTag,
    Location,
    Organization,
    TagDataType,
    TagSource,
    User,
)
from portal.zones import zone

_INVESTIGATORS = 14

_CURRENCY, _DATE, _YES_NO, _SHARE = TagDataType.CURRENCY, TagDataType.DATE, TagDataType.BOOLEAN, TagDataType.PERCENTAGE
_MONEY = "#,##0.00"
_OPEN = Sensitivity.OPEN
# source, path, template, column name, label, type, pattern, what its values may tell
_TAGS = (
    (TagSource.CASE, "custom_fields.amount", None, "amount", "Amount at Stake", _CURRENCY, _MONEY, _OPEN),
    (TagSource.CASE, "custom_fields.incident_date", None, "incident_date", "Incident Date", _DATE, "yyyy-mm-dd", _OPEN),
    (TagSource.CASE, "custom_fields.regulator_notified", None, "regulator_notified", "Regulator Told", _YES_NO, None,
     _OPEN),
    (TagSource.CASE, "custom_fields.share_recovered", None, "share_recovered", "Share Recovered", _SHARE, "0.0%",
     _OPEN),
    (TagSource.INVESTIGATION, "custom_fields.hours_spent", None, "hours", "Hours Spent", TagDataType.NUMBER, "0.0",
     _OPEN),
    (TagSource.INTERVIEW, "responses.q2", "Witness interview", "saw_it", "Saw It Happen", _YES_NO, None, _OPEN),
    (TagSource.INTAKE, "details.language", None, "language", "Language of Report", TagDataType.TEXT, None,
     Sensitivity.PLACE),
    (TagSource.DISCLOSURE, "form_data.value", "Gifts and hospitality", "gift_value", "Gift Value", _CURRENCY, _MONEY,
     _OPEN),
)  # fmt: skip


class RegisterError(Exception):
    """The register cannot be made. The text is one sentence for the person who asked."""


@dataclass(frozen=True)
class Staff:
    person: Person
    user_id: uuid.UUID | None


@dataclass(frozen=True)
class Unit:
    id: uuid.UUID
    profile: UnitProfile
    category: Weighted[CategoryProfile | None]


@dataclass(frozen=True)
class Surroundings:
    """Everything a case is drawn from. `end` is the first instant that nothing may have happened at (UTC)."""

    zone: ZoneInfo
    end: datetime
    category_ids: dict[str, uuid.UUID]
    kinds: dict[str, Weighted[tuple[str, str]]]
    units: Weighted[Unit | None]
    location_ids: dict[str, uuid.UUID]
    staff: list[Staff]
    users: list[Staff]


def find_organization(session: Session, organization_id: uuid.UUID) -> Organization:
    """The organization, where it is there and has no case yet. Raises RegisterError."""
    organization = session.get(Organization, organization_id)
    if organization is None:
        raise RegisterError("There is no such organization.")
    first = session.scalar(sa.select(Case.case_number).where(Case.organization_id == organization_id).limit(1))
    if first is not None:
        raise RegisterError(f"{organization.name} has cases already; a register is made only where there is none.")
    return organization


def settle(session: Session, organization: Organization, rng: Random, today: date, seed: int) -> Surroundings:
    """Write the trees, places and tags, and give what the cases need of them."""
    place = zone(organization.timezone)
    ids = Random(f"{seed} {organization.id} surroundings")
    category_ids = _categories(session, organization.id, ids)
    location_ids = _locations(session, organization.id, ids)
    unit_ids = _units(session, organization.id, ids)
    _tags(session, organization.id, ids)
    users = _users(session, organization.id)
    hired = [Staff(person, None) for person in team(rng, _INVESTIGATORS)]
    return Surroundings(
        zone=place,
        end=moments.midnight(today, place),
        category_ids=category_ids,
        kinds={top.code: _kinds(top) for top in CATEGORIES},
        units=_weighted_units(unit_ids),
        location_ids=location_ids,
        staff=[*users, *hired],
        users=users,
    )


def _kinds(top: CategoryProfile) -> Weighted[tuple[str, str]]:
    """The subcategories, and now and then the top category itself."""
    whole = sum(weight for _, _, weight in top.kinds)
    return Weighted(
        [*(((code, name), weight) for code, name, weight in top.kinds), ((top.code, top.name), 0.06 * whole)]
    )


def _weighted_units(unit_ids: dict[str, uuid.UUID]) -> Weighted[Unit | None]:
    units: list[tuple[Unit | None, float]] = [(None, 1.0)]
    for _, _, members in UNITS:
        for profile in members:
            mix: list[tuple[CategoryProfile | None, float]] = [
                (top, top.weight * profile.leans.get(top.code, 1.0)) for top in CATEGORIES
            ]
            units.append((Unit(unit_ids[profile.code], profile, Weighted([*mix, (None, 1.0)])), profile.weight))
    return Weighted(units)


def _categories(session: Session, organization_id: uuid.UUID, ids: Random) -> dict[str, uuid.UUID]:
    return _tree(
        session,
        organization_id,
        ids,
        Category,
        [(top.code, top.name, [kind[:2] for kind in top.kinds]) for top in CATEGORIES],
    )


def _units(session: Session, organization_id: uuid.UUID, ids: Random) -> dict[str, uuid.UUID]:
    tree = [(code, name, [(unit.code, unit.name) for unit in members]) for code, name, members in UNITS]
    return _tree(session, organization_id, ids, BusinessUnit, tree)


def _tree(
    session: Session,
    organization_id: uuid.UUID,
    ids: Random,
    table: type[Category | BusinessUnit],
    tree: list[tuple[str, str, list[tuple[str, str]]]],
) -> dict[str, uuid.UUID]:
    """Write a tree of two levels; the id of each code."""
    known: dict[str, uuid.UUID] = {}
    for code, name, members in tree:
        for parent, node in [(None, (code, name)), *((code, member) for member in members)]:
            known[node[0]] = _id(ids)
            session.add(
                table(
                    id=known[node[0]], name=node[1], code=node[0], parent_id=known[parent] if parent else None,
                    **_sourced(organization_id, node[0], ids),
                )
            )  # fmt: skip
            session.flush()
    return known


def _locations(session: Session, organization_id: uuid.UUID, ids: Random) -> dict[str, uuid.UUID]:
    known = {code: _id(ids) for code, *_ in LOCATIONS}
    session.add_all(
        Location(id=known[code], name=name, country=country, region=region, **_sourced(organization_id, code, ids))
        for code, name, country, region in LOCATIONS
    )
    return known


def _tags(session: Session, organization_id: uuid.UUID, ids: Random) -> None:
    if session.scalar(sa.select(FieldTag.id).where(FieldTag.organization_id == organization_id).limit(1)) is not None:
        return
    session.add_all(
        FieldTag(
            id=_id(ids), organization_id=organization_id, slot=slot, source=source, field_path=path, template=template,
            column_name=column, label=label, data_type=kind, format_pattern=pattern, sensitivity=tells.value,
        )
        for slot, (source, path, template, column, label, kind, pattern, tells) in enumerate(_TAGS, start=1)
    )  # fmt: skip


def _users(session: Session, organization_id: uuid.UUID) -> list[Staff]:
    found = session.scalars(sa.select(User).where(User.organization_id == organization_id).order_by(User.email))
    return [Staff(Person(user.name, user.email), user.id) for user in found]


def _id(ids: Random) -> uuid.UUID:
    return uuid.UUID(int=ids.getrandbits(128), version=4)


def _sourced(organization_id: uuid.UUID, key: str, ids: Random) -> dict[str, object]:
    return {
        "organization_id": organization_id,
        "source": SOURCE,
        "source_key": key,
        "source_hash": f"{ids.getrandbits(256):064x}",
    }
