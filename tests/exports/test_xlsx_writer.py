"""XLSX files (C10, C13, G1; attack rows 30 to 34)."""

import hashlib
import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl.styles.numbers import is_date_format
from openpyxl.utils.escape import unescape

from portal.exports.columns import Column, ColumnType
from portal.exports.text_guard import clean
from portal.exports.writers import ExportLimit, HashingFile, WriteOptions, writer_for, xlsx, zip_stream
from portal.exports.writers.locale_formats import sheet_formats
from portal.exports.writers.workbook import WHERE_THE_HASH_IS
from tests.exports.test_csv_writer import ATTACKS, peak_memory
from tests.exports.test_text_guard import ANY_TEXT
from tests.support.libre_office import needs_libre_office, open_in_libre_office

NEW_YORK = ZoneInfo("America/New_York")
STAMP = datetime(2026, 11, 2, 13, tzinfo=UTC)
EIGHT_IN_NEW_YORK = datetime.fromisoformat("2026-11-02 08:00:00")
TEXT = Column("note", "Note", ColumnType.TEXT)
LONGEST = 32_767


def write(columns, rows, *, page=2_000, on_rows=lambda _: None, **options):
    """The file's bytes and what the writer says of it."""
    out = io.BytesIO()
    pages = [rows[start : start + page] for start in range(0, len(rows), page)]
    asked = replace(WriteOptions(NEW_YORK, STAMP), **options)
    written = writer_for("XLSX").write(columns, pages, out, asked, on_rows)
    return out.getvalue(), written


