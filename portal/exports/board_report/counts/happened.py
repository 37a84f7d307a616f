"""Reports received and investigations completed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.sql import within
from portal.models import Case, IntakeReport, Investigation


@dataclass
class Happened:
    """Reports received, or investigations completed."""

    number: Counter[int] = field(default_factory=Counter)
    months: Counter[int] = field(default_factory=Counter)


def reports_received(asked: Asked) -> Happened:
    return _happened(asked, IntakeReport, IntakeReport.received_at)


def investigations_completed(asked: Asked) -> Happened:
    return _happened(asked, Investigation, Investigation.completed_at)


def _happened(asked: Asked, table: Any, instant: Any) -> Happened:
    span, month = asked.span_of(instant).label("span"), asked.month_of(instant).label("month")
    facts = (
        sa.select(span, month)
        .join(Case, sa.and_(table.organization_id == Case.organization_id, table.case_id == Case.id))
        .where(
            table.organization_id == asked.organization_id,
            *asked.conditions,
            *within(instant, asked.since, asked.end),
        )
        .subquery()
    )
    statement = sa.select(facts.c.span, facts.c.month, sa.func.count()).group_by(facts.c.span, facts.c.month)
    found = Happened()
    for code, number, count in asked.rows(statement):
        found.number[code] += count
        found.months[number] += count
    return found
