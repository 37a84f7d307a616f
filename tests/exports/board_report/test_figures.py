"""The figures of a board report: equal to a second computation of another kind, on registers of every shape."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import create_app
from portal.exports.board_report.figures import BoardFigures, board_figures
from portal.exports.board_report.words import summary
from portal.exports.case_filters import FilterError
from portal.exports.periods import parse_period, resolve
from portal.exports.request import ExportRequest
from portal.exports.scope import Person
from portal.exports.snapshot import snapshot
from portal.extensions import db
from portal.schedules.inputs import NotAccepted
from portal.schedules.inputs import check as check_input
from portal.zones import zone
from tests.exports.board_report.random_register import KEPT_FROM, fill_by_chance, new_organization
from tests.exports.board_report.second import Second, compare
from tests.support.cast import Cast
from tests.support.databases import SECRET, SqliteDatabases

PLANNED = datetime(2026, 11, 2, 13, tzinfo=UTC)
PERIODS = (
    "previous_month",
    "2026-Q1",
    "2025",
    "last_7_days",
    "month_to_date",
    "2026-03-29..2026-04-05",
    "2026",
    "all",
    "1999",
)


@pytest.fixture
def sqlite_app(tmp_path: Path) -> Iterator[Flask]:
    """An application on SQLite, whatever else the run is for."""
    databases = SqliteDatabases()
    environ = {"SECRET_KEY": SECRET, "DATABASE_URL": databases.make(), "DUEPOST_VAR": str(tmp_path / "var")}
    made = create_app(environ | {"REDIS_URL": f"unix://{tmp_path}/no-redis.sock", "DUEPOST_LOG_LEVEL": "WARNING"})
    with made.app_context():
        yield made
        db.engine.dispose()
    databases.close()


def request_of(
    organization_id: uuid.UUID, period: str, zone_name: str = "America/New_York", **more: Any
) -> ExportRequest:
    resolved = resolve(parse_period(period), PLANNED, zone(zone_name))
    return ExportRequest(
        organization_id,
        "BOARD_REPORT",
        "PDF",
        more.pop("filters", {}),
        resolved.start,
        resolved.end,
        PLANNED,
        zone_name,
        title="Board report",
        **more,
    )


def figures_of(request: ExportRequest) -> BoardFigures:
    with snapshot() as connection:
        return board_figures(connection, request)


def check(request: ExportRequest, folder: Path) -> BoardFigures:
    """The figures, equal to the second computation."""
    figures = figures_of(request)
    compare(figures, Second(request, figures, folder).figures())
    return figures


@pytest.mark.parametrize(
    ("zone_name", "period", "seed"),
    [
        ("America/New_York", "previous_month", 1),
        ("Australia/Lord_Howe", "previous_quarter", 2),
        ("Asia/Kathmandu", "last_30_days", 3),
        ("Europe/Berlin", "all", 4),
        ("Pacific/Apia", "2026", 5),
    ],
)
def test_the_figures_are_those_of_a_second_computation(
    app: Flask, tmp_path: Path, zone_name: str, period: str, seed: int
) -> None:
    """C11: KPIs, trend, breakdowns, aging, deadlines and risk areas, on both databases."""
    organization_id = new_organization(zone_name)
    asked = request_of(organization_id, period, zone_name, seen_by=(Person(KEPT_FROM),))
    edges = [asked.start or PLANNED - timedelta(days=200), asked.end, PLANNED]
    fill_by_chance(organization_id, 250, seed, edges)
    check(asked, tmp_path)


@given(
    cases=st.integers(0, 40),
    seed=st.integers(0, 10**6),
    period=st.sampled_from(
        [
            "previous_month",
            "2026-Q1",
            "2025",
            "last_7_days",
            "month_to_date",
            "2026-03-29..2026-04-05",
            "2026",
            "all",
            "1999",
        ]
    ),
    zone_name=st.sampled_from(["America/New_York", "Europe/London", "Asia/Kolkata", "America/Havana", "Africa/Cairo"]),
    filters=st.sampled_from([{}, {"priority": ["HIGH", "LOW"]}, {"status": ["CLOSED"], "channel": ["HOTLINE"]}]),
    kept=st.booleans(),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_figures_of_any_register(
    sqlite_app: Flask,
    tmp_path: Path,
    cases: int,
    seed: int,
    period: str,
    zone_name: str,
    filters: dict[str, Any],
    kept: bool,
) -> None:
    """C11: also of none, one and few cases, before the first one, in zones that change their clocks at midnight."""
    organization_id = new_organization(zone_name)
    asked = request_of(organization_id, period, zone_name, filters=filters, seen_by=(Person(KEPT_FROM),) * kept)
    edges = [asked.start or PLANNED - timedelta(days=400), asked.end, PLANNED]
    fill_by_chance(organization_id, cases, seed, edges, dates_kept=seed % 3 > 0)
    summary(check(asked, tmp_path))


def test_anonymity_is_no_filter_of_a_board_report(app: Flask, cast: Cast) -> None:
    """C11: nor are changes alone; one sentence says so, when it is asked for and when a schedule is saved."""
    with pytest.raises(FilterError, match="anonymity"):
        figures_of(request_of(cast.lakeside, "2026", filters={"anonymous": False}))
    with pytest.raises(FilterError, match="changes only"):
        figures_of(request_of(cast.lakeside, "2026", only_changes=True))
    answers = {"export_type": "BOARD_REPORT", "format": "PDF", "only_changes": True, "filters": {"anonymous": True}}
    answers["own_rows"] = [{"addresses": "ana@example.org", "filters": {"anonymous": False}}]
    with pytest.raises(NotAccepted) as refused:
        check_input(answers, organization_id=cast.lakeside, now=PLANNED)
    fields = {each.field for each in refused.value.problems}
    assert {"filters.anonymous", "own_rows.0.filters.anonymous", "only_changes"} <= fields
