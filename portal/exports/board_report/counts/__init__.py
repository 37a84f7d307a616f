"""What the report's figures are computed from: grouped counts of one snapshot, made in SQL. No case is loaded.

Each question goes by an index where there is one, groups in the database, and answers with as many rows as there are
groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.counts.clocks import DirectiveClocks, directive_clocks
from portal.exports.board_report.counts.closed import Closed, closed, closed_without_a_date
from portal.exports.board_report.counts.due import Deadlines, FellDue, deadlines
from portal.exports.board_report.counts.happened import Happened, investigations_completed, reports_received
from portal.exports.board_report.counts.opened import Group, Key, Opened, cases_and_anonymous, opened
from portal.exports.board_report.counts.still_open import StillOpen, number_open, still_open
from portal.exports.board_report.small_counts import may_show
from portal.exports.scope import Conditions


@dataclass(frozen=True)
class Counts:
    """All that was counted. By span means by `sql.NOW`, the period, and `sql.BEFORE`, the one before it."""

    has_before: bool
    opened: Opened
    closed: Closed
    closed_without_a_date: int
    still_open: StillOpen
    open_before: int
    """How many cases were open at the end of the period before."""
    deadlines: Deadlines
    reports: Happened
    investigations: Happened
    clocks: DirectiveClocks
    anonymous_shown: Mapping[int, bool]
    """By span, whether the number of anonymous cases may be shown."""


def count(asked: Asked, band_starts: Sequence[datetime], unfiltered: Conditions | None) -> Counts:
    """`unfiltered`: the conditions without the report's filters, where it has any."""
    before, of_opened = asked.period.before, opened(asked)
    return Counts(
        has_before=before is not None,
        opened=of_opened,
        closed=closed(asked),
        closed_without_a_date=closed_without_a_date(asked),
        still_open=still_open(asked, band_starts),
        open_before=number_open(asked, before.end) if before else 0,
        deadlines=deadlines(asked),
        reports=reports_received(asked),
        investigations=investigations_completed(asked),
        clocks=directive_clocks(asked),
        anonymous_shown=_anonymous_shown(asked, of_opened, unfiltered),
    )


def _anonymous_shown(asked: Asked, inside: Opened, unfiltered: Conditions | None) -> dict[int, bool]:
    spans = [span for span, _ in asked.spans()]
    if unfiltered is None:
        return dict.fromkeys(spans, True)
    cases, anonymous = cases_and_anonymous(replace(asked, conditions=unfiltered))
    return {
        span: may_show((inside.number[span], inside.anonymous[span]), (cases[span], anonymous[span])) for span in spans
    }


__all__ = ["Asked", "Closed", "Counts", "FellDue", "Group", "Key", "Opened", "StillOpen", "count"]