def book(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def rows_of(data, sheet="Cases"):
    return [list(row) for row in book(data)[sheet].iter_rows(min_row=2, values_only=True)]


def one_column(kind, *values, **options):
    """What openpyxl reads where values of one type were written."""
    data, _ = write([Column("v", "V", kind), TEXT], [(value, "x") for value in values], **options)
    return [row[0] for row in rows_of(data)]


def cover_of(data):
    return {row[0]: row[1] for row in book(data)["About"].iter_rows(values_only=True) if row[0] is not None}


def test_cells_have_the_types_of_their_values():
    """C10: dates are dates, numbers are numbers, booleans are booleans; nothing is an empty cell."""
    columns = [Column(kind.value, kind.value.title(), kind) for kind in ColumnType]
    row = ('Ü <&> "x"\ny ', 3, Decimal("1.50"), date(2026, 11, 2), STAMP, True, '{"a":1}')
    data, written = write(columns, [row, ("only text", *[None] * 6)])
    first, second = rows_of(data)
    assert first == [row[0], 3, 1.5, datetime(2026, 11, 2), EIGHT_IN_NEW_YORK, True, '{"a":1}']  # noqa: DTZ001
    assert [type(value) for value in first[1:3]] == [int, float]
    assert second == ["only text", *[None] * 6]
    formats = [cell.number_format for cell in book(data)["Cases"][2]]
    assert (formats[3], formats[4]) == ("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")
    assert (written.rows, written.cells_changed, written.cells_cut, written.notes) == (2, 0, 0, ())


def test_header_is_styled_frozen_filtered_and_wide_enough():
    """C10"""
    columns = [TEXT, Column("at", "Created At", ColumnType.DATETIME)]
    sheet = book(write(columns, [("x" * 30, STAMP), ("y" * 500, None)])[0])["Cases"]
    assert [cell.value for cell in sheet[1]] == ["Note", "Created At"]
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:B3"
    assert [sheet.column_dimensions[letter].width for letter in "AB"] == [60, 22]


@pytest.mark.parametrize(
    ("locale", "day", "moment", "whole", "share"),
    [
        ("", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "General", "0.0%"),
        ("en_US", r"m\/d\/yyyy", r"m\/d\/yyyy h:mm:ss AM/PM", "#,##0", "0.0%"),
        ("de_DE", r"d\.m\.yyyy", r"d\.m\.yyyy hh:mm:ss", "#,##0", "0.0\xa0%"),
        ("sv_SE", r"yyyy\-mm\-dd", r"yyyy\-mm\-dd hh:mm:ss", "#,##0", "0.0\xa0%"),
    ],
)
def test_numbers_and_dates_look_as_the_place_writes_them(locale, day, moment, whole, share):
    """C10: the values are the same; a column's own number format goes before the place's."""
    kinds = [ColumnType.DATE, ColumnType.DATETIME, ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.NUMBER]
    columns = [Column(f"c{n}", f"C{n}", kind) for n, kind in enumerate(kinds)]
    columns[3] = replace(columns[3], number_format="0.0%")
    columns.append(Column("sum", "Sum", ColumnType.NUMBER, number_format='"€" #,##0.00'))
    data, _ = write(columns, [(date(2026, 11, 2), STAMP, 1234, 0.25, 1.5, 12.5), (None, None, "x", None, None, "y")],
                    locale=locale)  # fmt: skip
    cells, texts = book(data)["Cases"].iter_rows(min_row=2)
    assert [cell.value for cell in cells[1:]] == [EIGHT_IN_NEW_YORK, 1234, 0.25, 1.5, 12.5]
    assert [cell.number_format for cell in cells] == [day, moment, whole, share, "General", '"€" #,##0.00']
    assert (texts[2].value, texts[5].value) == ("x", "y")


@pytest.mark.parametrize(
    "locale", ["ar_EG", "bg_BG", "fa_IR", "fi_FI", "hi_IN", "hu_HU", "ja_JP", "ko_KR", "th_TH", "zh_CN"]
)
def test_every_place_has_formats_a_workbook_knows(locale):
    """C10: openpyxl, which goes by the signs alone, takes them for dates."""
    formats = sheet_formats(locale)
    assert is_date_format(formats.day)
    assert is_date_format(formats.moment)
    assert {"yyyy", "d", "m"} <= set(re.findall(r"yyyy|d|m", formats.day))


def test_sheet_parts_stand_in_the_order_of_the_format():
    """C10: Excel repairs a sheet whose parts stand in another order."""
    with zipfile.ZipFile(io.BytesIO(write([TEXT], [("a",)])[0])) as archive:
        xml = archive.read("xl/worksheets/sheet2.xml").decode()
    order = [
        xml.index(f"<{part}")
        for part in ("sheetPr", "sheetViews", "sheetFormatPr", "cols", "sheetData", "autoFilter", "pageMargins")
    ]
    assert order == sorted(order)
    assert xml.count("<sheetData>") == xml.count("</sheetData>") == 1


@pytest.mark.parametrize(
    ("zone", "utc", "wall"),
    [
        ("America/New_York", "2026-11-01 05:59:59.900000", "2026-11-01 01:59:59"),
        ("America/New_York", "2026-11-01 06:00:00", "2026-11-01 01:00:00"),
        ("Asia/Kathmandu", "2026-03-31 18:15:00", "2026-04-01 00:00:00"),
        ("UTC", "1900-03-01 00:00:00", "1900-03-01 00:00:00"),
        ("UTC", "2000-02-29 23:59:59", "2000-02-29 23:59:59"),
        ("UTC", "9999-12-31 23:59:59", "9999-12-31 23:59:59"),
    ],
)
def test_instants_are_wall_times_of_the_zone(zone, utc, wall):
    """C10: as stored text and as datetime."""
    aware = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    read = one_column(ColumnType.DATETIME, utc, aware, zone=ZoneInfo(zone))
    assert read == [datetime.fromisoformat(wall)] * 2


@settings(max_examples=40, deadline=None)
@given(
    st.datetimes(datetime.fromisoformat("1900-03-02"), datetime.fromisoformat("2200-01-01")),
    st.sampled_from(["America/New_York", "Asia/Kolkata"]),
)
def test_every_instant_is_what_the_zone_says(naive, zone):
    """C10"""
    neighbours = [naive.replace(tzinfo=UTC) + timedelta(minutes=minutes) for minutes in (0, 1, 59, 60, 1440)]
    expected = [each.astimezone(ZoneInfo(zone)).replace(tzinfo=None, microsecond=0) for each in neighbours]
    assert one_column(ColumnType.DATETIME, *neighbours, zone=ZoneInfo(zone)) == expected


def test_days_the_format_does_not_know_are_text():
    """Attack row 33: before March 1900 programs disagree on the calendar; past its end there is none."""
    assert one_column(ColumnType.DATE, date(1, 1, 1), "1900-02-28", "9999-12-31", "2026-02-30", "2026-W01-1") == [
        "0001-01-01", "1900-02-28", datetime(9999, 12, 31), "2026-02-30", "2026-W01-1",  # noqa: DTZ001
    ]  # fmt: skip
    assert one_column(ColumnType.DATETIME, "0001-01-01 00:00:00", "soon", "2026-11-02 13<&") == [
        "0001-01-01T00:00:00+00:00",
        "soon",
        "2026-11-02 13<&",
    ]
    assert one_column(ColumnType.DATETIME, "9999-12-31 23:00:00", zone=ZoneInfo("Pacific/Kiritimati")) == [
        "9999-12-31T23:00:00+00:00"
    ]


def test_numbers_a_workbook_would_round_are_text():
    """Attack row 31: a workbook keeps 15 digits."""
    assert one_column(ColumnType.INTEGER, 123456789012345, 1234567890123456, True, 2.0) == [
        123456789012345,
        "1234567890123456",
        1,
        2,
    ]
    numbers = [-5, 1e5, 0.1, Decimal("1E+3"), Decimal("0.12345678901234567"), float("nan"), float("inf"), 1e308]
    assert one_column(ColumnType.NUMBER, *numbers) == [
        -5,
        1e5,
        0.1,
        1000.0,
        "0.12345678901234567",
        "nan",
        "inf",
        "1e+308",
    ]


def test_values_of_another_type_than_the_column_are_told_as_they_are():
    """C10"""
    assert one_column(ColumnType.BOOLEAN, 1, True, 0, "maybe") == [True, True, False, "maybe"]
    assert one_column(ColumnType.TEXT, "1", 1, True, 1.5) == ["1", 1, True, 1.5]


def test_text_is_text_whatever_it_looks_like():
    """Attack rows 30, 31: nothing is a formula, an error or a number; nothing is changed."""
    texts = [
        *ATTACKS,
        "00123",
        "1234567890123456",
        "3-4",
        "#N/A",
        "TRUE",
        "  spaces  ",
        "'x",
        "<b>&amp;",
        "a\r\nb",
        "\r",
    ]
    data, written = write([TEXT], [(text,) for text in texts])
    cells = [row[0] for row in book(data)["Cases"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == texts
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}
    assert written.cells_changed == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.none() | ANY_TEXT, st.none() | ANY_TEXT), min_size=1, max_size=8), st.integers(1, 5))
