"""C4: each filter finds what plain SQL over the tables finds; what is not known is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.exports.case_filters import FilterError, filters_in_words, parse_filters, where
from portal.exports.filter_choices import choices
from portal.extensions import db
from portal.models import BusinessUnit, Case, Category, IntakeReport, Location
from tests.exports.small_register import FIRST, fill
from tests.support.cast import Cast

Test = Callable[[Case, dict[str, Any]], bool]


def found(
    organization_id: Any, data: dict[str, Any], start: datetime | None = None, end: datetime | None = None
) -> set[str]:
    conditions = where(parse_filters(data, organization_id), start, end)
    return set(db.session.scalars(sa.select(Case.case_number).where(*conditions)))


def by_hand(organization_id: Any, holds: Test) -> set[str]:
    def names(table: Any) -> dict[Any, Any]:
        return {each.id: each for each in db.session.scalars(sa.select(table))}

    categories, units, places = names(Category), names(BusinessUnit), names(Location)
    reports: dict[Any, list[IntakeReport]] = {}
    for report in db.session.scalars(sa.select(IntakeReport)):
        reports.setdefault(report.case_id, []).append(report)
    numbers = set()
    for case in db.session.scalars(sa.select(Case).where(Case.organization_id == organization_id)):
        line, at = [], categories.get(case.category_id)
        while at is not None and at.name not in line:
            line.append(at.name)
            at = categories.get(at.parent_id)
        unit, place = units.get(case.business_unit_id), places.get(case.location_id)
        first = min(reports.get(case.id, []), key=lambda report: (report.received_at, report.id), default=None)
        about = {
            "categories": line,
            "unit": unit and unit.name,
            "place": place,
            "channel": first and first.source_channel,
            "anonymous": first and first.is_anonymous,
        }
        if holds(case, about):
            numbers.add(case.case_number)
    return numbers


CASES: list[tuple[dict[str, Any], Test]] = [
    ({}, lambda _case, _about: True),
    ({"status": ["OPEN", "on hold"]}, lambda case, _: case.status in ("OPEN", "ON_HOLD")),
    ({"status": "closed"}, lambda case, _: case.status == "CLOSED"),
    ({"priority": ["HIGH"]}, lambda case, _: case.priority == "HIGH"),
    ({"outcome": ["partly_substantiated"]}, lambda case, _: case.outcome == "PARTLY_SUBSTANTIATED"),
    ({"category": ["con"]}, lambda _, about: "Conduct" in about["categories"]),
    ({"category": ["harassment", "FRD"]}, lambda _, about: bool({"Harassment", "Fraud"} & set(about["categories"]))),
    ({"category": ["Other"]}, lambda _, about: "Other" in about["categories"]),
    ({"category": ["Fraud > Other"]}, lambda _, about: about["categories"][:2] == ["Other", "Fraud"]),
    ({"category": ["Turning"]}, lambda _, about: "Turning" in about["categories"]),
    ({"business_unit": ["north"]}, lambda _, about: about["unit"] in ("North", "Wards")),
    ({"business_unit": ["Wards"]}, lambda _, about: about["unit"] == "Wards"),
    ({"location": ["青葉台"]}, lambda _, about: about["place"] is not None and about["place"].name == "青葉台"),
    ({"country": ["germany"]}, lambda _, about: about["place"] is not None and about["place"].country == "Germany"),
    ({"region": ["KANTŌ", "Nord"]}, lambda _, about: about["place"] is not None and bool(about["place"].region)),
    ({"channel": ["web-form", "EMAIL"]}, lambda _, about: about["channel"] in ("WEB_FORM", "EMAIL")),
    ({"anonymous": True}, lambda _, about: about["anonymous"] is True),
    ({"anonymous": False}, lambda _, about: about["anonymous"] is False),
    ({"assignee": ["ANA@example.org"]}, lambda case, _: (case.assignee_email or "").lower() == "ana@example.org"),
    (
        {"status": ["OPEN"], "anonymous": False, "category": ["CON"]},
        lambda case, about: case.status == "OPEN" and about["anonymous"] is False and "Conduct" in about["categories"],
    ),
]


def test_each_filter_finds_what_the_tables_hold(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 300)
    fill(cast.strangers, 30, seed=8)
    for data, holds in CASES:
        expected = by_hand(cast.lakeside, holds)
        assert found(cast.lakeside, data) == expected, data
        assert expected, data
        stored = parse_filters(data, cast.lakeside).to_json()
        assert found(cast.lakeside, stored) == expected, stored


@pytest.mark.parametrize("field", ["created_at", "closed_at", "updated_at"])
def test_the_period_bounds_the_date_field_half_open(app: Flask, cast: Cast, field: str) -> None:
    fill(cast.lakeside, 100)
    moments = sorted(filter(None, db.session.scalars(sa.select(getattr(Case, field)))))
    start, end = moments[len(moments) // 3], moments[len(moments) // 2]
    expected = by_hand(
        cast.lakeside, lambda case, _: getattr(case, field) is not None and start <= getattr(case, field) < end
    )
    assert found(cast.lakeside, {"date_field": field}, start, end) == expected
    assert found(cast.lakeside, {}, FIRST - timedelta(days=9), FIRST - timedelta(days=8)) == set()


@pytest.mark.parametrize(
    ("data", "field", "part"),
    [
        ([], "filters", "object"),
        ({"statuss": ["OPEN"]}, "statuss", "did you mean status"),
        ({"status": ["OPNE"]}, "status", "did you mean OPEN"),
        ({"status": []}, "status", "lists nothing"),
        ({"status": [1]}, "status", "list of texts"),
        ({"status": {"OPEN": 1}}, "status", "list of texts"),
        ({"category": ["Harasment"]}, "category", "did you mean Harassment"),
        ({"category": ["=cmd|' /C calc'!A0"]}, "category", "There is no category"),
        ({"location": ["\x00"]}, "location", "There is no location"),
        ({"assignee": ["'; DROP TABLE cases; --"]}, "assignee", "There is no assignee"),
        ({"country": ["x" * 10_000]}, "country", "300 characters"),
        ({"anonymous": "yes"}, "anonymous", "true or false"),
        ({"date_field": "due_at"}, "date_field", "due_at"),
        ({"date_field": ["created_at"]}, "date_field", "date field"),
        ({"tags": {"1": "x"}}, "tags", "none is set up"),
        ({"tags": ["amount"]}, "tags", "object"),
    ],
)
def test_what_is_not_known_is_refused_by_name(app: Flask, cast: Cast, data: Any, field: str, part: str) -> None:
    fill(cast.lakeside, 10)
    with pytest.raises(FilterError, match=part) as refused:
        parse_filters(data, cast.lakeside)
    assert refused.value.field == field
    assert refused.value.sentence.isprintable()


def test_another_organizations_names_are_not_known(app: Flask, cast: Cast) -> None:
    """E1."""
    fill(cast.lakeside, 10)
    for data in (
        {"category": ["CON"]},
        {"location": ["Hafen"]},
        {"business_unit": ["North"]},
        {"assignee": ["otto@example.org"]},
    ):
        parse_filters(data, cast.lakeside)
        with pytest.raises(FilterError):
            parse_filters(data, cast.strangers)


def test_filters_in_words(app: Flask, cast: Cast) -> None:
    fill(cast.lakeside, 10)

    def said(data: dict[str, Any]) -> str:
        return filters_in_words(parse_filters(data, cast.lakeside))

    assert said({}) == "All cases"
    assert said({"status": ["open", "ON_HOLD"], "category": ["con"], "anonymous": True, "date_field": "closed_at"}) == (
        "Status OPEN or ON_HOLD; category CON, children included; anonymous reports only; "
        "period counted by when the case was closed"
    )


def test_each_choice_shows_how_many_cases_its_filter_finds(app: Flask, cast: Cast) -> None:
    """C4: counts beside the choices, in six queries at most."""
    fill(cast.lakeside, 300)
    fill(cast.strangers, 30, seed=8)
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    offered = choices(cast.lakeside)
    assert len(asked) <= 6
    some = db.session.scalars(sa.select(Case).where(Case.organization_id == cast.lakeside).limit(40)).all()
    withheld = {case.case_number for case in some}
    for kept_from, listed_of in ((set(), offered), (withheld, choices(cast.lakeside, [case.id for case in some]))):
        for key, listed in listed_of.items():
            assert listed
            for choice in listed:
                data = {key: choice.value == "true"} if key == "anonymous" else {key: [choice.value]}
                assert len(found(cast.lakeside, data) - kept_from) == choice.count, (key, choice)


def test_nobody_is_a_choice_for_cases_that_one_is_kept_from(app: Flask, cast: Cast) -> None:
    """C4, C18"""
    fill(cast.lakeside, 40)
    of_otto = db.session.scalars(sa.select(Case.id).where(Case.assignee_email == "otto@example.org")).all()
    assert "otto@example.org" in {choice.value for choice in choices(cast.lakeside)["assignee"]}
    assert "otto@example.org" not in {choice.value for choice in choices(cast.lakeside, of_otto)["assignee"]}
