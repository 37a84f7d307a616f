"""The column that says of each case whether it is new or changed, a page at a time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.models import Case

NEW, CHANGED = "new", "changed"


class ChangeCells:
    """Cells by the ids of a page's cases: new is what the register first saw after `since`; without one, all is."""

    def __init__(self, connection: Connection, organization_id: uuid.UUID, since: datetime | None) -> None:
        self._connection = connection
        self._organization_id = organization_id
        self._since = since

    def of(self, case_ids: Sequence[str]) -> list[tuple[str]]:
        """One tuple a row, in the order of `case_ids`, which may repeat."""
        if self._since is None:
            return [(NEW,)] * len(case_ids)
        ids = {uuid.UUID(each) for each in case_ids}
        statement = sa.select(Case.id).where(
            Case.organization_id == self._organization_id, Case.id.in_(ids), Case.first_seen_at > self._since
        )
        new = {str(ident) for ident in self._connection.scalars(statement)}
        return [(NEW if each in new else CHANGED,) for each in case_ids]
