"""C3: a custom field or an answer as a typed column: the right value or none, and a count of those left out."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.exports.catalogue import CatalogueError
from portal.exports.request import ExportRequest
from portal.exports.rows import open_rows
from portal.exports.scope import scope_of
from portal.exports.snapshot import snapshot
from portal.exports.tag_rules import UNFIT, PatternError, Unfit, is_nothing, rule_of
from portal.exports.tagged_fields import PathError, Tag, parsed, path_keys, path_of, value_at
from portal.extensions import db
from portal.models import Case, Disclosure, IntakeReport, Interview, Investigation, TagDataType, TagSource
from tests.exports.small_register import PLANNED
from tests.exports.tagged_register import TAGS, fill_tagged
from tests.support.cast import Cast

PATTERNS = {
    "TEXT": (None,),
    "NUMBER": (None, "0.0", "#,##0.00", "#.##0", "# ##0,0"),
    "CURRENCY": (None, "$#,##0.00", "#.##0,00 €", "CHF 0"),
    "PERCENTAGE": (None, "0.0%", "0"),
    "DATE": (None, "dd/mm/yyyy", "m/d/yyyy", "d mmmm yyyy", "yyyymmdd", "yyyy-dd-mm"),
    "BOOLEAN": (None, "Confirmed/Not confirmed"),
}
RULES = [rule_of(TagDataType(kind), pattern) for kind, patterns in PATTERNS.items() for pattern in patterns]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.from_regex("[-(€$ ]?[0-9.,' %]{1,12}"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(json_values)
def test_whatever_stands_there_becomes_a_value_of_the_type_or_none(raw: Any) -> None:
    """C3"""
    for rule in RULES:
        value = rule.read(raw)
        assert value is None or isinstance(value, str | int | float | Unfit)
        assert (value is None) or not is_nothing(raw)
        if isinstance(value, int | float) and not isinstance(value, bool):
            assert abs(value) < 10**15


@given(st.decimals(-(10**9), 10**9, places=2, allow_nan=False))
def test_a_number_is_read_as_it_was_meant_or_not_at_all(number: Decimal) -> None:
    """C3"""
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    read = rule_of(TagDataType.NUMBER, None).read
    assert {read(english), read(german)} <= {float(number), UNFIT}
    assert rule_of(TagDataType.NUMBER, "#,##0.00").read(english) == float(number)
    assert rule_of(TagDataType.NUMBER, "#.##0,00").read(german) == float(number)


@pytest.mark.parametrize(
    ("data_type", "pattern", "raw", "expected"),
    [
        ("CURRENCY", None, "1,234.50", 1234.5), ("CURRENCY", None, "€ 1.200,00", 1200),
        ("CURRENCY", None, "1,234", UNFIT), ("CURRENCY", "$ #,##0", "1,234", 1234),
        ("CURRENCY", "$ #,##0", "EUR 5", UNFIT), ("CURRENCY", "$ #,##0", "USD 5", 5),
        ("CURRENCY", None, "Fr.5", UNFIT), ("CURRENCY", None, "(5.00)", -5), ("CURRENCY", None, "INV 500", UNFIT),
        ("NUMBER", None, "€ 5", UNFIT), ("NUMBER", None, True, UNFIT), ("NUMBER", None, [5], UNFIT),
        ("NUMBER", None, float("inf"), UNFIT), ("NUMBER", None, float("nan"), UNFIT), ("NUMBER", None, 10**15, UNFIT),
        ("NUMBER", None, "1234567890123456", UNFIT), ("NUMBER", None, 5.0, 5), ("NUMBER", None, "45%", UNFIT),
        ("PERCENTAGE", None, "45%", 0.45), ("PERCENTAGE", None, 0.45, 0.45), ("PERCENTAGE", "0", 45, 0.45),
        ("DATE", None, "2026-11-02T23:59:00-05:00", "2026-11-02"), ("DATE", None, "03/04/2026", UNFIT),
        ("DATE", "dd/mm/yyyy", "03/04/2026", "2026-04-03"), ("DATE", "mm/dd/yyyy", "03/04/2026", "2026-03-04"),
        ("DATE", None, "2026-02-29", UNFIT), ("DATE", "yyyy-dd-mm", "2026-03-04", "2026-04-03"),
        ("DATE", "d mmm yyyy", "2 november 2026", "2026-11-02"), ("DATE", "yyyymmdd", 20261102, "2026-11-02"),
        ("BOOLEAN", None, "YES", True), ("BOOLEAN", None, 0, False), ("BOOLEAN", None, 2, UNFIT),
        ("BOOLEAN", "Ja/Nein", "ja", True), ("BOOLEAN", None, "maybe", UNFIT),
        ("TEXT", None, ["a", 1.50, None], "a; 1.5"), ("TEXT", None, {"a": 1}, UNFIT), ("TEXT", None, " a ", " a "),
    ],
)  # fmt: skip
def test_values_of_forms(data_type: str, pattern: str | None, raw: Any, expected: Any) -> None:
    """C3"""
    value = rule_of(TagDataType(data_type), pattern).read(raw)
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("data_type", "pattern"),
    [
        ("NUMBER", "#,##0,00"), ("NUMBER", "€ 0"), ("NUMBER", "0%"), ("CURRENCY", "x 0"), ("DATE", "dd.mm.yy"),
        ("DATE", "mm.yyyy"), ("DATE", "yyyy"), ("BOOLEAN", "yes"), ("BOOLEAN", "no/yes"), ("TEXT", "0"),
        ("NUMBER", "0" * 65), ("NUMBER", "0\n"),
    ],
)  # fmt: skip
def test_a_pattern_that_says_nothing_is_refused(data_type: str, pattern: str) -> None:
    """C3"""
    if pattern == "0\n":
        assert rule_of(TagDataType(data_type), pattern) == rule_of(TagDataType(data_type), "0")
        return
    with pytest.raises(PatternError):
        rule_of(TagDataType(data_type), pattern)


def test_paths_lead_to_keys_with_dots_and_into_lists() -> None:
    """C3"""
    keys = ("a.b", 'say "x"', "c", "1")
    assert path_keys(TagSource.CASE, path_of(TagSource.CASE, keys)) == keys
    assert value_at({"a.b": {'say "x"': {"c": [1, 2]}}}, keys) == 2
    for wrong in ("", "amount", "custom_fields", "custom_fields.", "custom_fields..a", 'custom_fields."a', "details.a"):
        with pytest.raises(PathError):
            path_keys(TagSource.CASE, wrong)
    assert is_nothing(value_at(parsed('{"a": {"b": 1}}'), ("a", "b", "c")))
    assert rule_of(TagDataType.NUMBER, None).read(parsed("1" * 5_000)) is UNFIT
    assert rule_of(TagDataType.TEXT, None).read(parsed("[" * 100_000)) is UNFIT


def test_a_tag_that_no_value_can_be_read_by_is_said() -> None:
    """C3: a row that a hand in the database made."""
    for wrong in (replace(TAGS[0], format_pattern="x"), replace(TAGS[0], field_path="nowhere")):
        with pytest.raises(CatalogueError, match="A tagged field cannot be read"):
            request_of(uuid.uuid4(), tags=(wrong.to_json(),)).columns()


def request_of(organization_id: uuid.UUID, **more: Any) -> ExportRequest:
    given_: dict[str, Any] = {
        "export_type": "FLAT_FILE",
        "format": "CSV",
        "filters": {},
        "start": None,
        "end": PLANNED,
        "planned_for": PLANNED,
        "zone": "America/New_York",
        "column_config": {"include_tagged_fields": True, "max_investigations": 1, "include_overflow": True},
        "tags": tuple(tag.to_json() for tag in TAGS),
    }
    return ExportRequest(organization_id=organization_id, **(given_ | more))


def by_hand(tag: Tag, rows: list[Any], moment: Any) -> Any:
    """The value of the oldest row that has one, or UNFIT."""
    document = {"CASE": "custom_fields", "INVESTIGATION": "custom_fields", "INTERVIEW": "responses"}.get(
        tag.source, "details" if tag.source == "INTAKE" else "form_data"
    )
    for row in sorted(
        rows, key=lambda row: (moment(row) is None, moment(row), row.id) if moment(row) else (True, row.id)
    ):
        raw = value_at(getattr(row, document), tag.keys)
        if (tag.template is None or row.template == tag.template) and not is_nothing(raw):
            return tag.rule.read(raw)
    return None


def case_values(organization_id: uuid.UUID) -> dict[str, list[Any]]:
    """By case number what each of TAGS shows, the plain way."""
    found = {}
    with Session(db.engine) as session:

        def all_of(table: Any, condition: Any) -> list[Any]:
            return list(session.scalars(sa.select(table).where(condition)))

        for case in all_of(Case, Case.organization_id == organization_id):
            investigations = all_of(Investigation, Investigation.case_id == case.id)
            interviews = all_of(Interview, Interview.investigation_id.in_([each.id for each in investigations]))
            reports = all_of(IntakeReport, IntakeReport.case_id == case.id)
            disclosures = all_of(Disclosure, Disclosure.case_id == case.id)
            sources: dict[TagSource, tuple[list[Any], Any]] = {
                TagSource.CASE: ([case], lambda row: row.created_at),
                TagSource.INTAKE: (reports, lambda row: row.received_at),
                TagSource.INVESTIGATION: (investigations, lambda row: row.started_at),
                TagSource.INTERVIEW: (interviews, lambda row: row.held_at),
                TagSource.DISCLOSURE: (disclosures, lambda row: row.submitted_at),
            }
            found[case.case_number] = [by_hand(tag, *sources[tag.source]) for tag in TAGS]
    return found


@pytest.fixture
def register(app: Flask, cast: Cast) -> uuid.UUID:
    fill_tagged(cast.lakeside)
    return cast.lakeside


def test_each_row_shows_the_oldest_value_and_what_does_not_fit_is_counted(register: uuid.UUID) -> None:
    """C2, C3"""
    expected = case_values(register)
    with open_rows(request_of(register), 7) as stream:
        keys = [column.key for column in stream.columns]
        rows: list[dict[str, Any]] = [dict(zip(keys, row, strict=True)) for page in stream.pages for row in page]
        notes = stream.notes()
    names = [tag.column_name for tag in TAGS]
    assert keys[-5 - len(names) : -5] == names
    assert keys[-6 - len(names)].startswith("inv_1_")
    for row in rows:
        fitting = [None if value is UNFIT else value for value in expected[row["case_number"]]]
        assert [row[name] for name in names] == fitting, row["case_number"]
    unfit = Counter(
        tag.slot for values in expected.values() for tag, value in zip(TAGS, values, strict=True) if value is UNFIT
    )
    assert notes == tuple(tag.left_empty(unfit[tag.slot]) for tag in TAGS if unfit[tag.slot])
    assert any("values of “Amount” are not amounts and were left empty." in note for note in notes)


def test_investigations_and_disclosures_show_their_own(register: uuid.UUID) -> None:
    """C1, C3"""
    with open_rows(request_of(register, export_type="INVESTIGATIONS_ONLY"), 7) as stream:
        keys = [column.key for column in stream.columns]
        assert keys[-3:] == ["hours", "answer", "witness_answer"]
        rows: list[dict[str, Any]] = [dict(zip(keys, row, strict=True)) for page in stream.pages for row in page]
    with Session(db.engine) as session:
        for shown in rows:
            own = session.get_one(Investigation, uuid.UUID(shown["inv_id"]))
            raw = own.custom_fields["x"]
            value = TAGS[15].rule.read(raw)
            assert shown["hours"] == (None if value is UNFIT else value)
            interviews = session.scalars(sa.select(Interview).where(Interview.investigation_id == own.id)).all()
            witness = by_hand(TAGS[17], list(interviews), lambda each: each.held_at)
            assert shown["witness_answer"] == (None if witness is UNFIT else witness)
    with open_rows(request_of(register, export_type="DISCLOSURES_ONLY", column_config={}), 7) as stream:
        keys = [column.key for column in stream.columns]
        assert keys[5:] == ["value", "gift_day", "form_data"]
        for page in stream.pages:
            for row in page:
                named: dict[str, Any] = dict(zip(keys, row, strict=True))
                raw = json.loads(named["form_data"] or "{}").get("x")
                for tag in TAGS[18:]:
                    value = tag.rule.read(raw) if tag.template in (None, named["template"]) else None
                    assert named[tag.column_name] == (None if value is UNFIT else value)


def test_a_filter_finds_the_rows_that_show_what_is_looked_for(register: uuid.UUID) -> None:
    """C4: SQL and the columns agree, value by value, on each database."""
    shown = case_values(register)
    with snapshot() as connection:
        for position, tag in enumerate(TAGS):
            values = {number: row[position] for number, row in shown.items()}
            fitting = {value for value in values.values() if value is not None and value is not UNFIT}
            short = sorted((value for value in fitting if len(str(value)) < 300), key=str)
            asked: list[Any] = [*short[:: len(short) // 3 + 1], short, short[::2]]
            if tag.data_type not in (TagDataType.TEXT, TagDataType.BOOLEAN):
                ordered = sorted(short)
                low, high = ordered[0], ordered[len(ordered) // 2]
                asked += [{"min": high}, {"max": low}, {"min": low, "max": high}]
            for wanted in asked:
                name = tag.column_name if position % 2 else str(tag.slot)
                request = request_of(register, filters={"tags": {name: wanted}})
                conditions = scope_of(request, connection).conditions
                found = set(connection.scalars(sa.select(Case.case_number).where(*conditions)))
                meant = {number for number, value in values.items() if _meant(value, wanted)}
                assert found == meant, (tag, wanted)


def _meant(value: Any, wanted: Any) -> bool:
    if value is None or value is UNFIT:
        return False
    if isinstance(wanted, dict):
        return wanted.get("min", value) <= value <= wanted.get("max", value)
    meant = wanted if isinstance(wanted, list) else [wanted]
    return any(_stripped(value) == _stripped(each) for each in meant)


def _stripped(value: Any) -> Any:
    return value.strip(" \r\n\u00a0") if isinstance(value, str) else value
