"""Writing events. A verb calls `record` inside its transaction; the rows are written last, right before the commit,
so that the lock on the chain's head is held for as short as can be and always in the same order."""

from __future__ import annotations

import secrets
import uuid
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
from portal.models.many_rows import compare_and_set, insert_rows

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


@dataclass
class _Head:
    """The end of a chain as this transaction moves it on."""

    sequence: int
    mac: str


@event.listens_for(Session, "before_commit")
def _write_pending(session: Session) -> None:
    pending: list[_Pending] = session.info.pop(PENDING, [])
    if not pending:
        return
    session.flush()
    locked = _locked_heads(session, {each.chain_id for each in pending})
    heads = {chain_id: _Head(*end) for chain_id, end in locked.items()}
    key = chain.audit_key(settings())
    written = [_appended(heads[each.chain_id], each, *key) for each in pending]
    insert_rows(session, AuditEvent, [written_event for written_event, _ in written])
    insert_rows(session, AuditBody, [body for _, body in written])
    compare_and_set(session, AuditHead, [({"chain_id": chain_id}, vars(heads[chain_id])) for chain_id in sorted(heads)])


def _appended(head: _Head, new: _Pending, key_id: str, key: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of the event and of its body; the chain's head moves on to them."""
    sequence, salt = head.sequence + 1, secrets.token_hex(16)
    hash_of_body = chain.body_hash(salt, new.body)
    mac = chain.event_mac(
        key,
        chain_id=new.chain_id,
        sequence=sequence,
        at=new.at,
        actor=(new.actor.kind, str(new.actor.id) if new.actor.id else None, new.actor.name),
        action=new.action,
        subject=new.subject,
        hash_of_body=hash_of_body,
        previous_mac=head.mac,
    )
    written = {
        "chain_id": new.chain_id,
        "sequence": sequence,
        "at": new.at,
        "actor_kind": new.actor.kind,
        "actor_id": new.actor.id,
        "actor_name": new.actor.name,
        "action": new.action,
        "subject_type": new.subject[0],
        "subject_id": new.subject[1],
        "body_hash": hash_of_body,
        "previous_mac": head.mac,
        "key_id": key_id,
        "mac": mac,
    }
    head.sequence, head.mac = sequence, mac
    return written, {"chain_id": new.chain_id, "sequence": sequence, "salt": salt, "body": dict(new.body)}


def _locked_heads(session: Session, chain_ids: set[uuid.UUID]) -> Mapping[uuid.UUID, tuple[int, str]]:
    """(sequence, MAC) at the end of each chain, locked until the commit, in an order that everyone keeps.

    Where a chain has none yet it is made by whoever comes first, before anything is locked: whoever waits there for
    another's commit holds nothing that the other may want.
    """
    of_chains = AuditHead.chain_id.in_(chain_ids)
    missing = chain_ids.difference(session.scalars(sa.select(AuditHead.chain_id).where(of_chains)))
    if missing:
        new = [{"chain_id": chain_id, "sequence": 0, "mac": chain.GENESIS} for chain_id in sorted(missing)]
        session.execute(insert_into(session, AuditHead).on_conflict_do_nothing(), new)
    # columns alone, not objects: an object that was read before the lock would keep its older end
    statement = sa.select(AuditHead.chain_id, AuditHead.sequence, AuditHead.mac).where(of_chains)
    rows = session.execute(statement.order_by(AuditHead.chain_id).with_for_update())
    return {chain_id: (sequence, mac) for chain_id, sequence, mac in rows}
