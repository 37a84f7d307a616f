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
_LONG_AGO = datetime(1902, 1, 1, tzinfo=UTC)
_CLOCK_MARGIN = timedelta(days=400)
"""How much longer before the period a report is taken to be on the clock of its own zone's time."""


@dataclass
class DirectiveClocks:
    """By span; None where the register holds no such date."""

    acknowledgement: dict[int, FellDue] | None = None
    feedback: dict[int, FellDue] | None = None


def directive_clocks(asked: Asked) -> DirectiveClocks:
    """What had to be acknowledged, or fed back on, by a day of the period (which has passed when the period ends)."""
    since = asked.since_before
    local = asked.local_days((since or _LONG_AGO) - _CLOCK_MARGIN)
    found = DirectiveClocks()
    if _is_kept(asked, Case.acknowledged_at):
        reported = _reported(asked, _earlier(since, ACKNOWLEDGE_DAYS + 2), Case.acknowledged_at)
        by = local.of(reported.c.received) + ACKNOWLEDGE_DAYS
        found.acknowledgement = _clock(asked, sa.select(by.label("by"), _done(asked, local, reported.c.done)))
    if _is_kept(asked, Case.feedback_at):
        months_ago = _earlier(since, 31 * FEEDBACK_MONTHS + ACKNOWLEDGE_DAYS + 2)
        acknowledged = sa.select(
            local.months_later(local.of(Case.acknowledged_at), FEEDBACK_MONTHS).label("by"),
            _done(asked, local, Case.feedback_at),
        ).where(*asked.conditions, *within(Case.acknowledged_at, months_ago, asked.end))
        never = _reported(asked, months_ago, Case.feedback_at, Case.acknowledged_at.is_(None))
        late = local.months_later(local.of(never.c.received) + ACKNOWLEDGE_DAYS, FEEDBACK_MONTHS)
        silent = sa.select(late.label("by"), _done(asked, local, never.c.done))
        found.feedback = _clock(asked, sa.union_all(acknowledged, silent))
    return found


def _is_kept(asked: Asked, column: Any) -> bool:
    """Whether any case has that date."""
    kept = sa.exists().where(*asked.conditions, column.is_not(None), Case.created_at < asked.end)
    return bool(asked.connection.scalar(sa.select(kept)))


def _earlier(instant: datetime | None, days: int) -> datetime | None:
    return instant - timedelta(days=days) if instant else None


def _reported(asked: Asked, since: datetime | None, done_at: Any, *more: sa.ColumnElement[bool]) -> sa.CTE:
    """`received` of the earliest report, or when the case was opened where it has none, and `done`."""
    first = (
        sa.select(IntakeReport.case_id, sa.func.min(IntakeReport.received_at).label("received"))
        .where(IntakeReport.organization_id == asked.organization_id)
        .group_by(IntakeReport.case_id)
        .subquery()
    )
    any_report = sa.exists().where(
        IntakeReport.organization_id == Case.organization_id, IntakeReport.case_id == Case.id
    )
    with_report = (
        sa.select(first.c.received, done_at.label("done"))
        .join(Case, first.c.case_id == Case.id)
        .where(*asked.conditions, *more, *within(first.c.received, since, asked.end))
    )
    without = sa.select(Case.created_at.label("received"), done_at.label("done")).where(
        *asked.conditions, *more, *within(Case.created_at, since, asked.end), ~any_report
    )
    return made_once(sa.union_all(with_report, without), "reported")


def _done(asked: Asked, local: LocalDays, done_at: Any) -> sa.Label[Any]:
    """The local day on which it was done, if that was before the end of the period."""
    return sa.case((done_at < asked.end, local.of(done_at))).label("done")


def _clock(asked: Asked, facts: sa.Select[Any] | sa.CompoundSelect[Any]) -> dict[int, FellDue]:
    """By span, what became of what had to be `done` by a local day."""
    of = made_once(facts, "clock").c
    spans = [(sa.and_(*_passed_in(asked, of.by, span)), code) for code, span in asked.spans()]
    became = sa.case((of.done <= of.by, MET), (of.done.is_not(None), LATE), else_=OUTSTANDING)
    judged = made_once(sa.select(sa.case(*spans, else_=0).label("span"), became.label("became")), "judged").c
    statement = sa.select(judged.span, judged.became, sa.func.count()).group_by(judged.span, judged.became)
    found = {code: FellDue() for code, _ in asked.spans()}
    for code, became_of_it, count in asked.rows(statement.where(judged.span > 0)):
        setattr(found[code], became_of_it, count)
    return found


def _passed_in(asked: Asked, last_day: Any, span: Span) -> list[sa.ColumnElement[bool]]:
    """Whether the end of that local day lies in the span."""
    bounds = [last_day < asked.local_day_of(span.end)]
    return bounds if span.start is None else [*bounds, last_day >= asked.local_day_of(span.start)]
