"""CSV files (C9, C13; attack rows 30 to 34)."""

import csv
import hashlib
import io
import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.exports.columns import Column, ColumnType
from portal.exports.text_guard import clean, guard
from portal.exports.writers import ExportLimit, HashingFile, WriteOptions, writer_for
from tests.exports.test_text_guard import ANY_TEXT, LIVE
from tests.support.libre_office import needs_libre_office, open_in_libre_office

NEW_YORK = ZoneInfo("America/New_York")
STAMP = datetime(2026, 11, 2, 13, tzinfo=UTC)
TEXT = Column("note", "Note", ColumnType.TEXT)
ATTACKS = [*LIVE, ";=1", "+1", "-5", "1e5", 'a";=1+2;"', "a\t=1+2", "x,=1+2", "x\n=1+2"]


def write(columns, rows, *, page=2_000, on_rows=lambda _: None, **options):
    """The file's bytes and what the writer says of it."""
    out = io.BytesIO()
    pages = [rows[start : start + page] for start in range(0, len(rows), page)]
    written = writer_for("CSV").write(columns, pages, out, replace(WriteOptions(NEW_YORK, STAMP), **options), on_rows)
    return out.getvalue(), written


def read(data, delimiter=","):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True))


def one_column(kind, *values, **options):
    """The cells that values of one type become, beside a column that keeps lines from being empty."""
    data, _ = write([Column("v", "V", kind), TEXT], [(value, "x") for value in values], **options)
    return [row[0] for row in read(data)[1:]]


def test_values_are_written_as_the_contract_says():
    """C9: ISO 8601 with the zone's offset to the second, dates, true/false, nothing for nothing."""
    instant = datetime(2026, 11, 2, 13, 0, 0, 999_999, tzinfo=UTC)
    columns = [Column(kind.value, kind.value.title(), kind) for kind in ColumnType]
    row = ('Ü, "x"\ny', 3, Decimal("1.50"), date(2026, 11, 2), instant, True, '{"a":1}')
    data, written = write(columns, [row, (None,) * len(columns)])
    assert (
        data
        == (
            "text,integer,number,date,datetime,boolean,json\r\n"
            '"Ü, ""x""\ny",3,1.50,2026-11-02,2026-11-02T08:00:00-05:00,true,"{""a"":1}"\r\n'
            ",,,,,,\r\n"
        ).encode()
    )
    assert (written.rows, written.cells_changed) == (2, 0)


def test_header_shows_labels_and_the_file_a_byte_order_mark_when_asked():
    """C9"""
    data, _ = write(
        [TEXT, Column("n", "N; all", ColumnType.INTEGER)], [("a", 1)], bom=True, header_labels=True, delimiter=";"
    )
    assert data == '\ufeffNote;"N; all"\r\na;1\r\n'.encode()


