"""Which cases an export may hold, as conditions on `cases`: one place for files, previews, counts and reports."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa

from portal.exports.case_filters import CaseFilters, KnownNames, parse_filters_by, where
from portal.models import Case, CaseRestriction, ExportType, User

if TYPE_CHECKING:
    from portal.exports.request import ExportRequest

Conditions = list[sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Person:
    """Somebody who is to see an export: an address, a user, or both."""

    email: str
    user_id: uuid.UUID | None = None

    def to_json(self) -> dict[str, str | None]:
        return {"email": self.email, "user_id": str(self.user_id) if self.user_id else None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(data["email"], uuid.UUID(data["user_id"]) if data["user_id"] else None)


@dataclass(frozen=True)
class Scope:
    """The filters of an export, its recipients' own ones, and the conditions that follow from all of the request."""

    filters: CaseFilters
    own_filters: CaseFilters | None
    conditions: Conditions


def scope_of(request: ExportRequest, connection: sa.Connection, *, with_period: bool = True) -> Scope:
    """Raises FilterError where a filter does not fit the register.

    The period of an export of disclosures is not one of cases: it counts by when they were submitted.
    """
    names = KnownNames(request.organization_id, connection)
    filters = parse_filters_by(request.filters, names)
    own = parse_filters_by(request.own_filters, names) if request.own_filters else None
    of_cases = with_period and request.export_type != ExportType.DISCLOSURES_ONLY
    conditions = where(filters, request.start, request.end) if of_cases else where(filters)
    if own is not None:
        conditions += where(own)
    if request.changes_since is not None:
        conditions.append(Case.changed_at > request.changes_since)
    if request.seen_by:
        conditions.append(~kept_from_any(request.organization_id, request.seen_by))
    return Scope(filters, own, conditions)


def kept_from_any(organization_id: uuid.UUID, people: Collection[Person]) -> sa.ColumnElement[bool]:
    """True of a case that one of these people is kept from: by their address, or as the user they are."""
    addresses = sorted({person.email.casefold() for person in people})
    user_ids = [person.user_id for person in people if person.user_id is not None]
    # an address of the list may be a user's, and a user of the list may be meant by the address
    users = sa.select(User.id).where(User.organization_id == organization_id, User.email.in_(addresses))
    emails = sa.select(sa.func.lower(User.email)).where(User.organization_id == organization_id, User.id.in_(user_ids))
    of_case = (CaseRestriction.organization_id == organization_id, CaseRestriction.case_id == Case.id)
    meant = sa.or_(
        sa.func.lower(CaseRestriction.email).in_(addresses),
        sa.func.lower(CaseRestriction.email).in_(emails),
        CaseRestriction.user_id.in_(user_ids),
        CaseRestriction.user_id.in_(users),
    )
    return sa.select(CaseRestriction.id).where(*of_case, meant).correlate(Case).exists()
