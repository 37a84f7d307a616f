"""When things happen: reports by year, season, weekday and hour; office work in office hours."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

YEARS = 3
_WEEKDAY = (1.18, 1.12, 1.08, 1.04, 0.94, 0.34, 0.30)
_HOUR = (3, 2, 2, 2, 3, 5, 12, 28, 52, 68, 72, 66, 48, 58, 64, 62, 54, 40, 24, 16, 13, 11, 8, 5)
_HOURS = tuple(range(24))
_YEARLY_GROWTH = 0.16


def days(today: date) -> list[date]:
    """Every day of the years before `today`, oldest first; the last is yesterday."""
    count = YEARS * 365 + 1
    return [today - timedelta(days=back) for back in range(count, 0, -1)]


def openings(rng: Random, cases: int, today: date, zone: ZoneInfo) -> Iterator[tuple[datetime, float, bool]]:
    """Exactly `cases` opening moments in order: (UTC instant, age of the register then in years, by day?)."""
    all_days = days(today)
    weights = [_weight(rng, day, index / 365.25) for index, day in enumerate(all_days)]
    total, so_far, given = sum(weights), 0.0, 0
    for index, (day, weight) in enumerate(zip(all_days, weights, strict=True)):
        so_far += weight
        upto = cases if index == len(all_days) - 1 else round(cases * so_far / total)
        for moment, by_day in _within(rng, day, upto - given, zone):
            yield moment, index / 365.25, by_day
        given = upto


def _weight(rng: Random, day: date, years: float) -> float:
    season = 1.0 + 0.12 * math.cos((day.timetuple().tm_yday - 60) / 365.25 * 2 * math.pi)
    holidays = 0.35 if (day.month, day.day) >= (12, 23) or (day.month, day.day) == (1, 1) else 1.0
    noise = math.exp(rng.gauss(0.0, 0.25))
    return (1.0 + _YEARLY_GROWTH * years) * season * holidays * noise * _WEEKDAY[day.weekday()]


def _within(rng: Random, day: date, count: int, zone: ZoneInfo) -> list[tuple[datetime, bool]]:
    """So many moments of a local day, in order. A few fall on the very same second, as batches of letters do."""
    found = []
    for hour in rng.choices(_HOURS, weights=_HOUR, k=count):
        second = 0 if rng.random() < 0.004 else int(rng.random() * 60)
        minute = 0 if second == 0 else int(rng.random() * 60)
        local = datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone)
        found.append((local.astimezone(UTC), 7 <= hour < 19 and day.weekday() < 5))
    found.sort()
    return found


def office_hours(rng: Random, moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment moved into the working day it falls on, or the Monday after."""
    local = moment.astimezone(zone)
    day = local.date()
    if day.weekday() >= 5:
        day += timedelta(days=7 - day.weekday())
    hour, minute, second = 8 + int(rng.random() * 10), int(rng.random() * 60), int(rng.random() * 60)
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=zone).astimezone(UTC)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
