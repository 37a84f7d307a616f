"""The clocks of Directive (EU) 2019/1937: a report is acknowledged within 7 days, with feedback within 3 months."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.counts.due import LATE, MET, OUTSTANDING, FellDue
from portal.exports.board_report.period import Span
from portal.exports.board_report.sql import LocalDays, made_once, within
from portal.models import Case, IntakeReport

ACKNOWLEDGE_DAYS = 7
FEEDBACK_MONTHS = 3
ACKNOWLEDGEMENT, FEEDBACK = "acknowledgement", "feedback"
Facts = sa.Select[Any] | sa.CompoundSelect[Any]
_LONG_AGO = datetime(1902, 1, 1, tzinfo=UTC)
_CLOCK_MARGIN = timedelta(days=400)
"""How much longer before the period a report is taken to be on the clock of its own zone's time."""


@dataclass
class DirectiveClocks:
    """By span; None where the register holds no such date."""

    acknowledgement: dict[int, FellDue] | None = None
    feedback: dict[int, FellDue] | None = None


def directive_clocks(asked: Asked, *, acknowledgements: bool, feedback: bool) -> DirectiveClocks:
    """What had to be acknowledged, or fed back on, by a day of the period (which has passed when the period ends)."""
    since = asked.since_before
    local = asked.local_days((since or _LONG_AGO) - _CLOCK_MARGIN)
    clocks = {
        **({ACKNOWLEDGEMENT: _acknowledgement(asked, local, since)} if acknowledgements else {}),
        **({FEEDBACK: _feedback(asked, local, since)} if feedback else {}),
    }
    found = {clock: {code: FellDue() for code, _ in asked.spans()} for clock in clocks}
    if clocks:
        statement = sa.union_all(*[_became(asked, clock, facts) for clock, facts in clocks.items()])
        for clock, code, became_of_it, count in asked.rows(statement):
            setattr(found[clock][code], became_of_it, count)
    return DirectiveClocks(found.get(ACKNOWLEDGEMENT), found.get(FEEDBACK))


def _acknowledgement(asked: Asked, local: LocalDays, since: datetime | None) -> Facts:
    """`by` and `done`: local days."""
    reported = _reported(asked, "acknowledged", _earlier(since, ACKNOWLEDGE_DAYS + 2), Case.acknowledged_at)
    by = local.of(reported.c.received) + ACKNOWLEDGE_DAYS
    return sa.select(by.label("by"), _done(asked, local, reported.c.done))


def _feedback(asked: Asked, local: LocalDays, since: datetime | None) -> Facts:
    months_ago = _earlier(since, 31 * FEEDBACK_MONTHS + ACKNOWLEDGE_DAYS + 2)
    acknowledged = sa.select(
        local.months_later(local.of(Case.acknowledged_at), FEEDBACK_MONTHS).label("by"),
        _done(asked, local, Case.feedback_at),
    ).where(*asked.conditions, *within(Case.acknowledged_at, months_ago, asked.end))
    never = _reported(asked, "never", months_ago, Case.feedback_at, Case.acknowledged_at.is_(None))
    late = local.months_later(local.of(never.c.received) + ACKNOWLEDGE_DAYS, FEEDBACK_MONTHS)
    return sa.union_all(acknowledged, sa.select(late.label("by"), _done(asked, local, never.c.done)))


def _earlier(instant: datetime | None, days: int) -> datetime | None:
    return instant - timedelta(days=days) if instant else None


def _reported(asked: Asked, name: str, since: datetime | None, done_at: Any, *more: sa.ColumnElement[bool]) -> sa.CTE:
    """`received` of the earliest report, or when the case was opened where it has none, and `done`."""
    first = (
        sa.select(IntakeReport.case_id, sa.func.min(IntakeReport.received_at).label("received"))
        .where(IntakeReport.organization_id == asked.organization_id)
        .group_by(IntakeReport.case_id)
        .having(*within(sa.func.min(IntakeReport.received_at), since, asked.end))
        .subquery()
    )
    any_report = sa.exists().where(
        IntakeReport.organization_id == Case.organization_id, IntakeReport.case_id == Case.id
    )
    with_report = (
        sa.select(first.c.received, done_at.label("done"))
        .join(Case, first.c.case_id == Case.id)
        .where(*asked.conditions, *more)
    )
    without = sa.select(Case.created_at.label("received"), done_at.label("done")).where(
        *asked.conditions, *more, *within(Case.created_at, since, asked.end), ~any_report
    )
    return made_once(sa.union_all(with_report, without), name)


def _done(asked: Asked, local: LocalDays, done_at: Any) -> sa.Label[Any]:
    """The local day on which it was done, if that was before the end of the period."""
    return sa.case((done_at < asked.end, local.of(done_at))).label("done")


def _became(asked: Asked, clock: str, facts: Facts) -> sa.Select[Any]:
    """(clock, span, what became of it, how many)."""
    of = made_once(facts, f"{clock}_days").c
    spans = [(sa.and_(*_passed_in(asked, of.by, span)), code) for code, span in asked.spans()]
    became = sa.case((of.done <= of.by, MET), (of.done.is_not(None), LATE), else_=OUTSTANDING)
    columns = (sa.case(*spans, else_=0).label("span"), became.label("became"))
    judged = made_once(sa.select(*columns), f"{clock}_judged").c
    counted = sa.select(sa.literal(clock).label("clock"), judged.span, judged.became, sa.func.count().label("number"))
    return counted.where(judged.span > 0).group_by(judged.span, judged.became)


def _passed_in(asked: Asked, last_day: Any, span: Span) -> list[sa.ColumnElement[bool]]:
    """Whether the end of that local day lies in the span."""
    bounds = [last_day < asked.local_day_of(span.end)]
    return bounds if span.start is None else [*bounds, last_day >= asked.local_day_of(span.start)]
