"""All that a board report shows as numbers, from one snapshot of the register."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from portal.exports.board_report.aging import Aging, aging, band_starts
from portal.exports.board_report.breakdowns import Breakdown, breakdowns
from portal.exports.board_report.counts import Asked, count
from portal.exports.board_report.kpis import Kpi, kpis
from portal.exports.board_report.labels import load_labels
from portal.exports.board_report.notes import notes
from portal.exports.board_report.period import ReportPeriod, report_period
from portal.exports.board_report.risk import Risks, risks
from portal.exports.board_report.service_levels import Clocks, ServiceLevels, clocks, service_levels
from portal.exports.board_report.trends import Trend, trend
from portal.exports.case_filters import FilterError, filters_in_words
from portal.exports.request import ExportRequest
from portal.exports.scope import Scope, scope_of
from portal.exports.snapshot import register_as_of
from portal.models import Organization
from portal.zones import zone


@dataclass(frozen=True)
class BoardFigures:
    """Everything the report shows as numbers, with labels and units; how each is computed is in `definitions`."""

    organization: str
    title: str
    period: ReportPeriod
    filters: str
    """In words: "All cases", "Status OPEN; own rows: business unit North"."""
    register_as_of: datetime | None
    """When the newest import that succeeded was finished; None: there was none."""
    kpis: tuple[Kpi, ...]
    """Nine, in the order they are shown in."""
    trend: Trend
    breakdowns: tuple[Breakdown, ...]
    """category, business_unit, location, channel, priority, outcome."""
    aging: Aging
    service_levels: ServiceLevels
    clocks: Clocks
    risks: Risks
    notes: tuple[str, ...]
    """One sentence for each thing about the register that a reader of the figures must know."""

    @property
    def cases(self) -> int:
        """Cases opened in the period."""
        return int(self.kpi("opened").now.value or 0)

    def kpi(self, key: str) -> Kpi:
        return next(each for each in self.kpis if each.key == key)

    def breakdown(self, key: str) -> Breakdown:
        return next(each for each in self.breakdowns if each.key == key)


def board_figures(connection: sa.Connection, request: ExportRequest) -> BoardFigures:
    """The figures of the request's cases. `connection` sees one snapshot: see `portal.exports.snapshot`.

    Raises FilterError or ZoneError where the request cannot be had.
    """
    check_board_report(request)
    scope = scope_of(request, connection, with_period=False)
    period = report_period(request.start, request.end, request.planned_for, zone(request.zone))
    asked = Asked(connection, request.organization_id, scope.conditions, period)
    counts = count(asked, band_starts(period), _unfiltered(request, scope, connection))
    labels = load_labels(connection, request.organization_id)
    name = connection.scalar(sa.select(Organization.name).where(Organization.id == request.organization_id))
    return BoardFigures(
        organization=name or "",
        title=request.title,
        period=period,
        filters=_filters_in_words(scope),
        register_as_of=register_as_of(connection, request.organization_id),
        kpis=kpis(counts),
        trend=trend(counts, period.months),
        breakdowns=breakdowns(counts, labels),
        aging=aging(counts, period),
        service_levels=service_levels(counts),
        clocks=clocks(counts),
        risks=risks(counts, labels, period),
        notes=notes(counts, request),
    )


def check_board_report(request: ExportRequest) -> None:
    """Raises FilterError where a board report cannot be made of the request's filters, whatever the register holds."""
    for filters in (request.filters, request.own_filters or {}):
        if filters.get("anonymous") is not None:
            raise FilterError(
                "anonymous",
                "A board report cannot be filtered by anonymity: small numbers would tell who reported. It states the "
                "share of anonymous cases itself.",
            )
    if request.only_changes:
        raise FilterError("only_changes", "A board report is of whole periods: it cannot be of changes only.")


def _unfiltered(request: ExportRequest, scope: Scope, connection: sa.Connection) -> list[sa.ColumnElement[bool]] | None:
    """The conditions without filters, where there are any."""
    if not scope.filters.values and (scope.own_filters is None or not scope.own_filters.values):
        return None
    return scope_of(replace(request, filters={}, own_filters=None), connection, with_period=False).conditions


def _filters_in_words(scope: Scope) -> str:
    """Without the date that other exports go by: here each figure has its own."""
    words = filters_in_words(replace(scope.filters, date_field="created_at"))
    if scope.own_filters is None:
        return words
    own = filters_in_words(replace(scope.own_filters, date_field="created_at"))
    return f"{words}; of these: {own[0].lower()}{own[1:]}"
