"""Where the board may want to look: what rises, what is found more often than elsewhere, what is late."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from portal.exports.board_report.breakdowns import groups_of, units_shown
from portal.exports.board_report.counts import Counts
from portal.exports.board_report.kpis import substantiated, substantiation_rate
from portal.exports.board_report.labels import Labels, priority_label
from portal.exports.board_report.measures import SMALL_BASE, Change, Measure, change_of
from portal.exports.board_report.period import ReportPeriod
from portal.exports.board_report.sql import NOW
from portal.models import Priority

MOST = 5
"""So many categories and units are named."""
RISE_CASES = 5
RISE_PERCENT = 25
"""A category rises where it has at least so many more cases, and so many percent more, than in the period before."""
HIGH = (Priority.CRITICAL.value, Priority.HIGH.value)


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


def risks(counts: Counts, labels: Labels, period: ReportPeriod) -> Risks:
    rate = substantiated(counts, NOW)
    return Risks(
        _rising(counts, labels) if counts.has_before else (),
        counts.has_before,
        _units_above(counts, labels, rate),
        rate,
        _overdue(counts, period),
    )


def _rising(counts: Counts, labels: Labels) -> tuple[Rising, ...]:
    found = []
    for key, group in groups_of(counts, labels, "category").items():
        change = change_of(Measure.count(group.now), Measure.count(group.before))
        more = group.now - group.before
        if key is not None and change and more >= RISE_CASES and more * 100 >= group.before * RISE_PERCENT:
            found.append(Rising(labels.names["category"][key], group.now, group.before, change))
    return tuple(sorted(found, key=lambda each: (-each.change.difference, each.label.casefold()))[:MOST])


def _units_above(counts: Counts, labels: Labels, organization: Measure) -> tuple[UnitAbove, ...]:
    shown = units_shown(counts, labels)
    joined: dict[uuid.UUID, Counter[str | None]] = defaultdict(Counter)
    for key, outcomes in counts.closed.outcomes_by_unit.items():
        if isinstance(key, uuid.UUID):
            joined[shown[key]] += outcomes
    found = [
        UnitAbove(labels.names["business_unit"][key], rate)
        for key, rate in ((key, substantiation_rate(outcomes)) for key, outcomes in joined.items())
        if (rate.base or 0) >= SMALL_BASE and rate.tenths > organization.tenths
    ]
    return tuple(sorted(found, key=lambda each: (-(each.rate.value or 0), each.label.casefold()))[:MOST])


def _overdue(counts: Counts, period: ReportPeriod) -> tuple[Overdue, ...]:
    still_open = counts.still_open
    return tuple(
        Overdue(priority_label(each), still_open.overdue[each], _days_since(still_open.earliest_due[each], period))
        for each in HIGH
        if still_open.overdue[each]
    )


def _days_since(due: datetime, period: ReportPeriod) -> int:
    return (period.last_day - due.astimezone(period.zone).date()).days
