"""The flat file's rows computed the plain way: one case at a time, everything loaded, sorted and counted in Python."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.extensions import db
from portal.models import (
    Attachment,
    BusinessUnit,
    Case,
    Category,
    IntakeReport,
    Interview,
    Investigation,
    Location,
    RemediationPlan,
    Subject,
)


def rows_by_hand(
    organization_id: uuid.UUID, planned_for: datetime, zone: ZoneInfo, investigations: int
) -> list[dict[str, Any]]:
    """Every case's row by column key, dates and instants as objects in the zone."""
    with Session(db.engine) as session:
        found = session.scalars(sa.select(Case).where(Case.organization_id == organization_id)).all()
        ordered = sorted(found, key=lambda case: (case.created_at, case.case_number))
        return [_row(session, case, planned_for, zone, investigations) for case in ordered]


def _row(session: Session, case: Case, planned_for: datetime, zone: ZoneInfo, investigations: int) -> dict[str, Any]:
    def of_case(table: Any) -> list[Any]:
        return list(session.scalars(sa.select(table).where(table.case_id == case.id)))

    def day(instant: datetime) -> Any:
        return instant.astimezone(zone).date()

    reports = sorted(of_case(IntakeReport), key=lambda report: (report.received_at, report.id))
    first = reports[0] if reports else None
    plans = sorted(of_case(RemediationPlan), key=lambda plan: (plan.created_at, plan.id))
    chain = _chain(session, case.category_id)
    unit = session.get(BusinessUnit, case.business_unit_id) if case.business_unit_id else None
    place = session.get(Location, case.location_id) if case.location_id else None
    over = planned_for if case.status != "CLOSED" else case.closed_at
    breached: bool | None = False
    if case.due_at is not None:
        breached = None if over is None else case.due_at < over
    far = datetime(9999, 1, 1, tzinfo=UTC)
    inquiries = sorted(of_case(Investigation), key=lambda each: (each.started_at or far, each.id))
    row = {
        "case_id": str(case.id),
        "case_number": case.case_number,
        "case_status": case.status.value,
        "case_priority": case.priority.value if case.priority else None,
        "case_created_at": case.created_at,
        "case_closed_at": case.closed_at,
        "case_days_open": (day(over) - day(case.created_at)).days if over else None,
        "case_sla_breached": breached,
        "category_name": chain[-1].name if chain else None,
        "category_code": chain[-1].code if chain else None,
        "subcategory_name": chain[0].name if len(chain) > 1 else None,
        "source_channel": first.source_channel.value if first and first.source_channel else None,
        "is_anonymous": first.is_anonymous if first else None,
        "reporter_relationship": first.reporter_relationship if first else None,
        "assigned_to_name": case.assignee_name,
        "assigned_to_email": case.assignee_email,
        "business_unit_name": unit.name if unit else None,
        "business_unit_code": unit.code if unit else None,
        "location_name": place.name if place else None,
        "location_country": place.country if place else None,
        "location_region": place.region if place else None,
        "outcome": case.outcome.value if case.outcome else None,
        "outcome_reason": case.outcome_reason,
        "has_remediation": bool(plans),
        "remediation_status": plans[-1].status if plans else None,
        "riu_count": len(reports),
        "investigation_count": len(inquiries),
        "subject_count": len(of_case(Subject)),
        "attachment_count": len(of_case(Attachment)),
    }
    for number in range(1, investigations + 1):
        each = inquiries[number - 1] if number <= len(inquiries) else None
        started = day(each.started_at) if each and each.started_at else None
        completed = day(each.completed_at) if each and each.completed_at else None
        held = sa.select(sa.func.count()).where(Interview.investigation_id == each.id) if each else None
        row |= {
            f"inv_{number}_id": str(each.id) if each else None,
            f"inv_{number}_type": each.type if each else None,
            f"inv_{number}_status": each.status if each else None,
            f"inv_{number}_outcome": each.outcome.value if each and each.outcome else None,
            f"inv_{number}_started_at": started,
            f"inv_{number}_completed_at": completed,
            f"inv_{number}_days_to_complete": (completed - started).days if started and completed else None,
            f"inv_{number}_investigator_name": each.investigator_name if each else None,
            f"inv_{number}_interview_count": session.scalar(held) if held is not None else None,
            f"inv_{number}_finding_summary": each.finding_summary if each else None,
        }
    return row


def _chain(session: Session, category_id: uuid.UUID | None) -> list[Category]:
    chain: list[Category] = []
    while category_id is not None and category_id not in [each.id for each in chain]:
        category = session.get_one(Category, category_id)
        chain.append(category)
        category_id = category.parent_id
    return chain