@example([("=1\0", "_x000D_")], 1)
@example([("_x005F_x000D_", "_x")], 1)
def test_text_comes_back_as_it_was(rows, page):
    """C13: but for characters no file can hold, which are replaced and counted."""
    data, written = write(
        [TEXT, Column("t", "T", ColumnType.JSON), Column("n", "N", ColumnType.INTEGER)],
        [(*row, 1) for row in rows],
        page=page,
    )
    # openpyxl leaves the format's escapes to its caller.
    read = [[unescape(text or "") for text in row[:2]] for row in rows_of(data)]
    assert read == [[clean(text or "") for text in row] for row in rows]
    assert written.cells_changed == sum(clean(text) != text for row in rows for text in row if text)


@pytest.mark.parametrize("repeating", [True, False])
def test_cells_are_the_same_and_counted_whether_texts_repeat_or_not(repeating):
    """C13: both ways through the writer, over many pages."""
    texts = [
        ("a\0" if n % 10 == 0 else "<&>" if n % 10 == 1 else "b") + ("" if repeating else str(n)) for n in range(4_000)
    ]
    data, written = write([TEXT], [(text,) for text in texts], page=500)
    assert [row[0] for row in rows_of(data)] == [clean(text) for text in texts]
    assert written.cells_changed == 400


