"""Where the board may want to look: what rises, what is found more often than elsewhere, what is late."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.measures import Change, Measure


@dataclass(frozen=True)
class Rising:
    label: str
    now: int
    before: int
    change: Change


@dataclass(frozen=True)
class UnitAbove:
    label: str
    rate: Measure
    """Its substantiation rate in the period."""


@dataclass(frozen=True)
class Overdue:
    priority: str
    count: int
    longest_days: int
    """Local days since the earliest due date of them."""


@dataclass(frozen=True)
class Risks:
    """At most five categories and units; each list is empty where nothing meets its rule."""

    rising: tuple[Rising, ...]
    compared: bool
    """Whether there is a period before, so that something could rise."""
    units: tuple[UnitAbove, ...]
    organization_rate: Measure
    overdue: tuple[Overdue, ...]
    """Critical, then High: cases open at the end of the period and past their due date; those of which there are."""
