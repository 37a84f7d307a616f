"""The flat file's rows: every value as the plain way computes it, from one snapshot, with flat memory."""

from __future__ import annotations

import csv
import hashlib
import json
import tracemalloc
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.exports.columns import Column, ColumnType
from portal.exports.make_file import make_file
from portal.exports.request import ExportRequest
from portal.exports.rows import open_rows
from portal.exports.writers.local_hours import at_wall
from portal.models import Case, Investigation, Subject, write_session
from portal.zones import zone
from tests.exports.by_hand import rows_by_hand
from tests.exports.small_register import FIRST, PLANNED, fill
from tests.support.cast import Cast


def request_of(organization_id: uuid.UUID, **more: Any) -> ExportRequest:
    given: dict[str, Any] = {
        "export_type": "FLAT_FILE",
        "format": "CSV",
        "filters": {},
        "start": None,
        "end": PLANNED,
        "planned_for": PLANNED,
        "zone": "America/New_York",
    }
    return ExportRequest(organization_id=organization_id, **(given | more))


def read(request: ExportRequest, page_size: int = 7) -> list[dict[str, Any]]:
    """All rows by column key, values as objects."""
    place = zone(request.zone)
    with open_rows(request, page_size) as stream:
        rows = [
            {column.key: _plain(column, value, place) for column, value in zip(stream.columns, row, strict=True)}
            for page in stream.pages
            for row in page
        ]
        assert len(rows) == stream.expected
        return rows


def _plain(column: Column, value: Any, place: Any) -> Any:
    if value is None:
        return None
    if column.type is ColumnType.DATETIME:
        return at_wall(value, place)
    if column.type is ColumnType.DATE:
        return date.fromisoformat(value)
    if column.type is ColumnType.BOOLEAN:
        assert value in (0, 1)
        return bool(value)
    return value


