"""Dates and instants as people and programs read them: "Mon 2 Nov 2026, 08:00 EST", "2026-11-02T13:00:00Z".

English and independent of the server's locale; a time is never shown without its zone.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
# Dates outside are slips of the keyboard, and the far ends of the calendar overflow when moved between zones.
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2999, 12, 31)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)


class MomentError(ValueError):
    """Not a usable date or instant. The text is one sentence for the person who typed it."""


def parse_day(text: str) -> date:
    """`2026-12-31` between FIRST_DAY and LAST_DAY. Raises MomentError."""
    problem = MomentError(f"A date looks like 2026-12-31, between {FIRST_DAY.year} and {LAST_DAY.year}.")
    if not _DATE.fullmatch(text):
        raise problem
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise problem from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise problem
    return day


def parse_instant(text: str) -> datetime:
    """`2026-11-25T09:00:00Z`, or with an offset in place of the Z, as an aware UTC instant. Raises MomentError."""
    problem = MomentError(
        "An instant looks like 2026-11-25T09:00:00Z or 2026-11-25T09:00:00-05:00, "
        f"between {FIRST_DAY.year} and {LAST_DAY.year}."
    )
    if not _INSTANT.fullmatch(text):
        raise problem
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise problem from None
    if not FIRST_DAY <= instant.date() <= LAST_DAY:
        raise problem
    return instant


def instant_text(instant: datetime) -> str:
    """For programs, to the second: `2026-11-25T09:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_in_words(instant: datetime, zone: tzinfo) -> str:
    """For people: "Mon 2 Nov 2026, 08:00 EST"; where the zone has no letters of its own, "…, 08:00 UTC+05:45"."""
    local = instant.astimezone(zone)
    return f"{short_day_in_words(local.date())}, {local:%H:%M} {abbreviation(instant, zone)}"


def last_import_in_words(finished_at: datetime | None, zone: tzinfo) -> str:
    """When the register was last imported; cases may stand in it without an import on record."""
    return moment_in_words(finished_at, zone) if finished_at else "no import is on record"


def changes_in_words(since: datetime | None, zone: tzinfo) -> str:
    """What an export of changes holds: "Only cases new or changed since Mon 2 Nov 2026, 08:00 EST"."""
    if since is None:
        return "All cases, each as new: there is no earlier file to go on from"
    return f"Only cases new or changed since {moment_in_words(since, zone)}"


def day_in_words(day: date) -> str:
    """ "5 January 2026"."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def short_day_in_words(day: date) -> str:
    """ "Mon 2 Nov 2026"."""
    return f"{WEEKDAYS[day.weekday()][:3]} {day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def offset_in_words(instant: datetime, zone: tzinfo) -> str:
    """ "UTC-05:00", "UTC+05:45"; "UTC" where there is no difference."""
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    minutes = abs(offset) // timedelta(minutes=1)
    if not minutes:
        return "UTC"
    return f"UTC{'-' if offset < timedelta() else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def abbreviation(instant: datetime, zone: tzinfo) -> str:
    """ "EST", or the offset in words where the zone database holds only figures ("+0545")."""
    letters = instant.astimezone(zone).tzname() or ""
    return letters if letters.isalpha() else offset_in_words(instant, zone)


def span_in_words(span: timedelta) -> str:
    """A shift of the clocks: "1 hour", "30 minutes", "1 hour 30 minutes", "24 hours"."""
    hours, minutes = divmod(abs(span) // timedelta(minutes=1), 60)
    parts = [(hours, "hour"), (minutes, "minute")]
    return " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count) or "a moment"
