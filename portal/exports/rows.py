"""The rows of an export, streamed from one read-only snapshot, so that an import in between cannot tear the file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from portal.exports import disclosures
from portal.exports.case_filters import CaseFilters
from portal.exports.catalogue import RowsAre, flat_file_columns, offer
from portal.exports.change_cells import ChangeCells
from portal.exports.columns import Column
from portal.exports.masked_rows import masked
from portal.exports.overflow import OverflowCells
from portal.exports.register_columns import CHANGE, MOST_INVESTIGATIONS, OVERFLOW
from portal.exports.register_names import load_business_units, load_categories, load_locations
from portal.exports.request import ExportRequest
from portal.exports.row_sources import Part, case_pages, id_text
from portal.exports.row_values import RowValues
from portal.exports.scope import Scope, scope_of
from portal.exports.snapshot import register_as_of, snapshot
from portal.exports.tag_cells import RowsOf, TagCells
from portal.exports.writers import Page, Value
from portal.models import Case, Investigation
from portal.plumbing.garbage import no_search_for_cycles
from portal.zones import zone

PAGE_SIZE = 2_000

_PARTS: Mapping[str, Part] = {
    "source_channel": Part.REPORTS,
    "is_anonymous": Part.REPORTS,
    "reporter_relationship": Part.REPORTS,
    "riu_count": Part.REPORTS,
    "has_remediation": Part.PLANS,
    "remediation_status": Part.PLANS,
    "investigation_count": Part.INVESTIGATIONS,
    "subject_count": Part.SUBJECTS,
    "attachment_count": Part.ATTACHMENTS,
}
_ROWS_OF = {
    RowsAre.CASES: RowsOf.CASES,
    RowsAre.INVESTIGATIONS: RowsOf.INVESTIGATIONS,
    RowsAre.DISCLOSURES: RowsOf.DISCLOSURES,
}
_INVESTIGATION_ID = 2
"""Where its id stands in a row of an investigation, after the case's id and number."""


@dataclass(frozen=True)
class RowStream:
    """An export's rows, to be read once and within `open_rows`."""

    columns: list[Column]
    filters: CaseFilters
    own_filters: CaseFilters | None
    expected: int
    """How many rows there are, counted in the snapshot they come from."""
    register_as_of: datetime | None
    """When the newest import that succeeded was finished."""
    pages: Iterator[Page]
    tagged: TagCells

    def notes(self) -> tuple[str, ...]:
        """One sentence for each column with values that did not fit its type; known once all pages are read."""
        return self.tagged.notes({column.key for column in self.columns})


@contextmanager
def open_rows(request: ExportRequest, page_size: int = PAGE_SIZE) -> Iterator[RowStream]:
    """The request's rows in the order of their type. The snapshot ends with the context.

    Raises CatalogueError, FilterError or ZoneError where the request cannot be had.
    """
    columns = request.columns()
    with snapshot() as connection, no_search_for_cycles():
        scope = scope_of(request, connection)
        masking = masked(request, columns, connection, scope)
        expected = _count(connection, request, scope)
        as_of = register_as_of(connection, request.organization_id)
        tagged = _tag_cells(connection, request, masking.read)
        # closed before the connection is: a page may still be on its way
        with closing(_pages(connection, request, masking.read, scope, tagged, page_size)) as pages:
            shown = map(masking.of, pages)
            yield RowStream(masking.written, scope.filters, scope.own_filters, expected, as_of, shown, tagged)


def count_rows(request: ExportRequest) -> int:
    """How many rows a file of the request has. Raises FilterError."""
    with snapshot() as connection:
        return _count(connection, request, scope_of(request, connection))


def _count(connection: Connection, request: ExportRequest, scope: Scope) -> int:
    """How many rows there will be."""
    rows_are = offer(request.export_type).rows_are
    if rows_are is RowsAre.DISCLOSURES:
        return disclosures.count(connection, request, scope)
    counted = sa.select(sa.func.count()).select_from(Case).where(*scope.conditions)
    if rows_are is RowsAre.INVESTIGATIONS:
        of_case = (Investigation.organization_id == Case.organization_id, Investigation.case_id == Case.id)
        counted = counted.join(Investigation, sa.and_(*of_case))
    return connection.scalar(counted) or 0


def _pages(
    connection: Connection,
    request: ExportRequest,
    columns: Sequence[Column],
    scope: Scope,
    tagged: TagCells,
    size: int,
) -> Generator[Page, None, None]:
    keys = [column.key for column in columns]
    match offer(request.export_type).rows_are:
        case RowsAre.CASES:
            yield from _case_pages(connection, request, keys, scope.conditions, tagged, size)
        case RowsAre.INVESTIGATIONS:
            yield from _investigation_pages(connection, request, keys, scope.conditions, tagged, size)
        case RowsAre.DISCLOSURES:
            yield from disclosures.pages(connection, request, keys, scope, tagged, size)


