"""Writing events. A verb calls `record` inside its transaction; the rows are written last, right before the commit,
so that the lock on the chain's head is held for as short as can be and always in the same order."""

from __future__ import annotations

import secrets
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.audit import chain
from portal.config import settings
from portal.models import INSTALLATION, AuditBody, AuditEvent, AuditHead, insert_into

PENDING = "pending_audit_events"


@dataclass(frozen=True)
class Actor:
    """Who acts: a signed-in user, a recipient by link, the operator at the command line, or the system itself."""

    kind: str
    name: str
    id: uuid.UUID | None = None


system = Actor("SYSTEM", "Duepost")
operator = Actor("OPERATOR", "operator")


def user_actor(user_id: uuid.UUID, email: str) -> Actor:
    return Actor("USER", email, user_id)


def recipient(address: str) -> Actor:
    return Actor("RECIPIENT", address)


@dataclass(frozen=True)
class _Pending:
    chain_id: uuid.UUID
    at: datetime
    actor: Actor
    action: str
    subject: tuple[str, str]
    body: Mapping[str, Any]


def record(
    session: Session,
    *,
    organization_id: uuid.UUID | None,
    at: datetime,
    actor: Actor,
    action: str,
    subject: tuple[str, object],
    body: Mapping[str, Any] | None = None,
) -> None:
    """Note that `actor` did `action` ("schedule.paused") to `subject` (("schedule", id)); `body` holds JSON values.

    Without an organization the event belongs to the installation's own chain.
    """
    pending = _Pending(
        chain_id=organization_id or INSTALLATION,
        at=at,
        actor=actor,
        action=action,
        subject=(subject[0], str(subject[1])),
        body=body or {},
    )
    session.info.setdefault(PENDING, []).append(pending)


@event.listens_for(Session, "before_commit")
def _write_pending(session: Session) -> None:
    pending: list[_Pending] = session.info.pop(PENDING, [])
    if not pending:
        return
    session.flush()
    chains: dict[uuid.UUID, list[_Pending]] = defaultdict(list)
    for each in pending:
        chains[each.chain_id].append(each)
    for chain_id in sorted(chains):
        _append(session, chain_id, chains[chain_id])


def _append(session: Session, chain_id: uuid.UUID, pending: list[_Pending]) -> None:
    head = _locked_head(session, chain_id)
    key_id, key = chain.audit_key(settings())
    sequence, mac = head.sequence, head.mac
    events, bodies = [], []
    for each in pending:
        sequence += 1
        salt = secrets.token_hex(16)
        hash_of_body = chain.body_hash(salt, each.body)
        columns = {
            "chain_id": chain_id,
            "sequence": sequence,
            "at": each.at,
            "actor_kind": each.actor.kind,
            "actor_id": each.actor.id,
            "actor_name": each.actor.name,
            "action": each.action,
            "subject_type": each.subject[0],
            "subject_id": each.subject[1],
            "body_hash": hash_of_body,
            "previous_mac": mac,
            "key_id": key_id,
        }
        mac = chain.event_mac(
            key,
            chain_id=chain_id,
            sequence=sequence,
            at=each.at,
            actor=(each.actor.kind, str(each.actor.id) if each.actor.id else None, each.actor.name),
            action=each.action,
            subject=each.subject,
            hash_of_body=hash_of_body,
            previous_mac=mac,
        )
        events.append(columns | {"mac": mac})
        bodies.append({"chain_id": chain_id, "sequence": sequence, "salt": salt, "body": dict(each.body)})
    session.execute(sa.insert(AuditEvent), events)
    session.execute(sa.insert(AuditBody), bodies)
    head.sequence, head.mac = sequence, mac
    session.flush()


def _locked_head(session: Session, chain_id: uuid.UUID) -> AuditHead:
    """The chain's head, locked until the commit; made where the chain has none yet, by whoever comes first."""
    new = insert_into(session, AuditHead).values(chain_id=chain_id, sequence=0, mac=chain.GENESIS)
    if session.get(AuditHead, chain_id) is None:
        session.execute(new.on_conflict_do_nothing())
    statement = sa.select(AuditHead).where(AuditHead.chain_id == chain_id).with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one()
