"""Cases opened: how many, by month, and by what they are divided by."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.sql import NOW, made_once, within
from portal.exports.case_filters import earliest
from portal.models import Case, CaseStatus, IntakeReport

Key = uuid.UUID | str | None


@dataclass
class Group:
    """Cases opened with one value: how many in the period, how many of them anonymous, how many in the one before."""

    now: int = 0
    anonymous: int = 0
    before: int = 0

    def add(self, other: Group) -> None:
        self.now += other.now
        self.anonymous += other.anonymous
        self.before += other.before


@dataclass
class Opened:
    """Of the cases opened. `anonymous` and `known`: those whose earliest report is, or says whether it is."""

    number: Counter[int] = field(default_factory=Counter)
    anonymous: Counter[int] = field(default_factory=Counter)
    known: Counter[int] = field(default_factory=Counter)
    months: Counter[int] = field(default_factory=Counter)
    lasting: Counter[int] = field(default_factory=Counter)
    """By month, of those that were open at some time: without those closed on an unknown or impossible date."""
    groups: dict[str, dict[Key, Group]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Group)))
    """By category, business_unit, location, channel, priority."""


def opened(asked: Asked) -> Opened:
    span, month = asked.span_of(Case.created_at), asked.month_of(Case.created_at)
    # asked only of cases of the two periods: each costs a look at another table
    in_period = asked.span_of(Case.created_at) > 0
    facts = made_once(
        sa.select(
            span.label("span"),
            month.label("month"),
            Case.category_id,
            Case.business_unit_id,
            Case.location_id,
            Case.priority,
            sa.case((in_period, earliest(IntakeReport.source_channel))).label("channel"),
            sa.case((in_period, earliest(IntakeReport.is_anonymous))).label("anonymous"),
            sa.case((_never_open(), 0), else_=1).label("lasting"),
        ).where(*asked.conditions, *within(Case.created_at, asked.since, asked.end)),
        "opened",
    )
    of = facts.c
    number = sa.func.count()
    anonymous = sa.func.sum(sa.case((of.anonymous.is_(sa.true()), 1), else_=0))
    in_month = _grouped("month", sa.cast(of.month, sa.String), sa.literal(0), number, sa.func.sum(of.lasting))
    parts = [
        in_month.group_by(of.month),
        _grouped("all", sa.null(), of.span, number, anonymous, sa.func.count(of.anonymous)).group_by(of.span),
    ]
    for name, column in (
        ("category", of.category_id),
        ("business_unit", of.business_unit_id),
        ("location", of.location_id),
        ("channel", of.channel),
        ("priority", of.priority),
    ):
        part = _grouped(name, sa.cast(column, sa.String), of.span, number, anonymous)
        parts.append(part.where(of.span > 0).group_by(column, of.span))
    found = Opened()
    for what, text, code, count, more, known in asked.rows(sa.union_all(*parts)):
        if what == "month":
            found.months[int(text)] = count
            found.lasting[int(text)] = more
        elif what == "all":
            found.number[code], found.anonymous[code], found.known[code] = count, more, known
        else:
            _add(found.groups[what][key_of(what, text)], code, count, more)
    return found


def cases_and_anonymous(asked: Asked) -> tuple[Counter[int], Counter[int]]:
    """(cases opened, anonymous ones of them) by span."""
    is_anonymous = sa.case((earliest(IntakeReport.is_anonymous).is_(sa.true()), 1), else_=0)
    facts = made_once(
        sa.select(asked.span_of(Case.created_at).label("span"), is_anonymous.label("anonymous")).where(
            *asked.conditions, *within(Case.created_at, asked.since_before, asked.end)
        ),
        "opened",
    )
    statement = sa.select(facts.c.span, sa.func.count(), sa.func.sum(facts.c.anonymous)).group_by(facts.c.span)
    rows = asked.rows(statement)
    return Counter({row[0]: row[1] for row in rows}), Counter({row[0]: row[2] for row in rows})


def _never_open() -> sa.ColumnElement[bool]:
    """Closed, nobody knows when, or before it was opened."""
    unknown = sa.or_(Case.closed_at.is_(None), Case.closed_at < Case.created_at)
    return sa.and_(Case.status == CaseStatus.CLOSED, unknown)


def _grouped(what: str, text: Any, span: Any, number: Any, more: Any, known: Any = None) -> sa.Select[Any]:
    return sa.select(
        sa.literal(what).label("what"),
        sa.cast(text, sa.String).label("text"),
        span.label("code"),
        number.label("number"),
        more.label("more"),
        (sa.literal(0) if known is None else known).label("known"),
    )


def _add(group: Group, code: int, count: int, anonymous: int) -> None:
    if code == NOW:
        group.now += count
        group.anonymous += anonymous
    else:
        group.before += count


def key_of(what: str, text: str | None) -> Key:
    return uuid.UUID(text) if text is not None and what not in ("channel", "priority") else text
