"""A year as twelve small sheets of weeks, for a page to draw."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.moments import MONTHS

FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True)
class Day:
    """`name` is that of a blackout day."""

    number: int
    name: str | None
    weekend: bool
    today: bool


@dataclass(frozen=True)
class Month:
    """`weeks` begin on Monday; None where a day belongs to another month."""

    name: str
    weeks: Sequence[Sequence[Day | None]]


def months_of(year: int, names: Mapping[date, str], today: date) -> list[Month]:
    """`names` holds the blackout days."""
    return [Month(MONTHS[number - 1], _weeks(year, number, names, today)) for number in range(1, 13)]


def _weeks(year: int, month: int, names: Mapping[date, str], today: date) -> list[list[Day | None]]:
    weeks = calendar.Calendar().monthdatescalendar(year, month)
    return [[_day(day, names, today) if day.month == month else None for day in week] for week in weeks]


def _day(day: date, names: Mapping[date, str], today: date) -> Day:
    return Day(day.day, names.get(day), day.weekday() >= calendar.SATURDAY, day == today)
