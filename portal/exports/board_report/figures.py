"""All that a board report shows as numbers, from one snapshot of the register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from portal.exports.board_report.aging import Aging
from portal.exports.board_report.breakdowns import Breakdown
from portal.exports.board_report.kpis import Kpi
from portal.exports.board_report.period import ReportPeriod
from portal.exports.board_report.risk import Risks
from portal.exports.board_report.service_levels import Clocks, ServiceLevels
from portal.exports.board_report.trends import Trend
from portal.exports.request import ExportRequest


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
    """The figures of the request's cases. `connection` sees one snapshot: see `portal.exports.rows.snapshot`.

    Raises FilterError or ZoneError where the request cannot be had.
    """
    raise NotImplementedError(connection, request)
