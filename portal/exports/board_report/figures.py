"""All that a board report shows as numbers, from one snapshot of the register."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from portal.cases.kept_from import kept_from_any
from portal.exports.board_report.aging import Aging, aging, band_starts
from portal.exports.board_report.breakdowns import Breakdown, breakdowns
from portal.exports.board_report.counts import Asked, count
from portal.exports.board_report.kpis import Kpi, kpis
from portal.exports.board_report.labels import load_labels, masked
from portal.exports.board_report.limits import check_limits
from portal.exports.board_report.notes import notes
from portal.exports.board_report.period import ReportPeriod, report_period
from portal.exports.board_report.risk import Risks, risks
from portal.exports.board_report.service_levels import Clocks, ServiceLevels, clocks, service_levels
from portal.exports.board_report.trends import Trend, trend
from portal.exports.masking import untold_of
from portal.exports.request import ExportRequest
from portal.exports.scope import Conditions, Scope, scope_of
from portal.exports.scope_words import limits_in_words
from portal.exports.snapshot import register_as_of
from portal.models import Case, Organization
from portal.zones import zone

MOST_IDS = 500
"""So many cases are left out by naming them."""


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
    check_limits(request)
    scope = scope_of(replace(request, seen_by=()), connection, with_period=False)
    period = report_period(request.start, request.end, request.planned_for, zone(request.zone))
    filters = scope.conditions if _has_filters(request) else []
    asked = Asked(connection, request.organization_id, filters, _withheld(connection, request), period)
    counts = count(asked, band_starts(period))
    names = load_labels(connection, request.organization_id)
    labels = masked(names, request.organization_id, request.masking)
    name = connection.scalar(sa.select(Organization.name).where(Organization.id == request.organization_id))
    return BoardFigures(
        organization=name or "",
        title=request.title,
        period=period,
        filters=_filters_in_words(request, scope),
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


def _has_filters(request: ExportRequest) -> bool:
    return any(set(filters or {}) - {"date_field"} for filters in (request.filters, request.own_filters))


def _withheld(connection: sa.Connection, request: ExportRequest) -> Conditions:
    """Without the cases that any reader is kept from: by their ids where they are few, as all of the questions that
    follow would look for them anew."""
    if not request.seen_by:
        return []
    kept = kept_from_any(request.organization_id, request.seen_by)
    statement = sa.select(Case.id).where(Case.organization_id == request.organization_id, kept)
    ids = connection.scalars(statement.limit(MOST_IDS + 1)).all()
    if len(ids) > MOST_IDS:
        return [~kept]
    return [Case.id.not_in(ids)] if ids else []


def _filters_in_words(request: ExportRequest, scope: Scope) -> str:
    """Without the date that other exports go by: here each figure has its own; without what masking leaves untold."""
    words, *own_words = (
        limits_in_words(request.export_type, replace(each, date_field="created_at"), untold_of(request.masking))
        for each in (scope.filters, scope.own_filters)
        if each is not None
    )
    if not own_words:
        return words
    own = own_words[0]
    return f"{words}; of these: {own[0].lower()}{own[1:]}"
