"""C5, B5: periods count from the planned moment, in whole local days, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.exports.periods import PERIOD_CHOICES, PeriodError, Resolved, parse_period, period_in_words, resolve
from portal.zones import zone, zone_choices

NEW_YORK = zone("America/New_York")
MONDAY = datetime(2026, 11, 2, 13, 0, tzinfo=UTC)  # 08:00 EST, the day after the clocks went back


def instants(text: str, planned_for: datetime = MONDAY, zone_name: str = "America/New_York") -> tuple[str, str]:
    found = resolve(parse_period(text), planned_for, zone(zone_name))
    assert found.start
    return f"{found.start:%Y-%m-%dT%H:%M}", f"{found.end:%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("last_7_days", "2026-10-26T04:00", "2026-11-02T05:00"),
        ("last_14_days", "2026-10-19T04:00", "2026-11-02T05:00"),
        ("previous_day", "2026-11-01T04:00", "2026-11-02T05:00"),
        ("previous_week", "2026-10-26T04:00", "2026-11-02T05:00"),
        ("previous_month", "2026-10-01T04:00", "2026-11-01T04:00"),
        ("previous_quarter", "2026-07-01T04:00", "2026-10-01T04:00"),
        ("previous_year", "2025-01-01T05:00", "2026-01-01T05:00"),
        ("month_to_date", "2026-11-01T04:00", "2026-11-02T13:00"),
        ("quarter_to_date", "2026-10-01T04:00", "2026-11-02T13:00"),
        ("year_to_date", "2026-01-01T05:00", "2026-11-02T13:00"),
        ("2022-01-01..2022-12-31", "2022-01-01T05:00", "2023-01-01T05:00"),
        ("2022", "2022-01-01T05:00", "2023-01-01T05:00"),
        ("2022-Q4", "2022-10-01T04:00", "2023-01-01T05:00"),
        ("2022-02", "2022-02-01T05:00", "2022-03-01T05:00"),
    ],
)
def test_a_period_is_half_open_from_local_midnight_to_local_midnight(text: str, start: str, end: str) -> None:
    assert instants(text) == (start, end)


def test_the_planned_local_date_counts_not_that_of_utc() -> None:
    evening = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)  # still Monday in New York
    assert instants("previous_day", evening) == ("2026-11-01T04:00", "2026-11-02T05:00")


def test_a_midnight_that_does_not_exist_moves_forward() -> None:
    """Beirut, 29 March 2026: 00:00 became 01:00."""
    assert instants("2026-03-29..2026-03-29", zone_name="Asia/Beirut") == ("2026-03-28T22:00", "2026-03-29T21:00")


def test_of_a_midnight_that_comes_twice_the_first_counts() -> None:
    """Havana, 3 November 2024: 01:00 became 00:00 again."""
    assert instants("2024-11-03..2024-11-03", zone_name="America/Havana") == ("2024-11-03T04:00", "2024-11-04T05:00")


def test_since_last_success_reaches_back_to_it_or_to_the_first_case() -> None:
    period = parse_period("since_last_success")
    ended = MONDAY - timedelta(days=7)
    assert resolve(period, MONDAY, NEW_YORK, ended) == Resolved(ended, MONDAY)
    assert resolve(period, MONDAY, NEW_YORK) == resolve(parse_period("all"), MONDAY, NEW_YORK) == Resolved(None, MONDAY)


@given(
    planned_for=st.datetimes(datetime(1970, 1, 2), datetime(2037, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis wants them bare
    zone_name=st.sampled_from(zone_choices()),
)
def test_whole_periods_follow_each_other_without_gap_or_overlap(planned_for: datetime, zone_name: str) -> None:
    """In every zone: yesterday ends where today begins, seven days are a week, no period ends after its moment."""
    place = zone(zone_name)
    for name in ("day", "week", "month", "quarter", "year"):
        found = resolve(parse_period(f"previous_{name}"), planned_for, place)
        assert found.start is not None
        before = resolve(parse_period(f"previous_{name}"), found.end - timedelta(microseconds=1), place)
        assert before.end == found.start < found.end <= planned_for + timedelta(days=1)
    week = [resolve(parse_period(f"last_{days}_days"), planned_for, place) for days in (1, 7)]
    assert week[0].end == week[1].end


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "last_0_days", "last_9999_days", "last_-1_days", "last_٣_days", "tomorrow", "2022-13", "2022-Q5",
        "1800", "2022-02-30..2022-03-01", "2022-03-01..2022-02-01", "..", "x" * 10_000, "a\nb", "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_period_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(PeriodError) as refused:
        parse_period(text)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("value", [value for value, _ in PERIOD_CHOICES])
def test_every_choice_of_the_form_can_be_used_and_said(value: str) -> None:
    words = period_in_words(resolve(parse_period(value), MONDAY, NEW_YORK), NEW_YORK)
    assert words.endswith("New York time")


def test_a_period_in_words_names_whole_days_by_their_dates() -> None:
    def said(text: str) -> str:
        return period_in_words(resolve(parse_period(text), MONDAY, NEW_YORK), NEW_YORK)

    assert said("previous_month") == "1 October 2026 to 31 October 2026, New York time"
    assert said("previous_day") == "1 November 2026, New York time"
    assert said("month_to_date") == "1 November 2026 to Mon 2 Nov 2026, 08:00 EST, New York time"
    assert said("all") == "everything up to Mon 2 Nov 2026, 08:00 EST, New York time"
    assert date(2026, 11, 2).weekday() == 0
