"""How long the cases that are open at the end of the period have been open."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.measures import Measure


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
