"""`flask schedule-times`: A1-A6 and A12 without a browser."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from portal import clock
from portal.commands.schedule_times import schedule_times

DAILY = '{"freq": "daily", "time": "02:30"}'


def _run(*arguments: str):
    return CliRunner().invoke(schedule_times, arguments)


def test_it_prints_one_utc_instant_a_line():
    """A4."""
    done = _run(DAILY, "--timezone", "America/New_York", "--after", "2027-03-13T12:00:00Z", "--count", "3")
    assert done.exit_code == 0
    assert done.stdout == "2027-03-14T07:30:00Z\n2027-03-15T06:30:00Z\n2027-03-16T06:30:00Z\n"
    assert done.stderr == ""


def test_it_counts_from_now_and_prints_ten_unless_told(monkeypatch):
    """A5."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 24, 2, 30, tzinfo=UTC))
    lines = _run(DAILY, "--timezone", "UTC").stdout.splitlines()
    assert len(lines) == 10
    assert lines[0] == "2026-11-25T02:30:00Z"


def test_it_prints_fewer_when_the_rule_ends():
    """A6, A12."""
    once = '{"freq": "once", "date": "2026-03-14", "time": "09:00"}'
    assert _run(once, "--timezone", "UTC", "--after", "2026-01-01T00:00:00+01:00").stdout == "2026-03-14T09:00:00Z\n"
    past = _run(once, "--timezone", "UTC", "--after", "2026-03-14T09:00:00Z")
    assert (past.exit_code, past.stdout) == (0, "")


def test_it_answers_in_json_with_local_time_and_notes():
    """A5, A10."""
    done = _run(DAILY, "--timezone", "America/New_York", "--after", "2027-03-14T00:00:00Z", "--count", "1", "--json")
    assert json.loads(done.stdout) == {
        "rule": {"freq": "daily", "time": "02:30"},
        "timezone": "America/New_York",
        "in_words": "Every day at 02:30, New York time",
        "after": "2027-03-14T00:00:00Z",
        "times": [
            {
                "utc": "2027-03-14T07:30:00Z",
                "local": "2027-03-14T03:30:00-04:00",
                "planned": "2027-03-14T02:30[America/New_York]",
                "note": "moved to 03:30: 02:30 does not exist on this day",
            }
        ],
    }


A_MOMENT = ("--after", "2026-11-24T00:00:00Z")
AN_INSTANT = "An instant looks like 2026-11-25T09:00:00Z or 2026-11-25T09:00:00-05:00, between 1900 and 2999."
A_COUNT = "The count must be a whole number from 1 to 1000."


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nonsense", "--timezone", "UTC"), 'The rule is not JSON; write it like {"freq": "daily", "time": "08:00"}.'),
        (
            ('{"freq": "daily", "time": "25:00"}', "--timezone", "UTC"),
            "The time must be HH:MM between 00:00 and 23:59, not 25:00.",
        ),
        (
            (DAILY, "--timezone", "america/new_york"),
            'There is no time zone "america/new_york"; did you mean America/New_York?',
        ),
        ((DAILY, "--timezone", ""), "Name a time zone, such as America/New_York or UTC."),
        ((DAILY, "--timezone", "UTC", "--after", "2026-11-24"), AN_INSTANT),
        ((DAILY, "--timezone", "UTC", "--after", "2026-11-24T09:00:00"), AN_INSTANT),
        ((DAILY, "--timezone", "UTC", "--after", "0001-01-01T00:00:00+14:00"), AN_INSTANT),
        ((DAILY, "--timezone", "UTC", "--after", "9999-12-31T23:59:59Z"), AN_INSTANT),
        ((DAILY, "--timezone", "UTC", "--after", "2026-02-30T00:00:00Z"), AN_INSTANT),
        ((DAILY, "--timezone", "UTC", *A_MOMENT, "--count", "0"), A_COUNT),
        ((DAILY, "--timezone", "UTC", *A_MOMENT, "--count", "-1"), A_COUNT),
        ((DAILY, "--timezone", "UTC", *A_MOMENT, "--count", "1001"), A_COUNT),
        ((DAILY, "--timezone", "UTC", *A_MOMENT, "--count", "ten"), A_COUNT),
        ((DAILY, "--timezone", "UTC", *A_MOMENT, "--count", "9" * 9999), A_COUNT),
    ],
    ids=range(14),
)
def test_bad_input_ends_in_one_sentence_and_status_2(arguments, sentence):
    """Nothing on standard output, one sentence on standard error."""
    done = _run(*arguments if "--after" in arguments else (*arguments, *A_MOMENT))
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", sentence + "\n")