@pytest.mark.parametrize(
    ("text", "whole"),
    [("x" * LONGEST, True), ("x" * (LONGEST + 1), False), ("🙂" * 16_383, True), ("🙂" * 16_384, False)],
)
@pytest.mark.parametrize("repeating", [True, False])
def test_a_text_too_long_for_a_cell_is_cut_and_said(text, whole, repeating):
    """Attack row 32: in the cell, in the result and on the cover; never in silence."""
    before = [("short" if repeating else f"short {n}",) for n in range(2_500)]
    data, written = write([TEXT], [*before, (text,)], page=500)
    read = rows_of(data)[-1][0]
    assert len(read.encode("utf-16-le")) <= 2 * LONGEST
    assert (read == text) == whole
    assert written.cells_cut == (0 if whole else 1)
    if not whole:
        assert read.endswith(f"… [cut: {len(text):,} characters in all; CSV holds the whole text]")
        assert cover_of(data)["Note"] == written.notes[0]
        assert "1 cell was longer than the 32,767 characters" in written.notes[0]


def test_cover_holds_the_evidence_known_only_at_the_end():
    """G1: typed, the count of the rows written, and where to find what a file cannot hold."""

    def cover(written):
        return [
            ("Rows", written.rows), ("Generated at", STAMP), ("Filters", "=1+2"), ("Share", 0.5),
            ("Day", date(2026, 1, 5)), ("Whole", True), ("Name\0", "_x0041_ #N/A"), ("Nothing", None),
        ]  # fmt: skip

    data, _ = write([TEXT], [("a",)] * 7, page=2, cover=cover, title="Open cases")
    assert book(data).sheetnames == ["About", "Cases"]
    told = cover_of(data)
    assert next(iter(told)) == "Open cases"
    assert list(told)[-1] == WHERE_THE_HASH_IS
    assert (told["Rows"], told["Generated at"], told["Share"], told["Whole"]) == (
        7,
        EIGHT_IN_NEW_YORK,
        0.5,
        True,
    )
    assert (told["Filters"], told["Name\ufffd"], told["Nothing"]) == ("=1+2", "_x005F_x0041_ #N/A", None)
    assert {cell.data_type for row in book(data)["About"] for cell in row} <= {"s", "inlineStr", "n", "d", "b"}


def test_properties_say_the_title_and_the_product_and_nothing_of_the_moment():
    """G1: the same rows and options make the same bytes."""
    first, again = (write([TEXT], [("a",)], title="Open <cases>")[0] for _ in range(2))
    assert first == again
    properties = book(first).properties
    assert (properties.creator, properties.title) == ("Duepost", "Open <cases>")
    assert properties.created == properties.modified == STAMP.replace(tzinfo=None)
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 2, 13, 0, 0)}


@pytest.mark.parametrize(
    ("wanted", "given_name"),
    [
        ("=1+2", "=1+2"),
        ("a/b:c?[d]*\\", "a b c  d"),
        ("x" * 40, "x" * 31),
        ("'", "Data"),
        ("about", "about data"),
        ("🙂" * 20, "🙂" * 15),
    ],
)
def test_sheet_names_are_such_as_a_tab_may_bear(wanted, given_name):
    """Attack row 30"""
    assert book(write([TEXT], [], sheet_name=wanted)[0]).sheetnames == ["About", given_name]


def test_an_export_without_rows_is_a_whole_file():
    """Attack row 34"""
    data, written = write([TEXT], [])
    assert rows_of(data) == []
    assert book(data)["Cases"].auto_filter.ref == "A1:A1"
    assert written.rows == 0


def test_rows_beyond_a_sheet_go_on_to_further_sheets(monkeypatch):
    """Attack row 34: with the limit set low; each sheet has the header, and result and cover say it."""
    monkeypatch.setattr(xlsx, "MOST_ROWS", 11)
    data, written = write([Column("n", "N", ColumnType.INTEGER)], [(n,) for n in range(25)], page=7)
    names = ["Cases", "Cases 2", "Cases 3"]
    assert book(data).sheetnames == ["About", *names]
    assert [value for name in names for (value,) in rows_of(data, name)] == list(range(25))
    assert [book(data)[name].auto_filter.ref for name in names] == ["A1:A11", "A1:A11", "A1:A6"]
    assert [book(data)[name]["A1"].value for name in names] == ["N"] * 3
    assert written.rows == 25
    told = "The rows fill 3 sheets (Cases to Cases 3), because a sheet holds no more than 10 of them."
    assert (written.notes, cover_of(data)["Note"]) == ((told,), told)
    assert [book(data)[name].freeze_panes for name in names] == ["A2"] * 3


