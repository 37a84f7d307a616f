"""The values of tagged columns, a page of rows at a time: one query for each source, by the ids of the page.

All are asked on the connection that the rows come from, and so see the same snapshot.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Connection

from portal.exports.tag_rules import UNFIT, is_nothing
from portal.exports.tagged_fields import Tag, parsed, value_at
from portal.exports.writers import Value
from portal.models import Case, Disclosure, IntakeReport, Interview, Investigation, TagSource


class RowsOf(Enum):
    """What the rows of an export stand for, and so whose values they show."""

    CASES = auto()
    INVESTIGATIONS = auto()
    DISCLOSURES = auto()


@dataclass(frozen=True)
class TagTable:
    """Where a source's values stand, and in which order the oldest row comes first."""

    table: Any
    document: Any
    template: Any
    order: str
    """Such that no index gives it: a database that takes one for its order reads all of the organization's rows."""


TABLES: Mapping[TagSource, TagTable] = {
    TagSource.CASE: TagTable(Case, Case.custom_fields, None, "cases.id"),
    TagSource.INTAKE: TagTable(
        IntakeReport, IntakeReport.details, None, "intake_reports.received_at, intake_reports.id"
    ),
    TagSource.INVESTIGATION: TagTable(
        Investigation,
        Investigation.custom_fields,
        None,
        "investigations.started_at IS NULL, investigations.started_at, investigations.id",
    ),
    TagSource.INTERVIEW: TagTable(
        Interview,
        Interview.responses,
        Interview.template,
        "interviews.held_at IS NULL, interviews.held_at, interviews.id",
    ),
    TagSource.DISCLOSURE: TagTable(
        Disclosure,
        Disclosure.form_data,
        Disclosure.template,
        "coalesce(disclosures.submitted_at, disclosures.submitted_at), disclosures.id",
    ),
}
OF_INVESTIGATION = sa.and_(
    Interview.organization_id == Investigation.organization_id, Interview.investigation_id == Investigation.id
)
_OWNERS: Mapping[tuple[RowsOf, TagSource], Any] = {
    (RowsOf.CASES, TagSource.CASE): Case.id,
    (RowsOf.CASES, TagSource.INTAKE): IntakeReport.case_id,
    (RowsOf.CASES, TagSource.INVESTIGATION): Investigation.case_id,
    (RowsOf.CASES, TagSource.INTERVIEW): Investigation.case_id,
    (RowsOf.CASES, TagSource.DISCLOSURE): Disclosure.case_id,
    (RowsOf.INVESTIGATIONS, TagSource.INVESTIGATION): Investigation.id,
    (RowsOf.INVESTIGATIONS, TagSource.INTERVIEW): Interview.investigation_id,
    (RowsOf.DISCLOSURES, TagSource.DISCLOSURE): Disclosure.id,
}


def json_at(document: Any, keys: Sequence[str]) -> sa.ColumnElement[Any]:
    """On PostgreSQL, the jsonb that stands there in a document."""
    path = sa.cast(sa.literal(list(keys), ARRAY(sa.Text)), ARRAY(sa.Text))
    found: sa.ColumnElement[Any] = document.op("#>", return_type=JSONB())(path)
    return found


@dataclass(frozen=True, slots=True)
class _Column:
    slot: int
    template: str | None
    keys: tuple[str, ...]
    read: Callable[[Any], Any]


