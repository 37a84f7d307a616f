"""The register, to look at: a list paged by key, and one case with what hangs on it.

Whoever is kept from a case (conflict of interest) finds no trace of it here.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.cases.kept_from import Person, kept_from_any
from portal.models import (
    BusinessUnit,
    Case,
    CaseStatus,
    Category,
    Disclosure,
    IntakeReport,
    Investigation,
    Location,
    Subject,
    UtcDateTime,
)

PAGE = 50


@dataclass(frozen=True)
class Reader:
    """For whom the register is read."""

    organization_id: uuid.UUID
    person: Person


@dataclass(frozen=True)
class CaseRow:
    id: uuid.UUID
    case_number: str
    title: str | None
    status: CaseStatus
    priority: str | None
    category: str | None
    business_unit: str | None
    created_at: datetime


@dataclass(frozen=True)
class CasePage:
    """Newest first; `older` is the place after which the next page begins, None at the end."""

    rows: Sequence[CaseRow]
    older: tuple[datetime, str] | None


def page_of_cases(
    db: Session,
    reader: Reader,
    *,
    search: str = "",
    status: CaseStatus | None = None,
    older_than: tuple[datetime, str] | None = None,
    limit: int = PAGE,
) -> CasePage:
    """`search` is the beginning of a case number, or words of a title. `older_than`: created_at and case number."""
    statement = (
        sa.select(
            Case.id,
            Case.case_number,
            Case.title,
            Case.status,
            Case.priority,
            Category.name.label("category"),
            BusinessUnit.name.label("business_unit"),
            Case.created_at,
        )
        .outerjoin(Category, Category.id == Case.category_id)
        .outerjoin(BusinessUnit, BusinessUnit.id == Case.business_unit_id)
        .where(*_visible(reader))
        .order_by(Case.created_at.desc(), Case.case_number.desc())
        .limit(limit + 1)
    )
    if search:
        starts = Case.case_number.istartswith(search, autoescape=True)
        statement = statement.where(sa.or_(starts, Case.title.icontains(search, autoescape=True)))
    if status is not None:
        statement = statement.where(Case.status == status)
    if older_than is not None:
        place = sa.tuple_(sa.literal(older_than[0], UtcDateTime()), sa.literal(older_than[1], sa.String()))
        statement = statement.where(sa.tuple_(Case.created_at, Case.case_number) < place)
    found = [CaseRow(**row) for row in db.execute(statement).mappings()]
    rows = found[:limit]
    more = len(found) > limit
    return CasePage(rows, (rows[-1].created_at, rows[-1].case_number) if more else None)


@dataclass(frozen=True)
class OneCase:
    """A case and what hangs on it, oldest first."""

    case: Case
    category: str | None
    business_unit: str | None
    location: Location | None
    intake_reports: Sequence[IntakeReport]
    subjects: Sequence[Subject]
    investigations: Sequence[Investigation]
    disclosures: Sequence[Disclosure]


def one_case(db: Session, reader: Reader, case_id: uuid.UUID) -> OneCase | None:
    """None for a case that is not there, of another organization, or that the reader is kept from: all alike."""
    row = db.execute(
        sa.select(Case, _path(Category), BusinessUnit.name, Location)
        .outerjoin(Category, Category.id == Case.category_id)
        .outerjoin(BusinessUnit, BusinessUnit.id == Case.business_unit_id)
        .outerjoin(Location, Location.id == Case.location_id)
        .where(Case.id == case_id, *_visible(reader))
    ).one_or_none()
    if row is None:
        return None
    case, category, business_unit, location = row

    def of_case(model: Any, *order: Any) -> Sequence[Any]:
        statement = sa.select(model).where(model.organization_id == reader.organization_id, model.case_id == case_id)
        return db.scalars(statement.order_by(*order, model.id)).all()

    return OneCase(
        case=case,
        category=category,
        business_unit=business_unit,
        location=location,
        intake_reports=of_case(IntakeReport, IntakeReport.received_at),
        subjects=of_case(Subject, Subject.name),
        investigations=of_case(Investigation, Investigation.started_at),
        disclosures=of_case(Disclosure, Disclosure.submitted_at),
    )


def _path(model: type[Category]) -> sa.ColumnElement[str | None]:
    """ "Conduct > Harassment", or the name alone."""
    parent = sa.alias(sa.inspect(model).local_table)
    above = sa.select(parent.c.name).where(parent.c.id == model.parent_id).scalar_subquery()
    return sa.case((model.parent_id.is_(None), model.name), else_=above + " > " + model.name)


def _visible(reader: Reader) -> tuple[sa.ColumnElement[bool], ...]:
    organization_id = reader.organization_id
    return Case.organization_id == organization_id, ~kept_from_any(organization_id, [reader.person])
