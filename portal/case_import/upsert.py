"""Rows into one table by (organization, source, source key): new ones inserted, changed ones updated, in bulk."""

from __future__ import annotations

import hashlib
import itertools
import secrets
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.case_import.convert import canonical

PARAMETERS_AT_ONCE = 500
T = TypeVar("T")


@dataclass(frozen=True)
class Target:
    """Whose register, from which source, when; `writes` is False for a dry run.

    `noted_at` is what the register notes as the moment of all that this import changes; see `load._recorded`.
    """

    organization_id: uuid.UUID
    source: str
    now: datetime
    noted_at: datetime
    writes: bool


@dataclass(frozen=True, slots=True)
class Known:
    id: uuid.UUID
    source_key: str
    source_hash: str | None
    parent_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row as it shall be; `columns` as the database takes them, without the identity."""

    source_key: str
    source_hash: str
    columns: dict[str, object]


_counter = itertools.count()


def new_id() -> uuid.UUID:
    """A version 7 id: later ones are greater, so that rows of one moment keep the order of their file."""
    moment = time.time_ns() // 1_000_000
    counted = next(_counter) & 0x3FFFFFFFFFF
    bits = (moment & 0xFFFFFFFFFFFF) << 80 | 7 << 76 | (counted >> 30) << 64 | 2 << 62
    return uuid.UUID(int=bits | (counted & 0x3FFFFFFF) << 32 | secrets.randbits(32))


def hash_of(values: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, PARAMETERS_AT_ONCE)):
        yield chunk


def known_by_key(session: Session, table: sa.Table, target: Target, keys: Iterable[str]) -> dict[str, Known]:
    """What the register holds of those keys."""
    return {row.source_key: row for row in _known(session, table, target, table.c.source_key, keys, None)}


def known_by_parent(
    session: Session, table: sa.Table, target: Target, parent: sa.Column[uuid.UUID], ids: Iterable[uuid.UUID]
) -> dict[str, Known]:
    """What the register holds under those parents from this source."""
    return {row.source_key: row for row in _known(session, table, target, parent, ids, parent)}


def _known(
    session: Session,
    table: sa.Table,
    target: Target,
    column: sa.Column[object] | sa.Column[str] | sa.Column[uuid.UUID],
    values: Iterable[object],
    parent: sa.Column[uuid.UUID] | None,
) -> Iterator[Known]:
    chosen = [table.c.id, table.c.source_key, table.c.source_hash] + ([parent] if parent is not None else [])
    for chunk in chunks(values):
        query = sa.select(*chosen).where(
            table.c.organization_id == target.organization_id,
            table.c.source == target.source,
            table.c.source_key.is_not(None),
            column.in_(chunk),
        )
        yield from (Known(*row) for row in session.execute(query))


def insert(session: Session, table: sa.Table, target: Target, rows: Sequence[tuple[uuid.UUID, Wanted]]) -> None:
    if not target.writes:
        return
    origin = {"organization_id": target.organization_id, "source": target.source}
    for group in _of_like_columns(rows):
        session.connection().execute(
            sa.insert(table),
            [
                {**row.columns, **origin, "id": row_id, "source_key": row.source_key, "source_hash": row.source_hash}
                for row_id, row in group
            ],
        )


def update(session: Session, table: sa.Table, target: Target, rows: Sequence[tuple[uuid.UUID, Wanted]]) -> None:
    """Columns that the mapping does not fill stay as they are."""
    if not target.writes:
        return
    for group in _of_like_columns(rows):
        names = [*group[0][1].columns, "source_key", "source_hash"]
        statement = (
            sa.update(table)
            .where(table.c.id == sa.bindparam("row_id"), table.c.organization_id == target.organization_id)
            .values({name: sa.bindparam(f"new_{name}") for name in names})
        )
        session.connection().execute(
            statement,
            [
                {
                    "row_id": row_id,
                    "new_source_key": row.source_key,
                    "new_source_hash": row.source_hash,
                    **{f"new_{name}": value for name, value in row.columns.items()},
                }
                for row_id, row in group
            ],
        )


def _of_like_columns(rows: Sequence[tuple[uuid.UUID, Wanted]]) -> Iterable[list[tuple[uuid.UUID, Wanted]]]:
    """One statement takes rows that fill the same columns; sections of one entity may fill different ones."""
    groups: dict[tuple[str, ...], list[tuple[uuid.UUID, Wanted]]] = {}
    for each in rows:
        groups.setdefault(tuple(each[1].columns), []).append(each)
    return groups.values()
