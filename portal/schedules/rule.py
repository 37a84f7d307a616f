"""When a schedule falls due: a rule, a time zone and a moment give the next moments. No database, no clock.

A rule speaks of local dates and one wall-clock time. Local dates are walked in the schedule's zone; the instant of a
date is its wall time in that zone, first pass, taken to UTC. Nothing is ever counted in hours from the run before, so
a change of the clocks or a short month moves one occurrence and leaves the next where it belongs.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from portal.moments import FIRST_DAY, LAST_DAY, MomentError, abbreviation, day_in_words, parse_day
from portal.schedules.patterns import (
    Daily,
    DayOfMonth,
    Last,
    Once,
    Pattern,
    WeekdayOfMonth,
    Weekly,
    WorkdayOfMonth,
    dates_of,
)

T = TypeVar("T")

# Enough for everything that is meant (1,000 months are 83 years); more is a slip of the keyboard.
LONGEST_INTERVAL = 1000

# A gap carries a wall time forward by its length, and none was ever longer than the day that Apia left out. So the
# occurrence of a local date can lie after a moment of the next date, and no further. One day more costs nothing.
_EARLY = timedelta(days=2)


class RuleError(ValueError):
    """A rule that cannot be used: the key at fault ("rule" for the whole) and a sentence that says what it must be."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Rule:
    """What was asked for; made and checked by `parse_rule`.

    `interval` counts days, ISO weeks or months from `start`; `start` and `until` are local dates, both included.
    """

    time: time
    pattern: Pattern
    interval: int = 1
    start: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One moment of a rule: the local date and wall time that were asked for, and the instant (UTC) they gave."""

    local_date: date
    local_time: time
    instant: datetime
    zone: ZoneInfo

    @property
    def local(self) -> datetime:
        """The instant as the clocks of the zone show it (aware)."""
        return self.instant.astimezone(self.zone)

    @property
    def asked(self) -> datetime:
        """The local date and wall time asked for, without a zone."""
        return datetime.combine(self.local_date, self.local_time)

    @property
    def moved(self) -> bool:
        """The wall time asked for did not exist on that date, so it was moved forward by the length of the gap."""
        return self.local.replace(tzinfo=None, fold=0) != self.asked

    @property
    def repeated(self) -> bool:
        """The wall time comes twice on that date; this is the first pass."""
        second_pass = self.asked.replace(tzinfo=self.zone, fold=1)
        return not self.moved and second_pass.astimezone(UTC) != self.instant

    @property
    def offset(self) -> timedelta:
        """Local time less UTC at the instant."""
        return self.local.utcoffset() or timedelta()

    @property
    def abbreviation(self) -> str:
        """ "EST", or "UTC+05:45" where the zone has no letters."""
        return abbreviation(self.instant, self.zone)

    def key_part(self) -> str:
        """Names the planned moment and survives a change of time zone data: `2026-11-30T08:00[America/New_York]`."""
        return f"{self.local_date.isoformat()}T{self.local_time:%H:%M}[{self.zone.key}]"


# ---- the walk


def occurrences(rule: Rule, zone: ZoneInfo, after: datetime) -> Iterator[Occurrence]:
    """All moments strictly after `after` (aware), instants strictly increasing; two dates with one instant are one,
    named by the earlier. Ends after `until`, after the one date of a `Once` and after LAST_DAY, which also ends the
    search for a day that none of the rule's months has.
    """
    if after.tzinfo is None:
        raise ValueError("after must be aware of its zone")
    latest = after.astimezone(UTC)
    first = max(_first_candidate(latest, zone), rule.start or FIRST_DAY)
    last = min(rule.until or LAST_DAY, LAST_DAY)
    for local_date in dates_of(rule.pattern, rule.interval, rule.start or first, first, last):
        instant = datetime.combine(local_date, rule.time, zone).astimezone(UTC)
        if instant > latest:
            yield Occurrence(local_date, rule.time, instant, zone)
            latest = instant


def next_occurrence(rule: Rule, zone: ZoneInfo, after: datetime) -> Occurrence | None:
    """The first moment strictly after `after`; None when there is none left."""
    return next(occurrences(rule, zone, after), None)


def next_occurrences(rule: Rule, zone: ZoneInfo, after: datetime, count: int) -> list[Occurrence]:
    """Up to `count` moments strictly after `after`."""
    return list(itertools.islice(occurrences(rule, zone, after), count))


def _first_candidate(after: datetime, zone: ZoneInfo) -> date:
    """The local date to start at: no earlier one can give an instant after `after`."""
    inside = min(max(after.date(), FIRST_DAY), LAST_DAY)
    if inside != after.date():
        return inside
    return max(after.astimezone(zone).date() - _EARLY, FIRST_DAY)


# ---- from and to JSON

_KEYS_OF = {
    "once": ("date",),
    "daily": ("interval", "start", "until"),
    "weekly": ("interval", "start", "until", "weekdays"),
    "monthly": ("interval", "start", "until", "day", "short_month", "nth", "weekday", "workday"),
}
_FREQS = tuple(_KEYS_OF)
_ALL_KEYS = {"freq", "time"}.union(*_KEYS_OF.values())
_A_DATE = f"a date like 2026-12-31, between {FIRST_DAY.year} and {LAST_DAY.year}"
# How each key is called in a sentence (always holding the key itself), and what it must be.
_MEANING = {
    "freq": ("freq", "daily, weekly, monthly or once"),
    "time": ("time", "HH:MM between 00:00 and 23:59"),
    "date": ("date", _A_DATE),
    "interval": ("interval", f"a whole number from 1 to {LONGEST_INTERVAL}"),
    "start": ("start date", _A_DATE),
    "until": ("end date (until)", _A_DATE),
    "weekdays": ("weekdays", "a list of days, each a whole number from 1 (Monday) to 7 (Sunday)"),
    "day": ("day", 'a whole number from 1 to 31, or "last"'),
    "short_month": ("choice for shorter months (short_month)", "clamp or skip"),
    "nth": ("week of the month (nth)", 'a whole number from 1 to 4, or "last"'),
    "weekday": ("weekday", "a whole number from 1 (Monday) to 7 (Sunday)"),
    "workday": ("working day (workday)", 'a whole number from 1 to 20, or "last"'),
}
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_LONGEST_SHOWN = 40


def parse_rule(data: Mapping[str, Any] | str) -> Rule:
    """The rule of a JSON object, as text or already read; the vocabulary stands in `_KEYS_OF` and `_MEANING`.
    Raises RuleError, naming the key that is wrong, missing, unknown or does not apply.
    """
    given = _object_of(data) if isinstance(data, str) else data
    if not isinstance(given, Mapping):
        raise RuleError("rule", 'A rule is a JSON object, such as {"freq": "daily", "time": "08:00"}.')
    freq = _value(given, "freq", _one_of(*_FREQS))
    for key in given:
        _check_applies(key, freq)
    at = _value(given, "time", _read_time)
    if freq == "once":
        return Rule(at, Once(_value(given, "date", _read_date)))
    pattern: Pattern
    match freq:
        case "daily":
            pattern = Daily()
        case "weekly":
            pattern = Weekly(_value(given, "weekdays", _read_weekdays))
        case _:
            pattern = _month_pattern(given)
    return _bounded(given, at, pattern)


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """The canonical JSON object of a rule, defaults left out; `parse_rule` gives the same rule again."""
    data: dict[str, Any] = {"freq": "monthly", "time": f"{rule.time:%H:%M}"}
    match rule.pattern:
        case Once(date=day):
            data |= {"freq": "once", "date": day.isoformat()}
        case Daily():
            data["freq"] = "daily"
        case Weekly(weekdays=weekdays):
            data |= {"freq": "weekly", "weekdays": list(weekdays)}
        case DayOfMonth(day=number, skip_short=skip_short):
            data |= {"day": number} | ({"short_month": "skip"} if skip_short else {})
        case WeekdayOfMonth(nth=nth, weekday=weekday):
            data |= {"nth": nth, "weekday": weekday}
        case WorkdayOfMonth(workday=workday):
            data["workday"] = workday
    if rule.interval > 1:
        data["interval"] = rule.interval
    bounds = {"start": rule.start, "until": rule.until}
    return data | {key: day.isoformat() for key, day in bounds.items() if day}


def _object_of(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_repeats)
    except RuleError:
        raise
    except (ValueError, RecursionError):
        raise RuleError("rule", 'The rule is not JSON; write it like {"freq": "daily", "time": "08:00"}.') from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        twice = next(key for key in data if sum(key == other for other, _ in pairs) > 1)
        raise RuleError(twice, f"The key {_shown(twice)} stands twice in the rule; give it once.")
    return data


def _check_applies(key: Any, freq: str) -> None:
    if key not in _ALL_KEYS:
        raise RuleError(str(key), f"A rule has no key {_shown(key)}; leave it out.")
    if key not in ("freq", "time", *_KEYS_OF[freq]):
        raise RuleError(key, f"The key {key} does not apply to a rule that is {freq}; leave it out.")


def _month_pattern(given: Mapping[str, Any]) -> Pattern:
    """One of the three ways to name a day of the month, with the keys of that way alone."""
    ways = {"day": ("day", "short_month"), "workday": ("workday",), "nth": ("nth", "weekday")}
    way = next((key for key in ways if key in given), None)
    if way is None:
        if "weekday" in given:
            raise _missing(given, "nth")
        raise RuleError("day", "A rule that is monthly needs day, workday, or nth with weekday.")
    for key in itertools.chain(*ways.values()):
        if key in given and key not in ways[way]:
            raise RuleError(key, f"The key {key} does not apply beside {way}; leave one of them out.")
    match way:
        case "day":
            day: int | Last = _value(given, "day", _whole_or_last(31))
            short_month = _value(given, "short_month", _one_of("clamp", "skip"), default="clamp")
            # Every month has 28 days and a last one: there the choice makes no difference and is not kept.
            return DayOfMonth(day, skip_short=short_month == "skip" and day != "last" and day > 28)
        case "workday":
            return WorkdayOfMonth(_value(given, "workday", _whole_or_last(20)))
        case _:
            return WeekdayOfMonth(_value(given, "nth", _whole_or_last(4)), _value(given, "weekday", _whole(7)))


def _bounded(given: Mapping[str, Any], at: time, pattern: Pattern) -> Rule:
    interval = _value(given, "interval", _whole(LONGEST_INTERVAL), default=1)
    start = _value(given, "start", _read_date, default=None)
    until = _value(given, "until", _read_date, default=None)
    if interval > 1 and start is None:
        raise RuleError("start", f"An interval of {interval} needs a start date to count from.")
    if start and until and until < start:
        raise RuleError(
            "until",
            f"The end date (until) must not be before the start date: {day_in_words(until)} is before "
            f"{day_in_words(start)}.",
        )
    return Rule(at, pattern, interval, start, until)


_REQUIRED: Any = object()


def _value(given: Mapping[str, Any], key: str, read: Callable[[Any], T | None], default: T = _REQUIRED) -> T:
    """The key's value as `read` gives it; a value for which that is None is refused."""
    if key not in given:
        if default is _REQUIRED:
            raise _missing(given, key)
        return default
    value = read(given[key])
    if value is None:
        name, meaning = _MEANING[key]
        raise RuleError(key, f"The {name} must be {meaning}, not {_shown(given[key])}.")
    return value