def test_a_full_sheet_is_not_followed_by_an_empty_one(monkeypatch):
    """Attack row 34"""
    monkeypatch.setattr(xlsx, "MOST_ROWS", 11)
    assert book(write([TEXT], [("a",)] * 10)[0]).sheetnames == ["About", "Cases"]


@pytest.mark.parametrize("count", [0, 16_385])
def test_too_many_columns_and_none_are_refused_with_a_sentence(count):
    """Attack row 34"""
    with pytest.raises(ExportLimit, match="choose"):
        write([Column(f"c{n}", f"C{n}", ColumnType.TEXT) for n in range(count)], [])


def test_the_last_column_a_sheet_can_have_is_written():
    """Attack row 34"""
    columns = [Column(f"c{n}", f"C{n}", ColumnType.INTEGER) for n in range(16_384)]
    with zipfile.ZipFile(io.BytesIO(write(columns, [tuple(range(16_384))])[0])) as archive:
        assert b'<c r="XFD2"><v>16383</v></c></row></sheetData>' in archive.read("xl/worksheets/sheet2.xml")


def test_an_archive_that_grows_too_large_is_refused_with_a_sentence(monkeypatch):
    """C13"""
    monkeypatch.setattr(zip_stream, "LARGEST", 5_000)
    with pytest.raises(ExportLimit, match="choose CSV"):
        write([TEXT], [(hashlib.sha256(str(n).encode()).hexdigest(),) for n in range(2_000)])


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
    """G1: a zip written forwards only, whose entries are whole."""
    out = io.BytesIO()
    hashed = HashingFile(out)
    writer_for("XLSX").write([TEXT], [[("ä",)] * 3] * 5, hashed, WriteOptions(NEW_YORK, STAMP), lambda _: None)
    assert (hashed.size, hashed.sha256) == (len(out.getvalue()), hashlib.sha256(out.getvalue()).hexdigest())
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None


def test_memory_does_not_grow_with_the_rows():
    """C13: 20 times the rows, at most half as much again."""
    peak_memory("XLSX", 2_000)
    assert peak_memory("XLSX", 40_000) < 1.5 * peak_memory("XLSX", 2_000)


@needs_libre_office
def test_libre_office_reads_what_was_written_and_finds_no_formula(tmp_path):
    """C10, attack row 30"""
    kinds = [ColumnType.TEXT, ColumnType.NUMBER, ColumnType.DATE, ColumnType.DATETIME, ColumnType.BOOLEAN]
    columns = [Column(kind.value, "=1+2", kind) for kind in kinds]
    texts = [text for text in [*ATTACKS, "_x000D_", "#N/A", "00123", "a  b"] if not re.search("[\t\r\n]", text)]
    rows = [(text, -1.5, date(2026, 11, 2), STAMP, True) for text in texts]
    path = tmp_path / "export.xlsx"
    path.write_bytes(
        write(columns, rows, sheet_name="=1+2", cover=lambda written: [("=1+2", "=1+2"), ("Rows", written.rows)])[0]
    )
    opened = open_in_libre_office(path)
    # It holds every real boolean of a workbook as this formula, whoever wrote it.
    assert set(opened.formulas) == {"of:=TRUE()"}
    assert len(opened.formulas) == len(rows)
    typed = [("float", "-1.5"), ("date", "2026-11-02"), ("date", "2026-11-02T08:00:00")]
    assert [row[:4] for row in opened.sheets["=1+2"][1 : len(rows) + 1]] == [
        [("string", text), *typed] for text in texts
    ]
    assert [row[:2] for row in opened.sheets["About"] if row[0] == ("string", "Rows")] == [
        [("string", "Rows"), ("float", str(len(rows)))]
    ]