class TagCells:
    """The cells of some tags, `keys` their columns; counts the values left empty because they do not fit the type."""

    def __init__(
        self,
        connection: Connection,
        organization_id: uuid.UUID,
        tags: Sequence[Tag],
        rows_of: RowsOf = RowsOf.CASES,
        read: Callable[[Any], Any] | None = None,
    ) -> None:
        """`read` makes the cell of a value as it stands in the form; that of the tag's rule unless told."""
        self.keys = tuple(tag.column_name for tag in tags)
        self._tags = tags
        self._unfit: Counter[int] = Counter()
        self._columns = [_Column(tag.slot, tag.template, tag.keys, read or tag.rule.read) for tag in tags]
        self._connection = connection
        self._on_sqlite = connection.dialect.name == "sqlite"
        by_source: dict[TagSource, list[int]] = defaultdict(list)
        for place, tag in enumerate(tags):
            by_source[tag.source].append(place)
        self._readers = [
            (self._statement(organization_id, source, rows_of, [tags[place] for place in places]), places)
            for source, places in by_source.items()
        ]

    def of(self, ids: Sequence[str]) -> list[tuple[Value, ...]]:
        """One tuple a row, in the order of `ids`, which are UUIDs with dashes."""
        keys: Sequence[str] = [each.replace("-", "") for each in ids] if self._on_sqlite else ids
        # a list given as one value: thousands of parameters would cost more than the query
        given: Any = json.dumps(keys) if self._on_sqlite else [uuid.UUID(each) for each in ids]
        cells: list[dict[str, Value]] = [{} for _ in self._columns]
        for statement, places in self._readers:
            columns = [(self._columns[place], cells[place]) for place in places]
            for ident, template, *texts in self._connection.execute(statement, {"ids": given}):
                self._take(ident, template, texts, columns)
        return [tuple(column.get(key) for column in cells) for key in keys]

    def notes(self, keys: Collection[str]) -> tuple[str, ...]:
        """What was left empty so far in these columns, a sentence for each."""
        unfit = ((tag, self._unfit[tag.slot]) for tag in self._tags if tag.column_name in keys)
        return tuple(tag.left_empty(count) for tag, count in unfit if count)

    def _take(
        self,
        ident: str,
        template: str | None,
        texts: Sequence[str | None],
        columns: Sequence[tuple[_Column, dict[str, Value]]],
    ) -> None:
        """Keeps the row's values where no older row gave one. On SQLite one text holds the values of all tags."""
        document = parsed(texts[0]) if self._on_sqlite else None
        for number, (column, cells) in enumerate(columns):
            if ident in cells or (column.template is not None and template != column.template):
                continue
            raw = value_at(document, column.keys) if self._on_sqlite else parsed(texts[number])
            if not is_nothing(raw):
                value = column.read(raw)
                if value is UNFIT:
                    self._unfit[column.slot] += 1
                cells[ident] = None if value is UNFIT else value

    def _statement(
        self, organization_id: uuid.UUID, source: TagSource, rows_of: RowsOf, tags: Sequence[Tag]
    ) -> sa.Executable:
        """Per row the id that it belongs to, its template, and the JSON text of its document or of each tag's value."""
        where, owner = TABLES[source], _OWNERS[rows_of, source]
        if self._on_sqlite:
            return _sqlite_statement(where, owner).bindparams(organization_id=organization_id.hex)
        texts = [sa.cast(json_at(where.document, tag.keys), sa.String) for tag in tags]
        template = sa.null() if where.template is None else where.template
        statement = sa.select(sa.cast(owner, sa.String), template, *texts).select_from(where.table)
        if owner.class_ is not where.table:
            statement = statement.join(owner.class_, OF_INVESTIGATION)
        in_page = owner == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid)))
        return statement.where(owner.class_.organization_id == organization_id, in_page).order_by(sa.text(where.order))


def _sqlite_statement(where: TagTable, owner: Any) -> sa.TextClause:
    """The page's ids come first: left to itself SQLite begins with all rows of the organization."""
    table, own = where.table.__tablename__, owner.class_.__tablename__
    template = "NULL" if where.template is None else f"{table}.{where.template.key}"
    tables = f"""json_each(:ids) AS page
        CROSS JOIN {own} ON {own}.organization_id = :organization_id AND {own}.{owner.key} = page.value"""
    if own != table:
        tables += f"""
        CROSS JOIN {table} ON {table}.organization_id = :organization_id AND {table}.investigation_id = {own}.id"""
    return sa.text(
        f"SELECT {own}.{owner.key}, {template}, {table}.{where.document.key} FROM {tables} ORDER BY {where.order}"  # noqa: S608
    )
