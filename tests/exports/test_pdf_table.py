"""Tables as PDF (C12, C13; attack rows 34 to 36), reopened by pypdf."""

import io
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pypdf
import pytest

from portal.exports import limits
from portal.exports.columns import Column, ColumnType
from portal.exports.limits import PDF_COLUMNS, PDF_ROWS
from portal.exports.writers import ExportLimit, PageWords, WriteOptions, writer_for

STAMP = datetime(2026, 11, 2, 13, tzinfo=UTC)
TEXT = Column("note", "Note", ColumnType.TEXT)
WORDS = PageWords("Lakeside Health", "1 to 31 October 2026", "New York time", "Run 3f1c0d1e", ("Status OPEN",))
OPTIONS = WriteOptions(ZoneInfo("America/New_York"), STAMP, title="Open cases", page_words=WORDS)


def write(columns, rows, *, page=2_000, **options):
    """The file's bytes and what the writer says of it."""
    out = io.BytesIO()
    pages = [rows[start : start + page] for start in range(0, len(rows), page)]
    written = writer_for("PDF").write(columns, pages, out, replace(OPTIONS, **options), lambda _: None)
    return out.getvalue(), written


def texts(data):
    """The text of each page."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]


def run_together(text):
    """Without the blanks and line ends at which lines were broken, letters in their plain shapes."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


def test_every_page_has_the_labels_and_says_what_it_is_a_page_of():
    """C12"""
    columns = [TEXT, Column("n", "Days open", ColumnType.INTEGER)]
    data, written = write(columns, [(f"case {n}", n) for n in range(200)], cover=lambda done: [("Rows", done.rows)])
    pages = texts(data)
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"Page{number}of{len(pages)}Confidential" in run_together(page)
        assert "Lakeside Health · Open cases\n1 to 31 October 2026 · New York time · Run 3f1c0d1e" in page
    assert all("Note" in page and "Days open" in page for page in pages[:-1])
    assert "Status OPEN" in pages[0]
    assert "About this file" in pages[-1]
    assert "Rows200" in run_together(pages[-1])
    assert written.rows == 200
    told = "\n".join(pages)
    assert all(f"case {n} {n}\n" in told for n in range(200))


def test_the_file_says_what_it_is_and_the_same_rows_make_the_same_bytes():
    """C12, G1"""
    first, again = (write([TEXT], [("a",)] * 50)[0] for _ in range(2))
    assert first == again
    reader = pypdf.PdfReader(io.BytesIO(first))
    assert (reader.metadata.title, reader.metadata.author) == ("Open cases", "Lakeside Health")
    assert str(reader.root_object["/Lang"]) == "en"
    assert [entry.title for entry in reader.outline] == ["Open cases", "About this file"]


def test_values_are_written_for_people():
    """C12"""
    columns = [Column(kind.value, kind.value.title(), kind) for kind in ColumnType]
    row = ("Ü", 3, Decimal("1.50"), date(2026, 11, 2), "2026-11-02 13:00:00.900000", 0, '{"a":1}')
    page = texts(write(columns, [row, (None,) * len(columns)])[0])[0]
    assert "Ü 3 1.50 2026-11-02 2026-11-02 08:00:00 No" in page
    assert '{"a":1}' in page
    assert "None" not in page


MARKUP = [
    "<img src=file:///etc/passwd>", "http://169.254.169.254", '<font color="[[[..]]]">red</font>', "@import url(x)",
    "<pdf:nextpage/>", "<svg><script>1</script></svg>", "</para><br/>", "&lt;b&gt; &amp; <b>", "=cmd|' /C calc'!A0",
    "a\\(b) (c\\", "{{7*7}} %s %(x)s",
]  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_text(text):
    """Attack row 35: printed as it is; the file holds no picture, no link and nothing embedded."""
    data, _ = write([TEXT, replace(TEXT, label=text)], [(text, text)], title=text)
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert run_together(reader.pages[0].extract_text()).count(run_together(text)) >= 3
    assert not any(page.images or page.annotations for page in reader.pages)
    assert "/Names" not in reader.root_object


@pytest.mark.parametrize(
    "text",
    [
        "Łukasz Żółć",
        "Дмитро Їжак",
        "Ελένη Παπαδοπούλου",
        "王小明 李",
        "山田 太郎",
        "김영희",
        "אברהם",
        "ﬁle – “quoted” … €",
        "a\u0301e\u0301",
        "z" + "\u0301" * 1_000,
    ],
)
def test_all_scripts_are_printed(text):
    """Attack row 36"""
    data, written = write([TEXT], [(text,)])
    assert run_together(text) in run_together(texts(data)[0])
    assert written.notes == ()


