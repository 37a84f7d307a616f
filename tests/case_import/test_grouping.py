"""F2: rows that repeat a case, children in the same rows and in files of their own, conditions, and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from portal.models import (
    BusinessUnit,
    Case,
    Category,
    Location,
)
from tests.case_import.conftest import PLAIN, rows_of

MORE = PLAIN.rstrip() + "\n    "


def cases() -> dict[str, Case]:
    return {row.case_number: row for row in rows_of(Case)}


def test_rows_of_a_case_may_stand_anywhere(bring: Any) -> None:
    """F2: grouping by key, the first row's values, and a count of cases that disagree."""
    done = bring(
        MORE + 'title = "Title"',
        {"c.csv": "Number,Status,Opened,Title\nA,open,2026-01-01,one\nB,new,2026-01-02,two\nA,closed,2026-01-03,one\n"},
    )
    assert done.counts("cases") == (2, 0, 0)
    assert (cases()["A"].status, cases()["A"].title) == ("OPEN", "one")
    assert done.report.warnings == {
        "[case] rows of one case disagree on status, the first was taken": 1,
        "[case] rows of one case disagree on created_at, the first was taken": 1,
    }


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ('pick = "first"', None),
        ('pick = "first_filled"', "b"),
        ('pick = "last"', None),
        ('pick = "last_filled"', "a"),
        ('pick = "least"', "a"),
        ('pick = "greatest"', "c"),
        ('worst_first = ["c", "a"]', "c"),
        ('worst_first = ["a"]', "a"),
    ],
)
def test_a_field_may_choose_among_the_rows(bring: Any, how: str, expected: str | None) -> None:
    """F2: first, last, least, greatest, worst by a list."""
    bring(
        MORE + f'title = {{ column = "Title", {how} }}',
        {
            "c.csv": "Number,Status,Opened,Title\n"
            + "".join(f"A,open,2026-01-01,{title}\n" for title in ("", "b", "c", "a", ""))
        },
    )
    assert cases()["A"].title == expected


def test_one_field_may_follow_the_row_of_another(bring: Any) -> None:
    """F2: the word of the worst outcome."""
    bring(
        MORE
        + """
    outcome_reason = { column = "F", pick_with = "outcome" }
    [case.fields.outcome]
    column = "F"
    values = { bad = "SUBSTANTIATED", good = "UNSUBSTANTIATED" }
    worst_first = ["SUBSTANTIATED"]
    """,
        {"c.csv": "Number,Status,Opened,F\nA,open,2026-01-01,good\nA,open,2026-01-01, BAD \n"},
    )
    assert (cases()["A"].outcome, cases()["A"].outcome_reason) == ("SUBSTANTIATED", "BAD")


def test_values_from_several_columns(bring: Any) -> None:
    """F2: join, first_of, constants, value maps, conditions, blank words, custom types."""
    done = bring(
        """
        source = "desk"
        blank = ["N/A"]
        [values.level]
        "1" = "LOW"
        "2" = "HIGH"
        "" = "MEDIUM"
        [case]
        key = { join = ["Year", "No"], separator = "-" }
        [case.fields]
        created_at = { join = ["Day", "Time"], formats = ["%d.%m.%Y %H:%M", "%d.%m.%Y"] }
        priority = { column = "Level", values = "level", default = "CRITICAL" }
        title = { first_of = ["Short", "Long"], if_blank = "untitled" }
        description = { constant = "from the desk" }
        [case.fields.status]
        choose = [
            { then = "CLOSED", when = { all = [
                { column = "Done", blank = false },
                { not = { column = "Done", in = ["no"] } },
            ] } },
            { then = "OPEN", when = { any = [
                { column = "Level", equals = 2 },
                { column = "Short", starts_with = "urgent" },
            ] } },
            { when = { column = "Long", contains = ["hold", "wait"] }, then = { column = "Other" } },
        ]
        otherwise = "NEW"
        [case.custom_fields]
        Amount = { column = "Amount", type = "number" }
        Seen = { column = "Seen", type = "boolean" }
        "Day only" = { column = "Day", type = "date", formats = ["%d.%m.%Y"] }
        Empty = "Done"
        """,
        {
            "c.csv": """
            Year,No,Day,Time,Level,Short,Long,Done,Other,Amount,Seen
            2026,1,4.1.2026,9:05,1,,Long one,yes,,"1,234.50",yes
            2026,2,4.7.2026,,2,,,no,,7,n
            2026,3,4.7.2026,,, Urgent thing,,n/a,,,
            2026,4,4.7.2026,,9,,please HOLD,,on hold,,
            2026,5,4.7.2026,,1,,,,,,
            2026,6,4.7.2026,,1,,wait,,nonsense,,
            """.replace("            ", "")
        },
    )
    found = cases()
    assert [(row.line, row.column, row.value) for row in done.bad] == [(7, "Other", "nonsense")]
    assert {number: str(row.status) for number, row in found.items()} == {
        "2026-1": "CLOSED",
        "2026-2": "OPEN",
        "2026-3": "OPEN",
        "2026-4": "ON_HOLD",
        "2026-5": "NEW",
    }
    assert [str(found[f"2026-{number}"].priority) for number in range(1, 6)] == [
        "LOW",
        "HIGH",
        "MEDIUM",
        "CRITICAL",
        "LOW",
    ]
    assert [found[f"2026-{number}"].title for number in (1, 3, 5)] == ["Long one", "Urgent thing", "untitled"]
    assert found["2026-1"].created_at == datetime(2026, 1, 4, 14, 5, tzinfo=UTC)  # the organization's zone
    assert found["2026-2"].created_at == datetime(2026, 7, 4, 4, 0, tzinfo=UTC)
    assert found["2026-1"].custom_fields == {"Amount": 1234.5, "Seen": True, "Day only": "2026-01-04", "Empty": "yes"}
    assert found["2026-3"].custom_fields == {"Day only": "2026-07-04"}


