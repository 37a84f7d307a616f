"""A clock that jumps: noticed against the time since the machine started, which nobody sets.

A clock that leaps ahead by hours would make the tick call everything of those hours missed. So after a leap ahead of
more than an hour nothing is started until the new time has stood for ten minutes; where somebody puts the clock right
meanwhile, it goes on at once and nothing was lost.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from portal.models import Heartbeat, insert_into, write_session
from portal.plumbing.logs import log

NAME = "clock:"
JUMP_SECONDS = 60.0
LEAP_SECONDS = 3600.0
STANDS_SECONDS = 600.0
# a clock that is kept right by small steps may drift so far, and no further, between two looks
DRIFT = 0.0005
FORGOTTEN = timedelta(days=30)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
logger = log(__name__)


@dataclass(frozen=True)
class Seen:
    """What one machine's tick knew of the clock: seconds throughout; `boot` counts from the start of the machine."""

    boot: float
    offset: float
    """Wall clock minus `boot`: the same at every look, as long as nobody sets the clock."""
    jumped_at: str | None = None
    jumped_by: float = 0.0
    trusted: float | None = None
    """The offset before a leap ahead, while ticks are held back."""
    stands_at: float = 0.0

    @classmethod
    def from_json(cls, detail: Mapping[str, Any]) -> Seen:
        return cls(**detail)


def boot_time() -> tuple[str, float] | None:
    """(this start of the machine, seconds since then, sleep included); None where the system does not tell."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip(), time.clock_gettime(time.CLOCK_BOOTTIME)
    except (OSError, AttributeError):
        return None


def held_back(now: datetime) -> bool:
    """Look at the clock, write down what was seen, and say whether nothing may be started. `now` was asked just now."""
    found = boot_time()
    if found is None:
        return False
    boot_id, boot = found
    name = NAME + boot_id
    with write_session() as db:
        detail = db.scalar(sa.select(Heartbeat.detail).where(Heartbeat.name == name).with_for_update())
        before = Seen.from_json(detail) if detail else None
        seen = look(before, now, boot)
        values = {"at": now, "detail": asdict(seen)}
        statement = insert_into(db, Heartbeat).values(name=name, **values)
        db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
        if before is None:
            db.execute(sa.delete(Heartbeat).where(Heartbeat.name.startswith(NAME), Heartbeat.at < now - FORGOTTEN))
    if before is not None and seen.jumped_at != before.jumped_at:
        logger.warning("the clock jumped", seconds=round(seen.jumped_by), held_back=seen.trusted is not None)
    return seen.trusted is not None


def look(before: Seen | None, now: datetime, boot: float) -> Seen:
    """What is known after another look. Pure."""
    offset = now.timestamp() - boot
    if before is None:
        return Seen(boot, offset)
    moved = offset - before.offset
    jumped_at, jumped_by = before.jumped_at, before.jumped_by
    trusted, stands_at = before.trusted, before.stands_at
    if abs(moved) > JUMP_SECONDS + DRIFT * max(boot - before.boot, 0.0):
        jumped_at, jumped_by = now.isoformat(), moved
        right = before.offset if trusted is None else trusted
        trusted, stands_at = (right, boot + STANDS_SECONDS) if offset - right > LEAP_SECONDS else (None, 0.0)
    elif trusted is not None and boot >= stands_at:
        trusted, stands_at = None, 0.0
    return Seen(boot, offset, jumped_at, jumped_by, trusted, stands_at)
