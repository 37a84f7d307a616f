"""Which period and which cases the page is asked for, by its address; and what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from portal.exports.periods import PeriodError, parse_period
from portal.moments import FIRST_DAY, MONTHS

MONTHS_OFFERED, QUARTERS_OFFERED, YEARS_OFFERED = 12, 8, 5
SO_FAR = (
    ("month_to_date", "This month so far"),
    ("quarter_to_date", "This quarter so far"),
    ("year_to_date", "This year so far"),
)
FILTERS = ("business_unit", "category")
_LIKE_IT = {"month": "previous_month", "quarter": "previous_quarter", "year": "previous_year"}


@dataclass(frozen=True)
class Choice:
    """`period` as `parse_period` reads it; `filters` as exports take them."""

    period: str
    first: str = ""
    last: str = ""
    """The dates that were typed, if any were."""
    filters: Mapping[str, list[str]] = field(default_factory=dict)
    problem: str = ""
    """One sentence on what cannot be had; then the period is the usual one."""

    def address(self, period: str | None = None) -> dict[str, Any]:
        """Arguments of an address that asks for it, or for the same of another period."""
        return {"period": period or self.period} | {key: values[0] for key, values in self.filters.items()}


def read_choice(args: Mapping[str, str], today: date) -> Choice:
    """What an address asks for; the previous month where it says nothing."""
    first, last = args.get("first", "").strip(), args.get("last", "").strip()
    filters = {key: [text] for key in FILTERS if (text := args.get(key, "").strip())}
    period = f"{first}..{last}" if first or last else args.get("period", "").strip() or usual_period(today)
    if period in ("all", "since_last_success"):
        return Choice(usual_period(today), filters=filters, problem="Choose a period that begins and ends.")
    try:
        parsed = parse_period(period)
    except PeriodError as refusal:
        return Choice(usual_period(today), first, last, filters, str(refusal))
    if parsed.first and parsed.first > today:
        return Choice(usual_period(today), first, last, filters, "That period has not begun: choose an earlier one.")
    return Choice(period, first, last, filters)


def usual_period(today: date) -> str:
    """The last complete month."""
    return _month(_back(today, 1))


def period_choices(today: date) -> list[tuple[str, list[tuple[str, str]]]]:
    """(group, its (value, label)s): what is not over, and the last complete months, quarters and years."""
    months = [_back(today, number) for number in range(1, MONTHS_OFFERED + 1)]
    quarter = _back(today, (today.month - 1) % 3)
    quarters = [_back(quarter, 3 * number) for number in range(1, QUARTERS_OFFERED + 1)]
    years = [str(today.year - number) for number in range(1, YEARS_OFFERED + 1)]
    return [
        ("Not over", list(SO_FAR)),
        ("Months", [(_month(day), f"{MONTHS[day.month - 1]} {day.year}") for day in months]),
        ("Quarters", [(_quarter(day), f"Q{day.month // 3 + 1} {day.year}") for day in quarters]),
        ("Years", [(year, year) for year in years]),
    ]


def neighbours(period: str, today: date) -> tuple[str | None, str | None]:
    """The month, quarter or year before and after; None where it is none, or has not begun."""
    parsed, name = parse_period(period), _NAMES.get(_kind(period) or "")
    if name is None or parsed.first is None or parsed.last is None:
        return None, None
    before, after = parsed.first - timedelta(days=1), parsed.last + timedelta(days=1)
    return name(before) if before >= FIRST_DAY else None, name(after) if after <= today else None


def to_repeat(period: str) -> str:
    """The period that a schedule would have to be a report of this kind each time: the previous month of a month."""
    return _LIKE_IT.get(_kind(period) or "", period)


def _kind(period: str) -> str | None:
    """ "month", "quarter", "year" of a period that is one."""
    if len(period) == 4 and period.isdigit():
        return "year"
    if len(period) == 7 and period[4] == "-":
        return "quarter" if period[5] == "Q" else "month"
    return None


def _back(day: date, months: int) -> date:
    """The first day of the month so many months before."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _month(day: date) -> str:
    return f"{day.year:04}-{day.month:02}"


def _quarter(day: date) -> str:
    return f"{day.year:04}-Q{(day.month - 1) // 3 + 1}"


def _year(day: date) -> str:
    return f"{day.year:04}"


_NAMES: dict[str, Callable[[date], str]] = {"month": _month, "quarter": _quarter, "year": _year}
