"""What fell due by the organization's own dates, and whether it was done by then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.sql import within
from portal.models import Case, CaseStatus


@dataclass
class FellDue:
    """`met`, `late` and `outstanding` of what fell due; nothing else may be read from it."""

    met: int = 0
    late: int = 0
    outstanding: int = 0

    @property
    def due(self) -> int:
        return self.met + self.late + self.outstanding

    def __add__(self, other: FellDue) -> FellDue:
        return FellDue(self.met + other.met, self.late + other.late, self.outstanding + other.outstanding)


MET, LATE, OUTSTANDING = "met", "late", "outstanding"


@dataclass
class Deadlines:
    by_priority: dict[int, dict[str | None, FellDue]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(FellDue))
    )
    """By span, by priority."""
    months: dict[int, FellDue] = field(default_factory=lambda: defaultdict(FellDue))


def deadlines(asked: Asked) -> Deadlines:
    """Cases whose due date lies in the period. Those closed on an unknown date are left out."""
    done = sa.and_(Case.status == CaseStatus.CLOSED, Case.closed_at < asked.end)
    became = sa.case((sa.and_(done, Case.closed_at <= Case.due_at), MET), (done, LATE), else_=OUTSTANDING)
    facts = (
        sa.select(
            asked.span_of(Case.due_at).label("span"),
            asked.month_of(Case.due_at).label("month"),
            Case.priority,
            became.label("became"),
        )
        .where(
            *asked.conditions,
            *within(Case.due_at, asked.since, asked.end),
            sa.or_(Case.status != CaseStatus.CLOSED, Case.closed_at.is_not(None)),
        )
        .subquery()
    )
    of = facts.c
    statement = sa.select(of.span, of.month, of.priority, of.became, sa.func.count()).group_by(
        of.span, of.month, of.priority, of.became
    )
    found = Deadlines()
    for span, month, priority, became_of_it, count in asked.rows(statement):
        for each in (found.by_priority[span][priority], found.months[month]):
            setattr(each, became_of_it, getattr(each, became_of_it) + count)
    return found
