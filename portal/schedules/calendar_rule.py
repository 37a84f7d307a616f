"""When a schedule falls due if it heeds the organization's calendar. No database, no clock.

A day of the calendar closes the moments on it that come after it was put there and not after it was taken away. So a
change of the calendar never reaches back: what was made stays made, what was put off stays put off, and no moment is
lost by it or comes twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.models import OnBlackout
from portal.moments import FIRST_DAY, LAST_DAY
from portal.schedules.rule import Occurrence, Rule, occurrences

_DAY = timedelta(days=1)
_FRIDAY = 5


@dataclass(frozen=True, slots=True)
class DayOff:
    """One stay of a day in the calendar: it counts for moments after `since`, and up to `until` where that is known."""

    name: str
    since: datetime
    until: datetime | None = None


Calendar = Mapping[date, Sequence[DayOff]]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that says when a schedule falls due; moments up to `heeded_since` are never closed."""

    rule: Rule
    zone: ZoneInfo
    on_blackout: OnBlackout = OnBlackout.RUN
    calendar: Calendar = field(default_factory=dict)
    heeded_since: datetime | None = None

    def closed(self, instant: datetime) -> str | None:
        """The name of the day that closes this instant, or None."""
        if not self.calendar or (self.heeded_since is not None and instant <= self.heeded_since):
            return None
        for off in self.calendar.get(instant.astimezone(self.zone).date(), ()):
            if off.since < instant and (off.until is None or instant <= off.until):
                return off.name
        return None


@dataclass(frozen=True, slots=True)
class Moved:
    """A date of the rule that was put off, and the name of the day that stood in its way."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of a plan. `occurrence` is named by the earliest date it stands for and holds the instant it is due.

    `landed` is the same instant named by its own day; `until` is the latest date it stands for. `skipped` is the name
    of the day for which it is not made.
    """

    occurrence: Occurrence
    landed: Occurrence
    until: date
    skipped: str | None = None
    moved: tuple[Moved, ...] = ()

    @property
    def instant(self) -> datetime:
        return self.occurrence.instant

    @property
    def counted_from(self) -> tuple[datetime, datetime]:
        """The instants that the beginning and the end of the period are counted from.

        Those of the dates it stands for: a report that is put off still covers what it would have covered.
        """
        if not self.moved:
            return self.instant, self.instant
        at, place = self.occurrence.local_time, self.occurrence.zone
        first, last = (datetime.combine(day, at, place) for day in (self.occurrence.local_date, self.until))
        return first.astimezone(UTC), last.astimezone(UTC)


def moments(plan: Plan, after: datetime) -> Iterator[Moment]:
    """All moments strictly after `after` (aware), instants strictly increasing, those that are skipped included."""
    match plan.on_blackout:
        case OnBlackout.RUN:
            for each in occurrences(plan.rule, plan.zone, after):
                yield plain_moment(each)
        case OnBlackout.SKIP:
            for each in occurrences(plan.rule, plan.zone, after):
                yield plain_moment(each, plan.closed(each.instant))
        case OnBlackout.MOVE:
            for moment in _with_moved(plan, _early_enough(plan, after)):
                if moment.instant > after:
                    yield moment


def next_moment(plan: Plan, after: datetime) -> Moment | None:
    """The first moment strictly after `after`; None when there is none left."""
    return next(moments(plan, after), None)


def plain_moment(occurrence: Occurrence, skipped: str | None = None) -> Moment:
    """A moment that stands for itself alone."""
    return Moment(occurrence, occurrence, occurrence.local_date, skipped)


def _with_moved(plan: Plan, after: datetime) -> Iterator[Moment]:
    """The moments of all dates of the rule after `after`: those put off wait until the dates before them are through.

    No date ever falls due before the instant its rule gives it, so what waits for an instant before that of the next
    date can get no company any more.
    """
    waiting: dict[datetime, list[tuple[Occurrence, Occurrence, str | None]]] = {}
    for asked in occurrences(plan.rule, plan.zone, after):
        for instant in sorted(each for each in waiting if each < asked.instant):
            yield _joined(waiting.pop(instant))
        name = plan.closed(asked.instant)
        landed = asked if name is None else _next_open(plan, asked)
        if landed is None:
            continue
        waiting.setdefault(landed.instant, []).append((asked, landed, name))
        if landed.instant == asked.instant:
            yield _joined(waiting.pop(landed.instant))
    for instant in sorted(waiting):
        yield _joined(waiting[instant])


def _joined(together: Sequence[tuple[Occurrence, Occurrence, str | None]]) -> Moment:
    """One moment of all dates that fell on one instant, earliest first."""
    first, landed, _ = together[0]
    named = Occurrence(first.local_date, first.local_time, landed.instant, landed.zone)
    moved = tuple(Moved(asked.local.date(), name) for asked, _, name in together if name is not None)
    return Moment(named, landed, together[-1][0].local_date, None, moved)


def _next_open(plan: Plan, asked: Occurrence) -> Occurrence | None:
    """The same wall time on the next day that is Monday to Friday and not closed; None at the end of the calendar."""
    day = asked.local.date()
    while day < LAST_DAY:
        day += _DAY
        instant = datetime.combine(day, asked.local_time, plan.zone).astimezone(UTC)
        if not _is_weekend(day) and instant.astimezone(plan.zone).date() == day and plan.closed(instant) is None:
            return Occurrence(day, asked.local_time, instant, plan.zone)
    return None


def _early_enough(plan: Plan, after: datetime) -> datetime:
    """An instant before every date that may have been put off beyond `after`: back over all days that may be closed."""
    day = min(max(after.astimezone(plan.zone).date(), FIRST_DAY), LAST_DAY) - _DAY
    while day > FIRST_DAY and (_is_weekend(day) or day in plan.calendar or not _exists(day, plan.zone)):
        day -= _DAY
    return min(after, datetime.combine(max(day - _DAY, FIRST_DAY), time(), UTC))


def _is_weekend(day: date) -> bool:
    return day.isoweekday() > _FRIDAY


def _exists(day: date, place: ZoneInfo) -> bool:
    """Whether the clocks of the zone ever showed that day; Apia had no 30 December 2011."""
    noon = datetime.combine(day, time(12), place)
    return noon.astimezone(UTC).astimezone(place).date() == day
