"""A1, A3, A4: what holds for every rule, in every zone, at every moment."""

from __future__ import annotations

import bisect
import itertools
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from portal import zones
from portal.schedules.rule import (
    Occurrence,
    Rule,
    next_occurrence,
    next_occurrences,
    occurrences,
    parse_rule,
    rule_to_json,
)

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
ALL_ZONES = sorted(zoneinfo.available_timezones() - {"Factory"})
# Half an hour, three quarters, midnight gaps, a day left out, two hours, Ramadan, no change at all.
ODD_ZONES = [
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Apia",
    "Antarctica/Troll",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Kathmandu",
    "UTC",
]
TURNS = [
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2027, 3, 14, 7, tzinfo=UTC),
    datetime(2027, 11, 7, 6, tzinfo=UTC),
    datetime(2026, 9, 6, 4, tzinfo=UTC),
    datetime(2027, 4, 29, 22, tzinfo=UTC),
    datetime(2027, 3, 28, 1, tzinfo=UTC),
]


def between(rule: Rule, place: ZoneInfo, after: datetime, upto: datetime) -> list[Occurrence]:
    """The moments strictly after `after` and not later than `upto`."""
    return list(itertools.takewhile(lambda each: each.instant <= upto, occurrences(rule, place, after)))


# ---- rules, zones and moments to try


def _or_last(most: int) -> st.SearchStrategy[object]:
    return st.one_of(st.integers(1, most), st.just("last"))