@pytest.mark.parametrize(
    ("zone", "utc", "local"),
    [
        ("America/New_York", "2026-11-01 05:59:59.900000", "2026-11-01T01:59:59-04:00"),
        ("America/New_York", "2026-11-01 06:00:00", "2026-11-01T01:00:00-05:00"),
        ("Asia/Kolkata", "2026-03-31 23:45:10", "2026-04-01T05:15:10+05:30"),
        ("Asia/Kathmandu", "2026-03-31 18:15:00", "2026-04-01T00:00:00+05:45"),
        ("Australia/Lord_Howe", "2026-04-04 15:10:00", "2026-04-05T01:40:00+10:30"),
        ("UTC", "2026-12-31 23:59:59", "2026-12-31T23:59:59+00:00"),
        ("America/New_York", "0001-01-01 00:00:00", "0001-01-01T00:00:00+00:00"),
        ("Pacific/Kiritimati", "9999-12-31 23:59:59", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_instants_stand_in_the_schedules_zone(zone, utc, local):
    """C9: as stored text and as datetime; where the calendar ends, in UTC."""
    aware = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert one_column(ColumnType.DATETIME, utc, aware, zone=ZoneInfo(zone)) == [local, local]


@settings(deadline=None)
@given(
    st.datetimes(datetime.fromisoformat("1880-01-01"), datetime.fromisoformat("2100-01-01")),
    st.sampled_from(["America/New_York", "Europe/Dublin", "Africa/Casablanca", "Pacific/Apia", "America/St_Johns"]),
)
def test_every_instant_is_what_the_zone_says(naive, zone):
    """C9"""
    instant = naive.replace(tzinfo=UTC)
    neighbours = [instant + timedelta(minutes=minutes) for minutes in (0, 1, 59, 60, 1440)]
    expected = [each.replace(microsecond=0).astimezone(ZoneInfo(zone)).isoformat() for each in neighbours]
    assert one_column(ColumnType.DATETIME, *neighbours, zone=ZoneInfo(zone)) == expected


def test_values_of_another_type_than_the_column_are_told_as_they_are():
    """C9: stored 0 and 1 are booleans; equal values of different types are not taken for one another."""
    assert one_column(ColumnType.BOOLEAN, 1, True, 0, "maybe") == ["true", "true", "false", "maybe"]
    assert one_column(ColumnType.INTEGER, 1, True, 1.0, Decimal("1.00"), 1.5, 10**20) == ["1"] * 4 + [
        "1.5",
        str(10**20),
    ]
    assert one_column(ColumnType.NUMBER, 1, 1.0, Decimal("1.00"), -0.0, True, "-1+1") == [
        "1",
        "1.0",
        "1.00",
        "-0.0",
        "true",
        "'-1+1",
    ]
    assert one_column(ColumnType.TEXT, "1", 1, True, 1.5) == ["1", "1", "true", "1.5"]
    assert one_column(ColumnType.DATE, "2026-02-30", "=1", date(1, 1, 1)) == ["2026-02-30", "'=1", "0001-01-01"]
    assert one_column(ColumnType.DATETIME, "soon", '2026-11-02 13",=1+2', "2026-11-02") == [
        "soon",
        '2026-11-02 13",=1+2',
        "2026-11-02",
    ]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.none() | ANY_TEXT, st.none() | ANY_TEXT), max_size=12),
    st.sampled_from(",;"),
    st.integers(1, 5),
)
@example([("=1\0", "\ud800")], ",", 1)
def test_text_comes_back_as_it_was_but_for_the_guard(rows, delimiter, page):
    """C9, C13: and every cell that is not as it was is counted."""
    data, written = write([TEXT, Column("t", "T", ColumnType.JSON)], rows, page=page, delimiter=delimiter)
    expected = [[guard(clean(text or "")) for text in row] for row in rows]
    assert read(data, delimiter)[1:] == expected
    assert written.cells_changed == sum(
        made != (text or "")
        for cells, row in zip(expected, rows, strict=True)
        for made, text in zip(cells, row, strict=True)
    )


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=6))
def test_a_lone_empty_cell_is_still_a_row(texts):
    """C9: a reader would pass over an empty line."""
    data, _ = write([TEXT], [(text,) for text in texts])
    assert read(data)[1:] == [[guard(clean(text or ""))] for text in texts]


@pytest.mark.parametrize("repeating", [True, False])
def test_cells_are_the_same_and_counted_whether_texts_repeat_or_not(repeating):
    """C13: both ways through the writer, over many pages."""
    texts = [
        ("=1" if n % 10 == 0 else "a\0" if n % 10 == 1 else "b;c") + ("" if repeating else str(n)) for n in range(6_000)
    ]
    data, written = write([TEXT], [(text,) for text in texts], page=500)
    assert [row[0] for row in read(data)[1:]] == [guard(clean(text)) for text in texts]
    assert written.cells_changed == 1_200


def test_a_very_long_text_is_whole():
    """Attack row 32"""
    assert one_column(ColumnType.TEXT, "x" * 40_000) == ["x" * 40_000]


