"""What all tables share: column types, the tenant's columns and keys, and the two kinds of database session."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from portal.extensions import Base, db
from portal.models.engine import WRITE


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A zone-aware UTC instant. SQLite keeps it as text `YYYY-MM-DD HH:MM:SS.ffffff`, PostgreSQL as timestamptz."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone was given to the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def words(enum: type[StrEnum], name: str) -> sa.Enum:
    """A column of one of the enum's values, kept as text with a CHECK, alike on both databases."""
    return sa.Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def new_id() -> Mapped[uuid.UUID]:
    return mapped_column(sa.Uuid, primary_key=True, default=uuid.uuid4)


class Tenant:
    """Id and organization, with the pair unique so that every reference can carry the organization too."""

    id: Mapped[uuid.UUID] = mapped_column(sa.Uuid, primary_key=True, default=uuid.uuid4)

    @declared_attr
    def organization_id(cls) -> Mapped[uuid.UUID]:  # noqa: N805
        return mapped_column(sa.Uuid, sa.ForeignKey("organizations.id"), nullable=False)


class Sourced:
    """Where an imported row came from: run again = update goes by (source, source_key); source_hash tells unchanged."""

    source: Mapped[str] = mapped_column(sa.String(64), default="", server_default="")
    source_key: Mapped[str | None] = mapped_column(sa.String(512))
    source_hash: Mapped[str | None] = mapped_column(sa.String(64))


def tenant_keys(*references: tuple[str, str], sourced: bool = False) -> tuple[Any, ...]:
    """UNIQUE(organization_id, id) and, for each (column, table), the reference that carries the organization."""
    keys: list[Any] = [sa.UniqueConstraint("organization_id", "id")]
    keys += [
        sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"])
        for column, table in references
    ]
    if sourced:
        keys.append(sa.UniqueConstraint("organization_id", "source", "source_key"))
    return tuple(keys)


@contextmanager
def write_session() -> Iterator[Session]:
    """The one way to change the database: a session of its own, committed at the end, rolled back on any error.

    On SQLite it begins IMMEDIATE: a deferred transaction that reads and then writes would fail at once with
    BUSY_SNAPSHOT when another writer came between.
    """
    with Session(db.engine.execution_options(**{WRITE: True}), expire_on_commit=False) as session, session.begin():
        yield session


def insert_into(db: Session, model: type[Base]) -> Any:
    """The dialect's own INSERT, which both databases give `on_conflict_do_nothing` and `on_conflict_do_update`.

    Into the table, past the ORM, whose part in it is of no use here and takes time for each row.
    """
    table = cast("sa.Table", model.__table__)
    return postgresql.insert(table) if db.get_bind().dialect.name == "postgresql" else sqlite.insert(table)


def updated_rows(db: Session, statement: sa.Update) -> int:
    """Run a conditional update and say how many rows met its conditions: whoever finds none came too late."""
    result = db.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]


def guard_reading_session() -> None:
    """Pages read through db.session; whatever changes goes through write_session()."""
    if not event.contains(db.session, "before_flush", _refuse_writes):
        event.listen(db.session, "before_flush", _refuse_writes)


def _refuse_writes(session: Any, _context: Any, _instances: Any) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("the reading session was given something to write; use write_session()")


__all__ = [
    "Base",
    "Json",
    "Sourced",
    "Tenant",
    "UtcDateTime",
    "guard_reading_session",
    "insert_into",
    "new_id",
    "tenant_keys",
    "updated_rows",
    "words",
    "write_session",
]
