"""What fell due in the period and what became of it: the organization's own dates, and those of Directive (EU)
2019/1937."""

from __future__ import annotations

from dataclasses import dataclass

from portal.exports.board_report.measures import Measure


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
