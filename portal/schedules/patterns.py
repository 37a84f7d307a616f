"""Which local dates a rule's pattern names: pure calendar, no zone and no time of day."""

from __future__ import annotations

import calendar
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

Last = Literal["last"]


@dataclass(frozen=True, slots=True)
class Once:
    """One local date."""

    date: date


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day, or every `interval` days."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """On some days of the week: ISO numbers, Monday 1, ascending."""

    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DayOfMonth:
    """A day of the month, 1-31 or the last. In a month without it: the month's last day, or none when `skip_short`."""

    day: int | Last
    skip_short: bool = False


@dataclass(frozen=True, slots=True)
class WeekdayOfMonth:
    """The 1st to 4th or last of a weekday (ISO number) in the month."""

    nth: int | Last
    weekday: int


@dataclass(frozen=True, slots=True)
class WorkdayOfMonth:
    """The 1st to 20th or last Monday-to-Friday day of the month; holidays are not known."""

    workday: int | Last


MonthPattern = DayOfMonth | WeekdayOfMonth | WorkdayOfMonth
Pattern = Once | Daily | Weekly | MonthPattern


def dates_of(pattern: Pattern, interval: int, counted_from: date, first: date, last: date) -> Iterator[date]:
    """The pattern's dates from `first` to `last`, both included, ascending; every `interval` days, ISO weeks or months
    counted from `counted_from`, which is not after `first`. It jumps to `first`: the distance costs nothing.
    None at all when the pattern names a day that none of its months has: `last` ends the search.
    """
    match pattern:
        case Once(date=day):
            dates = iter([day])
        case Daily():
            dates = _daily_dates(interval, counted_from, first, last)
        case Weekly():
            dates = _weekly_dates(pattern, interval, counted_from, first, last)
        case _:
            dates = _monthly_dates(pattern, interval, counted_from, first, last)
    return (day for day in itertools.takewhile(lambda day: day <= last, dates) if day >= first)


def _daily_dates(interval: int, counted_from: date, first: date, last: date) -> Iterator[date]:
    begin = _step_at(first.toordinal(), counted_from.toordinal(), interval)
    return map(date.fromordinal, range(begin, last.toordinal() + 1, interval))


def _weekly_dates(pattern: Weekly, interval: int, counted_from: date, first: date, last: date) -> Iterator[date]:
    """The dates of whole weeks, from the one of `first` or before: `dates_of` cuts off what lies outside."""
    begin = _step_at(_monday(first), _monday(counted_from), 7 * interval)
    for monday in range(begin, last.toordinal() + 1, 7 * interval):
        for weekday in pattern.weekdays:
            yield date.fromordinal(monday + weekday - 1)


def _monthly_dates(pattern: MonthPattern, interval: int, counted_from: date, first: date, last: date) -> Iterator[date]:
    """One date in each month that has the day, from the month of `first` or before."""
    begin = _step_at(_month_number(first), _month_number(counted_from), interval)
    for number in range(begin, _month_number(last) + 1, interval):
        year, month = divmod(number, 12)
        day = _day_in_month(pattern, year, month + 1)
        if day is not None:
            yield date(year, month + 1, day)


def _step_at(target: int, counted_from: int, step: int) -> int:
    """The last of counted_from, counted_from + step, ... that is not above `target`."""
    return target - (target - counted_from) % step


def _monday(day: date) -> int:
    return day.toordinal() - day.weekday()


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _day_in_month(pattern: MonthPattern, year: int, month: int) -> int | None:
    first_weekday, length = calendar.monthrange(year, month)
    match pattern:
        case DayOfMonth(day="last"):
            return length
        case DayOfMonth(day=int(day), skip_short=skip_short):
            return None if skip_short and day > length else min(day, length)
        case WeekdayOfMonth(nth=nth, weekday=weekday):
            days = range(1 + (weekday - 1 - first_weekday) % 7, length + 1, 7)
            return days[-1 if nth == "last" else nth - 1]
        case WorkdayOfMonth(workday=workday):
            days_worked = [day for day in range(1, length + 1) if (first_weekday + day - 1) % 7 < calendar.SATURDAY]
            return days_worked[-1 if workday == "last" else workday - 1]
    raise AssertionError(pattern)
