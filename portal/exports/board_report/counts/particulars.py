"""What is asked once of the whole register, in one question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.counts.asked import Asked
from portal.exports.board_report.counts.still_open import number_open
from portal.models import Case, CaseStatus


@dataclass(frozen=True)
class Particulars:
    oldest: datetime | None
    """When the organization's first case was opened."""
    closed_without_a_date: int
    """Cases opened before the end of the period that are closed, nobody knows since when."""
    open_before: int
    """How many cases were open at the end of the period before."""
    has_acknowledgements: bool
    has_feedback: bool
    """Whether any case has such a date at all."""


def particulars(asked: Asked) -> Particulars:
    before = asked.period.before
    in_scope = (*asked.conditions, Case.created_at < asked.end)
    undated = sa.select(sa.func.count()).where(*in_scope, Case.status == CaseStatus.CLOSED, Case.closed_at.is_(None))
    first = sa.select(sa.func.min(Case.created_at)).where(Case.organization_id == asked.organization_id)

    def any_with(column: Any) -> sa.ColumnElement[bool]:
        return sa.exists().where(*in_scope, column.is_not(None))

    row = asked.rows(
        sa.select(
            first.scalar_subquery(),
            undated.scalar_subquery(),
            number_open(asked, before.end).scalar_subquery() if before else sa.literal(0),
            any_with(Case.acknowledged_at),
            any_with(Case.feedback_at),
        )
    )[0]
    return Particulars(row[0], row[1], int(row[2] or 0), bool(row[3]), bool(row[4]))
