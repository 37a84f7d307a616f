"""F2: a wrong mapping ends in one sentence that names the place, before anything is written."""

from __future__ import annotations

from typing import Any

import pytest

from portal.case_import.errors import ImportRefusedError
from portal.models import Case, CaseImport
from tests.case_import.conftest import PLAIN, rows_of

FILE = {"cases.csv": "Number,Status,Opened,Note,Note\nA,open,2026-01-01,x,y\n"}
MORE = PLAIN.rstrip() + "\n    "


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("source = ", "is not a TOML file"),
        ("[case]\nkey = 'Number'", 'needs "source"'),
        ("source = 'x'", 'needs "case"'),
        ("source = 'x'\n[case]\n", '"key" says which column|must be filled'),
        ("source = 'x'\n[case]\nkey = 'Number'\n[case.fields]\nstatus = 'Status'", '"created_at" must be filled'),
        ("source = 'x'\ntimezone = 'America/Boston'\n[case]\nkey = 'Number'", 'no time zone "America/Boston"'),
        ("source = 'x'\nsauce = 'y'\n[case]", '"sauce" is not known here; did you mean "source"'),
        (MORE + 'priorty = "Note"', 'no field "priorty"; did you mean "priority"'),
        (MORE + 'title = { colum = "Note" }', '"colum" is not known here; did you mean "column"'),
        (MORE + 'title = { column = "Note", constant = "x" }', "exactly one of column"),
        (MORE + 'title = "Notes"', 'cases.csv has no column "Notes"; did you mean "Note"'),
        (MORE + 'title = "Note"', '2 columns "Note"; say "Note#1" to "Note#2"'),
        (MORE + 'title = "Note#3"', 'no column "Note#3"'),
        (
            MORE + 'outcome = { constant = "SUBSTANTIATD" }',
            '"SUBSTANTIATD" is none of .*; did you mean "SUBSTANTIATED"',
        ),
        (MORE + 'outcome = { column = "Status", values = "nothere" }', r"no value map \[values\.nothere\]"),
        (MORE + 'outcome = { column = "Status", values = { a = "X" } }', '"X" is none of'),
        (MORE + 'title = { column = "Status", default = "x" }', 'needs "values"'),
        (MORE + 'closed_at = { column = "Opened", formats = ["%Q"] }', "is not a date format"),
        (MORE + 'closed_at = { column = "Opened", formats = ["%Y-%m"] }', "it holds no day"),
        (MORE + 'closed_at = { column = "Opened", not_before = "opened" }', "no other field mapped"),
        (MORE + 'title = { column = "Status", pick = "best" }', '"pick" is one of first'),
        (MORE + 'title = { column = "Status", formats = ["%Y"] }', "goes with dates only"),
        (MORE + "[case.custom_fields]\nA = { column = 'Status', type = 'money' }", '"type" is one of'),
        (MORE + "[subjects]\ncase = 'Number'\n[subjects.fields]\nname = 'Status'", '"case" goes with "files"'),
        (MORE + "[subjects]\nfiles = 's.csv'\n[subjects.fields]\nname = 'Status'", '"case" says which column'),
        (MORE + "[interviews]\nfiles = 's.csv'\n[interviews.fields]\n", '"investigation" says whose'),
        (MORE + "[csv]\nencoding = 'utf-88'", 'no text encoding "utf-88"'),
        (MORE + "[csv]\ndelimiter = ';;'", "one character"),
    ],
)
def test_it_names_the_place(bring: Any, mapping: str, words: str) -> None:
    with pytest.raises(ImportRefusedError, match=words) as refused:
        bring(mapping, FILE)
    assert "\n" not in str(refused.value)
    assert not rows_of(Case)
    assert not rows_of(CaseImport)


def test_a_file_no_section_takes_is_a_sentence(bring: Any) -> None:
    mapping = PLAIN.replace('key = "Number"', 'key = "Number"\n    files = "cases*.csv"')
    with pytest.raises(ImportRefusedError, match=r"No section of the mapping takes the file other\.csv"):
        bring(mapping, {"other.csv": "Number\n1\n"})