PATTERNS = st.one_of(
    st.just({"freq": "daily"}),
    st.lists(st.integers(1, 7), min_size=1, unique=True).map(lambda days: {"freq": "weekly", "weekdays": days}),
    st.fixed_dictionaries(
        {"freq": st.just("monthly"), "day": _or_last(31)}, optional={"short_month": st.sampled_from(["clamp", "skip"])}
    ),
    st.fixed_dictionaries({"freq": st.just("monthly"), "nth": _or_last(4), "weekday": st.integers(1, 7)}),
    st.fixed_dictionaries({"freq": st.just("monthly"), "workday": _or_last(20)}),
)
TIMES = st.one_of(
    st.sampled_from(["00:00", "00:15", "00:30", "01:30", "02:00", "02:15", "02:30", "23:30", "23:59"]),
    st.times().map(lambda moment: f"{moment:%H:%M}"),
)
ZONE_NAMES = st.one_of(st.sampled_from(ODD_ZONES), st.sampled_from(ALL_ZONES))
MOMENTS = st.one_of(
    st.integers(0, 35 * 365 * 86400).map(lambda seconds: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
    st.builds(
        lambda turn, seconds: turn + timedelta(seconds=seconds),
        st.sampled_from(TURNS),
        st.integers(-3 * 86400, 3 * 86400),
    ),
)


@st.composite
def rules(draw) -> dict[str, object]:
    """The JSON of a usable rule, sometimes counted from a start that lies decades back."""
    data = {**draw(PATTERNS), "time": draw(TIMES)}
    start = draw(st.none() | st.dates(date(1970, 1, 1), date(2035, 12, 31)))
    if start:
        data["start"] = start.isoformat()
        data["interval"] = draw(st.sampled_from([1, 2, 3, 5, 12, 37]))
        until = draw(st.none() | st.integers(0, 20000))
        if until is not None:
            data["until"] = (start + until * DAY).isoformat()
    return data


# ---- the slow way: look at each day, and find its instant without zoneinfo's fold


def _qualifies(data, day: date) -> bool:
    start = date.fromisoformat(data["start"]) if "start" in data else None
    if (start and day < start) or ("until" in data and day > date.fromisoformat(data["until"])):
        return False
    if start and _counted(data["freq"], start, day) % data["interval"]:
        return False
    return {"daily": lambda *_: True, "weekly": _in_week, "monthly": _in_month}[data["freq"]](data, day)


def _counted(freq: str, start: date, day: date) -> int:
    if freq == "monthly":
        return (day.year - start.year) * 12 + day.month - start.month
    return (day - start).days if freq == "daily" else (_monday(day) - _monday(start)).days // 7


def _monday(day: date) -> date:
    return day - (day.isoweekday() - 1) * DAY


def _in_week(data, day: date) -> bool:
    return bool(day.isoweekday() in data["weekdays"])


def _in_month(data, day: date) -> bool:
    ends_month = (day + DAY).month != day.month
    if "day" in data:
        if data["day"] == "last":
            return ends_month
        clamped = ends_month and day.day < data["day"] and data.get("short_month") != "skip"
        return bool(day.day == data["day"] or clamped)
    if "nth" in data:
        nth = data["nth"]
        is_nth = (day + 7 * DAY).month != day.month if nth == "last" else (day.day + 6) // 7 == nth
        return bool(day.isoweekday() == data["weekday"] and is_nth)
    if day.isoweekday() > 5:
        return False
    if data["workday"] == "last":
        rest = (day + count * DAY for count in range(1, 4))
        return all(other.month != day.month or other.isoweekday() > 5 for other in rest)
    return bool(sum(day.replace(day=number).isoweekday() < 6 for number in range(1, day.day + 1)) == data["workday"])


def _offset(instant: datetime, zone: zoneinfo.ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _instant(asked: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """First pass of the wall time; in a gap, the wall time by the clocks before it."""
    as_utc = asked.replace(tzinfo=UTC)
    before = _offset(as_utc - 1.5 * DAY, zone)
    after = _offset(as_utc + 1.5 * DAY, zone)
    passes = [as_utc - offset for offset in (before, after)]
    real = [each for each in passes if each.astimezone(zone).replace(tzinfo=None) == asked]
    return min(real) if real else as_utc - before


def _walk_each_day(data, zone, after: datetime, upto: datetime) -> list[tuple[date, datetime]]:
    hour, minute = map(int, data["time"].split(":"))
    found: list[tuple[date, datetime]] = []
    day = after.date() - 4 * DAY
    while day <= upto.date() + 4 * DAY:
        if _qualifies(data, day):
            instant = _instant(datetime.combine(day, time(hour, minute)), zone)
            if after < instant <= upto and (not found or instant > found[-1][1]):
                found.append((day, instant))
        day += DAY
    return found


@settings(max_examples=400, deadline=None)
@given(rules(), ZONE_NAMES, MOMENTS)
def test_the_jump_finds_what_looking_at_each_day_finds(data, zone_name, after):
    """A1, A3, A6: same dates and instants over 200 days, from any start."""
    zone = zones.zone(zone_name)
    upto = after + 200 * DAY
    found = [(each.local_date, each.instant) for each in between(parse_rule(data), zone, after, upto)]
    assert found == _walk_each_day(data, zone, after, upto)


@settings(max_examples=300, deadline=None)
@given(rules(), ZONE_NAMES, MOMENTS)
def test_moments_increase_one_a_date_at_the_wall_time_or_moved_by_the_gap(data, zone_name, after):
    """A4: strictly increasing, never two of one planned date, each where the clocks of the zone say."""
    found = next_occurrences(parse_rule(data), zones.zone(zone_name), after, 40)
    instants = [after, *(each.instant for each in found)]
    assert all(earlier < later for earlier, later in itertools.pairwise(instants))
    assert len({each.local_date for each in found}) == len(found)
    assert len({each.key_part() for each in found}) == len(found)
    for each in found:
        _assert_at_wall_time_or_moved_by_gap(each)


def _assert_at_wall_time_or_moved_by_gap(each: Occurrence) -> None:
    shift = each.local.replace(tzinfo=None, fold=0) - each.asked
    # In a gap fold=0 reads the clocks before it and fold=1 those after; in a repeated hour the first and second pass.
    before, after = (each.zone.utcoffset(each.asked.replace(fold=fold)) for fold in (0, 1))
    assert before is not None
    assert after is not None
    gap = after - before
    assert each.moved == (gap > timedelta())
    assert shift == (gap if each.moved else timedelta())
    assert each.repeated == (gap < timedelta())


@settings(max_examples=300, deadline=None)
@given(rules(), ZONE_NAMES, MOMENTS, st.data())
def test_asking_again_from_any_moment_between_gives_the_same_next(data, zone_name, after, more):
    """protocol, Actors: a tick that starts anew at any moment plans what the one before would have planned."""
    rule, zone = parse_rule(data), zones.zone(zone_name)
    found = next_occurrences(rule, zone, after, 5)
    assume(found)
    index = more.draw(st.integers(0, len(found) - 1))
    earlier = found[index - 1].instant if index else after
    seconds = int((found[index].instant - earlier).total_seconds())
    between = earlier + timedelta(seconds=more.draw(st.integers(0, max(seconds - 1, 0))))
    assert next_occurrence(rule, zone, between) == found[index]


@settings(max_examples=300, deadline=None)
@given(rules())
def test_a_rule_written_as_json_is_read_back_the_same(data):
    """A rule keeps its meaning, and its canonical form stays as it is."""
    rule = parse_rule(data)
    written = rule_to_json(rule)
    assert parse_rule(written) == rule
    assert rule_to_json(parse_rule(written)) == written


# ---- every change of the clocks, in every zone, over ten years


def _changes(zone: zoneinfo.ZoneInfo) -> list[tuple[datetime, timedelta, timedelta]]:
    """(first instant of the new offset, offset before, offset after) from 2024 to 2034."""

    def offset(minute: int) -> timedelta:
        return _offset(origin + minute * MINUTE, zone)

    origin = datetime(2024, 1, 1, tzinfo=UTC)
    changes = []
    for day in range(10 * 365):
        begin, end = day * 1440, (day + 1) * 1440
        before, after = offset(begin), offset(end)
        if before != after:
            turn = bisect.bisect_left(range(begin, end), True, key=lambda minute: offset(minute) != before)
            changes.append((origin + (begin + turn) * MINUTE, before, after))
    return changes


@pytest.mark.parametrize("zone_name", ALL_ZONES)
def test_each_change_of_the_clocks_gives_one_run_a_day(zone_name):
    """A4: daily rules inside every gap and every repeated hour of ten years; moved by the gap, or the first pass."""
    zone = zones.zone(zone_name)
    for turn, before, after in _changes(zone):
        half = abs(after - before) // 2 // MINUTE * MINUTE
        asked = (turn + min(before, after) + half).replace(tzinfo=None)
        rule = parse_rule({"freq": "daily", "time": f"{asked:%H:%M}"})
        found = {each.local_date: each for each in between(rule, zone, turn - 3 * DAY, turn + 3 * DAY)}
        assert {asked.date() + count * DAY for count in range(-2, 3)} <= set(found)
        at_turn = found[asked.date()]
        assert at_turn.instant == (asked - before).replace(tzinfo=UTC)
        assert at_turn.moved == (after > before)
        assert at_turn.repeated == (after < before)
        wall = asked + (after - before) if after > before else asked
        assert at_turn.local.replace(tzinfo=None, fold=0) == wall
        assert not any(each.moved or each.repeated for day, each in found.items() if day != asked.date())


def test_the_ten_years_hold_changes_both_ways():
    """The test above would pass on a zone database without any change of the clocks."""
    forward = back = 0
    for zone_name in ("America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "Africa/Casablanca"):
        for _, before, after in _changes(zones.zone(zone_name)):
            forward += after > before
            back += after < before
    assert forward >= 30
    assert back >= 30


# ---- the corners by name


def test_a_date_that_never_existed_gives_one_run_named_by_the_earlier():
    """A4: Apia went from 29 to 31 December 2011."""
    zone = zones.zone("Pacific/Apia")
    rule = parse_rule({"freq": "daily", "time": "09:00"})
    found = next_occurrences(rule, zone, datetime(2011, 12, 29, tzinfo=UTC), 3)
    assert [each.key_part() for each in found] == [
        "2011-12-29T09:00[Pacific/Apia]",
        "2011-12-30T09:00[Pacific/Apia]",
        "2012-01-01T09:00[Pacific/Apia]",
    ]
    only_that_day = parse_rule({"freq": "once", "date": "2011-12-30", "time": "09:00"})
    (once,) = next_occurrences(only_that_day, zone, datetime(2011, 1, 1, tzinfo=UTC), 5)
    assert once.local.isoformat() == "2011-12-31T09:00:00+14:00"
    just_before = once.instant - timedelta(seconds=1)
    assert next_occurrence(only_that_day, zone, just_before) == once


@pytest.mark.parametrize(
    ("months", "day", "found"),
    [
        ({"interval": 12, "start": "2026-02-01"}, 30, []),
        ({"interval": 12, "start": "2026-02-01"}, 29, ["2028-02-29", "2032-02-29"]),
        ({"interval": 12, "start": "2096-02-01"}, 29, ["2096-02-29", "2104-02-29"]),
        ({"interval": 1000, "start": "2026-02-01"}, 31, ["2192-10-31", "2442-10-31"]),
        ({"interval": 6, "start": "2026-04-01"}, 31, ["2026-10-31", "2027-10-31"]),
        ({"interval": 2, "start": "2026-02-01"}, 31, ["2026-08-31", "2026-10-31"]),
    ],
)
def test_a_day_that_few_or_no_months_have_is_found_or_given_up(months, day, found):
    """A3: the search ends by itself."""
    rule = parse_rule({"freq": "monthly", "time": "08:00", "day": day, "short_month": "skip", **months})
    moments = next_occurrences(rule, zones.zone("UTC"), datetime(2026, 1, 1, tzinfo=UTC), 2)
    assert [each.local_date.isoformat() for each in moments] == found


def test_a_rule_ends_with_its_last_date_and_is_not_before_its_first():
    """A6: both dates included, as local dates."""
    rule = parse_rule({"freq": "daily", "time": "23:30", "start": "2026-12-01", "until": "2026-12-03"})
    found = next_occurrences(rule, zones.zone("America/Los_Angeles"), datetime(2020, 1, 1, tzinfo=UTC), 10)
    assert [each.instant.isoformat() for each in found] == [
        "2026-12-02T07:30:00+00:00",
        "2026-12-03T07:30:00+00:00",
        "2026-12-04T07:30:00+00:00",
    ]


def test_once_is_one_moment_and_then_none():
    """A12."""
    rule = parse_rule({"freq": "once", "date": "2027-03-14", "time": "02:30"})
    zone = zones.zone("America/New_York")
    (only,) = next_occurrences(rule, zone, datetime(2026, 11, 24, tzinfo=UTC), 5)
    assert only.instant == datetime(2027, 3, 14, 7, 30, tzinfo=UTC)
    assert next_occurrence(rule, zone, only.instant) is None


@pytest.mark.parametrize("zone_name", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
@pytest.mark.parametrize(
    ("after", "first"),
    [
        (datetime.min.replace(tzinfo=UTC), "1900-01-01"),
        (datetime(1899, 12, 30, tzinfo=UTC), "1900-01-01"),
        (datetime(2999, 12, 30, tzinfo=UTC), "2999-12-30"),
        (datetime(3000, 1, 2, tzinfo=UTC), None),
        (datetime.max.replace(tzinfo=UTC), None),
    ],
)
def test_the_ends_of_the_calendar_are_ends_and_not_errors(zone_name, after, first):
    """A6: nothing overflows, whatever moment is asked from."""
    for pattern in ({"freq": "daily"}, {"freq": "weekly", "weekdays": [1, 2, 3, 4, 5, 6, 7]}):
        found = next_occurrence(parse_rule({**pattern, "time": "23:59"}), zones.zone(zone_name), after)
        if first is None:
            assert found is None
        else:
            assert found is not None
            assert abs(found.local_date - date.fromisoformat(first)) <= DAY


def test_a_moment_without_a_zone_is_refused():
    """A4: server-local time is never assumed."""
    rule, zone, naive = parse_rule({"freq": "daily", "time": "08:00"}), zones.zone("UTC"), TURNS[0].replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        next_occurrence(rule, zone, naive)
