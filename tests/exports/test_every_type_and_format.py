"""C1, C7 to C9: each type in each format, of the made register and of a public one, reopened by readers that share no
code with the writers: counts and sums are those that SQL over the tables gives."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pypdfium2
import pytest
import sqlalchemy as sa

from demo.register import generate_register
from portal.exports.catalogue import OFFERED
from portal.exports.make_file import make_file
from portal.exports.request import ExportRequest
from portal.exports.writers import TABLE_FORMATS
from portal.extensions import db
from tests.case_import.conftest import bring_paths
from tests.case_import.public_data import public_file
from tests.exports.kept_register import kept_register
from tests.exports.readers import csv_by_node, json_lines_by_node, needs_node, parquet_by_duckdb
from tests.exports.test_rows import request_of

MAPPING = Path(__file__).parents[1] / "case_import" / "detroit_mapping.toml"
TODAY = date(2026, 11, 2)
DETROIT_ROWS = 2_000
"""Of 19,736; the whole file gives no more kinds of rows and takes a minute."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    request: ExportRequest
    folder: Path


@pytest.fixture(scope="module", params=["made", pytest.param("detroit", marks=pytest.mark.public_data)])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "made":
        with kept_register(folder) as organization_id:
            generate_register(organization_id, 200, seed=5, today=TODAY)
            yield Kept(request_of(organization_id), folder)
        return
    whole = public_file("detroit-citizen-complaints", "DPD_Citizen_Complaints.csv").read_bytes()
    complaints = folder / "complaints.csv"
    complaints.write_bytes(b"".join(whole.splitlines(keepends=True)[:DETROIT_ROWS]))
    with kept_register(folder, "America/Detroit") as organization_id:
        bring_paths(MAPPING, [complaints], slug="kept")
        yield Kept(request_of(organization_id, zone="America/Detroit"), folder)


COUNTS = ["riu_count", "investigation_count", "subject_count", "attachment_count"]
CUSTOM = ["has_remediation", "case_number", "case_status", *COUNTS, "inv_1_id", "outcome"]
IN_PDF = {"INVESTIGATIONS_ONLY": ["case_number", "inv_interview_count"], "DISCLOSURES_ONLY": ["disclosure_id"]}
"""Columns that are never empty and never hold a blank, so that a line's words are a row's values."""


def asked(kept: Kept, export_type: str, format_name: str) -> ExportRequest:
    if format_name == "PDF":
        chosen = IN_PDF.get(export_type, ["case_number", "case_status", *COUNTS])
    else:
        chosen = CUSTOM if export_type == "CUSTOM" else []
    config = {"columns": chosen} if chosen else {}
    return replace(kept.request, export_type=export_type, format=format_name, column_config=config)


@needs_node
@pytest.mark.parametrize("format_name", TABLE_FORMATS)
@pytest.mark.parametrize("export_type", [str(each) for each in OFFERED if each != "BOARD_REPORT"])
def test_counts_and_sums_are_those_of_the_tables(kept: Kept, export_type: str, format_name: str) -> None:
    request = asked(kept, export_type, format_name)
    path = kept.folder / f"{export_type}.{'xlsx' if format_name == 'XLSX' else format_name}"
    made = make_file(request, path)
    truth = _TRUTH[export_type](request)
    assert made.rows == truth["rows"]
    rows = _READERS[format_name](path, request)
    told = _told(rows, {column.key for column in request.columns()}, export_type)
    assert told == {what: truth[what] for what in told}
    assert len(told) >= 2
    if format_name == "CSV":
        again = make_file(request, kept.folder / "again")
        assert again.sha256 == made.sha256
        assert (kept.folder / "again").read_bytes() == path.read_bytes()


COUNTED = {
    "CASES": {"by_status": "case_status", "by_case": "case_number", "by_outcome": "outcome"},
    "INVESTIGATIONS_ONLY": {"by_outcome": "inv_outcome", "by_case": "case_number"},
    "DISCLOSURES_ONLY": {"by_kind": "kind", "by_case": "case_number", "by_id": "disclosure_id"},
}


def _told(rows: list[Row], columns: set[str], export_type: str) -> dict[str, Any]:
    """What the file says, of those figures whose columns it has."""
    counted = COUNTED.get(export_type, COUNTED["CASES"])
    told: dict[str, Any] = {"rows": len(rows)}
    told |= {what: Counter(row[key] or None for row in rows) for what, key in counted.items() if key in columns}
    summed = {*COUNTS, "inv_interview_count"} & columns
    told |= {key: sum(int(row[key] or 0) for row in rows) for key in summed}
    if "has_remediation" in columns:
        told["has_remediation"] = sum(row["has_remediation"] in (True, "true") for row in rows)
    if "inv_1_id" in columns:
        told["investigated"] = sum(bool(row["inv_1_id"]) for row in rows)
    return told


# The truth, from the tables


