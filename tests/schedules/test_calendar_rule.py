"""The moments of a plan under a calendar: nothing lost, nothing twice, nothing on a day off (A7)."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.models import OnBlackout
from portal.schedules.calendar_rule import DayOff, Moment, Plan, moments, next_moment
from portal.schedules.rule import Occurrence, occurrences, parse_rule
from portal.zones import zone

EVER = datetime(2000, 1, 1, tzinfo=UTC)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=80)
NEW_YORK = zone("America/New_York")
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]
CHRISTMAS = date(2026, 12, 25)


def plan(
    rule: Mapping[str, Any], choice: OnBlackout, days: Mapping[date, str], place: str = "America/New_York"
) -> Plan:
    calendar = {day: [DayOff(name, EVER)] for day, name in days.items()}
    return Plan(parse_rule(rule), zone(place), choice, calendar)


def upto(found: Plan, after: datetime, end: datetime = END) -> list[Moment]:
    return list(itertools.takewhile(lambda moment: moment.instant <= end, moments(found, after)))


def shown(found: Sequence[Moment]) -> list[tuple[str, str]]:
    """(date it is named by, local day and time it is due)."""
    return [(f"{each.occurrence.local_date:%a %d %b}", f"{each.occurrence.local:%a %d %b %H:%M}") for each in found]


FRIDAYS = {"freq": "weekly", "weekdays": [5], "time": "08:00"}
DAILY = {"freq": "daily", "time": "08:00"}
WEDNESDAY = datetime(2026, 12, 23, 20, 0, tzinfo=UTC)


def test_a_skipped_day_stays_in_the_sequence_with_the_name_of_the_day() -> None:
    found = upto(
        plan(FRIDAYS, OnBlackout.SKIP, {CHRISTMAS: "Christmas Day"}), WEDNESDAY, WEDNESDAY + timedelta(days=10)
    )
    assert [(each.occurrence.local_date.day, each.skipped) for each in found] == [(25, "Christmas Day"), (1, None)]


def test_a_moved_one_goes_to_the_next_working_day_at_the_same_wall_time_and_keeps_its_name() -> None:
    found = next_moment(plan(FRIDAYS, OnBlackout.MOVE, {CHRISTMAS: "Christmas Day"}), WEDNESDAY)
    assert found is not None
    assert shown([found]) == [("Fri 25 Dec", "Mon 28 Dec 08:00")]
    assert [(each.day, each.name) for each in found.moved] == [(CHRISTMAS, "Christmas Day")]


def test_several_that_land_on_one_instant_are_one_named_by_the_earliest() -> None:
    days = {CHRISTMAS: "Christmas Day", date(2026, 12, 28): "Boxing Day, observed"}
    found = upto(plan(DAILY, OnBlackout.MOVE, days), WEDNESDAY, WEDNESDAY + timedelta(days=7))
    assert shown(found) == [
        ("Thu 24 Dec", "Thu 24 Dec 08:00"),
        ("Sat 26 Dec", "Sat 26 Dec 08:00"),
        ("Sun 27 Dec", "Sun 27 Dec 08:00"),
        ("Fri 25 Dec", "Tue 29 Dec 08:00"),
        ("Wed 30 Dec", "Wed 30 Dec 08:00"),
    ]
    assert [each.day for each in found[3].moved] == [CHRISTMAS, date(2026, 12, 28)]
    assert found[3].until == date(2026, 12, 29)


def test_one_put_off_is_found_though_its_date_lies_before_the_moment_asked_for() -> None:
    saturday = datetime(2026, 12, 26, 15, 0, tzinfo=UTC)
    found = next_moment(plan(FRIDAYS, OnBlackout.MOVE, {CHRISTMAS: "Christmas Day"}), saturday)
    assert found is not None
    assert shown([found]) == [("Fri 25 Dec", "Mon 28 Dec 08:00")]


def test_a_date_that_never_existed_is_no_place_to_land_on() -> None:
    """Apia had no Friday 30 December 2011."""
    rule = {"freq": "weekly", "weekdays": [4], "time": "08:00"}
    found = plan(rule, OnBlackout.MOVE, {date(2011, 12, 29): "Closed"}, "Pacific/Apia")
    for after in (datetime(2011, 12, 28, tzinfo=UTC), datetime(2011, 12, 31, 12, 0, tzinfo=UTC)):
        assert shown(upto(found, after, after + timedelta(days=6))[:1]) == [("Thu 29 Dec", "Mon 02 Jan 08:00")]


def test_what_was_chosen_or_entered_after_a_moment_does_not_reach_back_to_it() -> None:
    """A schedule that begins to heed the calendar on Saturday has not been put off on Friday."""
    saturday = datetime(2026, 12, 26, 15, 0, tzinfo=UTC)
    new = {CHRISTMAS: [DayOff("Christmas Day", saturday)]}
    for late in (
        Plan(parse_rule(FRIDAYS), NEW_YORK, OnBlackout.MOVE, new),
        Plan(parse_rule(FRIDAYS), NEW_YORK, OnBlackout.MOVE, {CHRISTMAS: [DayOff("Christmas Day", EVER)]}, saturday),
    ):
        found = next_moment(late, saturday)
        assert found is not None
        assert shown([found]) == [("Fri 01 Jan", "Fri 01 Jan 08:00")]


def test_a_day_taken_away_after_its_moment_leaves_what_was_put_off_where_it_is() -> None:
    friday_noon = datetime(2026, 12, 25, 17, 0, tzinfo=UTC)
    gone = {CHRISTMAS: [DayOff("Christmas Day", EVER, friday_noon)]}
    at_eight = next_moment(Plan(parse_rule(FRIDAYS), NEW_YORK, OnBlackout.MOVE, gone), friday_noon)
    at_four = next_moment(Plan(parse_rule(FRIDAYS | {"time": "16:00"}), NEW_YORK, OnBlackout.MOVE, gone), friday_noon)
    assert at_eight is not None
    assert at_four is not None
    assert shown([at_eight, at_four]) == [("Fri 25 Dec", "Mon 28 Dec 08:00"), ("Fri 25 Dec", "Fri 25 Dec 16:00")]


# ---- what holds for every rule and calendar

rules = st.one_of(
    st.builds(lambda at: {"freq": "daily", "time": at}, st.sampled_from(["00:00", "02:30", "08:00", "23:59"])),
    st.builds(
        lambda days, at: {"freq": "weekly", "weekdays": sorted(days), "time": at},
        st.sets(st.integers(1, 7), min_size=1),
        st.sampled_from(["01:30", "02:15", "12:00"]),
    ),
    st.builds(lambda day: {"freq": "monthly", "day": day, "time": "06:00"}, st.sampled_from([1, 15, 31, "last"])),
    st.builds(
        lambda day: {"freq": "once", "date": day.isoformat(), "time": "06:00"},
        st.dates(date(2026, 11, 2), date(2026, 12, 31)),
    ),
)
instants = st.integers(0, 80 * 24 * 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes))
stays = st.builds(
    lambda since, length: DayOff("Closed", since, None if length is None else since + length),
    st.one_of(st.just(EVER), instants),
    st.none() | st.integers(0, 30 * 24).map(lambda hours: timedelta(hours=hours)),
)


def _calendar(stretches: Sequence[tuple[date, int, DayOff]]) -> dict[date, list[DayOff]]:
    found: dict[date, list[DayOff]] = defaultdict(list)
    for first, length, stay in stretches:
        for number in range(length):
            found[first + timedelta(days=number)].append(stay)
    return dict(found)


# stretches of days off rather than single ones, so that much is on its way at most moments
calendars = st.lists(
    st.tuples(st.dates(date(2026, 10, 25), date(2027, 1, 25)), st.integers(1, 9), stays), min_size=1, max_size=8
).map(_calendar)
plans = st.builds(
    lambda rule, place, choice, calendar, since: Plan(parse_rule(rule), zone(place), choice, calendar, since),
    rules,
    st.sampled_from(ZONES),
    st.sampled_from(OnBlackout),
    calendars,
    st.none() | instants,
)


def due_of(found: Plan, asked: Occurrence) -> datetime:
    """Where a date of the rule falls due, by the definition and nothing else."""
    if found.on_blackout is not OnBlackout.MOVE or found.closed(asked.instant) is None:
        return asked.instant
    day = asked.local.date()
    while True:
        day += timedelta(days=1)
        instant = datetime.combine(day, asked.local_time, found.zone).astimezone(UTC)
        if day.isoweekday() <= 5 and instant.astimezone(found.zone).date() == day and not found.closed(instant):
            return instant


def by_definition(found: Plan, after: datetime, end: datetime) -> dict[datetime, list[date]]:
    """Instant to the dates of the rule that fall due at it."""
    due: dict[datetime, list[date]] = defaultdict(list)
    for asked in occurrences(found.rule, found.zone, BEGIN - timedelta(days=200)):
        if asked.instant > end:
            break
        if after < (instant := due_of(found, asked)) <= end:
            due[instant].append(asked.local_date)
    return due


@settings(max_examples=300, deadline=None)
@given(plans, instants)
def test_every_date_falls_due_once_where_the_definition_puts_it(found: Plan, after: datetime) -> None:
    sequence = upto(found, after)
    expected = by_definition(found, after, END)
    assert [each.instant for each in sequence] == sorted(expected)
    for each in sequence:
        assert (each.occurrence.local_date, each.until) == (expected[each.instant][0], expected[each.instant][-1])


@settings(max_examples=150, deadline=None)
@given(plans, instants)
def test_instants_strictly_increase_and_no_moved_one_lands_on_a_day_off(found: Plan, after: datetime) -> None:
    sequence = upto(found, after)
    assert all(one.instant < other.instant for one, other in itertools.pairwise(sequence))
    for each in sequence:
        if each.moved:
            assert each.landed.local.isoweekday() <= 5
            assert found.closed(each.instant) is None
            assert each.landed.local_date == each.landed.local.date()


@settings(max_examples=100, deadline=None)
@given(plans, instants)
def test_whoever_heeds_no_calendar_has_the_plain_rule_and_whoever_skips_has_its_instants(
    found: Plan, after: datetime
) -> None:
    plain = list(itertools.takewhile(lambda each: each.instant <= END, occurrences(found.rule, found.zone, after)))
    for choice in (OnBlackout.RUN, OnBlackout.SKIP):
        same = Plan(found.rule, found.zone, choice, found.calendar, found.heeded_since)
        sequence = upto(same, after)
        assert [each.occurrence for each in sequence] == plain
        closed = [found.closed(each.instant) if choice is OnBlackout.SKIP else None for each in plain]
        assert [each.skipped for each in sequence] == closed


@settings(max_examples=100, deadline=None)
@given(plans, instants)
def test_going_on_from_any_moment_gives_the_rest_of_the_same_sequence(found: Plan, after: datetime) -> None:
    sequence = upto(found, after)
    for position, each in enumerate(sequence):
        assert upto(found, each.instant) == sequence[position + 1 :]


@settings(max_examples=200, deadline=None)
@given(plans, instants, st.integers(-7, 3), st.booleans())
def test_a_change_of_the_calendar_leaves_the_past_and_loses_and_repeats_nothing(
    found: Plan, now: datetime, distance: int, adds: bool
) -> None:
    """All dates due up to the change, and all due after it, are the same dates before and after the change."""
    day = now.date() + timedelta(days=distance)
    # nothing of the calendar may lie in the future of the change itself
    before = {
        each: [DayOff(off.name, min(off.since, now - timedelta(days=1)), None) for off in offs[:1]]
        for each, offs in found.calendar.items()
    }
    after = dict(before)
    if adds:
        before.pop(day, None)
        after[day] = [DayOff("Closed", now)]
    else:
        before[day] = after[day] = [DayOff("Closed", EVER)]
        after = {
            each: [DayOff(off.name, off.since, now) for off in offs] if each == day else offs
            for each, offs in after.items()
        }
    old = Plan(found.rule, found.zone, found.on_blackout, before)
    new = Plan(found.rule, found.zone, found.on_blackout, after)
    assert by_definition(old, EVER, now) == by_definition(new, EVER, now)
    assert [each.instant for each in upto(new, now)] == sorted(by_definition(new, now, END))


@pytest.mark.parametrize("choice", OnBlackout)
def test_a_schedule_of_one_date_ends(choice: OnBlackout) -> None:
    once = {"freq": "once", "date": "2026-12-25", "time": "08:00"}
    assert len(list(moments(plan(once, choice, {CHRISTMAS: "Christmas Day"}), WEDNESDAY))) == 1
