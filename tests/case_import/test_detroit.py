"""F2: a public register of another shape: repeats of whole rows, cases that contradict themselves, no status."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from portal.models import Case, IntakeReport, Investigation, write_session
from tests.case_import.conftest import bring_paths
from tests.case_import.public_data import public_file

pytestmark = pytest.mark.public_data

MAPPING = Path(__file__).with_name("detroit_mapping.toml")
WORST = [
    ({"Sustained"}, "SUBSTANTIATED"),
    ({"Not Sustained", "Inconclusive"}, "INSUFFICIENT"),
    ({"Exonerated", "Unfounded"}, "UNSUBSTANTIATED"),
    ({"No Charge", "Admin. Closure", "Void"}, "OTHER"),
]


@pytest.fixture
def complaints() -> Path:
    return public_file("detroit-citizen-complaints", "DPD_Citizen_Complaints.csv")


def by_hand(path: Path) -> dict[str, list[dict[str, str]]]:
    """The distinct rows of each case, counted without the importer."""
    cases: dict[str, list[dict[str, str]]] = {}
    seen = set()
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            values = {name: value.strip() for name, value in row.items()}
            whole = tuple(value for name, value in values.items() if name != "ObjectId")
            if whole not in seen:
                seen.add(whole)
                cases.setdefault(values["BPC"], []).append(values)
    return cases


@pytest.mark.one_database
def test_the_whole_file_by_its_rules(complaints: Path, cast: Any, moved_clock: Any) -> None:
    """F2: repeats but for ObjectId dropped, worst finding wins with its word, anonymous by two columns."""
    done = bring_paths(MAPPING, [complaints])
    expected = by_hand(complaints)

    assert not done.bad
    assert done.report.rows_read == 19735
    assert done.report.rows_repeated == 4659
    assert done.counts("cases") == (4482, 0, 0)
    assert done.counts("investigations") == (15076, 0, 0)
    assert done.counts("intake_reports") == (4482, 0, 0)
    assert sum(len(rows) for rows in expected.values()) == 15076

    early = sum(
        bool(row["Closed"]) and row["Closed"] < row["Report_Date"] for rows in expected.values() for row in rows
    )
    assert done.report.warnings["[investigations] completed_at before started_at, left empty"] == early > 0

    with write_session() as session:
        cases = {row.case_number: row for row in session.scalars(sa.select(Case))}
        query = sa.select(Case.case_number, IntakeReport.is_anonymous).join(
            IntakeReport, IntakeReport.case_id == Case.id
        )
        anonymous = {row.case_number: row.is_anonymous for row in session.execute(query)}
        per_case = Counter(
            session.scalars(sa.select(Case.case_number).join(Investigation, Investigation.case_id == Case.id))
        )
    assert cases.keys() == expected.keys()
    for number, rows in expected.items():
        outcome, word = worst(rows)
        assert (cases[number].outcome, cases[number].outcome_reason) == (outcome, word), number
        pending = any(row["Finding"] == "**Pending**" for row in rows)
        assert cases[number].status == ("OPEN" if pending else "CLOSED"), number
        nobody = all(rows[0][name] in ("", "Unknown") for name in ("ctznRace", "ctznSex"))
        assert anonymous[number] is nobody, number
        assert per_case[number] == len(rows), number

    second = bring_paths(MAPPING, [complaints])  # rows without an id of their own are known by their content
    for name in ("cases", "investigations", "intake_reports", "subjects"):
        assert second.counts(name) == (0, 0, done.report.tally(name).new)
        assert second.report.tally(name).kept == 0


def worst(rows: list[dict[str, str]]) -> tuple[str | None, str | None]:
    for words, outcome in WORST:
        for row in rows:
            if row["Finding"] in words:
                return outcome, row["Finding"]
    return None, rows[0]["Finding"] or None
