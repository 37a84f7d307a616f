"""The overflow columns: everything that hangs on a case, as compact JSON in one cell each.

Keys are sorted, since one of the databases does not keep their order. Instants are in the schedule's zone.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import InstrumentedAttribute

from portal.models import Case, Disclosure, Interview, Investigation, Subject

ByCase = Mapping[uuid.UUID, Any]


class OverflowCells:
    """The cells of the overflow columns `keys`, by the ids of a page's cases."""

    def __init__(self, connection: Connection, organization_id: uuid.UUID, zone: ZoneInfo, keys: Sequence[str]) -> None:
        self._connection = connection
        self._organization_id = organization_id
        self._zone = zone
        self._readers = [_READERS[key] for key in keys]

    def of(self, case_ids: Sequence[str]) -> list[tuple[str | None, ...]]:
        """One tuple a case, in the order of `case_ids`; None where there is nothing."""
        ids = [uuid.UUID(each) for each in case_ids]
        columns = [read(self, ids) for read in self._readers]
        return [tuple(compact(column.get(each)) for column in columns) for each in ids]

    def custom_fields(self, ids: list[uuid.UUID]) -> ByCase:
        statement = sa.select(Case.id, Case.custom_fields)
        return {row[0]: row[1] for row in self._of_cases(statement, Case, Case.id, ids)}

    def investigations(self, ids: list[uuid.UUID]) -> ByCase:
        columns = _columns(
            Investigation,
            "id", "type", "status", "outcome", "started_at", "completed_at", "investigator_name",
            "investigator_email", "finding_summary", "custom_fields",
        )  # fmt: skip
        statement = sa.select(Investigation.case_id, *columns).order_by(*_in_order())
        return self._lists(self._of_cases(statement, Investigation, Investigation.case_id, ids))

    def interviews(self, ids: list[uuid.UUID]) -> ByCase:
        columns = _columns(Interview, "investigation_id", "template", "held_at", "interviewee", "responses")
        statement = (
            sa.select(Investigation.case_id, *columns)
            .join(
                Interview,
                sa.and_(
                    Interview.organization_id == Investigation.organization_id,
                    Interview.investigation_id == Investigation.id,
                ),
            )
            .order_by(*_in_order(), Interview.held_at.is_(None), Interview.held_at, Interview.id)
        )
        return self._lists(self._of_cases(statement, Investigation, Investigation.case_id, ids))

    def disclosures(self, ids: list[uuid.UUID]) -> ByCase:
        columns = _columns(Disclosure, "id", "template", "kind", "submitted_at", "form_data")
        statement = sa.select(Disclosure.case_id, *columns).order_by(Disclosure.submitted_at, Disclosure.id)
        return self._lists(self._of_cases(statement, Disclosure, Disclosure.case_id, ids))

    def subjects(self, ids: list[uuid.UUID]) -> ByCase:
        columns = _columns(Subject, "name", "email", "role", "relationship", "custom_fields")
        statement = sa.select(Subject.case_id, *columns).order_by(Subject.name.is_(None), Subject.name, Subject.id)
        return self._lists(self._of_cases(statement, Subject, Subject.case_id, ids))

    def _of_cases(self, statement: sa.Select[Any], table: Any, case_id: Any, ids: list[uuid.UUID]) -> Any:
        return self._connection.execute(
            statement.where(table.organization_id == self._organization_id, case_id.in_(ids))
        )

    def _lists(self, rows: Any) -> ByCase:
        """Per case one object for each row, of what is not empty."""
        names = list(rows.keys())[1:]
        found: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            named = zip(names, row[1:], strict=True)
            found[row[0]].append({name: self._plain(value) for name, value in named if value not in (None, {})})
        return found

    def _plain(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(self._zone).isoformat(timespec="seconds")
        return str(value) if isinstance(value, uuid.UUID) else value


_READERS: Mapping[str, Callable[[OverflowCells, list[uuid.UUID]], ByCase]] = {
    "all_custom_fields": OverflowCells.custom_fields,
    "all_investigations": OverflowCells.investigations,
    "all_interview_responses": OverflowCells.interviews,
    "all_disclosures": OverflowCells.disclosures,
    "all_subjects": OverflowCells.subjects,
}


def _columns(table: Any, *names: str) -> list[InstrumentedAttribute[Any]]:
    return [getattr(table, name) for name in names]


def _in_order() -> tuple[Any, ...]:
    """Oldest investigation first, those without a start last."""
    return Investigation.started_at.is_(None), Investigation.started_at, Investigation.id


def compact(value: Any) -> str | None:
    """As every JSON cell is written; None where there is nothing."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if value else None
