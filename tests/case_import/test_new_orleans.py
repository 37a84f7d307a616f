"""F2, F3: the New Orleans complaints by the mapping that the project ships, to the row."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from portal import audit
from portal.models import (
    AuditBody,
    AuditEvent,
    BusinessUnit,
    Case,
    CaseImport,
    Category,
    Disclosure,
    ImportState,
    IntakeReport,
    Interview,
    Investigation,
    Outcome,
    Subject,
    write_session,
)
from portal.people.organizations import create_organization
from tests.case_import.conftest import bring_paths
from tests.case_import.public_data import ROOT, public_file

pytestmark = pytest.mark.public_data

MAPPING = ROOT / "examples" / "new-orleans" / "mapping.toml"
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def complaints() -> Path:
    return public_file("nopd-misconduct", "NOPD_Misconduct_Complaints.csv")


@pytest.fixture
def new_orleans(app: Any) -> Any:
    return create_organization("New Orleans", "new-orleans", "America/Chicago", now=NOW, actor=audit.operator)


def bring(complaints: Path, now: datetime = NOW, **more: Any) -> Any:
    return bring_paths(MAPPING, [complaints], slug="new-orleans", now=now, **more)


def held(query: Any) -> Any:
    with write_session() as session:
        return session.execute(query).all()


def count(model: type[Any], *conditions: Any) -> int:
    (row,) = held(sa.select(sa.func.count()).select_from(model).where(*conditions))
    return int(row[0])


def test_every_number_of_the_file_is_met(complaints: Path, new_orleans: Any) -> None:
    """F1, F2: rows, bad rows, cases, statuses, outcomes, warnings, investigations; nothing invented."""
    done = bring(complaints)

    the_counts(done)
    the_cases()
    the_outcomes_keep_the_words_of_the_source()
    odd_case_numbers_stay_as_they_are()
    units_and_categories_are_trees()


def the_counts(done: Any) -> None:
    assert done.report.rows_read == 7530
    assert len(done.bad) == done.report.rows_bad == 278
    assert {(row.column, row.reason) for row in done.bad} == {
        ("Complaint Tracking Number", "is empty, and a case needs its key")
    }
    assert done.bad[0].file == "NOPD_Misconduct_Complaints.csv"
    assert done.bad[0].line == 2207
    assert done.counts("cases") == (4977, 0, 0)
    assert done.counts("investigations") == (7031 + 42, 0, 0)
    assert done.counts("intake_reports") == (4977, 0, 0)
    assert (count(Case), count(Investigation), count(IntakeReport)) == (4977, 7073, 4977)
    assert count(Subject) == done.report.tally("subjects").new > 6000

    warnings = done.report.warnings
    assert warnings["[investigations] completed_at before started_at, left empty"] == 41
    closed, open_ = (warnings[f"[case] {name} before created_at, left empty"] for name in ("closed_at", "Completed on"))
    assert closed + open_ == 31  # of the 41 rows, those that are the first of their case
    for name in ("created_at", "closed_at", "status"):
        assert warnings[f"[case] rows of one case disagree on {name}, the first was taken"] == 1


def the_cases() -> None:
    statuses = dict(held(sa.select(Case.status, sa.func.count()).group_by(Case.status)))
    assert statuses == {"CLOSED": 4148, "NEW": 67, "OPEN": 762}
    assert count(Case, Case.status == "CLOSED", Case.closed_at.is_(None)) == 32
    assert count(Case, Case.status != "CLOSED", Case.closed_at.is_not(None)) == 0
    custom = [row for row in held(sa.select(Case.status, Case.custom_fields)) if "Completed on" in row.custom_fields]
    assert Counter(row.status for row in custom) == {"OPEN": 75}

    assert count(Interview) == count(Disclosure) == 0
    for column in (Case.priority, Case.due_at, Case.assignee_name, Case.assignee_email):
        assert count(Case, column.is_not(None)) == 0
    assert count(IntakeReport, IntakeReport.source_channel.is_not(None)) == 0


def the_outcomes_keep_the_words_of_the_source() -> None:
    found = {
        (reason, outcome.value if outcome else None)
        for reason, outcome in held(sa.select(Case.outcome_reason, Case.outcome).distinct())
    }
    assert found == {
        ("Sustained", Outcome.SUBSTANTIATED),
        ("Unfounded", Outcome.UNSUBSTANTIATED),
        ("Exonerated", Outcome.UNSUBSTANTIATED),
        ("Not Sustained", Outcome.INSUFFICIENT),
        ("NFIM", Outcome.INSUFFICIENT),
        ("Withdrawn - Mediation", Outcome.WITHDRAWN),
        ("Negotiated Settlement", Outcome.WITHDRAWN),
        ("Resigned under investigation", Outcome.OTHER),
        ("Other", Outcome.OTHER),
        ("Pending", None),
    }


def odd_case_numbers_stay_as_they_are() -> None:
    numbers = [row[0] for row in held(sa.select(Case.case_number))]
    assert {"19-Feb", "2018", "2023", "2022-205-R", "20233-0185-R"} <= set(numbers)
    assert any(number.endswith(("-r", "-p")) for number in numbers)
    assert all(number == number.strip() for number in numbers)
    # four rows, two allegations
    assert count(Investigation, Investigation.case_id.in_(sa.select(Case.id).where(Case.case_number == "19-Feb"))) == 2


def units_and_categories_are_trees() -> None:
    (case,) = held(sa.select(Case).where(Case.case_number == "2016-0002-P"))[0]
    assert case.created_at == datetime(2016, 1, 1, 6, tzinfo=UTC)  # local midnight
    names = []
    above = case.business_unit_id
    while above:
        ((unit,),) = held(sa.select(BusinessUnit).where(BusinessUnit.id == above))
        names.append(unit.name)
        above = unit.parent_id
    assert names == ["Night Watch", "7th District", "FOB - Field Operations Bureau"]
    ((category,),) = held(sa.select(Category).where(Category.id == case.category_id))
    assert category.name == "PARAGRAPH 04 - NEGLECT OF DUTY"
    assert category.parent_id is not None


@pytest.mark.one_database
def test_a_dry_run_writes_nothing_and_a_second_import_changes_nothing(complaints: Path, new_orleans: Any) -> None:
    """F2: run again = update; the same file again leaves every row and every updated_at as it was."""
    tried = bring(complaints, dry_run=True)
    assert count(Case) == count(Category) == count(CaseImport) == 0
    first = bring(complaints)
    assert tried.report.as_json() == first.report.as_json()
    before = held(sa.select(Case.id, Case.source_hash, Case.updated_at).order_by(Case.id))
    second = bring(complaints, NOW + timedelta(days=1))

    assert second.counts("cases") == (0, 0, 4977)
    assert second.counts("investigations") == (0, 0, 7073)
    for name in ("subjects", "intake_reports", "categories", "business_units"):
        assert second.counts(name) == (0, 0, first.report.tally(name).new)
    assert all(tally.kept == 0 for tally in second.report.entities.values())
    assert held(sa.select(Case.id, Case.source_hash, Case.updated_at).order_by(Case.id)) == before

    imports = held(sa.select(CaseImport).order_by(CaseImport.started_at))
    assert [row[0].state for row in imports] == [ImportState.SUCCEEDED] * 2
    assert imports[0][0].counts["entities"]["cases"]["new"] == 4977
    assert imports[0][0].finished_at >= imports[0][0].started_at
    events = held(
        sa.select(AuditEvent.actor_kind, AuditBody.body)
        .join(AuditBody, sa.and_(AuditBody.chain_id == AuditEvent.chain_id, AuditBody.sequence == AuditEvent.sequence))
        .where(AuditEvent.action == "register.imported")
        .order_by(AuditEvent.sequence)
    )
    assert [row.actor_kind for row in events] == ["OPERATOR"] * 2
    assert events[1].body["counts"]["entities"]["cases"]["unchanged"] == 4977
