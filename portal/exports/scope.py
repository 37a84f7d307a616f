"""Which cases an export may hold, as conditions on `cases`: one place for files, previews, counts and reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from portal.cases.kept_from import Person, kept_from_any
from portal.exports.case_filters import CaseFilters, KnownNames, parse_filters_by, where
from portal.exports.tagged_fields import Tag
from portal.models import Case, ExportType

if TYPE_CHECKING:
    from portal.exports.request import ExportRequest

__all__ = ["Conditions", "Person", "Scope", "scope_of"]

Conditions = list[sa.ColumnElement[bool]]


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
    names = KnownNames(request.organization_id, connection, [Tag.from_json(each) for each in request.tags])
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
