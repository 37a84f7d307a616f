"""A1, A3, A6, A12, bad input: each wrong rule is refused at its key, in a sentence that says what to do."""

from __future__ import annotations

import json

import pytest

from portal.schedules.rule import RuleError, parse_rule

DAILY = {"freq": "daily", "time": "08:00"}
WEEKLY = {"freq": "weekly", "time": "08:00", "weekdays": [1]}
MONTHLY = {"freq": "monthly", "time": "08:00", "day": 1}
NTH = {"freq": "monthly", "time": "08:00", "nth": 1, "weekday": 1}
WORKDAY = {"freq": "monthly", "time": "08:00", "workday": 3}
ONCE = {"freq": "once", "time": "08:00", "date": "2027-03-14"}

A_TIME = "The time must be HH:MM between 00:00 and 23:59, not "
A_DATE = "must be a date like 2026-12-31, between 1900 and 2999, not "
A_DAY = 'The day must be a whole number from 1 to 31, or "last", not '
WEEKDAYS = "The weekdays must be a list of days, each a whole number from 1 (Monday) to 7 (Sunday), not "
AN_INTERVAL = "The interval must be a whole number from 1 to 1000, not "

WRONG = [
    # no frequency, or none that there is
    ({}, "freq", "A rule needs freq: daily, weekly, monthly or once."),
    ({"freq": "hourly"}, "freq", "The freq must be daily, weekly, monthly or once, not hourly."),
    ({"freq": ["daily"]}, "freq", 'The freq must be daily, weekly, monthly or once, not ["daily"].'),
    ({"freq": None}, "freq", "The freq must be daily, weekly, monthly or once, not null."),
    ({"freq": "Daily"}, "freq", "The freq must be daily, weekly, monthly or once, not Daily."),
    # the time
    ({"freq": "daily"}, "time", "A rule that is daily needs time: HH:MM between 00:00 and 23:59."),
    (DAILY | {"time": "25:00"}, "time", A_TIME + "25:00."),
    (DAILY | {"time": "24:00"}, "time", A_TIME + "24:00."),
    (DAILY | {"time": "08:60"}, "time", A_TIME + "08:60."),
    (DAILY | {"time": "8:00"}, "time", A_TIME + "8:00."),
    (DAILY | {"time": "08:00:30"}, "time", A_TIME + "08:00:30."),
    (DAILY | {"time": " 08:00"}, "time", A_TIME + " 08:00."),
    (DAILY | {"time": "08:00\n"}, "time", A_TIME + '"08:00\\n".'),
    (DAILY | {"time": "٠٨:٠٠"}, "time", A_TIME + "٠٨:٠٠."),
    (DAILY | {"time": ""}, "time", A_TIME + '"".'),
    (DAILY | {"time": 800}, "time", A_TIME + "800."),
    (DAILY | {"time": "9" * 100_000}, "time", A_TIME + "9" * 40 + "…."),
    (DAILY | {"time": "\u202e08:00\ud800"}, "time", A_TIME + '"\\u202e08:00\\ud800".'),
    # keys that do not exist, or not there
    (DAILY | {"cron": "* * * * *"}, "cron", "A rule has no key cron; leave it out."),
    (DAILY | {"Time": "08:00"}, "Time", "A rule has no key Time; leave it out."),
    (DAILY | {"weekdays": [1]}, "weekdays", "The key weekdays does not apply to a rule that is daily; leave it out."),
    (DAILY | {"day": 1}, "day", "The key day does not apply to a rule that is daily; leave it out."),
    (DAILY | {"date": "2027-01-01"}, "date", "The key date does not apply to a rule that is daily; leave it out."),
    (WEEKLY | {"day": 1}, "day", "The key day does not apply to a rule that is weekly; leave it out."),
    (
        MONTHLY | {"weekdays": [1]},
        "weekdays",
        "The key weekdays does not apply to a rule that is monthly; leave it out.",
    ),
    (ONCE | {"start": "2027-01-01"}, "start", "The key start does not apply to a rule that is once; leave it out."),
    (ONCE | {"until": "2027-01-01"}, "until", "The key until does not apply to a rule that is once; leave it out."),
    (ONCE | {"interval": 1}, "interval", "The key interval does not apply to a rule that is once; leave it out."),
    (MONTHLY | {"nth": 1}, "nth", "The key nth does not apply beside day; leave one of them out."),
    (MONTHLY | {"weekday": 1}, "weekday", "The key weekday does not apply beside day; leave one of them out."),
    (MONTHLY | {"workday": 1}, "workday", "The key workday does not apply beside day; leave one of them out."),
    (WORKDAY | {"nth": 1}, "nth", "The key nth does not apply beside workday; leave one of them out."),
    (
        NTH | {"short_month": "skip"},
        "short_month",
        "The key short_month does not apply beside nth; leave one of them out.",
    ),
    # days
    (
        {"freq": "weekly", "time": "08:00"},
        "weekdays",
        "A rule that is weekly needs weekdays: a list of days, each a whole number from 1 (Monday) to 7 (Sunday).",
    ),
    (WEEKLY | {"weekdays": []}, "weekdays", WEEKDAYS + "[]."),
    (WEEKLY | {"weekdays": [0]}, "weekdays", WEEKDAYS + "[0]."),
    (WEEKLY | {"weekdays": [1, 8]}, "weekdays", WEEKDAYS + "[1, 8]."),
    (WEEKLY | {"weekdays": ["1"]}, "weekdays", WEEKDAYS + '["1"].'),
    (WEEKLY | {"weekdays": [True]}, "weekdays", WEEKDAYS + "[true]."),
    (WEEKLY | {"weekdays": 1}, "weekdays", WEEKDAYS + "1."),
    (WEEKLY | {"weekdays": "1"}, "weekdays", WEEKDAYS + "1."),
    (
        {"freq": "monthly", "time": "08:00"},
        "day",
        "A rule that is monthly needs day, workday, or nth with weekday.",
    ),
    (MONTHLY | {"day": 32}, "day", A_DAY + "32."),
    (MONTHLY | {"day": 0}, "day", A_DAY + "0."),
    (MONTHLY | {"day": -1}, "day", A_DAY + "-1."),
    (MONTHLY | {"day": 1.0}, "day", A_DAY + "1.0."),
    (MONTHLY | {"day": "31"}, "day", A_DAY + "31."),
    (MONTHLY | {"day": "first"}, "day", A_DAY + "first."),
    (MONTHLY | {"day": None}, "day", A_DAY + "null."),
    (MONTHLY | {"day": 10**5000}, "day", A_DAY + "that."),
    (
        MONTHLY | {"short_month": "next"},
        "short_month",
        "The choice for shorter months (short_month) must be clamp or skip, not next.",
    ),
    (
        NTH | {"nth": 5},
        "nth",
        'The week of the month (nth) must be a whole number from 1 to 4, or "last", not 5.',
    ),
    (
        NTH | {"weekday": 8},
        "weekday",
        "The weekday must be a whole number from 1 (Monday) to 7 (Sunday), not 8.",
    ),
    (
        {"freq": "monthly", "time": "08:00", "nth": 1},
        "weekday",
        "A rule that is monthly needs weekday: a whole number from 1 (Monday) to 7 (Sunday).",
    ),
    (
        {"freq": "monthly", "time": "08:00", "weekday": 1},
        "nth",
        'A rule that is monthly needs nth: a whole number from 1 to 4, or "last".',
    ),
    (
        WORKDAY | {"workday": 21},
        "workday",
        'The working day (workday) must be a whole number from 1 to 20, or "last", not 21.',
    ),
    # intervals
    (DAILY | {"interval": 0, "start": "2026-01-01"}, "interval", AN_INTERVAL + "0."),
    (DAILY | {"interval": 1001, "start": "2026-01-01"}, "interval", AN_INTERVAL + "1001."),
    (DAILY | {"interval": "2", "start": "2026-01-01"}, "interval", AN_INTERVAL + "2."),
    (DAILY | {"interval": 2.5, "start": "2026-01-01"}, "interval", AN_INTERVAL + "2.5."),
    (DAILY | {"interval": True, "start": "2026-01-01"}, "interval", AN_INTERVAL + "true."),
    (DAILY | {"interval": 2}, "start", "An interval of 2 needs a start date to count from."),
    # dates
    (DAILY | {"start": "2026-02-29"}, "start", f"The start date {A_DATE}2026-02-29."),
    (DAILY | {"start": "20260101"}, "start", f"The start date {A_DATE}20260101."),
    (DAILY | {"start": "2026-W01-1"}, "start", f"The start date {A_DATE}2026-W01-1."),
    (DAILY | {"start": "2026-01-01T00:00:00"}, "start", f"The start date {A_DATE}2026-01-01T00:00:00."),
    (DAILY | {"start": "0001-01-01"}, "start", f"The start date {A_DATE}0001-01-01."),
    (DAILY | {"start": 20260101}, "start", f"The start date {A_DATE}20260101."),
    (DAILY | {"until": "9999-12-31"}, "until", f"The end date (until) {A_DATE}9999-12-31."),
    (DAILY | {"until": None}, "until", f"The end date (until) {A_DATE}null."),
    (
        DAILY | {"start": "2026-03-02", "until": "2026-03-01"},
        "until",
        "The end date (until) must not be before the start date: 1 March 2026 is before 2 March 2026.",
    ),
    (
        {"freq": "once", "time": "08:00"},
        "date",
        "A rule that is once needs date: a date like 2026-12-31, between 1900 and 2999.",
    ),
    (ONCE | {"date": "9999-12-31"}, "date", f"The date {A_DATE}9999-12-31."),
    (ONCE | {"date": "14 March"}, "date", f"The date {A_DATE}14 March."),
]


