"""Figures of a board report made up by hand, to be set and drawn without a register."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from portal.exports.board_report.aging import AgeBand, Aging
from portal.exports.board_report.breakdowns import Breakdown, BreakdownRow, RowKind
from portal.exports.board_report.figures import BoardFigures
from portal.exports.board_report.kpis import Kpi
from portal.exports.board_report.measures import Change, Measure, change_of
from portal.exports.board_report.period import report_period
from portal.exports.board_report.risk import Overdue, Rising, Risks, UnitAbove
from portal.exports.board_report.sections import Facts
from portal.exports.board_report.service_levels import Clocks, Due, ServiceLevels
from portal.exports.board_report.trends import Trend, TrendMonth

ZONE = ZoneInfo("America/New_York")
MADE = datetime(2026, 11, 2, 13, 0, 6, tzinfo=UTC)
FACTS = Facts("7f3a9c21-04be-4d0e-9d3c-1f6f2f0f9a11", MADE, datetime(2026, 11, 2, 13, tzinfo=UTC))
_PRIORITIES = ("Critical", "High", "Medium", "Low", "Not recorded")


def figures(names: tuple[str, ...] = (), organization: str = "Lakeside Health", title: str = "") -> BoardFigures:
    """October 2026; the first values of each breakdown bear `names`."""
    period = report_period(datetime(2026, 10, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC), MADE, ZONE)
    return BoardFigures(
        organization=organization,
        title=title or "Board report on integrity cases",
        period=period,
        filters="All cases",
        register_as_of=datetime(2026, 11, 2, 10, 12, tzinfo=UTC),
        kpis=_kpis(),
        trend=Trend(
            tuple(
                TrendMonth(month, 40 + 7 * place % 23, 35 + 11 * place % 29)
                for place, month in enumerate(period.months)
            )
        ),
        breakdowns=tuple(_breakdown(key, label, values, others, names) for key, label, values, others in _BREAKDOWNS),
        aging=Aging(
            tuple(
                AgeBand(
                    label, sum(numbers), Measure.share(sum(numbers), 180), tuple(zip(_PRIORITIES, numbers, strict=True))
                )
                for label, numbers in _AGES
            ),
            180,
            412,
        ),
        service_levels=ServiceLevels(
            (_due("Critical", 5, 2, 1), _due("High", 14, 4, 3), _due("Medium", 31, 6, 2), _due("Low", 9, 0, 0)),
            _due("All", 59, 12, 6),
        ),
        clocks=Clocks(_due("Acknowledged within 7 days", 47, 3, 1), _due("Feedback within 3 months", 22, 9, 6)),
        risks=Risks(
            (Rising(names[0] if names else "Conflict of interest", 21, 9, Change(12, None, "+12")),),
            True,
            (UnitAbove(names[-1] if names else "Clinic North", Measure.share(9, 12)),),
            Measure.share(23, 51),
            (Overdue("Critical", 3, 64), Overdue("High", 11, 201)),
        ),
        notes=("14 cases are closed without a closing date and are left out of what is counted by it.",),
    )


def _kpis() -> tuple[Kpi, ...]:
    count, share, days = Measure.count, Measure.share, Measure.days
    numbers = (
        ("opened", "Cases opened", count(63), count(51), 0),
        ("closed", "Cases closed", count(58), count(61), 1),
        ("open_at_end", "Open at the end", count(180), count(175), -1),
        ("median_days", "Median days to close", days(41.5, 58), days(38, 61), -1),
        ("substantiated", "Substantiation rate", share(23, 51), share(20, 55), 0),
        ("anonymous", "Anonymous share", share(17, 63), share(21, 51), 0),
        ("sla_met", "SLA met", share(59, 77), share(61, 70), 1),
        ("reports", "Reports received", count(71), count(58), 0),
        ("investigations", "Investigations completed", count(6), count(0), 1),
    )
    months = tuple(float(3 + (place * 5) % 7) for place in range(12))
    return tuple(Kpi(key, label, now, was, change_of(now, was), good, months) for key, label, now, was, good in numbers)


def _due(label: str, met: int, late: int, outstanding: int) -> Due:
    due = met + late + outstanding
    return Due(label, due, met, late, outstanding, Measure.share(met, due))


_AGES = (
    ("0–30 days", (4, 12, 28, 9, 1)),
    ("31–60 days", (2, 9, 17, 6, 0)),
    ("61–90 days", (1, 3, 8, 4, 0)),
    ("Over 90 days", (6, 17, 31, 20, 2)),
)
_BREAKDOWNS = (
    ("category", "Category", ("Conflict of interest", "Harassment and discrimination", "Billing and coding", "Privacy",
     "Theft and fraud", "Gifts and hospitality", "Retaliation", "Data security", "Safety", "Records"), 4),
    ("business_unit", "Business unit", ("Clinic North", "Pharmacy", "Clinic South", "Finance", "Research"), 0),
    ("location", "Location", ("Lakeside", "Harbor", "Northport", "Ridge"), 0),
    ("channel", "Channel", ("Hotline", "Web form", "E-mail", "Walk-in", "Letter"), 0),
    ("priority", "Priority", ("Critical", "High", "Medium", "Low"), 0),
    ("outcome", "Outcome", ("Substantiated", "Unsubstantiated", "Partly substantiated", "Insufficient"), 0),
)  # fmt: skip


def _breakdown(key: str, label: str, values: tuple[str, ...], others: int, names: tuple[str, ...]) -> Breakdown:
    values = (*names, *values[len(names) :]) if key in ("category", "business_unit", "location") else values
    counts = [max(2, 21 - 3 * place) for place in range(len(values))]
    last = ([("Not recorded", 3, RowKind.NOT_RECORDED)], [(f"{others} others", 7, RowKind.OTHERS)])[bool(others)]
    rows = [*((value, number, RowKind.VALUE) for value, number in zip(values, counts, strict=True)), *last]
    total = sum(number for _, number, _ in rows)
    return Breakdown(
        key, label, "cases closed" if key == "outcome" else "cases opened",
        tuple(_row(value, number, place, total, kind, key != "outcome")
              for place, (value, number, kind) in enumerate(rows)),
        total, others,
    )  # fmt: skip


def _row(label: str, number: int, place: int, total: int, kind: RowKind, with_anonymous: bool) -> BreakdownRow:
    now, before = Measure.count(number), Measure.count(number + 5 - 3 * place if number + 5 > 3 * place else 0)
    anonymous = None
    if with_anonymous:
        anonymous = Measure.count(number // 3) if number > 15 else Measure.hidden_count()
    return BreakdownRow(label, now, Measure.share(number, total), before, change_of(now, before), anonymous, kind)
