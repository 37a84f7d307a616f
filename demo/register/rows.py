"""The rows of one batch, by table, and their ids."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import (
    Attachment,
    Base,
    Case,
    CaseRestriction,
    Disclosure,
    IntakeReport,
    Interview,
    Investigation,
    RemediationPlan,
    Subject,
)

SOURCE = "generated"
Row = dict[str, Any]

# what is referred to comes before what refers to it
TABLES: tuple[type[Base], ...] = (
    Case, IntakeReport, Subject, CaseRestriction, Investigation, Interview, Disclosure, RemediationPlan, Attachment,
)  # fmt: skip


class Batch:
    """Rows waiting to be written. Ids come from the seed and the organization, so two registers never share one."""

    def __init__(self, organization_id: uuid.UUID, seed: int) -> None:
        self.organization_id = organization_id
        self.rows: dict[type[Base], list[Row]] = {table: [] for table in TABLES}
        self.written: dict[str, int] = {table.__tablename__: 0 for table in TABLES}
        self._ids = Random(f"{seed} {organization_id}")

    def id(self) -> uuid.UUID:
        return uuid.UUID(int=self._ids.getrandbits(128), version=4)

    def sourced(self, key: str) -> Row:
        """The columns every row of a register has."""
        return {
            "id": self.id(),
            "organization_id": self.organization_id,
            "source": SOURCE,
            "source_key": key,
            "source_hash": f"{self._ids.getrandbits(256):064x}",
        }

    def add(self, table: type[Base], key: str, **values: Any) -> uuid.UUID:
        """Put a row down and give its id. `key` is unique among the table's rows of this register."""
        row = self.sourced(key)
        row.update(values)
        self.rows[table].append(row)
        row_id: uuid.UUID = row["id"]
        return row_id

    def write(self, session: Session) -> None:
        for table in TABLES:
            if self.rows[table]:
                session.execute(sa.insert(cast("sa.Table", table.__table__)), self.rows[table])
                self.written[table.__tablename__] += len(self.rows[table])
        for rows in self.rows.values():
            rows.clear()
