"""Walking the chains: names the first event of each that does not fit what was written."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit import chain
from portal.config import settings
from portal.extensions import db
from portal.models import AuditBody, AuditEvent, AuditHead

PAGE = 1_000


@dataclass(frozen=True)
class ChainReport:
    """`problem` is None for a chain that holds; else a sentence that names the first event at fault."""

    chain_id: uuid.UUID
    events: int
    problem: str | None


def verify_chains(only: uuid.UUID | None = None) -> list[ChainReport]:
    """Every chain of the installation, or the one of `only`, read page by page."""
    with Session(db.engine) as session:
        statement = sa.select(AuditHead).order_by(AuditHead.chain_id)
        if only is not None:
            statement = statement.where(AuditHead.chain_id == only)
        heads = {head.chain_id: head for head in session.scalars(statement)}
        known = sa.select(AuditEvent.chain_id).distinct()
        chains = [each for each in session.scalars(known) if only in (None, each)]
        return [_verify(session, each, heads.get(each)) for each in sorted({*chains, *heads})]


def _verify(session: Session, chain_id: uuid.UUID, head: AuditHead | None) -> ChainReport:
    key_id, key = chain.audit_key(settings())
    sequence, mac = 0, chain.GENESIS
    for event, body in _events(session, chain_id):
        problem = _fault(event, body, sequence + 1, mac, key_id, key)
        if problem:
            return ChainReport(chain_id, sequence, problem)
        sequence, mac = event.sequence, event.mac
    if head is None or (head.sequence, head.mac) != (sequence, mac):
        ends = head.sequence if head else "nothing"
        return ChainReport(chain_id, sequence, f"The log ends at event {sequence}, but its head says {ends}.")
    return ChainReport(chain_id, sequence, None)


def _events(session: Session, chain_id: uuid.UUID) -> Iterator[tuple[AuditEvent, AuditBody | None]]:
    after = -1
    while True:
        rows = session.execute(
            sa.select(AuditEvent, AuditBody)
            .outerjoin(
                AuditBody,
                sa.and_(AuditBody.chain_id == AuditEvent.chain_id, AuditBody.sequence == AuditEvent.sequence),
            )
            .where(AuditEvent.chain_id == chain_id, AuditEvent.sequence > after)
            .order_by(AuditEvent.sequence)
            .limit(PAGE)
        ).all()
        yield from ((row[0], row[1]) for row in rows)
        if len(rows) < PAGE:
            return
        after = rows[-1][0].sequence
        session.expunge_all()


def _fault(
    event: AuditEvent, body: AuditBody | None, sequence: int, previous_mac: str, key_id: str, key: bytes
) -> str | None:
    name = f"Event {event.sequence}"
    if event.sequence != sequence:
        return f"Event {sequence} is missing."
    if event.key_id != key_id:
        return f"{name} was written with another key ({event.key_id}); set the key it was written with."
    expected = chain.event_mac(
        key,
        chain_id=event.chain_id,
        sequence=event.sequence,
        at=event.at,
        actor=(event.actor_kind, str(event.actor_id) if event.actor_id else None, event.actor_name),
        action=event.action,
        subject=(event.subject_type, event.subject_id),
        hash_of_body=event.body_hash,
        previous_mac=previous_mac,
    )
    if event.previous_mac != previous_mac or event.mac != expected:
        return f"{name} does not fit: it or its place in the log was changed."
    if body is not None and chain.body_hash(body.salt, body.body) != event.body_hash:
        return f"{name} has a body that was changed."
    return None
