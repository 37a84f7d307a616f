"""Where rows come from: the cases that meet some conditions and all that hangs on them, a page at a time, in the flat
file's order.

Two sources, one contract (`CaseParts`). SQLite runs inside this process, so what hangs on a page's cases is asked for
by their ids, one query a table. PostgreSQL runs in another: one query does it all there while we write here.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from enum import Enum, auto
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.exports.row_values import CaseParts
from portal.models import Case, IntakeReport, RemediationPlan

if TYPE_CHECKING:
    import psycopg  # weighs 6 MB; SQLAlchemy loads it where it is used

Conditions = Sequence[sa.ColumnElement[bool]]


class Part(Enum):
    """What hangs on a case; what no column needs is not read."""

    REPORTS = auto()
    PLANS = auto()
    SUBJECTS = auto()
    ATTACHMENTS = auto()
    INVESTIGATIONS = auto()


def id_text(connection: Connection, ident: uuid.UUID) -> str:
    """An id as the sources below give it."""
    return ident.hex if connection.dialect.name == "sqlite" else str(ident)


def case_pages(
    connection: Connection, organization_id: uuid.UUID, conditions: Conditions, parts: frozenset[Part], size: int
) -> Iterator[Sequence[CaseParts]]:
    """Pages of at most `size` cases, ordered by created_at, then case_number; what is not in `parts` is empty or 0."""
    if connection.dialect.name == "sqlite":
        return _sqlite_pages(connection, organization_id, conditions, parts, size)
    return _postgres_pages(connection, conditions, parts, size)


_CASE_COLUMNS = (
    "id", "case_number", "status", "priority", "created_at", "closed_at", "due_at", "category_id", "assignee_name",
    "assignee_email", "business_unit_id", "location_id", "outcome", "outcome_reason",
)  # fmt: skip
_CAST = {"id", "created_at", "closed_at", "due_at", "category_id", "business_unit_id", "location_id"}
_NO_REPORT = (None, None, None)
_NO_PLAN = (False, None)


def _sqlite_pages(
    connection: Connection, organization_id: uuid.UUID, conditions: Conditions, parts: frozenset[Part], size: int
) -> Iterator[Sequence[CaseParts]]:
    """One cursor over the cases, kept open, and one query a page and table on the raw connection beside it."""
    # columns without a type: SQLAlchemy hands on what the driver gives
    columns: list[Any] = [sa.literal_column(f"cases.{name}") for name in _CASE_COLUMNS]
    statement = sa.select(*columns).select_from(Case).where(*conditions).order_by(Case.created_at, Case.case_number)
    # the driver's own cursor: a row object for each case would cost more than reading it
    cursor = cast("sqlite3.Cursor", connection.execute(statement).cursor)
    hanging = _SqliteParts(cursor.connection, organization_id, parts)
    while cases := cursor.fetchmany(size):
        ids = json.dumps(sorted([case[0] for case in cases]))
        (reports, report_counts), plans = hanging.reports(ids), hanging.plans(ids)
        subjects, attachments = hanging.count(Part.SUBJECTS, ids), hanging.count(Part.ATTACHMENTS, ids)
        investigations = hanging.investigations(ids)
        yield [
            (
                *case,
                *reports.get(case[0], _NO_REPORT),
                report_counts.get(case[0], 0),
                *plans.get(case[0], _NO_PLAN),
                subjects.get(case[0], 0),
                attachments.get(case[0], 0),
                investigations.get(case[0], ()),
            )
            for case in cases
        ]


class _SqliteParts:
    """What hangs on the cases of a page, by the cases' ids."""

    def __init__(self, raw: sqlite3.Connection, organization_id: uuid.UUID, parts: frozenset[Part]) -> None:
        self._raw = raw
        self._organization_id = organization_id.hex
        self._parts = parts

    def _rows(self, part: Part, columns: str, table: str, ids: str, order: str = "") -> Sequence[tuple[Any, ...]]:
        if part not in self._parts:
            return ()
        # a list joined in, in the order of the index, is read faster than one behind IN
        statement = f"""SELECT {columns} FROM json_each(?) AS page
            CROSS JOIN {table} ON {table}.organization_id = ? AND {table}.case_id = page.value {order}"""  # noqa: S608
        return self._raw.execute(statement, (ids, self._organization_id)).fetchall()

    def reports(self, ids: str) -> tuple[dict[str, tuple[Any, ...]], Counter[str]]:
        """Channel, anonymous and relationship of the earliest report, and the numbers of them."""
        columns = "case_id, source_channel, is_anonymous, reporter_relationship"
        order = "ORDER BY received_at DESC, intake_reports.id DESC"
        rows = self._rows(Part.REPORTS, columns, "intake_reports", ids, order)
        return {row[0]: row[1:] for row in rows}, Counter(map(itemgetter(0), rows))

    def plans(self, ids: str) -> dict[str, tuple[Any, ...]]:
        """True and the status of the newest plan."""
        order = "ORDER BY created_at, remediation_plans.id"
        rows = self._rows(Part.PLANS, "case_id, status", "remediation_plans", ids, order)
        return {case_id: (True, status) for case_id, status in rows}

    def count(self, part: Part, ids: str) -> Counter[str]:
        """Counted here, which is faster than GROUP BY there."""
        table = {Part.SUBJECTS: "subjects", Part.ATTACHMENTS: "attachments"}[part]
        return Counter(map(itemgetter(0), self._rows(part, "case_id", table, ids)))

    def investigations(self, ids: str) -> dict[str, list[Any]]:
        columns = """case_id, investigations.id, investigations.type, status, outcome, started_at, completed_at,
            investigator_name,
            (SELECT count(*) FROM interviews WHERE interviews.organization_id = investigations.organization_id
                AND interviews.investigation_id = investigations.id),
            finding_summary"""
        order = "ORDER BY started_at IS NULL, started_at, investigations.id"
        found: dict[str, list[Any]] = defaultdict(list)
        for investigation in self._rows(Part.INVESTIGATIONS, columns, "investigations", ids, order):
            found[investigation[0]].append(investigation[1:])
        return found


