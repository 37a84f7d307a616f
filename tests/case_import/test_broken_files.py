"""F2, row 41: files that are broken in every way: one sentence, or bad rows with the rest loaded."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from portal.case_import.csv_options import CsvOptions
from portal.case_import.csv_rows import LONGEST_CELL, LONGEST_LINE, CsvRows
from portal.case_import.errors import ImportRefusedError
from portal.models import Case
from tests.case_import.conftest import PLAIN, rows_of

HEADER = "Number,Status,Opened,Note\n"
GOOD = "G-{0},open,2026-01-0{0},fine\n"


def read(tmp_path: Path, content: str | bytes, **options: Any) -> list[tuple[int, list[str], str]]:
    path = tmp_path / "rows.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with CsvRows(path, CsvOptions(**options)) as rows:
        return [(row.line, row.cells, row.problem) for row in rows]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        (b"\n\n\n", "is empty"),
        ("Number,Status\n1,open\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04 and so on", "a workbook or a zip archive"),
        (b"%PDF-1.7\n", "a PDF"),
        (bytes(range(256)) * 40, "binary"),
        (b"N\xfcmmer,Status\n1,open\n", "not utf-8"),
    ],
)
def test_what_is_no_csv_file_is_refused_in_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    """F2: empty, UTF-16, binary, a workbook, a header that is not UTF-8."""
    with pytest.raises(ImportRefusedError, match=words) as refused:
        read(tmp_path, content)
    assert "\n" not in str(refused.value)


def test_a_file_mostly_in_another_encoding_is_refused_and_nothing_is_written(bring: Any) -> None:
    """F2: not UTF-8."""
    rows = b"".join(b"N-%d,open,2026-01-01,caf\xe9\n" % number for number in range(5))
    with pytest.raises(ImportRefusedError, match=r"is not utf-8: 5 of its 5 rows.*encoding"):
        bring(PLAIN, {"cases.csv": HEADER.encode() + rows})
    assert not rows_of(Case)


def test_single_bytes_of_another_encoding_are_bad_rows(bring: Any) -> None:
    """Row 41: latin-1 in between; the rest is loaded."""
    content = HEADER.encode() + GOOD.format(1).encode() + b"B,open,2026-01-01,caf\xe9\n" + GOOD.format(2).encode()
    done = bring(PLAIN, {"cases.csv": content})
    assert [(row.line, row.reason[:27]) for row in done.bad] == [(3, "holds bytes that are not ut")]
    assert [row.case_number for row in rows_of(Case, Case.case_number)] == ["G-1", "G-2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1", "shift_jis", "gb18030"])
def test_every_encoding_a_mapping_names_is_read(tmp_path: Path, encoding: str) -> None:
    """Row 41: UTF-16 and the rest, once the mapping says so."""
    word = {"shift_jis": "通報", "gb18030": "举报"}.get(encoding, "déjà")
    name = "utf-8" if encoding == "utf-8-sig" else encoding
    assert read(tmp_path, f"a,b\r\n{word},1\r\n".encode(encoding), encoding=name) == [(2, [word, "1"], "")]


def test_line_ends_may_be_mixed_and_text_may_hold_them(tmp_path: Path) -> None:
    """Row 41: LF, CRLF and CR in one file; free text with line breaks in many scripts."""
    text = "first\r\nثانيا\n三番目\u2028same line"
    found = read(tmp_path, f'a,b\r\n1,x\n2,"{text}"\r3,z\r\n')
    assert found == [(2, ["1", "x"], ""), (3, ["2", text], ""), (6, ["3", "z"], "")]


def test_an_unclosed_quote_costs_one_row(tmp_path: Path) -> None:
    """Row 41: the rest is loaded."""
    found = read(tmp_path, 'a,b\n1,x\n2,"never closed\n3,y\n4,"closed, and\nlonger"\n5,z\n')
    assert [(line, cells[:1]) for line, cells, problem in found if not problem] == [
        (2, ["1"]),
        (4, ["3"]),
        (5, ["4"]),
        (7, ["5"]),
    ]
    assert [(line, "not closed" in problem) for line, _, problem in found if problem] == [(3, True)]


def test_a_quote_open_to_the_end_costs_one_row(tmp_path: Path) -> None:
    """Row 41: nothing after it closes it."""
    found = read(tmp_path, 'a,b\n1,"x\n2,y\n3,z')
    assert [(line, bool(problem)) for line, _, problem in found] == [(2, True), (3, False), (4, False)]


def test_a_cell_of_ten_megabytes_is_a_bad_row(bring: Any) -> None:
    """Bad input: a 10 MB cell, quoted or not."""
    huge = "x" * 10_000_000
    content = HEADER + f'A,open,2026-01-01,"{huge}"\nB,open,2026-01-01,{huge}\n' + GOOD.format(1)
    content += f"C,open,2026-01-01,{'y' * (LONGEST_CELL + 1)}\n"
    done = bring(PLAIN, {"cases.csv": content})
    assert [row.line for row in done.bad] == [2, 3, 5]
    assert all("longer than" in row.reason and len(row.value) <= 80 for row in done.bad)
    assert [row.case_number for row in rows_of(Case)] == ["G-1"]


def test_a_line_of_a_hundred_megabytes_takes_little_memory(tmp_path: Path) -> None:
    """Row 41: a 100 MB field; memory bounded."""
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("a,b\n1,")
        for _ in range(100):
            file.write("x" * 1_000_000)
        file.write('\n2,"open\n')
        for _ in range(200_000):
            file.write("3,and this is a plain line that nobody would notice in a quote\n")
    tracemalloc.start()
    try:
        with CsvRows(path, CsvOptions()) as rows:
            good = bad = 0
            for row in rows:
                good, bad = good + (not row.problem), bad + bool(row.problem)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (good, bad) == (200_000, 2)
    assert peak < 30 * LONGEST_LINE


def test_nul_and_wrong_widths_are_bad_rows(bring: Any) -> None:
    """Row 41: NUL; rows that are too short or too long; blank rows are none."""
    content = HEADER + "A,open,2026-01-01,n\0l\nB,open\n,,,\n\nC,open,2026-01-01,x,y\nD,open,2026-01-01,x,,\n"
    done = bring(PLAIN, {"cases.csv": content})
    assert [(row.line, row.reason[:20]) for row in done.bad] == [
        (2, "holds a NUL characte"),
        (3, "the row has 2 cells "),
        (6, "the row has 5 cells "),
    ]
    assert [row.case_number for row in rows_of(Case)] == ["D"]


def test_other_delimiters_lines_above_and_short_rows(bring: Any) -> None:
    """F2: what [csv] can say."""
    mapping = PLAIN + '\n    [csv]\n    delimiter = ";"\n    skip_lines = 2\n    allow_short_rows = true\n'
    done = bring(mapping, {"cases.csv": 'Report of "today\n\nNumber;Status;Opened;Note\nA;open;2026-01-01\n'})
    assert not done.bad
    assert rows_of(Case)[0].case_number == "A"


def test_an_unknown_kind_of_file_is_a_sentence(bring: Any) -> None:
    """F2: what cannot be read says what can."""
    with pytest.raises(ImportRefusedError, match=r"cases\.docx is of a kind that is not read; these are: \.csv"):
        bring(PLAIN, {"cases.docx": "x"})


def test_a_missing_file_is_a_sentence(bring: Any, tmp_path: Path) -> None:
    from tests.case_import.conftest import bring_paths

    bring(PLAIN, {"cases.csv": HEADER + GOOD.format(1)})
    with pytest.raises(ImportRefusedError, match="cannot be read: No such file"):
        bring_paths(tmp_path / "mapping.toml", [tmp_path / "nowhere.csv"])


def test_a_cell_that_is_too_long_over_many_lines_costs_one_row(tmp_path: Path) -> None:
    """Row 41: its lines are no rows of their own, also where they look like some."""
    long = "x,y\n" * (LONGEST_CELL // 3)
    found = read(tmp_path, f'a,b\n1,"{long}"\n2,z\n')
    assert [(line, problem) for line, _, problem in found] == [
        (2, f"a cell is longer than {LONGEST_CELL:,} characters"),
        (LONGEST_CELL // 3 + 3, ""),
    ]
