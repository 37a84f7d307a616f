"""JSON lines and Parquet (C8, C13), reopened by readers that are none of ours."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.exports.columns import Column, ColumnType
from portal.exports.text_guard import clean
from portal.exports.writers import WriteOptions, writer_for
from portal.exports.writers.parquet import GROUP_ROWS
from tests.exports.test_text_guard import ANY_TEXT, LIVE

NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
NOON = datetime(2026, 11, 2, 13, 0, 0, 999_999, tzinfo=UTC)
COLUMNS = [Column(kind.value, kind.value.title(), kind) for kind in ColumnType]
ROW = ('Ü, "x"\ny', 3, Decimal("1.50"), date(2026, 11, 2), NOON, True, '{"a":1}')
NOTHING = (None,) * len(COLUMNS)
INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001  # bounds


def write(format_name, columns, rows, *, page=2_000, zone=NEW_YORK):
    """The file's bytes, and what the writer says of it."""
    out = io.BytesIO()
    pages = [rows[start : start + page] for start in range(0, len(rows), page)]
    options = WriteOptions(zone, NOON, title="Open cases")
    written = writer_for(format_name).write(columns, pages, out, options, lambda _rows: None)
    return out.getvalue(), written


def lines(data):
    return [json.loads(line) for line in data.decode().split("\n") if line]


def table(data):
    return pq.read_table(io.BytesIO(data))


def test_a_json_line_has_typed_values_under_the_columns_keys():
    data, written = write("JSON_LINES", COLUMNS, [ROW, NOTHING])
    assert data.decode().split("\n") == [
        (
            '{"text":"Ü, \\"x\\"\\ny","integer":3,"number":1.50,"date":"2026-11-02",'
            '"datetime":"2026-11-02T08:00:00-05:00","boolean":true,"json":{"a":1}}'
        ),
        '{"text":null,"integer":null,"number":null,"date":null,"datetime":null,"boolean":null,"json":null}',
        "",
    ]
    assert (written.rows, written.cells_changed) == (2, 0)


def test_what_does_not_fit_its_type_is_a_string_in_json_lines():
    rows = [("x", "4", float("nan"), "soon", "later", "yes", '{"a":'), ("x", 1, 1, "2026-11-02", NOON, 1, "NaN")]
    first, second = lines(write("JSON_LINES", COLUMNS, rows)[0])
    assert list(first.values())[1:] == ["4", "nan", "soon", "later", "yes", '{"a":']
    assert (second["boolean"], second["json"]) == (True, "NaN")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=8))
def test_any_text_comes_back_from_both_formats(rows):
    """C13: nothing is lost but what UTF-8 cannot hold, and a line of JSON stays one line."""
    columns = [Column("first%s", "First", ColumnType.TEXT), Column("second", "Second", ColumnType.TEXT)]
    wanted = [tuple(clean(text) for text in row) for row in rows]
    data, written = write("JSON_LINES", columns, rows, page=3)
    assert data.count(b"\n") == len(rows)
    assert [tuple(each.values()) for each in lines(data)] == wanted
    assert written.cells_changed == sum(clean(text) != text for row in rows for text in row)
    data, in_parquet = write("PARQUET", columns, rows, page=3)
    assert [tuple(row.values()) for row in table(data).to_pylist()] == wanted
    assert in_parquet.cells_changed == written.cells_changed


@settings(max_examples=60, deadline=None)
@given(st.lists(INSTANTS, min_size=1, max_size=8), st.sampled_from([NEW_YORK, KATHMANDU]))
def test_instants_are_the_same_to_the_second_in_both_formats(instants, zone):
    columns = [Column("at", "At", ColumnType.DATETIME)]
    wanted = [instant.replace(microsecond=0) for instant in instants]
    for shape in (lambda at: at, lambda at: str(at.replace(tzinfo=None))):  # as PostgreSQL and as SQLite give them
        rows = [(shape(at),) for at in instants]
        in_json = lines(write("JSON_LINES", columns, rows, zone=zone)[0])
        assert [datetime.fromisoformat(each["at"]).astimezone(UTC) for each in in_json] == wanted
        in_parquet = table(write("PARQUET", columns, rows, zone=zone)[0])
        assert in_parquet["at"].cast("int64").to_pylist() == [
            (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for at in wanted
        ]


def test_parquet_has_typed_columns_that_other_engines_read(tmp_path):
    """C8: DuckDB, which shares no code with the writer, finds types and values."""
    data, written = write("PARQUET", COLUMNS, [ROW, NOTHING])
    assert written.notes == ()
    file = tmp_path / "cases.parquet"
    file.write_bytes(data)
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
        query = f"SELECT * REPLACE (epoch_us(datetime) AS datetime) FROM '{file}'"  # the test's own path
        first, second = connection.execute(query).fetchall()
    types = ["VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "VARCHAR"]
    assert [column[1] for column in described] == types
    at = (NOON.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert first == ('Ü, "x"\ny', 3, 1.5, date(2026, 11, 2), at, True, '{"a":1}')
    assert second == NOTHING


def test_parquet_says_how_many_values_did_not_fit():
    rows = [(7, "4", "a", "soon", "later", "yes", "x"), ("x", 2**63, 1.5, "2026-11-02", NOON, 2, None)]
    data, written = write("PARQUET", COLUMNS, rows)
    assert written.notes == ("7 values did not fit the type of the column, so the cell is empty.",)
    first, second = table(data).to_pylist()
    assert (first["text"], first["number"], second["number"], second["date"]) == ("7", None, 1.5, date(2026, 11, 2))


@pytest.mark.parametrize("text", LIVE)
def test_no_format_of_data_changes_what_a_spreadsheet_would_run(text):
    """C13: these formats have types, so a text stays a text and needs no mark before it."""
    columns = [Column("note", "Note", ColumnType.TEXT)]
    assert lines(write("JSON_LINES", columns, [(text,)])[0]) == [{"note": text}]
    assert table(write("PARQUET", columns, [(text,)])[0]).to_pylist() == [{"note": text}]


@pytest.mark.parametrize("format_name", ["JSON_LINES", "PARQUET"])
def test_the_same_rows_make_the_same_bytes_however_they_are_paged(format_name):
    columns = [Column("n", "N", ColumnType.INTEGER), Column("note", "Note", ColumnType.TEXT)]
    rows = [(number, f"note {number % 7}") for number in range(GROUP_ROWS + 5)]
    first, written = write(format_name, columns, rows)
    again, _ = write(format_name, columns, rows, page=777)
    assert first == again
    assert written.rows == len(rows)


def test_parquet_is_written_a_group_of_rows_at_a_time():
    columns = [Column("n", "N", ColumnType.INTEGER)]
    data, _ = write("PARQUET", columns, [(number,) for number in range(GROUP_ROWS + 5)])
    groups = pq.ParquetFile(io.BytesIO(data)).metadata
    assert [groups.row_group(each).num_rows for each in range(groups.num_row_groups)] == [GROUP_ROWS, 5]


@pytest.mark.parametrize("format_name", ["JSON_LINES", "PARQUET"])
def test_no_rows_make_a_file_that_opens(format_name):
    data, written = write(format_name, COLUMNS, [])
    assert written.rows == 0
    assert (lines(data) if format_name == "JSON_LINES" else table(data).to_pylist()) == []
