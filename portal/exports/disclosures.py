"""The rows of disclosures: which there are, how many, and their cells, a page at a time.

The period counts by when a disclosure was submitted. A disclosure of a case is in the export where its case is; one
without a case is, unless the export asks for certain cases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.exports.overflow import compact
from portal.exports.register_columns import FORM_DATA
from portal.exports.row_values import dashed
from portal.exports.scope import Scope
from portal.exports.scope_words import asks_for_cases
from portal.exports.tag_cells import TagCells
from portal.exports.writers import Page
from portal.models import Case, Disclosure

if TYPE_CHECKING:
    from portal.exports.request import ExportRequest


def count(connection: Connection, request: ExportRequest, scope: Scope) -> int:
    """How many rows there will be."""
    return connection.scalar(_chosen(sa.select(sa.func.count()), request, scope)) or 0


def pages(
    connection: Connection, request: ExportRequest, keys: Sequence[str], scope: Scope, tagged: TagCells, size: int
) -> Iterator[Page]:
    """Pages of at most `size` rows of the columns `keys`, by submitted_at, then id."""
    cast = "::text" if connection.dialect.name == "postgresql" else ""
    # the id comes first, for the tagged fields
    made = ["disclosure_id", *(key for key in keys if key in _SOURCES and key != "disclosure_id"), *tagged.keys]
    own = made[: len(made) - len(tagged.keys)]
    # columns without a type: SQLAlchemy hands on what the driver gives, which is text
    read: list[Any] = [sa.literal_column(_SOURCES[key].format(cast)) for key in own]
    statement = _chosen(sa.select(*read), request, scope).order_by(Disclosure.submitted_at, Disclosure.id)
    finish = [_FINISHED.get(key) for key in own]
    places = [made.index(key) for key in keys]
    found = connection.execution_options(stream_results=True).execute(statement)
    while rows := found.fetchmany(size):
        columns: list[Sequence[Any]] = [
            values if make is None else list(map(make, values))
            for make, values in zip(finish, zip(*rows, strict=True), strict=True)
        ]
        if tagged.keys:
            columns += zip(*tagged.of(columns[0]), strict=True)
        yield list(zip(*(columns[place] for place in places), strict=True))


_SOURCES = {
    "disclosure_id": "disclosures.id{}",
    "case_number": "cases.case_number",
    "kind": "disclosures.kind",
    "template": "disclosures.template",
    "submitted_at": "disclosures.submitted_at{}",
    FORM_DATA.key: "disclosures.form_data{}",
}


def _form(text: str | None) -> str | None:
    """Keys in one order, since one of the databases does not keep theirs."""
    if text is None:
        return None
    try:
        return compact(json.loads(text))
    except (ValueError, RecursionError):
        # a number of thousands of digits, or nested without end: as the database writes it
        return text


_FINISHED = {"disclosure_id": dashed, FORM_DATA.key: _form}


def _chosen(statement: sa.Select[Any], request: ExportRequest, scope: Scope) -> sa.Select[Any]:
    of_case = sa.and_(Case.organization_id == Disclosure.organization_id, Case.id == Disclosure.case_id)
    conditions: list[sa.ColumnElement[bool]] = [Disclosure.organization_id == request.organization_id]
    if request.start is not None:
        conditions.append(Disclosure.submitted_at >= request.start)
    conditions.append(Disclosure.submitted_at < request.end)
    in_scope = sa.and_(*scope.conditions)
    asked = [filters for filters in (scope.filters, scope.own_filters) if filters is not None]
    if not any(map(asks_for_cases, asked)):
        in_scope = sa.or_(Disclosure.case_id.is_(None), in_scope)
    return statement.select_from(Disclosure).outerjoin(Case, of_case).where(*conditions, in_scope)
