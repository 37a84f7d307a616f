"""C1: a row for each disclosure, by when it was submitted; compared with the tables read the plain way."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.exports.case_filters import CaseFilters
from portal.exports.catalogue import CatalogueError
from portal.exports.disclosures import _form
from portal.exports.scope import Person
from portal.exports.scope_words import counted_in_words, limits_in_words
from portal.extensions import db
from portal.models import Case, CaseRestriction, Disclosure, RestrictionKind, write_session
from portal.zones import zone
from tests.exports.small_register import FIRST, PLANNED, fill
from tests.exports.test_rows import read, request_of
from tests.support.cast import Cast

KEYS = ["disclosure_id", "case_number", "kind", "template", "submitted_at", "form_data"]


@pytest.fixture
def register(app: Flask, cast: Cast) -> uuid.UUID:
    """Disclosures with and without a case, in Lakeside; some of strangers."""
    fill(cast.lakeside, 80)
    fill(cast.strangers, 20, seed=8)
    with write_session() as session:
        session.add_all(
            Disclosure(
                organization_id=organization_id,
                kind="=1+1",
                template=None if number % 2 else "Outside interests",
                submitted_at=FIRST + timedelta(days=number * 9, microseconds=number),
                form_data={"b": [number, 1.5, None], "a": {"ö": "理由\n"}} if number % 3 else {},
            )
            for organization_id in (cast.lakeside, cast.strangers)
            for number in range(40)
        )
    return cast.lakeside


def by_hand(organization_id: uuid.UUID) -> list[dict[str, Any]]:
    """Every row, with the case it belongs to under "case"."""
    with Session(db.engine) as session:
        found = session.scalars(sa.select(Disclosure).where(Disclosure.organization_id == organization_id)).all()
        cases = {case.id: case for case in session.scalars(sa.select(Case))}
    return [
        {
            "disclosure_id": str(each.id),
            "case_number": cases[each.case_id].case_number if each.case_id else None,
            "kind": each.kind,
            "template": each.template,
            "submitted_at": each.submitted_at.astimezone(zone("America/New_York")).replace(microsecond=0),
            "form_data": each.form_data or None,
            "case": cases.get(each.case_id) if each.case_id else None,
        }
        for each in sorted(found, key=lambda each: (each.submitted_at, each.id))
    ]


def rows(organization_id: uuid.UUID, **more: Any) -> list[dict[str, Any]]:
    found = read(request_of(organization_id, export_type="DISCLOSURES_ONLY", **more))
    return [row | {"form_data": row["form_data"] and json.loads(row["form_data"])} for row in found]


def without_case(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: row[key] for key in KEYS} for row in found]


def test_all_of_them_are_there_in_their_order(register: uuid.UUID) -> None:
    found = rows(register)
    assert found == without_case([row for row in by_hand(register) if row["submitted_at"] < PLANNED])
    assert len(found) > 60
    assert list(found[0]) == KEYS
    assert any(row["case_number"] for row in found)
    assert any(not row["case_number"] for row in found)


def test_the_period_is_one_of_disclosures_and_the_filters_are_of_their_cases(register: uuid.UUID) -> None:
    start, end = FIRST + timedelta(days=40), FIRST + timedelta(days=200)
    expected = [row for row in by_hand(register) if start <= row["submitted_at"] < end]
    assert rows(register, start=start, end=end) == without_case(expected)
    assert rows(register, start=start, end=end, filters={"date_field": "closed_at"}) == without_case(expected)
    # one without a case fits no filter of cases
    expected = [row for row in by_hand(register) if row["case"] and row["case"].status == "OPEN"]
    assert 0 < len(expected) < 40
    assert rows(register, filters={"status": ["OPEN"]}) == without_case(expected)
    assert rows(register, own_filters={"status": ["OPEN"]}) == without_case(expected)


def test_a_form_that_python_cannot_read_is_given_as_it_stands() -> None:
    number = f'{{"a":{"9" * 5000}}}'
    assert _form(number) == number
    assert _form('{"b": 1, "a": []}') == '{"a":[],"b":1}'


def test_what_people_are_kept_from_is_withheld(register: uuid.UUID) -> None:
    """C18: neither a row nor the count tells of it."""
    everything = by_hand(register)
    case = next(row["case"] for row in everything if row["case"])
    with write_session() as session:
        session.add(
            CaseRestriction(
                organization_id=register, case_id=case.id, kind=RestrictionKind.SUBJECT, email="kept@example.org"
            )
        )
    expected = [row for row in everything if row["submitted_at"] < PLANNED and row["case"] is not case]
    assert len(expected) < len(everything)
    assert rows(register, seen_by=(Person("kept@example.org"),)) == without_case(expected)


def test_disclosures_are_not_followed_for_changes() -> None:
    with pytest.raises(CatalogueError, match="since the last successful run"):
        request_of(uuid.uuid4(), export_type="DISCLOSURES_ONLY", only_changes=True).check()


def test_words_speak_of_disclosures() -> None:
    nothing = CaseFilters(uuid.uuid4(), {}, {}, {}, date_field="closed_at")
    some = replace(nothing, values={"status": ("OPEN",)})
    assert limits_in_words("DISCLOSURES_ONLY", nothing) == "All disclosures"
    assert limits_in_words("DISCLOSURES_ONLY", some) == "Status OPEN; only disclosures of such cases"
    assert counted_in_words("DISCLOSURES_ONLY", nothing) == "when the disclosure was submitted"
