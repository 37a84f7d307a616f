"""Cases opened and closed in each of the last twelve months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portal.exports.board_report.counts import Counts
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


def trend(counts: Counts, months: Sequence[Month]) -> Trend:
    return Trend(
        tuple(
            TrendMonth(month, counts.opened.months[number], counts.closed.months[number])
            for number, month in enumerate(months)
        )
    )
