"""C13, attack rows 30 to 36: the worst text in every field, custom field and label, through every format, reopened by
readers that share no code with the writers, compared value by value with what the database holds."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.escape import unescape

from portal.exports.columns import Column, ColumnType
from portal.exports.make_file import MadeFile, make_file
from portal.exports.request import ExportRequest
from portal.exports.text_guard import REPLACEMENT, clean, guard
from tests.exports.by_hand import rows_by_hand
from tests.exports.hostile_register import LABELS, SCRIPTS, WORST, fill_hostile
from tests.exports.kept_register import kept_register
from tests.exports.readers import (
    csv_by_duckdb,
    csv_by_node,
    json_lines_by_node,
    needs_node,
    parquet_by_duckdb,
    pdf_text,
    run_together,
)
from tests.exports.small_register import PLANNED
from tests.exports.tagged_register import tag
from tests.exports.test_rows import request_of
from tests.support.libre_office import needs_libre_office, open_in_libre_office

NEW_YORK = ZoneInfo("America/New_York")
TAG = tag(1, "CASE", "custom_fields.note", "note", "TEXT")
LONGEST = 32_767


@dataclass(frozen=True)
class Hostile:
    """The register: the request that every format is asked for, and the rows that it is to have, values as objects."""

    request: ExportRequest
    columns: list[Column]
    rows: list[list[Any]]
    folder: Path

    def made(self, name: str, **more: Any) -> tuple[Path, MadeFile]:
        path = self.folder / name
        given = {"format": name.split(".", maxsplit=1)[0], **more}
        return path, make_file(request_with(self.request, **given), path)


def request_with(request: ExportRequest, **more: Any) -> ExportRequest:
    return ExportRequest.from_json(request.to_json() | more)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    folder = tmp_path_factory.mktemp("hostile")
    with kept_register(folder) as organization_id:
        fill_hostile(organization_id)
        config = {"max_investigations": 1, "include_tagged_fields": True, "include_overflow": True}
        request = request_of(organization_id, column_config=config, tags=(TAG.to_json(),))
        keys = [column.key for column in request.columns()]
        labelled = [{"key": key, "label": LABELS[n % len(LABELS)]} for n, key in enumerate(keys)]
        request = request_with(request, column_config={"columns": labelled}, title="=1+2 <b>")
        by_key = rows_by_hand(organization_id, PLANNED, NEW_YORK, 1)
        texts = dict(zip(sorted(WORST, key=WORST.index), WORST, strict=True))
        for row in by_key:
            text = texts[row["case_number"]]
            row["note"] = text
            row["all_custom_fields"] = {"note": text, text: [text, {text: None}]}
        rows = [[row.get(key) for key in keys] for row in by_key]
        yield Hostile(request, request.columns(), rows, folder)


def expected(hostile: Hostile, as_cell: Any) -> list[list[Any]]:
    """The rows as a format has them; None where the register by hand says nothing: other overflow than the case's."""
    return [
        [as_cell(column.type, value) for column, value in zip(hostile.columns, row, strict=True)]
        for row in hostile.rows
    ]


def compared(found: Sequence[Sequence[Any]], wanted: Sequence[Sequence[Any]], columns: Sequence[Column]) -> None:
    """Every cell by itself, so that a difference is told by its column."""
    assert len(found) == len(wanted) == len(WORST)
    for row, expected_row in zip(found, wanted, strict=True):
        for column, cell, value in zip(columns, row, expected_row, strict=True):
            if column.type is not ColumnType.JSON:
                assert cell == value, (column.key, expected_row[1][:40])
                continue
            whole = json.loads(cell) if isinstance(cell, str) else cell
            assert whole
            assert value is None or whole == value, (column.key, expected_row[1][:40])


