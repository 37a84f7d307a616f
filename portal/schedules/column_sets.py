"""Saved sets of columns. A schedule copies the set it uses: a later change of the set changes no schedule."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import audit
from portal.exports.catalogue import CatalogueError, parse_column_config
from portal.extensions import db
from portal.models import ColumnSet, write_session
from portal.schedules.inputs.problems import NotAccepted, Problem
from portal.schedules.inputs.texts import LONGEST_NAME, hidden

MOST_SETS = 100
_GONE = "This set was deleted meanwhile; choose another one."

Columns = Sequence[str | Mapping[str, str]]
"""As in a schedule's column configuration: keys, or {"key", "label"}, in their order."""


def column_sets(organization_id: uuid.UUID) -> Sequence[ColumnSet]:
    """All of the organization, by name."""
    statement = sa.select(ColumnSet).where(ColumnSet.organization_id == organization_id)
    return db.session.scalars(statement.order_by(sa.func.lower(ColumnSet.name), ColumnSet.id)).all()


def column_set(organization_id: uuid.UUID, set_id: uuid.UUID | None) -> ColumnSet:
    """One of the organization's. Raises NotAccepted where there is none."""
    statement = sa.select(ColumnSet).where(ColumnSet.organization_id == organization_id, ColumnSet.id == set_id)
    found = db.session.scalar(statement) if set_id else None
    if found is None:
        raise NotAccepted([Problem("column_set", "Choose one of the saved sets.")])
    return found


def save_column_set(
    organization_id: uuid.UUID, name: str, columns: Columns, *, actor: audit.Actor, now: datetime
) -> uuid.UUID:
    """A new set. Raises NotAccepted, also where the name is taken; the same set saved twice is there once."""
    name = " ".join(name.split())
    _check(name, columns)
    try:
        with write_session() as session:
            named = session.scalar(_of(organization_id, ColumnSet.name == name))
            if named is not None and named.columns == list(columns):
                return named.id
            if named is not None:
                raise _refused(f"There is a set named “{name}”: choose it and replace it, or give another name.")
            held = sa.select(sa.func.count()).where(ColumnSet.organization_id == organization_id)
            if (session.scalar(held) or 0) >= MOST_SETS:
                raise _refused(f"There are {MOST_SETS} sets, and no more fit: delete one first.")
            made = ColumnSet(
                id=uuid.uuid4(),
                organization_id=organization_id,
                name=name,
                columns=list(columns),
                created_by_id=actor.id,
                created_at=now,
                updated_at=now,
            )
            session.add(made)
            _record(session, made, "column_set.saved", actor, now, {"after": made.columns})
    except IntegrityError as error:
        raise _refused(f"There is a set named “{name}”: choose it and replace it, or give another name.") from error
    return made.id


def replace_column_set(
    organization_id: uuid.UUID, set_id: uuid.UUID, columns: Columns, *, actor: audit.Actor, now: datetime
) -> str:
    """Put these columns in the place of the set's; its name. Raises NotAccepted."""
    with write_session() as session:
        found = _locked(session, organization_id, set_id)
        _check(found.name, columns)
        before, found.columns, found.updated_at = found.columns, list(columns), now
        if before != found.columns:
            _record(session, found, "column_set.replaced", actor, now, {"before": before, "after": found.columns})
        return found.name


def delete_column_set(organization_id: uuid.UUID, set_id: uuid.UUID, *, actor: audit.Actor, now: datetime) -> str:
    """Schedules that used it keep their columns; its name. Raises NotAccepted where it is gone."""
    with write_session() as session:
        found = _locked(session, organization_id, set_id)
        _record(session, found, "column_set.deleted", actor, now, {"before": found.columns})
        session.delete(found)
        return found.name


def _of(organization_id: uuid.UUID, *more: Any) -> sa.Select[ColumnSet]:
    return sa.select(ColumnSet).where(ColumnSet.organization_id == organization_id, *more).with_for_update()


def _locked(session: Session, organization_id: uuid.UUID, set_id: uuid.UUID) -> ColumnSet:
    found = session.scalar(_of(organization_id, ColumnSet.id == set_id))
    if found is None:
        raise NotAccepted([Problem("column_set", _GONE)])
    return found


def _check(name: str, columns: Columns) -> None:
    if not name:
        raise _refused("Give the set a name.")
    if len(name) > LONGEST_NAME:
        raise _refused(f"The name has {len(name)} characters; at most {LONGEST_NAME} fit.")
    if unseen := hidden(name):
        raise _refused(f"The name holds {unseen}; leave it out.")
    if not columns:
        raise _refused("Choose at least one column, and then save the set.")
    try:
        parse_column_config({"columns": list(columns)})
    except CatalogueError as error:
        raise _refused(error.sentence) from error


def _refused(sentence: str) -> NotAccepted:
    return NotAccepted([Problem("column_set_name", sentence)])


def _record(
    session: Session, of: ColumnSet, action: str, actor: audit.Actor, now: datetime, body: Mapping[str, Any]
) -> None:
    audit.record(
        session,
        organization_id=of.organization_id,
        at=now,
        actor=actor,
        action=action,
        subject=("column_set", of.id),
        body={"name": of.name, **body},
    )