def _case_pages(
    connection: Connection,
    request: ExportRequest,
    keys: Sequence[str],
    conditions: list[sa.ColumnElement[bool]],
    tagged: TagCells,
    size: int,
) -> Generator[Page, None, None]:
    investigations = _investigations(keys)
    overflow = tuple(column.key for column in OVERFLOW if column.key in keys)
    values = _row_values(connection, request, investigations)
    made = [column.key for column in flat_file_columns(investigations, overflow=False)] + [*tagged.keys, *overflow]
    made += [CHANGE.key] if request.only_changes else []
    pick = _picker([made.index(key) for key in keys], len(made))
    more = OverflowCells(connection, request.organization_id, zone(request.zone), overflow)
    changes = ChangeCells(connection, request.organization_id, request.changes_since)
    for cases in case_pages(connection, request.organization_id, conditions, _parts(keys), size):
        rows = values.rows(cases)
        ids = [str(row[0]) for row in rows] if tagged.keys or overflow or request.only_changes else []
        if tagged.keys:
            rows = _side_by_side(rows, tagged.of(ids))
        if overflow:
            rows = _side_by_side(rows, more.of(ids))
        if request.only_changes:
            rows = _side_by_side(rows, changes.of(ids))
        yield pick(rows)


def _investigation_pages(
    connection: Connection,
    request: ExportRequest,
    keys: Sequence[str],
    conditions: list[sa.ColumnElement[bool]],
    tagged: TagCells,
    size: int,
) -> Generator[Page, None, None]:
    """As many rows a page as its cases have investigations; a page without any is left out."""
    made = [column.key for column in offer(request.export_type).choosable()] + list(tagged.keys)
    made += [CHANGE.key] if request.only_changes else []
    changes = ChangeCells(connection, request.organization_id, request.changes_since)
    pick = _picker([made.index(key) for key in keys], len(made))
    values = _row_values(connection, request, 0)
    parts = frozenset({Part.INVESTIGATIONS})
    for cases in case_pages(connection, request.organization_id, conditions, parts, size):
        if rows := values.investigation_rows(cases):
            if tagged.keys:
                rows = _side_by_side(rows, tagged.of([str(row[_INVESTIGATION_ID]) for row in rows]))
            if request.only_changes:
                rows = _side_by_side(rows, changes.of([str(row[0]) for row in rows]))
            yield pick(rows)


def _tag_cells(connection: Connection, request: ExportRequest, columns: Sequence[Column]) -> TagCells:
    """Those of the request's tags that are among the columns."""
    keys = {column.key for column in columns}
    wanted = [tag for tag in request.tags_of_type() if tag.column_name in keys]
    return TagCells(connection, request.organization_id, wanted, _ROWS_OF[offer(request.export_type).rows_are])


def _side_by_side(rows: Sequence[tuple[Value, ...]], more: Sequence[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    return [(*row, *cells) for row, cells in zip(rows, more, strict=True)]


def _row_values(connection: Connection, request: ExportRequest, investigations: int) -> RowValues:
    return RowValues(
        zone=zone(request.zone),
        planned_for=request.planned_for,
        investigations=investigations,
        categories=load_categories(connection, request.organization_id),
        business_units=load_business_units(connection, request.organization_id),
        locations=load_locations(connection, request.organization_id),
        id_text=lambda ident: id_text(connection, ident),
    )


def _investigations(keys: Sequence[str]) -> int:
    """How many investigations a case the columns need."""
    numbers = range(MOST_INVESTIGATIONS, 0, -1)
    return next((number for number in numbers if any(key.startswith(f"inv_{number}_") for key in keys)), 0)


def _parts(keys: Sequence[str]) -> frozenset[Part]:
    parts = {_PARTS[key] for key in keys if key in _PARTS}
    return frozenset(parts | {Part.INVESTIGATIONS} if _investigations(keys) else parts)


def _picker(positions: list[int], width: int) -> Callable[[list[tuple[Value, ...]]], Page]:
    """Takes the chosen columns out of full rows; the rows themselves where that is all of them."""
    if positions == list(range(width)):
        return lambda rows: rows
    if len(positions) == 1:
        return lambda rows: [(row[positions[0]],) for row in rows]
    chosen: Any = itemgetter(*positions)
    return lambda rows: [chosen(row) for row in rows]
