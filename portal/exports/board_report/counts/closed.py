"""Cases closed: how many, how long they took, with what outcome."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.counts.opened import Key, key_of
from portal.exports.board_report.sql import NOW, made_once, within
from portal.models import Case, CaseStatus


@dataclass
class Closed:
    """Of the cases closed."""

    months: Counter[int] = field(default_factory=Counter)
    lasting: Counter[int] = field(default_factory=Counter)
    """By month, without those closed before they were opened."""
    days: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """By span: local days from opened to closed, and how many took so long."""
    days_by_month: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes: dict[int, Counter[str | None]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes_by_month: dict[int, Counter[str | None]] = field(default_factory=lambda: defaultdict(Counter))
    outcomes_by_unit: dict[Key, Counter[str | None]] = field(default_factory=lambda: defaultdict(Counter))
    """Of the period."""


def closed(asked: Asked, first_opened: datetime | None) -> Closed:
    """`first_opened`: no case was opened before."""
    local = asked.local_days(min(each for each in (first_opened, asked.since, asked.end) if each is not None))
    days = local.of(Case.closed_at) - local.of(Case.created_at)
    facts = made_once(
        sa.select(
            asked.span_of(Case.closed_at).label("span"),
            asked.month_of(Case.closed_at).label("month"),
            sa.case((Case.closed_at >= Case.created_at, days)).label("days"),
            Case.outcome,
            Case.business_unit_id,
        ).where(
            *asked.conditions,
            Case.status == CaseStatus.CLOSED,
            *within(Case.closed_at, asked.since, asked.end),
        ),
        "closed",
    )
    of, number = facts.c, sa.func.count()
    unit, outcome = sa.cast(of.business_unit_id, sa.String), sa.cast(of.outcome, sa.String)
    parts = [
        _row("days", sa.null(), sa.null(), of.span, of.month, of.days, number).group_by(of.span, of.month, of.days),
        _row("outcome", sa.null(), outcome, of.span, of.month, sa.null(), number).group_by(
            of.span, of.month, of.outcome
        ),
        _row("unit", unit, outcome, of.span, sa.null(), sa.null(), number)
        .where(of.span == NOW)
        .group_by(of.business_unit_id, of.outcome, of.span),
    ]
    found = Closed()
    for what, key, word, span, month, spent, count in asked.rows(sa.union_all(*parts)):
        if what == "days":
            found.months[month] += count
            if spent is not None:
                found.lasting[month] += count
                found.days[span][spent] += count
                found.days_by_month[month][spent] += count
        elif what == "outcome":
            found.outcomes[span][word] += count
            found.outcomes_by_month[month][word] += count
        else:
            found.outcomes_by_unit[key_of("business_unit", key)][word] += count
    return found


def _row(what: str, key: Any, word: Any, span: Any, month: Any, days: Any, number: Any) -> sa.Select[Any]:
    return sa.select(
        sa.literal(what).label("what"),
        sa.cast(key, sa.String).label("key"),
        sa.cast(word, sa.String).label("word"),
        span.label("code"),
        sa.cast(month, sa.Integer).label("number_of_month"),
        sa.cast(days, sa.Integer).label("spent"),
        number.label("number"),
    )
