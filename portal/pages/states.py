"""How each state is shown: an icon, a word and a tone, always in that order. `_state.html` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from portal.models import DeliveryState, RunState, ScheduleState


@dataclass(frozen=True)
class Mark:
    """`icon` is drawn by macros/_state.html; `tone` is a class of app.css: ok, bad, warn, unsure, idle, going."""

    icon: str
    word: str
    tone: str


RUN = {
    RunState.QUEUED: Mark("clock", "Queued", "idle"),
    RunState.RUNNING: Mark("turning", "Running", "going"),
    RunState.DELIVERING: Mark("turning", "Delivering", "going"),
    RunState.SUCCEEDED: Mark("tick", "Succeeded", "ok"),
    RunState.PARTIAL: Mark("half", "Partly sent", "warn"),
    RunState.FAILED: Mark("cross", "Failed", "bad"),
    RunState.SKIPPED: Mark("skip", "Skipped", "idle"),
    RunState.MISSED: Mark("alert", "Missed", "warn"),
    RunState.CANCELLED: Mark("stop", "Cancelled", "idle"),
}
NOTHING_SENT = "NOTHING_SENT"
"""How a run is shown that succeeded by sending nothing, as its schedule asks."""
DELIVERY = {
    DeliveryState.PENDING: Mark("clock", "Waiting", "idle"),
    DeliveryState.SENDING: Mark("turning", "Sending", "going"),
    DeliveryState.DATA: Mark("turning", "Handing over", "going"),
    DeliveryState.ACCEPTED: Mark("tick", "Accepted", "ok"),
    DeliveryState.REJECTED: Mark("cross", "Refused", "bad"),
    DeliveryState.BLOCKED: Mark("stop", "Blocked", "bad"),
    DeliveryState.UNKNOWN: Mark("question", "Not certain", "unsure"),
    DeliveryState.EXPIRED: Mark("cross", "Given up", "bad"),
    DeliveryState.CANCELLED: Mark("stop", "Cancelled", "idle"),
    DeliveryState.BOUNCED: Mark("cross", "Bounced", "bad"),
}
SCHEDULE = {
    ScheduleState.ACTIVE: Mark("tick", "Active", "ok"),
    ScheduleState.PAUSED: Mark("pause", "Paused", "warn"),
    ScheduleState.AWAITING_APPROVAL: Mark("alert", "Needs approval", "warn"),
    ScheduleState.ENDED: Mark("stop", "Finished", "idle"),
    ScheduleState.DELETED: Mark("cross", "Deleted", "idle"),
}
PERSON = {
    "ACTIVE": Mark("tick", "Active", "ok"),
    "INVITED": Mark("clock", "Invited", "idle"),
    "DEACTIVATED": Mark("stop", "Deactivated", "idle"),
}
MARKS: dict[str, dict[str, Mark]] = {
    "run": {state.value: mark for state, mark in RUN.items()} | {NOTHING_SENT: Mark("tick", "Nothing to send", "idle")},
    "delivery": {state.value: mark for state, mark in DELIVERY.items()},
    # A folder accepts nothing; the file lies there or it does not.
    "storage": {state.value: mark for state, mark in DELIVERY.items()}
    | {"ACCEPTED": Mark("tick", "Stored", "ok"), "REJECTED": Mark("cross", "Not stored", "bad")},
    "schedule": {state.value: mark for state, mark in SCHEDULE.items()},
    "person": PERSON,
}


def mark_of(kind: str, value: str | StrEnum) -> Mark:
    """The mark of a run, delivery, storage, schedule or person state."""
    return MARKS[kind][str(value)]
