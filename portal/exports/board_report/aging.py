"""How long the cases that are open at the end of the period have been open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from portal.exports.board_report.counts import Counts, StillOpen
from portal.exports.board_report.labels import PRIORITIES, priority_label
from portal.exports.board_report.measures import Measure
from portal.exports.board_report.period import ReportPeriod, midnight

LIMITS = (30, 60, 90)
"""The last day of each band but the last."""


@dataclass(frozen=True)
class AgeBand:
    label: str
    """ "0–30 days", "31–60 days", "61–90 days", "Over 90 days"."""
    count: int
    share: Measure
    """Of all open cases."""
    by_priority: tuple[tuple[str, int], ...]
    """(label, cases), Critical first, "Not recorded" last; the same labels in every band."""


@dataclass(frozen=True)
class Aging:
    """Four bands, the youngest first, of `total` open cases."""

    bands: tuple[AgeBand, ...]
    total: int
    oldest_days: int | None
    """Since the oldest of them was opened; None where nothing is open."""


def band_starts(period: ReportPeriod) -> list[datetime]:
    """From when on a case is in the first band, the second, the third."""
    return [midnight(period.last_day - timedelta(days=days), period.zone) for days in LIMITS]


def aging(counts: Counts, period: ReportPeriod) -> Aging:
    still_open = counts.still_open
    oldest = None
    if still_open.oldest is not None:
        oldest = (period.last_day - still_open.oldest.astimezone(period.zone).date()).days
    return Aging(tuple(_band(still_open, band) for band in range(len(LIMITS) + 1)), still_open.number, oldest)


def _band(still_open: StillOpen, band: int) -> AgeBand:
    count = sum(bands[band] for bands in still_open.bands.values())
    return AgeBand(
        _LABELS[band],
        count,
        Measure.share(count, still_open.number),
        tuple((priority_label(each), still_open.bands[each][band]) for each in PRIORITIES),
    )


_LABELS = (
    f"0–{LIMITS[0]} days",
    *(f"{after + 1}–{until} days" for after, until in pairwise(LIMITS)),
    f"Over {LIMITS[-1]} days",
)