def test_trees_and_places(bring: Any) -> None:
    """F1: levels in columns with codes, all levels in one column, spellings that differ in case and blanks."""
    mapping = (
        MORE
        + """
    category = { path = ["Top", "Sub"], codes = ["TopCode", "SubCode"] }
    business_unit = { column = "Unit", split = ">" }
    location = { name = "City", country = "Country", region = { constant = "North" } }
    """
    )
    header = "Number,Status,Opened,Top,Sub,TopCode,SubCode,Unit,City,Country\n"
    rows = "A,open,2026-01-01,Fraud,Theft,F,F1,Group > East,Kiel,DE\n"
    rows += "B,open,2026-01-01,FRAUD ,,,,group>east> Team,Kiel,DE\n"
    rows += "C,open,2026-01-01,,Theft,,T9,,,DE\n"
    done = bring(mapping, {"c.csv": header + rows})
    assert not done.bad
    categories = {(row.name, row.parent_id is None): row for row in rows_of(Category)}
    assert {key: row.code for key, row in categories.items()} == {
        ("Fraud", True): "F",
        ("Theft", False): "F1",
        ("Theft", True): "T9",
    }
    assert cases()["B"].category_id == categories["Fraud", True].id
    assert sorted(row.name for row in rows_of(BusinessUnit)) == ["East", "Group", "Team"]
    assert [(row.name, row.country, row.region) for row in rows_of(Location)] == [("Kiel", "DE", "North")]
    assert cases()["C"].location_id is None
    again = bring(mapping, {"c.csv": header + rows})
    assert again.counts("categories") == (0, 0, 3)


def test_updated_at_first_follows_the_opening(bring: Any) -> None:
    """F2: a first import of old cases does not make them look new."""
    bring(PLAIN, {"c.csv": "Number,Status,Opened\nA,open,2020-01-01\n"})
    assert cases()["A"].updated_at == cases()["A"].created_at


def test_a_case_number_belongs_to_one_case(bring: Any, cast: Any) -> None:
    """F2: two keys with one number in the files, or a number that another source has."""
    numbered = MORE + 'case_number = "Public"'
    done = bring(
        numbered,
        {"c.csv": "Number,Status,Opened,Public\n1,open,2026-01-01,X\n2,open,2026-01-01,X\n3,open,2026-01-01,Y\n"},
    )
    assert [(row.line, row.reason) for row in done.bad] == [(3, "the case 1 of these files has the number X too")]
    other = bring(
        numbered.replace("desk", "elsewhere"), {"c.csv": "Number,Status,Opened,Public\n1,open,2026-01-01,X\n"}
    )
    assert "another case of the number X, from the source desk" in other.bad[0].reason
    assert len(cases()) == 2


def test_rows_that_name_another_organization_are_bad(bring: Any) -> None:
    """Row 42: rows naming another organization."""
    mapping = PLAIN.replace('key = "Number"', 'key = "Number"\n    organization = "Org"')
    named = {"A": "LAKESIDE", "B": "Strangers Ltd", "C": "Lakeside health", "D": ""}
    rows = "Number,Status,Opened,Org\n" + "".join(f"{key},open,2026-01-01,{name}\n" for key, name in named.items())
    done = bring(mapping, {"c.csv": rows})
    assert [(row.line, row.column, row.value, row.reason) for row in done.bad] == [
        (3, "Org", "Strangers Ltd", "names another organization")
    ]
    assert set(cases()) == {"A", "C", "D"}


def test_bad_values_tell_column_value_and_reason(bring: Any) -> None:
    """F2: bad rows with line, column, value and reason."""
    mapping = (
        MORE
        + """
    priority = { column = "P", values = { hi = "HIGH" } }
    assignee_email = "Mail"
    closed_at = "Closed"
    """
    )
    rows = "Number,Status,Opened,P,Mail,Closed\n"
    rows += "A,frozen,2026-01-01,,,\nB,open,31.12.2026,,,\nC,open,,,,\nD,open,2026-01-01,lo,,\n"
    rows += f"E,open,2026-01-01,,{'m' * 300},\nF,open,2026-01-01,,,9999-12-31\n"
    rows += f"{'n' * 65},open,2026-01-01,,,\nG,on-hold,2026-01-01,HI,,\n"
    done = bring(mapping, {"c.csv": rows})
    assert [(row.line, row.column, row.value[:10], row.reason[:32]) for row in done.bad] == [
        (2, "Status", "frozen", "is none of NEW, OPEN, ON_HOLD, C"),
        (3, "Opened", "31.12.2026", 'is not a date as "iso"'),
        (4, "Opened", "", "is empty, and created_at must be"),
        (5, "P", "lo", "is not in the value map, which h"),
        (6, "Mail", "mmmmmmmmmm", "has 300 characters; 254 are the "),
        (7, "Closed", "9999-12-31", "is not between the years 1900 an"),
        (8, "Number", "nnnnnnnnnn", "has 65 characters; 64 are the mo"),
    ]
    assert cases().keys() == {"G"}


def test_many_rows_in_many_batches(bring: Any) -> None:
    """F2: rows of a case far apart, over several transactions."""
    rows = [f"C{number % 2000},open,2026-01-01,I{number}" for number in range(6000)]
    mapping = PLAIN + '\n    [investigations]\n    key = "Id"\n    [investigations.fields]\n    type = "Id"\n'
    done = bring(mapping, {"c.csv": "Number,Status,Opened,Id\n" + "\n".join(rows)})
    assert done.counts("cases") == (2000, 0, 0)
    assert done.counts("investigations") == (6000, 0, 0)