@pytest.mark.parametrize(("data", "field", "sentence"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_rule_is_refused_at_its_key_in_a_sentence(data, field, sentence):
    """A1, A3, A6, A12: the key at fault, and what it must be."""
    with pytest.raises(RuleError) as refused:
        parse_rule(data)
    assert (refused.value.field, refused.value.sentence) == (field, sentence)
    assert str(refused.value) == sentence


NOT_JSON = 'The rule is not JSON; write it like {"freq": "daily", "time": "08:00"}.'
NO_OBJECT = 'A rule is a JSON object, such as {"freq": "daily", "time": "08:00"}.'


@pytest.mark.parametrize(
    ("text", "field", "sentence"),
    [
        ("", "rule", NOT_JSON),
        ("daily", "rule", NOT_JSON),
        ("{'freq': 'daily'}", "rule", NOT_JSON),
        ('{"freq": "daily", "time": "08:00"', "rule", NOT_JSON),
        ("[" * 100_000, "rule", NOT_JSON),
        ('{"freq": "monthly", "time": "08:00", "day": ' + "1" * 5000 + "}", "rule", NOT_JSON),
        ("[]", "rule", NO_OBJECT),
        ("null", "rule", NO_OBJECT),
        ("NaN", "rule", NO_OBJECT),
        ('"daily"', "rule", NO_OBJECT),
        ('{"freq": "monthly", "time": "08:00", "day": 1e999}', "day", A_DAY + "Infinity."),
        (
            '{"freq": "daily", "time": "08:00", "time": "09:00"}',
            "time",
            "The key time stands twice in the rule; give it once.",
        ),
        ('{"freq": "daily", "time": ' + "[" * 900 + "]" * 900 + "}", "time", A_TIME + "[" * 40 + "…."),
    ],
    ids=range(13),
)
def test_text_that_is_no_rule_is_refused_in_a_sentence(text, field, sentence):
    """A1: hostile and broken text ends in one sentence, whatever it holds."""
    with pytest.raises(RuleError) as refused:
        parse_rule(text)
    assert (refused.value.field, refused.value.sentence) == (field, sentence)


@pytest.mark.parametrize("data", [DAILY, WEEKLY, MONTHLY, NTH, WORKDAY, ONCE], ids="-".join)
def test_text_and_object_give_the_same_rule(data):
    """A1, A3, A12."""
    assert parse_rule(json.dumps(data)) == parse_rule(data)


def test_what_makes_no_difference_is_not_kept():
    """Two ways to write one rule are one rule."""
    assert parse_rule(DAILY | {"interval": 1}) == parse_rule(DAILY)
    assert parse_rule(WEEKLY | {"weekdays": [5, 1, 1]}) == parse_rule(WEEKLY | {"weekdays": [1, 5]})
    assert parse_rule(MONTHLY | {"short_month": "skip"}) == parse_rule(MONTHLY)
    last = MONTHLY | {"day": "last"}
    assert parse_rule(last | {"short_month": "skip"}) == parse_rule(last)
    assert parse_rule(MONTHLY | {"day": 31, "short_month": "skip"}) != parse_rule(MONTHLY | {"day": 31})
