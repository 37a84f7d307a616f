"""The one place that changes a run's state: a conditional update and its audit event, in the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, defer
from sqlalchemy.orm.interfaces import ORMOption

from portal import audit
from portal.models import Run, RunState
from portal.runs.states import LEGAL

RELEASED: Mapping[str, None] = {"lease_owner": None, "lease_until": None}


def without_configuration() -> ORMOption:
    """Load a run without its frozen configuration: one that cannot be read must still be able to end."""
    return defer(Run.configuration, raiseload=True)


class Refused(Exception):  # noqa: N818  # no error: said to the person in one sentence
    """What a person asked of a run cannot be done; the text says why."""


class IllegalTransition(RuntimeError):  # noqa: N818  # named for what it is in the protocol
    """The program asked for a change that the table of states does not have."""


def locked_run(db: Session, organization_id: uuid.UUID, run_id: uuid.UUID) -> Run:
    """The run, locked until the commit: what a worker does to it comes before or after. Raises Refused."""
    statement = (
        sa.select(Run)
        .where(Run.id == run_id, Run.organization_id == organization_id)
        .options(without_configuration())
        .with_for_update()
    )
    run = db.scalars(statement).one_or_none()
    if run is None:
        raise Refused("This run is no longer there.")
    return run


def change_state(
    db: Session,
    run_id: uuid.UUID,
    before: RunState,
    after: RunState,
    *,
    now: datetime,
    reason: str,
    actor: audit.Actor = audit.system,
    only_if: tuple[sa.ColumnElement[bool], ...] = (),
    body: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
) -> bool:
    """Move the run from `before` to `after` and say why; False where it no longer stands at `before` (or `only_if`).

    `columns` are set with it. The audit event is `run.<state>`.
    """
    if after not in LEGAL[before]:
        raise IllegalTransition(f"{before} to {after}")
    statement = (
        sa.update(Run)
        .where(Run.id == run_id, Run.state == before, *only_if)
        .values(state=after, reason=reason, **(columns or {}))
        .returning(Run.organization_id)
        .execution_options(synchronize_session=False)
    )
    organization_id = db.execute(statement).scalar_one_or_none()
    if organization_id is None:
        return False
    audit.record(
        db,
        organization_id=organization_id,
        at=now,
        actor=actor,
        action=f"run.{after.value.lower()}",
        subject=("run", run_id),
        body={"from": before.value, "reason": reason, **(body or {})},
    )
    return True
