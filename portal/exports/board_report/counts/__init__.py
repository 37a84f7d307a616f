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
from portal.exports.board_report.counts.closed import Closed, closed
from portal.exports.board_report.counts.due import Deadlines, FellDue, deadlines
from portal.exports.board_report.counts.happened import Happened, happened
from portal.exports.board_report.counts.opened import Group, Key, Opened, cases_and_anonymous, opened
from portal.exports.board_report.counts.particulars import Particulars, particulars
from portal.exports.board_report.counts.still_open import StillOpen, still_open
from portal.exports.board_report.small_counts import SMALLEST, may_show


@dataclass(frozen=True)
class Counts:
    """All that was counted. By span means by `sql.NOW`, the period, and `sql.BEFORE`, the one before it."""

    has_before: bool
    opened: Opened
    closed: Closed
    particulars: Particulars
    still_open: StillOpen
    deadlines: Deadlines
    reports: Happened
    investigations: Happened
    clocks: DirectiveClocks
    anonymous_shown: Mapping[int, bool]
    """By span, whether the number of anonymous cases may be shown."""


def count(asked: Asked, band_starts: Sequence[datetime]) -> Counts:
    """`band_starts`: see `still_open`."""
    of_opened, of_all, (reports, investigations) = opened(asked), particulars(asked), happened(asked)
    return Counts(
        has_before=asked.period.before is not None,
        opened=of_opened,
        closed=closed(asked, of_all.oldest),
        particulars=of_all,
        still_open=still_open(asked, band_starts),
        deadlines=deadlines(asked),
        reports=reports,
        investigations=investigations,
        clocks=directive_clocks(asked, acknowledgements=of_all.has_acknowledgements, feedback=of_all.has_feedback),
        anonymous_shown=_anonymous_shown(asked, of_opened),
    )


def _anonymous_shown(asked: Asked, inside: Opened) -> dict[int, bool]:
    """Small numbers are those of the whole organization and of a month at least: filters and days break them down."""
    found = {code: inside.anonymous[code] >= SMALLEST or not span.is_short for code, span in asked.spans()}
    if not asked.filters:
        return found
    cases, anonymous = cases_and_anonymous(replace(asked, filters=[]))
    return {
        code: shown and may_show((inside.number[code], inside.anonymous[code]), (cases[code], anonymous[code]))
        for code, shown in found.items()
    }


__all__ = ["Asked", "Closed", "Counts", "FellDue", "Group", "Key", "Opened", "StillOpen", "count"]
