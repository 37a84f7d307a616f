"""The nine figures of the first page, each with the period before and, where it has one, its last twelve months."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.measures import Change, Measure, Unit


@dataclass(frozen=True)
class Kpi:
    """One figure of the first page."""

    key: str
    """opened, closed, open_at_end, median_days, substantiated, anonymous, sla_met, reports, investigations; also the
    name of its definition."""
    label: str
    now: Measure
    before: Measure | None
    """None where the period has none before it."""
    change: Change | None
    good: int
    """+1 where more is better, -1 where less is, 0 where neither can be said."""
    months: tuple[float | None, ...]
    """The same figure of each month of the trend, for a sparkline; empty where it is not broken down by month."""

    @property
    def unit(self) -> Unit:
        return self.now.unit
