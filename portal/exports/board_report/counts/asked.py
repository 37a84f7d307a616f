"""What is counted: which cases, when, and where they are read."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.exports.board_report.period import Month, ReportPeriod, Span
from portal.exports.board_report.sql import BEFORE, NOW, LocalDays, month_code, span_code
from portal.exports.scope import Conditions
from portal.models import Case


@dataclass(frozen=True)
class Asked:
    """What is counted, and where: conditions on cases (organization first), the period, the dialect."""

    connection: sa.Connection
    organization_id: uuid.UUID
    filters: Conditions
    """On cases, besides the organization; none for all of them."""
    withheld: Conditions
    """On cases: none that any of the readers is kept from."""
    period: ReportPeriod

    @property
    def conditions(self) -> Conditions:
        return [Case.organization_id == self.organization_id, *self.filters, *self.withheld]

    def hanging(self, table: Any) -> Conditions:
        """The conditions on a table whose rows hang on the cases."""
        of_organization = table.organization_id == self.organization_id
        if not self.filters and not self.withheld:
            return [of_organization]
        return [of_organization, table.case_id.in_(sa.select(Case.id).where(*self.conditions))]

    @property
    def end(self) -> datetime:
        return self.period.now.end

    @property
    def since(self) -> datetime | None:
        """Where the oldest of the period, the one before and the trend begins; None: with the first case."""
        now, before = self.period.now, self.period.before
        if now.start is None:
            return None
        starts = [now.start, self.period.months[0].span.start]
        return min(each for each in [*starts, before.start if before else None] if each is not None)

    @property
    def since_before(self) -> datetime | None:
        """Where the period before begins, or this one where there is none before."""
        return self.period.before.start if self.period.before else self.period.now.start

    @property
    def months(self) -> Sequence[Month]:
        return self.period.months

    def spans(self) -> list[tuple[int, Span]]:
        before = self.period.before
        return [(NOW, self.period.now)] + ([(BEFORE, before)] if before else [])

    def span_of(self, instant: Any) -> sa.ColumnElement[int]:
        return span_code(instant, self.period.now, self.period.before)

    def month_of(self, instant: Any) -> sa.ColumnElement[int]:
        return month_code(instant, self.months)

    def local_days(self, since: datetime) -> LocalDays:
        sqlite = self.connection.dialect.name == "sqlite"
        return LocalDays(self.period.zone, since, self.end, sqlite=sqlite)

    def local_day_of(self, instant: datetime) -> int:
        return instant.astimezone(self.period.zone).date().toordinal()

    def rows(self, statement: sa.Executable) -> Sequence[Any]:
        return self.connection.execute(statement).all()