def test_arabic_is_joined_and_reads_from_right_to_left():
    """Attack row 36: drawn in the letters' joined shapes, the first letter of the line at the right."""
    data, written = write([TEXT], [("فاطمة الزهراء 42",)])
    assert written.notes == ()
    found = texts(data)[0]
    assert any("\ufe70" <= letter <= "\ufefe" for letter in found)
    assert run_together("فاطمة") in run_together(found)


def test_letters_that_no_typeface_has_are_named_or_marked_and_counted():
    """Attack rows 33, 36"""
    data, written = write([TEXT], [("fine 🙂👍🏽",), ("नमस्ते",), ("a\0b\ud800\ufffe\x0b",)])
    found = run_together("".join(texts(data)))
    assert "fine[slightlysmilingface][thumbsupsign]" in found
    assert "a\ufffdb\ufffd\ufffd\ufffd" in found
    assert "letters are in none of the typefaces" in written.notes[0]


def test_what_is_longer_than_a_line_or_a_page_goes_on():
    """Attack rows 32, 36: nothing is cut, and a row that needs more than a page is said."""
    word = "".join(chr(ord("a") + n % 26) for n in range(3_000))
    long = " ".join(f"word{n}" for n in range(3_000))
    data, written = write([TEXT, replace(TEXT, key="b")], [("before", "x"), (long, word), ("after", "y")])
    body = [page.split("Lakeside Health")[0] for page in texts(data)[1:-1]]
    found = "".join(texts(data))
    assert all(re.search(rf"\bword{n}\b", found) for n in range(3_000))
    assert len(body) > 3
    assert word in run_together(_column(data, 1))
    assert written.notes == ("1 row is higher than a page and goes on on the next.",)
    assert found.index("after") > found.index("word2999")


def _column(data, number):
    """What stands in one of two columns of equal type, in order."""
    found = []
    for page in pypdf.PdfReader(io.BytesIO(data)).pages[:-1]:
        middle = float(page.mediabox.width) / 2

        def look(text, _cm, tm, _font, _size, middle=middle):
            in_body = tm[5] > 66 and text.strip() not in ("", "Note")
            if in_body and (tm[4] > middle) == bool(number):
                found.append(text)

        page.extract_text(visitor_text=look)
    return "".join(found)


@pytest.mark.parametrize(
    ("count", "locale", "size"),
    [(3, "de_DE", (595, 842)), (8, "de_DE", (842, 595)), (8, "en_US", (792, 612)), (40, "en_US", (1224, 792))],
)
def test_wide_tables_lie_across(count, locale, size):
    """C12: on the paper of the place; twice as large where a table is very wide, which is said."""
    columns = [Column(f"c{n}", f"Column {n}", ColumnType.TEXT) for n in range(count)]
    data, written = write(columns, [[f"the rather long value {n}" for n in range(count)]] * 3, locale=locale)
    page = pypdf.PdfReader(io.BytesIO(data)).pages[0]
    assert (round(page.mediabox.width), round(page.mediabox.height)) == size
    assert bool(written.notes) == (count == 40)
    assert all(f"theratherlongvalue{n}" in run_together(page.extract_text()) for n in range(count))


@pytest.mark.parametrize(
    ("columns", "rows", "advice"),
    [
        (0, 0, "choose at least one"),
        (PDF_COLUMNS + 1, 1, "41: choose the columns that matter"),
        (3, PDF_ROWS + 1, "20,001: choose a shorter period"),
    ],
)
def test_what_a_pdf_cannot_hold_is_refused_before_anything_is_written(columns, rows, advice):
    """C12, attack row 34: a stated limit with what to do instead."""
    out = io.BytesIO()
    asked = [Column(f"c{n}", "C", ColumnType.TEXT) for n in range(columns)]
    with pytest.raises(ExportLimit, match=advice):
        writer_for("PDF").write(asked, iter(()), out, replace(OPTIONS, expected=rows), lambda _: None)
    assert out.getvalue() == b""


def test_more_rows_than_were_expected_end_in_the_same_sentence(monkeypatch):
    """C12: never a silent cut."""
    monkeypatch.setattr(limits, "PDF_ROWS", 20)
    pages = ([("a",)] * 5 for _ in range(5))
    with pytest.raises(ExportLimit, match="at most 20 rows"):
        writer_for("PDF").write([TEXT], pages, io.BytesIO(), OPTIONS, lambda _: None)


def test_a_table_without_rows_is_a_whole_file():
    """Attack row 34"""
    data, written = write([TEXT], [])
    assert "Note" in texts(data)[0]
    assert written.rows == 0
