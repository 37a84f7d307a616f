"""Board reports of registers at the edges: none, one case, ten thousand categories, the longest names."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.exports.board_report.words import summary
from portal.models import BusinessUnit, Case, CaseStatus, Category, Location, write_session
from tests.exports.board_report.random_register import new_organization
from tests.exports.board_report.test_figures import PLANNED, check, figures_of, request_of, sqlite_app

__all__ = ["sqlite_app"]

MANY = 10_000


def test_nothing_at_all(app: Flask, tmp_path: Path) -> None:
    """C11: zeros and dashes, and one sentence that says so."""
    figures = check(request_of(new_organization("UTC"), "previous_month"), tmp_path)
    assert [kpi.now.text for kpi in figures.kpis] == ["0", "0", "0", "–", "–", "–", "–", "0", "0"]
    assert not any(breakdown.rows for breakdown in figures.breakdowns)
    assert figures.clocks.acknowledgement is figures.clocks.feedback is None
    assert [each.text for each in summary(figures)] == [
        "In October 2026 no case was opened and none was closed.",
        "At the end of the period no case was open, as at its beginning.",
    ]


def test_one_case(app: Flask, tmp_path: Path) -> None:
    """C11: in the singular; before it there was nothing."""
    organization_id = new_organization("UTC")
    opened = PLANNED - timedelta(days=10)
    own = {"organization_id": organization_id, "updated_at": opened, "custom_fields": {}}
    with write_session() as db:
        db.execute(sa.insert(Case), [{"case_number": "1", "status": CaseStatus.OPEN, "created_at": opened, **own}])
    assert [each.text for each in summary(check(request_of(organization_id, "previous_month"), tmp_path))] == [
        "In October 2026, 1 case was opened, after none in September 2026.",
        "No case was closed, as in September 2026.",
        "At the end of the period 1 case was open, after none at its beginning.",
        "It had been open for 8 days.",
    ]
    before = figures_of(request_of(organization_id, "2026-01"))
    assert before.cases == 0
    assert before.aging.total == 0


@pytest.fixture
def many_names(sqlite_app: Flask) -> uuid.UUID:  # the fixture
    """Ten thousand categories of one case each, all with names as long as names can be, and one unit."""
    organization_id = new_organization("UTC")
    own = {"organization_id": organization_id}
    opened = PLANNED - timedelta(days=10)
    categories = [
        {"id": uuid.uuid4(), "name": f"{number:05} ".ljust(200, "ü"), "parent_id": None, **own}
        for number in range(MANY)
    ]
    unit = {"id": uuid.uuid4(), "name": "W" * 200, **own}
    place = {"id": uuid.uuid4(), "name": "長" * 200, **own}
    of_all = {"business_unit_id": unit["id"], "location_id": place["id"], "created_at": opened, "updated_at": opened}
    cases = [
        {
            "case_number": str(n),
            "status": CaseStatus.OPEN,
            "category_id": each["id"],
            "custom_fields": {},
            **of_all,
            **own,
        }
        for n, each in enumerate(categories)
    ]
    with write_session() as db:
        for table, rows in ((Category, categories), (BusinessUnit, [unit]), (Location, [place]), (Case, cases)):
            db.execute(sa.insert(table), rows)
    return organization_id


def test_ten_thousand_categories_are_ten_and_the_others(many_names: uuid.UUID) -> None:
    """C11: shares add up, and names are cut in sentences alone."""
    figures = figures_of(request_of(many_names, "previous_month"))
    breakdown = figures.breakdown("category")
    assert [row.label for row in breakdown.rows][10:] == ["9,990 others"]
    assert breakdown.others == MANY - 10
    assert sum(row.count.value or 0 for row in breakdown.rows) == breakdown.total == MANY
    assert len(breakdown.rows[0].label) == 200
    texts = [each.text for each in summary(figures)]
    assert not any("categories" in text for text in texts), "none of them leads"
    assert max(map(len, texts)) < 200
