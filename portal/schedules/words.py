"""A schedule's rule, and what is odd about one of its moments, in words an officer reads."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import timedelta

from portal.models import OnBlackout, Schedule
from portal.moments import MONTHS, WEEKDAYS, day_in_words, short_day_in_words, span_in_words
from portal.schedules.calendar_rule import Moment
from portal.schedules.patterns import (
    Daily,
    DayOfMonth,
    MonthPattern,
    Once,
    WeekdayOfMonth,
    Weekly,
    WorkdayOfMonth,
)
from portal.schedules.rule import Occurrence, Rule, parse_rule
from portal.zones import zone_words

_NTH = {1: "first", 2: "second", 3: "third", 4: "fourth"}
_KNOWN_WEEKS = {(1, 2, 3, 4, 5): "weekday", (1, 2, 3, 4, 5, 6, 7): "day"}
_A_COMMON_YEAR = 2026
_MOST_DAYS = 3


_ON_BLACKOUT = {
    OnBlackout.RUN: "",
    OnBlackout.SKIP: ", skipped on blackout days",
    OnBlackout.MOVE: ", moved from blackout days to the next working day",
}


def rule_in_words(
    rule: Rule, zone_name: str, on_blackout: OnBlackout = OnBlackout.RUN, ready_by: str | None = None
) -> str:
    """ "Every Monday at 08:00, New York time, skipped on blackout days"; `zone_name` is the IANA name.

    With `ready_by` ("HH:MM"): "Every Monday once the import of the day is in, between 06:00 and 12:00, …".
    """
    at = f"at {rule.time:%H:%M}"
    if ready_by is not None:
        at = f"once the import of the day is in, between {rule.time:%H:%M} and {ready_by}"
    days, bounds = _days_in_words(rule), _bounds_in_words(rule)
    return f"{days} {at}, {zone_words(zone_name)}{bounds}{_ON_BLACKOUT[on_blackout]}"


def schedule_in_words(schedule: Schedule, rule: Rule | None = None) -> str:
    """Its whole when; `rule` where it has been read already. Raises RuleError for a rule that cannot be read."""
    read = rule or parse_rule(schedule.rule)
    return rule_in_words(read, schedule.timezone, schedule.on_blackout, schedule.ready_by)


def skipped_in_words(moment: Moment) -> str:
    """Why a moment is not made: the day and its name."""
    return f"Skipped: {short_day_in_words(moment.landed.local.date())} is a blackout day, {moment.skipped}."


def moved_in_words(moment: Moment) -> str:
    """ "Moved from Fri 25 Dec 2026, Christmas Day."; empty for a moment that stands where it was asked for."""
    if not moment.moved:
        return ""
    days = [f"{short_day_in_words(each.day)}, {each.name}" for each in moment.moved]
    more = f"; and {len(days) - _MOST_DAYS} days more" if len(days) > _MOST_DAYS else ""
    return f"Moved from {'; '.join(days[:_MOST_DAYS])}{more}."


def occurrence_note(occurrence: Occurrence, previous: Occurrence | None) -> str | None:
    """What a change of the clocks does to this moment, or has done since `previous`, the one shown before it."""
    if occurrence.moved:
        return _move_in_words(occurrence)
    notes = []
    if previous is not None and (shift := occurrence.offset - previous.offset):
        way = "forward" if shift > timedelta() else "back"
        notes.append(f"clocks go {way} {span_in_words(shift)} since the one before")
    if occurrence.repeated:
        notes.append(f"{occurrence.local_time:%H:%M} comes twice on this day: the first is used")
    return "; ".join(notes) or None


def _move_in_words(occurrence: Occurrence) -> str:
    local = occurrence.local
    if local.date() == occurrence.local_date:
        return f"moved to {local:%H:%M}: {occurrence.local_time:%H:%M} does not exist on this day"
    return (
        f"moved to {short_day_in_words(local.date())}, {local:%H:%M}: {occurrence.local_time:%H:%M} on "
        f"{short_day_in_words(occurrence.local_date)} does not exist"
    )


def _days_in_words(rule: Rule) -> str:
    match rule.pattern:
        case Once(date=day):
            return f"Once, on {WEEKDAYS[day.weekday()][:3]} {day_in_words(day)}"
        case Daily():
            return "Every day" if rule.interval == 1 else f"Every {rule.interval} days"
        case Weekly(weekdays=weekdays):
            return _weeks_in_words(rule.interval, weekdays)
        case pattern:
            return _months_in_words(rule, pattern)


def _weeks_in_words(interval: int, weekdays: tuple[int, ...]) -> str:
    names = _joined([WEEKDAYS[weekday - 1] for weekday in weekdays])
    if interval == 1:
        return f"Every {_KNOWN_WEEKS.get(weekdays, names)}"
    if weekdays in _KNOWN_WEEKS:
        return f"Every {interval} weeks from {WEEKDAYS[0]} to {WEEKDAYS[weekdays[-1] - 1]}"
    return f"Every {interval} weeks on {names}"


def _months_in_words(rule: Rule, pattern: MonthPattern) -> str:
    day = _day_of_month_in_words(pattern)
    if rule.interval == 12 and rule.start:
        month = rule.start.month
        length = calendar.monthrange(_A_COMMON_YEAR, month)[1]
        return f"Every year on {day} of {MONTHS[month - 1]}{_shorter_months_in_words(pattern, length)}"
    shorter = _shorter_months_in_words(pattern, shortest=28)
    if rule.interval == 1:
        return f"On {day} of every month{shorter}"
    return f"Every {rule.interval} months on {day}{shorter}"


def _day_of_month_in_words(pattern: MonthPattern) -> str:
    match pattern:
        case DayOfMonth(day="last"):
            return "the last day"
        case DayOfMonth(day=day):
            return f"day {day}"
        case WeekdayOfMonth(nth=nth, weekday=weekday):
            return f"the {'last' if nth == 'last' else _NTH[nth]} {WEEKDAYS[weekday - 1]}"
        case WorkdayOfMonth(workday=workday):
            return f"the {'last' if workday == 'last' else _ordinal(workday)} working day"
    raise AssertionError(pattern)


def _shorter_months_in_words(pattern: MonthPattern, shortest: int) -> str:
    if not isinstance(pattern, DayOfMonth) or pattern.day == "last" or pattern.day <= shortest:
        return ""
    return " (not in shorter months)" if pattern.skip_short else " (the last day in shorter months)"


def _bounds_in_words(rule: Rule) -> str:
    words = ""
    if rule.start and rule.interval > 1 and not isinstance(rule.pattern, Daily | Weekly) and rule.start.day == 1:
        words = f", counted from {MONTHS[rule.start.month - 1]} {rule.start.year}"
    elif rule.start:
        words = f", from {day_in_words(rule.start)}"
    return f"{words}, until {day_in_words(rule.until)}" if rule.until else words


def _ordinal(number: int) -> str:
    """1st to 20th."""
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


def _joined(names: Sequence[str]) -> str:
    """ "Monday", "Monday and Thursday", "Monday, Tuesday and Thursday"."""
    *most, final = names
    return f"{', '.join(most)} and {final}" if most else final
