"""The period of a report, the one before it, and the twelve months back: instants and words, all in the zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.exports.periods import Resolved, period_in_words
from portal.moments import MONTHS, day_in_words

TREND_MONTHS = 12
SHORTEST_MONTH = timedelta(days=28, hours=-3)
"""Of local days, some of which are shorter."""


@dataclass(frozen=True)
class Span:
    """Instants in UTC, `start` included, `end` not; without a start it reaches back to the first case."""

    start: datetime | None
    end: datetime

    @property
    def is_short(self) -> bool:
        """Less than any month."""
        return self.start is not None and self.end - self.start < SHORTEST_MONTH


@dataclass(frozen=True)
class Month:
    """A local calendar month, cut off where the report's period ends."""

    year: int
    month: int
    span: Span
    complete: bool
    """Whether all of it lies before the report's end."""

    @property
    def label(self) -> str:
        """ "Nov 2026"."""
        return f"{MONTHS[self.month - 1][:3]} {self.year}"


@dataclass(frozen=True)
class ReportPeriod:
    """`now` ends where the request's period ends or, if that is earlier, at the planned moment.

    The period before is as many calendar months earlier where the period is whole months (so a month is compared with
    the month before it, a quarter with the quarter, a year with the year); else as many days, where it begins and ends
    at midnight; else as long. Where the period has no start there is none.
    """

    now: Span
    before: Span | None
    months: tuple[Month, ...]
    """Twelve, the oldest first; the last is the month in which the period ends."""
    zone: ZoneInfo

    @property
    def last_day(self) -> date:
        """The local day in which the period ends."""
        return (self.now.end - timedelta(microseconds=1)).astimezone(self.zone).date()

    @property
    def words(self) -> str:
        """ "1 October 2026 to 31 October 2026, New York time"."""
        return period_in_words(Resolved(self.now.start, self.now.end), self.zone)

    @property
    def label(self) -> str:
        """ "October 2026", "Q4 2026", "2026", "1 October 2026 to 15 October 2026", "up to 15 October 2026"."""
        return label_of(self.now, self.zone)

    @property
    def phrase(self) -> str:
        """As it stands in a sentence: "in October 2026", "from 1 October 2026 to 15 October 2026", "up to …"."""
        if self.now.start is None or (calendar_name(self.now, self.zone) is None and " to " in self.label):
            return self.label if self.now.start is None else f"from {self.label}"
        return f"{'in' if calendar_name(self.now, self.zone) else 'on'} {self.label}"

    @property
    def before_phrase(self) -> str:
        """ "in September 2026", "in the period before"."""
        name = calendar_name(self.before, self.zone) if self.before else None
        return f"in {name or 'the period before'}"

    @property
    def before_label(self) -> str | None:
        return label_of(self.before, self.zone) if self.before else None


def report_period(start: datetime | None, end: datetime, planned_for: datetime, zone: ZoneInfo) -> ReportPeriod:
    """Of a request's instants. A period that has not begun at the planned moment stays whole: nothing is in it yet."""
    until = end if start and planned_for <= start else min(end, planned_for)
    now = Span(start, until)
    return ReportPeriod(now, before(now, zone), months_back(until, zone), zone)


def before(span: Span, zone: ZoneInfo) -> Span | None:
    """The period before, of the same kind."""
    if span.start is None:
        return None
    first, after = _day_if_midnight(span.start, zone), _day_if_midnight(span.end, zone)
    if first and after and first.day == after.day == 1 and first < after:
        months = _months(after) - _months(first)
        return Span(midnight(_first_of(_months(first) - months), zone), span.start)
    if first and after:
        return Span(midnight(first - (after - first), zone), span.start)
    return Span(span.start - (span.end - span.start), span.start)


def months_back(end: datetime, zone: ZoneInfo) -> tuple[Month, ...]:
    last = _months((end - timedelta(microseconds=1)).astimezone(zone).date())
    found = []
    for number in range(last - TREND_MONTHS + 1, last + 1):
        first, after = _first_of(number), midnight(_first_of(number + 1), zone)
        found.append(Month(first.year, first.month, Span(midnight(first, zone), min(after, end)), after <= end))
    return tuple(found)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Where a local day begins, in UTC: a midnight that does not exist moves with the clocks; of two, the first."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def label_of(span: Span, zone: ZoneInfo) -> str:
    """The shortest name of a period: see `ReportPeriod.label`."""
    last = (span.end - timedelta(microseconds=1)).astimezone(zone).date()
    if span.start is None:
        return f"up to {day_in_words(last)}"
    if name := calendar_name(span, zone):
        return name
    begins = span.start.astimezone(zone).date()
    return day_in_words(last) if begins >= last else f"{day_in_words(begins)} to {day_in_words(last)}"


def calendar_name(span: Span, zone: ZoneInfo) -> str | None:
    """ "October 2026", "Q4 2026", "2026" of a period that is one."""
    first = _day_if_midnight(span.start, zone) if span.start else None
    after = _day_if_midnight(span.end, zone)
    if first is None or after is None or not first.day == after.day == 1:
        return None
    months = _months(after) - _months(first)
    if months == 1:
        return f"{MONTHS[first.month - 1]} {first.year}"
    if months == 3 and first.month % 3 == 1:
        return f"Q{first.month // 3 + 1} {first.year}"
    return str(first.year) if months == 12 and first.month == 1 else None


def _day_if_midnight(instant: datetime, zone: ZoneInfo) -> date | None:
    """The local day that begins at that instant, if one does."""
    day = instant.astimezone(zone).date()
    return day if midnight(day, zone) == instant else None


def _months(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(months: int) -> date:
    return date(months // 12, months % 12 + 1, 1)
