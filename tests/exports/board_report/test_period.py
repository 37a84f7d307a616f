"""The period before, the twelve months back, and what periods are called."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portal.exports.board_report.period import report_period
from portal.exports.periods import parse_period, resolve
from portal.zones import zone

NEW_YORK = zone("America/New_York")
PLANNED = datetime(2026, 11, 25, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "label", "before", "phrase"),
    [
        ("2026-10", "October 2026", "September 2026", "in October 2026"),
        ("2026-Q1", "Q1 2026", "Q4 2025", "in Q1 2026"),
        ("2025", "2025", "2024", "in 2025"),
        ("2026-03-01..2026-04-30", "1 March 2026 to 30 April 2026", "1 January 2026 to 28 February 2026", None),
        ("2026-03-07..2026-03-09", "7 March 2026 to 9 March 2026", "4 March 2026 to 6 March 2026", None),
        ("2026-03-08..2026-03-08", "8 March 2026", "7 March 2026", "on 8 March 2026"),
        ("2030", "2030", "2029", "in 2030"),
        ("all", "up to 25 November 2026", None, "up to 25 November 2026"),
        ("2026", "1 January 2026 to 25 November 2026", "6 February 2025 to 31 December 2025", None),
    ],
)
def test_the_period_before_is_of_the_same_kind(period: str, label: str, before: str | None, phrase: str | None) -> None:
    """C11: a month has the month before, other days as many, a period that is not over what there is of it."""
    resolved = resolve(parse_period(period), PLANNED, NEW_YORK)
    found = report_period(resolved.start, resolved.end, PLANNED, NEW_YORK)
    assert (found.label, found.before_label) == (label, before)
    assert found.phrase == (phrase or f"from {label}")
    assert found.before is None or found.before.end == found.now.start


def test_twelve_months_end_with_the_one_in_which_the_period_ends() -> None:
    """C11: over both changes of the clocks; the last is cut off and says so."""
    found = report_period(None, PLANNED, PLANNED, NEW_YORK)
    assert [each.label for each in found.months][::11] == ["Dec 2025", "Nov 2026"]
    assert [each.complete for each in found.months] == [True] * 11 + [False]
    assert found.months[-1].span.end == PLANNED
    starts = [each.span.start for each in found.months if each.span.start]
    assert [each.hour for each in starts] == [5, 5, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4]
    assert all(one.span.end == two.span.start for one, two in zip(found.months, found.months[1:], strict=False))
