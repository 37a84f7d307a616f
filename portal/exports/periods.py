"""Which dates an export covers: named periods and fixed dates, resolved from the planned moment in the schedule's zone.

Days begin at local midnight. A midnight that does not exist moves forward with the clocks; of two the first counts.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.moments import LAST_DAY, MomentError, day_in_words, moment_in_words, parse_day
from portal.zones import zone_words

MOST_DAYS = 3_660

PERIOD_CHOICES: tuple[tuple[str, str], ...] = (
    ("last_7_days", "Last 7 days"),
    ("last_30_days", "Last 30 days"),
    ("last_90_days", "Last 90 days"),
    ("previous_day", "Previous day"),
    ("previous_week", "Previous complete week, Monday to Sunday"),
    ("previous_month", "Previous complete month"),
    ("previous_quarter", "Previous complete quarter"),
    ("previous_year", "Previous complete year"),
    ("month_to_date", "This month so far"),
    ("quarter_to_date", "This quarter so far"),
    ("year_to_date", "This year so far"),
    ("since_last_success", "Since the last run that succeeded"),
    ("all", "Everything"),
)
"""(value, label) for forms; beside them `last_N_days`, a year, a quarter, a month and `FROM..TO` can be typed."""

_LABELS = dict(PERIOD_CHOICES)
_LAST_DAYS = re.compile(r"last_(\d{1,9})_days", re.ASCII)
_YEAR_PART = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(\d{2})))?", re.ASCII)
_KNOWN = "last_30_days, previous_week, month_to_date, all, 2022, 2022-Q1, 2022-03 or 2022-01-01..2022-12-31"
_LONGEST = 64


class PeriodError(ValueError):
    """Not a period. The text is one sentence for the person who typed it."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period as it was asked for; made and checked by `parse_period`."""

    text: str
    """As stored and typed: `last_30_days`, `2022-01-01..2022-12-31`."""
    days: int = 0
    """Of `last_N_days`."""
    first: date | None = None
    last: date | None = None
    """Fixed local dates, both included."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Instants in UTC, `start` included, `end` not; without a start it reaches back to the first case."""

    start: datetime | None
    end: datetime


def parse_period(text: str) -> Period:
    """Reads a name of PERIOD_CHOICES, `last_N_days`, `2022`, `2022-Q1`, `2022-03` or `FROM..TO`. Raises PeriodError."""
    if text in _LABELS and not text.startswith("last_"):
        return Period(text)
    if last_days := _LAST_DAYS.fullmatch(text):
        return _last_days(text, int(last_days[1]))
    if ".." in text:
        return _fixed_dates(text)
    if year_part := _YEAR_PART.fullmatch(text):
        return _year_part(text, year_part)
    raise PeriodError(_refusal(text))


def resolve(period: Period, planned_for: datetime, zone: ZoneInfo, last_success: datetime | None = None) -> Resolved:
    """The instants of `period`, counted from the planned moment and never from the clock.

    `last_success` is where the last planned run that succeeded ended; without one, `since_last_success` is everything.
    """
    if period.first and period.last:
        return Resolved(_midnight(period.first, zone), _midnight(period.last + timedelta(days=1), zone))
    planned_for = planned_for.astimezone(UTC)
    today = planned_for.astimezone(zone).date()
    if period.days:
        return Resolved(_midnight(today - timedelta(days=period.days), zone), _midnight(today, zone))
    if period.text == "all":
        return Resolved(None, planned_for)
    if period.text == "since_last_success":
        return Resolved(last_success.astimezone(UTC) if last_success else None, planned_for)
    kind, _, _ = period.text.rpartition("_to_")
    if kind:
        return Resolved(_midnight(_BEGINS[kind](today), zone), planned_for)
    begin = _BEGINS[period.text.removeprefix("previous_")]
    end = begin(today)
    return Resolved(_midnight(begin(end - timedelta(days=1)), zone), _midnight(end, zone))


def period_in_words(resolved: Resolved, zone: ZoneInfo) -> str:
    """ "1 January 2026 to 31 January 2026, New York time": whole days by their dates, other ends by the minute."""
    end_day = resolved.end.astimezone(zone).date()
    whole = resolved.end == _midnight(end_day, zone)
    until = day_in_words(end_day - timedelta(days=1)) if whole else moment_in_words(resolved.end, zone)
    in_zone = zone_words(zone.key)
    if resolved.start is None:
        return f"everything up to {until}, {in_zone}"
    if resolved.end <= resolved.start:
        return f"no time at all, {in_zone}"
    start_day = resolved.start.astimezone(zone).date()
    begins_whole = resolved.start == _midnight(start_day, zone)
    since = day_in_words(start_day) if begins_whole else moment_in_words(resolved.start, zone)
    return f"{since}, {in_zone}" if since == until else f"{since} to {until}, {in_zone}"


def asked_in_words(period: Period) -> str:
    """The period as it was asked for: "Last 14 days", "Previous complete month", "1 January 2022 to 31 March 2022"."""
    if period.text in _LABELS:
        return _LABELS[period.text]
    if period.first and period.last:
        return f"{day_in_words(period.first)} to {day_in_words(period.last)}"
    return "Last day" if period.days == 1 else f"Last {period.days} days"


def _last_days(text: str, days: int) -> Period:
    if not 1 <= days <= MOST_DAYS:
        raise PeriodError(f"The number of days in last_N_days must be from 1 to {MOST_DAYS:,}.")
    return Period(text, days=days)


def _fixed_dates(text: str) -> Period:
    try:
        first, last = (parse_day(part) for part in text.split("..", 1))
    except MomentError as problem:
        raise PeriodError(f"A period of fixed dates looks like 2022-01-01..2022-12-31. {problem}") from None
    if last < first:
        raise PeriodError("The period ends before it begins: give the earlier date first.")
    return Period(text, first=first, last=last)


def _year_part(text: str, found: re.Match[str]) -> Period:
    first_month, months = 1, 12
    if found[2]:
        first_month, months = int(found[2]) * 3 - 2, 3
    elif found[3]:
        first_month, months = int(found[3]), 1
    try:
        first = parse_day(f"{found[1]}-{first_month:02d}-01")
    except MomentError:
        raise PeriodError(
            f"A period of a year, quarter or month looks like 2022, 2022-Q1 or 2022-03, not {text}."
        ) from None
    after = first_month - 1 + months
    last = (
        LAST_DAY if first.year == LAST_DAY.year and after == 12 else date(first.year + after // 12, after % 12 + 1, 1)
    )
    return Period(text, first=first, last=last if last == LAST_DAY else last - timedelta(days=1))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _quarter(day: date) -> date:
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


_BEGINS: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": _week,
    "month": lambda day: day.replace(day=1),
    "quarter": _quarter,
    "year": lambda day: date(day.year, 1, 1),
}
"""The first day of what a day lies in."""


def _refusal(text: str) -> str:
    if not text.strip():
        return f"Name a period, such as {_KNOWN}."
    if len(text) > _LONGEST or not text.isprintable():
        return f"That is not a period; name one such as {_KNOWN}."
    near = difflib.get_close_matches(text.strip().lower().replace(" ", "_").replace("-", "_"), _LABELS, n=1)
    advice = f"did you mean {near[0]}?" if near else f"name one such as {_KNOWN}."
    return f'There is no period "{text}"; {advice}'