@pytest.mark.parametrize("zone_name", ["America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
def test_every_value_is_what_the_plain_way_computes(app: Flask, cast: Cast, zone_name: str) -> None:
    """C1, C2: 29 core columns and three investigations, in the file's order."""
    fill(cast.lakeside, 150)
    fill(cast.strangers, 20, seed=8)
    rows = read(request_of(cast.lakeside, zone=zone_name))
    expected = [
        row | {key: row[key] and row[key].replace(microsecond=0) for key in ("case_created_at", "case_closed_at")}
        for row in rows_by_hand(cast.lakeside, PLANNED, zone(zone_name), 3)
    ]
    assert len(rows) == 150
    assert rows == expected
    assert list(rows[0]) == list(expected[0])


@pytest.mark.parametrize("investigations", [0, 1, 10])
def test_as_many_investigations_as_asked_for(app: Flask, cast: Cast, investigations: int) -> None:
    """C2: 0 to 10, the count beside them of all."""
    fill(cast.lakeside, 60)
    rows = read(request_of(cast.lakeside, column_config={"max_investigations": investigations}))
    expected = rows_by_hand(cast.lakeside, PLANNED, zone("America/New_York"), investigations)
    assert [{**row, "case_created_at": 0, "case_closed_at": 0} for row in rows] == [
        {**row, "case_created_at": 0, "case_closed_at": 0} for row in expected
    ]


def test_pages_neither_lose_nor_repeat_cases_of_one_moment(app: Flask, cast: Cast) -> None:
    """C1: rows are ordered by created_at, then case_number, wherever a page ends."""
    with write_session() as db:
        db.add_all(
            Case(
                organization_id=cast.lakeside,
                case_number=f"C-{number:03}",
                status="OPEN",
                created_at=FIRST,
                updated_at=FIRST,
            )
            for number in range(50, 0, -1)
        )
    numbers = [row["case_number"] for row in read(request_of(cast.lakeside), page_size=7)]
    assert numbers == [f"C-{number:03}" for number in range(1, 51)]


def test_chosen_columns_come_in_their_order_under_their_labels(app: Flask, cast: Cast) -> None:
    """C6: any column of the type, also an investigation beyond the usual three."""
    fill(cast.lakeside, 60)
    config = {"columns": [{"key": "inv_4_type", "label": "Fourth"}, "riu_count", "case_number", "has_remediation"]}
    request = request_of(cast.lakeside, column_config=config)
    with open_rows(request) as stream:
        assert [column.label for column in stream.columns] == ["Fourth", "RIU Count", "Case Number", "Has Remediation"]
    expected = rows_by_hand(cast.lakeside, PLANNED, zone("America/New_York"), 4)
    keys = ("inv_4_type", "riu_count", "case_number", "has_remediation")
    assert read(request) == [{key: row[key] for key in keys} for row in expected]
    one = request_of(cast.lakeside, column_config={"columns": ["subject_count"]})
    assert read(one) == [{"subject_count": row["subject_count"]} for row in expected]


def test_overflow_holds_all_that_hangs_on_a_case_as_compact_json(app: Flask, cast: Cast) -> None:
    """C2: five JSON columns; nothing where there is nothing."""
    fill(cast.lakeside, 60)
    rows = read(request_of(cast.lakeside, column_config={"include_overflow": True, "max_investigations": 1}))
    assert list(rows[0])[-5:] == [
        "all_custom_fields", "all_investigations", "all_interview_responses", "all_disclosures", "all_subjects",
    ]  # fmt: skip
    for row in rows:
        inquiries = json.loads(row["all_investigations"] or "[]")
        assert len(inquiries) == row["investigation_count"]
        assert (inquiries[0]["id"] if inquiries else None) == row["inv_1_id"]
        assert len(json.loads(row["all_subjects"] or "[]")) == row["subject_count"]
        assert row["all_custom_fields"] in (
            None, '{"amount":12.5,"deep":{"a":true,"b":[1,null]},"site":"Hafen"}',
        )  # fmt: skip
    assert any(row["all_interview_responses"] for row in rows)
    given = {row["all_disclosures"] for row in rows} - {None}
    assert all(json.loads(text)[0]["form_data"] == {"value": 20} for text in given)


def test_an_import_in_between_does_not_tear_the_file(app: Flask, cast: Cast) -> None:
    """C1: what is written while a file is made is not in it, neither as a row nor within one."""
    fill(cast.lakeside, 60)
    before = read(request_of(cast.lakeside))
    with open_rows(request_of(cast.lakeside), page_size=7) as stream:
        pages = [next(stream.pages)]
        with write_session() as db:
            moment = FIRST + timedelta(days=200)
            db.add(
                Case(
                    organization_id=cast.lakeside,
                    case_number="C-new",
                    status="OPEN",
                    created_at=moment,
                    updated_at=moment,
                )
            )
            for case in db.scalars(sa.select(Case).where(Case.organization_id == cast.lakeside)):
                case.outcome_reason = "changed"
                db.add(Subject(organization_id=cast.lakeside, case_id=case.id, name="New"))
            for each in db.scalars(sa.select(Investigation)):
                each.finding_summary = "changed"
        pages += list(stream.pages)
        seen = [
            {
                column.key: _plain(column, value, zone("America/New_York"))
                for column, value in zip(stream.columns, row, strict=True)
            }
            for page in pages
            for row in page
        ]
    assert seen == before
    assert len(read(request_of(cast.lakeside))) == 61


def test_a_file_given_up_half_way_leaves_the_database_usable(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 60)
    for _ in range(20):  # more than the pool holds
        with open_rows(request_of(cast.lakeside), page_size=7) as stream:
            next(stream.pages)
    assert len(read(request_of(cast.lakeside))) == 60


def test_the_same_data_and_moment_make_the_same_bytes(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C9: two CSV files of one planned moment are byte-identical; size and hash are of the bytes on disk."""
    fill(cast.lakeside, 300)
    made = [make_file(request_of(cast.lakeside), tmp_path / name) for name in ("a", "b")]
    content = (tmp_path / "a").read_bytes()
    assert content == (tmp_path / "b").read_bytes()
    assert made[0] == made[1]
    assert (made[0].bytes, made[0].sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (made[0].rows, len(made[0].columns)) == (300, 59)


def test_values_stand_in_csv_as_the_contract_says(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C2, C9, C13: ISO instants with offset, dates, true/false, nothing for nothing, formulas made harmless."""
    fill(cast.lakeside, 150)
    make_file(request_of(cast.lakeside), tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    for cells, row in zip(written, rows_by_hand(cast.lakeside, PLANNED, zone("America/New_York"), 3), strict=True):
        assert cells == {key: _cell(value) for key, value in row.items()}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(zone("America/New_York")).isoformat(timespec="seconds")
    text = str(value)
    return f"'{text}" if text.startswith(("=", "@")) else text


def test_xlsx_has_every_row_and_a_cover_that_says_what_it_is(app: Flask, cast: Cast, tmp_path: Path) -> None:
    """C10, G1: filters in words, dates, zone, columns, software, register's age; no recipients, no hash."""
    from openpyxl import load_workbook

    fill(cast.lakeside, 30)
    request = request_of(cast.lakeside, format="XLSX", filters={"status": ["OPEN", "CLOSED"]}, title="Weekly")
    made = make_file(request, tmp_path / "file.xlsx", run_reference="run-7")
    book = load_workbook(tmp_path / "file.xlsx")
    sheets = {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in book}
    data = sheets.pop("Cases")
    assert len(data) == made.rows + 1
    said = "\n".join(str(cell) for sheet in sheets.values() for row in sheet for cell in row if cell is not None)
    for part in (
        "Weekly",
        "run-7",
        "Status OPEN or CLOSED",
        "America/New_York",
        "New York time",
        "case_sla_breached",
        "0.1.0",
    ):
        assert part in said
    assert made.sha256 not in said


def test_memory_does_not_grow_with_the_rows(app: Flask, cast: Cast) -> None:
    """C1: 1,500 more cases add what is remembered of hours, and no rows, which take 2 kB each."""
    fill(cast.lakeside, 500)
    fill(cast.strangers, 2_000, seed=9)
    _peak(cast.lakeside)
    grown = _peak(cast.strangers) - _peak(cast.lakeside)
    assert grown / 1_500 < 600


def _peak(organization_id: uuid.UUID) -> int:
    tracemalloc.start()
    with open_rows(request_of(organization_id), page_size=100) as stream:
        rows = sum(len(page) for page in stream.pages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == stream.expected
    return peak
