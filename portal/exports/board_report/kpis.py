"""The nine figures of the first page, each with the period before and, where it has one, its last twelve months."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from portal.exports.board_report.counts import Counts
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.measures import Change, Measure, Unit, change_of
from portal.exports.board_report.period import TREND_MONTHS
from portal.exports.board_report.sql import BEFORE, NOW
from portal.models import Outcome

FOUND = frozenset({Outcome.SUBSTANTIATED.value, Outcome.PARTLY_SUBSTANTIATED.value})
DECIDED = FOUND | {Outcome.UNSUBSTANTIATED.value, Outcome.INSUFFICIENT.value}
"""Outcomes that say whether the report was right, as far as that could be found out."""

Months = tuple[float | None, ...]


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
    months: Months
    """The same figure of each month of the trend, for a sparkline; empty where it is not broken down by month."""

    @property
    def unit(self) -> Unit:
        return self.now.unit


def kpis(counts: Counts) -> tuple[Kpi, ...]:
    """In the order they are shown in."""
    return tuple(_kpi(counts, key, good, of_span, months) for key, good, of_span, months in _KPIS)


def opened(counts: Counts, span: int) -> Measure:
    return Measure.count(counts.opened.number[span])


def closed(counts: Counts, span: int) -> Measure:
    return Measure.count(counts.closed.outcomes[span].total())


def open_at_end(counts: Counts, span: int) -> Measure:
    return Measure.count(counts.still_open.number if span == NOW else counts.particulars.open_before)


def median_days(counts: Counts, span: int) -> Measure:
    days = counts.closed.days[span]
    return Measure.days(median(days), days.total())


def substantiated(counts: Counts, span: int) -> Measure:
    return substantiation_rate(counts.closed.outcomes[span])


def anonymous(counts: Counts, span: int) -> Measure:
    if not counts.anonymous_shown[span]:
        return Measure.hidden_share()
    return Measure.share(counts.opened.anonymous[span], counts.opened.known[span])


def sla_met(counts: Counts, span: int) -> Measure:
    due = list(counts.deadlines.by_priority[span].values())
    return Measure.share(sum(each.met for each in due), sum(each.due for each in due))


def reports(counts: Counts, span: int) -> Measure:
    return Measure.count(counts.reports.number[span])


def investigations(counts: Counts, span: int) -> Measure:
    return Measure.count(counts.investigations.number[span])


def substantiation_rate(outcomes: Mapping[str | None, int]) -> Measure:
    """Of closed cases by outcome."""
    found = sum(number for outcome, number in outcomes.items() if outcome in FOUND)
    return Measure.share(found, sum(number for outcome, number in outcomes.items() if outcome in DECIDED))


def median(days: Counter[int]) -> float | None:
    """Of values and how often each occurs; of two in the middle, what lies half way."""
    total = days.total()
    if not total:
        return None
    lower = upper = None
    passed = 0
    for value in sorted(days):
        passed += days[value]
        if lower is None and passed > (total - 1) // 2:
            lower = value
        if passed > total // 2:
            upper = value
            break
    return ((lower or 0) + (upper or 0)) / 2


def _kpi(
    counts: Counts,
    key: str,
    good: int,
    of_span: Callable[[Counts, int], Measure],
    months: Callable[[Counts], Iterable[float | None]],
) -> Kpi:
    now = of_span(counts, NOW)
    before = of_span(counts, BEFORE) if counts.has_before else None
    return Kpi(key, DEFINITIONS[key].label, now, before, change_of(now, before), good, tuple(months(counts)))


def _of_months(numbers: Mapping[int, int]) -> list[float | None]:
    return [numbers.get(month, 0) for month in range(TREND_MONTHS)]


def _months_of_open(counts: Counts) -> list[float | None]:
    """Open at the end of each month: back from the last by what was opened and closed since."""
    number: float = counts.still_open.number
    found: list[float | None] = []
    for month in reversed(range(TREND_MONTHS)):
        found.append(number)
        number += counts.closed.lasting[month] - counts.opened.lasting[month]
    return found[::-1]


def _months_of_sla(counts: Counts) -> list[float | None]:
    due = [counts.deadlines.months[month] for month in range(TREND_MONTHS)]
    return [Measure.share(each.met, each.due).value for each in due]


_KPIS: tuple[tuple[str, int, Callable[[Counts, int], Measure], Callable[[Counts], Iterable[float | None]]], ...] = (
    ("opened", 0, opened, lambda counts: _of_months(counts.opened.months)),
    ("closed", 0, closed, lambda counts: _of_months(counts.closed.months)),
    ("open_at_end", -1, open_at_end, _months_of_open),
    (
        "median_days",
        -1,
        median_days,
        lambda counts: [median(counts.closed.days_by_month[month]) for month in range(TREND_MONTHS)],
    ),
    (
        "substantiated",
        0,
        substantiated,
        lambda counts: [
            substantiation_rate(counts.closed.outcomes_by_month[month]).value for month in range(TREND_MONTHS)
        ],
    ),
    ("anonymous", 0, anonymous, lambda _: ()),
    ("sla_met", 1, sla_met, _months_of_sla),
    ("reports", 0, reports, lambda counts: _of_months(counts.reports.months)),
    ("investigations", 0, investigations, lambda counts: _of_months(counts.investigations.months)),
)
