"""Days off from an iCalendar file, and from countries' holidays (A7); hostile files end in one sentence."""

from __future__ import annotations

from datetime import date

import pytest

from portal.schedules.blackouts import CalendarError, Entry, span
from portal.schedules.calendar_file import read_calendar
from portal.schedules.public_holidays import countries, holidays_of, regions, source_words
from portal.zones import zone

NEW_YORK = zone("America/New_York")
TODAY = date(2026, 11, 24)


def ics(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\nUID:{number}\r\n{each}\r\nEND:VEVENT\r\n" for number, each in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n".encode()


def days(*events: str) -> list[str]:
    return [each.day.isoformat() for each in read_calendar(ics(*events), place=NEW_YORK, today=TODAY).entries]


def test_an_all_day_event_is_a_day_with_its_name() -> None:
    found = read_calendar(
        ics("DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\\, closed"), place=NEW_YORK, today=TODAY
    )
    assert found.entries == [Entry(date(2026, 12, 25), "Christmas, closed")]
    assert found.left_out == 0


def test_the_end_of_an_event_of_whole_days_is_not_part_of_it() -> None:
    assert days("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227") == [
        "2026-12-24",
        "2026-12-25",
        "2026-12-26",
    ]
    assert days("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261224") == ["2026-12-24"]
    assert days("DTSTART;VALUE=DATE:20261224\r\nDURATION:P2D") == ["2026-12-24", "2026-12-25"]


def test_a_timed_event_counts_by_the_organizations_clocks() -> None:
    # 02:00 UTC on the 25th is the evening of the 24th in New York; an end at midnight touches no further day
    assert days("DTSTART:20261225T020000Z\r\nDTEND:20261225T050000Z") == ["2026-12-24"]
    assert days("DTSTART:20261224T230000\r\nDTEND:20261225T010000") == ["2026-12-24", "2026-12-25"]
    assert days("DTSTART:20261224T230000") == ["2026-12-24"]


@pytest.mark.parametrize(
    ("event", "first"),
    [
        ("DTSTART;VALUE=DATE:20201225\r\nRRULE:FREQ=YEARLY", ["2026-12-25", "2027-12-25"]),
        ("DTSTART;VALUE=DATE:20201126\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2026-11-26", "2027-11-25"]),
        ("DTSTART;VALUE=DATE:20200525\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", ["2026-05-25", "2027-05-31"]),
        ("DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY", ["2028-02-29", "2032-02-29"]),
        ("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;INTERVAL=2", ["2027-01-01", "2029-01-01"]),
        ("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;UNTIL=20270601", ["2026-01-01", "2027-01-01"]),
        ("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;COUNT=3", ["2026-01-01", "2027-01-01"]),
        (
            "DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20260101",
            ["2027-01-01", "2028-01-01"],
        ),
    ],
)
def test_yearly_events_come_back_for_ten_years(event: str, first: list[str]) -> None:
    found = days(event)
    assert found[:2] == first
    assert found[-1] <= "2036-12-31"


def test_a_count_ends_a_yearly_event() -> None:
    assert days("DTSTART;VALUE=DATE:20250101\r\nRRULE:FREQ=YEARLY;COUNT=3") == ["2026-01-01", "2027-01-01"]


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=WEEKLY",
        "DTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=SECONDLY",
        "DTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=YEARLY;BYSETPOS=1;BYDAY=MO",
        "DTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=YEARLY;INTERVAL=0",
        "DTSTART;VALUE=DATE:20260105\r\nDTEND;VALUE=DATE:99991231",
        "DTSTART;VALUE=DATE:00010101\r\nRRULE:FREQ=YEARLY",
        "DTSTART:nonsense",
        "SUMMARY:no day at all",
        "DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20250101T",
    ],
)
def test_an_event_that_cannot_be_read_is_counted_and_left_out(event: str) -> None:
    found = read_calendar(ics(event, "DTSTART;VALUE=DATE:20261225"), place=NEW_YORK, today=TODAY)
    assert ([each.day.isoformat() for each in found.entries], found.left_out) == (["2026-12-25"], 1)


def test_cancelled_events_and_years_that_are_over_give_nothing() -> None:
    assert days(
        "DTSTART;VALUE=DATE:20261225", "DTSTART;VALUE=DATE:20261226\r\nSTATUS:CANCELLED", "DTSTART;VALUE=DATE:20191225"
    ) == ["2026-12-25"]


def test_a_name_is_one_line_without_hidden_characters() -> None:
    event = "DTSTART;VALUE=DATE:20261225\r\nSUMMARY:Day\\nBcc: x@example.org \u202e off" + "x" * 500
    (entry,) = read_calendar(ics(event), place=NEW_YORK, today=TODAY).entries
    assert entry.name.isprintable()
    assert len(entry.name) <= 120


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a calendar file"),
        (b"\xff\xfe\x00\x00", "not a calendar file"),
        (b"PK\x03\x04" + b"\x00" * 500, "not a calendar file"),
        (b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 500, "not a calendar file|no day"),
        (b"x" * 1_000_001, "larger than 1 MB"),
        (b"BEGIN:VEVENT\n" * 10_001, "more than 10,000 events"),
        (b"begin:a\n" * 20_001, "more than 10,000 events"),
        (ics("DTSTART;VALUE=DATE:20191225"), "no day from this year on"),
        (ics("DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20991231"), "No event of the file could be read"),
        (
            ics(*["DTSTART;VALUE=DATE:20260101\r\nDTEND;VALUE=DATE:20270101\r\nRRULE:FREQ=YEARLY"] * 30),
            "more than 3,000",
        ),
    ],
)
def test_what_is_no_usable_calendar_is_refused_in_one_sentence(data: bytes, words: str) -> None:
    with pytest.raises(CalendarError, match=words) as refusal:
        read_calendar(data, place=NEW_YORK, today=TODAY)
    assert str(refusal.value).count(".") - str(refusal.value).count(".ics") == 1


def test_a_span_of_days_is_each_of_its_days() -> None:
    found = span(date(2026, 12, 24), date(2026, 12, 26), " Company\r\nholiday ")
    assert [each.day.day for each in found] == [24, 25, 26]
    assert {each.name for each in found} == {"Company holiday"}
    for first, last, name in [
        (TODAY, date(2026, 11, 23), "x"),
        (TODAY, date(2028, 1, 1), "x"),
        (TODAY, None, " \u200b "),
    ]:
        with pytest.raises(CalendarError):
            span(first, last, name)


# ---- holidays of countries


def test_the_holidays_of_a_region_have_english_names_where_there_are_some() -> None:
    found = {each.day: each.name for each in holidays_of("DE", "BY", [2026])}
    assert found[date(2026, 1, 6)] == "Epiphany"
    assert date(2026, 1, 6) not in {each.day for each in holidays_of("DE", "", [2026])}
    assert source_words("DE", "BY") == "Holidays of Germany, Bayern"


def test_countries_and_regions_are_lists_of_names() -> None:
    assert dict(countries())["US"] == "United States"
    assert dict(countries())["IM"] == "Isle of Man"
    assert dict(countries())["CD"] == "DR Congo"
    assert ("BY", "Bayern") in regions("DE")


@pytest.mark.parametrize(
    ("country", "region", "years"),
    [
        ("XX", "", [2026]),
        ("US", "Bavaria", [2026]),
        ("US", "", []),
        ("US", "", [1]),
        ("US", "", list(range(2026, 2040))),
    ],
)
def test_what_stands_in_no_list_is_refused(country: str, region: str, years: list[int]) -> None:
    with pytest.raises(CalendarError):
        holidays_of(country, region, years)
