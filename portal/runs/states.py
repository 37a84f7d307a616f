"""The states of a run and the changes between them that are legal. Pure: no database."""

from __future__ import annotations

from collections.abc import Iterable

from portal.models import DeliveryState, RunState

S = RunState
LEGAL: dict[RunState, frozenset[RunState]] = {
    S.QUEUED: frozenset({S.RUNNING, S.SKIPPED, S.CANCELLED}),
    S.RUNNING: frozenset({S.QUEUED, S.DELIVERING, S.FAILED, S.SUCCEEDED, S.CANCELLED}),
    S.DELIVERING: frozenset({S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED}),
    S.PARTIAL: frozenset({S.DELIVERING}),
    S.FAILED: frozenset({S.DELIVERING}),
    S.MISSED: frozenset({S.QUEUED}),
    S.SUCCEEDED: frozenset(),
    S.SKIPPED: frozenset(),
    S.CANCELLED: frozenset(),
}
OPEN = frozenset({S.QUEUED, S.RUNNING, S.DELIVERING})

D = DeliveryState
IN_HAND = frozenset({D.PENDING, D.SENDING, D.DATA})
RETRIABLE_BY_A_PERSON = frozenset({D.REJECTED, D.EXPIRED, D.BLOCKED})


def end_of(deliveries: Iterable[tuple[str, DeliveryState]]) -> RunState | None:
    """The end that (destination, state) pairs come to: all accepted, some, none; None while any is still in hand.

    A destination counts as reached when any of its rounds was accepted.
    """
    rows = list(deliveries)
    if any(state in IN_HAND for _, state in rows):
        return None
    destinations = {destination for destination, _ in rows}
    reached = {destination for destination, state in rows if state is D.ACCEPTED}
    uncertain = {destination for destination, state in rows if state is D.UNKNOWN}
    if reached == destinations:
        return S.SUCCEEDED
    return S.PARTIAL if reached or uncertain else S.FAILED