def _asked_of(statement: str, request: ExportRequest) -> list[tuple[Any, ...]]:
    given = {
        "end": request.end.strftime("%Y-%m-%d %H:%M:%S.%f"),
        "organization": request.organization_id.hex,
    }
    cases = "cases.organization_id = :organization AND cases.created_at < :end"
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement.replace("THESE", cases)), given)]


def _number(statement: str, request: ExportRequest) -> int:
    return int(_asked_of(statement, request)[0][0])


def _of_cases(request: ExportRequest) -> dict[str, Any]:
    def hanging(table: str, what: str = "*") -> int:
        joined = f"cases ON cases.id = case_id AND cases.organization_id = {table}.organization_id"
        return _number(f"SELECT count({what}) FROM {table} JOIN {joined} WHERE THESE", request)

    return {
        "rows": _number("SELECT count(*) FROM cases WHERE THESE", request),
        "by_status": _counter("SELECT status, count(*) FROM cases WHERE THESE GROUP BY 1", request),
        "by_case": _counter("SELECT case_number, count(*) FROM cases WHERE THESE GROUP BY 1", request),
        "by_outcome": _counter("SELECT outcome, count(*) FROM cases WHERE THESE GROUP BY 1", request),
        "riu_count": hanging("intake_reports"),
        "investigation_count": hanging("investigations"),
        "subject_count": hanging("subjects"),
        "attachment_count": hanging("attachments"),
        "has_remediation": hanging("remediation_plans", "DISTINCT case_id"),
        "investigated": hanging("investigations", "DISTINCT case_id"),
    }


def _of_investigations(request: ExportRequest) -> dict[str, Any]:
    these = """FROM investigations JOIN cases ON cases.id = investigations.case_id
        AND cases.organization_id = investigations.organization_id"""
    interviews = f"""SELECT count(*) {these} JOIN interviews ON investigation_id = investigations.id
        AND interviews.organization_id = cases.organization_id WHERE THESE"""
    return {
        "rows": _number(f"SELECT count(*) {these} WHERE THESE", request),
        "by_outcome": _counter(f"SELECT investigations.outcome, count(*) {these} WHERE THESE GROUP BY 1", request),
        "by_case": _counter(f"SELECT case_number, count(*) {these} WHERE THESE GROUP BY 1", request),
        "inv_interview_count": _number(interviews, request),
    }


def _of_disclosures(request: ExportRequest) -> dict[str, Any]:
    these = """FROM disclosures LEFT JOIN cases ON cases.id = case_id WHERE disclosures.organization_id = :organization
        AND submitted_at < :end"""
    return {
        "rows": _number(f"SELECT count(*) {these}", request),
        "by_kind": _counter(f"SELECT kind, count(*) {these} GROUP BY 1", request),
        "by_case": _counter(f"SELECT case_number, count(*) {these} GROUP BY 1", request),
        "by_id": Counter(str(uuid.UUID(row[0])) for row in _asked_of(f"SELECT disclosures.id {these}", request)),
    }


def _counter(statement: str, request: ExportRequest) -> Counter[Any]:
    return Counter(dict(_asked_of(statement, request)))


_TRUTH = {
    "FLAT_FILE": _of_cases,
    "CASES_ONLY": _of_cases,
    "CUSTOM": _of_cases,
    "INVESTIGATIONS_ONLY": _of_investigations,
    "DISCLOSURES_ONLY": _of_disclosures,
}


# The readers, each giving rows by column key


def _csv(path: Path, _: ExportRequest) -> list[Row]:
    head, *rows = csv_by_node(path)
    return [dict(zip(head, row, strict=True)) for row in rows]


def _xlsx(path: Path, request: ExportRequest) -> list[Row]:
    sheet = openpyxl.load_workbook(path, read_only=True).worksheets[1]
    keys = [column.key for column in request.columns()]
    # nothing at a row's end is no cell
    return [
        dict.fromkeys(keys) | dict(zip(keys, row, strict=False)) for row in sheet.iter_rows(min_row=2, values_only=True)
    ]


def _parquet(path: Path, request: ExportRequest) -> list[Row]:
    keys = [column.key for column in request.columns()]
    return [dict(zip(keys, row, strict=True)) for row in parquet_by_duckdb(path)]


def _pdf(path: Path, request: ExportRequest) -> list[Row]:
    """The lines that begin as a row does."""
    keys = [column.key for column in request.columns()]
    lines = [
        line.split()
        for page in pypdfium2.PdfDocument(path)
        for line in page.get_textpage().get_text_range().splitlines()
    ]
    return [dict(zip(keys, words, strict=True)) for words in lines if words and _ROW.fullmatch(words[0])]


_ROW = re.compile(r"C-\d{4}-\d{6}|\d\d-\d+|[0-9a-f]{8}-[0-9a-f-]{27}")


_READERS = {
    "CSV": _csv,
    "XLSX": _xlsx,
    "PDF": _pdf,
    "JSON_LINES": lambda path, _: [dict(line) for line in json_lines_by_node(path)],
    "PARQUET": _parquet,
}
