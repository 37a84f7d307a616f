"""How the cases of the period divide: by category, unit, location, channel, priority and outcome, ranked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from portal.exports.board_report.measures import Change, Measure

TOP = 10
"""So many values have a row of their own; all others share one."""


class RowKind(Enum):
    VALUE = "value"
    OTHERS = "others"
    NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class BreakdownRow:
    """`label` may be long (300 characters): whoever draws it cuts it."""

    label: str
    count: Measure
    share: Measure
    """Of all cases of the breakdown."""
    before: Measure | None
    change: Change | None
    anonymous: Measure | None
    """How many of `count` are anonymous, as a count that may be hidden; None in a breakdown that does not say."""
    kind: RowKind = RowKind.VALUE


@dataclass(frozen=True)
class Breakdown:
    """Rows in the order they are shown in: the most cases first (priorities by rank), then the others, then the cases
    that have none recorded. Their counts add up to `total`. No rows: there were no cases."""

    key: str
    """category, business_unit, location, channel, priority, outcome; "breakdown_" + key names its definition."""
    label: str
    """ "Category"."""
    of: str
    """ "cases opened" or "cases closed"."""
    rows: tuple[BreakdownRow, ...]
    total: int
    others: int
    """How many values the row of the others stands for."""
