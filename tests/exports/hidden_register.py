"""A small register in which one word stands in every value that is not told outside: whatever tells it leaks."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from portal.models import (
    BusinessUnit,
    Case,
    CaseStatus,
    Disclosure,
    FieldTag,
    IntakeReport,
    Interview,
    Investigation,
    Location,
    Subject,
    TagDataType,
    TagSource,
    write_session,
)
from tests.exports.small_register import FIRST

FEW = 8
HIDDEN = "Quokka"
"""Stands in every value that is told to nobody outside."""
NAME = f"{HIDDEN} Ana"
ADDRESS = f"{HIDDEN.lower()}@example.org"


def fill_hidden(organization_id: uuid.UUID) -> None:
    """Eight cases of one unit, four of them anonymous, from the first of the year on, a day each."""

    def add(table: Any, **values: Any) -> uuid.UUID:
        ident = uuid.uuid4()
        session.add(table(id=ident, organization_id=organization_id, **values))
        session.flush()
        return ident

    with write_session() as session:
        unit = add(BusinessUnit, name=f"{HIDDEN} ward", code=f"{HIDDEN}-7")
        place = add(Location, name=f"{HIDDEN} hill", country=f"{HIDDEN}land", region=f"{HIDDEN} coast")
        for number in range(FEW):
            case_id = add(
                Case,
                case_number=f"{HIDDEN}-{number:04}",
                title=HIDDEN,
                description=HIDDEN,
                status=CaseStatus.OPEN,
                business_unit_id=unit,
                location_id=place,
                assignee_name=NAME,
                assignee_email=ADDRESS,
                created_at=FIRST + timedelta(days=number),
                updated_at=FIRST,
                outcome_reason=f"{HIDDEN} said so",
                custom_fields={"told": HIDDEN, "born": "1990-01-01"},
            )
            add(
                IntakeReport,
                case_id=case_id,
                received_at=FIRST,
                is_anonymous=number < 4,
                reporter_relationship=f"{HIDDEN} nurse",
                details={"told": HIDDEN},
            )
            add(Subject, case_id=case_id, name=NAME, email=ADDRESS)
            inquiry = add(
                Investigation, case_id=case_id, started_at=FIRST, investigator_name=NAME, finding_summary=HIDDEN
            )
            add(Interview, investigation_id=inquiry, interviewee=NAME, responses={"q1": HIDDEN})
            add(Disclosure, case_id=case_id, submitted_at=FIRST, kind="Gift", form_data={"from": HIDDEN})
        for slot, (name, path, kind) in enumerate(
            [("told", "custom_fields.told", TagDataType.TEXT), ("born", "custom_fields.born", TagDataType.DATE)], 1
        ):
            add(
                FieldTag,
                slot=slot,
                source=TagSource.CASE,
                field_path=path,
                column_name=name,
                label=name,
                data_type=kind,
            )
