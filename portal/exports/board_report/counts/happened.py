"""Reports received and investigations completed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.sql import within
from portal.models import IntakeReport, Investigation


@dataclass
class Happened:
    """Reports received, or investigations completed."""

    number: Counter[int] = field(default_factory=Counter)
    months: Counter[int] = field(default_factory=Counter)


def happened(asked: Asked) -> tuple[Happened, Happened]:
    """Reports received, investigations completed."""
    reports, investigations = Happened(), Happened()
    statement = sa.union_all(
        _of(asked, "reports", IntakeReport, IntakeReport.received_at),
        _of(asked, "investigations", Investigation, Investigation.completed_at),
    )
    for what, code, month, count in asked.rows(statement):
        found = reports if what == "reports" else investigations
        found.number[code] += count
        found.months[month] += count
    return reports, investigations


def _of(asked: Asked, what: str, table: Any, instant: Any) -> sa.Select[Any]:
    span, month = asked.span_of(instant).label("span"), asked.month_of(instant).label("month")
    happened_then = within(instant, asked.since, asked.end)
    facts = sa.select(span, month).where(*asked.hanging(table), *happened_then).subquery()
    counted = sa.select(sa.literal(what).label("what"), facts.c.span, facts.c.month, sa.func.count().label("number"))
    return counted.group_by(facts.c.span, facts.c.month)
