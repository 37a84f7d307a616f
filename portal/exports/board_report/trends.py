"""Cases opened and closed in each of the last twelve months."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.period import Month


@dataclass(frozen=True)
class TrendMonth:
    month: Month
    opened: int
    closed: int


@dataclass(frozen=True)
class Trend:
    """Twelve months, the oldest first; the last may be cut off (`month.complete`)."""

    months: tuple[TrendMonth, ...]

    @property
    def is_empty(self) -> bool:
        return not any(each.opened or each.closed for each in self.months)
