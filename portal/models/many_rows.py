"""Many rows in one statement, alike on both databases.

PostgreSQL gets all rows as one JSON parameter and takes them apart itself. A parameter for each value would be parsed
by the driver's Python one by one, and a statement for each row would cross to the server and back: each takes longer
than all the rest of the work. SQLite has no server to cross to; its driver runs the same statement for each row.
"""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.models.base import Base

_OLD = "old_"
Names = tuple[str, ...]


def insert_rows(
    db: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    once_by: str | None = None,
    returning: str | None = None,
) -> list[Any]:
    """Insert rows that all hold the same columns, every one without a default of the database's own among them.

    A row whose `once_by` is in the table already is left out; gives the column `returning` of those inserted.
    """
    if not rows:
        return []
    postgres = _is_postgres(db)
    statement = _insert(postgres, _table(model), tuple(rows[0]), once_by, returning)
    result = db.execute(statement, _given(rows) if postgres else list(rows))
    return list(result.scalars()) if returning else []


def compare_and_set(
    db: Session, model: type[Base], changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
) -> int:
    """For each (columns as they were read, columns as they are to be): set them where they still are as read.

    All changes name the same columns, none of those read being NULL. Says how many rows were as they had been read.
    """
    if not changes:
        return 0
    was, new = changes[0]
    rows = [{f"{_OLD}{name}": value for name, value in old.items()} | dict(values) for old, values in changes]
    postgres = _is_postgres(db)
    statement = _update(postgres, _table(model), tuple(was), tuple(new))
    # on the connection: the ORM would take these rows for objects to be updated by their primary keys
    return int(db.connection().execute(statement, _given(rows) if postgres else rows).rowcount)


# Built once for each table and choice of columns: to build one takes as long as to run it.
@functools.cache
def _insert(postgres: bool, table: sa.Table, names: Names, once_by: str | None, returning: str | None) -> sa.Insert:
    statement: Any = postgresql.insert(table) if postgres else sqlite.insert(table)
    if postgres:
        given = _recordset({name: table.c[name] for name in names})
        statement = statement.from_select(names, sa.select(*given.c), include_defaults=False)
    if once_by:
        statement = statement.on_conflict_do_nothing(index_elements=[table.c[once_by]])
    return cast("sa.Insert", statement.returning(table.c[returning]) if returning else statement)


@functools.cache
def _update(postgres: bool, table: sa.Table, was: Names, new: Names) -> sa.Update:
    if not postgres:
        values = {name: sa.bindparam(name, type_=table.c[name].type) for name in new}
        return sa.update(table).where(*(table.c[name] == sa.bindparam(_OLD + name) for name in was)).values(values)
    given = _recordset({_OLD + name: table.c[name] for name in was} | {name: table.c[name] for name in new})
    return (
        sa.update(table)
        .where(*(table.c[name] == given.c[_OLD + name] for name in was))
        .values({name: given.c[name] for name in new})
    )


def _recordset(columns: Mapping[str, sa.Column[Any]]) -> sa.TableValuedAlias:
    text = sa.cast(sa.bindparam("rows", type_=sa.Text), postgresql.JSONB)
    typed = [sa.column(name, column.type) for name, column in columns.items()]
    return sa.func.jsonb_to_recordset(text).table_valued(*typed).render_derived(name="given", with_types=True)


def _given(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {"rows": _TO_JSON.encode(rows)}


def _as_json(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone was given to the database")
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")


_TO_JSON = json.JSONEncoder(default=_as_json, separators=(",", ":"))


def _is_postgres(db: Session) -> bool:
    return db.get_bind().dialect.name == "postgresql"


def _table(model: type[Base]) -> sa.Table:
    return cast("sa.Table", model.__table__)
