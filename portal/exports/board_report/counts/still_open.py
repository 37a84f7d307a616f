"""Cases open at a moment, and how old and how late they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.models import Case, CaseStatus

_OPEN = [each for each in CaseStatus if each is not CaseStatus.CLOSED]


@dataclass
class StillOpen:
    """Of the cases open at the end of the period."""

    bands: dict[str | None, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """By priority: band of age (0 to 3) and how many."""
    overdue: Counter[str | None] = field(default_factory=Counter)
    """By priority: past their due date at the end."""
    earliest_due: dict[str | None, datetime] = field(default_factory=dict)
    """By priority, of those overdue."""
    oldest: datetime | None = None

    @property
    def number(self) -> int:
        return sum(counts.total() for counts in self.bands.values())


def still_open(asked: Asked, band_starts: Sequence[datetime]) -> StillOpen:
    """`band_starts`: from when on a case is in the first band, the second, the third."""
    band = sa.case(*[(Case.created_at >= start, number) for number, start in enumerate(band_starts)], else_=3)
    late = Case.due_at < asked.end
    facts = sa.union_all(
        *[
            sa.select(
                band.label("band"),
                Case.priority.label("priority"),
                Case.created_at.label("created_at"),
                sa.case((late, Case.due_at)).label("due_at"),
            ).where(*asked.conditions, *part)
            for part in _open_at(asked.end)
        ]
    ).subquery()
    of = facts.c
    statement = sa.select(
        of.priority,
        of.band,
        sa.func.count(),
        sa.func.min(of.created_at),
        sa.func.count(of.due_at),
        sa.func.min(of.due_at),
    ).group_by(of.priority, of.band)
    found = StillOpen()
    for priority, number, count, oldest, overdue, due in asked.rows(statement.group_by(of.priority, of.band)):
        found.bands[priority][number] += count
        found.oldest = min(found.oldest or oldest, oldest)
        if overdue:
            found.overdue[priority] += overdue
            found.earliest_due[priority] = min(found.earliest_due.get(priority, due), due)
    return found


def number_open(asked: Asked, at: datetime) -> sa.Select[Any]:
    """How many cases were open at that moment."""
    number = sa.select(sa.func.count().label("number")).select_from(Case)
    counted = sa.union_all(*[number.where(*asked.conditions, *part) for part in _open_at(at)]).subquery()
    return sa.select(sa.func.sum(counted.c.number))


def _open_at(moment: datetime) -> list[list[sa.ColumnElement[bool]]]:
    """Cases open at that moment, as two sets that share none: each has an index of its own."""
    opened_before = Case.created_at < moment
    return [
        [Case.status.in_(_OPEN), opened_before],
        [Case.status == CaseStatus.CLOSED, Case.closed_at >= moment, opened_before],
    ]
