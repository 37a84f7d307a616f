"""Days off from an iCalendar file, which may be anything: what cannot be read is counted, never followed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.plumbing.mail_text import one_line
from portal.schedules.blackouts import LONGEST_NAME, LONGEST_SPAN, MOST_DAYS, CalendarError, Entry
from portal.schedules.patterns import DayOfMonth, MonthPattern, WeekdayOfMonth, dates_of

MOST_BYTES = 1_000_000
MOST_EVENTS = 10_000
YEARS_AHEAD = 10
# long events that lie upon each other: few days in the end, but many to go through
_MOST_LOOKED_AT = 50_000
_FIRST_YEAR = 1900
_NO_NAME = "Day off"
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_READ_RULE = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "WKST"})
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Read:
    """The days, in order, and how many events could not be read."""

    entries: list[Entry]
    left_out: int


class _CannotReadError(ValueError):
    """One event is not of a kind that gives days."""


def read_calendar(data: bytes, *, place: ZoneInfo, today: date) -> Read:
    """The days of all events from this year on, and of yearly ones for ten years; timed ones by their date in `place`.

    Raises CalendarError for a file that is no calendar, is too big or holds no day that could be read.
    """
    events = _events(data)
    window = (date(today.year, 1, 1), date(today.year + YEARS_AHEAD, 12, 31))
    found: dict[date, str] = {}
    left_out = looked_at = 0
    for event in events:
        try:
            name = _name(event)
            for day in _days(event, place, window):
                looked_at += 1
                found.setdefault(day, name)
        # whatever a hostile event makes the library or the calendar raise: it is that event alone
        except Exception:  # noqa: BLE001
            left_out += 1
        if len(found) > MOST_DAYS or looked_at > _MOST_LOOKED_AT:
            raise CalendarError(f"The file holds more than {MOST_DAYS:,} days: choose a calendar of days off alone.")
    if not found and left_out:
        raise CalendarError("No event of the file could be read as days off: choose another calendar file.")
    if not found:
        raise CalendarError("The file holds no day from this year on: choose another calendar file.")
    return Read([Entry(day, name) for day, name in sorted(found.items())], left_out)


def _events(data: bytes) -> list[Any]:
    if len(data) > MOST_BYTES:
        raise CalendarError("The file is larger than 1 MB: choose a calendar of days off alone.")
    begun = data.upper().count(b"BEGIN:")
    if begun > 2 * MOST_EVENTS or data.upper().count(b"BEGIN:VEVENT") > MOST_EVENTS:
        raise CalendarError(f"The file holds more than {MOST_EVENTS:,} events: choose a calendar of days off alone.")
    from icalendar import Calendar  # noqa: PLC0415  # loaded where a file is read

    refusal = CalendarError("This is not a calendar file: choose one in the iCalendar format (.ics).")
    try:
        calendars = Calendar.from_ical(data, multiple=True)
    # the library raises whatever the bytes lead it to
    except Exception:  # noqa: BLE001
        raise refusal from None
    if not calendars:
        raise refusal
    return [event for calendar in calendars for event in calendar.walk("VEVENT")]


def _name(event: Any) -> str:
    return one_line(str(event.get("SUMMARY", "")), LONGEST_NAME) or _NO_NAME


def _days(event: Any, place: ZoneInfo, window: tuple[date, date]) -> Iterator[date]:
    """Every day the event touches within the window."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or "RECURRENCE-ID" in event:
        return
    first, last = _first_and_last(event, place)
    length = (last - first).days
    if not 0 <= length < LONGEST_SPAN or first.year < _FIRST_YEAR:
        raise _CannotReadError
    left_out = set(_left_out(event, place))
    earliest, latest = window
    for begins in _begins(event, first, (earliest - timedelta(days=length), latest)):
        if begins not in left_out:
            for day in (begins + timedelta(days=number) for number in range(length + 1)):
                if earliest <= day <= latest:
                    yield day


def _first_and_last(event: Any, place: ZoneInfo) -> tuple[date, date]:
    """Both included; an event that ends at midnight does not touch the day that begins then."""
    start = event["DTSTART"].dt
    end = event["DTEND"].dt if "DTEND" in event else None
    if end is None and "DURATION" in event:
        end = start + event["DURATION"].dt
    first = _local(start, place)
    if isinstance(first, datetime):
        ends = _local(end, place) if end is not None else first
        if not isinstance(ends, datetime) or ends < first:
            raise _CannotReadError
        last = ends - timedelta(microseconds=1) if ends > first else ends
        return first.date(), last.date()
    ends = _local(end, place) if end is not None else first + _DAY
    last_day = (ends.date() if isinstance(ends, datetime) else ends) - _DAY
    # some programs write the end of a single day as the day itself
    return first, max(last_day, first)


def _local(moment: Any, place: ZoneInfo) -> date | datetime:
    """A date as it is; a time as the clocks of the organization show it, without a zone."""
    if not isinstance(moment, date):
        raise _CannotReadError
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return moment.astimezone(place).replace(tzinfo=None)
    return moment


def _left_out(event: Any, place: ZoneInfo) -> Iterator[date]:
    excluded = event.get("EXDATE", [])
    for each in excluded if isinstance(excluded, list) else [excluded]:
        for found in each.dts:
            local = _local(found.dt, place)
            yield local.date() if isinstance(local, datetime) else local


def _begins(event: Any, first: date, window: tuple[date, date]) -> Iterator[date]:
    """The days on which it begins: its own, and those of a yearly rule."""
    rule = event.get("RRULE")
    if rule is None:
        return iter([first])
    if isinstance(rule, list) or set(rule) - _READ_RULE or _one(rule, "FREQ") != "YEARLY":
        raise _CannotReadError
    interval, count, until = _one(rule, "INTERVAL", 1), _one(rule, "COUNT"), _one(rule, "UNTIL")
    last = window[1] if until is None else min(window[1], until.date() if isinstance(until, datetime) else until)
    if not 1 <= interval <= 100:
        raise _CannotReadError
    pattern, month = _yearly(rule, first)
    # counted from the first of its month, so that the step of twelve months meets that month
    years = dates_of(pattern, 12 * interval, date(first.year, month, 1), first, max(last, first))
    begins = (day for day in years if day <= last)
    return (day for day in itertools.islice(begins, count) if day >= window[0])


def _yearly(rule: Any, first: date) -> tuple[MonthPattern, int]:
    """Which day of which month."""
    month = int(_one(rule, "BYMONTH", first.month))
    if "BYDAY" in rule:
        if "BYMONTH" not in rule or "BYMONTHDAY" in rule:
            raise _CannotReadError
        by_day = str(_one(rule, "BYDAY")).upper()
        nth, weekday = by_day[:-2].removeprefix("+"), _WEEKDAYS.index(by_day[-2:]) + 1
        if nth not in {"1", "2", "3", "4", "-1"}:
            raise _CannotReadError
        return WeekdayOfMonth("last" if nth == "-1" else int(nth), weekday), month
    day = int(_one(rule, "BYMONTHDAY", first.day))
    if day == -1:
        return DayOfMonth("last"), month
    if not 1 <= day <= 31:
        raise _CannotReadError
    return DayOfMonth(day, skip_short=True), month


def _one(rule: Any, key: str, default: Any = None) -> Any:
    """The rule's one value under the key."""
    values = rule.get(key, [default])
    values = values if isinstance(values, list) else [values]
    if len(values) != 1:
        raise _CannotReadError
    return values[0]