def _postgres_pages(
    connection: Connection, conditions: Conditions, parts: frozenset[Part], size: int
) -> Iterator[Sequence[CaseParts]]:
    """One query with a server-side cursor, whose next page the server makes while we work on this one."""
    statement = _postgres_statement(parts).where(*conditions).order_by(Case.created_at, Case.case_number)
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    # the driver's own cursor: SQLAlchemy's takes the first row for itself
    cursor = cast("psycopg.Connection", connection.connection.driver_connection).cursor(name="duepost_rows")
    cursor.execute(str(compiled), compiled.params)
    # closed once nobody fetches: another file of the same snapshot opens one of that name
    with closing(cursor), ThreadPoolExecutor(max_workers=1) as ahead:
        coming = ahead.submit(cursor.fetchmany, size)
        while page := coming.result():
            coming = ahead.submit(cursor.fetchmany, size)
            yield page


_OF_CASE = "organization_id = cases.organization_id AND case_id = cases.id"
_POSTGRES_INVESTIGATIONS = f"""ARRAY(
    SELECT ARRAY[id::text, type, status, outcome, started_at::text, completed_at::text, investigator_name,
        (SELECT count(*)::text FROM interviews
            WHERE interviews.organization_id = investigations.organization_id AND investigation_id = investigations.id),
        finding_summary]
    FROM investigations WHERE {_OF_CASE} ORDER BY started_at NULLS LAST, id)"""  # noqa: S608  # a text of ours


def _postgres_statement(parts: frozenset[Part]) -> Any:
    """`CaseParts` in their order."""
    report = _one_of(IntakeReport, IntakeReport.received_at, IntakeReport.id)
    plan = _one_of(RemediationPlan, RemediationPlan.created_at.desc(), RemediationPlan.id.desc())
    tables: Any = Case.__table__
    of_report: list[Any] = [sa.null(), sa.null(), sa.null()]
    of_plan: list[Any] = [sa.false(), sa.null()]
    if Part.REPORTS in parts:
        tables = tables.outerjoin(report, sa.true())
        of_report = [report.c.source_channel, report.c.is_anonymous, report.c.reporter_relationship]
    if Part.PLANS in parts:
        tables = tables.outerjoin(plan, sa.true())
        of_plan = [plan.c.id.is_not(None), plan.c.status]
    investigations = _POSTGRES_INVESTIGATIONS if Part.INVESTIGATIONS in parts else "'{}'::text[]"
    return sa.select(
        *[sa.literal_column(f"cases.{name}::text" if name in _CAST else f"cases.{name}") for name in _CASE_COLUMNS],
        *of_report,
        _number("intake_reports", Part.REPORTS, parts),
        *of_plan,
        _number("subjects", Part.SUBJECTS, parts),
        _number("attachments", Part.ATTACHMENTS, parts),
        sa.literal_column(investigations),
    ).select_from(tables)


def _one_of(table: Any, *order: Any) -> Any:
    """A case's first row of that table in that order."""
    of_case = (table.organization_id == Case.organization_id, table.case_id == Case.id)
    return sa.select(table).where(*of_case).order_by(*order).limit(1).correlate(Case).lateral()


def _number(table: str, part: Part, parts: frozenset[Part]) -> sa.ColumnElement[Any]:
    counted = f"(SELECT count(*) FROM {table} WHERE {_OF_CASE})"  # noqa: S608  # names of ours
    return sa.literal_column(counted if part in parts else "0")
