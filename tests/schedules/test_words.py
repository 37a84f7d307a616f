"""A10, A5: rules and odd moments in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portal import zones
from portal.schedules.rule import next_occurrences, parse_rule
from portal.schedules.words import occurrence_note, rule_in_words

AT = {"time": "08:00"}
DAILY = {"freq": "daily", **AT}
WEEKLY = {"freq": "weekly", **AT}
MONTHLY = {"freq": "monthly", **AT}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (DAILY, "Every day at 08:00, New York time"),
        (
            DAILY | {"interval": 3, "start": "2026-01-05"},
            "Every 3 days at 08:00, New York time, from 5 January 2026",
        ),
        (WEEKLY | {"weekdays": [1]}, "Every Monday at 08:00, New York time"),
        (WEEKLY | {"weekdays": [4, 1]}, "Every Monday and Thursday at 08:00, New York time"),
        (WEEKLY | {"weekdays": [1, 3, 7]}, "Every Monday, Wednesday and Sunday at 08:00, New York time"),
        (WEEKLY | {"weekdays": [1, 2, 3, 4, 5]}, "Every weekday at 08:00, New York time"),
        (WEEKLY | {"weekdays": [1, 2, 3, 4, 5, 6, 7]}, "Every day at 08:00, New York time"),
        (
            WEEKLY | {"weekdays": [1], "interval": 2, "start": "2026-01-05"},
            "Every 2 weeks on Monday at 08:00, New York time, from 5 January 2026",
        ),
        (
            WEEKLY | {"weekdays": [1, 2, 3, 4, 5], "interval": 2, "start": "2026-01-05"},
            "Every 2 weeks from Monday to Friday at 08:00, New York time, from 5 January 2026",
        ),
        (MONTHLY | {"day": 15}, "On day 15 of every month at 08:00, New York time"),
        (
            MONTHLY | {"day": 31},
            "On day 31 of every month (the last day in shorter months) at 08:00, New York time",
        ),
        (
            MONTHLY | {"day": 30, "short_month": "skip"},
            "On day 30 of every month (not in shorter months) at 08:00, New York time",
        ),
        (MONTHLY | {"day": "last"}, "On the last day of every month at 08:00, New York time"),
        (MONTHLY | {"nth": 1, "weekday": 1}, "On the first Monday of every month at 08:00, New York time"),
        (MONTHLY | {"nth": "last", "weekday": 5}, "On the last Friday of every month at 08:00, New York time"),
        (MONTHLY | {"workday": 1}, "On the 1st working day of every month at 08:00, New York time"),
        (MONTHLY | {"workday": 3}, "On the 3rd working day of every month at 08:00, New York time"),
        (MONTHLY | {"workday": 12}, "On the 12th working day of every month at 08:00, New York time"),
        (MONTHLY | {"workday": "last"}, "On the last working day of every month at 08:00, New York time"),
        (
            MONTHLY | {"day": 1, "interval": 3, "start": "2026-01-01"},
            "Every 3 months on day 1 at 08:00, New York time, counted from January 2026",
        ),
        (
            MONTHLY | {"day": 1, "interval": 3, "start": "2026-01-15"},
            "Every 3 months on day 1 at 08:00, New York time, from 15 January 2026",
        ),
        (
            MONTHLY | {"day": 31, "interval": 12, "start": "2026-03-01"},
            "Every year on day 31 of March at 08:00, New York time, counted from March 2026",
        ),
        (
            MONTHLY | {"day": 29, "short_month": "skip", "interval": 12, "start": "2026-02-02"},
            "Every year on day 29 of February (not in shorter months) at 08:00, New York time, from 2 February 2026",
        ),
        (DAILY | {"until": "2026-12-31"}, "Every day at 08:00, New York time, until 31 December 2026"),
        (
            DAILY | {"start": "2026-01-05", "until": "2026-12-31"},
            "Every day at 08:00, New York time, from 5 January 2026, until 31 December 2026",
        ),
        (
            {"freq": "once", "date": "2026-03-14", "time": "09:00"},
            "Once, on Sat 14 March 2026 at 09:00, New York time",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_is_read_aloud(data, words):
    """A10."""
    assert rule_in_words(parse_rule(data), "America/New_York") == words


def _notes(data, zone_name: str, after: str, count: int) -> list[tuple[str, str | None]]:
    found = next_occurrences(parse_rule(data), zones.zone(zone_name), datetime.fromisoformat(after), count)
    before = [None, *found]
    return [
        (each.local_date.isoformat(), occurrence_note(each, prior)) for each, prior in zip(found, before, strict=False)
    ]


def test_a_moment_in_a_gap_says_where_it_moved():
    """A5: New York, 14 March 2027, 02:30 does not exist."""
    assert _notes({"freq": "daily", "time": "02:30"}, "America/New_York", "2027-03-13T00:00:00Z", 3) == [
        ("2027-03-13", None),
        ("2027-03-14", "moved to 03:30: 02:30 does not exist on this day"),
        ("2027-03-15", None),
    ]


def test_a_moment_after_the_clocks_changed_says_so():
    """A5: forward in March, back in November, by half an hour on Lord Howe."""
    assert _notes(WEEKLY | {"weekdays": [1]}, "America/New_York", "2027-03-08T00:00:00Z", 2)[1] == (
        "2027-03-15",
        "clocks go forward 1 hour since the one before",
    )
    assert _notes(WEEKLY | {"weekdays": [1]}, "America/New_York", "2027-11-01T00:00:00Z", 2)[1] == (
        "2027-11-08",
        "clocks go back 1 hour since the one before",
    )
    assert _notes(DAILY, "Australia/Lord_Howe", "2026-10-02T12:00:00Z", 2)[1] == (
        "2026-10-04",
        "clocks go forward 30 minutes since the one before",
    )


def test_a_moment_that_comes_twice_says_which():
    """A4, A5: New York, 7 November 2027."""
    assert _notes({"freq": "daily", "time": "01:30"}, "America/New_York", "2027-11-06T00:00:00Z", 3) == [
        ("2027-11-06", None),
        ("2027-11-07", "01:30 comes twice on this day: the first is used"),
        ("2027-11-08", "clocks go back 1 hour since the one before"),
    ]


def test_a_moment_of_a_day_left_out_says_on_which_day_it_falls():
    """A4, A5: Apia had no 30 December 2011."""
    assert _notes(DAILY, "Pacific/Apia", "2011-12-29T20:00:00Z", 1) == [
        ("2011-12-30", "moved to Sat 31 Dec 2011, 08:00: 08:00 on Fri 30 Dec 2011 does not exist")
    ]


def test_an_occurrence_names_its_planned_moment_and_its_offset():
    """A5, protocol (occurrence key)."""
    after = datetime(2026, 11, 30, tzinfo=UTC)
    (found,) = next_occurrences(parse_rule(DAILY), zones.zone("America/New_York"), after, 1)
    assert found.key_part() == "2026-11-30T08:00[America/New_York]"
    assert (found.abbreviation, found.offset.total_seconds()) == ("EST", -5 * 3600)
    (nepal,) = next_occurrences(parse_rule(DAILY), zones.zone("Asia/Kathmandu"), after, 1)
    assert nepal.abbreviation == "UTC+05:45"
