"""The states of a run and the changes between them that are legal. Pure: no database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from portal.models import DeliveryState, RunState

S = RunState
LEGAL: dict[RunState, frozenset[RunState]] = {
    S.QUEUED: frozenset({S.RUNNING, S.SKIPPED, S.CANCELLED}),
    S.RUNNING: frozenset({S.QUEUED, S.DELIVERING, S.FAILED, S.SUCCEEDED, S.CANCELLED}),
    S.DELIVERING: frozenset({S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED}),
    # it is over; from here on only a person leads further: the stored file again, one that was uncertain settled
    S.SUCCEEDED: frozenset({S.DELIVERING}),
    S.PARTIAL: frozenset({S.DELIVERING, S.SUCCEEDED}),
    S.FAILED: frozenset({S.DELIVERING}),
    S.CANCELLED: frozenset({S.DELIVERING}),
    # "produce it now"
    S.MISSED: frozenset({S.QUEUED}),
    S.SKIPPED: frozenset(),
}
OPEN = frozenset({S.QUEUED, S.RUNNING, S.DELIVERING})
# ended in one of these, a run that has a file may be delivered again
DELIVERABLE_AGAIN = frozenset({S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED})

D = DeliveryState
IN_HAND = frozenset({D.PENDING, D.SENDING, D.DATA})
RETRIABLE_BY_A_PERSON = frozenset({D.REJECTED, D.EXPIRED, D.BLOCKED})


class Standing(NamedTuple):
    """How one row of the ledger stands. `settled`: a person said of an UNKNOWN one that they have it."""

    destination: str
    state: DeliveryState
    settled: bool = False
    round: int = 1

    @property
    def reached(self) -> bool:
        return self.settled or self.state is D.ACCEPTED


def end_of(rows: Iterable[Standing]) -> RunState | None:
    """The end that a run's ledger comes to: all reached, some, none; None while any is still in hand.

    A destination counts as reached when any of its rounds was accepted or settled.
    """
    rows = list(rows)
    if any(row.state in IN_HAND for row in rows):
        return None
    destinations = {row.destination for row in rows}
    reached = {row.destination for row in rows if row.reached}
    if reached == destinations:
        return S.SUCCEEDED
    return S.PARTIAL if reached or any(row.state is D.UNKNOWN for row in rows) else S.FAILED