def in_json(value: Any) -> Any:
    """JSON escapes controls, so only what no text can hold is another."""
    if isinstance(value, dict):
        return {in_json(key): in_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [in_json(each) for each in value]
    return re.sub("[\ufffe\uffff]", REPLACEMENT, value) if isinstance(value, str) else value


def typed(kind: ColumnType, value: Any) -> Any:
    if kind is ColumnType.JSON:
        return in_json(value)
    return clean(value) if isinstance(value, str) else value


def as_csv(kind: ColumnType, value: Any) -> Any:
    if value is None:
        return None if kind is ColumnType.JSON else ""
    if kind is ColumnType.JSON:
        return typed(kind, value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(NEW_YORK).isoformat()
    return value.isoformat() if isinstance(value, date) else guard(clean(str(value)))


@needs_node
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv(hostile: Hostile, delimiter: str) -> None:
    """Read by node to the letter of RFC 4180, and by DuckDB; guarded cells, and they alone, are told and counted."""
    options = {"delimiter": delimiter, "header_labels": True}
    path, made = hostile.made(f"CSV.{ord(delimiter)}", format_options=options)
    head, *rows = csv_by_node(path, delimiter)
    assert head == [guard(column.label) for column in hostile.columns]
    wanted = expected(hostile, as_csv)
    compared(rows, wanted, hostile.columns)
    changed = [
        (cell, text)
        for row, texts in zip(rows, hostile.rows, strict=True)
        for cell, text in zip(row, texts, strict=True)
        if isinstance(text, str) and cell != text
    ]
    assert all(cell == guard(clean(text)) for cell, text in changed)
    labels = sum(guard(column.label) != column.label for column in hostile.columns)
    assert made.cells_changed >= len(changed) + labels > 200
    by_duckdb = [["" if cell is None else cell for cell in row] for row in csv_by_duckdb(path, delimiter)]
    assert by_duckdb == rows


@needs_node
def test_json_lines(hostile: Hostile) -> None:
    path, _ = hostile.made("JSON_LINES")
    lines = json_lines_by_node(path)
    assert {tuple(key for key, _ in line) for line in lines} == {tuple(column.key for column in hostile.columns)}

    def as_json(kind: ColumnType, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(NEW_YORK).isoformat()
        return value.isoformat() if isinstance(value, date) else typed(kind, value)

    compared([[value for _, value in line] for line in lines], expected(hostile, as_json), hostile.columns)


def test_parquet(hostile: Hostile) -> None:
    """DuckDB and pyarrow find the same, typed."""
    path, made = hostile.made("PARQUET")
    assert made.notes == ()

    def as_parquet(kind: ColumnType, value: Any) -> Any:
        return value.replace(microsecond=0) if isinstance(value, datetime) else typed(kind, value)

    wanted = expected(hostile, as_parquet)
    table = pq.read_table(path)
    compared([list(row.values()) for row in table.to_pylist()], wanted, hostile.columns)
    texts = [f'"{column.key}"' for column in hostile.columns if column.type is ColumnType.TEXT]
    found = parquet_by_duckdb(path, f"SELECT {', '.join(texts)} FROM parquet")
    assert [list(row) for row in found] == [
        [cell for column, cell in zip(hostile.columns, row, strict=True) if column.type is ColumnType.TEXT]
        for row in wanted
    ]


def as_sheet(kind: ColumnType, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(NEW_YORK).replace(tzinfo=None, microsecond=0)
    if isinstance(value, date):
        return value.isoformat() if value.year < 1900 else datetime(value.year, value.month, value.day)  # noqa: DTZ001
    return typed(kind, value)


def test_xlsx(hostile: Hostile) -> None:
    """openpyxl finds the same values and no formula; what a cell cannot hold is cut there, marked and counted."""
    path, made = hostile.made("XLSX.xlsx")
    with zipfile.ZipFile(path) as archive:
        for part in archive.namelist():
            assert b"<f>" not in archive.read(part)
            assert b"<f " not in archive.read(part)
    sheet = openpyxl.load_workbook(path)["Cases"]
    assert [unescape(str(cell.value)) for cell in sheet[1]] == [column.label for column in hostile.columns]
    long = 0
    for row, wanted in zip(sheet.iter_rows(min_row=2), expected(hostile, as_sheet), strict=True):
        for column, cell, value in zip(hostile.columns, row, wanted, strict=True):
            found = unescape(cell.value) if isinstance(cell.value, str) else cell.value
            assert cell.data_type != "f"
            if isinstance(found, str) and "[cut:" in found:
                long += 1
                assert len(found) == LONGEST
            elif column.type is not ColumnType.JSON:
                assert found == (value or None if isinstance(value, str) else value), column.key
            elif value is not None:
                assert json.loads(str(found)) == value
    assert long > 15
    assert sum(note.startswith(f"{long} cells were longer than") for note in made.notes) == 1


@needs_libre_office
def test_libre_office(hostile: Hostile) -> None:
    """A spreadsheet finds every text where it is, and no formula but its own for true and false."""
    for name, options in (("XLSX.xlsx", {}), ("CSV.csv", {"delimiter": ";"})):
        path, _ = hostile.made(name, format_options=options)
        opened = open_in_libre_office(path, options.get("delimiter", ""))
        assert set(opened.formulas) <= {"of:=TRUE()", "of:=FALSE()"}
        (sheet,) = (rows for title, rows in opened.sheets.items() if title != "About")
        rows = sheet[1 : len(WORST) + 1]
        for row, wanted in zip(rows, expected(hostile, as_csv if options else as_sheet), strict=True):
            for column, (kind, cell), value in zip(hostile.columns[:30], row, wanted, strict=False):
                # what looks like a number in CSV is one to a spreadsheet
                if column.type is ColumnType.TEXT and kind == "string" and len(value) < LONGEST:
                    assert _plain(cell) == _plain(value), column.key


def _plain(text: str) -> str:
    """Without what a spreadsheet does to blanks and line ends of its own accord."""
    return re.sub(r"[\s\x85\u2028\u2029\ufeff\u200b]+", "", text)


def test_pdf(hostile: Hostile) -> None:
    """PDFium finds all text that a typeface has; what none has is counted, and nothing is read as markup."""
    columns = [{"key": "outcome_reason", "label": "<b>&amp;"}, "note", "inv_1_finding_summary", "case_number"]
    path, made = hostile.made("PDF", column_config={"columns": columns})
    found = pdf_text(path)
    for text in WORST:
        settable = run_together(re.sub("[\u200b\u202e\ufeff]", "", clean(text).replace("\x7f", REPLACEMENT)))
        if text in SCRIPTS and not {"ß", "é", "王", "Д"} & set(text):
            continue  # the order of their letters is looked at in test_pdf_table
        if "\u0301\u0301" in text:
            continue  # PDFium tells marks on one another once; test_pdf_table counts them
        # what is longer than a page has labels and feet between its parts
        beginning = settable[:200]
        assert found.count(beginning) >= 4, text[:40]
    assert found.count("w") >= 4 * 3_000
    assert found.count("long") >= 4 * 8_000
    assert "<b>&amp;" in found
    assert any("letters are in none of the typefaces" in note for note in made.notes)
    assert any("higher than a page" in note for note in made.notes)