def test_headers_are_guarded_and_counted():
    """Attack row 30"""
    data, written = write([Column("k", "=1+2", ColumnType.TEXT)], [], header_labels=True)
    assert data == b"'=1+2\r\n"
    assert (written.rows, written.cells_changed) == (0, 1)


def test_no_column_is_refused_with_a_sentence():
    """Attack row 34"""
    with pytest.raises(ExportLimit, match="choose at least one"):
        write([], [])


def test_pages_of_any_size_make_the_same_bytes():
    """C9"""
    rows = [(f"{n};{'=' * (n % 3)}", n) for n in range(700)]
    columns = [TEXT, Column("n", "N", ColumnType.INTEGER)]
    assert write(columns, rows, page=1)[0] == write(columns, rows, page=700)[0]


def test_progress_is_told_after_each_page_and_may_end_the_writing():
    """B8"""
    told = []

    def on_rows(rows):
        told.append(rows)
        if rows == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write([TEXT], [("a",)] * 10, page=2, on_rows=on_rows)
    assert told == [2, 4]


def test_size_and_hash_are_of_the_bytes_written():
    """G1"""
    out = io.BytesIO()
    hashed = HashingFile(out)
    writer_for("CSV").write([TEXT], [[("ä",)] * 3] * 5, hashed, WriteOptions(NEW_YORK, STAMP), lambda _: None)
    assert (hashed.size, hashed.sha256) == (len(out.getvalue()), hashlib.sha256(out.getvalue()).hexdigest())


def peak_memory(format_name, rows):
    """Bytes at most in use while so many rows are written."""

    class Nowhere:
        def write(self, data):
            return len(data)

    columns = [TEXT, Column("n", "N", ColumnType.INTEGER), Column("at", "At", ColumnType.DATETIME)]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    pages = (
        [(f"text {page} {n}", n, begin + timedelta(minutes=page * 37 + n)) for n in range(500)]
        for page in range(rows // 500)
    )
    tracemalloc.start()
    try:
        writer_for(format_name).write(columns, pages, Nowhere(), WriteOptions(NEW_YORK, STAMP), lambda _: None)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_rows():
    """C13: 20 times the rows, at most half as much again."""
    peak_memory("CSV", 2_000)
    assert peak_memory("CSV", 40_000) < 1.5 * peak_memory("CSV", 2_000)


@needs_libre_office
@pytest.mark.parametrize(("delimiter", "separators"), [(",", ","), (";", ";"), (",", ",;\t"), (";", ",;\t")])
def test_libre_office_finds_no_formula(tmp_path, delimiter, separators):
    """Attack row 30: split at the file's delimiter, and at all that a spreadsheet may be set to split at."""
    path = tmp_path / "export.csv"
    columns = [Column("a", "=1+2", ColumnType.TEXT), Column("b", ";=1", ColumnType.TEXT), TEXT]
    data, written = write(columns, [(text, text, "end") for text in ATTACKS], delimiter=delimiter, header_labels=True)
    path.write_bytes(data)
    opened = open_in_libre_office(path, separators)
    assert opened.formulas == []
    assert [row[2] for row in opened.sheets["export"]][1:] == [("string", "end")] * len(ATTACKS)
    assert written.cells_changed == 2 * len(LIVE) + 1


@needs_libre_office
def test_libre_office_would_find_what_is_not_guarded(tmp_path):
    """Attack row 30: the test above can fail."""
    path = tmp_path / "export.csv"
    path.write_text("a,b\r\n=1+2,x\r\n")
    assert open_in_libre_office(path, ",").formulas == ["of:=1+2"]


def test_the_guard_can_be_set_aside_for_programs_that_read_the_file():
    """DUEPOST_CSV_GUARD: then text comes back as it is, still cleaned."""
    assert one_column(ColumnType.TEXT, "=1+1", "+1 555", "a\x00b", guarded=False) == ["=1+1", "+1 555", "a\ufffdb"]
    assert one_column(ColumnType.TEXT, "=1+1") == ["'=1+1"]