def _missing(given: Mapping[str, Any], key: str) -> RuleError:
    kind = f"A rule that is {given['freq']}" if "freq" in given else "A rule"
    return RuleError(key, f"{kind} needs {key}: {_MEANING[key][1]}.")


def _shown(value: Any) -> str:
    """What was typed, short and harmless enough to stand in a sentence."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=repr)
    except (ValueError, RecursionError):  # a number of thousands of figures, lists in lists without end
        return "that"
    if not text or not text.isprintable():
        text = json.dumps(text)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: value if isinstance(value, str) and value in words else None


def _whole(most: int) -> Callable[[Any], int | None]:
    # A JSON true is an int to Python, and 1.0 equals 1: neither was meant as a number of days.
    return lambda value: value if type(value) is int and 1 <= value <= most else None


def _whole_or_last(most: int) -> Callable[[Any], int | Last | None]:
    whole = _whole(most)
    return lambda value: "last" if value == "last" else whole(value)


def _read_time(value: Any) -> time | None:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    return time(int(found[1]), int(found[2])) if found else None


def _read_date(value: Any) -> date | None:
    try:
        return parse_day(value) if isinstance(value, str) else None
    except MomentError:
        return None


def _read_weekdays(value: Any) -> tuple[int, ...] | None:
    whole = _whole(7)
    if not isinstance(value, list | tuple) or not value or any(whole(day) is None for day in value):
        return None
    return tuple(sorted(set(value)))
