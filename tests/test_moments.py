"""A2, A5: dates and instants as people and programs read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from portal import moments
from portal.zones import zone

INSTANT = datetime(2026, 11, 2, 13, 0, 59, 999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone_name", "words"),
    [
        ("America/New_York", "Mon 2 Nov 2026, 08:00 EST"),
        ("Asia/Kathmandu", "Mon 2 Nov 2026, 18:45 UTC+05:45"),
        ("America/Sao_Paulo", "Mon 2 Nov 2026, 10:00 UTC-03:00"),
        ("Pacific/Kiritimati", "Tue 3 Nov 2026, 03:00 UTC+14:00"),
        ("UTC", "Mon 2 Nov 2026, 13:00 UTC"),
    ],
)
def test_a_moment_names_its_zone(zone_name, words):
    """A2."""
    assert moments.moment_in_words(INSTANT, zone(zone_name)) == words


def test_dates_offsets_and_spans_are_read_aloud():
    """A5."""
    assert moments.day_in_words(date(2026, 1, 5)) == "5 January 2026"
    assert moments.short_day_in_words(date(2026, 1, 5)) == "Mon 5 Jan 2026"
    assert moments.offset_in_words(INSTANT, zone("America/New_York")) == "UTC-05:00"
    assert moments.offset_in_words(INSTANT, zone("America/St_Johns")) == "UTC-03:30"
    assert moments.offset_in_words(INSTANT, UTC) == "UTC"
    assert moments.span_in_words(timedelta(hours=1)) == "1 hour"
    assert moments.span_in_words(-timedelta(minutes=30)) == "30 minutes"
    assert moments.span_in_words(timedelta(hours=2, minutes=1)) == "2 hours 1 minute"


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-25T09:00:00Z", "2026-11-25T09:00:00Z"),
        ("2026-11-25T09:00Z", "2026-11-25T09:00:00Z"),
        ("2026-11-25T09:00:00-05:00", "2026-11-25T14:00:00Z"),
        ("2026-11-25T09:00:00.123456+05:45", "2026-11-25T03:15:00Z"),
    ],
)
def test_an_instant_is_read_and_written_in_utc(text, instant):
    """A2."""
    assert moments.instant_text(moments.parse_instant(text)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-25",
        "2026-11-25T09:00:00",
        "2026-11-25 09:00:00Z",
        "2026-13-25T09:00:00Z",
        "2026-11-25T09:00:00+99:00",
        "20261125T090000Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "٢٠٢٦-11-25T09:00:00Z",
        "2026-11-25T09:00:00Z\n",
    ],
)
def test_what_is_no_instant_is_refused_in_a_sentence(text):
    """A2: no zone is ever guessed, and nothing overflows."""
    with pytest.raises(moments.MomentError, match="looks like 2026-11-25T09:00:00Z"):
        moments.parse_instant(text)


@pytest.mark.parametrize("text", ["", "2026-02-29", "20260101", "1899-12-31", "3000-01-01", "9999-12-31", "2026-1-1"])
def test_what_is_no_date_is_refused_in_a_sentence(text):
    """A6."""
    with pytest.raises(moments.MomentError, match="looks like 2026-12-31"):
        moments.parse_day(text)


def test_a_date_is_read():
    """A6."""
    assert moments.parse_day("2028-02-29") == date(2028, 2, 29)
