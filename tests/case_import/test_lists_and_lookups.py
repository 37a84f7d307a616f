"""F2: several values in one cell, ids that another file explains, numbers with a decimal comma."""

from __future__ import annotations

from typing import Any

import pytest

from portal.case_import.errors import ImportRefusedError, MappingError
from portal.models import Case, Investigation, Location, Subject
from tests.case_import.conftest import PLAIN, rows_of

CASES = "Number,Status,Opened,Kinds,People,Roles\n"
EACH = (
    PLAIN
    + """
    [investigations]
    each = { column = "Kinds", split = ";" }
    [investigations.fields]
    type = "Kinds"
    [subjects]
    each = { columns = ["People", "Roles"], split = "|" }
    when = { column = "People", not_equals = "nobody" }
    [subjects.fields]
    name = "People"
    role = "Roles"
"""
)


def test_several_values_in_one_cell_are_several_children(bring: Any) -> None:
    """F2: each value one child, values of several columns side by side, blanks none; again changes nothing."""
    rows = CASES + 'A,open,2026-01-01,"Theft; Fraud ;;",Ann|nobody|Bo,nurse|x\nB,open,2026-01-01,,,\n'
    done = bring(EACH, {"cases.csv": rows})
    assert [row.type for row in rows_of(Investigation, Investigation.id)] == ["Theft", "Fraud"]
    assert [(row.name, row.role) for row in rows_of(Subject, Subject.id)] == [("Ann", "nurse"), ("Bo", None)]
    assert done.counts("cases") == (2, 0, 0)
    again = bring(EACH, {"cases.csv": rows})
    assert [again.counts(name) for name in ("cases", "investigations", "subjects")] == [(0, 0, 2), (0, 0, 2), (0, 0, 2)]


def test_one_bad_value_of_a_cell_makes_the_row_bad(bring: Any) -> None:
    """Row 41: a bad row gives nothing."""
    done = bring(EACH, {"cases.csv": CASES + f"A,open,2026-01-01,Theft;{'x' * 201},,\n"})
    assert [(row.column, row.reason[:18]) for row in done.bad] == [("Kinds", "has 201 characters")]
    assert not rows_of(Investigation)
    assert not rows_of(Case)


LOOKUP = """
    source = "desk"
    [lookups.sites]
    files = "sites.csv"
    key = "Id"
    csv = { delimiter = ";" }
    [lookups.regions]
    files = "regions.csv"
    key = "Code"
    [case]
    key = "Number"
    [case.fields]
    status = "Status"
    created_at = "Opened"
    [case.fields.location]
    name = { column = "Site", lookup = "sites", take = "Name" }
    region = { join = [{ column = "Site", lookup = "sites", take = "Region" }], lookup = "regions", take = "Name" }
"""
SITES = "Id;Name;Region\n7;North Clinic;N\nx7;Harbour;\n"
REGIONS = "Code,Name\nN,Northern\n"


def test_ids_are_looked_up_in_other_files(bring: Any) -> None:
    """F2: one lookup through another, a blank id, and an id that is nowhere."""
    cases = "Number,Status,Opened,Site\nA,open,2026-01-01,7\nB,open,2026-01-01,\nC,open,2026-01-01,X7\n"
    done = bring(LOOKUP, {"cases.csv": cases, "sites.csv": SITES, "regions.csv": REGIONS})
    assert [(row.name, row.region) for row in rows_of(Location)] == [("North Clinic", "Northern")]
    assert [(row.column, row.value, row.reason) for row in done.bad] == [
        ("Site", "X7", 'is no key of the lookup "sites"')
    ]
    assert done.report.rows_read == 3


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        (None, 'the lookup "sites" reads sites.csv, and no such file was given'),
        ("Id;Name;Region\n7;A;\n7;B;\n", 'line 3: the key "7" came before with another "Name"'),
        ("Id;Name;Region\n7;A\n", "line 2: the row has 2 cells"),
        ("Id;Title;Region\n7;A;\n", 'sites.csv has no column "Name"'),
    ],
)
def test_a_lookup_that_cannot_be_trusted_refuses_the_import(bring: Any, sites: str | None, words: str) -> None:
    """F2: one sentence, nothing written."""
    files = {"cases.csv": "Number,Status,Opened,Site\nA,open,2026-01-01,7\n", "regions.csv": REGIONS}
    with pytest.raises(ImportRefusedError, match=words):
        bring(LOOKUP, files | ({"sites.csv": sites} if sites else {}))
    assert not rows_of(Case)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[subjects]\neach = { column = "A" }', '"split" is the text'),
        ('[subjects]\neach = { split = ";" }', '"column" is the column'),
        ('[subjects]\nkey = "B"\neach = { column = "A", split = ";" }', '"key" must name a column of "each"'),
        ('[subjects]\nper = "case"\neach = { column = "A", split = ";" }', '"each" makes several'),
        ('[lookups.sites]\nfiles = "s.csv"', '"key" which column'),
        ('[subjects.fields]\nname = { column = "A", lookup = "sitse", take = "B" }', r"there is no \[lookups.sitse\]"),
        ('[subjects.fields]\nname = { column = "A", lookup = "sites" }', '"take" the column'),
        ('[subjects.custom_fields]\nA = { column = "A", decimal = "," }', '"decimal" is'),
    ],
)
def test_mistakes_in_these_parts_are_named(bring: Any, more: str, words: str) -> None:
    """F2: a mistake in the mapping is one sentence."""
    lines = "".join(f"\n    {line}" for line in more.splitlines())
    with pytest.raises(MappingError, match=words):
        bring(PLAIN + lines, {"cases.csv": "Number,Status,Opened,A,B\n"})


def test_numbers_may_have_a_decimal_comma(bring: Any) -> None:
    """F2: decimal = ","; without it 12,5 is a bad row, not 125."""
    mapping = PLAIN + '    [case.custom_fields]\n    Loss = { column = "Loss", type = "number", decimal = "," }\n'
    losses = ('"1.234,50"', '"12,5"', "1 200")
    cases = "Number,Status,Opened,Loss\n" + "".join(f"{n},open,2026-01-01,{loss}\n" for n, loss in enumerate(losses))
    bring(mapping, {"cases.csv": cases + "D,open,2026-01-01,1.5\n"})
    assert [row.custom_fields["Loss"] for row in rows_of(Case, Case.case_number)] == [1234.5, 12.5, 1200]
    done = bring(mapping.replace(', decimal = ","', ""), {"cases.csv": cases})
    assert [row.value for row in done.bad] == ["1.234,50", "12,5", "1 200"]
