"""UTC instants as wall times of one zone, an hour of instants at a time.

Asking the zone for every cell costs more than all else in a row together; asking once for an hour and reading minutes
and seconds off the instant's own text costs next to nothing.
"""

import functools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from portal.exports.writers.base import Value

MINUTES = {f":{minute:02}:{second:02}": minute * 60 + second for minute in range(60) for second in range(60)}
"""Characters 13 to 19 of an instant's text, and the seconds since the full hour that they say."""

_MOST_HOURS = 20_000


def utc_text(instant: datetime) -> str:
    """`2026-11-02 13:00:00`, as databases keep an instant; a fraction may follow. Naive datetimes are UTC."""
    return str(instant if instant.tzinfo is None else instant.astimezone(UTC))


def at_wall(text: str, zone: tzinfo) -> datetime:
    """The aware wall time of a UTC instant's text, to the second (what is begun is not rounded up).

    At the two ends of the calendar, where the zone's wall time would leave it, it stays in UTC. Raises ValueError.
    """
    if len(text) < len("2026-11-02 13:00:00"):
        raise ValueError(text)
    instant = datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    try:
        return instant.astimezone(zone)
    except OverflowError:
        return instant


T = TypeVar("T")


class LocalHours(dict[str, T | None], Generic[T]):
    """What each UTC hour ("2026-11-02 13") becomes in a zone, made by `make` from the aware wall time it begins at.

    None where the minutes of an instant are not those of the wall: zones at half an hour, clocks that change within
    the hour, text that is no hour. There `at_wall` must be asked.
    """

    def __init__(self, zone: ZoneInfo, make: Callable[[datetime], T | None]) -> None:
        super().__init__()
        self._make = make
        self._steady_zone = functools.lru_cache(maxsize=4_096)(functools.partial(_steady_zone, zone))

    def __missing__(self, hour: str) -> T | None:
        if len(self) >= _MOST_HOURS:
            self.clear()
        try:
            zone = self._steady_zone(f"{hour[:10]} 00:00:00", f"{hour[:10]} 23:59:59") or self._steady_zone(
                f"{hour}:00:00", f"{hour}:59:59"
            )
            made = self._make(at_wall(f"{hour}:00:00", zone)) if zone else None
        except (ValueError, OverflowError):
            return None
        self[hour] = made
        return made


class LocalTimes:
    """Columns of instants as ISO 8601 with the zone's offset (`2026-11-02T08:00:00-05:00`)."""

    def __init__(self, zone: ZoneInfo, *, nothing: str, quote: str, odd: Callable[[Value], str]) -> None:
        """`nothing` is the cell of None, `quote` stands before and after each time, `odd` makes a cell of what is
        neither an instant nor the text of one."""
        self._zone = zone
        self._nothing = nothing
        self._quote = quote
        self._odd = odd
        self._hours = LocalHours(zone, self._pattern)

    def cells(self, column: Sequence[Value]) -> list[str]:
        hours, nothing = self._hours, self._nothing
        try:
            stamps: list[Any] = [utc_text(value) if isinstance(value, datetime) else value for value in column]
            return [
                nothing
                if stamp is None
                else hour % stamp[13:19]
                if stamp[13:19] in MINUTES and (hour := hours[stamp[:13]])
                else self._by_clock(stamp)
                for stamp in stamps
            ]
        except (ValueError, TypeError):
            return [self._cell(value) for value in column]

    def _cell(self, value: Value) -> str:
        if value is None:
            return self._nothing
        try:
            if isinstance(value, datetime):
                return self._by_clock(utc_text(value))
            return self._by_clock(value) if isinstance(value, str) else self._odd(value)
        except ValueError:
            return self._odd(value)

    def _by_clock(self, stamp: str) -> str:
        return f"{self._quote}{at_wall(stamp, self._zone).isoformat()}{self._quote}"

    def _pattern(self, begin: datetime) -> str:
        """`2026-11-02T08%s-05:00`, to be filled with minutes and seconds."""
        text = begin.isoformat()
        return f"{self._quote}{text[:13]}%s{text[19:]}{self._quote}"


def _steady_zone(zone: ZoneInfo, begin: str, end: str) -> timezone | None:
    """The zone's offset, when it is one and the same, of whole hours, from `begin` to `end`."""
    first, last = at_wall(begin, zone), at_wall(end, zone)
    offset = first.utcoffset()
    if offset is None or offset != last.utcoffset() or offset % timedelta(hours=1) or last.tzinfo is not zone:
        return None
    return timezone(offset)
