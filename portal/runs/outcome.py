"""What a run's ledger comes to, in words and in numbers."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.models import Delivery, DeliveryState
from portal.runs.states import Standing

CONFIRMED = "CONFIRMED"
_WORDS = {
    DeliveryState.REJECTED: "refused",
    DeliveryState.EXPIRED: "given up after 24 hours",
    DeliveryState.BLOCKED: "blocked by policy",
    DeliveryState.UNKNOWN: "not certain",
    DeliveryState.CANCELLED: "cancelled",
    DeliveryState.BOUNCED: "bounced",
}


def standings(db: Session, run_id: uuid.UUID) -> list[Standing]:
    """Every row of the run's ledger, earlier rounds first; but the backup recipient's, of whom nothing tells."""
    settled = Delivery.settled_at.is_not(None)
    statement = sa.select(Delivery.destination, Delivery.state, settled, Delivery.round)
    of_run = statement.where(Delivery.run_id == run_id, ~Delivery.backup)
    return [Standing(*row) for row in db.execute(of_run.order_by(Delivery.round, Delivery.position))]


def summary(rows: Sequence[Standing]) -> str:
    """ "Accepted for 2 of 3 destinations; 1 refused. Sent again to 1: 1 accepted." """
    accepted = {row.destination for row in rows if row.state is DeliveryState.ACCEPTED}
    confirmed = {row.destination for row in rows if row.settled} - accepted
    newest = {row.destination: row.state for row in rows}
    total = len(newest)
    others = Counter(state for destination, state in newest.items() if destination not in accepted | confirmed)
    parts = [f"{len(confirmed)} confirmed by a person"] if confirmed else []
    parts += [f"{others[state]} {words}" for state, words in _WORDS.items() if others[state]]
    text = f"Accepted for {len(accepted)} of {total} {'destination' if total == 1 else 'destinations'}"
    text = f"{text}; {', '.join(parts)}." if parts else f"{text}."
    return " ".join([text, *_later_rounds(rows)])


def _later_rounds(rows: Sequence[Standing]) -> list[str]:
    """What became of the stored file where it was sent again, a sentence a round."""
    sentences = []
    for number in range(2, max((row.round for row in rows), default=1) + 1):
        states = Counter(row.state for row in rows if row.round == number)
        words = {DeliveryState.ACCEPTED: "accepted", **_WORDS}
        came_to = ", ".join(f"{states[state]} {word}" for state, word in words.items() if states[state])
        if came_to:
            sentences.append(f"Sent again to {states.total()}: {came_to}.")
    return sentences


def counts(rows: Sequence[Standing]) -> dict[str, int]:
    """Rows by state; those that a person settled are counted apart, since nothing about them is uncertain any more."""
    return dict(Counter(CONFIRMED if row.settled else row.state.value for row in rows))
