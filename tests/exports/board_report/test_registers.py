"""The figures of the demo's register and of New Orleans' complaints: equal to the second computation."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from flask import Flask

from demo.register import generate_register
from portal import audit
from portal.exports.board_report.words import summary
from portal.people.organizations import create_organization
from tests.case_import.conftest import bring_paths
from tests.case_import.public_data import ROOT, public_file
from tests.exports.board_report.random_register import new_organization
from tests.exports.board_report.test_figures import PLANNED, check, request_of, sqlite_app

__all__ = ["sqlite_app"]


def test_the_demo(sqlite_app: Flask, tmp_path: Path) -> None:  # the fixture
    """C11: with every field alive, nothing of the report is empty."""
    organization_id = new_organization("America/New_York")
    generate_register(organization_id, 900, 7, date(2026, 11, 2), lambda _done, _asked: None)
    for period in ("previous_month", "previous_quarter", "2025"):
        figures = check(request_of(organization_id, period), tmp_path)
        assert all(kpi.now.value is not None for kpi in figures.kpis)
        assert all(breakdown.rows for breakdown in figures.breakdowns)
        assert len(summary(figures)) > 8


@pytest.mark.public_data
def test_new_orleans(sqlite_app: Flask, tmp_path: Path) -> None:  # the fixture
    """C11: a register without due dates, anonymity or the Directive's dates says what it knows, and no more."""
    complaints = public_file("nopd-misconduct", "NOPD_Misconduct_Complaints.csv")
    place = "America/Chicago"
    organization_id = create_organization("New Orleans", "new-orleans", place, now=PLANNED, actor=audit.operator)
    mapping = ROOT / "examples" / "new-orleans" / "mapping.toml"
    bring_paths(mapping, [complaints], slug="new-orleans", now=datetime(2026, 11, 2, 12, tzinfo=UTC))
    figures = check(request_of(organization_id, "2019", place), tmp_path)
    assert figures.cases > 50
    assert figures.clocks.acknowledgement is figures.clocks.feedback is None
    assert not any("due" in each.text for each in summary(figures))
