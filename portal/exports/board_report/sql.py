"""Expressions that the counts of a report are made of, alike on both databases.

A local day is counted in SQL, from an instant's own seconds and the zone's offset then, which comes from the tzdata
package as everywhere else: PostgreSQL's own copy may be another, and SQLite has none.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from portal.exports.board_report.period import Month, Span
from portal.zones import zone as zone_of

NOW, BEFORE, NEITHER = 1, 2, 0
_DAY = 86_400
_ORDINAL_1970 = 719_163
_1970: sa.ColumnElement[Any] = sa.literal_column("DATE '1970-01-01'")
_STEADY_SINCE = 1850
"""No zone had another offset than its place's own sun before."""

Number = sa.ColumnElement[int]


def span_code(instant: Any, now: Span, before: Span | None) -> Number:
    """NOW, BEFORE or NEITHER, of an instant known to lie before the end of the period."""
    if now.start is None:
        return sa.literal_column(str(NOW), sa.Integer)
    cases: list[Any] = [(instant >= now.start, NOW)]
    if before is not None and before.start is not None:
        cases.append((sa.and_(instant >= before.start, instant < before.end), BEFORE))
    return sa.case(*cases, else_=NEITHER)


def month_code(instant: Any, months: Sequence[Month]) -> Number:
    """The place in the trend's months, of an instant known to lie before the last one's end; -1 before the first."""
    newest_first = reversed(list(enumerate(months)))
    return sa.case(*[(instant >= month.span.start, number) for number, month in newest_first], else_=-1)


def within(instant: Any, since: datetime | None, until: datetime) -> list[sa.ColumnElement[bool]]:
    bounds = [instant < until]
    return bounds if since is None else [instant >= since, *bounds]


def made_once(statement: Any, name: str) -> sa.CTE:
    """Its rows, computed once for all that read them: written into the reader's text, each mention of a column would
    be computed anew."""
    found: sa.CTE = statement.cte(name).prefix_with("MATERIALIZED")
    return found


class LocalDays:
    """Local days in SQL, of instants not before `since`, as `date.toordinal` counts them."""

    def __init__(self, zone: ZoneInfo, since: datetime, until: datetime, *, sqlite: bool) -> None:
        self._offsets = offsets(zone, since, until)
        self._sqlite = sqlite

    def of(self, instant: Any) -> Number:
        """The local day of an instant; NULL of NULL."""
        first, *later = self._offsets
        offset: Any = sa.literal_column(str(first[1]), sa.Integer)
        if later:
            offset = sa.case(*[(instant >= at, seconds) for at, seconds in reversed(later)], else_=first[1])
        return self._day_of(self._epoch(instant) + offset) + _ORDINAL_1970

    def months_later(self, day: Number, months: int) -> Number:
        """The same day so many calendar months on, or that month's last where it has no such day."""
        if not self._sqlite:
            date = _1970 + sa.cast(day - _ORDINAL_1970, sa.Integer)
            moved = sa.cast(date + sa.literal_column(f"INTERVAL '{months} months'"), sa.Date)
            return sa.type_coerce(moved - _1970, sa.Integer) + _ORDINAL_1970
        day_text = sa.func.date((day - _ORDINAL_1970) * _DAY, "unixepoch")
        moved_text = sa.func.min(
            sa.func.date(day_text, f"+{months} months"),
            # where the day does not exist, the line above goes on into the month after
            sa.func.date(day_text, "start of month", f"+{months + 1} months", "-1 day"),
        )
        return self._day_of(self._seconds(moved_text)) + _ORDINAL_1970

    def _epoch(self, instant: Any) -> Number:
        """Seconds since 1970, what is begun not rounded up."""
        if not self._sqlite:
            return sa.cast(sa.func.floor(sa.func.extract("epoch", instant)), sa.BigInteger)
        return self._seconds(sa.func.substr(sa.type_coerce(instant, sa.String), 1, 19))

    def _seconds(self, text: Any) -> Number:
        return sa.cast(sa.func.strftime("%s", text, type_=sa.String), sa.Integer)

    def _day_of(self, seconds: Number) -> Number:
        """Days since 1970. Counted from year 1: what is negative would be rounded towards zero."""
        since_year_1 = seconds + _ORDINAL_1970 * _DAY
        return since_year_1 // sa.literal_column(str(_DAY), sa.Integer) - _ORDINAL_1970


def offsets(zone: ZoneInfo, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """(from when, seconds east of UTC), the oldest first; the first holds for all time before the second."""
    first_year, last_year = max(since.year - 1, _STEADY_SINCE), max(until.year + 1, _STEADY_SINCE)
    begin = datetime(first_year, 1, 1, tzinfo=UTC)
    found = [(begin, _offset(zone, begin))]
    for year in range(first_year, min(last_year, 2_999) + 1):
        found += _changes_in(zone.key, year)
    return found


@functools.lru_cache(maxsize=4_096)
def _changes_in(zone_key: str, year: int) -> list[tuple[datetime, int]]:
    """The moments of a UTC year at which the zone's offset changes, and the new one."""
    zone, found = zone_of(zone_key), []
    at = datetime(year, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    offset = _offset(zone, at)
    end = datetime(year + 1, 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    while at < end:
        after = min(at + timedelta(days=1), end)
        if _offset(zone, after) != offset:
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            offset = _offset(zone, high)
            found.append((high, offset))
        at = after
    return found


def _offset(zone: ZoneInfo, at: datetime) -> int:
    return int((at.astimezone(zone).utcoffset() or timedelta()).total_seconds())
