"""What fell due in the period and what became of it: the organization's own dates, and those of Directive (EU)
2019/1937."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.counts import Counts, FellDue
from portal.exports.board_report.definitions import DEFINITIONS
from portal.exports.board_report.labels import PRIORITIES, priority_label
from portal.exports.board_report.measures import Measure
from portal.exports.board_report.sql import NOW


@dataclass(frozen=True)
class Due:
    """`met + late + outstanding == due`: done by the day, done later, and not done when the period ended."""

    label: str
    """A priority ("Critical"), "All", or the clock's name."""
    due: int
    met: int
    late: int
    outstanding: int
    rate: Measure
    """`met` of `due`."""


@dataclass(frozen=True)
class ServiceLevels:
    """By priority, Critical first, only those of which something fell due; `all` of them together."""

    rows: tuple[Due, ...]
    all: Due


@dataclass(frozen=True)
class Clocks:
    """None where the register holds no such date at all."""

    acknowledgement: Due | None
    """Within 7 days of the report."""
    feedback: Due | None
    """Within 3 months of the acknowledgement."""


def service_levels(counts: Counts) -> ServiceLevels:
    of = counts.deadlines.by_priority[NOW]
    rows = tuple(_due(priority_label(each), of[each]) for each in PRIORITIES if each in of)
    return ServiceLevels(rows, _due("All", sum(of.values(), FellDue())))


def clocks(counts: Counts) -> Clocks:
    found = counts.clocks
    return Clocks(
        _due(DEFINITIONS["acknowledged"].label, found.acknowledgement[NOW]) if found.acknowledgement else None,
        _due(DEFINITIONS["feedback"].label, found.feedback[NOW]) if found.feedback else None,
    )


def _due(label: str, of: FellDue) -> Due:
    return Due(label, of.due, of.met, of.late, of.outstanding, Measure.share(of.met, of.due))
